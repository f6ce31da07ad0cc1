//! The pattern of a token rule: bytes, verbose mode, no Unicode classes. It is compiled when its
//! rule gets its first candidate.

use std::sync::OnceLock;

use regex_automata::meta;
use regex_syntax::hir::{Capture, Class as HirClass, Hir, HirKind, Look, literal::Extractor};

use super::{Anchor, ByteSet};

/// A pattern as written, and its compiled form once it was needed.
pub(crate) struct Pattern {
    source: Box<str>,
    compiled: OnceLock<Box<Compiled>>,
}

/// A pattern that is ready to match. Most patterns are matched by `detect::token::simple_matcher`,
/// so each regex is built only on demand.
pub(crate) struct Compiled {
    source: Box<str>,
    regex: OnceLock<meta::Regex>,
    folded: OnceLock<meta::Regex>,
    cut: OnceLock<(meta::Regex, Option<usize>)>,
    /// The index of the group named `secret`; 0, the whole match, if there is none.
    pub(crate) secret: usize,
    /// The texts of which every match begins with one; `None` if there is no short list.
    prefixes: Option<Vec<Box<[u8]>>>,
    /// The number of bytes before the secret, if it is the same in every match.
    pub(crate) lead: Option<usize>,
    /// The length of the shortest match.
    pub(crate) shortest: usize,
    /// The bytes that the last element of the secret may consist of. A match always extends to the
    /// end of a run of these bytes.
    pub(crate) tail: ByteSet,
}

/// Size limit of a compiled pattern, in bytes. Larger patterns are refused.
const SIZE_LIMIT: usize = 4 << 20;

/// The most groups that a pattern may have, including the whole match.
pub(crate) const MAX_GROUPS: usize = 8;

impl Pattern {
    pub(crate) fn new(source: &str) -> Pattern {
        Pattern { source: source.into(), compiled: OnceLock::new() }
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Whether the whole pattern ignores case.
    pub(crate) fn ignores_case(&self) -> bool {
        let flags = self
            .source
            .trim_start()
            .strip_prefix("(?")
            .and_then(|rest| rest.split_once([')', ':']));
        flags.is_some_and(|(flags, _)| flags.split('-').next().is_some_and(|on| on.contains('i')))
    }

    /// Parses the pattern to report errors.
    pub(crate) fn check(&self) -> Result<(), String> {
        let regex = meta_of(&parse(&self.source, false)?)?;
        if regex.captures_len() > MAX_GROUPS {
            return Err(format!(
                "more than {} groups: write (?: … ) where nothing is captured",
                MAX_GROUPS - 1
            ));
        }
        Ok(())
    }

    /// Whether the pattern has a group named `secret`.
    pub(crate) fn names_secret(&self) -> bool {
        self.hir().is_ok_and(|hir| find_secret(&hir).is_some())
    }

    /// The parsed pattern.
    pub(crate) fn hir(&self) -> Result<Hir, String> {
        parse(&self.source, false)
    }

    /// Whether the pattern matches all of `bytes`. Used for `allow`.
    pub(crate) fn is_whole(&self, bytes: &[u8]) -> bool {
        let input = regex_automata::Input::new(bytes).anchored(regex_automata::Anchored::Yes);
        self.compiled().regex().find(input).is_some_and(|found| found.end() == bytes.len())
    }

    pub(crate) fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| Box::new(compile(&self.source)))
    }
}

impl Compiled {
    /// The regex of the pattern.
    pub(crate) fn regex(&self) -> &meta::Regex {
        self.regex.get_or_init(|| meta_of(&self.hir(false)).expect(CHECKED))
    }

    /// The regex of the pattern, ignoring case, for tokens that a logger changed to lower case.
    pub(crate) fn folded(&self) -> &meta::Regex {
        self.folded.get_or_init(|| meta_of(&self.hir(true)).expect(CHECKED))
    }

    /// A regex for text that begins like a match and ends with the haystack, for tokens that were
    /// cut at the end of a record.
    pub(crate) fn cut(&self) -> &meta::Regex {
        &self.compiled_cut().0
    }

    /// The length of the longest text that [`Compiled::cut`] matches, if there is one.
    pub(crate) fn cut_longest(&self) -> Option<usize> {
        self.compiled_cut().1
    }

    fn compiled_cut(&self) -> &(meta::Regex, Option<usize>) {
        self.cut.get_or_init(|| {
            let cut = Hir::concat(vec![prefixes(&self.hir(false)), Hir::look(Look::End)]);
            let regex = meta_of(&cut)
                .expect("what begins as a pattern does is no larger than twice the pattern");
            (regex, cut.properties().maximum_len())
        })
    }

    /// The parsed pattern, as written or ignoring case.
    pub(crate) fn hir(&self, fold: bool) -> Hir {
        parse(&self.source, fold).expect(CHECKED)
    }

    /// Whether every match begins with one of `anchors`.
    pub(crate) fn leads_with(&self, anchors: &[Anchor]) -> bool {
        let Some(prefixes) = &self.prefixes else { return false };
        prefixes.iter().all(|prefix| anchors.iter().any(|anchor| anchor.begins(prefix)))
    }
}

impl Clone for Pattern {
    fn clone(&self) -> Pattern {
        Pattern::new(&self.source)
    }
}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pattern").field(&self.source).finish()
    }
}

const CHECKED: &str = "patterns are checked when they are loaded, the embedded ones by the tests";

fn compile(source: &str) -> Compiled {
    let hir = parse(source, false).expect(CHECKED);
    let mut tail = ByteSet::default();
    let secret = find_secret(&hir);
    last_class(secret.map_or(&hir, |secret| &secret.sub), &mut tail);
    Compiled {
        source: source.into(),
        regex: OnceLock::new(),
        folded: OnceLock::new(),
        cut: OnceLock::new(),
        secret: secret.map_or(0, |secret| secret.index as usize),
        prefixes: prefix_literals(&hir),
        lead: lead(&hir),
        shortest: hir.properties().minimum_len().unwrap_or(0),
        tail,
    }
}

fn parse(source: &str, fold: bool) -> Result<Hir, String> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .ignore_whitespace(true)
        .case_insensitive(fold)
        .build()
        .parse(source)
        .map_err(|error| match &error {
            regex_syntax::Error::Parse(error) => {
                format!("{} (column {})", error.kind(), error.span().start.column)
            }
            regex_syntax::Error::Translate(error) => {
                format!("{} (column {})", error.kind(), error.span().start.column)
            }
            _ => "the pattern cannot be parsed".to_owned(),
        })
}

fn meta_of(hir: &Hir) -> Result<meta::Regex, String> {
    meta::Builder::new()
        .configure(
            meta::Config::new()
                .utf8_empty(false)
                .nfa_size_limit(Some(SIZE_LIMIT))
                .onepass_size_limit(Some(SIZE_LIMIT)),
        )
        .build_from_hir(hir)
        .map_err(|_| {
            format!("the pattern is too large: compiled it takes more than {SIZE_LIMIT} bytes")
        })
}

fn prefix_literals(hir: &Hir) -> Option<Vec<Box<[u8]>>> {
    let literals = Extractor::new().extract(hir);
    let literals = literals.literals()?;
    (!literals.is_empty())
        .then(|| literals.iter().map(|literal| literal.as_bytes().into()).collect())
}

/// The group named `secret`.
fn find_secret(hir: &Hir) -> Option<&Capture> {
    match hir.kind() {
        HirKind::Capture(group) if group.name.as_deref() == Some("secret") => Some(group),
        HirKind::Capture(group) => find_secret(&group.sub),
        HirKind::Repetition(repetition) => find_secret(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().find_map(find_secret),
        _ => None,
    }
}

/// The number of bytes before the group `secret`, if it is the same in every match.
fn lead(hir: &Hir) -> Option<usize> {
    let HirKind::Concat(parts) = hir.kind() else { return find_secret(hir).map(|_| 0) };
    let at = parts.iter().position(|part| find_secret(part).is_some())?;
    let mut sum = 0;
    for part in &parts[..at] {
        let properties = part.properties();
        let least = properties.minimum_len()?;
        if properties.maximum_len() != Some(least) {
            return None;
        }
        sum += least;
    }
    Some(sum)
}

/// Adds the bytes that a match can end with, skipping parts that may be empty. Literals add
/// nothing, because only a class has a run.
fn last_class(hir: &Hir, set: &mut ByteSet) {
    match hir.kind() {
        HirKind::Class(HirClass::Bytes(class)) => {
            for range in class.iter() {
                (range.start()..=range.end()).for_each(|byte| set.insert(byte));
            }
        }
        HirKind::Class(HirClass::Unicode(class)) => {
            for byte in 0..0x80_u8 {
                if class.iter().any(|range| {
                    range.start() <= char::from(byte) && char::from(byte) <= range.end()
                }) {
                    set.insert(byte);
                }
            }
        }
        HirKind::Repetition(repetition) => last_class(&repetition.sub, set),
        HirKind::Capture(group) => last_class(&group.sub, set),
        HirKind::Alternation(parts) => parts.iter().for_each(|part| last_class(part, set)),
        HirKind::Concat(parts) => {
            for part in parts.iter().rev() {
                last_class(part, set);
                if part.properties().minimum_len() != Some(0) {
                    break;
                }
            }
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Look(_) => {}
    }
}

/// An expression for every prefix of every match (and slightly more after a bounded repetition).
fn prefixes(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => hir.clone(),
        HirKind::Class(_) => optional(hir.clone()),
        HirKind::Literal(literal) => {
            let bytes = literal.0.iter().rev();
            bytes.fold(Hir::empty(), |rest, byte| {
                optional(Hir::concat(vec![Hir::literal([*byte]), rest]))
            })
        }
        HirKind::Repetition(repetition) => {
            let mut whole = repetition.clone();
            whole.min = 0;
            Hir::concat(vec![Hir::repetition(whole), prefixes(&repetition.sub)])
        }
        HirKind::Capture(group) => prefixes(&group.sub),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(prefixes).collect()),
        HirKind::Concat(parts) => {
            let Some((first, rest)) = parts.split_first() else { return Hir::empty() };
            let rest = prefixes(&Hir::concat(rest.to_vec()));
            Hir::alternation(vec![Hir::concat(vec![first.clone(), rest]), prefixes(first)])
        }
    }
}

fn optional(hir: Hir) -> Hir {
    Hir::repetition(regex_syntax::hir::Repetition {
        min: 0,
        max: Some(1),
        greedy: true,
        sub: Box::new(hir),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(pattern: &str, text: &str) -> bool {
        let pattern = Pattern::new(pattern);
        let input = regex_automata::Input::new(text).anchored(regex_automata::Anchored::Yes);
        pattern.compiled().cut().is_match(input)
    }

    #[test]
    fn a_cut_token_is_a_prefix_of_a_match() {
        assert!(cuts("(?<secret> gh[po]_ [A-Za-z0-9]{36} )", "gho_abc"));
        assert!(cuts("(?<secret> (?:live|test)_ [0-9]{4} - [0-9]{4} )", "test_1234-1"));
        assert!(!cuts("(?<secret> gh[po]_ [A-Za-z0-9]{36} )", "gho_abc "));
        assert!(!cuts("(?<secret> gh[po]_ [A-Za-z0-9]{36} )", "ghx_abc"));
    }

    #[test]
    fn the_tail_is_the_last_class_past_what_may_be_empty() {
        let pattern = Pattern::new("acme_ (?<secret> [a-z]{4} [0-9]{8} ={0,2} )");
        let tail = pattern.compiled().tail;
        assert!(tail.contains(b'7'));
        assert!(!tail.contains(b'q'));
        assert_eq!(pattern.compiled().lead, Some(5));
        assert_eq!(pattern.compiled().shortest, 17);
    }

    #[test]
    fn errors_name_the_column() {
        let message = Pattern::new("a(?=b)").check().expect_err("look-ahead is not supported");
        assert!(message.contains("look-around"), "{message}");
        assert!(message.contains("column 2"), "{message}");
    }
}
