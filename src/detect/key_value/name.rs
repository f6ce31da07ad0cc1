//! Which identifiers are keys of secrets, and what kind of value each has.
//!
//! The rules list words, or several words together (`api key`). An identifier is a key if it ends
//! with one of them. Words after that one may be neutral, make the key weak, or make it none (see
//! [`name_words`](super::name_words)); some entries also depend on the word before.

use super::{
    name_words::{IS_ABOUT, IS_NEUTRAL, IS_NOUN, IS_OTHER, IS_OWNER, WORDS, Words, word_before},
    quotes::quote_at,
};
use crate::{
    rules::{RuleId, syntax::KeysSyntax},
    text::span::Span,
};

/// How much a key says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyStrength {
    /// The value must look like a secret.
    Weak,
    /// The value must not look like anything else.
    Strong,
}

/// What kind of value a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain(KeyStrength),
    /// The name of a service, and whether a word for a key follows it.
    Service {
        is_named: bool,
    },
    /// A scheme and a credential.
    Header,
    /// A list of `name=value`.
    Cookie,
}

/// A key of a secret.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// The identifier.
    pub(super) name: Span,
    pub(super) kind: Kind,
    pub(super) rule: RuleId,
    /// Whether `-` or `--` makes it a flag of a command.
    pub(super) is_flag: bool,
    /// The quote after the identifier with its backslashes, if there is one.
    pub(super) quote: Option<Span>,
}

/// A word of a rule, or several that belong together.
struct Entry {
    kind: Kind,
    rule: RuleId,
    /// Whether it counts when letters precede it in the same word: `dbpassword`, but not `monkey`.
    is_glued: bool,
    before: Before,
}

/// What the word before an entry may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    /// `key`, `keys` and `token`: it may make them a name of something else.
    Meaning,
    /// `pass`: it may make it a password.
    Strength,
}

/// Entries that count when letters precede them in the same word.
const GLUED: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "apikey",
    "pwd",
    "secretkey",
    "accesskey",
];

impl Entry {
    /// The entry for `text`, a word of a rule in lower case without separators.
    fn new(text: &[u8], kind: Kind, rule: RuleId) -> Entry {
        let before = match text {
            b"key" | b"keys" | b"token" => Before::Meaning,
            b"pass" => Before::Strength,
            _ => Before::Nothing,
        };
        let is_glued = GLUED.iter().any(|word| text.ends_with(word.as_bytes()));
        Entry { kind, rule, is_glued, before }
    }
}

/// The words of all rules, in lower case and without separators, as a tree from their last letters:
/// one walk over the end of an identifier finds the longest entry that it ends with.
pub(super) struct Table {
    entries: Vec<Entry>,
    /// Node 0 is the root, which no edge leads to.
    nodes: Vec<Node>,
}

#[derive(Clone)]
struct Node {
    /// By letter or digit; 0 where no entry goes on.
    next: [u32; 36],
    /// One more than the number of the entry that begins here; 0 where none does.
    entry: u32,
}

impl Node {
    const EMPTY: Node = Node { next: [0; 36], entry: 0 };
}

/// An entry that an identifier ends with, and where it begins.
#[derive(Clone, Copy)]
struct Found<'t> {
    entry: &'t Entry,
    start: usize,
}

/// What the words after an entry say.
#[derive(Clone, Copy, Default)]
struct Behind {
    /// Some word is not known to be neutral.
    is_doubtful: bool,
    is_hash: bool,
    /// Some word is not one for a key.
    is_other: bool,
}

impl Table {
    pub(super) fn new<'r>(rules: impl Iterator<Item = (RuleId, &'r KeysSyntax)>) -> Table {
        let mut table = Table { entries: Vec::new(), nodes: vec![Node::EMPTY] };
        for (rule, keys) in rules {
            let kinds = [
                (&keys.strong, Kind::Plain(KeyStrength::Strong)),
                (&keys.weak, Kind::Plain(KeyStrength::Weak)),
                (&keys.service, Kind::Service { is_named: false }),
                (&keys.header, Kind::Header),
                (&keys.cookie, Kind::Cookie),
            ];
            for (words, kind) in kinds {
                words.iter().for_each(|word| table.insert(word, kind, rule));
            }
        }
        table
    }

    /// If two rules name the same word, the first one has it.
    fn insert(&mut self, word: &str, kind: Kind, rule: RuleId) {
        let letters = word.bytes().filter(u8::is_ascii_alphanumeric);
        let text: Vec<u8> = letters.map(|byte| byte.to_ascii_lowercase()).collect();
        let mut node = 0;
        for byte in text.iter().rev() {
            let letter = usize::from(LETTERS[usize::from(*byte)]);
            if self.nodes[node].next[letter] == 0 {
                self.nodes[node].next[letter] =
                    u32::try_from(self.nodes.len()).expect("rules have fewer letters than that");
                self.nodes.push(Node::EMPTY);
            }
            node = self.nodes[node].next[letter] as usize;
        }
        if node == 0 || self.nodes[node].entry != 0 {
            return;
        }
        self.entries.push(Entry::new(&text, kind, rule));
        self.nodes[node].entry =
            u32::try_from(self.entries.len()).expect("there are fewer entries than nodes");
    }

    /// The longest entry that the words up to `end` end with.
    #[inline]
    fn entry(&self, words: Words<'_>, end: usize) -> Option<Found<'_>> {
        let mut found = None;
        let mut node = &self.nodes[0];
        for (start, byte) in words.name[..end].iter().enumerate().rev() {
            let letter = LETTERS[usize::from(*byte)];
            if letter == JOINT {
                continue;
            }
            let next = node.next[usize::from(letter)];
            if next == 0 {
                break;
            }
            node = &self.nodes[next as usize];
            if let Some(index) = node.entry.checked_sub(1) {
                let entry = &self.entries[index as usize];
                if entry.is_glued || words.begins_at(start) {
                    found = Some(Found { entry, start });
                }
            }
        }
        found
    }

    /// Whether `name` is a key, for callers that seldom ask.
    #[cold]
    #[inline(never)]
    pub(super) fn knows(&self, hay: &[u8], name: Span) -> bool {
        self.classify(hay, name).is_some()
    }

    /// The key that `name` is, if it is one. Every candidate asks this: as a call it costs 3 % of a
    /// clean block.
    #[inline(always)]
    pub(super) fn classify(&self, hay: &[u8], name: Span) -> Option<Key> {
        let words = Words::of(name.of(hay));
        let mut end = words.name.len();
        let mut behind = Behind::default();
        for _ in 0..4 {
            if let Some(found) = self.entry(words, end) {
                let kind = kind(hay, name, found, behind)?;
                return Some(key(hay, name, kind, found.entry.rule));
            }
            let last = words.last(end);
            let word = last.of(words.name);
            let lists = WORDS.lists(word);
            if lists & IS_ABOUT != 0 {
                return None;
            }
            behind.is_doubtful |= lists & IS_NEUTRAL == 0 && !word.iter().all(u8::is_ascii_digit);
            behind.is_hash |= word.eq_ignore_ascii_case(b"hash");
            behind.is_other |= lists & IS_NOUN == 0;
            if last.start == 0 {
                return None;
            }
            end = last.start;
        }
        None
    }
}

/// What kind of key `name` is, which ends with the entry and the words after it.
fn kind(hay: &[u8], name: Span, found: Found<'_>, behind: Behind) -> Option<Kind> {
    let Found { entry, start } = found;
    let words = Words::of(name.of(hay));
    if words.is_library(start) {
        return None;
    }
    let is_pass = match entry.before {
        Before::Nothing => false,
        Before::Meaning => {
            if behind.is_hash || lists_before(hay, name, start) & IS_OTHER != 0 {
                return None;
            }
            false
        }
        // Tests and players pass too. In capitals, or after an owner, it is a password.
        Before::Strength => {
            name.of(hay).iter().all(|byte| !byte.is_ascii_lowercase())
                || WORDS.lists(words.last(start).of(words.name)) & IS_OWNER != 0
        }
    };
    match entry.kind {
        Kind::Plain(_) if behind.is_doubtful => Some(Kind::Plain(KeyStrength::Weak)),
        Kind::Plain(_) if is_pass => Some(Kind::Plain(KeyStrength::Strong)),
        Kind::Service { .. } if !behind.is_other => {
            Some(Kind::Service { is_named: behind.is_doubtful })
        }
        _ if behind.is_doubtful => None,
        kind => Some(kind),
    }
}

/// The lists of the word before `start` of the name, or of the word before the whole name.
fn lists_before(hay: &[u8], name: Span, start: usize) -> u8 {
    let words = Words::of(name.of(hay));
    match start {
        0 => WORDS.lists(word_before(&hay[..name.start])),
        _ => WORDS.lists(words.last(start).of(words.name)),
    }
}

fn key(hay: &[u8], name: Span, kind: Kind, rule: RuleId) -> Key {
    let is_flag = hay[..name.start].ends_with(b"-") || hay[name.start] == b'-' && name.len() > 2;
    Key { name, kind, rule, is_flag, quote: quote_at(hay, name.end, hay.len()) }
}

/// Neither a letter nor a digit, in [`LETTERS`].
const JOINT: u8 = 36;

/// Each byte as a digit (0 to 9), a letter whatever its case (10 to 35), or [`JOINT`].
static LETTERS: [u8; 256] = letters();

const fn letters() -> [u8; 256] {
    let mut letters = [JOINT; 256];
    let mut index = 0;
    while index < 36 {
        let byte = if index < 10 { b'0' + index } else { b'a' + index - 10 };
        letters[byte as usize] = index;
        letters[byte.to_ascii_uppercase() as usize] = index;
        index += 1;
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::{
        super::name_words::{ABOUT, MAX_NAME, NEUTRAL, NOUNS, OTHER, OWNERS},
        *,
    };
    use crate::{
        detect::oracle::Numbers,
        rules::{Recogniser, RuleSet},
    };

    /// The words of a name, split from the left.
    fn words(name: &str) -> Vec<String> {
        let bytes = name.as_bytes();
        let mut words: Vec<String> = Vec::new();
        let mut is_start = true;
        for (index, byte) in bytes.iter().enumerate() {
            let before = index.checked_sub(1).map_or(b'_', |before| bytes[before]);
            let next_is_lower = bytes.get(index + 1).is_some_and(u8::is_ascii_lowercase);
            let is_hump = byte.is_ascii_uppercase()
                && (before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || before.is_ascii_uppercase() && next_is_lower);
            let is_number = byte.is_ascii_digit() && before.is_ascii_alphabetic();
            if !byte.is_ascii_alphanumeric() {
                is_start = true;
                continue;
            }
            if is_start || is_hump || is_number {
                words.push(String::new());
            }
            is_start = false;
            words
                .last_mut()
                .expect("the first letter begins a word")
                .push(char::from(byte.to_ascii_lowercase()));
        }
        words
    }

    /// What kind of key a name is, word by word and list by list.
    fn naive(rules: &RuleSet, name: &str) -> Option<(Kind, RuleId)> {
        let holds = |list: &str, word: &str| list.split(' ').any(|known| known == word);
        let mut words = words(name);
        let (mut is_doubtful, mut is_hash, mut is_other) = (false, false, false);
        for _ in 0..4 {
            if let Some((entry, kind, rule, before)) = naive_entry(rules, &words) {
                let is_bare = ["key", "keys", "token"].contains(&&*entry);
                if is_bare && (is_hash || holds(OTHER, &before)) {
                    return None;
                }
                let is_capital = !name.bytes().any(|byte| byte.is_ascii_lowercase());
                let is_pass = entry == "pass" && (is_capital || holds(OWNERS, &before));
                return match kind {
                    Kind::Plain(_) if is_pass && !is_doubtful => {
                        Some((Kind::Plain(KeyStrength::Strong), rule))
                    }
                    Kind::Plain(_) if is_doubtful => Some((Kind::Plain(KeyStrength::Weak), rule)),
                    Kind::Service { .. } if !is_other => {
                        Some((Kind::Service { is_named: is_doubtful }, rule))
                    }
                    _ if is_doubtful => None,
                    kind => Some((kind, rule)),
                };
            }
            let last = words.pop()?;
            if holds(ABOUT, &last) {
                return None;
            }
            is_doubtful |=
                !holds(NEUTRAL, &last) && !last.bytes().all(|byte| byte.is_ascii_digit());
            is_hash |= last == "hash";
            is_other |= !holds(NOUNS, &last);
        }
        None
    }

    /// The longest entry that the words end with, and the word before it.
    fn naive_entry(rules: &RuleSet, words: &[String]) -> Option<(String, Kind, RuleId, String)> {
        const GLUED: &str =
            "password passwd passphrase passcode secret token apikey pwd secretkey accesskey";
        let mut found: Option<(String, Kind, RuleId, String)> = None;
        let text = words.concat();
        for (rule, keys) in rules.iter().filter_map(|(rule, it)| match &it.recogniser {
            Recogniser::Assign(keys) => Some((rule, keys)),
            _ => None,
        }) {
            let kinds = [
                (&keys.strong, Kind::Plain(KeyStrength::Strong)),
                (&keys.weak, Kind::Plain(KeyStrength::Weak)),
                (&keys.service, Kind::Service { is_named: false }),
                (&keys.header, Kind::Header),
                (&keys.cookie, Kind::Cookie),
            ];
            for (entry, kind) in
                kinds.iter().flat_map(|(list, kind)| list.iter().map(move |entry| (entry, *kind)))
            {
                let entry: String = entry.chars().filter(char::is_ascii_alphanumeric).collect();
                let Some(before) = text.strip_suffix(&*entry) else { continue };
                let begins = (0..words.len())
                    .find(|n_words| words[..*n_words].concat().len() == before.len());
                let is_glued = GLUED.split(' ').any(|word| entry.ends_with(word));
                let is_longer =
                    found.as_ref().is_none_or(|(longest, ..)| entry.len() > longest.len());
                if (begins.is_some() || is_glued) && is_longer {
                    let whole = (0..words.len())
                        .rev()
                        .find(|n_words| words[..*n_words].concat().len() < before.len());
                    let word =
                        whole.map_or("", |n_words| &before[words[..n_words].concat().len()..]);
                    let word = word.to_owned();
                    found = Some((entry, kind, rule, word));
                }
            }
        }
        found
    }

    #[test]
    fn a_walk_from_behind_classifies_as_words_and_lists_do() {
        let rules = RuleSet::embedded();
        let table = Table::new(rules.iter().filter_map(|(id, rule)| match &rule.recogniser {
            Recogniser::Assign(keys) => Some((id, keys)),
            _ => None,
        }));
        const KEYS: &str = "password pass key keys token secret auth api access client \
            authorization cookie set id pwd pw passphrase secretkey db jsessionid signature creds \
            bearer otp private account x 1 22 http miro clockify hash";
        let lists: Vec<Vec<&str>> = [KEYS, KEYS, ABOUT, NEUTRAL, OTHER, OWNERS]
            .map(|list| list.split(' ').collect())
            .into();
        let mut numbers = Numbers(3);
        let mut n_keys = 0;
        for _ in 0..20_000 {
            let mut name = String::new();
            for _ in 0..=numbers.below(4) {
                let list = &lists[numbers.below(lists.len())];
                let word = list[numbers.below(list.len())];
                let (first, rest) = word.split_at(1);
                match numbers.below(6) {
                    0 => name.push_str(word),
                    1 => name.push_str(&word.to_ascii_uppercase()),
                    2 | 3 => name.push_str(&(first.to_ascii_uppercase() + rest)),
                    _ => {
                        name.push_str(&format!("{}{word}", ["_", "-", ".", "__"][numbers.below(4)]))
                    }
                }
            }
            name.truncate(MAX_NAME);
            let all = Span::new(0, name.len());
            let key = table.classify(name.as_bytes(), all);
            let expected = naive(&rules, &name);
            assert_eq!(key.map(|key| (key.kind, key.rule)), expected, "{name}");
            n_keys += usize::from(expected.is_some());
        }
        assert!(n_keys > 2000, "{n_keys} keys");
    }
}
