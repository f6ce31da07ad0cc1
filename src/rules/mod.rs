//! Rules: what a secret looks like, as data.
//!
//! `patterns/*.toml` and the user's own files become a [`RuleSet`]: rules with ids, classes and
//! anchors, in a fixed order. This room reads, checks and selects; it searches nothing. A pattern
//! is compiled where it is used, at its first candidate ([`pattern`]), so a rule that never fires
//! costs its anchors and no more.
//!
//! Errors name file and line. The form of a file is `docs/RULES.md`.

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

/// The number of a rule within its [`RuleSet`](crate::RuleSet).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub(crate) u16);

impl RuleId {
    /// The rule's index in its set.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// What kind of thing a rule finds; policies and selections go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Class {
    /// An email address.
    Email,
    /// A token, password, key or other credential.
    Credential,
    /// The credential inside a URL.
    CredentialUrl,
    /// Other personal data; off unless asked for.
    Personal,
}

impl Class {
    /// Every class, in the order of reports.
    pub const ALL: [Class; 4] =
        [Class::Email, Class::Credential, Class::CredentialUrl, Class::Personal];

    /// The class's name in rule files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Class::Email => "email",
            Class::Credential => "credential",
            Class::CredentialUrl => "credential-url",
            Class::Personal => "personal",
        }
    }

    /// The class of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// How bad a leak would be; shown, never decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// Of interest.
    Low,
    /// Worth an entry in the list.
    Medium,
    /// Opens something.
    High,
    /// Opens much.
    Critical,
}

impl Severity {
    const ALL: [Severity; 4] =
        [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// The severity's name in rule files.
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
    /// The literal; in lower case when `fold` is set.
    pub text: Box<[u8]>,
    /// Whether ASCII letters match in either case.
    pub fold: bool,
}

impl Anchor {
    /// Whether `bytes` are the literal.
    pub(crate) fn is_at(&self, bytes: &[u8]) -> bool {
        if self.fold { bytes.eq_ignore_ascii_case(&self.text) } else { *bytes == *self.text }
    }
}

/// Which recogniser confirms a rule's candidates, with what only it needs.
#[derive(Clone, Debug)]
pub(crate) enum Recogniser {
    Token(pattern::Pattern),
    Assign(syntax::KeysSyntax),
    Url(syntax::KeysSyntax),
    Email,
    KeyBlock,
}

/// What must stand to the left of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edges {
    /// A character that is no letter and no digit, or an escape.
    Word,
    /// Anything.
    Free,
}

impl Edges {
    /// All of them, with what rule files call them.
    pub(crate) const NAMED: [(&'static str, Edges); 2] =
        [("word", Edges::Word), ("free", Edges::Free)];

    /// What rule files call it.
    #[cfg(feature = "cli")]
    pub(crate) fn name(self) -> &'static str {
        Edges::NAMED.iter().find(|(_, edges)| *edges == self).map_or("", |(name, _)| name)
    }
}

/// A test that a pattern cannot make. The tests stand in `scan::validators`, one file each.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Validator {
    /// `github-crc32`: CRC-32 in base 62 behind GitHub's and npm's tokens.
    GithubCrc32,
    /// `jwt`: header and claims are JSON.
    Jwt,
    /// `entropy:BITS`: at least so many bits of Shannon entropy a byte.
    Entropy(f64),
    /// `aws-key-id`: base32, and no run of one letter.
    AwsKeyId,
    /// `mixed`: letters and digits both occur.
    Mixed,
    /// `random`: behind its prefix it looks machine-made.
    Random,
    /// `gitlab-crc32`: CRC-32 in base 36 behind GitLab's routable tokens.
    GitlabCrc32,
    /// `atlassian-crc32`: CRC-32 in hexadecimal behind Atlassian's API tokens.
    AtlassianCrc32,
    /// `grafana-crc32`: CRC-32 with its bytes turned behind Grafana's service account tokens.
    GrafanaCrc32,
    /// `zuplo-crc32`: CRC-32 in hexadecimal behind Zuplo's keys.
    ZuploCrc32,
    /// `macaroon`: a macaroon behind `pypi-`.
    Macaroon,
    /// `luhn`: the check digit of a payment card.
    Luhn,
    /// `iban`: the remainder of an account number.
    Iban,
    /// `us-ssn`: the areas, groups and serials that were given.
    UsSsn,
    /// `e164`: the country codes and lengths of telephone numbers.
    E164,
    /// `ip-address`: an address that is somebody's.
    IpAddress,
    /// `mac-address`: six pairs with one mark.
    MacAddress,
}

impl Validator {
    /// Those without a parameter, with their names in rule files.
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

    /// What a rule file may say.
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

/// Where a rule was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file, as it was named.
    pub file: String,
    /// The line its entry begins at.
    pub line: usize,
    /// Whether it is one of the embedded rules.
    pub embedded: bool,
}

/// One rule: a name for a kind of secret, and how it is known.
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
    /// The rule's id, in kebab case; the placeholder is `REDACTED-` and this.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A name for people.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What kind of thing it finds.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// How bad a leak would be.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What the secret opens, and how its shape is known.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Where the provider documents the format.
    #[must_use]
    pub fn links(&self) -> &[String] {
        &self.links
    }

    /// The literals of which every match holds one.
    #[must_use]
    pub fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    /// Examples that must be found, `«»` around what goes.
    #[must_use]
    pub fn hits(&self) -> &[String] {
        &self.hit
    }

    /// Examples that must come out as they are.
    #[must_use]
    pub fn misses(&self) -> &[String] {
        &self.miss
    }

    /// Where it was written.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The recogniser's name in rule files.
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
    /// The ids of rules that were loaded and are not in force.
    others: Arc<[String]>,
}

impl RuleSet {
    pub(crate) fn new(rules: Vec<Rule>) -> RuleSet {
        RuleSet { rules: rules.into(), others: Arc::default() }
    }

    fn with_others(self, ids: impl Iterator<Item = String>) -> RuleSet {
        RuleSet { others: ids.collect(), ..self }
    }

    /// Whether `matcher` is a class or takes a rule that was loaded, in force or not.
    pub(crate) fn knows(&self, matcher: &Matcher) -> bool {
        matcher.is_class() || self.loaded_ids().any(|id| matcher.takes_id(id))
    }

    /// The ids of all rules that were loaded, those in force first.
    pub(crate) fn loaded_ids(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(Rule::id).chain(self.others.iter().map(String::as_str))
    }

    /// The embedded rules that are on by default.
    ///
    /// # Panics
    ///
    /// Never: the tests of the project lint every embedded rule.
    #[must_use]
    pub fn embedded() -> RuleSet {
        Selection::default().load().expect("the embedded rules are linted by the tests")
    }

    /// The rules of a rule file's text, and no others; `name` is how errors call it.
    ///
    /// # Errors
    ///
    /// The text is no rule file, a rule's pattern has no group named `secret`, two rules have one
    /// id: with the line.
    pub fn parse(text: &str, name: &str) -> Result<RuleSet, Error> {
        let rules = load::text_of(text, name)?;
        select::check_unique(&rules)?;
        Ok(RuleSet::new(rules))
    }

    /// The rules, in their order.
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

    /// The rule of that number; the number must come from this set.
    #[must_use]
    pub fn get(&self, id: RuleId) -> &Rule {
        &self.rules[id.index()]
    }

    /// Whether this is the other set, and not only one with equal rules.
    #[cfg(feature = "forward")]
    pub(crate) fn is_same(&self, other: &RuleSet) -> bool {
        Arc::ptr_eq(&self.rules, &other.rules)
    }

    /// The number of the rule of that id.
    #[cfg(feature = "cli")]
    pub(crate) fn number_of(&self, id: &str) -> Option<RuleId> {
        self.iter().find(|(_, rule)| rule.id == id).map(|(number, _)| number)
    }

    /// The rule of that id.
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
