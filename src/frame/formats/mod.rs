//! The formats of records: one file each, and one line each in [`FORMATS`].
//!
//! CSV and TSV are no [`RecordFormat`]: a table is read as a whole from its header on, and only if
//! the user asks for it.

pub(crate) mod cri;
pub(crate) mod csv;
pub(crate) mod docker;
pub(crate) mod journal;
pub(crate) mod k8s_secret;

use super::{
    format::{Format, Marker, RecordFormat},
    record_part::RecordPart,
};
use crate::text::span::Span;

/// The formats, in the order in which they are asked about a record.
pub(super) static FORMATS: [&dyn RecordFormat; 6] = [
    &journal::Export,
    &k8s_secret::K8sSecret,
    &cri::Cri,
    &docker::JsonFile,
    &journal::JsonArrays,
    &docker::JsonMembers,
];

/// The formats that are read in an input of `format`.
pub(super) fn accepted(format: Format) -> impl Iterator<Item = &'static dyn RecordFormat> {
    FORMATS.into_iter().filter(move |one| format == Format::Auto || one.formats().contains(&format))
}

/// The markers of all formats. Their order gives them their numbers.
pub(super) fn markers() -> impl Iterator<Item = &'static Marker> {
    FORMATS.iter().flat_map(|format| format.markers())
}

/// The part that a record is of a longer one, if it may be one.
pub(super) fn part(hay: &[u8], record: Span, format: Format) -> Option<RecordPart> {
    accepted(format).find_map(|one| one.part(hay, record))
}

impl Format {
    /// The format of one record of an input in this format.
    pub(crate) fn of(self, record: &[u8]) -> Format {
        if self != Format::Auto {
            return self;
        }
        let found = FORMATS.iter().find_map(|format| format.recognise(record));
        found.unwrap_or(Format::Line)
    }
}
