//! Hexadecimal digits: the only reader of them.
//!
//! Digits of either case are read. Functions return `None` where a byte is no digit.

/// Marks a byte that is no digit.
const NONE: u8 = 0xff;

/// The value of each digit.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < 16 {
        values[LOWER[value] as usize] = value as u8;
        values[UPPER[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// The digits in lower case.
const LOWER: &[u8; 16] = b"0123456789abcdef";

/// The digits in upper case.
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// The value of one digit.
#[inline]
pub(crate) const fn digit(byte: u8) -> Option<u8> {
    match VALUES[byte as usize] {
        NONE => None,
        value => Some(value),
    }
}

/// The byte that the two digits at the head of `text` stand for.
#[inline]
pub(crate) fn byte(text: &[u8]) -> Option<u8> {
    match text {
        [high, low, ..] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

/// The number that the first `n_digits` bytes of `text` stand for; at most eight.
#[inline]
pub(crate) fn number(text: &[u8], n_digits: usize) -> Option<u32> {
    text.get(..n_digits)?
        .iter()
        .try_fold(0, |number, byte| Some(number << 4 | u32::from(digit(*byte)?)))
}

/// Decodes pairs of digits. The last digit of an odd number of them is ignored.
pub(crate) fn decode(digits: &[u8]) -> Option<Vec<u8>> {
    digits.chunks_exact(2).map(byte).collect()
}

/// Appends `bytes` as pairs of digits, in upper case if `like` has an upper-case letter.
pub(crate) fn encode(bytes: &[u8], like: &[u8], out: &mut Vec<u8>) {
    let digits = if like.iter().any(u8::is_ascii_uppercase) { UPPER } else { LOWER };
    for byte in bytes {
        out.extend([digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_as_the_standard_library_reads_it() {
        for value in 0..=255 {
            let expected = char::from(value).to_digit(16).map(|digit| digit as u8);
            assert_eq!(digit(value), expected, "{value}");
        }
    }

    #[test]
    fn numbers_need_all_their_digits() {
        assert_eq!(byte(b"3Dx"), Some(0x3d));
        assert_eq!(byte(b"3"), None);
        assert_eq!(byte(b"3g"), None);
        assert_eq!(number(b"fFfD00", 4), Some(0xfffd));
        assert_eq!(number(b"fff", 4), None);
        assert_eq!(number(b"+041", 4), None);
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let bytes: Vec<u8> = (0..=255).collect();
        for like in [&b"a"[..], b"A"] {
            let mut digits = Vec::new();
            encode(&bytes, like, &mut digits);
            assert_eq!(decode(&digits), Some(bytes.clone()));
        }
    }
}
