//! Signs that a record does not stand by itself, or is no text. Where a block has none, nothing of
//! it is read.
//!
//! They are found with the anchors of the rules, in one pass: a search for each would cost as much
//! again as all the rules do.

use super::{Format, formats::docker, not_text};
use crate::text::line;

/// A text that says something of the record it stands in.
struct Sign {
    text: &'static str,
    format: Format,
    /// Whether it is one where it stands.
    is_one: fn(&[u8], usize) -> bool,
}

const fn sign(text: &'static str, format: Format, is_one: fn(&[u8], usize) -> bool) -> Sign {
    Sign { text, format, is_one }
}

const N_SIGNS: usize = 14;

static SIGNS: [Sign; N_SIGNS] = [
    sign("stdout P", Format::Cri, anywhere),
    sign("stderr P", Format::Cri, anywhere),
    sign("\"stream\"", Format::Docker, is_cut),
    sign("\"partial_message\"", Format::Json, anywhere),
    sign("\"logtag\":\"P\"", Format::Json, anywhere),
    sign("\"CONTAINER_PARTIAL_MESSAGE\"", Format::JournalJson, anywhere),
    sign("\"MESSAGE\":[", Format::JournalJson, anywhere),
    sign("\"_CMDLINE\":[", Format::JournalJson, anywhere),
    sign("__CURSOR=", Format::JournalExport, begins_line),
    sign("apiVersion: v1", Format::Auto, begins_text),
    sign("\"apiVersion\": \"v1\"", Format::Auto, begins_text),
    sign("kind: Secret", Format::Auto, begins_text),
    sign("\"kind\": \"Secret\"", Format::Auto, anywhere),
    sign("\"kind\":\"Secret\"", Format::Auto, anywhere),
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

/// The texts, in the order of their numbers: those of [`not_text::MARKS`] come last, and count at
/// the start of a record only.
pub(crate) fn texts() -> impl Iterator<Item = (&'static [u8], Stands)> {
    let signs = SIGNS.iter().map(|sign| (sign.text.as_bytes(), Stands::Anywhere));
    signs.chain(not_text::MARKS.iter().map(|mark| (mark.bytes, Stands::AtStart)))
}

/// Where a text is a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stands {
    Anywhere,
    /// At the start of a record.
    AtStart,
}

/// Which of [`not_text::MARKS`] stand among `signs`, and where.
pub(crate) fn marks(signs: &[(usize, usize)]) -> impl Iterator<Item = (usize, usize)> {
    signs.iter().filter_map(|(number, at)| Some((number.checked_sub(N_SIGNS)?, *at)))
}

/// Whether sign `number`, which stands at `at`, says something to who reads `format`.
pub(super) fn counts(hay: &[u8], number: usize, at: usize, format: Format) -> bool {
    let Some(sign) = SIGNS.get(number) else { return false };
    format.takes(sign.format) && (sign.is_one)(hay, at)
}
