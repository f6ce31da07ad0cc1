//! For programs that have logscrub inside: what its flags and configuration mean to them.

use clap::Parser as _;

use super::{
    args::Args,
    mask::masked,
    settings::{self, Environment, Settings},
};
use crate::{error::Error, msgpack::ChunkScrubber, scrub::Scrubber};

/// What scrubs text, and what scrubs chunks of msgpack records, with the same rules and policy.
#[derive(Debug)]
pub struct Scrubbers {
    /// Of text.
    pub text: Scrubber,
    /// Of chunks.
    pub chunks: ChunkScrubber,
}

/// The scrubbers that these flags of the filter ask for (`--only=credential`), with `LOGSCRUB_*`
/// and configuration files below them.
///
/// # Errors
///
/// A flag, a configuration file or a rule file is wrong.
pub fn scrubbers(flags: impl IntoIterator<Item = String>) -> Result<Scrubbers, Error> {
    read(flags).map_err(|error| error.in_words(&mut |words| masked(words)))
}

fn read(flags: impl IntoIterator<Item = String>) -> Result<Scrubbers, Error> {
    let flags = std::iter::once("logscrub".to_owned()).chain(flags);
    let args = Args::try_parse_from(flags).map_err(|error| {
        // The first line says what is wrong; the others tell of a help that is not at hand here.
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        Error::usage(line.trim_start_matches("error: "))
    })?;
    if args.verb.is_some() || args.version {
        return Err(Error::usage("flags of the filter are taken here, and no verb"));
    }
    let settings = settings::settle(&args, &Environment::read()?)?;
    let chunks = scrubber(&settings)?;
    Ok(Scrubbers { text: chunks.for_text().with_format(settings.format), chunks })
}

/// The scrubber of chunks that the settings ask for.
pub(super) fn scrubber(settings: &Settings) -> Result<ChunkScrubber, Error> {
    let mut scrubber = ChunkScrubber::for_cpu(&settings.rules()?, &settings.policy, settings.cpu)?;
    if let Some(marker) = &settings.fault {
        scrubber.fail_on(marker.as_bytes());
    }
    Ok(scrubber)
}
