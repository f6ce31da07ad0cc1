//! Which identifier is a secret's key.
//!
//! The identifier around a candidate is split into words (snake, kebab, camel, dotted); its last
//! words decide. A key that only contains a secret's word is none: `token_count`,
//! `passwordResetRequired`, `secretary`, `public_key`.

use super::quotes::quote_at;
use crate::{
    detect::{
        byte_class, edge,
        words::{MAX_WORD, WordTable},
    },
    rules::{RuleId, syntax::KeysSyntax},
    text::span::Span,
};

/// An identifier is judged by its last so many bytes.
const MAX_NAME: usize = 80;

/// Last words that say the value is something about the secret, not the secret.
const ABOUT: &str = "age alg algorithm at attempt attempts authority board bytes change changed class cols column columns config configs count \
    created date dir directory down enabled disabled encoding endpoint error errors exchange exists exp expire expired expires expiration expiry \
    fail failed failure field fields file filename files flow fingerprint folder form format generator handler header headers help \
    hint history host id identifier ids index info input invalid issuer json label len length level limit limits link list location \
    manager map max message method min missing mode name names namespace needed note ok option options page param params path paths \
    pattern placeholder policy port prefix present prompt protocol provider ref refs regex regexp registry released required requirements \
    reset result ring role rotation rule rules scope scopes server service set size source space spec state status store strength \
    success suffix sum table template time timeout timestamp title total ttl type types updated uri url usage used valid \
    validation validator validity verified version visible warning word words";

/// Last words that leave the key what it was: `api_key_prod`, `password_confirmation`,
/// `secret_string`.
const NEUTRAL: &str = "again b64 base base64 base64encoded confirm confirmation confirmed current data decoded default dev development encoded \
    hash live local main master new old orig original plain plaintext primary prod production qa raw real repeat sandbox secondary \
    staging str string test text v val value verification verify x y";

/// Words before `key` or `token` that make it a name of something else.
const OTHER: &str = "arrow bucket cache candidate chart column composite config context continuation control csv data dedup dedupe \
    dict distribution duplicate entity escape event feature field foreign function group hash header host hot i18n idempotency index \
    item join json lang language lexer locale lookup map max message meta metadata metric missing modifier name next num object page \
    pagination parse parser partition physical press prompt pub public query range record redis registry reserved resource \
    resume route routing row s3 search shard shift shortcut sort sorted storage stream string sub sync tab tag tags topic total \
    translation turn uniq unique unknown update xml";

/// Words before `pass` that make it a password.
const OWNERS: &str = "account admin app auth cert client connection database db default dev email ftp imap ldap login mail my mysql owner \
    pg postgres prod proxy rabbitmq redis root server service smtp sql ssh sudo test user vpn wifi wp your";

/// Words for a key, behind the name of a service: `miroSECRET`, `ACME_API`.
const NOUNS: &str = "access api auth code key pat private secret token";

const IS_ABOUT: u8 = 1;
const IS_NEUTRAL: u8 = 2;
const IS_OTHER: u8 = 4;
const IS_OWNER: u8 = 8;
const IS_NOUN: u8 = 16;

/// One look says all that a word is.
static WORDS: WordTable<1024> = WordTable::new(&[
    (IS_ABOUT, ABOUT),
    (IS_NEUTRAL, NEUTRAL),
    (IS_OTHER, OTHER),
    (IS_OWNER, OWNERS),
    (IS_NOUN, NOUNS),
]);

/// Whether `word` is one for a key.
pub(super) fn is_noun(word: &[u8]) -> bool {
    WORDS.holds(IS_NOUN, word)
}

/// Whether the member `name` of an object holds the value of the object's own key, or a part of it:
/// `value`, `data`, `token`, a number; not `id` and not `user`.
pub(super) fn names_value(name: &[u8]) -> bool {
    let words = Words::of(name);
    let last = words.last(words.name.len()).of(words.name);
    let lists = WORDS.lists(last);
    let is_number = !last.is_empty() && last.iter().all(u8::is_ascii_digit);
    lists & IS_ABOUT == 0 && (lists & (IS_NEUTRAL | IS_NOUN) != 0 || is_number)
}

/// Whether `word` says whose password it is: `db`, `user`, `admin`, and what `api` and `secret` are
/// for a key.
pub(super) fn is_owner(word: &[u8]) -> bool {
    WORDS.holds(IS_OWNER | IS_NOUN, word)
}

/// How much a key says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyStrength {
    /// The value must look like a secret.
    Weak,
    /// The value must not look like anything else.
    Strong,
}

/// What kind of value a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain(KeyStrength),
    /// A service by its name, and whether a word for a key stands behind it.
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
    /// The quote behind the identifier with its backslashes, when there is one.
    pub(super) quote: Option<Span>,
}

/// A word of a rule, or several that stand together.
struct Entry {
    kind: Kind,
    rule: RuleId,
    /// Whether it counts when letters are glued to its left: `dbpassword`, but not `monkey`.
    is_glued: bool,
    /// What must be asked of the word before it.
    special: Special,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Special {
    No,
    /// `key`, `keys` and `token`: a word before them may make them a name of something else.
    Bare,
    /// `pass`: a word before it may make it a password.
    Pass,
}

/// The words of all assign rules, in lower case and without separators, as a tree that is walked
/// from their last letters: one walk over the end of an identifier finds the longest that it ends
/// with.
pub(super) struct Table {
    entries: Vec<Entry>,
    /// Node 0 is the root, which no edge leads to.
    nodes: Vec<Node>,
}

#[derive(Clone)]
struct Node {
    /// By letter or digit; 0 where no word goes on so.
    next: [u32; 36],
    /// One more than the number of the entry that begins here; 0 where none does.
    entry: u32,
}

impl Table {
    pub(super) fn new<'r>(rules: impl Iterator<Item = (RuleId, &'r KeysSyntax)>) -> Table {
        let mut table =
            Table { entries: Vec::new(), nodes: vec![Node { next: [0; 36], entry: 0 }] };
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

    /// Of two rules that name the same word the first has it.
    fn insert(&mut self, word: &str, kind: Kind, rule: RuleId) {
        let text: Vec<u8> = word
            .bytes()
            .filter(u8::is_ascii_alphanumeric)
            .map(|byte| byte.to_ascii_lowercase())
            .collect();
        let mut node = 0;
        for byte in text.iter().rev() {
            let letter = usize::from(LETTERS[usize::from(*byte)]);
            if self.nodes[node].next[letter] == 0 {
                self.nodes[node].next[letter] = u32::try_from(self.nodes.len())
                    .expect("the words of the rules have fewer than four thousand million letters");
                self.nodes.push(Node { next: [0; 36], entry: 0 });
            }
            node = self.nodes[node].next[letter] as usize;
        }
        if node == 0 || self.nodes[node].entry != 0 {
            return;
        }
        let glued = [
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
        let special = match &*text {
            b"key" | b"keys" | b"token" => Special::Bare,
            b"pass" => Special::Pass,
            _ => Special::No,
        };
        let is_glued = glued.iter().any(|word| text.ends_with(word.as_bytes()));
        self.entries.push(Entry { kind, rule, is_glued, special });
        self.nodes[node].entry =
            u32::try_from(self.entries.len()).expect("there are fewer entries than nodes");
    }

    /// The longest entry that the words up to `end` end with, and where it begins.
    #[inline]
    fn entry(&self, words: Words<'_>, end: usize) -> Option<(&Entry, usize)> {
        let mut found = None;
        let mut node = &self.nodes[0];
        for (at, byte) in words.name[..end].iter().enumerate().rev() {
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
                if entry.is_glued || words.begins_at(at) {
                    found = Some((entry, at));
                }
            }
        }
        found
    }

    /// Whether `name` is a key, for whoever asks seldom.
    #[cold]
    #[inline(never)]
    pub(super) fn knows(&self, hay: &[u8], name: Span) -> bool {
        self.classify(hay, name).is_some()
    }

    /// The key that `name` is, if it is one. Every candidate asks it: as a call it costs 3 % of a
    /// clean block.
    #[inline(always)]
    pub(super) fn classify(&self, hay: &[u8], name: Span) -> Option<Key> {
        let words = Words::of(name.of(hay));
        let mut end = words.name.len();
        let mut behind = Behind::default();
        for _ in 0..4 {
            if let Some((entry, start)) = self.entry(words, end) {
                return self.accept(hay, name, words, entry, start, behind);
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

    fn accept(
        &self,
        hay: &[u8],
        name: Span,
        words: Words<'_>,
        entry: &Entry,
        start: usize,
        behind: Behind,
    ) -> Option<Key> {
        let before = || WORDS.lists(words.last(start).of(words.name));
        let is_other = || match start {
            0 => WORDS.lists(word_before(&hay[..name.start])) & IS_OTHER != 0,
            _ => before() & IS_OTHER != 0,
        };
        // The hash of a key is none, and `libpassword0` no password.
        if entry.special == Special::Bare && (behind.is_hash || is_other())
            || words.is_library(start)
        {
            return None;
        }
        // `pass` alone is also what tests and players do; in capitals, or behind another word, it
        // is a password.
        let is_capital = || name.of(hay).iter().all(|byte| !byte.is_ascii_lowercase());
        let is_pass = entry.special == Special::Pass && (is_capital() || before() & IS_OWNER != 0);
        let kind = match entry.kind {
            Kind::Plain(_) if is_pass && !behind.is_doubtful => Kind::Plain(KeyStrength::Strong),
            Kind::Plain(_) if behind.is_doubtful => Kind::Plain(KeyStrength::Weak),
            Kind::Service { .. } if !behind.is_other => {
                Kind::Service { is_named: behind.is_doubtful }
            }
            _ if behind.is_doubtful => return None,
            kind => kind,
        };
        let is_flag =
            hay[..name.start].ends_with(b"-") || hay[name.start] == b'-' && name.len() > 2;
        Some(Key {
            name,
            kind,
            rule: entry.rule,
            is_flag,
            quote: quote_at(hay, name.end, hay.len()),
        })
    }
}

/// What the words behind an entry say.
#[derive(Clone, Copy, Default)]
struct Behind {
    /// Some word is not known to change nothing.
    is_doubtful: bool,
    is_hash: bool,
    /// Some word is no word for a key.
    is_other: bool,
}

/// The word before a key that stands alone: `public key: …`.
fn word_before(before: &[u8]) -> &[u8] {
    let Some((b' ', before)) = before.split_last() else { return b"" };
    &before[before.len()
        - byte_class::run_back(
            &before[before.len().saturating_sub(MAX_WORD)..],
            byte_class::ALPHA,
        )..]
}

/// What is neither a letter nor a digit, in [`LETTERS`].
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

/// The identifier around the anchor: letters, digits, `_`, and `-` and `.` between them.
#[inline]
pub(super) fn identifier(hay: &[u8], anchor: Span) -> Option<Span> {
    const IDENTIFIER: u64 = byte_class::ALNUM | byte_class::JOINT;
    let floor = anchor.start.saturating_sub(MAX_NAME);
    let mut start = anchor.start - byte_class::run_back(&hay[floor..anchor.start], IDENTIFIER);
    if start > floor && byte_class::is(hay[start - 1], byte_class::ESCAPE) {
        start = behind_escape(&hay[floor..anchor.start], start - floor) + floor;
    }
    start += hay[start..anchor.start].iter().take_while(|byte| is_joint(**byte)).count();
    let ceiling = hay.len().min(anchor.end + MAX_NAME);
    let mut end = anchor.end + byte_class::run(&hay[anchor.end..ceiling], IDENTIFIER);
    // A key in kebab case may be followed by an arrow or the end of a sentence.
    while end > anchor.end && is_joint(hay[end - 1]) {
        end -= 1;
    }
    (start < end && end - start <= 2 * MAX_NAME).then(|| Span::new(start, end))
}

fn is_joint(byte: u8) -> bool {
    matches!(byte, b'-' | b'.')
}

/// An escape before the key is an edge, not the letters it is written with: where the identifier
/// that seemed to begin at `start` begins, in what stands before its anchor.
#[cold]
fn behind_escape(before: &[u8], start: usize) -> usize {
    let mut inside = (start + 1..=before.len()).rev();
    inside.find(|at| edge::escape_before(&before[..*at]).is_some()).unwrap_or(start)
}

/// Whether `name` may end with a placeholder's label, which has `REDACTED-` in it. No name of daily
/// life has such letters.
pub(super) fn may_be_label(name: &[u8]) -> bool {
    name.len() > 9 && name.windows(2).any(|pair| pair == b"D-")
}

/// An identifier as words: snake, kebab, camel, dotted. Nothing is copied; the words are found from
/// behind.
#[derive(Clone, Copy)]
struct Words<'n> {
    /// The last [`MAX_NAME`] bytes of the identifier.
    name: &'n [u8],
}

impl<'n> Words<'n> {
    fn of(name: &'n [u8]) -> Words<'n> {
        Words { name: &name[name.len().saturating_sub(MAX_NAME)..] }
    }

    /// Whether a word begins with the letter or digit at `at`: behind a separator, at a hump, or at
    /// a number behind letters.
    #[inline]
    fn begins_at(self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1).map(|before| byte_class::of(self.name[before])) else {
            return true;
        };
        let this = byte_class::of(self.name[at]);
        if before & byte_class::ALNUM == 0 {
            return true;
        }
        if this & byte_class::UPPER != 0 {
            let next_is_lower = || self.name.get(at + 1).is_some_and(u8::is_ascii_lowercase);
            return before & byte_class::UPPER == 0 || next_is_lower();
        }
        this & byte_class::DIGIT != 0 && before & byte_class::ALPHA != 0
    }

    /// Whether `lib` is glued to what begins at `start`: the name of a library.
    fn is_library(self, start: usize) -> bool {
        let before = &self.name[..start];
        before.ends_with(b"lib")
            && !before[..before.len() - 3].last().is_some_and(u8::is_ascii_alphanumeric)
    }

    /// The last word before `end`; empty where there is none, and then at the very beginning.
    #[inline]
    fn last(self, end: usize) -> Span {
        let end = end - byte_class::run_back(&self.name[..end], byte_class::JOINT);
        // Among small letters no word begins.
        let mut start = end - byte_class::run_back(&self.name[..end], byte_class::LOWER);
        if start < end && (start == 0 || !byte_class::is(self.name[start - 1], byte_class::ALNUM)) {
            return Span::new(start, end);
        }
        while start > 0 && (start == end || !self.begins_at(start)) {
            start -= 1;
        }
        Span::new(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        detect::oracle::Numbers,
        rules::{Recogniser, RuleSet},
    };

    /// The words of a name, as one would split it from the left.
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

    /// What kind of key a name is, asked word by word and list by list.
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
        const KEYS: &str = "password pass key keys token secret auth api access client authorization cookie set id pwd pw \
            passphrase secretkey db jsessionid signature creds bearer otp private account x 1 22 http miro clockify hash";
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
