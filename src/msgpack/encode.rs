//! Writing of msgpack strings.

use super::tokens::StringKind;

/// Appends a msgpack string; `None` if it is too long for msgpack.
pub(crate) fn write_string(kind: StringKind, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let length = u32::try_from(value.len()).ok()?;
    let written = match kind {
        StringKind::Str => rmp::encode::write_str_len(out, length),
        StringKind::Bin => rmp::encode::write_bin_len(out, length),
    };
    written.ok()?;
    out.extend_from_slice(value);
    Some(())
}
