//! Where something is in a block, as byte offsets. A span does not carry bytes, so it cannot leak
//! them.

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
