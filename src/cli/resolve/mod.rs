//! Flags over environment over the user's file over the system's file over built-in values.
//!
//! Each source is read into a [`Layer`] of the same keys, so there is one list of keys and one
//! meaning of each: the declarations in [`super::flags`]. Layers are applied from the lowest up,
//! and a wrong value is an error even if a higher layer replaces it. Nothing is ever read from the
//! working directory.

pub(crate) mod environment;
mod file;
pub(crate) mod shown;
pub(crate) mod typed;

use std::path::Path;

use toml::Value;

pub(crate) use self::{environment::Environment, typed::Typed};
use super::{
    flags::{BuiltIn, FLAGS, Flag, kind::Kind},
    settings::{Given, Settings, Source, StyleEntry, allow},
};
use crate::{Cpu, Scrubber, error::Error};

/// What one source sets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layer {
    given: Vec<(&'static Flag, Given)>,
    /// In the order in which they were given.
    styles: Vec<StyleEntry>,
    allow: Option<Vec<allow::Entry>>,
}

impl Layer {
    fn add(&mut self, flag: &'static Flag, value: Value, source: Source) {
        if let Kind::Styles = flag.kind {
            let texts = value.as_array().map_or(&[][..], Vec::as_slice).iter();
            let entry =
                |text: &Value| StyleEntry::new(text.as_str().unwrap_or_default(), source.clone());
            self.styles.extend(texts.map(entry));
        } else {
            self.given.push((flag, Given { value, source }));
        }
    }
}

/// Reads all sources and gives the settings in force.
///
/// # Errors
///
/// A source cannot be read, or sets something wrong; the message names the place.
pub(crate) fn resolve(typed: &Typed, environment: &Environment) -> Result<Settings, Error> {
    let mut layers = Vec::new();
    for path in environment.files(typed.config()) {
        if typed.config() == Some(&*path) || is_there(&path)? {
            layers.push(file::layer(&path)?);
        }
    }
    let reads_configuration = !layers.is_empty();
    layers.push(environment.layer());
    layers.push(typed.layer().clone());
    let mut settings = apply(layers)?;
    settings.reads_files = reads_configuration || !settings.selection.rules.is_empty();
    settings.cpu = cpu(environment)?;
    settings.fault =
        environment.get("LOGSCRUB_FAULT").filter(|_| cfg!(debug_assertions)).map(str::to_owned);
    Ok(settings)
}

/// Checks one configuration file by itself.
pub(crate) fn check(path: &Path) -> Result<(), Error> {
    let settings = apply(vec![file::layer(path)?])?;
    Scrubber::new(&settings.rules()?, &settings.policy()?).map(drop)
}

/// The level that `LOGSCRUB_CPU` forces, or the best one. It is for tests and measurements, so it
/// is not a setting.
pub(crate) fn cpu(environment: &Environment) -> Result<Cpu, Error> {
    const NAME: &str = "LOGSCRUB_CPU";
    let Some(name) = environment.get(NAME) else { return Ok(Cpu::best()) };
    let levels = Cpu::ALL.map(Cpu::name).join(", ");
    let cpu = Cpu::named(name)
        .ok_or_else(|| Error::usage(format!("{NAME}: expected one of {levels}")))?;
    cpu.required().map_err(|error| error.found_at(NAME))
}

/// A file that may exist and cannot be examined is an error: it may hold rules.
fn is_there(path: &Path) -> Result<bool, Error> {
    path.try_exists().map_err(|error| {
        Error::unreadable(path, error)
            .hint("--config none skips your own file, --config FILE reads another one")
    })
}

/// Applies the layers, the lowest first.
fn apply(layers: Vec<Layer>) -> Result<Settings, Error> {
    let mut settings = Settings::blank();
    for flag in FLAGS {
        if let (Some(value), false) = (flag.built_in.value(), is_blank(flag.built_in)) {
            flag.kind.set(&mut settings, &value)?;
        }
    }
    for layer in layers {
        for (flag, given) in layer.given {
            let set = flag.kind.set(&mut settings, &given.value);
            set.map_err(|error| given.source.place(flag.name, error))?;
            settings.given.insert(flag.name, given);
        }
        // Styles are replaced entry by entry, and later ones take precedence over earlier ones, so
        // that a glob that is typed takes precedence over an id in a file.
        for entry in layer.styles {
            settings.styles.retain(|earlier| earlier.target != entry.target);
            settings.styles.push(entry);
        }
        if let Some(allow) = layer.allow {
            settings.allow = allow;
        }
    }
    // Errors of styles and exceptions are found before any input is read.
    settings.policy()?;
    Ok(settings)
}

/// Whether a blank setting is the same as the built-in value.
fn is_blank(built_in: BuiltIn) -> bool {
    matches!(built_in, BuiltIn::EmptyList | BuiltIn::Text(""))
}

#[cfg(test)]
mod tests;
