//! Messages cut out of a stream of bytes, and the acknowledgements that go back.

use bytes::{Buf as _, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::msgpack::{
    ChunkScrubber, Malformed, Seams,
    message::Passing,
    tokens::{Skip, Token, Walk},
};

/// Cuts whole values out of a stream, each at most so many bytes long.
#[derive(Debug)]
pub(crate) struct Frames {
    limit: usize,
    skip: Skip,
}

/// Why no more values can be cut out of a stream.
#[derive(Debug)]
pub(crate) enum FrameError {
    Malformed(Malformed),
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
            FrameError::TooLarge => f.write_str("a message larger than --max-chunk"),
            FrameError::Io(error) => error.fmt(f),
        }
    }
}

impl Frames {
    pub(crate) fn new(limit: usize) -> Frames {
        Frames { limit, skip: Skip::new() }
    }
}

impl Decoder for Frames {
    type Item = Bytes;
    type Error = FrameError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        // A nil between messages is a heartbeat.
        while self.skip.at == 0 && bytes.first() == Some(&0xc0) {
            bytes.advance(1);
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let is_whole = self.skip.go_on(bytes).map_err(FrameError::Malformed)?;
        let length = if is_whole { self.skip.at } else { bytes.len() };
        if length > self.limit || !is_whole && self.is_surely_too_large(bytes) {
            return Err(FrameError::TooLarge);
        }
        if !is_whole {
            return Ok(None);
        }
        self.skip = Skip::new();
        Ok(Some(bytes.split_to(length).freeze()))
    }
}

impl Frames {
    /// Whether the text that is coming says that it is longer than the limit: it need not be waited
    /// for.
    fn is_surely_too_large(&self, bytes: &[u8]) -> bool {
        let length = match bytes.get(self.skip.at..) {
            Some([0xc6 | 0xdb, a, b, c, d, ..]) => u32::from_be_bytes([*a, *b, *c, *d]) as usize,
            _ => 0,
        };
        self.skip.at.saturating_add(length) > self.limit
    }
}

/// Tells the sender that a message has arrived: `{"ack": …}`, with the name that the sender gave
/// it.
pub(crate) struct Ack<'c>(pub(crate) &'c [u8]);

impl Encoder<Ack<'_>> for Frames {
    type Error = std::io::Error;

    fn encode(&mut self, Ack(chunk): Ack<'_>, bytes: &mut BytesMut) -> std::io::Result<()> {
        bytes.extend_from_slice(b"\x81\xa3ack");
        bytes.extend_from_slice(chunk);
        Ok(())
    }
}

/// The name in an acknowledgement: the content of its text.
pub(crate) fn acknowledged(frame: &[u8]) -> Option<&[u8]> {
    let mut walk = Walk::new(frame);
    let Ok(Token::Map(n_pairs)) = walk.token() else { return None };
    for _ in 0..n_pairs {
        let key = walk.string().ok()?.of(frame);
        if key == b"ack" {
            return walk.string().ok().map(|chunk| chunk.of(frame));
        }
        walk.skip().ok()?;
    }
    None
}

/// The content of a name of a chunk, which is a value of msgpack; what is no text is compared as it
/// is.
pub(crate) fn name_of(chunk: &[u8]) -> &[u8] {
    Walk::new(chunk).string().map_or(chunk, |name| name.of(chunk))
}

/// What is passed on of a stream that comes `step` bytes at a time: the messages, up to where it is
/// no stream of messages any more. For fuzzing, which has no sockets.
#[doc(hidden)]
pub fn pass_stream(
    stream: &[u8],
    step: usize,
    limit: usize,
    scrubber: &mut ChunkScrubber,
) -> Vec<Vec<u8>> {
    let (mut frames, mut bytes, mut seams) =
        (Frames::new(limit), BytesMut::new(), Seams::default());
    let passing = Passing { chunk: "ours", strip_metadata: false, max_inflated: limit };
    let mut passed = Vec::new();
    for part in stream.chunks(step.max(1)) {
        bytes.extend_from_slice(part);
        loop {
            match frames.decode(&mut bytes) {
                Ok(Some(frame)) => {
                    let mut message = Vec::new();
                    let result = scrubber.pass(&frame, passing, &mut seams, &mut message);
                    passed.extend(result.map(|_| message));
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
    fn messages_are_cut_out_however_they_come() {
        let stream = b"\xc0\x92\xa1t\x90\xc0\xc0\x93\xa1t\xc4\x02xy\x80";
        for step in 1..=stream.len() {
            let mut frames = Frames::new(64);
            let mut bytes = BytesMut::new();
            let mut found = Vec::new();
            for part in stream.chunks(step) {
                bytes.extend_from_slice(part);
                while let Some(frame) = frames.decode(&mut bytes).expect("they are messages") {
                    found.push(frame.to_vec());
                }
            }
            assert_eq!(
                found,
                [b"\x92\xa1t\x90".to_vec(), b"\x93\xa1t\xc4\x02xy\x80".to_vec()],
                "in steps of {step}"
            );
        }
    }

    #[test]
    fn too_much_is_refused_before_it_has_come() {
        let decode = |bytes: &[u8]| Frames::new(1000).decode(&mut BytesMut::from(bytes));
        assert!(matches!(decode(b"\x93\xa1t\xc6\x00\x00\x10\x00"), Err(FrameError::TooLarge)));
        assert!(matches!(decode(b"\x93\xa1t\xc6\x00\x00\x01\x00"), Ok(None)));
        assert!(matches!(decode(&[0x91; 1001]), Err(FrameError::TooLarge)));
        assert!(matches!(decode(b"\xc1"), Err(FrameError::Malformed(_))));
    }

    #[test]
    fn an_acknowledgement_names_its_chunk() {
        let mut bytes = BytesMut::new();
        Frames::new(9).encode(Ack(b"\xa2id"), &mut bytes).expect("a buffer takes everything");
        assert_eq!(acknowledged(&bytes), Some(&b"id"[..]));
        assert_eq!(acknowledged(b"\x81\xa3ack\xc4\x02id"), Some(&b"id"[..]));
        assert_eq!((acknowledged(b"\x80"), acknowledged(b"\x92\xa1t\x90")), (None, None));
        assert_eq!((name_of(b"\xc4\x02id"), name_of(b"\x05")), (&b"id"[..], &b"\x05"[..]));
    }
}
