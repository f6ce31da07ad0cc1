//! Scrubs the metadata of archives and compressed streams: names, comments, owners, extra fields
//! and attributes.
//!
//! Metadata goes through the same rules as logs, and its findings count like any others. Text is
//! rewritten. A field of unknown layout is kept if it is text or too short to hold a secret, and
//! left out if there is a finding among other bytes. Other binary fields cannot be examined: they
//! are left out (in place: kept) and reported.

use std::sync::{Arc, Mutex, PoisonError};

use super::file_names::Names;
use crate::{scrub::Scrubber, source::refuse, tally::Tally};

/// Binary fields of at most this size are kept: flags, numbers, times.
const SHORT: usize = 8;

/// Replaces a name that is not text, or of which nothing is left.
pub(super) const NO_NAME: &[u8] = b"REDACTED-name";

/// What happens to a part that cannot be examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unexamined {
    /// It is left out of the output.
    Leave,
    /// It stays in its archive unchanged.
    Keep,
}

/// What to do with a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Keep it.
    Clean,
    /// Replace it.
    Changed(Vec<u8>),
    /// Leave it out: there is a finding among bytes that cannot be rewritten safely.
    Withheld,
    /// It is binary and cannot be examined.
    Unexamined,
}

impl Verdict {
    /// The bytes to write in place of `field`; `None` to leave it out. A field that cannot be
    /// examined is recorded under the name that `what` returns.
    pub(super) fn applied(
        self,
        field: &[u8],
        policy: Unexamined,
        notes: &mut Vec<String>,
        what: impl FnOnce() -> String,
    ) -> Option<Vec<u8>> {
        match self {
            Verdict::Clean => Some(field.to_vec()),
            Verdict::Changed(clean) => Some(clean),
            Verdict::Withheld => None,
            Verdict::Unexamined => {
                let note = format!("{} is binary and cannot be examined", what());
                if !notes.contains(&note) {
                    notes.push(note);
                }
                (policy == Unexamined::Keep).then(|| field.to_vec())
            }
        }
    }
}

/// Scrubs metadata.
pub(super) struct MetadataScrubber {
    names: Names,
    /// Counts since the last [`MetadataScrubber::take_findings`].
    tally: Tally,
}

impl MetadataScrubber {
    pub(super) fn new(scrubber: &Scrubber) -> MetadataScrubber {
        MetadataScrubber { names: Names::new(scrubber), tally: Tally::default() }
    }

    /// Returns and resets the counts of findings and masked texts. Names and comments are not log
    /// records and are not counted as such.
    pub(super) fn take_findings(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    fn count(&mut self) {
        let mut tally = self.names.take_tally();
        if tally.findings() == 0 && tally.incomplete() == 0 {
            return;
        }
        (tally.bytes_in, tally.bytes_out, tally.records_in, tally.records_out) = (0, 0, 0, 0);
        tally.by_day.clear();
        tally.by_format.clear();
        self.tally.merge(&tally);
    }

    /// Scrubs a path or a component of one. `None` if it is unchanged.
    pub(super) fn name(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        if refuse::wide(name).is_some() {
            self.tally.withheld += 1;
            return Some(NO_NAME.to_vec());
        }
        let clean = self.names.clean(name);
        self.count();
        (clean != name).then_some(clean)
    }

    /// Like [`MetadataScrubber::name`], without counting.
    pub(super) fn name_again(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        if refuse::wide(name).is_some() {
            return Some(NO_NAME.to_vec());
        }
        let clean = self.names.clean(name);
        self.names.take_tally();
        (clean != name).then_some(clean)
    }

    /// Whether there are no findings in any of these names and in `text`. Counts nothing.
    pub(super) fn is_clean(&mut self, names: &[&[u8]], text: &[u8]) -> bool {
        self.names.is_clean(&[names, &[text]].concat())
    }

    /// Scrubs a text. `None` if it is unchanged.
    pub(super) fn text(&mut self, text: &[u8]) -> Option<Vec<u8>> {
        let clean = self.names.scrubbed(text);
        self.count();
        (clean != text).then_some(clean)
    }

    /// Scrubs a comment, which may use any 8-bit encoding.
    pub(super) fn comment(&mut self, comment: &[u8]) -> Verdict {
        let is_text = is_text(comment);
        self.verdict(comment, is_text)
    }

    /// Scrubs a field of unknown layout. Text in it is UTF-8, perhaps padded with NULs.
    pub(super) fn field(&mut self, field: &[u8]) -> Verdict {
        let n_text = field.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        let (text, nuls) = field.split_at(n_text);
        let is_text = is_text(text) && std::str::from_utf8(text).is_ok();
        match self.verdict(text, is_text) {
            Verdict::Changed(clean) => Verdict::Changed([&clean, nuls].concat()),
            verdict => verdict,
        }
    }

    fn verdict(&mut self, bytes: &[u8], is_text: bool) -> Verdict {
        if refuse::wide(bytes).is_some() {
            return Verdict::Unexamined;
        }
        match self.text(bytes) {
            Some(clean) if is_text => Verdict::Changed(clean),
            Some(_) => Verdict::Withheld,
            None if is_text || bytes.len() <= SHORT => Verdict::Clean,
            None => Verdict::Unexamined,
        }
    }
}

/// Whether the bytes are text in an 8-bit encoding or UTF-8, without control characters.
fn is_text(bytes: &[u8]) -> bool {
    !bytes.iter().any(is_control) && refuse::wide(bytes).is_none()
}

fn is_control(byte: &u8) -> bool {
    (*byte < b' ' && !b"\t\n\r".contains(byte)) || *byte == 0x7f
}

/// Findings in headers, and the headers that could not be examined.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) tally: Tally,
    pub(super) unexamined: Vec<String>,
}

/// Scrubs the headers of a compressed stream while it is decoded.
pub(super) struct Headers {
    pub(super) texts: MetadataScrubber,
    pub(super) policy: Unexamined,
    notes: Arc<Mutex<Notes>>,
}

impl Headers {
    pub(super) fn new(scrubber: &Scrubber, policy: Unexamined) -> Headers {
        Headers { texts: MetadataScrubber::new(scrubber), policy, notes: Arc::default() }
    }

    /// The notes, for the encoder.
    pub(super) fn notes(&self) -> Arc<Mutex<Notes>> {
        Arc::clone(&self.notes)
    }

    /// The bytes to write in place of a field.
    pub(super) fn applied(
        &mut self,
        verdict: Verdict,
        field: &[u8],
        what: impl FnOnce() -> String,
    ) -> Option<Vec<u8>> {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.tally.merge(&self.texts.take_findings());
        verdict.applied(field, self.policy, &mut notes.unexamined, what)
    }

    /// Scrubs a name.
    pub(super) fn name(&mut self, name: &[u8]) -> Vec<u8> {
        let clean = self.texts.name(name);
        let verdict = clean.map_or(Verdict::Clean, Verdict::Changed);
        self.applied(verdict, name, String::new).unwrap_or_default()
    }

    /// Records something that is left out because it cannot be examined.
    pub(super) fn note(&mut self, words: &str) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.unexamined.push(words.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{policy::Policy, rules::RuleSet};

    #[test]
    fn text_is_rewritten_and_other_bytes_are_kept_only_when_they_are_few() {
        let scrubber =
            Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
        let mut texts = MetadataScrubber::new(&scrubber);
        let wide: Vec<u8> =
            "to bob@example.com".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let noise: Vec<u8> =
            (0..40).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for (bytes, expected) in [
            (&b"plain text\0\0"[..], Verdict::Clean),
            (b"to bob@example.com\0", Verdict::Changed(b"to REDACTED-email\0".to_vec())),
            (b"\x01\x02\x03 to bob@example.com", Verdict::Withheld),
            (b"\x01\x02\x03\x04\x05\x06\x07\x08", Verdict::Clean),
            (&wide, Verdict::Unexamined),
            (&noise, Verdict::Unexamined),
            (b"", Verdict::Clean),
        ] {
            assert_eq!(texts.field(bytes), expected, "{}", bytes.escape_ascii());
        }
        assert_eq!(texts.take_findings().findings(), 2);
        assert_eq!(
            texts.comment(b"caf\xe9 of bob@example.com"),
            Verdict::Changed(b"caf\xe9 of REDACTED-email".to_vec())
        );
        assert_eq!(texts.name(b"bob@example.com.log").as_deref(), Some(&b"REDACTED-email.log"[..]));
        assert_eq!((texts.take_findings().findings(), texts.take_findings().findings()), (2, 0));
        assert_eq!(texts.name(&wide).as_deref(), Some(NO_NAME));
        assert_eq!(texts.take_findings().withheld, 1);
    }
}
