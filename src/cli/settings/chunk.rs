//! The scrubber of chunks that the settings ask for.

use super::Settings;
use crate::{error::Error, msgpack::ChunkScrubber};

impl Settings {
    /// The scrubber of chunks of msgpack records.
    pub(crate) fn chunk_scrubber(&self) -> Result<ChunkScrubber, Error> {
        let mut scrubber = ChunkScrubber::for_cpu(&self.rules()?, &self.policy()?, self.cpu)?;
        if let Some(marker) = &self.fault {
            scrubber.fail_on(marker.as_bytes());
        }
        Ok(scrubber)
    }
}
