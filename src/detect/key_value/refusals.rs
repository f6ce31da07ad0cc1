//! Refusals without a verdict: what most candidates of a clean log are refuted by.
//!
//! Each answers for some values what [`verdict::decide`](super::verdict::decide) would answer,
//! without locating the record and the value, or without reading the value again. Tests hold both
//! to the plain path. A refusal may be missed; it may never be wrong.

use super::{
    classify::is_pass,
    machine_made,
    name::{Key, KeyStrength, Kind},
    prose,
    value::LOOK,
};
use crate::{
    detect::{
        byte_class::{self, Traits},
        search_memo::SearchMemo,
        value as looks,
    },
    text::span::Span,
};

/// Whether the bytes right after the name say that the key has no value or that its value stays,
/// whatever the record holds besides. Most names in clean logs are refuted here, and none of them
/// needs its record.
pub(super) fn has_no_secret(hay: &[u8], key: &Key) -> bool {
    let Kind::Plain(strength) = key.kind else { return false };
    match &hay[key.name.end..] {
        [b'"', b':', b'"', rest @ ..] | [b'"', b':', b' ', b'"', rest @ ..] => is_masked(rest),
        // No word of a sentence has a value after a comma.
        [b',', ..] => true,
        [b' ', rest @ ..] => !key.is_flag && is_prose(rest, strength),
        [b'=', rest @ ..] => {
            strength == KeyStrength::Weak && !is_pass(key.name.of(hay)) && is_plain_value(rest)
        }
        _ => false,
    }
}

/// `***"`
fn is_masked(rest: &[u8]) -> bool {
    let stars = rest.iter().take(64).take_while(|byte| **byte == b'*').count();
    stars > 0 && rest.get(stars) == Some(&b'"')
}

/// `password reset requested`: a word follows the key, and nothing after the word says that it is
/// something else.
fn is_prose(rest: &[u8], strength: KeyStrength) -> bool {
    let length = byte_class::run(&rest[..rest.len().min(32)], byte_class::LOWER);
    let (word, behind) = rest.split_at(length);
    let is_alone = matches!(behind, [b' ', next, ..] if !matches!(next, b' ' | b'\t' | b'='));
    if length == 0 || !is_alone || matches!(word, b"is" | b"was" | b"to" | b"as" | b"of" | b"for") {
        return false;
    }
    match strength {
        KeyStrength::Strong => prose::is_prose(word),
        // Too short to be random.
        KeyStrength::Weak => word.len() < 8,
    }
}

/// `key=order:12:summary dur=5ms`: a value that is all of the text before the white space, and does
/// not look like a secret.
fn is_plain_value(rest: &[u8]) -> bool {
    let near = &rest[..rest.len().min(64)];
    let length = byte_class::run(near, byte_class::ALNUM | byte_class::JOINT | byte_class::COLON);
    let (word, behind) = near.split_at(length);
    let [first, .., last] = word else { return false };
    first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        // A type goes on with `=`, and `new String("` opens a string.
        && matches!(behind, [b' ', next, ..] if !b" \t=\"'\\".contains(next))
        && !is_call(near)
        && (word.len() < 8 || !machine_made::looks_secret(word, Traits::of(word)))
}

/// Whether names with spaces between them and a bracket follow.
fn is_call(near: &[u8]) -> bool {
    const NAMES: u64 = byte_class::ALNUM
        | byte_class::UNDERSCORE
        | byte_class::DOT
        | byte_class::COLON
        | byte_class::SPACE;
    let length = byte_class::run(near, NAMES);
    length <= 32 && near.get(length) == Some(&b'(')
}

/// What is known of values after weak keys that begin inside another value: `?token=?token=…`.
/// Asked from left to right, it reads each byte of the outer value once.
#[derive(Default)]
pub(super) struct InnerValues {
    bound: looks::RandomnessUpperBound,
    /// The next byte that is not of [`byte_class::MIX`].
    no_mix: SearchMemo,
    /// The next digit. Without one only random values are secrets.
    digit: SearchMemo,
    /// The next byte that may be an edge. The pieces between edges are judged by themselves.
    edge: SearchMemo,
    /// The next equals sign, and the next digit or mark: see [`prose::is_mixture`].
    equals: SearchMemo,
    mark: SearchMemo,
}

impl InnerValues {
    /// Whether the value after a weak key surely stays.
    pub(super) fn surely_stays(&mut self, hay: &[u8], name: &[u8], value: Span) -> bool {
        let Span { start, end } = value;
        if !self.bound.excludes(hay, start, end) {
            return false;
        }
        let near = Span::new(start, end.min(start + LOOK));
        if is_pass(name) && self.may_be_mixture(hay, near) {
            return false;
        }
        if find(&mut self.edge, hay, near, is_edge).is_some() {
            return false;
        }
        find(&mut self.no_mix, hay, near, |byte| !byte_class::is(byte, byte_class::MIX)).is_some()
            || find(&mut self.digit, hay, near, |byte| byte.is_ascii_digit()).is_none()
    }

    fn may_be_mixture(&mut self, hay: &[u8], near: Span) -> bool {
        const MARKED: u64 = byte_class::DIGIT | byte_class::MARK;
        find(&mut self.equals, hay, near, |byte| byte == b'=').is_none()
            && find(&mut self.mark, hay, near, |byte| byte_class::is(byte, MARKED)).is_some()
    }
}

fn is_edge(byte: u8) -> bool {
    !byte_class::is(byte, byte_class::GRAPHIC) || byte_class::is(byte, byte_class::ESCAPE)
}

/// The first byte of `near` that `is_one`.
fn find(memo: &mut SearchMemo, hay: &[u8], near: Span, is_one: fn(u8) -> bool) -> Option<usize> {
    memo.find(near.start, near.end, |from, to| {
        hay[from..to].iter().position(|byte| is_one(*byte)).map(|length| from + length)
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Memory, name::Table, report::Report, syntax::ValueSyntax, value::Value, verdict},
        *,
    };
    use crate::{
        detect::{
            Located,
            key_value::{KeyValueDetector, inline_value::Pair, multiline_value},
            oracle::Numbers,
        },
        redact::placeholder::Placeholders,
        rules::RuleSet,
    };

    #[test]
    fn a_refused_name_has_no_value_that_is_a_secret() {
        const NAMES: &[&str] =
            &["password", "token", "max_tokens", "key", "api_key", "client-secret", "pass", "Auth"];
        const BEFORE: &[&str] =
            &["", " ", "?", "-", "--", "{\"", "x=", "login bob ", "\"a\":\"", "<", "token=(a,b"];
        const BEHIND: &[&str] = &[
            " ",
            " ",
            "=",
            "=",
            ":",
            "\"",
            "\":\"",
            "\": \"",
            "***",
            "***\"",
            ",",
            ";",
            "\t",
            "(\"",
            "('",
            "[",
            "{",
            "}",
            "\\\"",
            "is ",
            "reset ",
            "expired",
            "to ",
            "new String",
            "order:12:summary",
            "4096",
            "k",
            ".",
            "-",
            "hunter2",
            "\n",
            "x7Kp2mQ9vT4nB8dL1sR6",
            "\u{e9}",
        ];
        let rules = RuleSet::embedded();
        let (detector, placeholders) =
            (KeyValueDetector::new(&rules), Placeholders::new(&rules, []));
        let mut numbers = Numbers(11);
        let mut n_refused = 0;
        for _ in 0..200_000 {
            let mut text = BEFORE[numbers.below(BEFORE.len())].to_owned();
            let start = text.len();
            text.push_str(NAMES[numbers.below(NAMES.len())]);
            let name = Span::new(start, text.len());
            (0..=numbers.below(6)).for_each(|_| text.push_str(BEHIND[numbers.below(BEHIND.len())]));
            let hay = text.as_bytes();
            let Some(key) = detector.table.classify(hay, name) else { continue };
            if has_no_secret(hay, &key) {
                n_refused += 1;
                let end = memchr::memchr(b'\n', hay).unwrap_or(hay.len());
                let located = Located { hay, record: Span::new(0, end), anchor: name };
                let mut findings = Vec::new();
                let mut report =
                    Report { hay, placeholders: &placeholders, findings: &mut findings };
                let answer = plain(&detector.table, &located, &key, &mut report);
                assert!(answer && findings.is_empty(), "{text:?}");
            }
        }
        assert!(n_refused > 5000, "{n_refused} were refused");
    }

    /// Whether the plain path finds no value on the key's line and opens none below it.
    fn plain<'h>(
        table: &Table,
        located: &Located<'h>,
        key: &Key,
        report: &mut Report<'_, 'h>,
    ) -> bool {
        let Kind::Plain(strength) = key.kind else { return true };
        let mut memory = Memory::default();
        let opened = multiline_value::open(located, key, strength, &mut 0);
        let pair = Pair { located, key, strength, table };
        pair.detect(&mut memory.inline, report).is_err() && opened.is_none()
    }

    #[test]
    fn an_inner_value_that_surely_stays_would_stay_by_itself() {
        const NAMES: &[&str] = &["token", "key", "api_key", "pass", "my_pass", "auth"];
        const PIECES: &str = "= : ? & . / - _ + ! @ token= key= pass= hello 1 42 a q deadbeef Zx9 \
            0123456789abcdef x7Kp2mQ9vT4nB8dL1sR6";
        let pieces: Vec<&str> = PIECES.split(' ').collect();
        let detector = KeyValueDetector::new(&RuleSet::embedded());
        let mut numbers = Numbers(12);
        let mut n_stay = 0;
        for _ in 0..100_000 {
            let name = NAMES[numbers.below(NAMES.len())];
            let mut text = format!("{name}=");
            (0..1 + numbers.below(8))
                .for_each(|_| text.push_str(pieces[numbers.below(pieces.len())]));
            let hay = text.as_bytes();
            let anchor = Span::new(0, name.len());
            let located = Located { hay, record: Span::new(0, hay.len()), anchor };
            let Some(key) = detector.table.classify(hay, anchor) else { continue };
            let Kind::Plain(strength @ KeyStrength::Weak) = key.kind else { continue };
            let value = Span::new(name.len() + 1, hay.len());
            if InnerValues::default().surely_stays(hay, name.as_bytes(), value) {
                n_stay += 1;
                let judged = Value::of_key(&located, &key, value, value.of(hay));
                assert!(verdict::decide(strength, ValueSyntax::Tight, &judged).is_err(), "{text}");
            }
        }
        assert!(n_stay > 10_000, "{n_stay} stayed");
    }
}
