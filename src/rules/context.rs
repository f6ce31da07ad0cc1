//! Contexts: the bytes that are allowed around an anchor in every match, one before it and
//! [`REACH`] after it.
//!
//! An anchor of two letters occurs everywhere; followed by two hexadecimal digits it is rare. The
//! context of a token's anchor is computed from its pattern. The contexts for keys and email
//! addresses repeat what their detectors require. The prefilter drops anchors outside their
//! context, since no detector could confirm them. If a pattern is too varied, its context allows
//! every byte. So a context never loses a match.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::{Anchor, ByteSet, syntax::KeysSyntax};

/// Number of bytes after an anchor that a context covers.
pub(crate) const REACH: usize = 3;

/// Patterns with more different beginnings than this get an open context.
const MAX_HEADS: usize = 256;

/// Classes with more bytes than this are not split into single bytes.
const MAX_SPELT: usize = 12;

/// The bytes allowed around an anchor. Before the start and after the end of a block we assume a
/// line feed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Context {
    /// The byte before the anchor.
    pub(crate) before: ByteSet,
    /// The bytes after the anchor.
    pub(crate) after: [ByteSet; REACH],
}

impl Default for Context {
    /// Allows everything.
    fn default() -> Context {
        Context { before: ByteSet::ALL, after: [ByteSet::ALL; REACH] }
    }
}

impl Context {
    /// Restricts only the first byte after the anchor.
    fn followed_by(after: ByteSet) -> Context {
        Context { after: [after, ByteSet::ALL, ByteSet::ALL], ..Context::default() }
    }

    /// The context that also allows the other case of each letter.
    fn folded(self) -> Context {
        Context { before: self.before.folded(), after: self.after.map(ByteSet::folded) }
    }

    /// Whether it allows everything.
    pub(crate) fn is_any(&self) -> bool {
        *self == Context::default()
    }

    /// Whether the bytes around the anchor at `start..end` of `hay` are allowed.
    pub(crate) fn is_around(&self, hay: &[u8], start: usize, end: usize) -> bool {
        let before = start.checked_sub(1).and_then(|at| hay.get(at)).copied().unwrap_or(b'\n');
        let after = hay[end..].iter().copied().chain(std::iter::repeat(b'\n'));
        self.before.contains(before)
            && self.after.iter().zip(after).all(|(set, byte)| set.contains(byte))
    }
}

/// The context of each of `anchors`, over all matches of a token's pattern that are found by this
/// anchor and no other.
///
/// A token that was cut at the end of its record is found as well, so the context only requires
/// what the cut token still has. If an anchor ignores case, a logger may have changed the token to
/// lower case.
pub(crate) fn of_token(hir: &Hir, anchors: &[Anchor]) -> Vec<Context> {
    let half = hir.properties().minimum_len().unwrap_or(0) / 2;
    let folds = anchors.iter().any(|anchor| anchor.fold);
    let (starts, places) = (starts(hir, anchors), places(hir, anchors));
    let contexts = anchors.iter().map(|anchor| {
        let reach = REACH.min(half.saturating_sub(anchor.text.len()));
        let context = starts
            .as_ref()
            .and_then(|heads| at_start(heads, anchor, reach))
            .or_else(|| inside(places.as_ref()?, anchor, reach))
            .unwrap_or_default();
        if folds { context.folded() } else { context }
    });
    contexts.collect()
}

/// The context of the `@` of an email address, or of its escaped form. It repeats what
/// `detect::email` accepts.
pub(crate) fn of_email() -> Context {
    let before = word_byte_or(b"._%+-'~!$^`\"]");
    Context { before, ..Context::followed_by(word_byte_or(b"-_.[")) }
}

/// ASCII letters and digits, all bytes of non-ASCII characters, and `others`.
fn word_byte_or(others: &[u8]) -> ByteSet {
    ByteSet::of(|byte| byte.is_ascii_alphanumeric() || byte >= 0x80 || others.contains(&byte))
}

/// The keys and commands of all key–value rules, as they are compared: in lower case, keys without
/// punctuation.
#[derive(Default)]
pub(crate) struct Keys {
    keys: Vec<Vec<u8>>,
    commands: Vec<Vec<u8>>,
}

impl Keys {
    pub(crate) fn new<'k>(all: impl Iterator<Item = &'k KeysSyntax>) -> Keys {
        let mut known = Keys::default();
        for keys in all {
            let words = [&keys.strong, &keys.weak, &keys.service, &keys.header, &keys.cookie];
            known.keys.extend(words.into_iter().flatten().map(|word| plain(word.as_bytes())));
            known
                .commands
                .extend(keys.flag.iter().map(|flag| flag.to_ascii_lowercase().into_bytes()));
        }
        known
    }

    /// The context of `anchor` as part of a key or of a command: the next letter of a key, or the
    /// end of its word. `detect::key_value` ends words at punctuation, digits and capitals; a
    /// lower-case letter continues the word of the anchor.
    pub(crate) fn context(&self, anchor: &Anchor) -> Context {
        let text = plain(&anchor.text);
        let mut after = ByteSet::default();
        for key in &self.keys {
            for at in (0..key.len()).filter(|at| key[*at..].starts_with(&text)) {
                after = after.union(ByteSet::of(|byte| !byte.is_ascii_lowercase()));
                key.get(at + text.len()).into_iter().for_each(|byte| after.insert(*byte));
            }
        }
        // White space follows a command. After a flag, an equals sign may follow, too.
        if self.commands.iter().any(|command| command.starts_with(&anchor.text)) {
            after = after.union(ByteSet::of(|byte| {
                byte.is_ascii_whitespace() || byte == b'=' || byte == 0x0b
            }));
        }
        match after == ByteSet::default() {
            true => Context::default(),
            false => Context::followed_by(after),
        }
    }
}

/// The letters and digits of `text`, in lower case.
fn plain(text: &[u8]) -> Vec<u8> {
    text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect()
}

/// All beginnings of matches, if every match begins with an anchor.
fn starts(hir: &Hir, anchors: &[Anchor]) -> Option<Vec<Head>> {
    let longest = anchors.iter().map(|anchor| anchor.text.len()).max()?;
    let heads = heads(hir, longest, longest + REACH)?;
    heads
        .iter()
        .all(|head| anchors.iter().any(|anchor| head.must_begin_with(anchor)))
        .then_some(heads)
}

fn at_start(heads: &[Head], anchor: &Anchor, reach: usize) -> Option<Context> {
    let own: Vec<&Head> = heads.iter().filter(|head| head.can_begin_with(anchor)).collect();
    (!own.is_empty())
        .then(|| Context { after: after(&own, anchor.text.len(), reach), ..Context::default() })
}

/// The context of `anchor` if one part of the pattern, which is in every match, contains an anchor
/// in each of its alternatives (`places`).
fn inside(places: &[Place<'_>], anchor: &Anchor, reach: usize) -> Option<Context> {
    let mut before = ByteSet::default();
    let mut all = Vec::new();
    for place in places.iter().filter(|place| place.anchor == anchor) {
        before = before.union(place.before.unwrap_or(ByteSet::ALL));
        all.extend(heads(&place.rest, 0, reach)?);
    }
    let heads: Vec<&Head> = all.iter().collect();
    (!heads.is_empty()).then(|| Context { before, after: after(&heads, 0, reach) })
}

/// An anchor inside an expression.
struct Place<'a> {
    anchor: &'a Anchor,
    /// The byte before it; `None` if unknown.
    before: Option<ByteSet>,
    /// The expression after it.
    rest: Hir,
}

/// Places of anchors such that every match contains one of them.
fn places<'a>(hir: &Hir, anchors: &'a [Anchor]) -> Option<Vec<Place<'a>>> {
    let mut parts = Vec::new();
    flatten(hir, &mut parts);
    parts.iter().enumerate().find_map(|(index, part)| {
        let mut found = places_in(part, anchors)?;
        for place in &mut found {
            let mut rest = vec![std::mem::replace(&mut place.rest, Hir::empty())];
            rest.extend(parts[index + 1..].iter().map(|part| (*part).clone()));
            place.rest = Hir::concat(rest);
            place.before =
                place.before.or_else(|| parts[..index].last().and_then(|part| last(part)));
        }
        Some(found)
    })
}

fn places_in_literal<'a>(literal: &[u8], anchor: &'a Anchor) -> impl Iterator<Item = Place<'a>> {
    (0..literal.len()).filter(|at| anchor.begins(&literal[*at..])).map(move |at| Place {
        anchor,
        before: at.checked_sub(1).map(|before| ByteSet::one(literal[before])),
        rest: Hir::literal(literal[at + anchor.text.len()..].to_vec()),
    })
}

/// The same for one part: a literal that contains anchors, or alternatives that all do.
fn places_in<'a>(part: &Hir, anchors: &'a [Anchor]) -> Option<Vec<Place<'a>>> {
    match part.kind() {
        HirKind::Literal(literal) => {
            let found: Vec<Place> =
                anchors.iter().flat_map(|anchor| places_in_literal(&literal.0, anchor)).collect();
            (!found.is_empty()).then_some(found)
        }
        HirKind::Alternation(branches) => {
            let found: Option<Vec<Vec<Place>>> =
                branches.iter().map(|branch| places(branch, anchors)).collect();
            found.map(|found| found.into_iter().flatten().collect())
        }
        _ => None,
    }
}

/// The bytes of `heads` after their first `skip` bytes.
fn after(heads: &[&Head], skip: usize, reach: usize) -> [ByteSet; REACH] {
    std::array::from_fn(|index| match index < reach {
        true => heads.iter().fold(ByteSet::default(), |all, head| {
            all.union(head.0.get(skip + index).copied().unwrap_or(ByteSet::ALL))
        }),
        false => ByteSet::ALL,
    })
}

/// One possible beginning of a match, byte by byte.
#[derive(Clone, Default)]
struct Head(Vec<ByteSet>);

impl Head {
    fn can_begin_with(&self, anchor: &Anchor) -> bool {
        self.begins_with(anchor, |set, byte| set.contains(byte))
    }

    fn must_begin_with(&self, anchor: &Anchor) -> bool {
        self.0.len() >= anchor.text.len()
            && self.begins_with(anchor, |set, byte| {
                set.iter()
                    .all(|other| other == byte || anchor.fold && other.eq_ignore_ascii_case(&byte))
            })
    }

    fn begins_with(&self, anchor: &Anchor, agrees: impl Fn(&ByteSet, u8) -> bool) -> bool {
        anchor.text.iter().zip(&self.0).all(|(byte, set)| {
            agrees(set, *byte) || anchor.fold && agrees(set, byte.to_ascii_uppercase())
        })
    }
}

/// The first `want` bytes of every match, as a list of all beginnings. Only the first `spelt` bytes
/// are split into single bytes. `None` if there are too many beginnings.
fn heads(hir: &Hir, spelt: usize, want: usize) -> Option<Vec<Head>> {
    extend(vec![Head::default()], hir, spelt, want)
}

fn extend(mut heads: Vec<Head>, hir: &Hir, spelt: usize, want: usize) -> Option<Vec<Head>> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => {
            for head in &mut heads {
                let n_more = want.saturating_sub(head.0.len());
                head.0.extend(literal.0.iter().take(n_more).map(|byte| ByteSet::one(*byte)));
            }
        }
        HirKind::Class(class) => heads = choose(heads, set_of(class)?, spelt, want),
        HirKind::Capture(group) => return extend(heads, &group.sub, spelt, want),
        HirKind::Concat(parts) => {
            for part in parts {
                heads = extend(heads, part, spelt, want)?;
            }
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(extend(heads.clone(), part, spelt, want)?);
            }
            heads = all;
        }
        HirKind::Repetition(repetition) => heads = repeat(heads, repetition, spelt, want)?,
    }
    (heads.len() <= MAX_HEADS).then_some(heads)
}

/// Extends each beginning by one byte of `set`. While single bytes are wanted and few, each byte
/// makes a beginning of its own.
fn choose(heads: Vec<Head>, set: ByteSet, spelt: usize, want: usize) -> Vec<Head> {
    let n_members = set.iter().count();
    let mut all = Vec::with_capacity(heads.len());
    for mut head in heads {
        if head.0.len() >= want {
            all.push(head);
        } else if head.0.len() < spelt && n_members <= MAX_SPELT {
            all.extend(set.iter().map(|byte| {
                let mut head = head.clone();
                head.0.push(ByteSet::of(|other| other == byte));
                head
            }));
        } else {
            head.0.push(set);
            all.push(head);
        }
    }
    all
}

fn repeat(
    mut heads: Vec<Head>,
    repetition: &regex_syntax::hir::Repetition,
    spelt: usize,
    want: usize,
) -> Option<Vec<Head>> {
    let limit = u32::try_from(want).unwrap_or(u32::MAX);
    for _ in 0..repetition.min.min(limit) {
        heads = extend(heads, &repetition.sub, spelt, want)?;
    }
    // Each further round adds one more way to continue. Beginnings that are long enough do not
    // change.
    let more = repetition.max.unwrap_or(u32::MAX).saturating_sub(repetition.min).min(limit);
    let mut all = Vec::new();
    for _ in 0..more {
        let (short, long): (Vec<Head>, Vec<Head>) =
            heads.into_iter().partition(|head| head.0.len() < want);
        all.extend(long);
        all.extend(short.iter().cloned());
        heads = extend(short, &repetition.sub, spelt, want)?;
        if all.len() > MAX_HEADS {
            return None;
        }
    }
    all.extend(heads);
    Some(all)
}

/// The bytes that a part can end with, if it is one class, repeated or not.
fn last(hir: &Hir) -> Option<ByteSet> {
    match hir.kind() {
        HirKind::Class(class) => set_of(class),
        HirKind::Literal(literal) => {
            literal.0.last().map(|byte| ByteSet::of(|other| other == *byte))
        }
        HirKind::Repetition(repetition) if repetition.min > 0 => last(&repetition.sub),
        _ => None,
    }
}

fn set_of(class: &Class) -> Option<ByteSet> {
    match class {
        Class::Bytes(class) => Some(ByteSet::of(|byte| {
            class.iter().any(|range| (range.start()..=range.end()).contains(&byte))
        })),
        Class::Unicode(class) if class.is_ascii() => Some(ByteSet::of(|byte| {
            class.iter().any(|range| (range.start()..=range.end()).contains(&char::from(byte)))
        })),
        Class::Unicode(_) => None,
    }
}

/// Appends the parts of a concatenation, with groups opened.
fn flatten<'h>(hir: &'h Hir, parts: &mut Vec<&'h Hir>) {
    match hir.kind() {
        HirKind::Capture(group) => flatten(&group.sub, parts),
        HirKind::Concat(inner) => inner.iter().for_each(|part| flatten(part, parts)),
        _ => parts.push(hir),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::pattern::Pattern;

    fn anchors(texts: &[&str], fold: bool) -> Vec<Anchor> {
        texts.iter().map(|text| Anchor { text: text.as_bytes().into(), fold }).collect()
    }

    fn context(pattern: &str, texts: &[&str], which: usize) -> Context {
        let hir = Pattern::new(pattern).hir().expect("the pattern is plain");
        let anchors = anchors(texts, false);
        of_token(&hir, &anchors).swap_remove(which)
    }

    fn chars(set: ByteSet) -> String {
        set.iter().map(char::from).collect()
    }

    #[test]
    fn what_follows_an_anchor_at_the_start_is_read_off_its_own_ways() {
        let found =
            context("(?<secret> (?: SK [0-9a-f]{32} | ghp_ [A-Z]{36} ) )", &["SK", "ghp_"], 0);
        assert_eq!(found.after.map(chars), ["0123456789abcdef"; 3].map(String::from));
        assert_eq!(found.before, ByteSet::ALL);
        let found = context("(?<secret> ab c? [xy] [0-9]{9} )", &["ab"], 0);
        assert_eq!(chars(found.after[0]), "cxy");
        assert_eq!(chars(found.after[1]), "0123456789xy");
    }

    #[test]
    fn what_stands_around_an_anchor_inside_is_asked_for_on_both_sides() {
        let found = context("(?<secret> [0-9]{8,10} :AA [A-Za-z]{33} )", &[":AA"], 0);
        assert_eq!(chars(found.before), "0123456789");
        assert!(found.after.iter().all(|set| set.contains(b'x') && !set.contains(b'0')));
    }

    #[test]
    fn no_more_is_asked_for_than_half_a_token_has() {
        let found = context("(?<secret> live_ [0-9]{8} )", &["live_"], 0);
        assert_eq!(chars(found.after[0]), "0123456789");
        assert_eq!(found.after[1], ByteSet::ALL);
    }

    #[test]
    fn what_cannot_be_told_is_not_asked_for() {
        assert!(context("(?<secret> [a-z]{0,40} (?: key )? [0-9]{9} )", &["key"], 0).is_any());
        assert!(context("(?<secret> (?: a | b )? key )", &["key"], 0).is_any());
    }

    #[test]
    fn a_key_goes_on_with_its_own_letters_or_ends() {
        let keys = KeysSyntax {
            strong: vec!["password".into()],
            weak: vec!["pass".into()],
            ..KeysSyntax::default()
        };
        let after =
            Keys::new(std::iter::once(&keys)).context(&anchors(&["pass"], true)[0]).after[0];
        assert!(b"w=_\"W1- \n".iter().all(|byte| after.contains(*byte)));
        assert!(!b"eai".iter().any(|byte| after.contains(*byte)));
    }
}
