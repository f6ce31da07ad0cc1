//! Signs that a record does not stand by itself, or is no text. Where a block has none, nothing of
//! it is read.
//!
//! They are found with the anchors of the rules, in one pass: a search for each would cost as much
//! again as all the rules do.

use super::{Format, formats::docker, not_text};
use crate::text::line;

/// A text that says something of the record it stands in.
struct Marker {
    text: &'static str,
    format: Format,
    /// Whether it is one where it stands.
    is_one: fn(&[u8], usize) -> bool,
}

const fn marker(text: &'static str, format: Format, is_one: fn(&[u8], usize) -> bool) -> Marker {
    Marker { text, format, is_one }
}

const N_MARKERS: usize = 14;

static MARKERS: [Marker; N_MARKERS] = [
    marker("stdout P", Format::Cri, anywhere),
    marker("stderr P", Format::Cri, anywhere),
    marker("\"stream\"", Format::Docker, is_cut),
    marker("\"partial_message\"", Format::Json, anywhere),
    marker("\"logtag\":\"P\"", Format::Json, anywhere),
    marker("\"CONTAINER_PARTIAL_MESSAGE\"", Format::JournalJson, anywhere),
    marker("\"MESSAGE\":[", Format::JournalJson, anywhere),
    marker("\"_CMDLINE\":[", Format::JournalJson, anywhere),
    marker("__CURSOR=", Format::JournalExport, begins_line),
    marker("apiVersion: v1", Format::Auto, begins_text),
    marker("\"apiVersion\": \"v1\"", Format::Auto, begins_text),
    marker("kind: Secret", Format::Auto, begins_text),
    marker("\"kind\": \"Secret\"", Format::Auto, anywhere),
    marker("\"kind\":\"Secret\"", Format::Auto, anywhere),
];

fn anywhere(_: &[u8], _: usize) -> bool {
    true
}

fn begins_line(hay: &[u8], at: usize) -> bool {
    at == 0 || hay[at - 1] == b'\n'
}

/// Nothing but indentation, and the dash of a list, stands before it.
fn begins_text(hay: &[u8], at: usize) -> bool {
    let before = hay[..at].iter().rev().take_while(|byte| matches!(byte, b' ' | b'-')).count();
    begins_line(hay, at - before)
}

/// It names the stream of a record whose text goes on. Most records have their text right before
/// it, and end with it.
fn is_cut(hay: &[u8], at: usize) -> bool {
    let before = hay[at.saturating_sub(64)..at].trim_ascii_end();
    let before = before.strip_suffix(b",").unwrap_or(before).trim_ascii_end();
    let is_whole = before.strip_suffix(b"\"").is_some_and(docker::ends_line);
    !is_whole
        && docker::names_stream(&hay[at..])
        && docker::file(hay, line::around(hay, at)).is_some_and(|part| part.is_partial)
}

/// The texts, in the order of their numbers: those of [`not_text::MAGIC_NUMBERS`] come last, and count at
/// the start of a record only.
pub(crate) fn texts() -> impl Iterator<Item = (&'static [u8], Position)> {
    let markers = MARKERS.iter().map(|marker| (marker.text.as_bytes(), Position::Anywhere));
    markers.chain(not_text::MAGIC_NUMBERS.iter().map(|magic| (magic.bytes, Position::RecordStart)))
}

/// Where a text is a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    Anywhere,
    /// At the start of a record.
    RecordStart,
}

/// Which of [`not_text::MAGIC_NUMBERS`] stand among `markers`, and where.
pub(crate) fn magic_numbers(markers: &[(usize, usize)]) -> impl Iterator<Item = (usize, usize)> {
    markers.iter().filter_map(|(number, at)| Some((number.checked_sub(N_MARKERS)?, *at)))
}

/// Whether marker `number`, which stands at `at`, says something to who reads `format`.
pub(super) fn counts(hay: &[u8], number: usize, at: usize, format: Format) -> bool {
    let Some(marker) = MARKERS.get(number) else { return false };
    format.takes(marker.format) && (marker.is_one)(hay, at)
}
