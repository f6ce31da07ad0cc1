//! Base64 and base64url: four characters for a group of three bytes.
//!
//! Characters of both alphabets are read. Padding is not part of a run: callers leave it out, and
//! [`encode`] writes none, so that the padding in the block stays right.

/// Marks a byte that is in neither alphabet.
const NONE: u8 = 0xff;

/// The value of each character, of either alphabet.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < 64 {
        values[PLAIN[value] as usize] = value as u8;
        values[URL[value] as usize] = value as u8;
        value += 1;
    }
    values
};

const PLAIN: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Whether a byte belongs to one of the alphabets.
pub(crate) fn is_in(byte: u8) -> bool {
    VALUES[usize::from(byte)] != NONE
}

/// The value of a character.
pub(crate) const fn value(byte: u8) -> Option<u8> {
    match VALUES[byte as usize] {
        NONE => None,
        value => Some(value),
    }
}

/// Whether a group of four characters stands for three bytes of ASCII. Three of its bits decide.
pub(crate) fn is_ascii(group: &[u8]) -> bool {
    let value = |index: usize| VALUES[usize::from(group[index])];
    (value(0) & 32) | (value(1) & 8) | (value(2) & 2) == 0
}

/// Appends the bytes that `run` stands for. A single character left over is ignored. Every byte of
/// the run must be in an alphabet ([`is_in`]).
pub(crate) fn decode(run: &[u8], out: &mut Vec<u8>) {
    for group in run.chunks(4) {
        let bits = group
            .iter()
            .fold(0_u32, |bits, byte| bits << 6 | u32::from(VALUES[usize::from(*byte)]));
        let bits = bits << (6 * (4 - group.len()));
        out.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
}

/// Appends `bytes` in the alphabet that `like` is written in.
pub(crate) fn encode(bytes: &[u8], like: &[u8], out: &mut Vec<u8>) {
    let is_url = like.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let alphabet = if is_url { URL } else { PLAIN };
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        out.extend(
            (0..=group.len()).map(|index| alphabet[(bits >> (18 - 6 * index)) as usize & 63]),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_whatever_their_number() {
        for n_bytes in 0..40 {
            let bytes: Vec<u8> =
                (0..n_bytes).map(|byte: u8| byte.wrapping_mul(37) ^ 0xa5).collect();
            for like in [&b"+"[..], b"-"] {
                let (mut text, mut back) = (Vec::new(), Vec::new());
                encode(&bytes, like, &mut text);
                decode(&text, &mut back);
                assert_eq!(back, bytes);
            }
        }
        let mut text = Vec::new();
        encode(b"user:pass", b"", &mut text);
        assert_eq!(text, b"dXNlcjpwYXNz");
    }

    #[test]
    fn three_bits_tell_ascii() {
        for bytes in [*b"abc", [0x80, b'a', b'b'], [b'a', 0xff, b'b'], [b'a', b'b', 0xc3]] {
            let mut text = Vec::new();
            encode(&bytes, b"", &mut text);
            assert_eq!(is_ascii(&text), bytes.is_ascii(), "{bytes:?}");
        }
    }
}
