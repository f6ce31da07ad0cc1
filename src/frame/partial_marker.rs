//! Markers: texts that show that a record is only part of one, or is not text. A block without a
//! marker is not read by any format.
//!
//! The prefilter finds them in the pass that finds the anchors of the rules, because a search of
//! their own would cost as much as all rules together. A marker is known by its number: first those
//! of the formats, then the magic numbers of [`not_text`].

use super::{format::Format, formats, not_text};

/// Where in a record a text is a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    Anywhere,
    RecordStart,
}

/// The texts to search for, in the order of their numbers.
pub(crate) fn texts() -> impl Iterator<Item = (&'static [u8], Position)> {
    let magic = not_text::MAGIC_NUMBERS.iter().map(|magic| (magic.bytes, Position::RecordStart));
    formats::markers().map(|marker| (marker.text.as_bytes(), Position::Anywhere)).chain(magic)
}

/// The magic numbers among the markers of a block, by their place in [`not_text::MAGIC_NUMBERS`],
/// each with its offset.
pub(crate) fn magic_numbers(
    markers: &[(usize, usize)],
) -> impl Iterator<Item = (usize, usize)> + '_ {
    let n_formats = if markers.is_empty() { 0 } else { formats::markers().count() };
    markers.iter().filter_map(move |(number, at)| Some((number.checked_sub(n_formats)?, *at)))
}

/// The offsets of the markers of a block that matter in an input of `format`.
pub(super) fn of_formats(
    hay: &[u8],
    markers: &[(usize, usize)],
    format: Format,
) -> impl Iterator<Item = usize> {
    markers.iter().filter_map(move |(number, at)| {
        let marker = formats::markers().nth(*number)?;
        (format.accepts(marker.format) && (marker.is_marker)(hay, *at)).then_some(*at)
    })
}
