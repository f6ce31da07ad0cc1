//! New paths for archive entries whose names contain findings.
//!
//! A path is renamed component by component, and each renaming is remembered by the path up to the
//! component. Files of a renamed directory therefore stay together, and links follow their targets
//! in either order. Different entries that would get the same path are distinguished by a number:
//! `REDACTED-email-2.log`. Entries that had the same path keep that. Paths without findings stay
//! unchanged, unless an earlier entry was given that path.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    io,
};

use super::{
    limits::refuse,
    metadata::{MetadataScrubber, NO_NAME},
};

/// The most renamed components of one archive. Bounds the memory.
const MOST_RENAMED: usize = 1 << 18;

/// The most paths without findings that are remembered, so that no renamed path collides with them.
const MOST_KEPT: usize = 1 << 19;

#[derive(Default)]
pub(super) struct Renames {
    /// The new last component of a path, by the old path.
    new: HashMap<Vec<u8>, Vec<u8>>,
    /// Digests of paths in use, with the digest of their old path.
    taken: HashMap<u64, u64>,
    /// The number to try next for a path in use.
    next: HashMap<u64, u64>,
}

/// The components of a path while it is renamed.
#[derive(Default)]
struct PathWalk {
    /// Old and new components, without empty ones and `.`.
    old: Vec<Vec<u8>>,
    new: Vec<Vec<u8>>,
}

impl PathWalk {
    fn push(&mut self, old: &[u8], new: Vec<u8>) {
        self.old.push(old.to_vec());
        self.new.push(new);
    }

    fn pop(&mut self) -> bool {
        self.new.pop();
        self.old.pop().is_some()
    }
}

fn digest(path: &[Vec<u8>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

fn is_no_step(component: &[u8]) -> bool {
    matches!(component, b"" | b".")
}

fn components(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/')
        .filter(|component| !is_no_step(component))
        .map(<[u8]>::to_vec)
        .collect()
}

impl Renames {
    /// Reserves a path if it has no findings, so that no other entry gets it. Returns whether it
    /// was reserved.
    pub(super) fn keep(&mut self, texts: &mut MetadataScrubber, path: &[u8]) -> bool {
        if texts.name_again(path).is_some() {
            return false;
        }
        let digest = digest(&components(path));
        self.taken.entry(digest).or_insert(digest);
        true
    }

    /// Renames the path of an entry. `None` if it is unchanged.
    pub(super) fn entry(
        &mut self,
        texts: &mut MetadataScrubber,
        path: &[u8],
    ) -> io::Result<Option<Vec<u8>>> {
        let is_clean = texts.name(path).is_none();
        if is_clean && self.new.is_empty() {
            // Nothing was renamed so far, so there is no collision.
            let digest = digest(&components(path));
            self.take(digest, digest);
            return Ok(None);
        }
        let new = self.renamed(texts, path, true)?;
        Ok((new != path).then_some(new))
    }

    /// Renames the target of a hard link, which is the path of an entry.
    pub(super) fn hard_link(
        &mut self,
        texts: &mut MetadataScrubber,
        target: &[u8],
    ) -> io::Result<Option<Vec<u8>>> {
        if texts.name(target).is_none() && self.new.is_empty() {
            return Ok(None);
        }
        let new = self.renamed(texts, target, false)?;
        Ok((new != target).then_some(new))
    }

    /// Renames the target of a symbolic link at `path`. A target outside the archive is only
    /// scrubbed.
    pub(super) fn symbolic_link(
        &mut self,
        texts: &mut MetadataScrubber,
        path: &[u8],
        target: &[u8],
    ) -> io::Result<Option<Vec<u8>>> {
        if texts.name(target).is_none() && self.new.is_empty() {
            return Ok(None);
        }
        let mut walk = PathWalk::default();
        let folder = components(path);
        for component in &folder[..folder.len().saturating_sub(1)] {
            let new = self.component(texts, &walk, component, true)?;
            walk.push(component, new);
        }
        let mut is_outside = target.starts_with(b"/");
        let mut new = Vec::new();
        for (index, component) in target.split(|byte| *byte == b'/').enumerate() {
            if index > 0 {
                new.push(b'/');
            }
            if is_no_step(component) || component == b".." {
                is_outside |= component == b".." && !walk.pop();
                new.extend_from_slice(component);
            } else if is_outside {
                new.extend_from_slice(
                    &texts.name_again(component).map_or_else(|| component.to_vec(), usable),
                );
            } else {
                let becomes = self.component(texts, &walk, component, true)?;
                new.extend_from_slice(&becomes);
                walk.push(component, becomes);
            }
        }
        if texts.name_again(&new).is_some() {
            new = NO_NAME.to_vec();
        }
        Ok((new != target).then_some(new))
    }

    /// The new path. With `is_entry`, the last component is reserved even without findings.
    fn renamed(
        &mut self,
        texts: &mut MetadataScrubber,
        path: &[u8],
        is_entry: bool,
    ) -> io::Result<Vec<u8>> {
        let whole = components(path);
        if let Some(new) = self.new.get(&key(&whole, None)) {
            return Ok(new.clone());
        }
        let mut walk = PathWalk::default();
        let mut new = Vec::new();
        for (index, component) in path.split(|byte| *byte == b'/').enumerate() {
            if index > 0 {
                new.push(b'/');
            }
            if is_no_step(component) {
                new.extend_from_slice(component);
                continue;
            }
            let is_last = walk.old.len() + 1 == whole.len();
            let becomes = self.component(texts, &walk, component, is_entry || !is_last)?;
            new.extend_from_slice(&becomes);
            walk.push(component, becomes);
        }
        if texts.name_again(&new).is_none() {
            return Ok(new);
        }
        // A finding spans a slash, so no part of the path can be kept.
        let number = self.new.len() + 1;
        let mut new = [NO_NAME, format!("-{number}").as_bytes()].concat();
        if path.ends_with(b"/") {
            new.push(b'/');
        }
        self.remember(key(&whole, None), new.clone())?;
        Ok(new)
    }

    /// The new name of a component behind those in `walk`.
    fn component(
        &mut self,
        texts: &mut MetadataScrubber,
        walk: &PathWalk,
        component: &[u8],
        is_unique: bool,
    ) -> io::Result<Vec<u8>> {
        let key = key(&walk.old, Some(component));
        if let Some(new) = self.new.get(&key) {
            return Ok(new.clone());
        }
        let clean = texts.name_again(component);
        let mut old = walk.old.clone();
        old.push(component.to_vec());
        let old = digest(&old);
        let mut path = walk.new.clone();
        path.push(clean.clone().map_or_else(|| component.to_vec(), usable));
        let first = digest(&path);
        if clean.is_none() && (!is_unique || self.is_free(&path, old)) {
            if is_unique {
                self.take(first, old);
            }
            return Ok(component.to_vec());
        }
        let base = path[walk.new.len()].clone();
        while !self.is_free(&path, old) {
            let number = self.next.entry(first).or_insert(2);
            let mut numbered = numbered(&base, *number);
            if texts.name_again(&numbered).is_some() {
                numbered = [NO_NAME, format!("-{number}").as_bytes()].concat();
            }
            *number += 1;
            path[walk.new.len()] = numbered;
        }
        self.taken.insert(digest(&path), old);
        let new = path.pop().unwrap_or_default();
        self.remember(key, new.clone())?;
        Ok(new)
    }

    /// Whether a path is not in use, or in use for the same old path.
    fn is_free(&self, path: &[Vec<u8>], old: u64) -> bool {
        self.taken.get(&digest(path)).is_none_or(|by| *by == old)
    }

    /// Reserves a path, unless too many are reserved.
    fn take(&mut self, path: u64, old: u64) {
        if self.taken.len() < MOST_KEPT {
            self.taken.entry(path).or_insert(old);
        }
    }

    fn remember(&mut self, key: Vec<u8>, new: Vec<u8>) -> io::Result<()> {
        if self.new.len() >= MOST_RENAMED {
            return Err(refuse("too many names with findings in the archive"));
        }
        self.new.insert(key, new);
        Ok(())
    }
}

/// The key of a path. Paths that were replaced as a whole have a separate key.
fn key(folder: &[Vec<u8>], last: Option<&[u8]>) -> Vec<u8> {
    let mut key = folder.join(&b'/');
    match last {
        Some(last) => {
            key.push(b'/');
            key.extend_from_slice(last);
        }
        None => key.push(0),
    }
    key
}

/// Replaces a component that became empty, `.`, `..`, or more than one component.
fn usable(component: Vec<u8>) -> Vec<u8> {
    let is_usable = !is_no_step(&component)
        && component != b".."
        && !component.iter().any(|byte| b"/\0".contains(byte));
    if is_usable { component } else { NO_NAME.to_vec() }
}

/// `a.log` as `a-2.log`.
fn numbered(component: &[u8], number: u64) -> Vec<u8> {
    let dot = memchr::memrchr(b'.', component).filter(|dot| *dot > 0).unwrap_or(component.len());
    [&component[..dot], format!("-{number}").as_bytes(), &component[dot..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{policy::Policy, rules::RuleSet, scrub::Scrubber};

    #[test]
    fn paths_stay_apart_folders_together_and_links_follow() {
        let scrubber =
            Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
        let mut texts = MetadataScrubber::new(&scrubber);
        let mut renames = Renames::default();
        let mut entry = |path: &str| {
            let new = renames.entry(&mut texts, path.as_bytes()).expect("there are few");
            new.map_or_else(|| path.to_owned(), |new| String::from_utf8(new).expect("it is text"))
        };
        for (path, expected) in [
            ("var/plain.log", "var/plain.log"),
            ("./home/bob@example.com/", "./home/REDACTED-email/"),
            ("home/bob@example.com/a.log", "home/REDACTED-email/a.log"),
            ("home/eve@example.com/a.log", "home/REDACTED-email-2/a.log"),
            ("home/bob@example.com/b.log", "home/REDACTED-email/b.log"),
            ("to-bob@example.com.log", "REDACTED-email.log"),
            ("eve@example.com.log", "REDACTED-email-2.log"),
            ("to-bob@example.com.log", "REDACTED-email.log"),
            // It had no finding, but its path belongs to another entry now.
            ("REDACTED-email.log", "REDACTED-email-3.log"),
            ("home/REDACTED-email-2/a.log", "home/REDACTED-email-2-2/a.log"),
            ("var/plain.log", "var/plain.log"),
        ] {
            assert_eq!(entry(path), expected, "{path}");
        }
        let mut link = |path: &str, target: &str| {
            let new = renames
                .symbolic_link(&mut texts, path.as_bytes(), target.as_bytes())
                .expect("there are few");
            new.map_or_else(|| target.to_owned(), |new| String::from_utf8(new).expect("it is text"))
        };
        for (path, target, expected) in [
            ("home/bob@example.com/link", "a.log", "a.log"),
            ("home/bob@example.com/link", "../eve@example.com/a.log", "../REDACTED-email-2/a.log"),
            ("link", "./home/eve@example.com", "./home/REDACTED-email-2"),
            ("var/link", "../REDACTED-email.log", "../REDACTED-email-3.log"),
            ("var/link", "../new@example.com.log", "../REDACTED-email-4.log"),
            ("link", "/srv/bob@example.com/x", "/srv/REDACTED-email/x"),
            ("link", "../../bob@example.com", "../../REDACTED-email"),
            ("link", "plain", "plain"),
        ] {
            assert_eq!(link(path, target), expected, "{path} {target}");
        }
        let new = renames.entry(&mut texts, b"new@example.com.log").expect("there are few");
        assert_eq!(
            new.as_deref(),
            Some(&b"REDACTED-email-4.log"[..]),
            "a link came before its target"
        );
        let hard =
            renames.hard_link(&mut texts, b"./home/eve@example.com/a.log").expect("there are few");
        assert_eq!(hard.as_deref(), Some(&b"./home/REDACTED-email-2/a.log"[..]));
    }

    #[test]
    fn whatever_the_names_paths_stay_different_and_clean() {
        let scrubber =
            Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
        let (mut texts, mut renames) = (MetadataScrubber::new(&scrubber), Renames::default());
        let mut seed = 17_u64;
        let mut random = |n: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % n
        };
        let mut given: HashMap<Vec<u8>, String> = HashMap::new();
        for _ in 0..3000 {
            let mut part = || match random(8) {
                0 => format!("user{}@example.com", random(20)),
                1 => format!("user{}@example.com.log", random(20)),
                2 => format!("password=canary{}", random(20)),
                3 => format!("REDACTED-email-{}.log", random(5)),
                4 => "REDACTED-email".to_owned(),
                _ => format!("plain{}", random(9)),
            };
            let path = format!("{}/{}/{}", part(), part(), part());
            let new = renames.entry(&mut texts, path.as_bytes()).expect("there are few");
            let new = new.unwrap_or_else(|| path.clone().into_bytes());
            assert!(texts.name_again(&new).is_none(), "{path} became {}", new.escape_ascii());
            let other = given.insert(new.clone(), path.clone());
            assert!(
                other.is_none_or(|other| other == path),
                "two paths became {}",
                new.escape_ascii()
            );
        }
    }
}
