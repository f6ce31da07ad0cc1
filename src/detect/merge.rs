//! Merges overlapping findings into their union, named for the most specific of them.
//!
//! Before they are merged, findings are fitted to the text around them:
//!
//! - In a JSON record a finding ends with its string, and text between strings is never replaced.
//! - In a URL it ends with the part of the URL that it begins in.
//! - A finding that begins or ends inside a backslash escape or a UTF-8 character is widened to
//!   hold it whole. Half an escape left behind would change the meaning of its neighbour and break
//!   the string around it.
//!
//! Afterwards no byte that any finding claimed is left, except those that these rules exclude.

use std::cmp::Ordering;

use super::{Context, context::Records, search_memo::SearchMemo};
use crate::{
    finding::{Finding, Shape},
    rules::{Recogniser, RuleSet},
    text::{escape, json, span::Span, visits},
};

/// Fits, sorts and merges the context's findings. Afterwards they are disjoint and never touch.
pub(super) fn merge_overlaps(rules: &RuleSet, context: &mut Context<'_>) {
    let Context { hay, findings, memory, .. } = context;
    let (records, parts) = (&mut memory.records, &mut memory.url.parts);
    if !findings.is_sorted_by_key(|finding| finding.span.start) {
        sort(rules, findings);
    }
    let mut strings = Strings::default();
    let mut quote = SearchMemo::default();
    for finding in findings.iter_mut() {
        strings.keep_inside(hay, records, &mut quote, finding);
        if finding.shape == Shape::Text && !finding.span.is_empty() {
            finding.span = match rules.get(finding.rule).recogniser {
                Recogniser::KeyBlock => finding.span,
                Recogniser::Url(_) => parts.clip_user(hay, records, finding.span),
                _ => parts.clip(hay, records, finding.span),
            };
        }
        widen(hay, finding);
    }
    // Most findings come in order and apart, because a record seldom has two.
    if !findings.is_sorted_by(|one, next| one.span.end < next.span.start && !next.span.is_empty()) {
        // A finding that the parts of its URL left empty must not lie between two that overlap.
        findings.retain(|finding| !finding.span.is_empty());
        sort(rules, findings);
        findings.dedup_by(|next, kept| {
            let merge = next.span.start <= kept.span.end;
            if merge {
                unite(rules, kept, next);
            }
            merge
        });
    }
    strings = Strings::default();
    findings.retain(|finding| !finding.span.is_empty() && strings.may_hold(hay, records, finding));
}

/// The strings of a JSON record, as far as it was read.
#[derive(Default)]
struct Strings {
    record: Span,
    /// Quotes were counted up to here.
    at: usize,
    /// Whether `at` is inside a string.
    is_inside: bool,
    /// Whether the record begins and ends like JSON, once that was asked.
    is_shaped: Option<bool>,
    /// Whether the record parses as JSON, once that was asked.
    is_json: Option<bool>,
}

impl Strings {
    /// Ends a finding with its string, if the record is JSON. Whatever the text before seemed to
    /// open, no secret goes past the quote that ends its string: `{"m":"IDENTIFIED BY 'x","n":1}`.
    /// That quote has an even number of backslashes before it. A record that only looks like JSON
    /// keeps the whole finding, because the rest of the secret follows the quote: `{ pw='a"b' }`.
    ///
    /// `quote` remembers the next such quote, so overlapping findings search for it once.
    fn keep_inside(
        &mut self,
        hay: &[u8],
        records: &mut Records,
        quote: &mut SearchMemo,
        finding: &mut Finding,
    ) {
        if finding.shape != Shape::Text {
            return;
        }
        let Span { start, end } = finding.span;
        let Some(end) = quote.find(start, end, |from, to| bare_quote(hay, from, to)) else {
            return;
        };
        self.enter(hay, records, finding.span.start);
        if self.is_json(hay) {
            finding.span.end = end;
        }
    }

    /// Whether a finding may be replaced where it is: inside a string, or anywhere in a record that
    /// is not JSON. Between strings there are punctuation, numbers and names: `{"password -u
    /// ":false}` gives a command its argument only to a reader that knows no JSON.
    fn may_hold(&mut self, hay: &[u8], records: &mut Records, finding: &Finding) -> bool {
        let start = finding.span.start;
        if finding.shape != Shape::Text {
            return true;
        }
        self.enter(hay, records, start);
        if !self.is_shaped(hay) {
            return true;
        }
        self.is_inside ^=
            !bare_quotes(hay, self.record.start, Span::new(self.at, start)).is_multiple_of(2);
        self.at = start;
        self.is_inside || !self.is_json(hay)
    }

    /// Moves on to the record around `at`.
    fn enter(&mut self, hay: &[u8], records: &mut Records, at: usize) {
        if !self.record.contains(at) {
            let record = records.around(hay, at);
            *self = Strings { record, at: record.start, ..Strings::default() };
        }
    }

    /// Whether the record parses as JSON. It is parsed at most once, however many findings it has.
    fn is_json(&mut self, hay: &[u8]) -> bool {
        let text = self.record.of(hay);
        let is_shaped = self.is_shaped(hay);
        *self.is_json.get_or_insert_with(|| is_shaped && parses(text))
    }

    /// Whether the record begins and ends like JSON.
    fn is_shaped(&mut self, hay: &[u8]) -> bool {
        let record = self.record;
        *self.is_shaped.get_or_insert_with(|| is_shaped_like_json(record.of(hay)))
    }
}

/// Whether a text is JSON.
fn parses(text: &[u8]) -> bool {
    visits::add(text.len());
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// The first quote in `from..to` that no backslash escapes.
fn bare_quote(hay: &[u8], from: usize, to: usize) -> Option<usize> {
    memchr::memchr_iter(b'"', &hay[from..to])
        .map(|at| from + at)
        .find(|at| !escape::is_escaped(hay, 0, *at))
}

/// The number of quotes in `span` that no backslash escapes.
fn bare_quotes(hay: &[u8], record: usize, span: Span) -> usize {
    let text = span.of(hay);
    visits::add(2 * text.len());
    if memchr::memchr(b'\\', text).is_none()
        && (span.start == record || hay[span.start - 1] != b'\\')
    {
        return memchr::memchr_iter(b'"', text).count();
    }
    let quotes = memchr::memchr_iter(b'"', text).map(|quote| span.start + quote);
    quotes.filter(|quote| !escape::is_escaped(hay, record, *quote)).count()
}

/// Whether a record begins and ends like JSON. Most records are refused by their first byte.
fn is_shaped_like_json(record: &[u8]) -> bool {
    if !record
        .first()
        .is_some_and(|byte| matches!(byte, b'{' | b'[' | b'"') || byte.is_ascii_whitespace())
    {
        return false;
    }
    json::is_shaped(record) || matches!(record.trim_ascii(), [b'"', .., b'"'])
}

/// Sorts by start, then the longest first, then the most specific rule first. Findings come
/// candidate by candidate, so one that is out of order is only a few places away from its own.
/// Insertion sort is used for as long as that is true.
fn sort(rules: &RuleSet, findings: &mut [Finding]) {
    for index in 1..findings.len() {
        let mut at = index;
        while at > 0 && order(rules, &findings[at], &findings[at - 1]).is_lt() {
            if index - at > 16 {
                return findings.sort_by(|one, next| order(rules, one, next));
            }
            findings.swap(at, at - 1);
            at -= 1;
        }
    }
}

/// The order in which findings are merged.
fn order(rules: &RuleSet, one: &Finding, next: &Finding) -> Ordering {
    let spans = one.span.start.cmp(&next.span.start).then(next.span.end.cmp(&one.span.end));
    spans.then_with(|| rank(rules, one).cmp(&rank(rules, next)))
}

/// Extends `kept` by `next`, which overlaps or touches it.
fn unite(rules: &RuleSet, kept: &mut Finding, next: &Finding) {
    if rank(rules, next) < rank(rules, kept) {
        kept.rule = next.rule;
    }
    if next.span.end > kept.span.end {
        kept.span.end = next.span.end;
        kept.shape = Shape::Text;
    } else if next.span == kept.span && next.shape != Shape::Text {
        kept.shape = next.shape;
    }
}

/// How specific a rule's name is: the lowest rank says most about the secret.
fn rank(rules: &RuleSet, finding: &Finding) -> u8 {
    match rules.get(finding.rule).recogniser {
        Recogniser::KeyBlock => 0,
        Recogniser::Token(_) => 1,
        Recogniser::Url(_) => 2,
        Recogniser::Assign(_) => 3,
        Recogniser::Email => 4,
    }
}

/// Widens a finding so that it holds escapes and characters whole. An odd number of backslashes
/// before the span means that its first byte belongs to an escape; before its end, that the byte
/// after it does.
fn widen(hay: &[u8], finding: &mut Finding) {
    let span = &mut finding.span;
    if span.is_empty() {
        return;
    }
    widen_to_characters(hay, span);
    widen_start(hay, span);
    if escape::is_escaped(hay, span.start, span.end)
        && span.end < hay.len()
        && !hay[span.end].is_ascii_whitespace()
    {
        span.end += 1;
    }
    if let [.., b'\\', b'u'] = &hay[span.start..span.end] {
        let digits =
            hay[span.end..].iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
        span.end += if digits == 4 { 4 } else { 0 };
    }
}

/// Half a UTF-8 character is not text. A search that stops at its limit may stop inside one.
fn widen_to_characters(hay: &[u8], span: &mut Span) {
    if is_continuation(hay, span.start) {
        // Continuation bytes without a first byte are left alone: another record may precede them.
        let first = (1..=span.start.min(3)).find(|back| !is_continuation(hay, span.start - back));
        span.start -= first.filter(|back| hay[span.start - back] >= 0xC0).unwrap_or(0);
    }
    if is_continuation(hay, span.end) {
        span.end += (1..4).find(|more| !is_continuation(hay, span.end + more)).unwrap_or(0);
    }
}

/// Whether the byte at `at` is inside a UTF-8 character.
fn is_continuation(hay: &[u8], at: usize) -> bool {
    hay.get(at).is_some_and(|byte| byte & 0xC0 == 0x80)
}

/// Moves the start of a span to the start of the escape that it begins in.
fn widen_start(hay: &[u8], span: &mut Span) {
    // The longest escape has six bytes.
    if !hay[span.start.saturating_sub(5)..span.start].contains(&b'\\') {
        return;
    }
    if escape::is_escaped(hay, 0, span.start) {
        span.start -= 1;
    }
    // `\u0016` is one character: the span begins inside if up to three of its digits precede it.
    let start = span.start;
    span.start = (start.saturating_sub(5)..start.saturating_sub(1))
        .rev()
        .find(|at| {
            hay[*at..].starts_with(b"\\u")
                && hay[at + 2..start].iter().all(u8::is_ascii_hexdigit)
                && escape::is_escaped(hay, 0, at + 1)
        })
        .unwrap_or(start);
}

#[cfg(test)]
mod tests {
    use crate::{Outcome, Policy, RuleSet, Scrubber};

    fn scrub(text: &str) -> String {
        let mut scrubber =
            Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
        let mut out = Vec::new();
        match scrubber.scrub_block(text.as_bytes(), &mut out) {
            Outcome::Clean => text.to_owned(),
            _ => String::from_utf8(out).expect("text stays text"),
        }
    }

    #[test]
    fn nothing_is_replaced_between_the_strings_of_json() {
        for text in [
            r#"{"password -u ":false,"api_key":null}"#,
            r#"{"m":"IDENTIFIED BY 'x","n":1}"#.replace('x', "").as_str(),
        ] {
            assert_eq!(scrub(text), text);
        }
        let cut = scrub(r#"{"m":"IDENTIFIED BY 'hunter2","n":1}"#);
        assert_eq!(cut, r#"{"m":"IDENTIFIED BY 'REDACTED-password","n":1}"#);
    }

    #[test]
    fn a_finding_ends_with_its_json_string_only_in_json() {
        for (text, clean) in [
            (r#"{"m":"pw='hunter\"2'"}"#, r#"{"m":"pw='REDACTED-password'"}"#),
            (r#"["IDENTIFIED BY 'hunter2","n"]"#, r#"["IDENTIFIED BY 'REDACTED-password","n"]"#),
            (r#"{ pw='a"b' }"#, "{ pw='REDACTED-password' }"),
            (r#"[ pw='hunter"2' ]"#, "[ pw='REDACTED-password' ]"),
            (r#""pw='hunter"2'""#, r#""pw='REDACTED-password'""#),
        ] {
            assert_eq!(scrub(text), clean);
        }
    }

    #[test]
    fn characters_are_taken_whole() {
        for n_letters in 60..70 {
            let text = format!("\"{}alice@example.com\"", "é".repeat(n_letters));
            // `scrub` checks that the output is UTF-8.
            assert!(scrub(&text).ends_with("REDACTED-email\""));
        }
    }

    #[test]
    fn half_a_character_takes_nothing_from_the_record_before() {
        let scrubber =
            Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
        for (hay, clean) in [
            (&b"one\n\xa3@a.aa"[..], &b"one\nREDACTED-email"[..]),
            (b"\xa3@a.aa", b"REDACTED-email"),
        ] {
            let mut out = Vec::new();
            assert_eq!(scrubber.fork().scrub_block(hay, &mut out), Outcome::Changed);
            assert_eq!(out, clean);
        }
    }

    #[test]
    fn a_record_that_only_begins_like_json_is_not_json() {
        assert_eq!(scrub("{ -u bob:hunter2 }"), "{ -u bob:REDACTED-command-password }");
        assert_eq!(scrub("[x] password=hunter2 [y]"), "[x] password=REDACTED-password [y]");
    }
}
