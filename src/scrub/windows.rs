//! Records over the limit, worked through in overlapping windows.
//!
//! The last [`OVERLAP`] bytes of a window wait for the next one, where they are examined with what
//! follows them. So each window settles the part between its context, which was written already,
//! and its overlap. The edits of that part are made, examined again and verified like those of any
//! record; the second look reads the part between the same context and overlap.

use super::{
    Outcome, Scrubber, Step,
    engine::Input,
    rescan::{Reread, RescanBuffer},
};
use crate::{
    detect::{MAX_SECRET, State},
    frame::buffer::Window,
    policy::OnError,
    redact::{self, OutputRuns},
    text::{line, span::Span},
};

/// How many bytes of a window's end are examined again with the next one: the longest secret, and
/// what a detector reads before it.
pub(super) const OVERLAP: usize = MAX_SECRET + (4 << 10);

/// What the windows of one long record hand to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Carry {
    #[default]
    Nothing,
    /// A secret that was longer than the window continues: its placeholder is written, its rest is
    /// left out.
    Secret,
    /// A window could not be examined: the rest of the record is left out.
    Withheld,
}

impl Scrubber {
    /// Scrubs part of a record over the limit.
    pub(super) fn scrub_window(&mut self, window: Window<'_>, out: &mut OutputRuns) -> Step {
        let Window { hay, context, is_last } = window;
        self.days.begin_window(hay, context);
        let from = self.window_start(window);
        let (outcome, end) = if self.carry == Carry::Withheld {
            (leave_out(hay, out), hay.len())
        } else if self.is_no_text(window) || !self.examine_window(window) {
            self.withhold_window(window, out)
        } else {
            self.edit_window(window, from, out)
        };
        self.tally.bytes_in += (end - context) as u64;
        self.tally.records_in += u64::from(is_last);
        if is_last {
            self.carry = Carry::Nothing;
        }
        Step {
            outcome,
            done: Span::new(from.min(end), end),
            ends_record: is_last,
            records_out: u64::from(is_last),
        }
    }

    /// Where in a window the bytes begin that are not settled yet.
    pub(super) fn window_start(&self, window: Window<'_>) -> usize {
        let Window { hay, context, .. } = window;
        match self.carry {
            Carry::Nothing => context,
            Carry::Secret => context + end_of_run(&hay[context..]),
            Carry::Withheld => hay.len(),
        }
    }

    /// Examines a window; answers whether that was possible. A private key that is open before the
    /// record stays open, and one that opens inside counts only when nothing of the record follows.
    pub(super) fn examine_window(&mut self, window: Window<'_>) -> bool {
        let before = self.state.clone();
        if window.context > 0 {
            self.state = State::default();
        }
        let is_examined = self.examine(Input::Text(window.hay));
        if !is_examined || !window.is_last || !self.state.is_open() {
            self.state = before;
        }
        is_examined
    }

    /// Keeps the edits that are settled with a window; answers what it settles.
    pub(super) fn settled_part(&mut self, window: Window<'_>, from: usize) -> Span {
        let Window { hay, is_last, .. } = window;
        let end = if is_last { hay.len() } else { from.max(hay.len() - OVERLAP) };
        // What begins in the overlap is found again; what begins before it is done here, whole.
        let part = Span::new(from.min(end), end);
        let end = self.examiner.keep_inside(hay, part, &mut self.first);
        self.carry_over(window, end);
        Span::new(part.start, end)
    }

    /// A secret that reaches to the end of a window may continue in the next one.
    fn carry_over(&mut self, window: Window<'_>, end: usize) {
        let is_open = !window.is_last && end == window.hay.len();
        self.carry = if is_open { Carry::Secret } else { Carry::Nothing };
    }

    /// Makes the edits of a window's part and verifies it; answers where the next window continues.
    fn edit_window(
        &mut self,
        window: Window<'_>,
        from: usize,
        out: &mut OutputRuns,
    ) -> (Outcome, usize) {
        let hay = window.hay;
        let part = self.settled_part(window, from);
        self.count_allowed(part);
        if self.first.edits.is_empty() {
            return (Outcome::Clean, part.end);
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        self.rescan_window(hay, part, &mut buffer);
        let changed = &buffer.records[0];
        let (end, after) = (changed.record.end, changed.text.of(&buffer.text));
        // The part with what follows it, where a URL may end, and without its terminator.
        let text_end = line::from(hay, part.start).end;
        let now_end = after.len() - (hay.len() - text_end);
        let edited = if self.holds(&hay[part.start..text_end], &after[part.start..now_end]) {
            self.carry_over(window, end);
            let settled = Span::new(part.start, after.len() - (hay.len() - end));
            out.write(|text| text.extend_from_slice(settled.of(after)));
            (Outcome::Changed, end)
        } else {
            self.tally.broken += 1;
            self.carry = Carry::Withheld;
            out.write(|text| text.extend_from_slice(redact::RECORD));
            (leave_out(hay, out), hay.len())
        };
        self.buffer = buffer;
        edited
    }

    /// Makes the edits of a window's part until nothing more is found in it. The part grows where
    /// something is found that reaches behind it.
    fn rescan_window(&mut self, hay: &[u8], part: Span, buffer: &mut RescanBuffer) {
        let edits = std::mem::take(&mut self.first.edits);
        buffer.take_one(hay, &edits, Span::new(0, hay.len()));
        buffer.records[0].record = part;
        let n_findings = self.count_edits(&edits, edits.as_slice());
        self.first.edits = edits;
        self.days.count_window(n_findings, &mut self.tally);
        self.rescan(buffer, Reread::Window(hay.len()));
    }

    /// Withholds the record from this window on; what earlier windows settled was written already.
    pub(super) fn withhold_window(
        &mut self,
        window: Window<'_>,
        out: &mut OutputRuns,
    ) -> (Outcome, usize) {
        if self.on_error == OnError::Stop {
            return (Outcome::Stopped, window.hay.len());
        }
        self.carry = Carry::Withheld;
        self.tally.withheld += 1;
        if self.on_error == OnError::Mask {
            out.write(|text| text.extend_from_slice(redact::RECORD));
        }
        (leave_out(window.hay, out), window.hay.len())
    }
}

/// Adds nothing of the record but its terminator.
fn leave_out(hay: &[u8], out: &mut OutputRuns) -> Outcome {
    let end = memchr::memrchr(b'\n', hay).unwrap_or(hay.len());
    out.write(|text| text.extend_from_slice(&hay[end..]));
    Outcome::Changed
}

/// The length of the rest of a secret without a known end: up to white space, a quote or a
/// separator.
fn end_of_run(hay: &[u8]) -> usize {
    hay.iter().position(ends_secret).unwrap_or(hay.len())
}

fn ends_secret(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || b"\"'`,;&<>".contains(byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::Policy,
        rules::RuleSet,
        scrub::{
            MIN_RECORD_LIMIT,
            tests::{read, scrubber},
        },
    };

    /// A record of `n_bytes` with a secret of `length` bytes at `at`, and the same with its
    /// placeholder.
    fn record(n_bytes: usize, at: usize, length: usize) -> (Vec<u8>, Vec<u8>) {
        let filler = |n_bytes: usize| b"0123456 ".iter().cycle().take(n_bytes).copied();
        let mut input: Vec<u8> = filler(at).collect();
        let mut clean = input.clone();
        input.extend_from_slice(b"acme_");
        input.extend(std::iter::repeat_n(b'k', length - 5));
        clean.extend_from_slice(b"REDACTED-acme-token");
        for text in [&mut input, &mut clean] {
            text.push(b' ');
            text.extend(filler(n_bytes.saturating_sub(at + length)));
            text.extend_from_slice(b"\nnext\n");
        }
        (input, clean)
    }

    #[test]
    fn no_secret_is_missed_at_the_seam_of_windows() {
        let seam = MIN_RECORD_LIMIT - OVERLAP;
        for length in [30, 5000, MAX_SECRET] {
            for seam in [seam, 2 * seam, MIN_RECORD_LIMIT] {
                for shift in [0, 1, 4, 5, 6, 25, 29, 31, length / 2, length - 1, length, length + 1]
                {
                    let (input, clean) = record(700_000, seam.saturating_sub(shift), length);
                    let out = read(&input, scrubber(&Policy::new()));
                    assert!(
                        out == clean,
                        "a secret of {length} bytes, {shift} before the seam at {seam}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_secret_longer_than_a_window_leaves_one_placeholder() {
        let (input, clean) = record(2_000_000, 1000, 900_000);
        assert!(read(&input, scrubber(&Policy::new())) == clean);
        let (input, clean) = record(900_000, 1000, 900_000);
        assert!(read(&input, scrubber(&Policy::new())) == clean);
    }

    #[test]
    fn a_long_record_that_fails_is_withheld_from_there_on() {
        let (mut input, _) = record(700_000, 1000, 30);
        input.splice(400_000..400_004, *b"BOOM");
        let mut scrubber = scrubber(&Policy::new());
        scrubber.fail_on(b"BOOM");
        let out = read(&input, scrubber);
        let mark = memchr::memmem::find(&out, b"REDACTED-record\nnext\n")
            .expect("the record is masked to its end");
        assert_eq!(mark + b"REDACTED-record\nnext\n".len(), out.len());
        assert!(memchr::memmem::find(&out, b"BOOM").is_none() && mark < 400_000);
    }

    /// A long record with `piece` in its first window, and one with `clean` in its place.
    fn around(piece: &[u8], clean: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let filler = b"0123456 ".repeat(40_000);
        let record = |piece: &[u8]| [&filler[..4000], piece, b" ", &filler, b"\nnext\n"].concat();
        (record(piece), record(clean))
    }

    #[test]
    fn a_long_record_is_examined_again_as_a_short_one_is() {
        let rules = RuleSet::embedded();
        let scrubber = Scrubber::new(&rules, &Policy::new()).expect("the policy is plain");
        // The second value is found once the first one is a placeholder.
        let piece =
            [&b"GET &Authorization=Zk3mQ/8vT2x+"[..], b"Lw9RbN 503xxxxxxxxxxx curl"].concat();
        let clean = b"GET &Authorization=REDACTED-authorization REDACTED-authorization curl";
        let mut short = Vec::new();
        assert_eq!(scrubber.fork().scrub_block(&piece, &mut short), Outcome::Changed);
        assert_eq!(short, clean);
        let (input, expected) = around(&piece, clean);
        assert!(read(&input, scrubber.fork()) == expected);
        assert!(read(&expected, scrubber) == expected, "twice is once");
    }

    #[test]
    fn a_window_that_does_not_hold_is_masked_to_the_end_of_its_record() {
        let (input, _) = around(b"acme_kkkkkkkkkkkkkkkkkkkkkkkkk MARK", b"");
        let mut scrubber = scrubber(&Policy::new());
        scrubber.fail_on(b"guard:MARK");
        assert_eq!(read(&input, scrubber), b"REDACTED-record\nnext\n");
    }
}
