//! Edits: bytes of a text, and the bytes that replace them.
//!
//! Everything that changes an output is an [`Edit`], whatever found it: a detector, a decoded run,
//! a record that waited too long for its rest. Edits of a text are carried to the block that it was
//! read from (an edit may become several there), and [`Edits::apply`] is the only function that
//! makes them.
//!
//! An edit lists the findings that it replaces, so that they are counted where it is made. All
//! replacements and findings of a list share two vectors: an edit costs no allocation of its own.

use crate::{
    rules::RuleId,
    text::{encoding::Encoding, span::Span, visits},
};

/// How many encodings inside one another are decoded.
pub(crate) const MAX_DEPTH: usize = 4;

/// The encodings that a finding lies behind, the outermost first; none for a plain one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EncodingPath([Option<Encoding>; MAX_DEPTH]);

impl EncodingPath {
    /// The encodings, the outermost first. The same one several times in a row is listed once.
    pub(crate) fn encodings(&self) -> impl Iterator<Item = Encoding> {
        self.0.into_iter().flatten()
    }

    /// The same path behind one more encoding.
    pub(crate) fn behind(self, outer: Encoding) -> EncodingPath {
        if self.0[0] == Some(outer) {
            return self;
        }
        let [one, two, three, _] = self.0;
        EncodingPath([Some(outer), one, two, three])
    }
}

/// A finding that an edit replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DecodedFinding {
    /// None where a text is encoded too deeply to be examined, or could not be examined.
    pub(crate) rule: Option<RuleId>,
    pub(crate) path: EncodingPath,
}

impl DecodedFinding {
    /// A finding in the text as it is.
    pub(crate) fn plain(rule: RuleId) -> DecodedFinding {
        DecodedFinding { rule: Some(rule), path: EncodingPath::default() }
    }
}

/// Bytes of a text, and what replaces them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edit {
    pub(crate) span: Span,
    /// In [`Edits::bytes`].
    replacement: Span,
    /// In [`Edits::findings`].
    findings: Span,
}

/// The edits of one text. Once sorted they are disjoint.
#[derive(Default)]
pub(crate) struct Edits {
    list: Vec<Edit>,
    bytes: Vec<u8>,
    findings: Vec<DecodedFinding>,
}

impl Edits {
    /// Drops all edits and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.bytes.clear();
        self.findings.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The edits in the order of the list.
    pub(crate) fn as_slice(&self) -> &[Edit] {
        &self.list
    }

    /// Adds an edit whose replacement is what `write` appends.
    pub(crate) fn push(&mut self, span: Span, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let n_findings = self.findings.len();
        self.list.push(Edit {
            span,
            replacement: Span::new(start, self.bytes.len()),
            findings: Span::new(n_findings, n_findings),
        });
    }

    /// Adds `findings` to the edit that was added last.
    pub(crate) fn add_findings(&mut self, findings: impl IntoIterator<Item = DecodedFinding>) {
        self.findings.extend(findings);
        if let Some(last) = self.list.last_mut() {
            last.findings.end = self.findings.len();
        }
    }

    /// The edit that was added last reaches to `end` at least.
    pub(crate) fn extend_last(&mut self, end: usize) {
        if let Some(last) = self.list.last_mut() {
            last.span.end = last.span.end.max(end);
        }
    }

    /// The first edit changes `span` instead, to what `write` appends.
    pub(crate) fn replace_first(&mut self, span: Span, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        if let Some(first) = self.list.first_mut() {
            first.span = span;
            first.replacement = Span::new(start, self.bytes.len());
        }
    }

    /// The first edit changes `span` only.
    pub(crate) fn cut_first(&mut self, span: Span) {
        if let Some(first) = self.list.first_mut() {
            first.span = span;
        }
    }

    /// Adds the edits of `other`, as they are.
    pub(crate) fn append(&mut self, other: &Edits) {
        for edit in &other.list {
            self.push(edit.span, |bytes| bytes.extend_from_slice(other.replacement(edit)));
            self.add_findings(other.findings(edit).iter().copied());
        }
    }

    /// Drops the edits that `keep` refuses. Their bytes stay in memory until the list is cleared.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Edit) -> bool) {
        self.list.retain(keep);
    }

    /// Sorts by place. Edits nearly always come in order.
    pub(crate) fn sort(&mut self) {
        if !self.list.is_sorted_by_key(|edit| edit.span.start) {
            self.list.sort_by_key(|edit| edit.span.start);
        }
    }

    /// Sorts, and makes one edit of those that overlap: the first replacement that is not empty,
    /// and the findings of all. Two spans of a text may lie in one place of the block.
    pub(crate) fn unite_overlaps(&mut self) {
        self.sort();
        if self.list.is_sorted_by(|one, next| one.span.end <= next.span.start) {
            return;
        }
        let parts = std::mem::take(self);
        for edit in parts.as_slice() {
            match self.list.last_mut().filter(|last| edit.span.start < last.span.end) {
                Some(last) => {
                    last.span.end = last.span.end.max(edit.span.end);
                    if last.replacement.is_empty() {
                        let start = self.bytes.len();
                        self.bytes.extend_from_slice(parts.replacement(edit));
                        last.replacement = Span::new(start, self.bytes.len());
                    }
                }
                None => self.push(edit.span, |bytes| {
                    bytes.extend_from_slice(parts.replacement(edit));
                }),
            }
            self.add_findings(parts.findings(edit).iter().copied());
        }
    }

    /// The bytes that replace the span of `edit`.
    pub(crate) fn replacement(&self, edit: &Edit) -> &[u8] {
        edit.replacement.of(&self.bytes)
    }

    /// The findings that `edit` replaces; none for the later parts of a divided secret.
    pub(crate) fn findings(&self, edit: &Edit) -> &[DecodedFinding] {
        &self.findings[edit.findings.start..edit.findings.end]
    }

    /// The edit of exactly `span`.
    pub(crate) fn at(&self, span: Span) -> Option<&Edit> {
        self.starting_at(span.start).filter(|edit| edit.span == span)
    }

    /// The edit that begins at `start`.
    pub(crate) fn starting_at(&self, start: usize) -> Option<&Edit> {
        let at = self.list.binary_search_by_key(&start, |edit| edit.span.start).ok()?;
        self.list.get(at)
    }

    /// Whether an edit changes something of `span`.
    pub(crate) fn overlap(&self, span: Span) -> bool {
        let first = self.list.partition_point(|edit| edit.span.end <= span.start);
        self.list.get(first).is_some_and(|edit| edit.span.start < span.end)
    }

    /// By how many bytes `span` grows.
    pub(crate) fn growth(&self, span: Span) -> isize {
        let first = self.list.partition_point(|edit| edit.span.end <= span.start);
        let inside = self.list[first..].iter().take_while(|edit| edit.span.start < span.end);
        inside
            .map(|edit| edit.replacement.len().cast_signed() - edit.span.len().cast_signed())
            .sum()
    }

    /// Appends `part` of `hay` with `edits` made: some of this list, in order and inside `part`.
    pub(crate) fn apply(&self, edits: &[Edit], hay: &[u8], part: Span, out: &mut Vec<u8>) {
        visits::add(part.len());
        let mut done = part.start;
        for edit in edits {
            out.extend_from_slice(&hay[done..edit.span.start]);
            out.extend_from_slice(self.replacement(edit));
            done = edit.span.end;
        }
        out.extend_from_slice(&hay[done..part.end]);
    }
}

impl std::fmt::Debug for Edits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Replacements may hold parts of what is around a secret.
        write!(f, "Edits({})", self.list.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(list: &[(usize, usize, &str)]) -> Edits {
        let mut edits = Edits::default();
        for (start, end, text) in list {
            edits.push(Span::new(*start, *end), |bytes| bytes.extend_from_slice(text.as_bytes()));
        }
        edits.sort();
        edits
    }

    #[test]
    fn edits_are_made_in_order_and_nothing_else_changes() {
        let edits = edits(&[(8, 9, ""), (2, 5, "REDACTED"), (9, 9, "+")]);
        let hay = b"0123456789ab";
        let mut out = Vec::new();
        edits.apply(edits.as_slice(), hay, Span::new(0, hay.len()), &mut out);
        assert_eq!(out, b"01REDACTED567+9ab");
        assert_eq!(edits.growth(Span::new(0, 12)), 5);
        assert_eq!(edits.growth(Span::new(5, 9)), -1);
        assert!(edits.overlap(Span::new(4, 6)) && !edits.overlap(Span::new(5, 8)));
        assert!(edits.at(Span::new(2, 5)).is_some() && edits.at(Span::new(2, 6)).is_none());
    }

    #[test]
    fn edits_that_overlap_become_one_and_neighbours_stay() {
        let mut edits = edits(&[(4, 6, "c"), (0, 3, ""), (2, 4, "b"), (1, 2, "a"), (8, 9, "d")]);
        edits.unite_overlaps();
        let mut out = Vec::new();
        edits.apply(edits.as_slice(), b"0123456789", Span::new(0, 10), &mut out);
        assert_eq!(out, b"ac67d9");
    }

    #[test]
    fn each_edit_keeps_its_findings() {
        let found = DecodedFinding::plain(RuleId(7));
        let mut one = edits(&[(0, 1, "a")]);
        one.add_findings([found, found]);
        let mut all = edits(&[(4, 5, "b")]);
        all.append(&one);
        all.sort();
        let counts: Vec<usize> =
            all.as_slice().iter().map(|edit| all.findings(edit).len()).collect();
        assert_eq!(counts, [2, 0]);
    }
}
