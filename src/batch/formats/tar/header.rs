//! Headers of tar: blocks of 512 bytes with a checksum.

use std::io::{self, Read, Write};

use tar::{EntryType, Header};

pub(super) const BLOCK: usize = 512;

/// Whether the checksum of a tar header is right. Old programs summed signed bytes; for ASCII the
/// sums are equal.
pub(super) fn has_checksum(block: &[u8; BLOCK]) -> bool {
    let expected = sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..]);
    block.iter().any(|byte| *byte != 0)
        && Header::from_byte_slice(block).cksum().is_ok_and(|cksum| cksum == expected)
}

fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().map(|byte| u32::from(*byte)).sum()
}

/// Headers before an entry that belong to it.
#[derive(Default)]
pub(super) struct Before {
    /// GNU headers with long names and link targets, each with its data, in order.
    pub(super) long: Vec<([u8; BLOCK], Vec<u8>)>,
    /// The pax records of the entry, with their header.
    pub(super) pax: Option<([u8; BLOCK], Vec<u8>)>,
}

impl Before {
    /// The last long name or link target, up to its NUL.
    pub(super) fn long(&self, kind: EntryType) -> Option<Vec<u8>> {
        let mut headers = self.long.iter().rev();
        let (_, data) =
            headers.find(|(block, _)| Header::from_byte_slice(block).entry_type() == kind)?;
        Some(data.split(|byte| *byte == 0).next().unwrap_or_default().to_vec())
    }
}

/// The header for data of another size, with further changes by `change`.
pub(super) fn resized(
    block: &[u8; BLOCK],
    size: u64,
    change: impl FnOnce(&mut Header),
) -> [u8; BLOCK] {
    let mut header = Header::new_old();
    header.as_mut_bytes().copy_from_slice(block);
    change(&mut header);
    header.set_size(size);
    header.set_cksum();
    *header.as_bytes()
}

pub(super) fn padding(size: u64) -> u64 {
    (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64
}

pub(super) fn write_padded(
    wtr: &mut (impl Write + ?Sized),
    block: &[u8],
    data: &[u8],
) -> io::Result<u64> {
    wtr.write_all(block)?;
    wtr.write_all(data)?;
    let n_zeros = padding(data.len() as u64);
    io::copy(&mut io::repeat(0).take(n_zeros), wtr)?;
    Ok(block.len() as u64 + data.len() as u64 + n_zeros)
}
