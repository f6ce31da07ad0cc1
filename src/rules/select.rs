//! Selects rules: `--only`, `--except`, `--also`.

use std::{collections::HashMap, path::PathBuf};

use globset::{Glob, GlobMatcher};

use super::{Class, Rule, RuleSet, builtin, load};
use crate::error::Error;

/// Rule files, and the rules selected from them.
///
/// Each entry of `only`, `except` and `also` is a rule id, a class or a glob over ids. Rules of the
/// class `personal` are off unless `also` or `only` names them.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Users' rule files and folders, in addition to the embedded rules.
    pub rules: Vec<PathBuf>,
    /// If not empty, only these rules are selected.
    pub only: Vec<String>,
    /// Rules that are not selected.
    pub except: Vec<String>,
    /// Additional rules that are off by default.
    pub also: Vec<String>,
}

impl Selection {
    /// Loads and selects the rules.
    ///
    /// # Errors
    ///
    /// A file cannot be read or parsed, two rules have the same id, or an entry matches no rule.
    pub fn load(&self) -> Result<RuleSet, Error> {
        let mut rules = builtin::rules();
        for path in &self.rules {
            rules.extend(load::path(path)?);
        }
        check_unique(&rules)?;
        let only = matchers("--only", &self.only, &rules)?;
        let except = matchers("--except", &self.except, &rules)?;
        let also = matchers("--also", &self.also, &rules)?;
        let (rules, others): (Vec<Rule>, Vec<Rule>) = rules.into_iter().partition(|rule| {
            let is_default = only.is_empty() && rule.class != Class::Personal;
            (is_default || any_takes(&only, rule) || any_takes(&also, rule))
                && !any_takes(&except, rule)
        });
        if rules.is_empty() {
            return Err(Error::usage("no rule is left to search with")
                .hint("--only and --except exclude every rule"));
        }
        Ok(RuleSet::new(rules).with_others(others.into_iter().map(|rule| rule.id)))
    }
}

fn any_takes(matchers: &[Matcher], rule: &Rule) -> bool {
    matchers.iter().any(|matcher| matcher.takes(rule))
}

/// One entry of a selection list.
#[derive(Clone, Debug)]
pub(crate) enum Matcher {
    Class(Class),
    Id(GlobMatcher),
}

impl Matcher {
    pub(crate) fn new(text: &str) -> Option<Matcher> {
        match Class::named(text) {
            Some(class) => Some(Matcher::Class(class)),
            None => Glob::new(text).ok().map(|glob| Matcher::Id(glob.compile_matcher())),
        }
    }

    pub(crate) fn is_class(&self) -> bool {
        matches!(self, Matcher::Class(_))
    }

    pub(crate) fn takes(&self, rule: &Rule) -> bool {
        match self {
            Matcher::Class(class) => rule.class == *class,
            Matcher::Id(glob) => glob.is_match(&rule.id),
        }
    }

    /// Whether it matches a rule with this id, by its id.
    pub(crate) fn takes_id(&self, id: &str) -> bool {
        matches!(self, Matcher::Id(glob) if glob.is_match(id))
    }

    /// The entry as the user wrote it.
    pub(crate) fn text(&self) -> &str {
        match self {
            Matcher::Class(class) => class.name(),
            Matcher::Id(glob) => glob.glob().glob(),
        }
    }
}

/// Every entry must match a rule. Otherwise a misspelt `--except` would go unnoticed.
fn matchers(flag: &str, entries: &[String], rules: &[Rule]) -> Result<Vec<Matcher>, Error> {
    let mut matchers = Vec::with_capacity(entries.len());
    for entry in entries {
        let matcher = Matcher::new(entry)
            .ok_or_else(|| Error::usage(format!("{flag} {entry}: not an id, a class or a glob")))?;
        if matches!(matcher, Matcher::Id(_)) && !rules.iter().any(|rule| matcher.takes(rule)) {
            return Err(Error::usage(format!("{flag} {entry}: names no rule")).hint(
                "`logscrub rules list` shows ids and classes; globs go over ids, as in 'github-*'",
            ));
        }
        matchers.push(matcher);
    }
    Ok(matchers)
}

pub(super) fn check_unique(rules: &[Rule]) -> Result<(), Error> {
    let mut seen: HashMap<&str, &Rule> = HashMap::with_capacity(rules.len());
    for rule in rules {
        if let Some(first) = seen.insert(&rule.id, rule) {
            let place = format!("{}:{}", first.origin.file, first.origin.line);
            return Err(Error::at(
                &rule.origin.file,
                rule.origin.line,
                format!("rule {:?}: a rule of this id stands in {place}", rule.id),
            )
            .hint(
                "give it an id of its own; --except takes the other one out of force, not its name",
            ));
        }
    }
    if rules.len() > usize::from(u16::MAX) {
        return Err(Error::usage(format!(
            "{} rules are more than the {} that fit",
            rules.len(),
            u16::MAX
        )));
    }
    Ok(())
}
