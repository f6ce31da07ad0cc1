//! tar: rewritten entry by entry and never unpacked, so no name in it can reach a path on the disk.
//!
//! Headers, links, owners and times stay as they are. If the size of an entry changes, its header
//! and its pax record change with it. Names, link targets, owners, comments and attributes are
//! scrubbed like the text of entries. A header without findings keeps every byte.

use std::io::{self, BufReader, Read, Write};

use tar::{EntryType, Header};

use self::{
    header::{BLOCK, Before, has_checksum, padding, resized, write_padded},
    pax::{Records, number, pax_data, pax_records, value},
    sparse::SparseMap,
};
use crate::batch::{
    limits::{LONGEST_HEADER, refuse},
    metadata::Unexamined,
    renames::Renames,
    rewrite::{ArchiveFormat, ArchiveInput, EntryContext, READ_SIZE, Rewriter},
    temporary::EntryBuffer,
};

mod fields;
mod header;
mod pax;
mod sparse;

/// The record size of GNU tar; archives are padded to it.
const RECORD: u64 = 20 * BLOCK as u64;

/// The tar format in all its variants.
pub(super) struct Tar;

impl ArchiveFormat for Tar {
    /// By the checksum of the first header: the oldest archives lack the magic `ustar`, and a log
    /// may contain it.
    fn matches(&self, head: &[u8]) -> bool {
        head.first_chunk().is_some_and(has_checksum)
    }

    fn rewrite(
        &self,
        rewriter: &mut Rewriter<'_>,
        input: ArchiveInput<'_>,
        place: &EntryContext,
        wtr: &mut (dyn Write + Send),
    ) -> io::Result<()> {
        rewrite(rewriter, &mut BufReader::with_capacity(READ_SIZE, input), place, wtr)
    }
}

/// Rewrites an archive.
fn rewrite(
    rewriter: &mut Rewriter<'_>,
    rdr: &mut (dyn Read + Send),
    place: &EntryContext,
    wtr: &mut (dyn Write + Send),
) -> io::Result<()> {
    let mut renames = Renames::default();
    let mut unexamined = Vec::new();
    let mut before = Before::default();
    let mut n_written = 0;
    loop {
        let mut block = [0; BLOCK];
        rdr.read_exact(&mut block)?;
        if block.iter().all(|byte| *byte == 0) {
            check_rest(rdr)?;
            rewriter.take_metadata(place, unexamined);
            let n_zeros =
                2 * BLOCK as u64 + (RECORD - (n_written + 2 * BLOCK as u64) % RECORD) % RECORD;
            return io::copy(&mut io::repeat(0).take(n_zeros), wtr).map(drop);
        }
        if !has_checksum(&block) {
            return Err(refuse("corrupt: wrong checksum of a tar header"));
        }
        let header = Header::from_byte_slice(&block);
        let size = header
            .entry_size()
            .map_err(|_| refuse("corrupt: the size of a tar entry is not a number"))?;
        match header.entry_type() {
            EntryType::XHeader => before.pax = Some((block, meta(rdr, size)?)),
            EntryType::XGlobalHeader => {
                // A global header applies to all following entries, so it is written even if the
                // next entry is not.
                let mut data = meta(rdr, size)?;
                let mut records = pax_records(&data)?;
                let mut is_changed = fields::clean_records(rewriter, &mut records, &mut unexamined);
                is_changed |= fields::clean_paths(&mut rewriter.own.texts, &mut records, &[]);
                block = fields::clean_header(&mut rewriter.own.texts, block)?;
                if is_changed {
                    data = pax_data(&records);
                    block = resized(&block, data.len() as u64, |_| {});
                }
                n_written += write_padded(wtr, &block, &data)?;
            }
            EntryType::GNULongName | EntryType::GNULongLink => {
                before.long.push((block, meta(rdr, size)?))
            }
            _ => {
                let whole = (block, std::mem::take(&mut before));
                n_written +=
                    entry(rewriter, rdr, place, wtr, whole, (&mut renames, &mut unexamined))?;
            }
        }
    }
}

/// Refuses anything but zeros behind the end: no program would show it, and it was not examined.
fn check_rest(rdr: &mut (dyn Read + Send)) -> io::Result<()> {
    let mut space = vec![0; 64 << 10];
    loop {
        let n_bytes = rdr.read(&mut space)?;
        if n_bytes == 0 {
            return Ok(());
        }
        if space[..n_bytes].iter().any(|byte| *byte != 0) {
            return Err(refuse("data follows the end of the tar archive"));
        }
    }
}

/// Reads the data of a header that describes other entries.
fn meta(rdr: &mut (dyn Read + Send), size: u64) -> io::Result<Vec<u8>> {
    if size > LONGEST_HEADER as u64 {
        return Err(refuse("a header is longer than 1 MiB"));
    }
    let mut data = vec![0; usize::try_from(size).unwrap_or(0)];
    rdr.read_exact(&mut data)?;
    skip(rdr, padding(size))?;
    Ok(data)
}

fn skip(rdr: &mut (dyn Read + Send), n_bytes: u64) -> io::Result<()> {
    if io::copy(&mut rdr.take(n_bytes), &mut io::sink())? == n_bytes {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Rewrites one entry with the headers before it. Returns the number of bytes written.
fn entry(
    rewriter: &mut Rewriter<'_>,
    rdr: &mut (dyn Read + Send),
    place: &EntryContext,
    wtr: &mut (dyn Write + Send),
    (mut block, mut before): ([u8; BLOCK], Before),
    (renames, unexamined): (&mut Renames, &mut Vec<String>),
) -> io::Result<u64> {
    let mut records = before.pax.as_ref().map_or(Ok(Vec::new()), |(_, data)| pax_records(data))?;
    let kind = Header::from_byte_slice(&block).entry_type();
    let has_data =
        matches!(kind, EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse);
    if !has_data {
        check_bare(&block)?;
        fields::clean(rewriter, renames, unexamined, (&mut block, &mut before, &mut records))?;
        rewriter.take_metadata(place, Vec::new());
        let n_before = write_before(wtr, &before)?;
        wtr.write_all(&block)?;
        return Ok(n_before + BLOCK as u64);
    }
    let size = size_of(Header::from_byte_slice(&block), &records)?;
    let sparse = SparseMap::of(&block, &mut records, rdr, size)?;
    if sparse.is_some()
        && let Some((head, data)) = &mut before.pax
    {
        *data = pax_data(&records);
        *head = resized(head, data.len() as u64, |_| {});
    }
    let name =
        fields::clean(rewriter, renames, unexamined, (&mut block, &mut before, &mut records))?;
    rewriter.take_metadata(place, Vec::new());
    let entry_place = rewriter.entry_of(place, &name);
    let Some(mut data) = data(rewriter, rdr, &entry_place, size, sparse.as_ref())? else {
        return Ok(0);
    };
    if data.len() != size || sparse.is_some() {
        block = resized(&block, data.len(), |header| {
            if sparse.is_some() && header.entry_type() == EntryType::GNUSparse {
                header.set_entry_type(EntryType::Regular);
                // Removes the map. In a GNU header nothing else follows from here on.
                header.as_mut_bytes()[386..].fill(0);
            }
        });
        let record = records.iter_mut().find(|(key, _)| key == b"size");
        if let (Some((head, old)), Some(record)) = (&mut before.pax, record) {
            record.1 = data.len().to_string().into_bytes();
            *old = pax_data(&records);
            *head = resized(head, old.len() as u64, |_| {});
        }
    }
    let n_before = write_before(wtr, &before)?;
    wtr.write_all(&block)?;
    io::copy(&mut data, wtr)?;
    io::copy(&mut io::repeat(0).take(padding(data.len())), wtr)?;
    Ok(n_before + BLOCK as u64 + data.len() + padding(data.len()))
}

/// Refuses unknown types, which may have data. Links, directories and devices have none, whatever
/// their size field says.
fn check_bare(block: &[u8; BLOCK]) -> io::Result<()> {
    let kind = Header::from_byte_slice(block).entry_type();
    let is_known = kind.is_hard_link()
        || kind.is_symlink()
        || kind.is_dir()
        || kind.is_fifo()
        || kind.is_character_special()
        || kind.is_block_special();
    if is_known {
        Ok(())
    } else {
        Err(refuse(format!("a tar entry of unknown type {:?}", char::from(block[156]))))
    }
}

fn write_before(wtr: &mut (dyn Write + Send), before: &Before) -> io::Result<u64> {
    let mut n_bytes = 0;
    for (block, data) in before.long.iter().chain(&before.pax) {
        n_bytes += write_padded(wtr, block, data)?;
    }
    Ok(n_bytes)
}

/// The clean data of an entry, or its old data if that is to be kept; `None` if the entry is left
/// out.
fn data<'r>(
    rewriter: &mut Rewriter<'r>,
    rdr: &mut (dyn Read + Send),
    place: &EntryContext,
    size: u64,
    sparse: Option<&SparseMap>,
) -> io::Result<Option<EntryBuffer<'r>>> {
    let stored = sparse.map_or(size, |map| map.stored(size));
    let mut raw = (&mut *rdr).take(stored);
    if rewriter.unexamined == Unexamined::Leave {
        let clean = match sparse {
            None => rewriter.entry(Box::new(&mut raw), place)?,
            Some(map) => rewriter.entry(Box::new(map.whole(&mut raw, &rewriter.budget)), place)?,
        };
        io::copy(&mut raw, &mut io::sink())?;
        let is_whole = raw.limit() == 0;
        skip(rdr, padding(size))?;
        return if is_whole { Ok(clean) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
    }
    let mut kept = rewriter.spool();
    match sparse {
        None => io::copy(&mut raw, &mut kept)?,
        Some(map) => io::copy(&mut map.whole(&mut raw, &rewriter.budget), &mut kept)?,
    };
    io::copy(&mut raw, &mut io::sink())?;
    if raw.limit() > 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    skip(rdr, padding(size))?;
    kept.rewind()?;
    let clean = rewriter.entry(Box::new(&mut kept), place)?;
    if clean.is_none() {
        kept.rewind()?;
        return Ok(Some(kept));
    }
    Ok(clean)
}

fn size_of(header: &Header, records: &Records) -> io::Result<u64> {
    let size = value(records, b"size").map_or_else(|| header.entry_size().ok(), number);
    size.ok_or_else(|| refuse("corrupt: the size of a tar entry is not a number"))
}
