//! The words that every room shares: where something stands in a block, and which rule says so.
//!
//! A span is a half-open range of byte offsets into the block under examination. A finding is a span that a rule claims
//! and that nothing refuted. Neither carries the matched bytes, so neither can leak them: `Debug` shows offsets only.

/// A half-open range `start..end` of byte offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The offset of the first byte.
    pub start: usize,
    /// The offset behind the last byte.
    pub end: usize,
}

impl Span {
    /// The span `start..end`; `start` must not lie behind `end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Span {
        debug_assert!(start <= end, "a span runs forwards: {start}..{end}");
        Span { start, end }
    }

    /// Bytes in the span.
    #[must_use]
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether the span holds no byte.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether the byte at `offset` lies inside.
    #[must_use]
    pub fn contains(self, offset: usize) -> bool {
        self.start <= offset && offset < self.end
    }

    /// The bytes of `hay` that the span covers.
    #[must_use]
    pub fn of(self, hay: &[u8]) -> &[u8] {
        &hay[self.start..self.end]
    }
}

/// The number of a rule within its [`RuleSet`](crate::RuleSet).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub(crate) u16);

impl RuleId {
    /// The rule's index in its set.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// What must surround a placeholder for the record to stay what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Text in text's place: the placeholder alone.
    Text,
    /// A JSON number or boolean: the placeholder goes between quotes, written as at `quote` (`"`, or `\"` inside a string).
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
