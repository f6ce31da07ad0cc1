//! Rules: descriptions of secrets, as data.
//!
//! `patterns/*.toml` and users' files become a [`RuleSet`]: rules with ids, classes and anchors, in
//! a fixed order. This module reads, checks and selects rules; it does not search. A pattern is
//! compiled at its first candidate ([`pattern`]), so a rule that never fires costs no more than its
//! anchors.
//!
//! Errors name file and line. `docs/RULES.md` describes the format of a rule file.

pub(crate) mod syntax;

mod allow;
pub(crate) mod anchors;
pub(crate) mod builtin;
mod byte_set;
mod choice;
pub(crate) mod context;
#[cfg(feature = "cli")]
pub(crate) mod import;
mod load;
pub(crate) mod pattern;
pub(crate) mod probe;
mod select;

use std::{fmt, sync::Arc};

pub use self::{allow::Allow, select::Selection};
pub(crate) use self::{allow::Allowances, byte_set::ByteSet, select::Matcher};
use crate::error::Error;

/// The number of a rule in its [`RuleSet`](crate::RuleSet).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub(crate) u16);

impl RuleId {
    /// The index of the rule in its set.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The kind of data that a rule finds. Policies and selections can refer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Class {
    /// An email address.
    Email,
    /// A token, password, key or other credential.
    Credential,
    /// The credential inside a URL.
    CredentialUrl,
    /// Other personal data. Off by default.
    Personal,
}

impl Class {
    /// Every class, in the order used in reports.
    pub const ALL: [Class; 4] =
        [Class::Email, Class::Credential, Class::CredentialUrl, Class::Personal];

    /// The name of the class in rule files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Class::Email => "email",
            Class::Credential => "credential",
            Class::CredentialUrl => "credential-url",
            Class::Personal => "personal",
        }
    }

    /// The class with that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// How serious a leak is. Shown to users; it does not influence anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// Informational.
    Low,
    /// Should be on somebody's list.
    Medium,
    /// Gives access to something.
    High,
    /// Gives access to a lot.
    Critical,
}

impl Severity {
    const ALL: [Severity; 4] =
        [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// The name of the severity in rule files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

/// A literal that every match of a rule contains.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Anchor {
    /// The literal; in lower case if `fold` is set.
    pub text: Box<[u8]>,
    /// Whether ASCII letters match in both cases.
    pub fold: bool,
}

impl Anchor {
    /// Whether `text` begins with the literal.
    pub(crate) fn begins(&self, text: &[u8]) -> bool {
        text.get(..self.text.len()).is_some_and(|start| self.is_at(start))
    }

    /// Whether `bytes` equal the literal.
    pub(crate) fn is_at(&self, bytes: &[u8]) -> bool {
        if self.fold { bytes.eq_ignore_ascii_case(&self.text) } else { *bytes == *self.text }
    }
}

/// The detector that confirms the candidates of a rule, with its settings.
#[derive(Clone, Debug)]
pub(crate) enum Recogniser {
    Token(pattern::Pattern),
    Assign(syntax::KeysSyntax),
    Url(syntax::KeysSyntax),
    Email,
    KeyBlock,
}

/// The boundary required to the left of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edges {
    /// A character that is neither letter nor digit, or an escape.
    Word,
    /// No boundary required.
    Free,
}

impl Edges {
    /// All boundaries with their names in rule files.
    pub(crate) const NAMED: [(&'static str, Edges); 2] =
        [("word", Edges::Word), ("free", Edges::Free)];

    /// The name in rule files.
    pub(crate) fn name(self) -> &'static str {
        Edges::NAMED.iter().find(|(_, edges)| *edges == self).map_or("", |(name, _)| name)
    }
}

/// A check that a pattern cannot express. Each is implemented in a file of its own in
/// `detect::validators`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Validator {
    /// `github-crc32`: CRC-32 in base 62 at the end of GitHub's and npm's tokens.
    GithubCrc32,
    /// `jwt`: header and claims are JSON.
    Jwt,
    /// `entropy:BITS`: at least this many bits of Shannon entropy per byte.
    Entropy(f64),
    /// `aws-key-id`: base32, not one repeated letter.
    AwsKeyId,
    /// `mixed`: contains letters and digits.
    Mixed,
    /// `random`: the part after the prefix looks machine-made.
    Random,
    /// `gitlab-crc32`: CRC-32 in base 36 at the end of GitLab's routable tokens.
    GitlabCrc32,
    /// `atlassian-crc32`: CRC-32 in hexadecimal at the end of Atlassian's API tokens.
    AtlassianCrc32,
    /// `grafana-crc32`: byte-swapped CRC-32 at the end of Grafana's service account tokens.
    GrafanaCrc32,
    /// `zuplo-crc32`: CRC-32 in hexadecimal at the end of Zuplo's keys.
    ZuploCrc32,
    /// `macaroon`: a macaroon after `pypi-`.
    Macaroon,
    /// `luhn`: the check digit of a payment card number.
    Luhn,
    /// `iban`: the check digits of an account number.
    Iban,
    /// `us-ssn`: areas, groups and serials that have been issued.
    UsSsn,
    /// `e164`: country codes and lengths of telephone numbers.
    E164,
    /// `ip-address`: an address that can belong to a host.
    IpAddress,
    /// `mac-address`: six pairs with one kind of separator.
    MacAddress,
}

impl Validator {
    /// Validators without a parameter, with their names in rule files.
    const PLAIN: [(&'static str, Validator); 16] = [
        ("github-crc32", Validator::GithubCrc32),
        ("jwt", Validator::Jwt),
        ("aws-key-id", Validator::AwsKeyId),
        ("mixed", Validator::Mixed),
        ("random", Validator::Random),
        ("gitlab-crc32", Validator::GitlabCrc32),
        ("atlassian-crc32", Validator::AtlassianCrc32),
        ("grafana-crc32", Validator::GrafanaCrc32),
        ("zuplo-crc32", Validator::ZuploCrc32),
        ("macaroon", Validator::Macaroon),
        ("luhn", Validator::Luhn),
        ("iban", Validator::Iban),
        ("us-ssn", Validator::UsSsn),
        ("e164", Validator::E164),
        ("ip-address", Validator::IpAddress),
        ("mac-address", Validator::MacAddress),
    ];

    /// All names that a rule file may use.
    pub(crate) fn names() -> Vec<&'static str> {
        Validator::PLAIN.iter().map(|(name, _)| *name).chain(["entropy:BITS"]).collect()
    }

    fn named(name: &str) -> Option<Validator> {
        match name.split_once(':') {
            Some(("entropy", bits)) => bits.parse().ok().map(Validator::Entropy),
            Some(_) => None,
            None => Validator::PLAIN
                .into_iter()
                .find(|(known, _)| *known == name)
                .map(|(_, validator)| validator),
        }
    }
}

impl fmt::Display for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Validator::Entropy(bits) = self {
            return write!(f, "entropy:{bits}");
        }
        let (name, _) = Validator::PLAIN
            .iter()
            .find(|(_, validator)| validator == self)
            .expect("every validator without a parameter stands in the list");
        f.write_str(name)
    }
}

/// The origin of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file, as the user named it.
    pub file: String,
    /// The line where the entry begins.
    pub line: usize,
    /// Whether the rule is embedded in the program.
    pub embedded: bool,
}

/// A rule: a kind of secret and how to find it.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) class: Class,
    pub(crate) severity: Severity,
    pub(crate) about: String,
    pub(crate) links: Vec<String>,
    pub(crate) anchors: Vec<Anchor>,
    pub(crate) recogniser: Recogniser,
    pub(crate) near: Vec<Box<[u8]>>,
    pub(crate) validator: Option<Validator>,
    pub(crate) edges: Edges,
    pub(crate) style: Option<String>,
    pub(crate) allow: Vec<pattern::Pattern>,
    pub(crate) hit: Vec<String>,
    pub(crate) miss: Vec<String>,
    pub(crate) origin: Origin,
}

impl Rule {
    /// The id, in kebab case. The placeholder is `REDACTED-` followed by the id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A name for people.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The kind of data that it finds.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// How serious a leak is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What the secret gives access to, and what its shape is based on.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The provider's documentation of the format.
    #[must_use]
    pub fn links(&self) -> &[String] {
        &self.links
    }

    /// The literals of which every match contains one.
    #[must_use]
    pub fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    /// Examples that must be found. `«»` marks the part that is replaced.
    #[must_use]
    pub fn hits(&self) -> &[String] {
        &self.hit
    }

    /// Examples that must stay unchanged.
    #[must_use]
    pub fn misses(&self) -> &[String] {
        &self.miss
    }

    /// The origin of the rule.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The name of the detector in rule files.
    #[must_use]
    pub fn recogniser(&self) -> &'static str {
        match self.recogniser {
            Recogniser::Token(_) => "token",
            Recogniser::Assign(_) => "assign",
            Recogniser::Url(_) => "url",
            Recogniser::Email => "email",
            Recogniser::KeyBlock => "key_block",
        }
    }
}

/// An immutable set of rules, shared by all scanners.
#[derive(Clone)]
pub struct RuleSet {
    rules: Arc<[Rule]>,
    /// The ids of rules that were loaded but not selected.
    others: Arc<[String]>,
}

impl RuleSet {
    pub(crate) fn new(rules: Vec<Rule>) -> RuleSet {
        RuleSet { rules: rules.into(), others: Arc::default() }
    }

    fn with_others(self, ids: impl Iterator<Item = String>) -> RuleSet {
        RuleSet { others: ids.collect(), ..self }
    }

    /// Whether `matcher` is a class or matches a loaded rule, selected or not.
    pub(crate) fn knows(&self, matcher: &Matcher) -> bool {
        matcher.is_class() || self.loaded_ids().any(|id| matcher.takes_id(id))
    }

    /// The ids of all loaded rules, selected rules first.
    pub(crate) fn loaded_ids(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(Rule::id).chain(self.others.iter().map(String::as_str))
    }

    /// The embedded rules that are on by default.
    ///
    /// # Panics
    ///
    /// Never: the project's tests check every embedded rule.
    #[must_use]
    pub fn embedded() -> RuleSet {
        Selection::default().load().expect("the embedded rules are linted by the tests")
    }

    /// The rules of one rule file, given as text. Errors call it `name`.
    ///
    /// # Errors
    ///
    /// The text is not a rule file, a pattern has no group named `secret`, or two rules have the
    /// same id. The error names the line.
    pub fn parse(text: &str, name: &str) -> Result<RuleSet, Error> {
        let rules = load::text_of(text, name)?;
        select::check_unique(&rules)?;
        Ok(RuleSet::new(rules))
    }

    /// The rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (RuleId, &Rule)> {
        self.rules.iter().enumerate().map(|(index, rule)| {
            (
                RuleId(
                    u16::try_from(index)
                        .expect("loading refuses more rules than a RuleId can number"),
                ),
                rule,
            )
        })
    }

    /// The rule with that number, which must come from this set.
    #[must_use]
    pub fn get(&self, id: RuleId) -> &Rule {
        &self.rules[id.index()]
    }

    /// Whether `other` is the same set, not just a set with equal rules.
    pub(crate) fn is_same(&self, other: &RuleSet) -> bool {
        Arc::ptr_eq(&self.rules, &other.rules)
    }

    /// The number of the rule with that id.
    pub(crate) fn number_of(&self, id: &str) -> Option<RuleId> {
        self.iter().find(|(_, rule)| rule.id == id).map(|(number, _)| number)
    }

    /// The rule with that id.
    #[must_use]
    pub fn named(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RuleSet({} rules)", self.rules.len())
    }
}
