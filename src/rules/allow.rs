//! Allowances: values that the user declares not to be secrets, by exact value, pattern, field name
//! or email domain.
//!
//! An [`Allow`] removes the finding of one rule. If another rule claims the same bytes, that
//! finding stays.

use std::collections::HashSet;

use globset::{Glob, GlobMatcher};

use super::{Matcher, Recogniser, Rule, RuleId, RuleSet, pattern::Pattern};
use crate::error::Error;

/// Findings to ignore. All conditions must hold together: value (or pattern), field *and* rule. A
/// condition that is not set does not matter.
#[derive(Clone, Default)]
pub struct Allow {
    values: HashSet<Box<[u8]>>,
    patterns: Vec<Pattern>,
    domains: Vec<Box<[u8]>>,
    fields: Vec<GlobMatcher>,
    rules: Vec<Matcher>,
}

impl Allow {
    /// An allowance without conditions. [`Policy::allow`](crate::Policy::allow) refuses it until
    /// one is set.
    #[must_use]
    pub fn new() -> Allow {
        Allow::default()
    }

    /// Allows addresses at `domain` and its subdomains: `corp.example` and `mail.corp.example`, but
    /// not `notcorp.example`.
    ///
    /// # Errors
    ///
    /// `domain` contains a character that no domain name has.
    pub fn domain(mut self, domain: &str) -> Result<Allow, Error> {
        let bare = domain.strip_prefix('@').unwrap_or(domain).trim_end_matches('.');
        let is_domain =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte) || byte >= 0x80;
        if bare.is_empty() || bare.starts_with('.') || !bare.bytes().all(is_domain) {
            return Err(Error::usage(format!("{domain:?} is no domain")).hint("as in corp.example"));
        }
        self.domains.push(bare.to_lowercase().into_bytes().into());
        Ok(self)
    }

    /// Allows exactly this value, as it is written in the log.
    #[must_use]
    pub fn value(mut self, value: impl AsRef<[u8]>) -> Allow {
        self.values.insert(value.as_ref().into());
        self
    }

    /// Allows values that match `pattern` as a whole. The syntax is that of rules.
    ///
    /// # Errors
    ///
    /// The pattern does not compile.
    pub fn pattern(mut self, pattern: &str) -> Result<Allow, Error> {
        let pattern = Pattern::new(pattern);
        pattern.check().map_err(|message| {
            Error::usage(format!("pattern {:?}: {message}", pattern.source()))
        })?;
        self.patterns.push(pattern);
        Ok(self)
    }

    /// Allows values of fields with this name: a glob that ignores case. The name is the text
    /// before the value's `=` or `:`.
    ///
    /// # Errors
    ///
    /// The glob is invalid.
    pub fn field(mut self, name: &str) -> Result<Allow, Error> {
        let glob = Glob::new(&name.to_lowercase())
            .map_err(|error| Error::usage(format!("field {name:?}: {error}")))?;
        self.fields.push(glob.compile_matcher());
        Ok(self)
    }

    /// Allows findings of this rule: an id, a class or a glob over ids.
    ///
    /// # Errors
    ///
    /// The glob is invalid.
    pub fn rule(mut self, rule: &str) -> Result<Allow, Error> {
        let matcher = Matcher::new(rule)
            .ok_or_else(|| Error::usage(format!("rule {rule:?}: not an id, a class or a glob")))?;
        self.rules.push(matcher);
        Ok(self)
    }

    /// Whether it sets no condition on the value or field. To ignore a whole rule, `--except` is
    /// the right flag.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
            && self.patterns.is_empty()
            && self.domains.is_empty()
            && self.fields.is_empty()
    }

    fn takes_value(&self, value: &[u8]) -> bool {
        let is_any = self.values.is_empty() && self.patterns.is_empty() && self.domains.is_empty();
        is_any
            || self.values.contains(value)
            || self.domains.iter().any(|domain| is_at(value, domain))
            || self.patterns.iter().any(|pattern| pattern.is_whole(value))
    }

    fn takes_field(&self, field: Option<&[u8]>) -> bool {
        if self.fields.is_empty() {
            return true;
        }
        let Some(Ok(name)) = field.map(|name| std::str::from_utf8(name).map(str::to_lowercase))
        else {
            return false;
        };
        self.fields.iter().any(|glob| glob.is_match(&name))
    }

    /// Whether the findings of `rule` can be allowed. Without a condition on the rule, a domain
    /// allows findings of email rules only.
    fn takes_rule(&self, rule: &Rule) -> bool {
        if !self.rules.is_empty() {
            return self.rules.iter().any(|matcher| matcher.takes(rule));
        }
        self.domains.is_empty() || matches!(rule.recogniser, Recogniser::Email)
    }
}

impl std::fmt::Debug for Allow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let n_values = self.values.len() + self.patterns.len() + self.domains.len();
        write!(
            f,
            "Allow({n_values} values, {} fields, {} rules)",
            self.fields.len(),
            self.rules.len()
        )
    }
}

/// Whether the address `value` is at `domain` (given in lower case) or at a subdomain.
fn is_at(value: &[u8], domain: &[u8]) -> bool {
    let Some(start) = value.len().checked_sub(domain.len()) else { return false };
    let (before, end) = value.split_at(start);
    let ends = [&b"@"[..], b".", b"%40", br"\u0040"].iter().any(|mark| before.ends_with(mark));
    ends && end.to_ascii_lowercase() == domain
}

/// The allowances in force, indexed by rule.
#[derive(Debug, Default)]
pub(crate) struct Allowances {
    allows: Vec<Allow>,
    /// For each rule, by its number, the allowances that apply to it.
    by_rule: Vec<Vec<usize>>,
}

impl Allowances {
    /// # Errors
    ///
    /// An allowance has no condition on value or field, or names no rule of the set.
    pub(crate) fn new(allows: &[Allow], rules: &RuleSet) -> Result<Allowances, Error> {
        for allow in allows {
            if allow.is_empty() {
                return Err(Error::usage("allow: neither values, patterns, domains nor fields")
                    .hint("a rule is left out as a whole with --except"));
            }
            if let Some(unknown) = allow.rules.iter().find(|matcher| !rules.knows(matcher)) {
                return Err(Error::usage(format!(
                    "allow: rule {:?}: names no rule and no class",
                    unknown.text()
                ))
                .hint("use a rule's id, a glob over ids, or a class"));
            }
        }
        let by_rule = rules.rules().iter().map(|rule| {
            (0..allows.len()).filter(|index| allows[*index].takes_rule(rule)).collect()
        });
        Ok(Allowances { allows: allows.to_vec(), by_rule: by_rule.collect() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.allows.is_empty()
    }

    /// Whether an allowance covers this finding of `rule`. `field` is only called if an allowance
    /// depends on the field.
    pub(crate) fn take<'h>(
        &self,
        rule: RuleId,
        value: &[u8],
        mut field: impl FnMut() -> Option<&'h [u8]>,
    ) -> bool {
        self.by_rule[rule.index()].iter().map(|index| &self.allows[*index]).any(|allow| {
            allow.takes_value(value) && (allow.fields.is_empty() || allow.takes_field(field()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_itself_and_what_stands_below_it() {
        for value in
            ["a@corp.example", "a@Mail.CORP.example", "a%40corp.example", r"a\u0040corp.example"]
        {
            assert!(is_at(value.as_bytes(), b"corp.example"), "{value}");
        }
        for value in
            ["a@notcorp.example", "corp.example", "a@corp.example.com", "a@corp.exampl", ""]
        {
            assert!(!is_at(value.as_bytes(), b"corp.example"), "{value}");
        }
        assert!(Allow::new().domain("@corp.example.").is_ok());
        for domain in ["", "a b", "@", ".example", "a@b.example"] {
            assert!(Allow::new().domain(domain).is_err(), "{domain:?}");
        }
    }

    #[test]
    fn what_is_said_together_holds_together() {
        let rules = RuleSet::embedded();
        let allow = Allow::new()
            .value("hunter2")
            .pattern("acme_[0-9]+")
            .and_then(|allow| allow.field("Test_*"));
        let allow =
            allow.and_then(|allow| allow.rule("password")).expect("all of it is well-formed");
        let allowances = Allowances::new(&[allow], &rules).expect("it says something");
        let id = |name: &str| {
            rules
                .iter()
                .find(|(_, rule)| rule.id() == name)
                .map(|(id, _)| id)
                .expect("the rule is there")
        };
        let takes = |rule: &str, value: &str, field: Option<&'static str>| {
            allowances.take(id(rule), value.as_bytes(), || field.map(str::as_bytes))
        };
        assert!(
            takes("password", "hunter2", Some("test_PW"))
                && takes("password", "acme_77", Some("test_pw"))
        );
        assert!(!takes("password", "hunter2", None) && !takes("password", "hunter2", Some("pw")));
        assert!(
            !takes("password", "hunter22", Some("test_pw"))
                && !takes("password", "acme_77x", Some("test_pw"))
        );
        assert!(!takes("email", "hunter2", Some("test_pw")));
    }

    #[test]
    fn an_allowance_without_a_value_or_a_field_is_refused() {
        let allow = Allow::new().rule("email").expect("a class");
        assert!(Allowances::new(&[allow], &RuleSet::embedded()).is_err());
    }
}
