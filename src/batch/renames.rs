//! New paths for entries of an archive whose names hold findings.
//!
//! A path is renamed component by component, and what a component became is remembered by the path
//! up to it. So the files of a renamed folder stay together, and a link leads to what its target
//! became, whether it comes before or after it. Two entries that would get one path are told apart
//! by a number: `REDACTED-email-2.log`. Two that had one path before keep that. Paths without
//! findings stay as they are, except for one that an earlier entry was given.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    io,
};

use super::{
    limits::refuse,
    metadata::{NO_NAME, Texts},
};

/// More components than this are not renamed in one archive: what is remembered of them takes
/// memory.
const MOST_RENAMED: usize = 1 << 18;

/// Paths without findings are remembered up to this number, so that a renamed one does not become
/// the same.
const MOST_KEPT: usize = 1 << 19;

#[derive(Default)]
pub(super) struct Renames {
    /// What the last component of a path became, by the path as it was.
    new: HashMap<Vec<u8>, Vec<u8>>,
    /// Digests of paths that are in use, with those of the paths that they were.
    taken: HashMap<u64, u64>,
    /// The number to try next for a path that is taken.
    next: HashMap<u64, u64>,
}

/// A path and what it becomes, while its components are walked.
#[derive(Default)]
struct Walk {
    /// Components as they were and as they become; empty ones and `.` are left out.
    old: Vec<Vec<u8>>,
    new: Vec<Vec<u8>>,
}

impl Walk {
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
    /// Keeps a path without findings from being given to another entry. Answers whether it had
    /// findings.
    pub(super) fn keep(&mut self, texts: &mut Texts, path: &[u8]) -> bool {
        if texts.name_again(path).is_some() {
            return false;
        }
        let digest = digest(&components(path));
        self.taken.entry(digest).or_insert(digest);
        true
    }

    /// The path of an entry: what it becomes, when that is something else.
    pub(super) fn entry(&mut self, texts: &mut Texts, path: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let is_clean = texts.name(path).is_none();
        if is_clean && self.new.is_empty() {
            // Nothing was renamed so far, so nothing can be in the way.
            let digest = digest(&components(path));
            self.take(digest, digest);
            return Ok(None);
        }
        let new = self.renamed(texts, path, true)?;
        Ok((new != path).then_some(new))
    }

    /// The target of a hard link, which is the path of an entry.
    pub(super) fn hard_link(
        &mut self,
        texts: &mut Texts,
        target: &[u8],
    ) -> io::Result<Option<Vec<u8>>> {
        if texts.name(target).is_none() && self.new.is_empty() {
            return Ok(None);
        }
        let new = self.renamed(texts, target, false)?;
        Ok((new != target).then_some(new))
    }

    /// The target of a symbolic link at `path`. A target outside the archive has nothing to follow:
    /// it is scrubbed.
    pub(super) fn symbolic_link(
        &mut self,
        texts: &mut Texts,
        path: &[u8],
        target: &[u8],
    ) -> io::Result<Option<Vec<u8>>> {
        if texts.name(target).is_none() && self.new.is_empty() {
            return Ok(None);
        }
        let mut walk = Walk::default();
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

    /// What a path becomes. `is_entry`: its last component is kept from other entries, even when it
    /// has no finding.
    fn renamed(&mut self, texts: &mut Texts, path: &[u8], is_entry: bool) -> io::Result<Vec<u8>> {
        let whole = components(path);
        if let Some(new) = self.new.get(&key(&whole, None)) {
            return Ok(new.clone());
        }
        let mut walk = Walk::default();
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
        // A finding reaches over a slash: nothing of the path can stay.
        let number = self.new.len() + 1;
        let mut new = [NO_NAME, format!("-{number}").as_bytes()].concat();
        if path.ends_with(b"/") {
            new.push(b'/');
        }
        self.remember(key(&whole, None), new.clone())?;
        Ok(new)
    }

    /// What a component of a path becomes, behind those in `walk`.
    fn component(
        &mut self,
        texts: &mut Texts,
        walk: &Walk,
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
        let is_free = |taken: &HashMap<u64, u64>, path: &[Vec<u8>]| {
            taken.get(&digest(path)).is_none_or(|by| *by == old)
        };
        if clean.is_none() && (!is_unique || is_free(&self.taken, &path)) {
            if is_unique {
                self.take(first, old);
            }
            return Ok(component.to_vec());
        }
        let base = path[walk.new.len()].clone();
        while !is_free(&self.taken, &path) {
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

    /// Keeps a path from other entries, as long as there is room to remember it.
    fn take(&mut self, path: u64, old: u64) {
        if self.taken.len() < MOST_KEPT {
            self.taken.entry(path).or_insert(old);
        }
    }

    fn remember(&mut self, key: Vec<u8>, new: Vec<u8>) -> io::Result<()> {
        if self.new.len() >= MOST_RENAMED {
            return Err(refuse("too many names in the archive hold findings"));
        }
        self.new.insert(key, new);
        Ok(())
    }
}

/// A path as a key; whole paths that were replaced as a whole have a key of their own.
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

/// A component that a policy left nothing of, or that has become more than one, is replaced.
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
        let mut texts = Texts::new(&scrubber);
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
            // It had no finding, and its path is another entry's now.
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
        let (mut texts, mut renames) = (Texts::new(&scrubber), Renames::default());
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
