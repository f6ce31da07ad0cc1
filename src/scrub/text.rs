//! A text of a block: the bytes to examine, and where each of them is in the block.
//!
//! Lines are read as they are, which costs nothing. Records that were cut into parts, records with
//! colour codes, and blocks with records that are not text are read out of the block, with a map
//! back to it.

use crate::{
    redact::edits::Edits,
    text::{source_map::SourceMap, span::Span},
};

/// A text and its way back to the block. It borrows both, so that choosing a text costs nothing.
#[derive(Clone, Copy)]
pub(super) enum Text<'t> {
    /// The bytes of the block.
    Block(&'t [u8]),
    /// Bytes that were read out of the block.
    Mapped(&'t SourceMap),
}

impl<'t> Text<'t> {
    /// The bytes to examine.
    pub(super) fn bytes(self) -> &'t [u8] {
        match self {
            Text::Block(hay) => hay,
            Text::Mapped(map) => map.text(),
        }
    }

    /// The bytes of the block that `span` was read from, in the order of the text: several spans
    /// where something else lies between them, none where all of it was handed on before.
    pub(super) fn in_block(self, span: Span) -> impl Iterator<Item = Span> + 't {
        let (own, map) = match self {
            Text::Block(_) => (Some(span), None),
            Text::Mapped(map) => (None, Some(map)),
        };
        let mapped = map.into_iter().flat_map(move |map| map.in_block(span));
        own.into_iter().chain(mapped).filter(|place| !place.is_empty())
    }

    /// The edits of the text as edits of the block. The first place of each takes the replacement
    /// and the findings; the bytes of the other places are removed. `numbers`: where in the block
    /// bytes are written as numbers.
    pub(super) fn edits_in_block(self, edits: &Edits, numbers: &[Span]) -> Edits {
        let mut mapped = Edits::default();
        for edit in edits.as_slice() {
            let mut replacement = edits.replacement(edit);
            for (index, place) in self.in_block(edit.span).enumerate() {
                push(&mut mapped, place, replacement, numbers);
                if index == 0 {
                    mapped.add_findings(edits.findings(edit).iter().copied());
                }
                replacement = b"";
            }
        }
        mapped.unite_overlaps();
        mapped
    }
}

/// Adds the edit of `place`, written as numbers where the bytes of `place` are.
pub(super) fn push(edits: &mut Edits, place: Span, replacement: &[u8], numbers: &[Span]) {
    let around =
        numbers.iter().find(|around| around.start <= place.start && place.end <= around.end);
    match around {
        Some(around) => push_numbers(edits, place, replacement, *around),
        None => edits.push(place, |bytes| bytes.extend_from_slice(replacement)),
    }
}

/// Adds the edit of a place inside an array of numbers: a number for each byte of the replacement,
/// so that the array stays valid JSON.
fn push_numbers(edits: &mut Edits, mut place: Span, replacement: &[u8], around: Span) {
    let is_first = place.start == around.start;
    if replacement.is_empty() && is_first && place.end < around.end {
        // The comma goes with the number before it.
        place.end += 1;
    }
    edits.push(place, |bytes| {
        for (index, byte) in replacement.iter().enumerate() {
            // All but the first number of an array have a comma before them.
            if index > 0 || !is_first {
                bytes.push(b',');
            }
            bytes.extend_from_slice(byte.to_string().as_bytes());
        }
    });
}
