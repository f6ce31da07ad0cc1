//! From findings to clean bytes.
//!
//! [`Redactor`] writes the placeholder of a finding in the style of its rule, [`edits`] hold what
//! replaces what, [`OutputRuns`] are the output of a block. What recognises a placeholder lies
//! beside what writes one ([`placeholder`]), so that scrubbing twice is scrubbing once.

pub(crate) mod edits;
mod output_runs;
pub(crate) mod placeholder;

pub(crate) use self::output_runs::{Mark, OutputRuns};
use crate::{
    finding::{Finding, Shape},
    policy::Style,
    rules::{Recogniser, Rule, RuleId, RuleSet},
    text::span::Span,
};

/// Replaces a record, or a part of one, that could not be examined.
pub(crate) const RECORD: &[u8] = b"REDACTED-record";

/// `partial` keeps at most this many characters, and at most a quarter of the secret.
const KEPT: usize = 4;

/// Writes placeholders, by the style of each rule.
pub(crate) struct Redactor {
    styles: Vec<Style>,
    labels: Vec<Box<[u8]>>,
}

impl Redactor {
    /// `styles`: one for each rule of the set, by its number.
    pub(crate) fn new(rules: &RuleSet, mut styles: Vec<Style>) -> Redactor {
        let has_no_domain = |rule: &Rule| !matches!(rule.recogniser, Recogniser::Email);
        for (rule, style) in rules.rules().iter().zip(&mut styles) {
            if *style == Style::KeepDomain && has_no_domain(rule) {
                *style = Style::Label;
            }
        }
        let labels = rules
            .rules()
            .iter()
            .map(|rule| format!("REDACTED-{}", rule.id()).into_bytes().into())
            .collect();
        Redactor { styles, labels }
    }

    pub(crate) fn style(&self, rule: RuleId) -> &Style {
        &self.styles[rule.index()]
    }

    /// Appends the replacement of `finding`.
    pub(crate) fn replace(&self, hay: &[u8], finding: &Finding, out: &mut Vec<u8>) {
        match finding.shape {
            Shape::Text => self.placeholder(hay, finding.span, finding.rule, out),
            Shape::Scalar { quote } => {
                let quote = if quote.is_empty() { b"\"" } else { quote.of(hay) };
                out.extend_from_slice(quote);
                self.placeholder(hay, finding.span, finding.rule, out);
                out.extend_from_slice(quote);
            }
        }
    }

    fn placeholder(&self, hay: &[u8], span: Span, rule: RuleId, out: &mut Vec<u8>) {
        let secret = span.of(hay);
        match &self.styles[rule.index()] {
            Style::Label => out.extend_from_slice(&self.labels[rule.index()]),
            Style::KeepDomain => {
                out.extend_from_slice(&self.labels[rule.index()]);
                out.extend_from_slice(at_domain(secret));
            }
            Style::Fixed(text) => out.extend_from_slice(text.as_bytes()),
            Style::Mask => mask(secret, 0, out),
            Style::Partial => mask(secret, KEPT, out),
        }
    }
}

/// The `@` of an address, in any of its spellings, and the domain after it.
fn at_domain(address: &[u8]) -> &[u8] {
    let marks = [&b"@"[..], b"%40", br"\u0040"];
    let at = marks.iter().filter_map(|mark| memchr::memmem::rfind(address, mark)).max();
    at.map_or(b"", |at| &address[at..])
}

/// The placeholders of the style `fixed`, which no rule id gives.
pub(crate) fn fixed_texts(styles: &[Style]) -> impl Iterator<Item = Box<[u8]>> + '_ {
    styles.iter().filter_map(|style| match style {
        Style::Fixed(text) => Some(text.as_bytes().into()),
        _ => None,
    })
}

/// Appends the replacement of a record that could not be examined: an object for an object.
pub(crate) fn mask_record(text: &[u8], out: &mut Vec<u8>) {
    let trimmed = text.trim_ascii();
    if trimmed.starts_with(b"{") && trimmed.ends_with(b"}") {
        out.extend_from_slice(b"{\"redacted\":\"");
        out.extend_from_slice(RECORD);
        out.extend_from_slice(b"\"}");
    } else {
        out.extend_from_slice(RECORD);
    }
}

/// A `*` for each character, but for the last `kept` (and never more than a quarter).
fn mask(secret: &[u8], kept: usize, out: &mut Vec<u8>) {
    let n_chars = secret.iter().filter(|byte| **byte & 0xC0 != 0x80).count().max(1);
    let kept = kept.min(n_chars / 4);
    out.extend(std::iter::repeat_n(b'*', n_chars - kept));
    out.extend_from_slice(&secret[tail(secret, kept)..]);
}

/// Where the last `n_chars` characters begin. Only letters and digits are kept: anything else could
/// break the syntax around it.
fn tail(secret: &[u8], n_chars: usize) -> usize {
    let mut at = secret.len();
    for _ in 0..n_chars {
        match secret[..at].last() {
            Some(byte) if byte.is_ascii_alphanumeric() => at -= 1,
            _ => break,
        }
    }
    at
}
