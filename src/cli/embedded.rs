//! For programs that embed logscrub and pass its flags through, such as the plugin of Fluent Bit.

use clap::FromArgMatches as _;

use super::{
    args::{self, Args},
    mask::masked,
    resolve::{self, Environment, Typed},
};
use crate::{error::Error, msgpack::ChunkScrubber, scrub::Scrubber};

/// Scrubbers of text and of chunks of msgpack records, with the same rules and policy.
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
    let matches = args::command().try_get_matches_from(flags).map_err(|error| wrong(&error))?;
    let args = Args::from_arg_matches(&matches).map_err(|error| wrong(&error))?;
    let typed = Typed::new(&matches)?;
    if args.verb.is_some() || !args.files.is_empty() || typed.has("version") {
        return Err(Error::usage("expected flags of the filter, without a command or a file"));
    }
    let settings = resolve::resolve(&typed, &Environment::read()?)?;
    let chunks = settings.chunk_scrubber()?;
    Ok(Scrubbers { text: chunks.for_text().with_format(settings.format), chunks })
}

/// The first line says what is wrong; the others point to a help that cannot be asked for here.
fn wrong(error: &clap::Error) -> Error {
    let text = error.to_string();
    Error::usage(text.lines().next().unwrap_or_default().trim_start_matches("error: "))
}
