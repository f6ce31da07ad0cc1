//! `us-ssn`: a social security number. The areas 000, 666 and 900 to 999, the group 00 and the
//! serial 0000 are never assigned; everything else counts.
//!
//! <https://www.ssa.gov/employer/randomization.html>

use super::Verdict;

/// Numbers that were printed in advertisements and belong to nobody.
const PRINTED: [&[u8]; 2] = [b"078-05-1120", b"219-09-9999"];

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let [area @ .., b'-', group_high, group_low, b'-', s1, s2, s3, s4] = secret else {
        return Verdict::Refuted;
    };
    let [high, _, _] = area else { return Verdict::Refuted };
    let is_area = area != b"000" && area != b"666" && *high != b'9';
    let is_number = [group_high, group_low] != [&b'0'; 2] && [s1, s2, s3, s4] != [&b'0'; 4];
    let is_ssn =
        is_area && is_number && secret.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
    if is_ssn && !PRINTED.contains(&secret) { Verdict::Confirmed } else { Verdict::Refuted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_serial_counts_but_zero() {
        for serial in 1..=9999 {
            assert_eq!(
                judge(format!("123-45-{serial:04}").as_bytes()),
                Verdict::Confirmed,
                "{serial}"
            );
        }
        assert_eq!(judge(b"123-45-0000"), Verdict::Refuted);
    }

    #[test]
    fn every_area_counts_but_those_never_given() {
        for area in 0..=999 {
            let is_given = area != 0 && area != 666 && area < 900;
            let verdict = if is_given { Verdict::Confirmed } else { Verdict::Refuted };
            assert_eq!(judge(format!("{area:03}-45-6789").as_bytes()), verdict, "{area}");
        }
        for wrong in
            ["123-00-6789", "078-05-1120", "123-45-67890", "1234-45-6789", "12a-45-6789", ""]
        {
            assert_eq!(judge(wrong.as_bytes()), Verdict::Refuted, "{wrong}");
        }
    }
}
