//! Texts beside the logs: names, comments, owners, extra fields and attributes in archives and
//! compressed streams.
//!
//! They go through the same rules as the logs, and what is found in them counts like any other
//! finding. A text is rewritten. A field whose layout is not known here is kept when it is text, or
//! too short to hold a secret; with a finding between other bytes it is left out. Other binary
//! fields cannot be examined: they are left out (in place: kept) and reported, so that nothing
//! passes unseen.

use std::sync::{Arc, Mutex, PoisonError};

use super::file_names::Names;
use crate::{scrub::Scrubber, source::refuse, tally::Tally};

/// Binary fields of at most this many bytes are kept: flags, numbers, times.
const SHORT: usize = 8;

/// Stands in place of a name that is no text, or of which nothing is left.
pub(super) const NO_NAME: &[u8] = b"REDACTED-name";

/// What happens to a part that cannot be examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unexamined {
    /// It is left out of the output.
    Leave,
    /// It stays in its archive unchanged.
    Keep,
}

/// What a field is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It stays as it is.
    Clean,
    /// It is rewritten to this.
    Changed(Vec<u8>),
    /// A finding lies in bytes that cannot be rewritten safely: the field is left out.
    Withheld,
    /// It is binary, and nothing can be said of it.
    Unexamined,
}

impl Verdict {
    /// What is written in place of `field`, nothing where it is left out; a field that cannot be
    /// examined is noted under the name that `what` gives.
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

/// Looks at metadata.
pub(super) struct Texts {
    names: Names,
    /// What was found so far.
    tally: Tally,
}

impl Texts {
    pub(super) fn new(scrubber: &Scrubber) -> Texts {
        Texts { names: Names::new(scrubber), tally: Tally::default() }
    }

    /// What was found since this was asked last: findings, and what was masked. Names and comments
    /// are no records of a log, so they are not counted as such.
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

    /// A path, or a part of one: what it becomes, when that is something else.
    pub(super) fn name(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        if refuse::wide(name).is_some() {
            self.tally.withheld += 1;
            return Some(NO_NAME.to_vec());
        }
        let clean = self.names.clean(name);
        self.count();
        (clean != name).then_some(clean)
    }

    /// The same, without counting what is found.
    pub(super) fn name_again(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        if refuse::wide(name).is_some() {
            return Some(NO_NAME.to_vec());
        }
        let clean = self.names.clean(name);
        self.names.take_tally();
        (clean != name).then_some(clean)
    }

    /// Whether nothing is found in any of these names and in `text`; nothing is counted.
    pub(super) fn is_clean(&mut self, names: &[&[u8]], text: &[u8]) -> bool {
        self.names.is_clean(&[names, &[text]].concat())
    }

    /// A text: what it becomes, when that is something else.
    pub(super) fn text(&mut self, text: &[u8]) -> Option<Vec<u8>> {
        let clean = self.names.scrubbed(text);
        self.count();
        (clean != text).then_some(clean)
    }

    /// Text in any encoding of eight bits, as comments are.
    pub(super) fn comment(&mut self, comment: &[u8]) -> Verdict {
        let is_text = is_text(comment);
        self.verdict(comment, is_text)
    }

    /// Bytes of a layout that is not known; text is UTF-8 there, perhaps with NULs behind it.
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

/// Whether there is nothing but characters in it, of eight bits each at least and none of them a
/// control.
fn is_text(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| (*byte < b' ' && !b"\t\n\r".contains(byte)) || *byte == 0x7f;
    !bytes.iter().any(is_control) && refuse::wide(bytes).is_none()
}

/// What a codec found in headers, and which of them it could not examine.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) tally: Tally,
    pub(super) unexamined: Vec<String>,
}

/// The headers of a compressed stream, looked at while it is read.
pub(super) struct Headers {
    pub(super) texts: Texts,
    pub(super) policy: Unexamined,
    notes: Arc<Mutex<Notes>>,
}

impl Headers {
    pub(super) fn new(scrubber: &Scrubber, policy: Unexamined) -> Headers {
        Headers { texts: Texts::new(scrubber), policy, notes: Arc::default() }
    }

    /// What was found, for the side that writes.
    pub(super) fn notes(&self) -> Arc<Mutex<Notes>> {
        Arc::clone(&self.notes)
    }

    /// What is written in place of a field.
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

    /// A name: what is written in its place.
    pub(super) fn name(&mut self, name: &[u8]) -> Vec<u8> {
        let clean = self.texts.name(name);
        let verdict = clean.map_or(Verdict::Clean, Verdict::Changed);
        self.applied(verdict, name, String::new).unwrap_or_default()
    }

    /// Notes something that is left out because it cannot be examined.
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
        let mut texts = Texts::new(&scrubber);
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
