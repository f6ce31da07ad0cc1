//! Overlapping findings become one span, named for the most specific; no byte that any of them claims survives.
//!
//! A span that begins or ends inside a backslash escape is widened to hold it whole: half an escape left behind would
//! change what its neighbour means, and break the JSON string around it.

use super::{Locate, edge};
use crate::{
    rules::{Recogniser, RuleSet},
    span::{Finding, Shape},
};

/// Sorts and merges; afterwards findings are disjoint and never touch.
pub(super) fn settle(hay: &[u8], rules: &RuleSet, findings: &mut Vec<Finding>) {
    for finding in findings.iter_mut() {
        widen(hay, finding);
    }
    findings.sort_by_key(|finding| (finding.span.start, std::cmp::Reverse(finding.span.end), rank(rules, finding)));
    findings.dedup_by(|next, kept| {
        let merge = next.span.start <= kept.span.end && !next.span.is_empty() || next.span == kept.span;
        if merge {
            unite(rules, kept, next);
        }
        merge
    });
    findings.retain(|finding| !finding.span.is_empty());
}

/// In a JSON record no secret goes past the quote that ends its string, whatever the text before seemed to open:
/// `{"m":"IDENTIFIED BY 'x","n":1}`. Such a quote has an even number of backslashes before it.
pub(super) fn keep_in_string(hay: &[u8], locate: Locate, finding: &mut Finding) {
    let quotes = memchr::memchr_iter(b'"', finding.span.of(hay)).map(|at| finding.span.start + at);
    let mut ends = quotes.filter(|at| edge::backslashes_before(hay, 0, *at).is_multiple_of(2));
    let Some(end) = ends.next().filter(|_| finding.shape == Shape::Text) else { return };
    let record = locate(hay, finding.span.start).of(hay).trim_ascii();
    if let [b'{', .., b'}'] | [b'[', .., b']'] | [b'"', .., b'"'] = record {
        finding.span.end = end;
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

/// An odd number of backslashes before the span means that its first byte is the rest of an escape; before its end, that
/// the byte behind it is.
fn widen(hay: &[u8], finding: &mut Finding) {
    let span = &mut finding.span;
    if span.is_empty() {
        return;
    }
    if edge::backslashes_before(hay, 0, span.start) % 2 == 1 {
        span.start -= 1;
    }
    // `\u0016` is one character too: with none to three of its digits before the span, the span begins inside.
    let begins = |back: &usize| {
        let Some(at) = span.start.checked_sub(*back) else { return false };
        hay[at..].starts_with(b"\\u")
            && hay[at + 2..span.start].iter().all(u8::is_ascii_hexdigit)
            && edge::backslashes_before(hay, 0, at + 1) % 2 == 1
    };
    span.start -= (2..=5).find(begins).unwrap_or(0);
    let inside = edge::backslashes_before(hay, span.start, span.end);
    if inside % 2 == 1 && span.end < hay.len() && !matches!(hay[span.end], b'\r' | b'\n') {
        span.end += 1;
    }
    if let [.., b'\\', b'u'] = &hay[span.start..span.end] {
        let digits = hay[span.end..].iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
        span.end += if digits == 4 { 4 } else { 0 };
    }
}
