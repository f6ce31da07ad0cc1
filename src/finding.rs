//! A span that a rule claims and that nothing refuted.
//!
//! A finding does not carry the matched bytes, so it cannot leak them: `Debug` shows offsets only.

use crate::{rules::RuleId, text::span::Span};

/// What must surround a placeholder for the record to stay what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Text in text's place: the placeholder alone.
    Text,
    /// A JSON number or boolean: the placeholder goes between quotes, written as at `quote` (`"`,
    /// or `\"` inside a string).
    Scalar {
        /// Where the quote to repeat stands. An empty span stands for `"`.
        quote: Span,
    },
}

/// A span that a rule claims and no validator refuted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is to be replaced.
    pub span: Span,
    /// Who says so.
    pub rule: RuleId,
    /// How the placeholder must be written.
    pub shape: Shape,
}

impl Finding {
    /// A finding that is replaced by the bare placeholder.
    #[must_use]
    pub fn text(span: Span, rule: RuleId) -> Finding {
        Finding { span, rule, shape: Shape::Text }
    }
}
