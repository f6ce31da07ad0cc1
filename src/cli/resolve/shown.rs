//! The settings in force as `config show` lists them.

use toml::Value;

use crate::cli::{
    flags::{Effect, FLAGS, kind::Kind},
    settings::{DEFAULT, Settings, Source, StyleEntry},
};

/// A line of `config show`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown {
    pub(crate) key: String,
    pub(crate) value: Value,
    pub(crate) source: Source,
    pub(crate) effect: Effect,
}

/// Every key with its value; styles one by one, since each may come from another source.
pub(crate) fn all(settings: &Settings) -> Vec<Shown> {
    let mut lines = Vec::new();
    for flag in FLAGS.iter().filter(|flag| flag.has_key()) {
        let built_in = flag.built_in.value().unwrap_or_else(|| "".into());
        let mut show = |key: String, value: Value, source: &Source| {
            lines.push(Shown { key, value, source: source.clone(), effect: flag.effect });
        };
        if let Kind::Styles = flag.kind {
            if let Some((style, source)) = default_style(settings, built_in) {
                show(style_key(DEFAULT), style, source);
            }
            for StyleEntry { target, style, source } in &settings.styles {
                show(style_key(target), style.as_str().into(), source);
            }
            continue;
        }
        match settings.given.get(flag.name) {
            Some(given) => show(flag.name.to_owned(), given.value.clone(), &given.source),
            None => show(flag.name.to_owned(), built_in, &Source::BuiltIn),
        }
    }
    lines
}

/// The style of what has no entry, if no entry sets it.
fn default_style(settings: &Settings, built_in: Value) -> Option<(Value, &Source)> {
    if settings.styles.iter().any(|entry| entry.target == DEFAULT) {
        return None;
    }
    match &settings.placeholder {
        Some(_) => Some(("fixed".into(), settings.source("placeholder"))),
        None => Some((built_in, &Source::BuiltIn)),
    }
}

/// The entry's key as TOML writes it: a glob is quoted.
fn style_key(target: &str) -> String {
    let is_bare = target.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { format!("style.{target}") } else { format!("style.{target:?}") }
}
