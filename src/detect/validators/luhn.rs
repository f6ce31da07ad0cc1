//! `luhn`: a payment card has the right number of digits and a correct check digit.
//!
//! ISO/IEC 7812-1, annex B. Nine in ten other numbers fail the check digit, so a wrong one refutes.

use std::ops::RangeInclusive;

use super::Verdict;

/// The shortest and the longest numbers are those of Maestro.
const LENGTHS: RangeInclusive<usize> = 12..=19;

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let digits = || {
        secret.iter().rev().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'))
    };
    // Every second digit from the right counts twice, as the sum of the digits of its double.
    let sum: u32 = digits()
        .zip([1, 2].into_iter().cycle())
        .map(|(digit, times)| digit * times / 10 + digit * times % 10)
        .sum();
    let is_card = LENGTHS.contains(&digits().count()) && sum.is_multiple_of(10) && sum > 0;
    if is_card { Verdict::Confirmed } else { Verdict::Refuted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_decides() {
        // Numbers that card schemes publish for tests.
        for card in [
            "4111 1111 1111 1111",
            "4012-8888-8888-1881",
            "378282246310005",
            "5555555555554444",
            "30569309025904",
        ] {
            assert_eq!(judge(card.as_bytes()), Verdict::Confirmed, "{card}");
        }
        for number in [
            "4012888888881882",
            "0000000000000000",
            "40128888888818811",
            "18",
            "40128888888818810000",
        ] {
            assert_eq!(judge(number.as_bytes()), Verdict::Refuted, "{number}");
        }
    }
}
