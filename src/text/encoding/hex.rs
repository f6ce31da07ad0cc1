//! Texts written as hexadecimal digits, two a byte.

use super::hexadecimal;

/// Decodes `digits`; what is left of an odd number of them is left out. `None` where one is no
/// digit.
pub(crate) fn decode(digits: &[u8]) -> Option<Vec<u8>> {
    digits.chunks_exact(2).map(|pair| hexadecimal(pair).map(|byte| byte as u8)).collect()
}

/// Appends `bytes` in digits as `like` has them: large, or small.
pub(crate) fn encode(bytes: &[u8], like: &[u8], out: &mut Vec<u8>) {
    let digits = if like.iter().any(u8::is_ascii_uppercase) {
        b"0123456789ABCDEF"
    } else {
        b"0123456789abcdef"
    };
    for byte in bytes {
        out.extend([digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
    }
}
