//! Signs that a record does not stand by itself. Where a block has none, nothing of it is read.
//!
//! They are found with the anchors of the rules, in one pass: a search for each would cost as much again as all the rules do.

use super::{Format, docker};

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
    sign("\",\"stream\":\"std", Format::Docker, is_cut),
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

/// Where the text before it ended with an escaped line end, the record is whole.
fn is_cut(hay: &[u8], at: usize) -> bool {
    !docker::ends_line(&hay[at.saturating_sub(64)..at])
}

/// The texts, in the order of their numbers.
pub(crate) fn texts() -> [&'static str; N_SIGNS] {
    std::array::from_fn(|index| SIGNS[index].text)
}

/// Whether sign `number`, which stands at `at`, says something to who reads `format`.
pub(super) fn counts(hay: &[u8], number: usize, at: usize, format: Format) -> bool {
    let sign = &SIGNS[number];
    format.takes(sign.format) && (sign.is_one)(hay, at)
}
