//! The flags that were typed.

use std::path::{Path, PathBuf};

use clap::ArgMatches;

use super::Layer;
use crate::{
    cli::{flags::FLAGS, settings::Source},
    error::Error,
};

/// The flags that were typed, before the verb and after it. It is kept, because a reload resolves
/// them anew.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    layer: Layer,
    config: Option<PathBuf>,
}

impl Typed {
    /// The flags of `matches` and of the verbs below it. After the verb takes precedence.
    ///
    /// # Errors
    ///
    /// A path is not UTF-8.
    pub(crate) fn new(matches: &ArgMatches) -> Result<Typed, Error> {
        let mut layer = Layer::default();
        let mut level = Some((None, matches));
        while let Some((verb, matches)) = level {
            for flag in FLAGS {
                if let Some(value) = flag.typed(verb, matches)? {
                    layer.add(flag, value, Source::Flag(flag.name));
                }
            }
            level = matches.subcommand().map(|(verb, below)| (Some(verb), below));
        }
        Ok(Typed { layer, config: matches.get_one::<PathBuf>("config").cloned() })
    }

    pub(super) fn layer(&self) -> &Layer {
        &self.layer
    }

    /// The file of `--config`.
    pub(crate) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Whether a flag was typed.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The text of a flag, for what is needed before the settings are resolved.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.value(name).and_then(toml::Value::as_str)
    }

    /// How often a flag was typed.
    pub(crate) fn count(&self, name: &str) -> u8 {
        let count = self.value(name).and_then(toml::Value::as_integer);
        count.and_then(|count| u8::try_from(count).ok()).unwrap_or_default()
    }

    fn value(&self, name: &str) -> Option<&toml::Value> {
        let given = self.layer.given.iter().rev().find(|(flag, _)| flag.name == name);
        given.map(|(_, given)| &given.value)
    }
}
