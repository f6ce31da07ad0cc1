//! `jwt`: the header is a JSON object in base64url that names an algorithm or a type.
//!
//! <https://www.rfc-editor.org/rfc/rfc7515#section-4.1>

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::Verdict;

/// The maximum length of a header.
const MAX_HEADER: usize = 4 << 10;

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let header = secret.split(|byte| *byte == b'.').next().unwrap_or_default();
    if header.len() > MAX_HEADER {
        return Verdict::Unknown;
    }
    let text = URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    match serde_json::from_slice::<serde_json::Value>(&text) {
        Ok(header) if ["alg", "typ", "enc", "kid"].iter().any(|key| header.get(key).is_some()) => {
            Verdict::Confirmed
        }
        // Words joined by dots that begin with the letters `eyJ`.
        _ if may_refute(secret) => Verdict::Refuted,
        _ => Verdict::Unknown,
    }
}

/// Whether the secret is short and plain enough to be words, so that it may be refuted.
pub(super) fn may_refute(secret: &[u8]) -> bool {
    secret.len() < 32 && !secret.iter().any(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_reads_confirms() {
        let token = format!(
            "{}.{}.x",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#),
            URL_SAFE_NO_PAD.encode("{}")
        );
        assert_eq!(judge(token.as_bytes()), Verdict::Confirmed);
        assert_eq!(judge(token.replace("eyJh", "eyJx").as_bytes()), Verdict::Unknown);
        assert_eq!(judge(b"eyJAAAA.eyJBBB"), Verdict::Refuted);
        assert_eq!(judge(b"eyJBB.eyJCC.eyJDDDD"), Verdict::Refuted, "a header that is no base64");
    }
}
