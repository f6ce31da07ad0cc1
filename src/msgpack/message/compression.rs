//! Compressed entries: gzip and zstd.

use std::io::{self, Read as _, Write as _};

use super::refusal::Refusal;

/// How the entries of a message are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    /// Decompresses to at most `limit` bytes.
    pub(super) fn decompress(self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, Refusal> {
        let reader: Box<dyn io::Read + '_> = match self {
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
            Compression::Zstd => {
                Box::new(zstd::Decoder::with_buffer(bytes).map_err(|_| Refusal::Corrupt)?)
            }
        };
        let mut content = Vec::new();
        reader.take(limit as u64 + 1).read_to_end(&mut content).map_err(|_| Refusal::Corrupt)?;
        if content.len() > limit {
            return Err(Refusal::TooLarge);
        }
        Ok(content)
    }

    pub(super) fn compress(self, bytes: &[u8]) -> Vec<u8> {
        const INFALLIBLE: &str = "writing to a Vec cannot fail";
        match self {
            Compression::Gzip => {
                let level = flate2::Compression::new(6);
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), level);
                writer.write_all(bytes).expect(INFALLIBLE);
                writer.finish().expect(INFALLIBLE)
            }
            Compression::Zstd => zstd::encode_all(bytes, 3).expect(INFALLIBLE),
        }
    }
}
