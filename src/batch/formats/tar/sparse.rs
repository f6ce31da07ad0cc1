//! Sparse entries: the old form of GNU tar, with the map in the header, and form 1.0 of pax, with
//! the map before the data. They are written without holes.

use std::{
    io::{self, Read},
    sync::Arc,
};

use tar::{EntryType, Header};

use super::{
    header::BLOCK,
    pax::{Records, number, value},
};
use crate::batch::limits::{BudgetedReader, ExpansionBudget, refuse};

/// A map with more pieces is refused.
const MOST_PIECES: usize = 1 << 20;

pub(super) struct SparseMap {
    /// Offset and length of the parts that are not holes, in order.
    pieces: Vec<(u64, u64)>,
    size: u64,
    /// How many bytes of the entry's data the map occupies.
    n_bytes: u64,
}

fn wrong() -> io::Error {
    refuse("corrupt: malformed map of a sparse tar entry")
}

impl SparseMap {
    /// Reads the map of an entry, if it has one, and removes its pax records: the entry is written
    /// without holes.
    pub(super) fn of(
        block: &[u8; BLOCK],
        records: &mut Records,
        rdr: &mut (dyn Read + Send),
        size: u64,
    ) -> io::Result<Option<SparseMap>> {
        if Header::from_byte_slice(block).entry_type() == EntryType::GNUSparse {
            return old(block, rdr, size).map(Some);
        }
        if !records.iter().any(|(key, _)| key.starts_with(b"GNU.sparse.")) {
            return Ok(None);
        }
        if value(records, b"GNU.sparse.major") != Some(b"1") {
            return Err(refuse("a sparse tar entry in a format before 1.0"));
        }
        let whole = value(records, b"GNU.sparse.realsize").and_then(number).ok_or_else(wrong)?;
        let name = value(records, b"GNU.sparse.name").map(<[u8]>::to_vec);
        records.retain(|(key, _)| {
            !key.starts_with(b"GNU.sparse.") && (name.is_none() || key != b"path")
        });
        records.extend(name.map(|name| (b"path".to_vec(), name)));
        let (pieces, n_bytes) = pax_map(rdr, size)?;
        checked(pieces, whole, size, n_bytes).map(Some)
    }

    /// How many bytes of data follow the map.
    pub(super) fn stored(&self, size: u64) -> u64 {
        size - self.n_bytes
    }

    /// The data with its holes filled.
    pub(super) fn whole<'r>(
        &'r self,
        data: &'r mut (dyn Read + Send),
        budget: &Arc<ExpansionBudget>,
    ) -> Box<dyn Read + Send + 'r> {
        Box::new(BudgetedReader {
            rdr: Whole { map: self, data, at: 0, piece: 0 },
            budget: Arc::clone(budget),
        })
    }
}

fn checked(pieces: Vec<(u64, u64)>, whole: u64, size: u64, n_bytes: u64) -> io::Result<SparseMap> {
    let mut end = 0;
    let mut stored = 0_u64;
    for (offset, length) in &pieces {
        let piece_end = offset.checked_add(*length).ok_or_else(wrong)?;
        if *offset < end || piece_end > whole {
            return Err(wrong());
        }
        end = piece_end;
        stored += length;
    }
    if n_bytes.checked_add(stored) != Some(size) {
        return Err(wrong());
    }
    Ok(SparseMap { pieces, size: whole, n_bytes })
}

fn old(block: &[u8; BLOCK], rdr: &mut (dyn Read + Send), size: u64) -> io::Result<SparseMap> {
    let header = Header::from_byte_slice(block);
    let gnu = header.as_gnu().ok_or_else(wrong)?;
    let whole = gnu.real_size().map_err(|_| wrong())?;
    let mut pieces = Vec::new();
    add_pieces(&gnu.sparse, &mut pieces)?;
    let mut is_extended = gnu.is_extended();
    while is_extended {
        let mut more = tar::GnuExtSparseHeader::new();
        rdr.read_exact(more.as_mut_bytes())?;
        add_pieces(more.sparse(), &mut pieces)?;
        is_extended = more.is_extended();
    }
    checked(pieces, whole, size, 0)
}

fn add_pieces(headers: &[tar::GnuSparseHeader], pieces: &mut Vec<(u64, u64)>) -> io::Result<()> {
    for header in headers.iter().filter(|header| !header.is_empty()) {
        let offset = header.offset().map_err(|_| wrong())?;
        pieces.push((offset, header.length().map_err(|_| wrong())?));
        if pieces.len() > MOST_PIECES {
            return Err(wrong());
        }
    }
    Ok(())
}

fn pax_map(rdr: &mut (dyn Read + Send), size: u64) -> io::Result<(Vec<(u64, u64)>, u64)> {
    let mut text = Vec::new();
    let mut numbers: Vec<u64> = Vec::new();
    let mut n_bytes = 0;
    loop {
        let expected = numbers.first().map(|n_pieces| 1 + 2 * n_pieces);
        if expected.is_some_and(|expected| numbers.len() as u64 >= expected) {
            let pieces = numbers[1..].chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            return Ok((pieces, n_bytes));
        }
        if n_bytes + BLOCK as u64 > size || numbers.len() > 2 * MOST_PIECES {
            return Err(wrong());
        }
        let mut block = [0; BLOCK];
        rdr.read_exact(&mut block)?;
        n_bytes += BLOCK as u64;
        text.extend_from_slice(&block);
        while let Some(end) = memchr::memchr(b'\n', &text) {
            // The last block is padded with NULs.
            numbers.push(number(&text[..end]).ok_or_else(wrong)?);
            text.drain(..=end);
        }
    }
}

struct Whole<'r> {
    map: &'r SparseMap,
    data: &'r mut (dyn Read + Send),
    at: u64,
    piece: usize,
}

impl Read for Whole<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        while self
            .map
            .pieces
            .get(self.piece)
            .is_some_and(|(offset, length)| offset + length <= self.at)
        {
            self.piece += 1;
        }
        let piece = self.map.pieces.get(self.piece);
        let hole_end = piece.map_or(self.map.size, |(offset, _)| *offset);
        let n_bytes = if self.at < hole_end {
            let n_bytes =
                space.len().min(usize::try_from(hole_end - self.at).unwrap_or(usize::MAX));
            space[..n_bytes].fill(0);
            n_bytes
        } else if let Some((offset, length)) = piece {
            let left = usize::try_from(offset + length - self.at).unwrap_or(usize::MAX);
            let n_most = space.len().min(left);
            let n_bytes = self.data.read(&mut space[..n_most])?;
            if n_bytes == 0 && n_most > 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            n_bytes
        } else {
            0
        };
        self.at += n_bytes as u64;
        Ok(n_bytes)
    }
}
