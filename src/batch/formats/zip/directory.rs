//! Reading the directory at the end of a zip archive, with and without zip64, and checking that it
//! describes all bytes of the archive.

use std::io::{self, Read as _, SeekFrom};

use crate::batch::{limits::refuse, rewrite::SeekRead};

pub(super) const END: u32 = 0x0605_4b50;
pub(super) const END_64: u32 = 0x0606_4b50;
pub(super) const LOCATOR_64: u32 = 0x0706_4b50;
pub(super) const CENTRAL: u32 = 0x0201_4b50;
pub(super) const DESCRIPTOR: u32 = 0x0807_4b50;
pub(super) const LOCAL: u32 = 0x0403_4b50;

/// The extra field for values that need 64 bits.
pub(super) const ZIP_64: u16 = 1;

/// The directory is held in memory, up to this size.
pub(super) const LONGEST_DIRECTORY: u64 = 64 << 20;

/// An entry of the directory.
pub(super) struct ZipEntry {
    /// The part of its record with a fixed length.
    pub(super) fixed: [u8; 46],
    pub(super) name: Vec<u8>,
    /// The name that is written.
    pub(super) new_name: Vec<u8>,
    pub(super) extra: Vec<u8>,
    pub(super) comment: Vec<u8>,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
}

impl ZipEntry {
    pub(super) fn method(&self) -> u16 {
        u16_at(&self.fixed, 10)
    }

    /// Whether sizes and checksum must follow the data. With a descriptor the password is verified
    /// against the time, otherwise against the checksum.
    pub(super) fn has_descriptor(&self) -> bool {
        self.is_encrypted() && u16_at(&self.fixed, 8) & 8 != 0
    }

    pub(super) fn is_encrypted(&self) -> bool {
        u16_at(&self.fixed, 8) & 1 != 0
    }

    /// Whether the data is the target of a symbolic link: created on Unix, with that mode.
    pub(super) fn is_symbolic_link(&self) -> bool {
        self.fixed[5] == 3 && u16_at(&self.fixed, 40) & 0o170_000 == 0o120_000
    }

    pub(super) fn crc(&self) -> u32 {
        u32_at(&self.fixed, 16)
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

pub(super) fn wrong() -> io::Error {
    refuse("corrupt: malformed directory of a zip archive")
}

/// The directory of an archive.
pub(super) struct Directory {
    pub(super) entries: Vec<ZipEntry>,
    pub(super) comment: Vec<u8>,
    /// Its first byte, and the byte behind it.
    pub(super) from: u64,
    pub(super) to: u64,
    /// The start of the end records.
    pub(super) end: u64,
}

pub(super) fn directory(archive: &mut (dyn SeekRead + '_)) -> io::Result<Directory> {
    let length = archive.seek(SeekFrom::End(0))?;
    let n_tail = length.min((1 << 16) + 22);
    archive.seek(SeekFrom::Start(length - n_tail))?;
    let mut tail = Vec::new();
    archive.take(n_tail).read_to_end(&mut tail)?;
    // The last end record whose comment reaches to the end of the file.
    let end_at = (0..tail.len().saturating_sub(21))
        .rev()
        .find(|at| is_end(&tail, *at))
        .ok_or_else(|| refuse("truncated: a zip archive without an end record"))?;
    let end = &tail[end_at..];
    if u16_at(end, 4) != 0 || u16_at(end, 6) != 0 {
        return Err(refuse("part of a split zip archive"));
    }
    let mut found =
        (u64::from(u16_at(end, 10)), u64::from(u32_at(end, 12)), u64::from(u32_at(end, 16)));
    let mut end_offset = length - n_tail + end_at as u64;
    if end_at >= 20 && u32_at(&tail, end_at - 20) == LOCATOR_64 {
        let at = u64_at(&tail, end_at - 12);
        found = end_64(archive, at)?;
        // Nothing else may lie between record, locator and end record.
        if at.checked_add(56 + 20) != Some(end_offset) {
            return Err(refuse("data between the end records of a zip archive"));
        }
        end_offset = at;
    }
    let (n_entries, n_bytes, offset) = found;
    if n_bytes > LONGEST_DIRECTORY || offset.checked_add(n_bytes).is_none_or(|end| end > end_offset)
    {
        return Err(wrong());
    }
    archive.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    archive.take(n_bytes).read_to_end(&mut bytes)?;
    let mut rest = bytes.as_slice();
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let entry;
        (entry, rest) = line(rest)?;
        entries.push(entry);
    }
    if entries.len() as u64 != n_entries {
        return Err(wrong());
    }
    Ok(Directory {
        entries,
        comment: end[22..].to_vec(),
        from: offset,
        to: offset + n_bytes,
        end: end_offset,
    })
}

fn is_end(tail: &[u8], at: usize) -> bool {
    tail.len() >= at + 22
        && u32_at(tail, at) == END
        && at + 22 + usize::from(u16_at(tail, at + 20)) == tail.len()
}

pub(super) fn end_64(archive: &mut (dyn SeekRead + '_), at: u64) -> io::Result<(u64, u64, u64)> {
    archive.seek(SeekFrom::Start(at))?;
    let mut end = [0; 56];
    archive.read_exact(&mut end).map_err(|_| wrong())?;
    if u32_at(&end, 0) != END_64 || u64_at(&end, 4) != 44 {
        return Err(wrong());
    }
    Ok((u64_at(&end, 32), u64_at(&end, 40), u64_at(&end, 48)))
}

/// Parses the first record of a directory. Returns the rest too.
pub(super) fn line(bytes: &[u8]) -> io::Result<(ZipEntry, &[u8])> {
    let fixed: [u8; 46] =
        bytes.get(..46).and_then(|fixed| fixed.try_into().ok()).ok_or_else(wrong)?;
    if u32_at(&fixed, 0) != CENTRAL {
        return Err(wrong());
    }
    let lengths = [28, 30, 32].map(|at| usize::from(u16_at(&fixed, at)));
    let name_end = 46 + lengths[0];
    let extra_end = name_end + lengths[1];
    let end = extra_end + lengths[2];
    if bytes.len() < end {
        return Err(wrong());
    }
    let mut entry = ZipEntry {
        fixed,
        name: bytes[46..name_end].to_vec(),
        new_name: bytes[46..name_end].to_vec(),
        extra: bytes[name_end..extra_end].to_vec(),
        comment: bytes[extra_end..end].to_vec(),
        packed: u32_at(&fixed, 20).into(),
        size: u32_at(&fixed, 24).into(),
        offset: u32_at(&fixed, 42).into(),
    };
    widen(&mut entry)?;
    Ok((entry, &bytes[end..]))
}

/// Takes 64-bit values from the extra field, in the order of the format.
pub(super) fn widen(entry: &mut ZipEntry) -> io::Result<()> {
    let Some(mut wide) = field(&entry.extra, ZIP_64).map(<[u8]>::to_vec) else { return Ok(()) };
    for number in [&mut entry.size, &mut entry.packed, &mut entry.offset] {
        if *number == u64::from(u32::MAX) {
            if wide.len() < 8 {
                return Err(wrong());
            }
            *number = u64_at(&wide, 0);
            wide.drain(..8);
        }
    }
    Ok(())
}

/// The extra fields: id, and all bytes including the header. Ends at malformed bytes.
pub(super) fn fields(mut extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let n_bytes = 4 + usize::from(u16_at(extra.get(..4)?, 2));
        let field = extra.get(..n_bytes)?;
        extra = &extra[n_bytes..];
        Some((u16_at(field, 0), field))
    })
}

pub(super) fn field(extra: &[u8], id: u16) -> Option<&[u8]> {
    fields(extra).find(|(found, _)| *found == id).map(|(_, field)| &field[4..])
}

/// Refuses overlapping entries, which multiply their size, and bytes before the first entry, which
/// are a program or hidden.
pub(super) fn check_places(entries: &[ZipEntry]) -> io::Result<()> {
    let mut places: Vec<(u64, u64)> =
        entries.iter().map(|entry| (entry.offset, entry.packed)).collect();
    places.sort_unstable();
    if places.first().is_some_and(|(offset, _)| *offset != 0) {
        return Err(refuse("data before the first entry of the zip archive"));
    }
    let overlap = places
        .windows(2)
        .any(|pair| pair[0].0.saturating_add(30).saturating_add(pair[0].1) > pair[1].0);
    if overlap { Err(refuse("entries of the zip archive overlap")) } else { Ok(()) }
}

/// Moves to the data of an entry. Returns the extra part of the local header.
pub(super) fn enter(archive: &mut (dyn SeekRead + '_), entry: &ZipEntry) -> io::Result<Vec<u8>> {
    archive.seek(SeekFrom::Start(entry.offset))?;
    let mut local = [0; 30];
    archive.read_exact(&mut local)?;
    let (n_name, n_extra) = (usize::from(u16_at(&local, 26)), usize::from(u16_at(&local, 28)));
    let mut rest = vec![0; n_name + n_extra];
    archive.read_exact(&mut rest)?;
    // With two different names it would be unclear what the entry is.
    if u32_at(&local, 0) != LOCAL || rest[..n_name] != entry.name {
        return Err(refuse("corrupt: an entry of a zip archive does not match the directory"));
    }
    Ok(rest.split_off(n_name))
}

/// Reports bytes that belong to no entry: a deleted entry, a signature, or hidden data. Zeros and
/// data descriptors are fine.
pub(super) fn check_gaps(
    archive: &mut (dyn SeekRead + '_),
    mut ends: Vec<(u64, u64, &ZipEntry)>,
    directory: &Directory,
    unexamined: &mut Vec<String>,
) -> io::Result<()> {
    ends.sort_unstable_by_key(|(from, _, _)| *from);
    let mut gaps = Vec::new();
    for (index, (_, to, entry)) in ends.iter().enumerate() {
        let next = ends.get(index + 1).map_or(directory.from, |(from, _, _)| *from);
        gaps.push((*to, next, (u16_at(&entry.fixed, 8) & 8 != 0).then_some(*entry)));
    }
    gaps.push((directory.to, directory.end, None));
    let mut space = vec![0; 64 << 10];
    for (mut from, to, entry) in gaps {
        while from < to {
            archive.seek(SeekFrom::Start(from))?;
            let n_most = usize::try_from(to - from).unwrap_or(usize::MAX).min(space.len());
            archive.read_exact(&mut space[..n_most])?;
            let bytes = &space[..n_most];
            let is_descriptor = entry.is_some_and(|entry| is_descriptor(bytes, entry));
            if !is_descriptor && bytes.iter().any(|byte| *byte != 0) {
                let note = "data of the zip archive that belongs to no entry".to_owned();
                unexamined.push(note);
                return Ok(());
            }
            from += n_most as u64;
        }
    }
    Ok(())
}

/// Whether the bytes are the data descriptor of an entry: checksum and sizes of 32 or 64 bits, with
/// or without a magic number.
pub(super) fn is_descriptor(bytes: &[u8], entry: &ZipEntry) -> bool {
    let magic = DESCRIPTOR.to_le_bytes();
    let bytes = bytes.strip_prefix(&magic[..]).unwrap_or(bytes);
    let Some(sizes) = bytes.strip_prefix(&entry.crc().to_le_bytes()[..]) else { return false };
    match sizes.len() {
        8 => {
            (u64::from(u32_at(sizes, 0)), u64::from(u32_at(sizes, 4))) == (entry.packed, entry.size)
        }
        16 => (u64_at(sizes, 0), u64_at(sizes, 8)) == (entry.packed, entry.size),
        _ => false,
    }
}
