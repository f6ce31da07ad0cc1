//! A span that a rule claims and that nothing refuted.
//!
//! A finding does not carry the matched bytes, so it cannot leak them: `Debug` shows offsets only.

use crate::{rules::RuleId, text::span::Span};

/// How the placeholder must be written so that the record stays valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The value is text: the placeholder alone.
    Text,
    /// The value is a JSON number or boolean: the placeholder in quotes, which are written as at
    /// `quote` (`"`, or `\"` inside a string).
    Scalar {
        /// The quote to copy. An empty span means `"`.
        quote: Span,
    },
}

/// A span that a rule claims and that nothing refuted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The bytes to replace.
    pub span: Span,
    /// The rule that claims them.
    pub rule: RuleId,
    /// How the placeholder must be written.
    pub shape: Shape,
}

impl Finding {
    /// A finding whose placeholder needs no quotes.
    #[must_use]
    pub fn text(span: Span, rule: RuleId) -> Finding {
        Finding { span, rule, shape: Shape::Text }
    }
}
