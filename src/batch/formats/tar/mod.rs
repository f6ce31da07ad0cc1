//! tar: entry by entry, never unpacked, so no name in it can reach a place on the disk. Headers,
//! links, owners and times stay as they are; the size of an entry that changed is written anew, in
//! its header and in its pax record.
//!
//! Names, link targets, owners, comments and attributes are looked at like the text of the entries.
//! A header without findings keeps every byte.

use std::io::{self, BufReader, Read, Write};

use tar::{EntryType, Header};

use crate::batch::{
    limits::{LONGEST_HEADER, refuse},
    metadata::Unexamined,
    renames::Renames,
    rewrite::{ArchiveFormat, ArchiveInput, Place, READ_SIZE, Rewriter},
    temporary::Spool,
};

mod fields;

const BLOCK: usize = 512;

/// GNU tar writes records of so many bytes.
const RECORD: u64 = 20 * BLOCK as u64;

/// Whether a block's checksum is that of a tar header. Older programs summed up signed bytes; with
/// ASCII the sums are the same.
fn has_checksum(block: &[u8; BLOCK]) -> bool {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let expected = sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..]);
    block.iter().any(|byte| *byte != 0)
        && Header::from_byte_slice(block).cksum().is_ok_and(|cksum| cksum == expected)
}

/// What stands before an entry and belongs to it.
#[derive(Default)]
struct Before {
    /// Headers of GNU's form with long names and link targets, each with its data, in order.
    long: Vec<([u8; BLOCK], Vec<u8>)>,
    /// The pax records of the entry, and the header they stood under.
    pax: Option<([u8; BLOCK], Vec<u8>)>,
}

impl Before {
    /// The last long name (or link target), up to its NUL.
    fn long(&self, kind: EntryType) -> Option<Vec<u8>> {
        let of_kind = |block: &[u8; BLOCK]| Header::from_byte_slice(block).entry_type() == kind;
        let (_, data) = self.long.iter().rev().find(|(block, _)| of_kind(block))?;
        Some(data.split(|byte| *byte == 0).next().unwrap_or_default().to_vec())
    }
}

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
        place: &Place,
        wtr: &mut (dyn Write + Send),
    ) -> io::Result<()> {
        rewrite(rewriter, &mut BufReader::with_capacity(READ_SIZE, input), place, wtr)
    }
}

/// Rewrites an archive.
fn rewrite(
    rewriter: &mut Rewriter<'_>,
    rdr: &mut (dyn Read + Send),
    place: &Place,
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
            return Err(refuse("corrupt: the checksum of a tar header is wrong"));
        }
        let header = Header::from_byte_slice(&block);
        let size = header
            .entry_size()
            .map_err(|_| refuse("corrupt: the size of a tar entry is no number"))?;
        match header.entry_type() {
            EntryType::XHeader => before.pax = Some((block, meta(rdr, size)?)),
            EntryType::XGlobalHeader => {
                // What holds for the entries that follow stands before them, whatever becomes of
                // the next one.
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

/// Nothing but zeros may follow the end: what no program would show was not examined.
fn check_rest(rdr: &mut (dyn Read + Send)) -> io::Result<()> {
    let mut space = vec![0; 64 << 10];
    loop {
        let n_bytes = rdr.read(&mut space)?;
        if n_bytes == 0 {
            return Ok(());
        }
        if space[..n_bytes].iter().any(|byte| *byte != 0) {
            return Err(refuse("something follows the end of the tar archive"));
        }
    }
}

/// The data of a header that describes others.
fn meta(rdr: &mut (dyn Read + Send), size: u64) -> io::Result<Vec<u8>> {
    if size > LONGEST_HEADER as u64 {
        return Err(refuse("a header is longer than 1 MiB"));
    }
    let mut data = vec![0; usize::try_from(size).unwrap_or(0)];
    rdr.read_exact(&mut data)?;
    skip(rdr, padding(size))?;
    Ok(data)
}

fn padding(size: u64) -> u64 {
    (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64
}

fn skip(rdr: &mut (dyn Read + Send), n_bytes: u64) -> io::Result<()> {
    if io::copy(&mut rdr.take(n_bytes), &mut io::sink())? == n_bytes {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn write_padded(wtr: &mut (impl Write + ?Sized), block: &[u8], data: &[u8]) -> io::Result<u64> {
    wtr.write_all(block)?;
    wtr.write_all(data)?;
    let n_zeros = padding(data.len() as u64);
    io::copy(&mut io::repeat(0).take(n_zeros), wtr)?;
    Ok(block.len() as u64 + data.len() as u64 + n_zeros)
}

/// Rewrites one entry with what stands before it; answers how many bytes were written.
fn entry(
    rewriter: &mut Rewriter<'_>,
    rdr: &mut (dyn Read + Send),
    place: &Place,
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
    let sparse = sparse::Map::of(&block, &mut records, rdr, size)?;
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
                // Where the map stood; in a header of GNU's form nothing else does from here on.
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

/// Entries without data: links, folders and devices, whatever their size says of what they link to.
/// A type that is unknown here may have some.
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
        Err(refuse(format!("a tar entry of the unknown type {:?}", char::from(block[156]))))
    }
}

/// A header for data of another size, with what else `change` changes in it.
fn resized(block: &[u8; BLOCK], size: u64, change: impl FnOnce(&mut Header)) -> [u8; BLOCK] {
    let mut header = Header::new_old();
    header.as_mut_bytes().copy_from_slice(block);
    change(&mut header);
    header.set_size(size);
    header.set_cksum();
    *header.as_bytes()
}

fn write_before(wtr: &mut (dyn Write + Send), before: &Before) -> io::Result<u64> {
    let mut n_bytes = 0;
    for (block, data) in before.long.iter().chain(&before.pax) {
        n_bytes += write_padded(wtr, block, data)?;
    }
    Ok(n_bytes)
}

/// The clean data of an entry, or what it was where that is to stay; `None`: the entry is left out.
fn data<'r>(
    rewriter: &mut Rewriter<'r>,
    rdr: &mut (dyn Read + Send),
    place: &Place,
    size: u64,
    sparse: Option<&sparse::Map>,
) -> io::Result<Option<Spool<'r>>> {
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

type Records = Vec<(Vec<u8>, Vec<u8>)>;

/// Records of `length key=value` and a line end.
fn pax_records(mut data: &[u8]) -> io::Result<Records> {
    let wrong = || refuse("corrupt: a pax header cannot be read");
    let mut records = Vec::new();
    while !data.is_empty() {
        let space = memchr::memchr(b' ', data).ok_or_else(wrong)?;
        let length = number(&data[..space])
            .and_then(|length| usize::try_from(length).ok())
            .ok_or_else(wrong)?;
        let record = data
            .get(space + 1..length)
            .and_then(|record| record.strip_suffix(b"\n"))
            .ok_or_else(wrong)?;
        let equals = memchr::memchr(b'=', record).ok_or_else(wrong)?;
        records.push((record[..equals].to_vec(), record[equals + 1..].to_vec()));
        data = &data[length..];
    }
    Ok(records)
}

fn pax_data(records: &Records) -> Vec<u8> {
    let mut data = Vec::new();
    for (key, value) in records {
        // The length counts its own digits.
        let rest = key.len() + value.len() + 3;
        let mut length = rest;
        while length != rest + length.to_string().len() {
            length = rest + length.to_string().len();
        }
        data.extend_from_slice(format!("{length} ").as_bytes());
        data.extend_from_slice(&[key, &b"="[..], value, b"\n"].concat());
    }
    data
}

fn value<'r>(records: &'r Records, key: &[u8]) -> Option<&'r [u8]> {
    records.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_slice())
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn size_of(header: &Header, records: &Records) -> io::Result<u64> {
    let size = value(records, b"size").map_or_else(|| header.entry_size().ok(), number);
    size.ok_or_else(|| refuse("corrupt: the size of a tar entry is no number"))
}

fn name_of(block: &[u8; BLOCK], before: &Before, records: &Records) -> Vec<u8> {
    let pax =
        value(records, b"GNU.sparse.name").or_else(|| value(records, b"path")).map(<[u8]>::to_vec);
    let long = || before.long(EntryType::GNULongName);
    pax.or_else(long).unwrap_or_else(|| Header::from_byte_slice(block).path_bytes().into_owned())
}

fn target_of(block: &[u8; BLOCK], before: &Before, records: &Records) -> Vec<u8> {
    let long = || before.long(EntryType::GNULongLink);
    let short =
        || Header::from_byte_slice(block).link_name_bytes().unwrap_or_default().into_owned();
    value(records, b"linkpath").map(<[u8]>::to_vec).or_else(long).unwrap_or_else(short)
}

/// Entries with holes: GNU's old form, with the map in the header, and the form 1.0 of pax, with
/// the map before the data.
mod sparse {
    use std::{
        io::{self, Read},
        sync::Arc,
    };

    use tar::{EntryType, Header};

    use super::{BLOCK, Records, number, value};
    use crate::batch::limits::{Budget, Metered, refuse};

    /// A map with more pieces is none that a program wrote.
    const MOST_PIECES: usize = 1 << 20;

    pub(crate) struct Map {
        /// Offset and length of what is not a hole, in order.
        pieces: Vec<(u64, u64)>,
        size: u64,
        /// Bytes of the entry's data that the map took.
        n_bytes: u64,
    }

    fn wrong() -> io::Error {
        refuse("corrupt: the map of a sparse tar entry cannot be read")
    }

    impl Map {
        /// The map of an entry, when it has one; it is read, and its pax records are taken out, so
        /// that what is written is whole.
        pub(crate) fn of(
            block: &[u8; BLOCK],
            records: &mut Records,
            rdr: &mut (dyn Read + Send),
            size: u64,
        ) -> io::Result<Option<Map>> {
            if Header::from_byte_slice(block).entry_type() == EntryType::GNUSparse {
                return old(block, rdr, size).map(Some);
            }
            if !records.iter().any(|(key, _)| key.starts_with(b"GNU.sparse.")) {
                return Ok(None);
            }
            if value(records, b"GNU.sparse.major") != Some(b"1") {
                return Err(refuse("a sparse tar entry of a form older than 1.0"));
            }
            let whole =
                value(records, b"GNU.sparse.realsize").and_then(number).ok_or_else(wrong)?;
            let name = value(records, b"GNU.sparse.name").map(<[u8]>::to_vec);
            records.retain(|(key, _)| {
                !key.starts_with(b"GNU.sparse.") && (name.is_none() || key != b"path")
            });
            records.extend(name.map(|name| (b"path".to_vec(), name)));
            let (pieces, n_bytes) = pax_map(rdr, size)?;
            checked(pieces, whole, size, n_bytes).map(Some)
        }

        /// Bytes of data that follow the map.
        pub(crate) fn stored(&self, size: u64) -> u64 {
            size - self.n_bytes
        }

        /// The data with its holes.
        pub(crate) fn whole<'r>(
            &'r self,
            data: &'r mut (dyn Read + Send),
            budget: &Arc<Budget>,
        ) -> Box<dyn Read + Send + 'r> {
            Box::new(Metered {
                rdr: Whole { map: self, data, at: 0, piece: 0 },
                budget: Arc::clone(budget),
            })
        }
    }

    fn checked(pieces: Vec<(u64, u64)>, whole: u64, size: u64, n_bytes: u64) -> io::Result<Map> {
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
        Ok(Map { pieces, size: whole, n_bytes })
    }

    fn old(block: &[u8; BLOCK], rdr: &mut (dyn Read + Send), size: u64) -> io::Result<Map> {
        let header = Header::from_byte_slice(block);
        let gnu = header.as_gnu().ok_or_else(wrong)?;
        let whole = gnu.real_size().map_err(|_| wrong())?;
        let mut pieces = Vec::new();
        let mut add = |part: &tar::GnuSparseHeader| -> io::Result<()> {
            if !part.is_empty() {
                pieces.push((
                    part.offset().map_err(|_| wrong())?,
                    part.length().map_err(|_| wrong())?,
                ));
            }
            if pieces.len() > MOST_PIECES { Err(wrong()) } else { Ok(()) }
        };
        gnu.sparse.iter().try_for_each(&mut add)?;
        let mut is_extended = gnu.is_extended();
        while is_extended {
            let mut more = tar::GnuExtSparseHeader::new();
            rdr.read_exact(more.as_mut_bytes())?;
            more.sparse().iter().try_for_each(&mut add)?;
            is_extended = more.is_extended();
        }
        checked(pieces, whole, size, 0)
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
                // The last block is filled up with NULs.
                numbers.push(number(&text[..end]).ok_or_else(wrong)?);
                text.drain(..=end);
            }
        }
    }

    struct Whole<'r> {
        map: &'r Map,
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pax_record_counts_its_own_digits() {
        for n_bytes in [1, 4, 5, 6, 88, 89, 90, 91, 92, 93, 94, 985, 990, 995] {
            let records = vec![(b"path".to_vec(), vec![b'x'; n_bytes])];
            assert_eq!(pax_records(&pax_data(&records)).expect("it reads"), records, "{n_bytes}");
        }
        assert!(pax_records(b"9 path=x\n1").is_err() && pax_records(b"99 a=b\n").is_err());
    }
}
