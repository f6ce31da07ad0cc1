//! The flags of the filter and the settings behind them, each declared once.
//!
//! A [`Flag`] carries the name, the help, the configuration key, the environment variable, the
//! built-in value and the meaning of one setting. Everything else is derived from
//! [`definitions::FLAGS`]: the parser, completions and the manual page, the readers of files and of
//! the environment, `config show`, and the table of `docs/CONFIG.md`. To add a flag, add one
//! declaration there; if it sets something new, give [`Settings`](super::settings::Settings) a
//! field.
//!
//! Flags of one verb that are no settings (`batch --include`) are declared in the file of the verb.

pub(crate) mod definitions;
pub(crate) mod kind;
mod parser;
#[cfg(test)]
mod table;

use toml::Value;

use self::kind::Kind;
pub(crate) use self::{definitions::FLAGS, parser::arguments};

/// One flag, its configuration key and its environment variable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag {
    /// `on-error`: the flag `--on-error`, the key `on-error`, the variable `LOGSCRUB_ON_ERROR`.
    pub(crate) name: &'static str,
    /// `-j` beside `--threads`.
    pub(crate) short: Option<char>,
    /// How help calls the value; nothing for a flag without one.
    pub(crate) value_name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) built_in: BuiltIn,
    pub(crate) sources: Sources,
    pub(crate) verbs: Verbs,
    pub(crate) effect: Effect,
    /// The heading in help under which it is listed.
    pub(crate) heading: &'static str,
    /// The first paragraph is the short help; both paragraphs are the long one.
    pub(crate) help: &'static str,
}

/// The value in force if no source sets one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BuiltIn {
    Text(&'static str),
    Switch(bool),
    Number(i64),
    EmptyList,
    /// A flag alone, which is not typed.
    Nothing,
}

/// Where a setting can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sources {
    /// As a flag, as a variable and in a configuration file.
    Everywhere,
    /// In a configuration file alone: it is too large for a flag.
    FileOnly,
    /// As a flag alone. The reason is part of the declaration.
    FlagOnly {
        /// Why there is neither a key nor a variable.
        #[cfg_attr(not(test), allow(dead_code))]
        reason: &'static str,
    },
}

/// Which verbs take the flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verbs {
    /// The filter and all verbs; it may be typed before the verb or after it.
    Every,
    /// The filter, and the verbs named.
    FilterAnd(&'static [&'static str]),
    /// The verb named.
    Only(&'static str),
}

/// Whether the setting decides which bytes are written. `batch` does files again when one of those
/// has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Output,
    Other,
}

impl Flag {
    /// What most declarations have in common.
    const BASE: Flag = Flag {
        name: "",
        short: None,
        value_name: "",
        kind: Kind::Nothing,
        built_in: BuiltIn::Nothing,
        sources: Sources::Everywhere,
        verbs: Verbs::Every,
        effect: Effect::Output,
        heading: "",
        help: "",
    };

    /// The flag of that name; there is one, since names come from the declarations.
    pub(crate) fn named(name: &str) -> Option<&'static Flag> {
        FLAGS.iter().find(|flag| flag.name == name)
    }

    /// Whether a configuration file can set it.
    pub(crate) fn has_key(&self) -> bool {
        !matches!(self.sources, Sources::FlagOnly { .. })
    }

    /// `LOGSCRUB_ON_ERROR`, if it can be set by a variable.
    pub(crate) fn variable(&self) -> Option<String> {
        (self.sources == Sources::Everywhere)
            .then(|| format!("LOGSCRUB_{}", self.name.to_uppercase().replace('-', "_")))
    }
}

impl BuiltIn {
    /// The same as a value; `None` for a flag alone.
    pub(crate) fn value(self) -> Option<Value> {
        match self {
            BuiltIn::Text(text) => Some(text.into()),
            BuiltIn::Switch(is_on) => Some(is_on.into()),
            BuiltIn::Number(number) => Some(number.into()),
            BuiltIn::EmptyList => Some(Value::Array(Vec::new())),
            BuiltIn::Nothing => None,
        }
    }
}

/// The configuration key nearest to a misspelt one.
pub(crate) fn nearest_key(misspelt: &str) -> Option<&'static str> {
    let keys = FLAGS.iter().filter(|flag| flag.has_key()).map(|flag| flag.name);
    let nearest = keys.map(|key| (strsim::damerau_levenshtein(misspelt, key), key)).min()?;
    (nearest.0 <= 3).then_some(nearest.1)
}
