//! The environment: the only place that reads it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use toml::Value;

use super::Layer;
use crate::{
    cli::{
        flags::{FLAGS, kind::Kind},
        settings::Source,
    },
    error::Error,
};

/// The system's configuration file.
const SYSTEM: &str = "/etc/logscrub/config.toml";

/// The variables the process was started with. Tests make their own.
pub(crate) struct Environment {
    pub(super) variables: BTreeMap<String, String>,
    pub(super) system: PathBuf,
}

impl Environment {
    /// The variables of this process.
    ///
    /// # Errors
    ///
    /// One of ours is not UTF-8: skipping it could mean to skip rules.
    #[allow(clippy::disallowed_methods)] // the one place that reads the environment
    pub(crate) fn read() -> Result<Environment, Error> {
        let mut variables = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            let is_ours =
                name.starts_with("LOGSCRUB_") || matches!(&*name, "XDG_CONFIG_HOME" | "HOME");
            match value.into_string() {
                Ok(value) if is_ours || matches!(&*name, "NO_COLOR" | "TERM") => {
                    drop(variables.insert(name, value))
                }
                Err(_) if is_ours => {
                    return Err(Error::usage(format!("{name}: the value is not UTF-8")));
                }
                _ => {}
            }
        }
        Ok(Environment { variables, system: SYSTEM.into() })
    }

    /// The value of a variable; an empty one counts as unset.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether the environment asks for no colour.
    pub(crate) fn is_plain(&self) -> bool {
        self.get("NO_COLOR").is_some() || self.get("TERM") == Some("dumb")
    }

    /// The configuration files, lowest first.
    pub(crate) fn files(&self, typed: Option<&Path>) -> Vec<PathBuf> {
        let mut files = vec![self.system.clone()];
        match typed {
            Some(path) if path == Path::new("none") => {}
            Some(path) => files.push(path.to_owned()),
            None => files.extend(self.user_file()),
        }
        files
    }

    fn user_file(&self) -> Option<PathBuf> {
        let base = self.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let base = base.or_else(|| self.get("HOME").map(|home| Path::new(home).join(".config")))?;
        base.is_absolute().then(|| base.join("logscrub/config.toml"))
    }

    /// `LOGSCRUB_ON_ERROR=drop` is `on-error = "drop"`. Other variables are ignored.
    pub(super) fn layer(&self) -> Layer {
        let mut layer = Layer::default();
        for flag in FLAGS {
            let Some(name) = flag.variable() else { continue };
            let Some(text) = self.get(&name) else { continue };
            let value = match flag.kind {
                Kind::Styles => text.split(',').map(Value::from).collect::<Vec<_>>().into(),
                kind => kind.read_variable(text),
            };
            layer.add(flag, value, Source::Variable(name));
        }
        layer
    }
}
