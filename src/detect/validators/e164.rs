//! `e164`: a telephone number with its country code. It has no more digits than ITU-T E.164 allows,
//! an assigned code, and the length that the code requires, if it requires one.
//!
//! <https://www.itu.int/rec/T-REC-E.164>

use super::Verdict;

/// Country codes of one and two digits; every other code has three.
const SHORT_CODES: &[&[u8]] = &[
    b"1", b"7", b"20", b"27", b"30", b"31", b"32", b"33", b"34", b"36", b"39", b"40", b"41", b"43",
    b"44", b"45", b"46", b"47", b"48", b"49", b"51", b"52", b"53", b"54", b"55", b"56", b"57",
    b"58", b"60", b"61", b"62", b"63", b"64", b"65", b"66", b"81", b"82", b"84", b"86", b"90",
    b"91", b"92", b"93", b"94", b"95", b"98",
];

/// The first two digits of codes with three digits.
const LONG_CODES: &[&[u8]] = &[
    b"21", b"22", b"23", b"24", b"25", b"26", b"29", b"35", b"37", b"38", b"42", b"50", b"59",
    b"67", b"68", b"69", b"85", b"88", b"96", b"97", b"99",
];

/// The number of digits including the code. The shortest numbers dialled from abroad have eight.
const LEAST: usize = 8;
const MOST: usize = 15;

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let mut digits = [0; MOST];
    let mut length = 0;
    for byte in secret.iter().filter(|byte| byte.is_ascii_digit()) {
        let Some(digit) = digits.get_mut(length) else { return Verdict::Refuted };
        *digit = *byte;
        length += 1;
    }
    if is_number(&digits[..length]) { Verdict::Confirmed } else { Verdict::Refuted }
}

fn is_number(digits: &[u8]) -> bool {
    match digits {
        // North America: an area and an exchange of three digits. Neither begins with 0 or 1.
        [b'1', rest @ ..] => rest.len() == 10 && rest[0] > b'1' && rest[3] > b'1',
        [b'7', rest @ ..] => rest.len() == 10,
        _ => {
            digits.len() >= LEAST
                && (SHORT_CODES.iter().any(|code| digits.starts_with(code))
                    || LONG_CODES.iter().any(|code| digits.starts_with(code)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_can_be_dialled_are_numbers() {
        for number in [
            "+1 (212) 555-0123",
            "+12125550123",
            "+442079460958",
            "+49 30 901820",
            "+351 21 123 4567",
            "+7 495 123-45-67",
        ] {
            assert_eq!(judge(number.as_bytes()), Verdict::Confirmed, "{number}");
        }
        for other in
            ["+1 112 555 0123", "+1 2024-01-02", "+280 1234567", "+4930", "+1234567890123456"]
        {
            assert_eq!(judge(other.as_bytes()), Verdict::Refuted, "{other}");
        }
    }
}
