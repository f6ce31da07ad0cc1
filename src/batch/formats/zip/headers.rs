//! Writing the headers of a zip archive: local headers, the directory, and the end.

use std::io;

use super::directory::{
    DESCRIPTOR, END, END_64, LOCAL, LOCATOR_64, ZIP_64, ZipEntry, u16_at, wrong,
};
use crate::batch::temporary::EntryBuffer;

/// The data of an entry to write.
pub(super) struct EntryToWrite<'p> {
    pub(super) data: EntryBuffer<'p>,
    pub(super) size: u64,
    pub(super) crc: u32,
    /// The extra part of the local header.
    pub(super) extra: Vec<u8>,
}

/// A 32-bit number, or the marker that the extra field holds it.
pub(super) fn narrow(number: u64, wide: &mut Vec<u8>) -> [u8; 4] {
    match u32::try_from(number) {
        Ok(number) if number != u32::MAX => number.to_le_bytes(),
        _ => {
            wide.extend_from_slice(&number.to_le_bytes());
            u32::MAX.to_le_bytes()
        }
    }
}

pub(super) fn with_wide(extra: &[u8], wide: &[u8]) -> io::Result<Vec<u8>> {
    let mut whole = Vec::new();
    if !wide.is_empty() {
        whole.extend_from_slice(&ZIP_64.to_le_bytes());
        whole.extend_from_slice(&u16::try_from(wide.len()).unwrap_or(0).to_le_bytes());
        whole.extend_from_slice(wide);
    }
    whole.extend_from_slice(extra);
    if whole.len() > usize::from(u16::MAX) { Err(wrong()) } else { Ok(whole) }
}

/// The data descriptor of an encrypted entry that has one; nothing for other entries. The first
/// bytes of encrypted data depend on it.
pub(super) fn descriptor(entry: &ZipEntry, written: &EntryToWrite<'_>) -> Vec<u8> {
    if !entry.has_descriptor() {
        return Vec::new();
    }
    let mut wide = Vec::new();
    let sizes = [written.data.len(), written.size];
    let narrow = sizes.map(|size| narrow(size, &mut wide));
    let mut out = [DESCRIPTOR.to_le_bytes(), written.crc.to_le_bytes()].concat();
    match wide.is_empty() {
        true => narrow.iter().for_each(|size| out.extend_from_slice(size)),
        false => sizes.iter().for_each(|size| out.extend_from_slice(&size.to_le_bytes())),
    }
    out
}

/// The local header of an entry and its record in the directory. Sizes are written before the data.
pub(super) fn headers(
    entry: &ZipEntry,
    written: &EntryToWrite<'_>,
    at: u64,
) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut fixed = entry.fixed;
    let flags = if entry.has_descriptor() { u16_at(&fixed, 8) } else { u16_at(&fixed, 8) & !8 };
    fixed[8..10].copy_from_slice(&flags.to_le_bytes());
    fixed[16..20].copy_from_slice(&written.crc.to_le_bytes());
    let mut wide = Vec::new();
    let size = narrow(written.size, &mut wide);
    let packed = narrow(written.data.len(), &mut wide);
    if !wide.is_empty() {
        // The local header has both 64-bit sizes or none.
        wide = [written.size.to_le_bytes(), written.data.len().to_le_bytes()].concat();
    }
    let is_wide = !wide.is_empty();
    let sizes = if is_wide { [u32::MAX.to_le_bytes(); 2] } else { [packed, size] };
    fixed[20..24].copy_from_slice(&sizes[0]);
    fixed[24..28].copy_from_slice(&sizes[1]);
    let local_extra = with_wide(&written.extra, &wide)?;
    let mut local = LOCAL.to_le_bytes().to_vec();
    local.extend_from_slice(&fixed[6..28]);
    let n_name = u16::try_from(entry.new_name.len()).map_err(|_| wrong())?;
    fixed[28..30].copy_from_slice(&n_name.to_le_bytes());
    local.extend_from_slice(&fixed[28..30]);
    local.extend_from_slice(&u16::try_from(local_extra.len()).unwrap_or(0).to_le_bytes());
    local.extend_from_slice(&entry.new_name);
    local.extend_from_slice(&local_extra);
    fixed[42..46].copy_from_slice(&narrow(at, &mut wide));
    let extra = with_wide(&entry.extra, &wide)?;
    fixed[30..32].copy_from_slice(&u16::try_from(extra.len()).unwrap_or(0).to_le_bytes());
    let n_comment = u16::try_from(entry.comment.len()).map_err(|_| wrong())?;
    fixed[32..34].copy_from_slice(&n_comment.to_le_bytes());
    Ok((local, [&fixed[..], &entry.new_name, &extra, &entry.comment].concat()))
}

/// The end of the archive, in the wide form where a number asks for it.
pub(super) fn end(n_entries: u64, n_bytes: u64, at: u64, comment: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let fits = n_entries < u64::from(u16::MAX)
        && n_bytes < u64::from(u32::MAX)
        && at < u64::from(u32::MAX);
    if !fits {
        out.extend_from_slice(&END_64.to_le_bytes());
        out.extend_from_slice(&44_u64.to_le_bytes());
        out.extend_from_slice(&[45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        [n_entries, n_entries, n_bytes, at]
            .iter()
            .for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
        out.extend_from_slice(&LOCATOR_64.to_le_bytes());
        out.extend_from_slice(&0_u32.to_le_bytes());
        out.extend_from_slice(&(at + n_bytes).to_le_bytes());
        out.extend_from_slice(&1_u32.to_le_bytes());
    }
    let count = u16::try_from(n_entries).unwrap_or(u16::MAX).to_le_bytes();
    out.extend_from_slice(&END.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&[count, count].concat());
    [n_bytes, at].iter().for_each(|number| {
        out.extend_from_slice(&u32::try_from(*number).unwrap_or(u32::MAX).to_le_bytes());
    });
    out.extend_from_slice(&u16::try_from(comment.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(&comment[..comment.len().min(usize::from(u16::MAX))]);
    out
}
