//! The policy: the style of each rule and class, and the action for records that cannot be
//! examined.

use std::fmt;

use crate::{
    error::Error,
    rules::{Allow, Allowances, Matcher, RuleSet},
};

/// How a finding is replaced. Placeholders consist of URL-unreserved characters and `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Style {
    /// `REDACTED-` followed by the id of the rule.
    #[default]
    Label,
    /// One `*` for each character.
    Mask,
    /// As `Mask`, but the last characters stay: at most four, and never more than a quarter.
    Partial,
    /// For email addresses, only the local part is replaced, as in `Label`, and the domain stays.
    /// Everything else is replaced as in `Label`.
    KeepDomain,
    /// A fixed text. [`Style::fixed`] checks and creates it.
    #[non_exhaustive]
    Fixed(Box<str>),
}

impl Style {
    /// The style with that name. `fixed` needs `placeholder`.
    ///
    /// # Errors
    ///
    /// The name is unknown, or `fixed` has no placeholder.
    pub fn named(name: &str, placeholder: Option<&str>) -> Result<Style, Error> {
        match name {
            "label" => Ok(Style::Label),
            "mask" => Ok(Style::Mask),
            "partial" => Ok(Style::Partial),
            "keep-domain" => Ok(Style::KeepDomain),
            "fixed" => match placeholder {
                Some(text) => Style::fixed(text),
                None => Err(Error::usage("style fixed: no placeholder")
                    .hint("give its text with --placeholder TEXT")),
            },
            other => Err(Error::usage(format!("unknown style {other:?}"))
                .hint("one of label, mask, partial, keep-domain, fixed")),
        }
    }

    /// A style that replaces findings by a fixed text.
    ///
    /// # Errors
    ///
    /// The text is empty, or contains characters other than letters, digits, `-`, `.`, `_` and `~`.
    /// Such a text would not be safe in URLs, JSON, CSV and shell.
    pub fn fixed(text: &str) -> Result<Style, Error> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if text.is_empty() || !text.bytes().all(unreserved) {
            return Err(Error::usage(
                "the placeholder holds characters that are not safe in every format",
            )
            .hint("use letters, digits, '-', '.', '_' and '~' only, at least one"));
        }
        Ok(Style::Fixed(text.into()))
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Style::Label => f.write_str("label"),
            Style::Mask => f.write_str("mask"),
            Style::Partial => f.write_str("partial"),
            Style::KeepDomain => f.write_str("keep-domain"),
            Style::Fixed(text) => write!(f, "fixed:{text}"),
        }
    }
}

/// What happens to a record that cannot be examined. It is never passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// A placeholder replaces the whole record.
    #[default]
    Mask,
    /// The record is removed.
    Drop,
    /// The output ends before the record.
    Stop,
}

/// What is done with findings and with records that cannot be examined.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    default: Style,
    overrides: Vec<(String, Style)>,
    on_error: OnError,
    is_unverified: bool,
    allow: Vec<Allow>,
}

impl Policy {
    /// Labels for all findings; records that cannot be examined are masked.
    #[must_use]
    pub fn new() -> Policy {
        Policy::default()
    }

    /// Sets the style of all rules that have no style of their own.
    #[must_use]
    pub fn style(mut self, style: Style) -> Policy {
        self.default = style;
        self
    }

    /// Sets the style of a rule id, a class or a glob over ids. Later entries override earlier
    /// ones, and a rule overrides a class. [`Scrubber::new`](crate::Scrubber::new) refuses names
    /// that match no rule.
    #[must_use]
    pub fn style_of(mut self, what: impl Into<String>, style: Style) -> Policy {
        self.overrides.push((what.into(), style));
        self
    }

    /// Sets what happens to a record that cannot be examined.
    #[must_use]
    pub fn on_error(mut self, on_error: OnError) -> Policy {
        self.on_error = on_error;
        self
    }

    /// Sets whether each changed record is read again before it is passed on, and masked if it is
    /// damaged. On by default.
    #[must_use]
    pub fn verify(mut self, verify: bool) -> Policy {
        self.is_unverified = !verify;
        self
    }

    pub(crate) fn verifies(&self) -> bool {
        !self.is_unverified
    }

    /// Adds findings to ignore.
    #[must_use]
    pub fn allow(mut self, allow: Allow) -> Policy {
        self.allow.push(allow);
        self
    }

    pub(crate) fn allowances(&self, rules: &RuleSet) -> Result<Allowances, Error> {
        Allowances::new(&self.allow, rules)
    }

    pub(crate) fn error_action(&self) -> OnError {
        self.on_error
    }

    /// The style of each rule of the set, by its number.
    ///
    /// # Errors
    ///
    /// An entry matches no rule of the set, or a rule file names a style that does not exist.
    pub(crate) fn styles(&self, rules: &RuleSet) -> Result<Vec<Style>, Error> {
        let mut overrides = Vec::with_capacity(self.overrides.len());
        for (what, style) in &self.overrides {
            let matcher = Matcher::new(what).ok_or_else(|| {
                Error::usage(format!("style of {what:?}: not an id, a class or a glob"))
            })?;
            if !rules.knows(&matcher) {
                return Err(Error::usage(format!("style of {what:?}: names no rule and no class"))
                    .hint("use a rule's id, a glob over ids, or a class, as in Class::ALL"));
            }
            overrides.push((matcher, style));
        }
        rules
            .rules()
            .iter()
            .map(|rule| {
                let said = |of_class: bool| {
                    overrides
                        .iter()
                        .rev()
                        .find(|(matcher, _)| matcher.is_class() == of_class && matcher.takes(rule))
                };
                if let Some((_, style)) = said(false).or_else(|| said(true)) {
                    return Ok((*style).clone());
                }
                match &rule.style {
                    None => Ok(self.default.clone()),
                    Some(name) => Style::named(name, None)
                        .map_err(|error| Error::at(&rule.origin.file, rule.origin.line, error)),
                }
            })
            .collect()
    }
}
