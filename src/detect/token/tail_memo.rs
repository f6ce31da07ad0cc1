//! What is known of the run that a rule's last match ended with.
//!
//! A match takes the whole run of its last class. In a long run where every match is refuted
//! (`sk-sk-sk-…`), every candidate asks the same questions about texts that begin further and
//! further right and end at the same offset. Each answer is kept with its premises, so all
//! questions about one run together cost the length of the run.
//!
//! The answers equal those of the plain functions in [`value`] and [`validators`]; the tests
//! compare them.

use super::simple_matcher::{Matched, RunMemo, SimpleMatcher};
use crate::{
    detect::{
        byte_class,
        search_memo::SearchMemo,
        validators::{self, Verdict},
        value::{self, RandomnessUpperBound},
    },
    rules::{ByteSet, Validator, pattern::Pattern},
    text::{span::Span, visits},
};

/// How many long texts that end at the same offset are matched by an `allow` pattern that needs a
/// regex. Later ones count as not allowed: no name contains so many candidates.
const MAX_ALLOW: u32 = 16;

/// The length from which a text is long.
const LONG: usize = 256;

/// See the module. It is about one text.
#[derive(Default)]
pub(super) struct TailMemo {
    /// The last run of the rule's last class.
    run: Span,
    /// The second half of the last text that was filler.
    filling: Span,
    /// The next word that asks the reader to fill in a value.
    request: SearchMemo,
    letter: SearchMemo,
    digit: SearchMemo,
    capital: SearchMemo,
    longest: Longest,
    histogram: Option<Box<Histogram>>,
    allows: Vec<Allow>,
}

/// A pattern of the rule's `allow`.
struct Allow {
    simple: Option<(SimpleMatcher, RunMemo)>,
    /// For a pattern that needs a regex: the end of the last long texts, and how many there were.
    asked: (usize, u32),
}

impl TailMemo {
    /// A new text begins.
    pub(super) fn clear(&mut self) {
        let allows = std::mem::take(&mut self.allows);
        let stack = std::mem::take(&mut self.longest.stack);
        let histogram = self.histogram.take();
        *self = TailMemo { allows, histogram, ..TailMemo::default() };
        self.longest.stack = stack;
        self.longest.stack.clear();
        self.histogram.iter_mut().for_each(|histogram| histogram.span = Span::default());
        for allow in &mut self.allows {
            allow.asked = (0, 0);
            allow.simple.iter_mut().for_each(|(_, memo)| memo.clear());
        }
    }

    /// The end of the run of `tail` that begins at `at`.
    pub(super) fn run_end(&mut self, hay: &[u8], at: usize, tail: &ByteSet) -> usize {
        if !(self.run.start <= at && at <= self.run.end) || at == 0 {
            let length = hay[at..].iter().take_while(|byte| tail.contains(**byte)).count();
            self.run = Span::new(at, at + visits::counted(length));
        }
        self.run.end
    }

    /// As [`value::is_filler`].
    pub(super) fn is_filler(&mut self, hay: &[u8], secret: Span) -> bool {
        let half = Span::new(secret.start + secret.len() / 2, secret.end);
        let is_known = self.filling.end == half.end && self.filling.start <= half.start;
        let is_filler = half.len() >= 4 && (is_known || value::filling(half.of(hay)) == half.len());
        if is_filler && !is_known {
            self.filling = half;
        }
        is_filler
    }

    /// As [`value::asks_to_fill_in`].
    pub(super) fn asks_to_fill_in(&mut self, hay: &[u8], secret: Span) -> bool {
        let text = secret.of(hay);
        let near = text.len().min(value::MAX_REQUEST + 1);
        let first = &text[..byte_class::run(&text[..near], byte_class::ALNUM)];
        let last = &text
            [text.len() - byte_class::run_back(&text[text.len() - near..], byte_class::ALNUM)..];
        if value::is_request(first) || value::is_request(last) {
            return true;
        }
        let next = self.request.find(secret.start, secret.end, |from, to| request(hay, from, to));
        next.is_some_and(|at| at < secret.end - last.len())
    }

    /// Whether some byte is a capital letter.
    pub(super) fn has_capital(&mut self, hay: &[u8], text: Span) -> bool {
        self.capital.find(text.start, text.end, first_of(hay, u8::is_ascii_uppercase)).is_some()
    }

    /// Whether a pattern of `allow` matches the whole of the secret.
    pub(super) fn is_allowed(&mut self, hay: &[u8], secret: Span, allow: &[Pattern]) -> bool {
        if self.allows.len() < allow.len() {
            self.allows = allow.iter().map(Allow::new).collect();
        }
        self.allows.iter_mut().zip(allow).any(|(own, pattern)| own.is_whole(hay, secret, pattern))
    }

    /// As [`validators::refutes`].
    pub(super) fn refutes(&mut self, validator: &Validator, hay: &[u8], secret: Span) -> bool {
        match validator {
            Validator::Mixed | Validator::Random | Validator::Entropy(_) => {
                self.judge(validator, hay, secret) == Verdict::Refuted
            }
            _ => validators::refutes(validator, secret.of(hay)),
        }
    }

    /// As [`validators::judge`].
    pub(super) fn judge(&mut self, validator: &Validator, hay: &[u8], secret: Span) -> Verdict {
        let is_refuted = match validator {
            Validator::Mixed => !self.is_mixed(hay, secret),
            Validator::Random => !self.longest.is_random(hay, secret),
            Validator::Entropy(bits) => {
                self.histogram.get_or_insert_default().is_below(*bits, hay, secret)
            }
            _ => return validators::judge(validator, secret.of(hay)),
        };
        if is_refuted { Verdict::Refuted } else { Verdict::Unknown }
    }

    /// As the validator `mixed`: letters and digits both occur.
    fn is_mixed(&mut self, hay: &[u8], secret: Span) -> bool {
        let Span { start, end } = secret;
        self.letter.find(start, end, first_of(hay, u8::is_ascii_alphabetic)).is_some()
            && self.digit.find(start, end, first_of(hay, u8::is_ascii_digit)).is_some()
    }
}

/// A search for [`SearchMemo::find`]: the first byte for which `is_one` holds.
fn first_of(
    hay: &[u8],
    is_one: fn(&u8) -> bool,
) -> impl FnOnce(usize, usize) -> Option<usize> + '_ {
    move |from, to| hay[from..to].iter().position(is_one).map(|length| from + length)
}

/// The first word that begins in `from..to` and asks the reader to fill in a value. It may end
/// after `to`.
fn request(hay: &[u8], from: usize, to: usize) -> Option<usize> {
    let mut at = from;
    while at < to {
        let is_begin = at == 0 || !byte_class::is(hay[at - 1], byte_class::ALNUM);
        let near = &hay[at..hay.len().min(at + value::MAX_REQUEST + 1)];
        if is_begin && value::is_request(&near[..byte_class::run(near, byte_class::ALNUM)]) {
            return Some(at);
        }
        at += byte_class::run(&hay[at..to], byte_class::ALNUM);
        at += byte_class::until(&hay[at..to], byte_class::ALNUM);
    }
    None
}

impl Allow {
    fn new(pattern: &Pattern) -> Allow {
        let simple = SimpleMatcher::of_whole(&pattern.compiled().hir(false)).map(|matcher| {
            let memo = matcher.memo();
            (matcher, memo)
        });
        Allow { simple, asked: (0, 0) }
    }

    /// Whether the pattern matches the whole secret.
    fn is_whole(&mut self, hay: &[u8], secret: Span, pattern: &Pattern) -> bool {
        if let Some((matcher, memo)) = &mut self.simple {
            let found = matcher.at(&hay[..secret.end], secret.start, memo);
            return matches!(found, Matched::Whole { whole, .. } if whole.end == secret.end);
        }
        if secret.len() > LONG {
            let (end, n_asked) = self.asked;
            self.asked = (secret.end, if end == secret.end { n_asked + 1 } else { 1 });
            if self.asked.1 > MAX_ALLOW {
                return false;
            }
        }
        visits::add(secret.len());
        pattern.is_whole(secret.of(hay))
    }
}

/// The longest run of letters and digits in texts that end at the same offset. The stack holds runs
/// from the end of the text backwards, each longer than all runs after it.
#[derive(Default)]
struct Longest {
    text: Span,
    stack: Vec<Span>,
    /// The last run that was examined, and whether it is random.
    examined: Option<(Span, bool)>,
    bound: RandomnessUpperBound,
    /// The next digit, capital and small letter.
    kinds: [SearchMemo; 3],
}

impl Longest {
    /// Whether the validator `random` accepts `text`.
    fn is_random(&mut self, hay: &[u8], text: Span) -> bool {
        let longest = self.find(hay, text);
        if let Some((span, is_random)) = self.examined
            && span == longest
        {
            return is_random;
        }
        let is_random = !self.bound.excludes(hay, longest.start, longest.end)
            && validators::is_random_run(longest.of(hay))
            && self.is_mixed(hay, longest);
        self.examined = Some((longest, is_random));
        is_random
    }

    /// Two kinds of characters at least.
    fn is_mixed(&mut self, hay: &[u8], run: Span) -> bool {
        const KINDS: [fn(&u8) -> bool; 3] =
            [u8::is_ascii_digit, u8::is_ascii_uppercase, u8::is_ascii_lowercase];
        let kinds = self.kinds.iter_mut().zip(KINDS);
        kinds
            .filter_map(|(seek, is_kind)| seek.find(run.start, run.end, first_of(hay, is_kind)))
            .count()
            > 1
    }

    /// The longest run of `text`.
    fn find(&mut self, hay: &[u8], text: Span) -> Span {
        if self.text.end != text.end || text.start < self.text.start {
            self.read(hay, text);
        }
        self.text.start = text.start;
        while self.stack.last().is_some_and(|run| run.end <= text.start) {
            self.stack.pop();
        }
        let Some(last) = self.stack.last() else { return Span::new(text.start, text.start) };
        if last.start >= text.start {
            return *last;
        }
        // The text begins inside the run.
        let rest = Span::new(text.start, last.end);
        let behind = self.stack.len().checked_sub(2).map(|index| self.stack[index]);
        behind.filter(|behind| behind.len() >= rest.len()).unwrap_or(rest)
    }

    /// Reads a text anew, from its end.
    fn read(&mut self, hay: &[u8], text: Span) {
        self.text = text;
        self.stack.clear();
        self.examined = None;
        let mut end = text.end;
        while end > text.start {
            let length = byte_class::run_back(&hay[text.start..end], byte_class::ALNUM);
            if length > self.stack.last().map_or(0, |last| last.len()) {
                self.stack.push(Span::new(end - length, end));
            }
            end = (end - length).saturating_sub(1);
        }
    }
}

/// How often each byte occurs in a text. For the next text, which begins further right and ends at
/// the same offset, only the bytes between are counted.
struct Histogram {
    span: Span,
    counts: [u32; 256],
    /// The sum of `n * log2(n)` over all counts.
    sum: f64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { span: Span::default(), counts: [0; 256], sum: 0.0 }
    }
}

/// If sum and limit differ by less than this, the text is measured exactly.
const ROUNDING: f64 = 1e-7;

impl Histogram {
    /// Whether the validator `entropy` refutes `text`.
    fn is_below(&mut self, bits: f64, hay: &[u8], text: Span) -> bool {
        if self.span.end == text.end && self.span.start <= text.start {
            let gone = Span::new(self.span.start, text.start);
            gone.of(hay).iter().for_each(|byte| self.change(*byte, -1));
            visits::add(gone.len());
        } else {
            (self.counts, self.sum) = ([0; 256], 0.0);
            text.of(hay).iter().for_each(|byte| self.change(*byte, 1));
            visits::add(text.len());
        }
        self.span = text;
        let total = text.len() as f64;
        let entropy = total.log2() - self.sum / total;
        if (entropy - bits).abs() > ROUNDING {
            return entropy < bits;
        }
        validators::judge(&Validator::Entropy(bits), text.of(hay)) == Verdict::Refuted
    }

    /// Counts a byte once more, or once less.
    fn change(&mut self, byte: u8, by: i32) {
        let weight =
            |count: u32| if count < 2 { 0.0 } else { f64::from(count) * f64::from(count).log2() };
        let count = &mut self.counts[usize::from(byte)];
        self.sum -= weight(*count);
        *count = count.saturating_add_signed(by);
        self.sum += weight(*count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::oracle::{Numbers, generated};

    const VALIDATORS: [Validator; 4] =
        [Validator::Mixed, Validator::Random, Validator::Entropy(3.5), Validator::Entropy(2.0)];

    /// A text of a few pieces, many of them more than once.
    fn text(numbers: &mut Numbers) -> Vec<u8> {
        let pieces: Vec<Vec<u8>> = (0..2 + numbers.below(4)).map(|_| generated(numbers)).collect();
        let mut text = Vec::new();
        for _ in 0..3 + numbers.below(8) {
            let piece = &pieces[numbers.below(pieces.len())];
            text.extend_from_slice(&piece[..piece.len().min(60)]);
            text.extend_from_slice([&b""[..], b"-", b"_", b" ", b"your", b"sk-"][numbers.below(6)]);
        }
        text.truncate(LONG);
        text
    }

    #[test]
    fn a_memo_answers_as_the_plain_functions_do() {
        let allow = [
            Pattern::new("[0-9a-f]+"),
            Pattern::new("[!-~]* x [!-~]*"),
            Pattern::new("sk\\- [a-z]*"),
        ];
        let mut numbers = Numbers(31);
        let mut n_yes = [0; 9];
        for _ in 0..1500 {
            let hay = text(&mut numbers);
            let mut memo = TailMemo::default();
            let tail = ByteSet::of(|byte| byte.is_ascii_alphanumeric());
            let mut start = 0;
            let mut end = hay.len() - numbers.below(hay.len() / 4 + 1);
            while start < end {
                let span = Span::new(start, end);
                let secret = span.of(&hay);
                let mut answers = vec![
                    memo.is_filler(&hay, span),
                    memo.asks_to_fill_in(&hay, span),
                    memo.has_capital(&hay, span),
                    memo.is_allowed(&hay, span, &allow),
                ];
                let mut expected = vec![
                    value::is_filler(secret),
                    value::asks_to_fill_in(secret),
                    secret.iter().any(u8::is_ascii_uppercase),
                    allow.iter().any(|pattern| pattern.is_whole(secret)),
                ];
                for validator in &VALIDATORS {
                    // One rule has one validator.
                    answers.push(memo.refutes(validator, &hay, span));
                    expected.push(validators::refutes(validator, secret));
                }
                let run = hay[start..].iter().take_while(|byte| tail.contains(**byte)).count();
                answers.push(memo.run_end(&hay, start, &tail) == start + run);
                expected.push(true);
                assert_eq!(answers, expected, "{:?} of {}", span, hay.escape_ascii());
                n_yes
                    .iter_mut()
                    .zip(answers)
                    .for_each(|(count, answer)| *count += usize::from(answer));
                start += 1 + numbers.below(5);
                if numbers.below(20) == 0 {
                    end = start.max(hay.len() - numbers.below(hay.len() / 4 + 1));
                }
            }
        }
        assert!(n_yes.iter().all(|count| *count > 100), "{n_yes:?}");
    }

    #[test]
    fn a_regex_allows_a_limited_number_of_texts_in_a_run() {
        let allow = [Pattern::new("[!-~]* x [!-~]*")];
        let n_allowed = |unit: &[u8], hay: &[u8]| {
            let mut memo = TailMemo::default();
            let starts = (0..hay.len()).step_by(unit.len());
            starts
                .filter(|start| memo.is_allowed(hay, Span::new(*start, hay.len()), &allow))
                .count()
        };
        let unit = b"abcdefghij";
        let texts = [unit.repeat(100), b"x".to_vec()].concat();
        // Every text that is not long, and the first sixteen long ones.
        assert_eq!(n_allowed(unit, &texts), 16 + LONG / unit.len() + 1);
        let short = [unit.repeat(20), b"x".to_vec()].concat();
        assert_eq!(n_allowed(unit, &short), 21);
    }
}
