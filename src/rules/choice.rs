//! Chooses anchors for a pattern that has none, or whose own anchors are not necessary: literals of
//! which every match contains one, near its start.
//!
//! We collect every place of the pattern where only a few texts are possible, and choose the place
//! whose shortest text is longest, because long texts are rare in logs. Case is ignored. The choice
//! is necessary by construction; [`super::anchors`] proves it all the same, as it proves the
//! anchors that a rule names.

use std::collections::BTreeSet;

use super::Anchor;
use regex_syntax::hir::{Class, Hir, HirKind};

/// A match may begin at most this many bytes before its anchor, because token detection searches no
/// further back.
const MAX_LEAD: usize = 128;

/// A place with more possible texts is not used.
const MAX_TEXTS: usize = 64;

/// A class with more letters is not expanded into texts.
const MAX_LETTERS: usize = 8;

/// Shorter anchors occur in every line.
const LEAST: usize = 2;

/// Longer anchors are not rarer in logs.
const ENOUGH: usize = 6;

/// Texts are repeated at most this often.
const MAX_TIMES: u32 = 4;

type Texts = BTreeSet<Vec<u8>>;

/// The texts as anchors that ignore case.
pub(super) fn folded(texts: &[String]) -> Vec<Anchor> {
    texts.iter().map(|text| Anchor { text: text.as_bytes().into(), fold: true }).collect()
}

/// The best anchors that the pattern contains.
pub(super) fn derive(hir: &Hir) -> Option<Vec<String>> {
    best(hir, 0)?.texts.into_iter().map(|text| String::from_utf8(text).ok()).collect()
}

/// Whether every match contains one of `words` in any case, as far as the structure of the pattern
/// shows. `words` are in lower case.
pub(super) fn is_necessary(hir: &Hir, words: &[String]) -> bool {
    lead(hir, words).is_some()
}

/// The same, at most [`MAX_LEAD`] bytes after the start of the match.
pub(super) fn is_in_reach(hir: &Hir, words: &[String]) -> bool {
    lead(hir, words).is_some_and(|lead| lead <= MAX_LEAD)
}

/// A place in the pattern: the texts of which every match has one there, and the most bytes before
/// them.
struct Place {
    texts: Texts,
    before: usize,
}

impl Place {
    /// How good the place is as an anchor: length of the shortest text first, then fewer texts.
    fn worth(&self) -> (usize, usize) {
        let shortest = self.texts.iter().map(Vec::len).min().unwrap_or(0);
        (shortest.min(ENOUGH), usize::MAX - self.texts.len())
    }

    fn is_usable(&self) -> bool {
        self.before <= MAX_LEAD
            && self.texts.len() <= MAX_TEXTS
            && self.texts.iter().all(|text| text.len() >= LEAST)
    }
}

fn best(hir: &Hir, before: usize) -> Option<Place> {
    if let Some(texts) = exact(hir) {
        return Some(Place { texts, before }).filter(Place::is_usable);
    }
    match hir.kind() {
        HirKind::Capture(group) => best(&group.sub, before),
        HirKind::Repetition(repetition) if repetition.min > 0 => best(&repetition.sub, before),
        HirKind::Alternation(parts) => {
            let places: Vec<Place> =
                parts.iter().map(|part| best(part, before)).collect::<Option<_>>()?;
            let before = places.iter().map(|place| place.before).max()?;
            let texts = places.into_iter().flat_map(|place| place.texts).collect();
            Some(Place { texts, before }).filter(Place::is_usable)
        }
        HirKind::Concat(parts) => {
            let places = stretches(parts, before).into_iter().filter_map(|stretch| match stretch {
                Stretch::Texts(texts, before) => {
                    Some(Place { texts, before }).filter(Place::is_usable)
                }
                Stretch::Part(part, before) => best(part, before),
            });
            places.max_by_key(Place::worth)
        }
        _ => None,
    }
}

/// Part of a concatenation, with the most bytes before it: either a few possible texts, or anything
/// else.
enum Stretch<'h> {
    Texts(Texts, usize),
    Part(&'h Hir, usize),
}

/// The stretches at a known distance from the start. After a part without a longest match, the
/// distance is unknown.
fn stretches(parts: &[Hir], mut before: usize) -> Vec<Stretch<'_>> {
    let mut stretches = Vec::new();
    let mut open: Option<(Texts, usize)> = None;
    for part in parts {
        match exact(part) {
            Some(texts) => {
                let (so_far, start) =
                    open.take().unwrap_or_else(|| (Texts::from([Vec::new()]), before));
                open = match product(&so_far, &texts) {
                    Some(both) => Some((both, start)),
                    None => {
                        stretches.push(Stretch::Texts(so_far, start));
                        Some((texts, before))
                    }
                };
            }
            None => {
                stretches.extend(open.take().map(|(texts, start)| Stretch::Texts(texts, start)));
                stretches.push(Stretch::Part(part, before));
            }
        }
        let Some(longest) = part.properties().maximum_len() else { return stretches };
        before += longest;
    }
    stretches.extend(open.map(|(texts, start)| Stretch::Texts(texts, start)));
    stretches
}

/// All texts that the expression matches, in lower case, if they are few.
fn exact(hir: &Hir) -> Option<Texts> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(Texts::from([Vec::new()])),
        HirKind::Literal(literal) => Some(Texts::from([literal.0.to_ascii_lowercase()])),
        HirKind::Class(Class::Bytes(class)) => {
            let bytes = class.iter().flat_map(|range| range.start()..=range.end());
            let letters: Texts = bytes.map(|byte| vec![byte.to_ascii_lowercase()]).collect();
            Some(letters).filter(|letters| letters.len() <= MAX_LETTERS)
        }
        HirKind::Class(Class::Unicode(_)) => None,
        HirKind::Capture(group) => exact(&group.sub),
        HirKind::Repetition(repetition) => match (repetition.min, repetition.max) {
            (0, Some(1)) => {
                exact(&repetition.sub).map(|texts| texts.into_iter().chain([Vec::new()]).collect())
            }
            (least, Some(most)) if least == most && most <= MAX_TIMES => {
                let once = exact(&repetition.sub)?;
                (1..most).try_fold(once.clone(), |texts, _| product(&texts, &once))
            }
            _ => None,
        },
        HirKind::Alternation(parts) => {
            let all: Vec<Texts> = parts.iter().map(exact).collect::<Option<_>>()?;
            Some(all.into_iter().flatten().collect::<Texts>())
                .filter(|texts| texts.len() <= MAX_TEXTS)
        }
        HirKind::Concat(parts) => parts
            .iter()
            .try_fold(Texts::from([Vec::new()]), |texts, part| product(&texts, &exact(part)?)),
    }
}

/// Each text of `left` followed by each of `right`, if they are few.
fn product(left: &Texts, right: &Texts) -> Option<Texts> {
    if left.len() * right.len() > MAX_TEXTS {
        return None;
    }
    Some(
        left.iter()
            .flat_map(|left| right.iter().map(|right| [&left[..], right].concat()))
            .collect(),
    )
}

/// The most bytes before a word, if every match contains one.
fn lead(hir: &Hir, words: &[String]) -> Option<usize> {
    if let Some(texts) = exact(hir) {
        return lead_in(&texts, words);
    }
    match hir.kind() {
        HirKind::Capture(group) => lead(&group.sub, words),
        HirKind::Repetition(repetition) if repetition.min > 0 => lead(&repetition.sub, words),
        HirKind::Alternation(parts) => {
            let leads: Option<Vec<usize>> = parts.iter().map(|part| lead(part, words)).collect();
            leads?.into_iter().max()
        }
        HirKind::Concat(parts) => {
            stretches(parts, 0).into_iter().find_map(|stretch| match stretch {
                Stretch::Texts(texts, before) => lead_in(&texts, words).map(|lead| before + lead),
                Stretch::Part(part, before) => lead(part, words).map(|lead| before + lead),
            })
        }
        _ => None,
    }
}

fn lead_in(texts: &Texts, words: &[String]) -> Option<usize> {
    let leads: Option<Vec<usize>> = texts
        .iter()
        .map(|text| {
            words.iter().filter_map(|word| memchr::memmem::find(text, word.as_bytes())).min()
        })
        .collect();
    leads?.into_iter().max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::pattern::Pattern;

    fn derived(pattern: &str) -> Vec<String> {
        derive(&Pattern::new(pattern).hir().expect("it parses")).unwrap_or_default()
    }

    #[test]
    fn the_longest_literal_near_the_start_is_the_anchor() {
        assert_eq!(
            derived("[a-z]{0,50} (?i:acme_token) [=:] ([0-9]{8})"),
            ["acme_token:", "acme_token="]
        );
        assert_eq!(derived("(?: ghp | gho ) _ [a-z]{36}"), ["gho_", "ghp_"]);
        assert_eq!(derived("gh [pous] _ [a-z]{36}"), ["gho_", "ghp_", "ghs_", "ghu_"]);
        assert_eq!(derived("[a-z]+ acme_"), [""; 0], "nothing bounds what stands before");
        assert_eq!(derived("[a-z]{200} acme_"), [""; 0]);
        assert_eq!(derived("(?: abc | [0-9]{9} )"), [""; 0], "one alternative has none");
    }

    #[test]
    fn a_keyword_far_behind_the_start_is_out_of_reach() {
        let hir = |pattern: &str| Pattern::new(pattern).hir().expect("it parses");
        assert!(is_in_reach(&hir("(?i) [a-z]{0,50} acme [0-9]{9}"), &["acme".to_owned()]));
        assert!(!is_in_reach(&hir("(?i) [a-z]{0,200} acme [0-9]{9}"), &["acme".to_owned()]));
    }
}
