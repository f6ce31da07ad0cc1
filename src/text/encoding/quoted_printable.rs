//! `=3D` and `=40`, as in mail. Letters and digits are never written so, and `n=41` is an
//! assignment.

use super::{Encoding, Escape, hexadecimal};

pub(crate) fn read(rest: &[u8]) -> Option<Escape> {
    let digits = rest.get(1..3)?;
    let is_written_so =
        digits.iter().all(|digit| digit.is_ascii_digit() || digit.is_ascii_uppercase());
    let code = hexadecimal(digits)
        .filter(|code| is_written_so && !(*code as u8).is_ascii_alphanumeric())?;
    Escape::byte(3, code as u8, Encoding::QuotedPrintable)
}
