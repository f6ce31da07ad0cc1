//! `=3D` and `=40`, as in mail.
//!
//! An equals sign is too common to be read as an escape everywhere, so a record must hold `=3D`:
//! the escape of the equals sign itself, without which no text of this encoding can have one.

use super::syntax::{Decoded, Syntax};
use crate::text::hex;

pub(super) const QUOTED_PRINTABLE: Syntax =
    Syntax { starts: b"=", marker: Some("=3D"), ..Syntax::new("quoted-printable", read) };

/// Digits are in upper case. Letters and digits are never escaped, and `n=41` is an assignment.
fn read(rest: &[u8]) -> Option<Decoded> {
    let digits = rest.get(1..3)?;
    let byte = hex::byte(digits)?;
    let is_written_so = digits.iter().all(|digit| !digit.is_ascii_lowercase());
    (is_written_so && !byte.is_ascii_alphanumeric()).then(|| Decoded::byte(3, byte)).flatten()
}
