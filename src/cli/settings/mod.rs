//! What is in force: one resolved value for every flag, key and variable.
//!
//! [`super::resolve`] makes it out of the sources. Verbs read it and see neither clap nor the
//! environment.

pub(crate) mod allow;
#[cfg(feature = "msgpack")]
mod chunk;

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use toml::Value;

use crate::{
    Cpu, MAX_RECORD,
    error::Error,
    frame::Format,
    policy::{OnError, Policy, Style},
    rules::{Class, Matcher, RuleSet, Selection},
    scrub::Scrubber,
};

/// The entry of `style` for everything that has no entry of its own.
pub(crate) const DEFAULT: &str = "default";

/// When the summary is printed, and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Summary {
    Auto,
    Human,
    Json,
    None,
}

/// When colour is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// Where a setting was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    BuiltIn,
    Flag(&'static str),
    Variable(String),
    File { path: String, line: usize },
}

/// A value with its source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Given {
    pub(crate) value: Value,
    pub(crate) source: Source,
}

/// The style of a rule, of a class, of a glob over ids or, as [`DEFAULT`], of everything else.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StyleEntry {
    pub(crate) target: String,
    pub(crate) style: String,
    pub(crate) source: Source,
}

/// Everything that is in force.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) selection: Selection,
    pub(crate) allow: Vec<allow::Entry>,
    pub(crate) own_domains: Vec<String>,
    /// In the order in which they were given: later ones take precedence.
    pub(crate) styles: Vec<StyleEntry>,
    pub(crate) placeholder: Option<String>,
    pub(crate) format: Format,
    pub(crate) hold: Duration,
    pub(crate) verify: bool,
    pub(crate) max_record: usize,
    pub(crate) on_error: OnError,
    pub(crate) dry_run: bool,
    /// 0: the filter chooses.
    pub(crate) threads: usize,
    pub(crate) output: Option<PathBuf>,
    pub(crate) summary: Summary,
    pub(crate) fail_on_findings: bool,
    pub(crate) grace: Duration,
    /// How long a connection of `forward` may be idle; 0: for ever.
    pub(crate) idle_timeout: Duration,
    pub(crate) color: Color,
    pub(crate) quiet: u8,
    pub(crate) verbose: bool,
    /// What the prefilter may use of the CPU.
    pub(crate) cpu: Cpu,
    /// Whether rules or configuration came from files, which can be reloaded.
    pub(crate) reads_files: bool,
    /// A marker that makes a record fail, in builds with debug assertions.
    pub(crate) fault: Option<String>,
    /// The settings that were given, by key.
    pub(crate) given: BTreeMap<&'static str, Given>,
}

impl Settings {
    /// Values to start from. Each is replaced by the built-in value of its flag.
    pub(crate) fn blank() -> Settings {
        Settings {
            selection: Selection::default(),
            allow: Vec::new(),
            own_domains: Vec::new(),
            styles: Vec::new(),
            placeholder: None,
            format: Format::Auto,
            hold: Duration::ZERO,
            verify: true,
            max_record: MAX_RECORD,
            on_error: OnError::Mask,
            dry_run: false,
            threads: 0,
            output: None,
            summary: Summary::Auto,
            fail_on_findings: false,
            grace: Duration::ZERO,
            idle_timeout: Duration::ZERO,
            color: Color::Auto,
            quiet: 0,
            verbose: false,
            cpu: Cpu::best(),
            reads_files: false,
            fault: None,
            given: BTreeMap::new(),
        }
    }

    /// The rules in force.
    ///
    /// # Errors
    ///
    /// A rule file is wrong, or a selection, a style or an exception names an unknown rule.
    pub(crate) fn rules(&self) -> Result<RuleSet, Error> {
        let rules = self.selection.load().map_err(|error| self.at_selection(error))?;
        for entry in self.styles.iter().filter(|entry| entry.target != DEFAULT) {
            if !names_any(&entry.target, &rules) {
                let place = format!("{}: style of", entry.source);
                return Err(unknown_rule(&place, &entry.target, &rules));
            }
        }
        if let Some(name) = self.allow.iter().find_map(|entry| entry.unknown_rule(&rules)) {
            let place = format!("{}: allow: rule", self.source("allow"));
            return Err(unknown_rule(&place, name, &rules));
        }
        Ok(rules)
    }

    /// What is done with findings.
    ///
    /// # Errors
    ///
    /// A style, a placeholder or an exception that does not exist or cannot be used.
    pub(crate) fn policy(&self) -> Result<Policy, Error> {
        let mut policy = Policy::new().on_error(self.on_error).verify(self.verify);
        if let Some(text) = &self.placeholder {
            // A placeholder replaces everything that has no style of its own.
            let style = Style::fixed(text).map_err(|error| self.at_key("placeholder", error))?;
            policy = policy.style(style);
        }
        for StyleEntry { target, style, source } in &self.styles {
            let style = Style::named(style, self.placeholder.as_deref())
                .map_err(|error| error.found_at(source))?;
            policy = if target == DEFAULT {
                policy.style(style)
            } else {
                policy.style_of(target, style)
            };
        }
        for entry in &self.allow {
            policy = policy.allow(entry.resolve().map_err(|error| self.at_key("allow", error))?);
        }
        let own = allow::own_domains(&self.own_domains);
        if let Some(own) = own.map_err(|error| self.at_key("own-domain", error))? {
            policy = policy.allow(own);
        }
        Ok(policy)
    }

    /// The scrubber of text that the settings ask for.
    pub(crate) fn scrubber(&self) -> Result<Scrubber, Error> {
        let mut scrubber =
            Scrubber::for_cpu(&self.rules()?, &self.policy()?, self.cpu)?.with_format(self.format);
        if let Some(marker) = &self.fault {
            scrubber.fail_on(marker.as_bytes());
        }
        Ok(scrubber)
    }

    /// The same with more rule files.
    pub(crate) fn with_rules(&self, files: &[PathBuf]) -> Settings {
        let mut settings = self.clone();
        settings.selection.rules.extend(files.iter().cloned());
        settings
    }

    /// Where the setting of that key was given.
    pub(crate) fn source(&self, key: &str) -> &Source {
        self.given.get(key).map_or(&Source::BuiltIn, |given| &given.source)
    }

    fn at_key(&self, key: &str, error: Error) -> Error {
        self.source(key).place(key, error)
    }

    /// An error of the selection begins with the flag, as in `--only x: names no rule`. If the list
    /// was given elsewhere, its source replaces the flag.
    fn at_selection(&self, error: Error) -> Error {
        let message = error.to_string();
        for key in ["only", "except", "also"] {
            let Some(rest) = message.strip_prefix(&format!("--{key} ")) else { continue };
            let source = self.source(key);
            if matches!(source, Source::Flag(_) | Source::BuiltIn) {
                return error;
            }
            let moved = Error::usage(format!("{source}: {key} {rest}"));
            return error.fix().into_iter().fold(moved, |moved, hint| moved.hint(hint));
        }
        error
    }
}

impl Source {
    /// Puts the place of a setting in front of what is wrong with it. A file has many keys, so its
    /// key is named too.
    pub(crate) fn place(&self, key: &str, error: Error) -> Error {
        match self {
            Source::Flag(_) | Source::Variable(_) => error.found_at(self),
            Source::File { .. } => error.found_at(format_args!("{self}: {key}")),
            Source::BuiltIn => error.found_at(key),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::BuiltIn => f.write_str("built in"),
            Source::Flag(name) => write!(f, "--{name}"),
            Source::Variable(name) => f.write_str(name),
            Source::File { path, line } => write!(f, "{path}:{line}"),
        }
    }
}

impl StyleEntry {
    /// `mask` or `email=partial`; without a `=` it is the default.
    pub(crate) fn new(text: &str, source: Source) -> StyleEntry {
        let (target, style) = text.split_once('=').unwrap_or((DEFAULT, text));
        StyleEntry { target: target.trim().to_owned(), style: style.trim().to_owned(), source }
    }
}

/// Whether `name` is a class, or the id or glob of a rule that was loaded, in force or not.
fn names_any(name: &str, rules: &RuleSet) -> bool {
    Matcher::new(name).is_some_and(|matcher| rules.knows(&matcher))
}

fn unknown_rule(place: &str, name: &str, rules: &RuleSet) -> Error {
    let names = Class::ALL.iter().map(|class| class.name()).chain(rules.loaded_ids());
    let nearest =
        names.min_by_key(|known| strsim::damerau_levenshtein(name, known)).unwrap_or_default();
    Error::usage(format!("{place} {name:?}: names no rule and no class"))
        .hint(format!("did you mean {nearest:?}? `logscrub rules list` shows all"))
}
