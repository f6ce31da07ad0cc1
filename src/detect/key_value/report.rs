//! Where findings go, unless they are placeholders.

use crate::{
    finding::{Finding, Shape},
    redact::placeholder::Placeholders,
    rules::RuleId,
    text::{ansi, span::Span},
};

pub(super) struct Report<'r, 'h> {
    pub(super) hay: &'h [u8],
    pub(super) placeholders: &'r Placeholders,
    pub(super) findings: &'r mut Vec<Finding>,
}

impl Report<'_, '_> {
    /// Adds a finding, unless the span is empty, a colour code or a placeholder. Answers whether it
    /// is one.
    pub(super) fn push(&mut self, span: Span, rule: RuleId, shape: Shape) -> bool {
        let text = span.of(self.hay);
        let is_finding =
            !text.is_empty() && !ansi::is_colours(text) && !self.placeholders.is_whole(text);
        if is_finding {
            self.findings.push(Finding { span, rule, shape });
        }
        is_finding
    }
}

/// Whether `text` is a label, as most records hold that are scanned for the second time. Other
/// placeholders are recognised later, when everything else is known.
pub(super) fn is_label(placeholders: &Placeholders, text: &[u8]) -> bool {
    text.starts_with(b"REDACTED-") && placeholders.is_whole(text)
}
