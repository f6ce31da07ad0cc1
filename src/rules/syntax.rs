//! The syntax of a rule file, as serde reads it.
//!
//! `build.rs` includes this file to convert `patterns/*.toml` to JSON at build time, so it must not
//! use other modules. Unknown keys are errors. [`super::load`] gives the entries their meaning
//! (anchors, detectors, boundaries).

use serde::{Deserialize, Serialize};

/// One file: `[[rule]]` entries.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileSyntax {
    #[serde(default)]
    pub(crate) rule: Vec<toml::Spanned<RuleSyntax>>,
}

/// One `[[rule]]` entry. `docs/RULES.md` describes the keys.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleSyntax {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) class: String,
    pub(crate) severity: String,
    pub(crate) about: String,
    #[serde(default)]
    pub(crate) links: Vec<String>,
    #[serde(default)]
    pub(crate) anchors: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pattern: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) near: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) validator: Option<String>,
    #[serde(default)]
    pub(crate) hit: Vec<String>,
    #[serde(default)]
    pub(crate) miss: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) recogniser: Option<String>,
    #[serde(default, skip_serializing_if = "KeysSyntax::is_empty")]
    pub(crate) keys: KeysSyntax,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) edges: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) style: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) allow: Vec<String>,
}

/// The words of a key–value or URL rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KeysSyntax {
    /// assign: a value after one of these is redacted unless it is clearly not a secret
    /// (`password`, `client secret`).
    pub(crate) strong: Vec<String>,
    /// assign: a value after one of these is redacted only if it looks like a secret itself (`key`,
    /// `token`). url: the same for parameters.
    pub(crate) weak: Vec<String>,
    /// assign: names of services whose keys have no shape of their own. After one of them, or one
    /// with a word for a key (`acme secret`, `ACME_API`), a long value that looks like a key is
    /// redacted.
    pub(crate) service: Vec<String>,
    /// assign: headers with a scheme and a credential as value (`authorization`).
    pub(crate) header: Vec<String>,
    /// assign: headers with a list of `name=value` as value (`cookie`).
    pub(crate) cookie: Vec<String>,
    /// assign: pairs `COMMAND FLAG` whose next argument is a secret or `user:secret` (`curl -u`,
    /// `sshpass -p`).
    pub(crate) flag: Vec<String>,
    /// url: the password of `scheme://user:password@host`.
    pub(crate) userinfo: bool,
    /// url: names of query or fragment parameters with secret values.
    pub(crate) params: Vec<String>,
    /// url: templates `host/path` (`hooks.slack.com/services/{secret}`). `detect::url::path` lists
    /// the names allowed in braces.
    pub(crate) paths: Vec<String>,
}

impl KeysSyntax {
    pub(crate) fn is_empty(&self) -> bool {
        *self == KeysSyntax::default()
    }
}

/// An embedded rule and its origin, as `build.rs` passes it on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Embedded {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) rule: RuleSyntax,
}

/// The line (from 1) of byte `offset` in `text`.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() + 1
}
