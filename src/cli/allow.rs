//! `allow` and `own-domain`: what a configuration says is no secret, as the policy takes it.

use serde::Deserialize;

use crate::{
    error::Error,
    rules::{Allow, Class, RuleSet},
};

/// One `[[allow]]` of a configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Entry {
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    patterns: Vec<String>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    rules: Vec<String>,
}

impl Entry {
    /// The same as the policy takes it.
    ///
    /// # Errors
    ///
    /// A pattern, a glob or a rule's name that is none; an entry that says nothing of what may
    /// stand.
    pub(super) fn meaning(&self) -> Result<Allow, Error> {
        if self.values.is_empty() && self.patterns.is_empty() && self.fields.is_empty() {
            let error = Error::usage("an entry with neither values, patterns nor fields");
            return Err(
                error.hint("name what may stand, or leave a rule out as a whole with `except`")
            );
        }
        let mut allow = self.values.iter().fold(Allow::new(), Allow::value);
        for pattern in &self.patterns {
            allow = allow.pattern(pattern)?;
        }
        for field in &self.fields {
            allow = allow.field(field)?;
        }
        for rule in &self.rules {
            allow = allow.rule(rule)?;
        }
        Ok(allow)
    }

    /// A name among `rules` that is none of `all`.
    pub(super) fn unknown_rule(&self, all: &RuleSet) -> Option<&str> {
        self.rules.iter().map(String::as_str).find(|name| !super::settings::names_any(name, all))
    }
}

/// Addresses at domains of one's own.
///
/// # Errors
///
/// Something that is no domain.
pub(super) fn own(domains: &[String]) -> Result<Option<Allow>, Error> {
    if domains.is_empty() {
        return Ok(None);
    }
    let allow = Allow::new().rule(Class::Email.name())?;
    domains.iter().try_fold(allow, |allow, domain| allow.domain(domain)).map(Some)
}
