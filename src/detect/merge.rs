//! Overlapping findings become one span, named for the most specific; no byte that any of them
//! claims survives.
//!
//! A span that begins or ends inside a backslash escape is widened to hold it whole: half an escape
//! left behind would change what its neighbour means, and break the JSON string around it.

use super::{Context, context::Records, edge, search_memo::Seek, url};
use crate::{
    finding::{Finding, Shape},
    rules::{Recogniser, RuleSet},
    text::{json, span::Span, visits},
};

/// Sorts and merges; afterwards findings are disjoint and never touch, and none goes past its
/// string in a JSON record or lies outside the strings of one. None goes past the part of a URL
/// that it begins in.
pub(super) fn merge_overlaps(rules: &RuleSet, context: &mut Context<'_>) {
    let Context { hay, findings, memory, .. } = context;
    let (records, parts) = (&mut memory.records, &mut memory.url.parts);
    if !findings.is_sorted_by_key(|finding| finding.span.start) {
        sort(rules, findings);
    }
    let mut strings = Strings::default();
    let mut quote = Seek::default();
    for finding in findings.iter_mut() {
        strings.keep_inside(hay, records, &mut quote, finding);
        keep_in_part(hay, rules, records, parts, finding);
        widen(hay, finding);
    }
    // Most come in order and apart: a record seldom has two.
    if !findings.is_sorted_by(|one, next| one.span.end < next.span.start && !next.span.is_empty()) {
        sort(rules, findings);
        findings.dedup_by(|next, kept| {
            let merge =
                next.span.start <= kept.span.end && !next.span.is_empty() || next.span == kept.span;
            if merge {
                unite(rules, kept, next);
            }
            merge
        });
    }
    strings = Strings::default();
    findings.retain(|finding| !finding.span.is_empty() && strings.may_hold(hay, records, finding));
}

/// The grammar of URLs ends what begins in the user, the password or a parameter of one. The
/// recogniser of URLs knows it, but for a parameter's name that stands in a password.
fn keep_in_part(
    hay: &[u8],
    rules: &RuleSet,
    records: &mut Records,
    parts: &mut url::Parts,
    finding: &mut Finding,
) {
    if finding.shape != Shape::Text || finding.span.is_empty() || !parts.may_cut(hay, finding.span)
    {
        return;
    }
    let record = records.around(hay, finding.span.start);
    finding.span = match rules.get(finding.rule).recogniser {
        Recogniser::KeyBlock => return,
        Recogniser::Url(_) => parts.clip_user(hay, record, finding.span),
        _ => parts.clip(hay, record, finding.span),
    };
}

/// Where in a record the strings of JSON lie, as far as it was walked.
#[derive(Default)]
struct Strings {
    record: Span,
    /// Up to here quotes were counted.
    at: usize,
    is_inside: bool,
    is_shaped: Option<bool>,
    /// Whether the record was read and found to be JSON.
    is_json: Option<bool>,
}

impl Strings {
    /// In a JSON record no secret goes past the quote that ends its string, whatever the text
    /// before seemed to open: `{"m":"IDENTIFIED BY 'x","n":1}`. Such a quote has an even number of
    /// backslashes before it. What only looks like JSON keeps its finding whole, since behind the
    /// quote stands the rest of the secret: `{ pw='a"b' }`.
    ///
    /// `quote` knows where the next such quote stands: findings that overlap search it once.
    fn keep_inside(
        &mut self,
        hay: &[u8],
        records: &mut Records,
        quote: &mut Seek,
        finding: &mut Finding,
    ) {
        if finding.shape != Shape::Text {
            return;
        }
        let Span { start, end } = finding.span;
        let is_bare = |at: &usize| edge::backslashes_before(hay, 0, *at).is_multiple_of(2);
        let search =
            |from, to| memchr::memchr_iter(b'"', &hay[from..to]).map(|at| from + at).find(is_bare);
        let Some(end) = quote.find(start, end, search) else { return };
        self.enter(hay, records, finding.span.start);
        if self.is_json(hay) {
            finding.span.end = end;
        }
    }

    /// Text may be replaced inside a string, and anywhere in what is no JSON. What lies between
    /// strings is punctuation, numbers and names: `{"password -u ":false}` gives a command its
    /// argument only to a reader that knows no JSON.
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

    /// Turns to the record around `at`.
    fn enter(&mut self, hay: &[u8], records: &mut Records, at: usize) {
        if !self.record.contains(at) {
            let record = records.around(hay, at);
            *self = Strings { record, at: record.start, ..Strings::default() };
        }
    }

    /// Whether the record is JSON: read at most once, since a record may hold many findings.
    fn is_json(&mut self, hay: &[u8]) -> bool {
        let text = self.record.of(hay);
        let is_shaped = self.is_shaped(hay);
        let parses = || {
            visits::add(text.len());
            serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
        };
        *self.is_json.get_or_insert_with(|| is_shaped && parses())
    }

    /// Whether the record begins and ends as JSON does.
    fn is_shaped(&mut self, hay: &[u8]) -> bool {
        let record = self.record;
        *self.is_shaped.get_or_insert_with(|| is_shaped_like_json(record.of(hay)))
    }
}

/// How many quotes in `span` no backslash escapes.
fn bare_quotes(hay: &[u8], record: usize, span: Span) -> usize {
    let text = span.of(hay);
    visits::add(2 * text.len());
    if memchr::memchr(b'\\', text).is_none()
        && (span.start == record || hay[span.start - 1] != b'\\')
    {
        return memchr::memchr_iter(b'"', text).count();
    }
    let quotes = memchr::memchr_iter(b'"', text).map(|quote| span.start + quote);
    quotes.filter(|quote| edge::backslashes_before(hay, record, *quote).is_multiple_of(2)).count()
}

fn is_shaped_like_json(record: &[u8]) -> bool {
    if !record
        .first()
        .is_some_and(|byte| matches!(byte, b'{' | b'[' | b'"') || byte.is_ascii_whitespace())
    {
        return false;
    }
    json::is_shaped(record) || matches!(record.trim_ascii(), [b'"', .., b'"'])
}

/// By start, the longest first, the name that says most first. What is out of order stands a few
/// places from its own, since findings come candidate by candidate: so by insertion, for as long as
/// that is true.
fn sort(rules: &RuleSet, findings: &mut [Finding]) {
    let compare = |one: &Finding, next: &Finding| {
        let spans = one.span.start.cmp(&next.span.start).then(next.span.end.cmp(&one.span.end));
        spans.then_with(|| rank(rules, one).cmp(&rank(rules, next)))
    };
    for index in 1..findings.len() {
        let mut at = index;
        while at > 0 && compare(&findings[at], &findings[at - 1]).is_lt() {
            if index - at > 16 {
                return findings.sort_by(compare);
            }
            findings.swap(at, at - 1);
            at -= 1;
        }
    }
}

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

/// The order of names: what says most about the secret comes first.
fn rank(rules: &RuleSet, finding: &Finding) -> u8 {
    match rules.get(finding.rule).recogniser {
        Recogniser::KeyBlock => 0,
        Recogniser::Token(_) => 1,
        Recogniser::Url(_) => 2,
        Recogniser::Assign(_) => 3,
        Recogniser::Email => 4,
    }
}

/// An odd number of backslashes before the span means that its first byte is the rest of an escape;
/// before its end, that the byte behind it is. Characters of more than one byte are taken whole as
/// well.
fn widen(hay: &[u8], finding: &mut Finding) {
    let span = &mut finding.span;
    if span.is_empty() {
        return;
    }
    // Half a character of UTF-8 is no text; a walk that stops at its limit may stop inside one.
    let is_rest = |at: usize| hay.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    if is_rest(span.start) {
        // A rest with no beginning stands for itself; before it may be the end of another record.
        let first = (1..=span.start.min(3)).find(|back| !is_rest(span.start - back));
        span.start -= first.filter(|back| hay[span.start - back] >= 0xC0).unwrap_or(0);
    }
    if is_rest(span.end) {
        span.end += (1..4).find(|more| !is_rest(span.end + more)).unwrap_or(0);
    }
    widen_start(hay, span);
    let inside = edge::backslashes_before(hay, span.start, span.end);
    if inside % 2 == 1 && span.end < hay.len() && !hay[span.end].is_ascii_whitespace() {
        span.end += 1;
    }
    if let [.., b'\\', b'u'] = &hay[span.start..span.end] {
        let digits =
            hay[span.end..].iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
        span.end += if digits == 4 { 4 } else { 0 };
    }
}

fn widen_start(hay: &[u8], span: &mut Span) {
    // The longest escape has six bytes.
    if !hay[span.start.saturating_sub(5)..span.start].contains(&b'\\') {
        return;
    }
    if edge::backslashes_before(hay, 0, span.start) % 2 == 1 {
        span.start -= 1;
    }
    // `\u0016` is one character too: with none to three of its digits before the span, the span
    // begins inside.
    let begins = |back: &usize| {
        let Some(at) = span.start.checked_sub(*back) else { return false };
        hay[at..].starts_with(b"\\u")
            && hay[at + 2..span.start].iter().all(u8::is_ascii_hexdigit)
            && edge::backslashes_before(hay, 0, at + 1) % 2 == 1
    };
    span.start -= (2..=5).find(begins).unwrap_or(0);
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
            // `scrub` reads what comes out as UTF-8.
            assert!(scrub(&text).ends_with("REDACTED-email\""));
        }
    }

    #[test]
    fn a_rest_of_a_character_takes_nothing_from_the_record_before() {
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
    fn what_only_begins_like_json_is_no_json() {
        assert_eq!(scrub("{ -u bob:hunter2 }"), "{ -u bob:REDACTED-command-password }");
        assert_eq!(scrub("[x] password=hunter2 [y]"), "[x] password=REDACTED-password [y]");
    }
}
