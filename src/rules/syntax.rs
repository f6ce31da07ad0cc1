//! The form of a rule file, as written: what serde sees and nothing more.
//!
//! `build.rs` includes this file too, to turn `patterns/*.toml` into JSON when the program is
//! built; so it names no other room. Unknown keys are errors. Meaning (anchors, recognisers, edges)
//! is given in [`super::load`].

use serde::{Deserialize, Serialize};

/// One file: `[[rule]]` entries.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileSyntax {
    #[serde(default)]
    pub(crate) rule: Vec<toml::Spanned<RuleSyntax>>,
}

/// One `[[rule]]` entry, key by key as `docs/RULES.md` lists them.
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

/// The words that an assign or a url rule knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KeysSyntax {
    /// assign: a value behind one of these goes unless it is plainly none (`password`, `client
    /// secret`).
    pub(crate) strong: Vec<String>,
    /// assign: a value behind one of these must itself look like a secret (`key`, `token`); url:
    /// the same of parameters.
    pub(crate) weak: Vec<String>,
    /// assign: names of services whose keys have no shape of their own. Behind one, or one and a
    /// word for a key (`acme secret`, `ACME_API`), a long value that looks like a key goes.
    pub(crate) service: Vec<String>,
    /// assign: headers whose value is a scheme and a credential (`authorization`).
    pub(crate) header: Vec<String>,
    /// assign: headers whose value is a list of `name=value` (`cookie`).
    pub(crate) cookie: Vec<String>,
    /// assign: `COMMAND FLAG` pairs whose next argument is a secret or `user:secret` (`curl -u`,
    /// `sshpass -p`).
    pub(crate) flag: Vec<String>,
    /// url: the password of `scheme://user:password@host`.
    pub(crate) userinfo: bool,
    /// url: names of query or fragment parameters whose value is secret.
    pub(crate) params: Vec<String>,
    /// url: `host/path` templates (`hooks.slack.com/services/{secret}`); `scan::url::path` lists
    /// what may stand in braces.
    pub(crate) paths: Vec<String>,
}

impl KeysSyntax {
    pub(crate) fn is_empty(&self) -> bool {
        *self == KeysSyntax::default()
    }
}

/// One embedded rule with the place it stands at, as `build.rs` hands it on.
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
