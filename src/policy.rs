//! What is done with a finding: a style by rule and class.

use std::fmt;

use crate::{
    error::Error,
    rules::{Allow, Allowances, Matcher, RuleSet},
};

/// How a finding is replaced. A placeholder is made of URL-unreserved characters only, and `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Style {
    /// `REDACTED-` and the rule's id.
    #[default]
    Label,
    /// As many `*` as there were characters.
    Mask,
    /// As `Mask`, with at most the last four characters kept, and never more than a quarter.
    Partial,
    /// Of an email address its local part alone, as `Label`, so that the domain can still be read;
    /// everything else as `Label`.
    KeepDomain,
    /// A text of the user's own, made by [`Style::fixed`], which checks it.
    #[non_exhaustive]
    Fixed(Box<str>),
}

impl Style {
    /// The style of that name; `fixed` takes `placeholder`.
    ///
    /// # Errors
    ///
    /// An unknown name; `fixed` without a placeholder.
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

    /// A fixed text.
    ///
    /// # Errors
    ///
    /// A text that is empty or holds anything but letters, digits, `-`, `.`, `_` and `~`: it would
    /// not be safe inside URLs, JSON, CSV and shell alike.
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

/// What becomes of a record that could not be examined. It is never passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// The record becomes one placeholder.
    #[default]
    Mask,
    /// The record is left out.
    Drop,
    /// The stream ends before it.
    Stop,
}

/// What is done where.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    default: Style,
    overrides: Vec<(String, Style)>,
    on_error: OnError,
    is_unverified: bool,
    allow: Vec<Allow>,
}

impl Policy {
    /// Every finding becomes its label, every record that cannot be examined is masked.
    #[must_use]
    pub fn new() -> Policy {
        Policy::default()
    }

    /// The style of every rule that nothing else is said of.
    #[must_use]
    pub fn style(mut self, style: Style) -> Policy {
        self.default = style;
        self
    }

    /// The style of a rule id, a class or a glob over ids. A later entry overrides an earlier one,
    /// and a rule overrides a class. [`Scrubber::new`](crate::Scrubber::new) refuses a name that no
    /// rule has.
    #[must_use]
    pub fn style_of(mut self, what: impl Into<String>, style: Style) -> Policy {
        self.overrides.push((what.into(), style));
        self
    }

    /// What becomes of a record that could not be examined.
    #[must_use]
    pub fn on_error(mut self, on_error: OnError) -> Policy {
        self.on_error = on_error;
        self
    }

    /// Whether each record that changed is re-read before it is handed on, and masked where it is
    /// no longer what it was. It is unless this says otherwise.
    #[must_use]
    pub fn verify(mut self, verify: bool) -> Policy {
        self.is_unverified = !verify;
        self
    }

    pub(crate) fn verifies(&self) -> bool {
        !self.is_unverified
    }

    /// Findings that are no secrets; may be said several times.
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
    /// An entry that names no rule of the set, or a rule's own style that does not exist.
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
