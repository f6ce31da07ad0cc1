//! Records that cannot be examined: masked, dropped, or the end of the output, as the policy says.
//!
//! When a block fails, its records are examined one by one, so that only those that fail are
//! withheld.

use super::{
    Outcome, Scrubber,
    engine::{Input, caught},
    examine::Examined,
    rescan::RescanBuffer,
    verify,
};
use crate::{
    policy::OnError,
    redact::{Mark, OutputRuns},
    text::{line, span::Span},
};

impl Scrubber {
    /// Scrubs a block that could not be examined, record by record.
    pub(super) fn scrub_one_by_one(&mut self, hay: &[u8], out: &mut OutputRuns) -> Outcome {
        if self.on_error == OnError::Stop {
            return Outcome::Stopped;
        }
        let mut start = 0;
        while start < hay.len() {
            let end = line::next(hay, start);
            self.scrub_one(hay, Span::new(start, end), out);
            start = end;
        }
        Outcome::Changed
    }

    /// Scrubs one record alone.
    pub(super) fn scrub_one(&mut self, hay: &[u8], span: Span, out: &mut OutputRuns) {
        let record = span.of(hay);
        if !self.examine(Input::Text(record)) {
            return out.write(|text| self.withhold(record, text));
        }
        let whole = Span::new(0, record.len());
        self.count_allowed(whole);
        if self.first.edits.is_empty() {
            return out.keep(hay, span);
        }
        let mark = out.mark();
        let edited = caught(|| {
            let mut buffer = std::mem::take(&mut self.buffer);
            self.edit_records(record, &mut buffer);
            out.part(span.start, |out| buffer.write(record, whole, out));
            self.buffer = buffer;
        });
        if edited.is_none() {
            self.forget_fault(out, mark);
            out.write(|text| self.withhold(record, text));
        }
    }

    /// Withholds every record of a block, if a fault left unknown which of them it was in.
    pub(super) fn withhold_all(&mut self, hay: &[u8], out: &mut OutputRuns) -> Outcome {
        if self.on_error == OnError::Stop {
            return Outcome::Stopped;
        }
        let mut start = 0;
        while start < hay.len() {
            let end = line::next(hay, start);
            out.write(|text| self.withhold(&hay[start..end], text));
            start = end;
        }
        Outcome::Changed
    }

    /// Drops what a step that panicked left half done. Counts stay: they may be too high.
    pub(super) fn forget_fault(&mut self, out: &mut OutputRuns, mark: Mark) {
        out.rewind(mark);
        self.first = Examined::default();
        self.buffer = RescanBuffer::default();
    }

    /// Appends what replaces a record that cannot be examined, line end and all.
    pub(super) fn withhold(&mut self, record: &[u8], out: &mut Vec<u8>) {
        self.tally.withheld += 1;
        if self.on_error == OnError::Mask {
            let text = line::from(record, 0).of(record);
            verify::mask(text, out);
            out.extend_from_slice(&record[text.len()..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Outcome, policy::Policy, scrub::tests::scrubber};

    #[test]
    fn a_fault_of_the_edits_masks_its_record_alone() {
        let mut field = b"FOO\n\x23\0\0\0\0\0\0\0acme_kkkkkkkkkkkkkkkkkkkkkkkkk BOOM\n".to_vec();
        let masked = b"FOO\n\x0f\0\0\0\0\0\0\0REDACTED-record\n";
        field.splice(0..0, *b"__CURSOR=a\n");
        field.extend_from_slice(b"_HOSTNAME=h1\n\n");
        let masked = [b"__CURSOR=a\n", &masked[..], b"_HOSTNAME=h1\n\n"].concat();
        for (hay, clean) in [
            (
                &b"one\nacme_kkkkkkkkkkkkkkkkkkkkkkkkk BOOM\nacme_kkkkkkkkkkkkkkkkkkkkkkkkk\nfour\n"[..],
                &b"one\nREDACTED-record\nREDACTED-acme-token\nfour\n"[..],
            ),
            (&field, &masked),
        ] {
            let mut scrubber = scrubber(&Policy::new());
            scrubber.fail_on(b"edits:BOOM");
            let mut out = Vec::new();
            assert_eq!(scrubber.scrub_block(hay, &mut out), Outcome::Changed);
            assert_eq!(out.escape_ascii().to_string(), clean.escape_ascii().to_string());
            assert_eq!(scrubber.tally().withheld, 1);
        }
    }
}
