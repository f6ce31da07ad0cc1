//! Where a record begins and ends, and which of its bytes are text.
//!
//! Framing is lazy: the block is searched first, and the record around a candidate is located only
//! when there is one. Only where a sign says that a record does not stand by itself (a part of a
//! longer one, a field with a length before it, bytes written as numbers) is it read: [`reassembly`]
//! says how such a block is read as text, a record a line, and where each byte of that text stands.

pub(crate) mod buffer;
pub(crate) mod formats;
pub(crate) mod not_text;
pub(crate) mod partial_marker;
pub(crate) mod reassembly;
#[cfg(feature = "batch")]
pub(crate) mod timestamp;

use crate::{error::Error, text::span::Span};

/// What the records of an input are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Told at each record's start; CSV and TSV are not, since any line could be a row.
    #[default]
    Auto,
    /// A record a line, whatever stands in it.
    Line,
    /// Kubernetes container logs: `2016-10-06T00:17:09.669794202Z stdout P text`.
    Cri,
    /// Docker's json-file.
    Docker,
    /// JSON objects, one a line; those of Docker's fluentd driver and of Fluent Bit among them.
    Json,
    /// `key=value` pairs, a record a line.
    Logfmt,
    /// `journalctl -o json`.
    JournalJson,
    /// `journalctl -o export`.
    JournalExport,
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
}

impl Format {
    /// Every format, in the order in which help tells them.
    pub const ALL: [Format; 10] = [
        Format::Auto,
        Format::Line,
        Format::Cri,
        Format::Docker,
        Format::Json,
        Format::Logfmt,
        Format::JournalJson,
        Format::JournalExport,
        Format::Csv,
        Format::Tsv,
    ];

    /// The format's name, as it is written on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Format::Auto => "auto",
            Format::Line => "line",
            Format::Cri => "cri",
            Format::Docker => "docker",
            Format::Json => "json",
            Format::Logfmt => "logfmt",
            Format::JournalJson => "journal-json",
            Format::JournalExport => "journal-export",
            Format::Csv => "csv",
            Format::Tsv => "tsv",
        }
    }

    /// The format of that name.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn named(name: &str) -> Result<Format, Error> {
        let names = Format::ALL.map(Format::name).join(", ");
        let found = Format::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| {
            Error::usage(format!("unknown format {name:?}")).hint(format!("one of {names}"))
        })
    }

    /// The format of one record of an input in this format.
    pub(crate) fn of(self, record: &[u8]) -> Format {
        match record.first() {
            _ if self != Format::Auto => self,
            Some(byte) if byte.is_ascii_digit() && formats::cri::head(record).is_some() => {
                Format::Cri
            }
            Some(b'{') if formats::docker::file(record, Span::new(0, record.len())).is_some() => {
                Format::Docker
            }
            Some(b'{') => Format::Json,
            _ => Format::Line,
        }
    }

    /// Whether a record that looks like one of `other` is read as that.
    fn takes(self, other: Format) -> bool {
        self == Format::Auto || self == other
    }

    /// Whether records are the rows of a table: what separates their cells.
    pub(crate) fn separator(self) -> Option<u8> {
        match self {
            Format::Csv => Some(b','),
            Format::Tsv => Some(b'\t'),
            _ => None,
        }
    }
}

/// Whose records are joined: a format and, where it has several, the name of one of its streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stream(u64);

impl Stream {
    pub(crate) const CRI_OUT: Stream = Stream(1);
    pub(crate) const CRI_ERR: Stream = Stream(2);
    pub(crate) const FILE_OUT: Stream = Stream(3);
    pub(crate) const FILE_ERR: Stream = Stream(4);

    /// The stream that has one more name (FNV-1a).
    pub(crate) fn named(self, name: &[u8]) -> Stream {
        let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Stream(name.iter().fold((self.0 ^ 0xcbf2_9ce4_8422_2325).rotate_left(17), hash))
    }
}
