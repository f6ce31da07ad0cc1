//! gzip: all members, with the name, comment and extra field of each.
//!
//! Decoded by zlib-rs as a stream: inflating takes a tenth of the time of deflating, and the length
//! of a member is only known at its end. Encoded by libdeflate as members of at most 1 MiB, twice
//! as fast as zlib. A secret may span two members, so the text of all members is scrubbed as one,
//! and a member's header goes to the new member that begins near the same position.

use std::{
    io::{self, BufRead, Read},
    ops::RangeInclusive,
    sync::PoisonError,
};

use flate2::{GzHeader, bufread::GzDecoder};
use libdeflater::{CompressionLvl, Compressor};

use super::codec::{Codec, Compressed, check_header_length};
use crate::batch::{
    chunks::{ChunkHeaders, CompressChunk},
    limits::refuse,
    metadata::{Headers, Verdict},
};

/// The text of one member.
const CHUNK: usize = 1 << 20;

/// Header flags.
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;

#[derive(Debug)]
pub(super) struct Gzip;

impl Codec for Gzip {
    fn name(&self) -> &'static str {
        "gzip"
    }

    fn levels(&self) -> RangeInclusive<u32> {
        1..=12
    }

    fn matches(&self, head: &[u8]) -> bool {
        head.starts_with(b"\x1f\x8b")
    }

    /// The header only tells the slowest and the fastest level.
    fn level_of(&self, head: &[u8]) -> u32 {
        match head.get(8) {
            Some(2) => 9,
            Some(4) => 1,
            _ => 6,
        }
    }

    fn decoder<'r>(&self, source: Compressed<'r>) -> io::Result<Box<dyn Read + Send + 'r>> {
        Ok(Box::new(Members::new(source.reader, source.heads, source.headers)))
    }

    fn encoder(&self) -> (CompressChunk, usize) {
        (pack, CHUNK)
    }
}

/// Decodes all members.
struct Members<R: BufRead> {
    decoder: Option<GzDecoder<R>>,
    heads: ChunkHeaders,
    headers: Headers,
    is_first: bool,
}

impl<R: BufRead> Members<R> {
    fn new(rdr: R, heads: ChunkHeaders, headers: Headers) -> Members<R> {
        let mut members =
            Members { decoder: Some(GzDecoder::new(rdr)), heads, headers, is_first: true };
        members.begin();
        members
    }

    /// Keeps the header of the current member if it holds more than defaults.
    fn begin(&mut self) {
        let Some(header) = self.decoder.as_ref().and_then(GzDecoder::header) else { return };
        let says_something =
            header.filename().is_some() || header.comment().is_some() || header.extra().is_some();
        if says_something || self.is_first {
            let head = head(header, &mut self.headers);
            self.heads.lock().unwrap_or_else(PoisonError::into_inner).push_back(head);
        }
        self.is_first = false;
    }

    /// Moves to the next member. Zeros up to the end are padding of tapes and tar.
    fn advance(&mut self) -> io::Result<()> {
        let Some(mut rdr) = self.decoder.take().map(GzDecoder::into_inner) else { return Ok(()) };
        let rest = rdr.fill_buf()?;
        if rest.first() == Some(&0x1f) {
            self.decoder = Some(GzDecoder::new(rdr));
            self.begin();
            return Ok(());
        }
        loop {
            let rest = rdr.fill_buf()?;
            if rest.is_empty() {
                return Ok(());
            }
            if rest.iter().any(|byte| *byte != 0) {
                return Err(refuse("data that is not gzip follows the last member"));
            }
            let n_bytes = rest.len();
            rdr.consume(n_bytes);
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let n_bytes = decoder.read(space)?;
            if n_bytes > 0 || space.is_empty() {
                return Ok(n_bytes);
            }
            self.advance()?;
        }
        Ok(0)
    }
}

/// The clean header of a member, without its own checksum and without sizes of the old member.
fn head(header: &GzHeader, headers: &mut Headers) -> Vec<u8> {
    let extra =
        header.extra().map(|extra| subfields(extra, headers)).filter(|extra| !extra.is_empty());
    let name = header.filename().map(|name| headers.name(name));
    let comment = header.comment().and_then(|comment| {
        let verdict = headers.texts.comment(comment);
        headers.applied(verdict, comment, || "the comment of a gzip header".to_owned())
    });
    let flags = extra.as_ref().map_or(0, |_| EXTRA)
        | name.as_ref().map_or(0, |_| NAME)
        | comment.as_ref().map_or(0, |_| COMMENT);
    let mut head = vec![0x1f, 0x8b, 8, flags];
    head.extend_from_slice(&header.mtime().to_le_bytes());
    head.extend_from_slice(&[0, header.operating_system()]);
    if let Some(extra) = extra {
        head.extend_from_slice(&u16::try_from(extra.len()).unwrap_or(0).to_le_bytes());
        head.extend_from_slice(&extra);
    }
    for text in [name, comment].into_iter().flatten() {
        head.extend_from_slice(&text);
        head.push(0);
    }
    head
}

/// Subfields with the block positions of the old member, which do not apply to the new ones: BGZF
/// and dictzip.
const OLD_LAYOUT: [&[u8]; 2] = [b"BC", b"RA"];

/// Scrubs the extra field, subfield by subfield: two letters, a length, and data.
fn subfields(extra: &[u8], headers: &mut Headers) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut rest = extra;
    while let [first, second, low, high, tail @ ..] = rest {
        let n_bytes = usize::from(u16::from_le_bytes([*low, *high]));
        // An inconsistent rest is scrubbed as one field.
        let Some((field, tail)) = tail.split_at_checked(n_bytes) else { break };
        let letters = [*first, *second];
        let verdict = headers.texts.field(field);
        let is_old_layout = OLD_LAYOUT.contains(&&letters[..]);
        let verdict = if is_old_layout { Verdict::Withheld } else { verdict };
        let field = headers.applied(verdict, field, || {
            format!("the field {} of a gzip header", letters.escape_ascii())
        });
        if let Some(field) = field {
            kept.extend_from_slice(&letters);
            kept.extend_from_slice(&u16::try_from(field.len()).unwrap_or(0).to_le_bytes());
            kept.extend_from_slice(&field[..field.len().min(usize::from(u16::MAX))]);
        }
        rest = tail;
    }
    let verdict = headers.texts.field(rest);
    kept.extend(
        headers
            .applied(verdict, rest, || "the end of the extra field of a gzip header".to_owned())
            .unwrap_or_default(),
    );
    // Only placeholders can make it longer. If it no longer fits, it is left out.
    if kept.len() > usize::from(u16::MAX) { Vec::new() } else { kept }
}

/// Encodes one member.
fn pack(head: &[u8], text: &[u8], level: u32) -> io::Result<Vec<u8>> {
    check_header_length(head.len())?;
    let plain = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let head = if head.is_empty() { &plain } else { head };
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes();
    Ok([head, &deflate(text, level)?, &libdeflater::crc32(text).to_le_bytes(), &length].concat())
}

/// Deflates a text as a whole.
pub(in crate::batch) fn deflate(text: &[u8], level: u32) -> io::Result<Vec<u8>> {
    let level = CompressionLvl::new(level.try_into().unwrap_or(6)).unwrap_or_default();
    let mut compressor = Compressor::new(level);
    let mut packed = vec![0; compressor.deflate_compress_bound(text.len())];
    let n_bytes = compressor.deflate_compress(text, &mut packed).map_err(io::Error::other)?;
    packed.truncate(n_bytes);
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{batch::metadata::Unexamined, policy::Policy, rules::RuleSet, scrub::Scrubber};

    #[test]
    fn sizes_of_the_old_members_are_not_kept() {
        let scrubber =
            Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
        let mut headers = Headers::new(&scrubber, Unexamined::Leave);
        assert_eq!(subfields(b"AB\x01\0xBC\x02\0yyCD\0\0", &mut headers), b"AB\x01\0xCD\0\0");
        assert_eq!(subfields(b"BC\xff\xff", &mut headers), b"BC\xff\xff");
        assert_eq!(
            subfields(b"no fields, to bob@example.com", &mut headers),
            b"no fields, to REDACTED-email"
        );
    }
}
