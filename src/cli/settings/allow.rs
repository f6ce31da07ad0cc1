//! `allow` and `own-domain`: exceptions from redaction, as a configuration file writes them.

use serde::Deserialize;

use crate::{
    error::Error,
    rules::{Allow, Class, RuleSet},
};

/// One `[[allow]]` table of a configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Entry {
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
    /// A pattern, a glob or a rule name is invalid, or the entry allows nothing.
    pub(crate) fn resolve(&self) -> Result<Allow, Error> {
        if self.values.is_empty() && self.patterns.is_empty() && self.fields.is_empty() {
            let error = Error::usage("an entry has neither values, patterns nor fields");
            return Err(error.hint("add one of them; to turn a whole rule off, use `except`"));
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

    /// The first name of this entry that names no rule.
    pub(crate) fn unknown_rule(&self, all: &RuleSet) -> Option<&str> {
        self.rules.iter().map(String::as_str).find(|name| !super::names_any(name, all))
    }
}

/// Allows email addresses at these domains and their subdomains.
///
/// # Errors
///
/// One of them is not a domain.
pub(crate) fn own_domains(domains: &[String]) -> Result<Option<Allow>, Error> {
    if domains.is_empty() {
        return Ok(None);
    }
    let allow = Allow::new().rule(Class::Email.name())?;
    domains.iter().try_fold(allow, |allow, domain| allow.domain(domain)).map(Some)
}
