//! The extra fields of a zip entry: fields of known layout are kept, others are scrubbed.

use super::directory::{ZIP_64, ZipEntry, fields, u16_at};
use crate::batch::metadata::{MetadataScrubber, Unexamined, Verdict};

/// Copies of name and comment in UTF-8 by Info-ZIP: a version, the checksum of the original, the
/// text.
const UNICODE_NAME: u16 = 0x7075;
const UNICODE_COMMENT: u16 = 0x6375;

/// Unix fields that can hold a link target behind times and owners.
const PKWARE_UNIX: u16 = 0x000d;
const ASI_UNIX: u16 = 0x756e;

/// The clean extra part of an entry, without its 64-bit sizes, which are written anew.
pub(super) fn clean(
    extra: &[u8],
    entry: &ZipEntry,
    texts: &mut MetadataScrubber,
    (policy, unexamined): (Unexamined, &mut Vec<String>),
) -> Vec<u8> {
    let mut kept = Vec::with_capacity(extra.len());
    let mut n_read = 0;
    for (id, field) in fields(extra) {
        n_read += field.len();
        let data = &field[4..];
        let verdict = verdict(id, data, entry, texts);
        let data = verdict.applied(data, policy, unexamined, || {
            format!("the extra field 0x{id:04x} of a zip entry")
        });
        if let Some(data) = data.filter(|data| id != ZIP_64 && data.len() <= usize::from(u16::MAX))
        {
            kept.extend_from_slice(&id.to_le_bytes());
            kept.extend_from_slice(&u16::try_from(data.len()).unwrap_or(0).to_le_bytes());
            kept.extend_from_slice(&data);
        }
    }
    // A malformed rest is not written, but reported if it held something.
    let rest = texts.field(&extra[n_read..]);
    rest.applied(&extra[n_read..], policy, unexamined, || {
        "the end of the extra part of a zip entry".to_owned()
    });
    kept
}

fn verdict(id: u16, data: &[u8], entry: &ZipEntry, texts: &mut MetadataScrubber) -> Verdict {
    if is_known(id, data) {
        // Numbers may look like anything, so a finding among them cannot be rewritten.
        return if texts.text(data).is_some() { Verdict::Withheld } else { Verdict::Clean };
    }
    if let (UNICODE_NAME | UNICODE_COMMENT, [1, _, _, _, _, text @ ..]) = (id, data) {
        let is_clean = if id == UNICODE_NAME {
            texts.name(text).is_none()
        } else {
            texts.comment(text) == Verdict::Clean
        };
        // A copy would no longer match its original. Programs fall back to the original, which is
        // clean.
        let is_copy = id == UNICODE_NAME && entry.new_name != entry.name;
        return if is_clean && !is_copy { Verdict::Clean } else { Verdict::Withheld };
    }
    let n_fixed = match id {
        PKWARE_UNIX => 12,
        ASI_UNIX => 14,
        _ => return texts.field(data),
    };
    let Some((_, target)) = data.split_at_checked(n_fixed) else { return texts.field(data) };
    match (texts.name(target), texts.field(target)) {
        (None, Verdict::Clean) => Verdict::Clean,
        (None, Verdict::Unexamined) => Verdict::Unexamined,
        _ => Verdict::Withheld,
    }
}

/// Whether a field has a known layout of numbers only: times, owners, sizes, markers, or zeros for
/// alignment.
fn is_known(id: u16, data: &[u8]) -> bool {
    match id {
        ZIP_64 => data.len() <= 28,
        // NTFS: one attribute with three times.
        0x000a => data.len() == 32 && u16_at(data, 4) == 1 && u16_at(data, 6) == 24,
        0x5455 => data.len() <= 13,
        0x7875 => data.len() <= 11,
        0x5855 => matches!(data.len(), 8 | 12),
        0x7855 => data.len() <= 4,
        // AES parameters.
        0x9901 => data.len() == 7,
        // Marker of a jar; alignment by Android and Commons Compress; space reserved by Office.
        0xcafe => data.is_empty(),
        0xd935 | 0xa11e => is_zero(data, 2),
        0xa220 => is_zero(data, 4),
        _ => false,
    }
}

fn is_zero(data: &[u8], from: usize) -> bool {
    data.iter().skip(from).all(|byte| *byte == 0)
}
