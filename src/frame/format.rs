//! Record formats: their names, and what one of them must say about its records.
//!
//! To add a format, write its file in `formats/`, add a line to `formats::FORMATS`, and, if users
//! may ask for it with `--format`, a line to the list of names below. Nothing else names formats.

use super::{record_part::RecordPart, rewrites::Rewrites};
use crate::{error::Error, text::span::Span};

/// Declares [`Format`] from one list of variants and names.
macro_rules! formats {
    ($($(#[$about:meta])* $variant:ident = $name:literal,)*) => {
        /// The format of an input's records.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Format {
            $($(#[$about])* $variant,)*
        }

        impl Format {
            /// All formats, in the order in which help lists them.
            pub const ALL: [Format; [$($name),*].len()] = [$(Format::$variant),*];

            /// The format's name on the command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Format::$variant => $name,)*
                }
            }
        }
    };
}

formats! {
    /// Detected for each record. CSV and TSV are not detected, because any line could be a row.
    #[default]
    Auto = "auto",
    /// One record a line, whatever it contains.
    Line = "line",
    /// Kubernetes container logs: `2016-10-06T00:17:09.669794202Z stdout P text`.
    Cri = "cri",
    /// Docker's json-file driver.
    Docker = "docker",
    /// JSON objects, one a line, such as those of Docker's fluentd driver and of Fluent Bit.
    Json = "json",
    /// `key=value` pairs, one record a line.
    Logfmt = "logfmt",
    /// `journalctl -o json`.
    JournalJson = "journal-json",
    /// `journalctl -o export`.
    JournalExport = "journal-export",
    /// Comma-separated values with a header.
    Csv = "csv",
    /// Tab-separated values with a header.
    Tsv = "tsv",
}

impl Format {
    /// The format with this name.
    ///
    /// # Errors
    ///
    /// No format has this name.
    pub fn named(name: &str) -> Result<Format, Error> {
        let names = Format::ALL.map(Format::name).join(", ");
        let found = Format::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| {
            Error::usage(format!("unknown format {name:?}")).hint(format!("one of {names}"))
        })
    }

    /// Whether an input of this format may hold records of `other`.
    pub(super) fn accepts(self, other: Format) -> bool {
        self == Format::Auto || self == other
    }
}

/// A format with records that are not complete text alone: some continue in another record,
/// span lines, or hold bytes in a form that detectors cannot read.
///
/// A block is read by it only if one of its [markers](RecordFormat::markers) occurs, so a format
/// costs nothing in blocks without it. Every method has a default that says "nothing special".
pub(super) trait RecordFormat: Sync {
    /// The formats, beside `auto`, with which the user asks for it.
    fn formats(&self) -> &'static [Format];

    /// The texts that say that a block must be read. The prefilter finds them.
    fn markers(&self) -> &'static [Marker] {
        &[]
    }

    /// The name to count a record by, if the record is one of this format.
    fn recognise(&self, _record: &[u8]) -> Option<Format> {
        None
    }

    /// Reads an entry of several lines that begins at `start`, if one does.
    fn entry(&self, _hay: &[u8], _start: usize, _rewrites: &mut Rewrites) -> Option<Entry> {
        None
    }

    /// Rewrites what detectors cannot read in a record of one line.
    fn rewrite(&self, _hay: &[u8], _record: Span, _rewrites: &mut Rewrites) {}

    /// Where the text of a record is that may be part of a longer one.
    fn part(&self, _hay: &[u8], _record: Span) -> Option<RecordPart> {
        None
    }
}

/// An entry of several lines.
pub(super) struct Entry {
    /// Where it ends, or where the block ends before it does.
    pub(super) end: usize,
    /// Whether its end is in the block, or is not needed.
    pub(super) is_whole: bool,
    /// Its part of a record that was cut.
    pub(super) part: Option<RecordPart>,
}

/// A text that says something about its record.
pub(super) struct Marker {
    pub(super) text: &'static str,
    /// The marker is ignored in inputs of another format.
    pub(super) format: Format,
    /// Whether an occurrence at an offset is one.
    pub(super) is_marker: fn(&[u8], usize) -> bool,
}

impl Marker {
    /// A marker wherever it occurs.
    pub(super) const fn anywhere(text: &'static str, format: Format) -> Marker {
        Marker { text, format, is_marker: |_, _| true }
    }
}
