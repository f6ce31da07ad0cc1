//! File and entry names in manifests, reports and messages, with the findings in them replaced.
//!
//! A file `alice@example.com.log` keeps its name on disk, where everyone who can read it has access
//! to it anyway. Manifests and reports are passed on, so there it is called `REDACTED-email.log#`
//! plus digits of the name's digest, which distinguish it from others.

use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use crate::{
    scrub::{Outcome, Scrubber},
    tally::Tally,
};

/// How many digits of the digest distinguish names.
const DIGITS: usize = 16;

/// The most endings of a name, as in `app.log.1.gz`.
const MOST_ENDINGS: usize = 4;

/// Whether a byte separates words of a name.
fn is_edge(byte: &u8) -> bool {
    b"/ :!,\"'".contains(byte)
}

/// Scrubs names.
pub(crate) struct Names {
    scrubber: Scrubber,
}

impl Names {
    pub(crate) fn new(scrubber: &Scrubber) -> Names {
        Names { scrubber: scrubber.fork() }
    }

    /// The name of a file in the manifest. A path that is not UTF-8 is written in hexadecimal
    /// behind `hex:`.
    pub(crate) fn of(&mut self, path: &Path) -> String {
        let bytes = path.as_os_str().as_bytes();
        let clean = self.clean(bytes);
        if clean != bytes {
            let digest = blake3::hash(bytes).to_hex();
            return format!("{}#{}", clean.escape_ascii(), &digest[..DIGITS]);
        }
        match path.to_str() {
            Some(text) if !text.starts_with("hex:") => text.to_owned(),
            _ => bytes.iter().fold("hex:".to_owned(), |text, byte| format!("{text}{byte:02x}")),
        }
    }

    /// A name for messages and reports, which is not used to find the file.
    pub(crate) fn shown(&mut self, name: &[u8]) -> String {
        let clean = self.clean(name);
        std::str::from_utf8(&clean).map_or_else(|_| clean.escape_ascii().to_string(), str::to_owned)
    }

    /// Returns and resets the tally.
    pub(super) fn take_tally(&mut self) -> Tally {
        std::mem::take(self.scrubber.tally_mut())
    }

    /// Scrubs the name as a whole, then each word without its endings: the `log` in
    /// `alice@example.com.log` is not part of the domain.
    pub(super) fn clean(&mut self, name: &[u8]) -> Vec<u8> {
        if self.is_clean(&[name]) {
            return name.to_vec();
        }
        let whole = self.scrubbed(name);
        let mut clean = Vec::with_capacity(whole.len());
        for word in whole.split_inclusive(is_edge) {
            let edge = usize::from(word.last().is_some_and(is_edge));
            let (word, edge) = word.split_at(word.len() - edge);
            clean.extend_from_slice(&self.without_endings(word));
            clean.extend_from_slice(edge);
        }
        clean
    }

    /// Whether there are no findings in any of the names. One scan for all of them, each also word
    /// by word and without its endings, on separate lines. A finding that only arises from
    /// neighbouring lines is a false alarm; the names are then scrubbed one by one.
    pub(super) fn is_clean(&mut self, names: &[&[u8]]) -> bool {
        let mut lines = Vec::new();
        for name in names {
            lines.extend_from_slice(name);
            lines.push(b'\n');
            for word in name.split(is_edge) {
                for end in memchr::memrchr_iter(b'.', word).take(MOST_ENDINGS) {
                    lines.extend_from_slice(&word[..end]);
                    lines.push(b'\n');
                }
            }
        }
        let before = self.take_tally();
        let is_clean = self.scrubbed(&lines) == lines;
        *self.scrubber.tally_mut() = before;
        is_clean
    }

    fn without_endings(&mut self, word: &[u8]) -> Vec<u8> {
        let mut end = word.len();
        for _ in 0..MOST_ENDINGS {
            let Some(dot) = memchr::memrchr(b'.', &word[..end]) else { break };
            end = dot;
            let clean = self.scrubbed(&word[..end]);
            if clean != word[..end] {
                return [&clean, &word[end..]].concat();
            }
        }
        word.to_vec()
    }

    /// Scrubs a text.
    pub(super) fn scrubbed(&mut self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let clean = match self.scrubber.scrub_block(text, &mut out) {
            Outcome::Clean => text.to_vec(),
            Outcome::Changed => out,
            Outcome::Stopped => Vec::new(),
        };
        if !self.scrubber.is_closed() {
            // A name that begins a private key must not affect the next one.
            let tally = self.take_tally();
            self.scrubber = self.scrubber.fork();
            *self.scrubber.tally_mut() = tally;
        }
        clean
    }
}

/// The path of a name in the manifest, if it was not scrubbed.
pub(super) fn path_of(name: &str) -> Option<PathBuf> {
    let Some(digits) = name.strip_prefix("hex:") else { return Some(name.into()) };
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    bytes.map(|bytes| OsString::from_vec(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{policy::Policy, rules::RuleSet};

    #[test]
    fn names_that_are_no_text_come_back_and_secrets_in_names_do_not() {
        let scrubber =
            Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
        let mut names = Names::new(&scrubber);
        for bytes in [&b"a/b.log"[..], b"caf\xe9.log", b"hex:61", b""] {
            let path = PathBuf::from(OsString::from_vec(bytes.to_vec()));
            assert_eq!(path_of(&names.of(&path)), Some(path));
        }
        let (one, other) = (
            names.of(Path::new("m/bob@example.com.log")),
            names.of(Path::new("m/eve@example.com.log")),
        );
        assert!(
            one.starts_with("m/REDACTED-email.log#")
                && other.starts_with("m/REDACTED-email.log#")
                && one != other,
            "{one}"
        );
        assert_eq!(names.shown(b"to bob@example.com, 1"), "to REDACTED-email, 1");
        names.of(Path::new("-----BEGIN RSA PRIVATE KEY-----"));
        assert_eq!(names.of(Path::new("plain.log")), "plain.log");
    }
}
