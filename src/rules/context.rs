//! What must stand around an anchor in every match: the byte before it, and a few behind it.
//!
//! An anchor of two letters is seen everywhere; followed by two hexadecimal digits it is rare. What
//! a pattern says about the bytes around its anchor is read off its expression here, and what a
//! recogniser asks of them is said here in its name, so that the prefilter drops what nobody could
//! confirm. Where an expression is too varied to tell, nothing is asked for: a context never costs
//! a match.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::{Anchor, ByteSet, syntax::KeysSyntax};

/// So many bytes behind an anchor are looked at.
pub(crate) const REACH: usize = 3;

/// More ways to begin than this are not followed.
const MAX_HEADS: usize = 256;

/// A class of more bytes than this is not told apart.
const MAX_SPELT: usize = 12;

/// What must stand around an anchor. Before a block and behind it a line feed is taken to stand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Context {
    /// The byte before the anchor.
    pub(crate) before: ByteSet,
    /// The bytes behind it.
    pub(crate) after: [ByteSet; REACH],
}

impl Default for Context {
    /// Anything.
    fn default() -> Context {
        Context { before: ByteSet::ALL, after: [ByteSet::ALL; REACH] }
    }
}

impl Context {
    /// Nothing but the first byte behind the anchor.
    fn followed_by(after: ByteSet) -> Context {
        Context { after: [after, ByteSet::ALL, ByteSet::ALL], ..Context::default() }
    }

    /// Whether it asks for anything.
    pub(crate) fn is_any(&self) -> bool {
        *self == Context::default()
    }

    /// Whether the anchor at `start..end` of `hay` stands in this context.
    pub(crate) fn is_around(&self, hay: &[u8], start: usize, end: usize) -> bool {
        let byte = |at: Option<usize>| at.and_then(|at| hay.get(at)).copied().unwrap_or(b'\n');
        self.before.contains(byte(start.checked_sub(1)))
            && self
                .after
                .iter()
                .enumerate()
                .all(|(index, set)| set.contains(byte(end.checked_add(index))))
    }
}

/// What stands around each of `anchors` in every match of a token's pattern that is found by it and
/// no other.
///
/// Half of a token at the end of its record is found, too, so no more is asked for than that half
/// has. A logger may have lower-cased a token of which any anchor folds.
pub(crate) fn of_token(hir: &Hir, anchors: &[Anchor]) -> Vec<Context> {
    let half = hir.properties().minimum_len().unwrap_or(0) / 2;
    let reach = |anchor: &Anchor| REACH.min(half.saturating_sub(anchor.text.len()));
    let folds = anchors.iter().any(|anchor| anchor.fold);
    let (starts, places) = (starts(hir, anchors), places(hir, anchors));
    let context = |anchor: &Anchor| {
        let at_start = starts.as_ref().and_then(|heads| at_start(heads, anchor, reach(anchor)));
        let context = at_start
            .or_else(|| inside(places.as_ref()?, anchor, reach(anchor)))
            .unwrap_or_default();
        match folds {
            true => Context {
                before: context.before.folded(),
                after: context.after.map(ByteSet::folded),
            },
            false => context,
        }
    };
    anchors.iter().map(context).collect()
}

/// What stands around the `@` of an address, or the escape that stands for it: `scan::email` walks
/// over nothing else.
pub(crate) fn of_email() -> Context {
    let is_local = |byte: u8| {
        byte.is_ascii_alphanumeric() || byte >= 0x80 || b"._%+-'~!$^`\"]".contains(&byte)
    };
    let is_domain =
        |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || b"-_.[".contains(&byte);
    Context { before: ByteSet::of(is_local), ..Context::followed_by(ByteSet::of(is_domain)) }
}

/// The keys and commands of all assign rules, as they are compared: in small letters, keys without
/// marks.
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

    /// What follows `anchor` where it is part of a key, or a command: a key's next letter, or the
    /// end of its word. `scan::assign` ends words at marks, digits and capitals; a small letter
    /// goes on with the word that the anchor is in.
    pub(crate) fn context(&self, anchor: &Anchor) -> Context {
        let text = plain(&anchor.text);
        let mut after = ByteSet::default();
        for key in &self.keys {
            for at in (0..key.len()).filter(|at| key[*at..].starts_with(&text)) {
                after = after.union(ByteSet::of(|byte| !byte.is_ascii_lowercase()));
                key.get(at + text.len()).into_iter().for_each(|byte| after.insert(*byte));
            }
        }
        // Behind a command stands white space, behind a flag an equals sign, too.
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

/// Letters and digits, in small letters.
fn plain(text: &[u8]) -> Vec<u8> {
    text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect()
}

/// The ways in which matches begin, where each begins with an anchor.
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

/// One part of the pattern, which no match is without, holds an anchor in each of its ways:
/// `places`.
fn inside(places: &[Place<'_>], anchor: &Anchor, reach: usize) -> Option<Context> {
    let own = || places.iter().filter(|place| place.anchor == anchor);
    let mut before = ByteSet::default();
    let mut all = Vec::new();
    for place in own() {
        before = before.union(place.before.unwrap_or(ByteSet::ALL));
        all.extend(heads(&place.rest, 0, reach)?);
    }
    let heads: Vec<&Head> = all.iter().collect();
    (!heads.is_empty()).then(|| Context { before, after: after(&heads, 0, reach) })
}

/// Where an anchor stands in an expression.
struct Place<'a> {
    anchor: &'a Anchor,
    /// The byte before it; `None`: unknown.
    before: Option<ByteSet>,
    /// What follows it.
    rest: Hir,
}

/// Places of anchors of which every match has one.
fn places<'a>(hir: &Hir, anchors: &'a [Anchor]) -> Option<Vec<Place<'a>>> {
    let mut parts = Vec::new();
    flatten(hir, &mut parts);
    parts.iter().enumerate().find_map(|(index, part)| {
        let mut found = places_in(part, anchors)?;
        let behind = || parts[index + 1..].iter().map(|part| (*part).clone());
        for place in &mut found {
            let rest = std::mem::replace(&mut place.rest, Hir::empty());
            place.rest = Hir::concat(std::iter::once(rest).chain(behind()).collect());
            place.before =
                place.before.or_else(|| parts[..index].last().and_then(|part| last(part)));
        }
        Some(found)
    })
}

/// The same of one part: a literal that holds anchors, or alternatives that all do.
fn places_in<'a>(part: &Hir, anchors: &'a [Anchor]) -> Option<Vec<Place<'a>>> {
    match part.kind() {
        HirKind::Literal(literal) => {
            let mut found = Vec::new();
            for anchor in anchors {
                let length = anchor.text.len();
                let is_here = |at: &usize| {
                    literal.0.get(*at..*at + length).is_some_and(|text| anchor.is_at(text))
                };
                found.extend((0..literal.0.len()).filter(is_here).map(|at| {
                    Place {
                        anchor,
                        before: at
                            .checked_sub(1)
                            .map(|before| ByteSet::of(|byte| byte == literal.0[before])),
                        rest: Hir::literal(literal.0[at + length..].to_vec()),
                    }
                }));
            }
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

/// What `heads` have behind their first `skip` bytes.
fn after(heads: &[&Head], skip: usize, reach: usize) -> [ByteSet; REACH] {
    std::array::from_fn(|index| match index < reach {
        true => heads.iter().fold(ByteSet::default(), |all, head| {
            all.union(head.0.get(skip + index).copied().unwrap_or(ByteSet::ALL))
        }),
        false => ByteSet::ALL,
    })
}

/// One way for a match to begin, byte by byte.
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

/// The first `want` bytes of every match, in all ways that there are, of which the first `spelt`
/// are told apart; `None` when there are too many.
fn heads(hir: &Hir, spelt: usize, want: usize) -> Option<Vec<Head>> {
    extend(vec![Head::default()], hir, spelt, want)
}

fn extend(mut heads: Vec<Head>, hir: &Hir, spelt: usize, want: usize) -> Option<Vec<Head>> {
    let mut push = |set: ByteSet| {
        heads.iter_mut().filter(|head| head.0.len() < want).for_each(|head| head.0.push(set));
    };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => {
            literal.0.iter().for_each(|byte| push(ByteSet::of(|other| other == *byte)))
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

/// One byte of `set` more: a way of its own for each of them as long as that is asked for and they
/// are few.
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
    // Each further time is one more way to go on; ways that are long enough do not change any more.
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

/// The bytes that a part may end with, where it is one class, repeated or not.
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
        Class::Unicode(class) if class.is_ascii() => {
            let is_member = |byte| {
                class.iter().any(|range| (range.start()..=range.end()).contains(&char::from(byte)))
            };
            Some(ByteSet::of(is_member))
        }
        Class::Unicode(_) => None,
    }
}

/// Parts that stand one after the other, groups opened.
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
