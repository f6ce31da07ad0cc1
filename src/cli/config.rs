//! `logscrub config show|check|path`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;
use toml::Value;

use super::{
    form::{Form, Json},
    mask::masked,
    resolve::shown::{self, Shown},
    settings::Settings,
    terminal::Out,
};
use crate::error::Error;

const SHOW_EXAMPLES: &str = "\
Examples:
  logscrub config show                     every setting and where it was set
  logscrub --on-error drop config show     with the flags of the filter, before the verb
  LOGSCRUB_GRACE=2 logscrub config show --json";

const CHECK_EXAMPLES: &str = "\
Examples:
  logscrub config check /etc/logscrub/config.toml";

const PATH_EXAMPLES: &str = "\
Examples:
  logscrub config path                     the files, the one that takes precedence last";

/// What to do with the configuration.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Config {
    /// Print the settings in force and where each was set
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        #[command(flatten)]
        json: Json,
    },
    /// Check a configuration file; exit code 2 if it is wrong
    #[command(after_help = CHECK_EXAMPLES)]
    Check {
        /// The configuration file
        file: PathBuf,
    },
    /// Print the configuration files, the one that takes precedence last
    #[command(after_help = PATH_EXAMPLES)]
    Path,
}

pub(super) fn show(settings: &Settings, form: Form, out: &mut Out) -> Result<u8, Error> {
    let all = shown::all(settings);
    match form {
        Form::Json => out.text(&format!("{}\n", as_json(&all))),
        Form::Text => out.text(&all.iter().map(as_line).collect::<String>()),
    }
}

fn as_json(all: &[Shown]) -> serde_json::Value {
    let entries = all.iter().map(|Shown { key, value, source, .. }| {
        let value = serde_json::to_value(masked_value(value)).expect("settings are plain data");
        (masked(key), json!({ "value": value, "source": masked(&source.to_string()) }))
    });
    serde_json::Value::from(entries.collect::<serde_json::Map<_, _>>())
}

fn as_line(shown: &Shown) -> String {
    let Shown { key, value, source, .. } = shown;
    format!("{} = {}  # {}\n", masked(key), masked_value(value), masked(&source.to_string()))
}

/// A value without what the rules find in its texts.
fn masked_value(value: &Value) -> Value {
    match value {
        Value::String(text) => masked(text).into(),
        Value::Array(items) => items.iter().map(masked_value).collect::<Vec<_>>().into(),
        Value::Table(table) => {
            let entries = table.iter().map(|(key, item)| (masked(key), masked_value(item)));
            entries.collect::<toml::Table>().into()
        }
        other => other.clone(),
    }
}

/// Prints the configuration files, lowest first.
pub(super) fn paths(files: &[PathBuf], out: &mut Out) -> Result<u8, Error> {
    let mut text = String::new();
    for path in files {
        let note = match path.try_exists() {
            Ok(true) => "",
            Ok(false) => "  (does not exist)",
            Err(_) => "  (cannot be read)",
        };
        text.push_str(&format!("{}{note}\n", masked(&path.display().to_string())));
    }
    out.text(&text)
}
