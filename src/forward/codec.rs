//! Message framing: cuts msgpack messages out of a byte stream, and writes acknowledgements.

use bytes::{Buf as _, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::msgpack::{
    ChunkScrubber, MalformedChunk, TagStates,
    message::PassOptions,
    tokens::{Token, TokenReader, ValueScanner},
};

/// Cuts whole msgpack values of a limited size out of a stream.
#[derive(Debug)]
pub(crate) struct FrameCodec {
    limit: usize,
    scanner: ValueScanner,
}

/// Why the rest of a stream cannot be decoded.
#[derive(Debug)]
pub(crate) enum FrameError {
    Malformed(MalformedChunk),
    TooLarge,
    Io(std::io::Error),
}

impl From<std::io::Error> for FrameError {
    fn from(error: std::io::Error) -> FrameError {
        FrameError::Io(error)
    }
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FrameError::Malformed(malformed) => malformed.fmt(f),
            FrameError::TooLarge => f.write_str("message is larger than --max-chunk"),
            FrameError::Io(error) => error.fmt(f),
        }
    }
}

impl FrameCodec {
    pub(crate) fn new(limit: usize) -> FrameCodec {
        FrameCodec { limit, scanner: ValueScanner::new() }
    }

    /// Whether the header of the string that is arriving announces more bytes than the limit, so
    /// that the message can be refused at once.
    fn announces_too_much(&self, bytes: &[u8]) -> bool {
        let length = match bytes.get(self.scanner.at..) {
            Some([0xc6 | 0xdb, a, b, c, d, ..]) => u32::from_be_bytes([*a, *b, *c, *d]) as usize,
            _ => 0,
        };
        self.scanner.at.saturating_add(length) > self.limit
    }
}

impl Decoder for FrameCodec {
    type Item = Bytes;
    type Error = FrameError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        // A nil between messages is a heartbeat.
        while self.scanner.at == 0 && bytes.first() == Some(&0xc0) {
            bytes.advance(1);
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let is_whole = self.scanner.resume(bytes).map_err(FrameError::Malformed)?;
        let length = if is_whole { self.scanner.at } else { bytes.len() };
        if length > self.limit || !is_whole && self.announces_too_much(bytes) {
            return Err(FrameError::TooLarge);
        }
        if !is_whole {
            return Ok(None);
        }
        self.scanner = ValueScanner::new();
        Ok(Some(bytes.split_to(length).freeze()))
    }
}

/// An acknowledgement, `{"ack": chunk id}`. The id is the sender's own msgpack value, unchanged.
pub(crate) struct Ack<'c>(pub(crate) &'c [u8]);

impl Encoder<Ack<'_>> for FrameCodec {
    type Error = std::io::Error;

    fn encode(&mut self, Ack(chunk_id): Ack<'_>, bytes: &mut BytesMut) -> std::io::Result<()> {
        bytes.extend_from_slice(b"\x81\xa3ack");
        bytes.extend_from_slice(chunk_id);
        Ok(())
    }
}

/// The content of the chunk id in an acknowledgement.
pub(crate) fn acknowledged_id(message: &[u8]) -> Option<&[u8]> {
    let mut tokens = TokenReader::new(message);
    let Ok(Token::Map(n_pairs)) = tokens.token() else { return None };
    for _ in 0..n_pairs {
        let key = tokens.string().ok()?.of(message);
        if key == b"ack" {
            return tokens.string().ok().map(|chunk_id| chunk_id.of(message));
        }
        tokens.skip().ok()?;
    }
    None
}

/// The content of a chunk id, which is a msgpack value. An id that is not a string is compared as
/// it is encoded.
pub(crate) fn id_content(chunk_id: &[u8]) -> &[u8] {
    TokenReader::new(chunk_id).string().map_or(chunk_id, |content| content.of(chunk_id))
}

/// The messages that the hop would send on for `stream`, which arrives `step` bytes at a time, up
/// to the first byte that is not a message. For fuzzing, without sockets.
#[doc(hidden)]
pub fn pass_stream(
    stream: &[u8],
    step: usize,
    limit: usize,
    scrubber: &mut ChunkScrubber,
) -> Vec<Vec<u8>> {
    let mut codec = FrameCodec::new(limit);
    let mut bytes = BytesMut::new();
    let mut states = TagStates::default();
    let options = PassOptions { chunk_id: "ours", strip_metadata: false, max_inflated: limit };
    let mut passed = Vec::new();
    for part in stream.chunks(step.max(1)) {
        bytes.extend_from_slice(part);
        loop {
            match codec.decode(&mut bytes) {
                Ok(Some(message)) => {
                    let mut out = Vec::new();
                    let result = scrubber.pass_message(&message, options, &mut states, &mut out);
                    passed.extend(result.map(|_| out));
                }
                Ok(None) => break,
                Err(_) => return passed,
            }
        }
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_decoded_at_every_split() {
        let stream = b"\xc0\x92\xa1t\x90\xc0\xc0\x93\xa1t\xc4\x02xy\x80";
        for step in 1..=stream.len() {
            let mut codec = FrameCodec::new(64);
            let mut bytes = BytesMut::new();
            let mut found = Vec::new();
            for part in stream.chunks(step) {
                bytes.extend_from_slice(part);
                while let Some(message) = codec.decode(&mut bytes).expect("they are messages") {
                    found.push(message.to_vec());
                }
            }
            assert_eq!(
                found,
                [b"\x92\xa1t\x90".to_vec(), b"\x93\xa1t\xc4\x02xy\x80".to_vec()],
                "in steps of {step}"
            );
        }
    }

    fn decode(bytes: &[u8]) -> Result<Option<Bytes>, FrameError> {
        FrameCodec::new(1000).decode(&mut BytesMut::from(bytes))
    }

    #[test]
    fn an_announced_length_over_the_limit_is_refused_at_once() {
        assert!(matches!(decode(b"\x93\xa1t\xc6\x00\x00\x10\x00"), Err(FrameError::TooLarge)));
        assert!(matches!(decode(b"\x93\xa1t\xc6\x00\x00\x01\x00"), Ok(None)));
        assert!(matches!(decode(&[0x91; 1001]), Err(FrameError::TooLarge)));
        assert!(matches!(decode(b"\xc1"), Err(FrameError::Malformed(_))));
    }

    #[test]
    fn an_acknowledgement_carries_its_chunk_id() {
        let mut bytes = BytesMut::new();
        FrameCodec::new(9).encode(Ack(b"\xa2id"), &mut bytes).expect("a buffer takes everything");
        assert_eq!(acknowledged_id(&bytes), Some(&b"id"[..]));
        assert_eq!(acknowledged_id(b"\x81\xa3ack\xc4\x02id"), Some(&b"id"[..]));
        assert_eq!((acknowledged_id(b"\x80"), acknowledged_id(b"\x92\xa1t\x90")), (None, None));
        assert_eq!((id_content(b"\xc4\x02id"), id_content(b"\x05")), (&b"id"[..], &b"\x05"[..]));
    }
}
