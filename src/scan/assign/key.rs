//! Which identifier is a secret's key.
//!
//! The identifier around a candidate is split into words (snake, kebab, camel, dotted); its last words decide. A key that only
//! contains a secret's word is none: `token_count`, `passwordResetRequired`, `secretary`, `public_key`.

use super::Strength;
use crate::{
    rules::syntax::KeysSyntax,
    scan::{Hit, edge, words::WordSet},
    span::{RuleId, Span},
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
    success suffix sum table template text_field time timeout timestamp title total ttl type types updated uri url usage used valid \
    validation validator validity verified version visible warning word words";

/// Last words that leave the key what it was: `api_key_prod`, `password_confirmation`, `secret_string`.
const NEUTRAL: &str = "again b64 base base64 base64encoded confirm confirmation confirmed current data decoded default dev development encoded \
    hash live local main master new old orig original plain plaintext primary prod production qa raw real repeat sandbox secondary \
    staging str string test text v val value verification verify x y";

/// Words before `key` or `token` that make it a name of something else.
const OTHER: &str = "access_control arrow backup_id bucket cache candidate chart column composite config context continuation csv data dedup dedupe \
    dict distribution duplicate entity escape event feature field foreign function group hash header host hot i18n idempotency index \
    item join json lang language lexer locale lookup map max message meta metadata metric missing modifier name next num object page \
    pagination parse parser partition pem_public physical press prompt pub public query range record redis registry reserved resource \
    resume route routing row s3 search shard shift shortcut sort sorted storage stream string sub sync tab tag tags topic total \
    translation turn uniq unique unknown update xml";

/// Words before `pass` that make it a password.
const OWNERS: &str = "account admin app auth cert client connection database db default dev email ftp imap ldap login mail my mysql owner \
    pg postgres prod proxy rabbitmq redis root server service smtp sql ssh sudo test user vpn wifi wp your";

/// What kind of value a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain(Strength),
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

struct Entry {
    /// Lower case, without separators.
    text: Box<[u8]>,
    kind: Kind,
    rule: RuleId,
    /// Whether it counts when letters are glued to its left: `dbpassword`, but not `monkey`.
    is_glued: bool,
}

/// The words of all assign rules, and those that say what a key is about.
pub(super) struct Table {
    /// By their last two letters, the longest first.
    entries: Vec<Entry>,
    about: WordSet,
    neutral: WordSet,
    other: WordSet,
    owners: WordSet,
}

impl Table {
    pub(super) fn new<'r>(rules: impl Iterator<Item = (RuleId, &'r KeysSyntax)>) -> Table {
        let mut entries = Vec::new();
        for (rule, keys) in rules {
            let kinds = [
                (&keys.strong, Kind::Plain(Strength::Strong)),
                (&keys.weak, Kind::Plain(Strength::Weak)),
                (&keys.header, Kind::Header),
                (&keys.cookie, Kind::Cookie),
            ];
            for (words, kind) in kinds {
                entries.extend(words.iter().map(|word| entry(word, kind, rule)));
            }
        }
        // The longest entry decides: `secret access key` before `key`.
        entries.sort_by_key(|entry| (last_two(&entry.text), std::cmp::Reverse(entry.text.len())));
        let [about, neutral, other, owners] = [ABOUT, NEUTRAL, OTHER, OWNERS].map(WordSet::new);
        Table { entries, about, neutral, other, owners }
    }

    /// The longest entry that the words end with.
    fn entry(&self, words: &Words) -> Option<&Entry> {
        let ending = last_two(words.text());
        let first = self.entries.partition_point(|entry| last_two(&entry.text) < ending);
        let alike = self.entries[first..].iter().take_while(|entry| last_two(&entry.text) == ending);
        alike.into_iter().find(|entry| words.end_with(entry))
    }

    /// The key that `name` is, if it is one.
    pub(super) fn classify(&self, hit: &Hit<'_>, name: Span) -> Option<Key> {
        let mut words = Words::split(name.of(hit.hay));
        let mut is_doubtful = false;
        for _ in 0..4 {
            if let Some(entry) = self.entry(&words) {
                return self.accept(hit, name, &words, entry, is_doubtful);
            }
            let last = words.last();
            if self.about.holds(last) {
                return None;
            }
            is_doubtful |= !self.neutral.holds(last) && !last.iter().all(u8::is_ascii_digit);
            if !words.pop() {
                return None;
            }
        }
        None
    }

    fn accept(&self, hit: &Hit<'_>, name: Span, words: &Words, entry: &Entry, is_doubtful: bool) -> Option<Key> {
        let is_bare = &*entry.text == b"key" || &*entry.text == b"token" || &*entry.text == b"keys";
        if is_bare && self.other.holds(words.before(entry.text.len())) {
            return None;
        }
        // `pass` alone is also what tests and players do; in capitals, or behind another word, it is a password.
        let is_capital = name.of(hit.hay).iter().all(|byte| !byte.is_ascii_lowercase());
        let is_pass = &*entry.text == b"pass" && (is_capital || self.owners.holds(words.before(4)));
        let kind = match entry.kind {
            Kind::Plain(_) if is_pass && !is_doubtful => Kind::Plain(Strength::Strong),
            Kind::Plain(_) if is_doubtful => Kind::Plain(Strength::Weak),
            _ if is_doubtful => return None,
            kind => kind,
        };
        let hay = hit.hay;
        let is_flag =
            name.start > hit.record.start && hay[name.start - 1] == b'-' || hay[name.start] == b'-' && name.len() > 2;
        Some(Key { name, kind, rule: entry.rule, is_flag, quote: quote_at(hay, name.end, hit.record.end) })
    }
}

fn entry(word: &str, kind: Kind, rule: RuleId) -> Entry {
    let text: Box<[u8]> =
        word.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()).collect();
    let glued =
        ["password", "passwd", "passphrase", "passcode", "secret", "token", "apikey", "pwd", "secretkey", "accesskey"];
    let is_glued = glued.iter().any(|word| text.ends_with(word.as_bytes()));
    Entry { text, kind, rule, is_glued }
}

/// The identifier around the anchor: letters, digits, `_`, and `-` and `.` between them.
pub(super) fn identifier(hit: &Hit<'_>) -> Option<Span> {
    let (hay, record) = (hit.hay, hit.record);
    let floor = record.start.max(hit.anchor.start.saturating_sub(MAX_NAME));
    let left = hay[floor..hit.anchor.start].iter().rev().take_while(|byte| is_name(**byte)).count();
    let mut start = hit.anchor.start - left;
    // An escape before the key is an edge, not the letters it is written with.
    if hay[floor..start].last().is_some_and(|byte| b"\\%#[;".contains(byte)) {
        let mut inside = (start + 1..=hit.anchor.start).rev();
        start = inside.find(|at| edge::escape_before(&hay[floor..*at]).is_some()).unwrap_or(start);
    }
    start += hay[start..hit.anchor.start].iter().take_while(|byte| b"-.".contains(byte)).count();
    let ceiling = record.end.min(hit.anchor.end + MAX_NAME);
    let right = hay[hit.anchor.end..ceiling].iter().take_while(|byte| is_name(**byte)).count();
    let mut end = hit.anchor.end + right;
    // A key in kebab case may be followed by an arrow or the end of a sentence.
    end -= hay[hit.anchor.end..end].iter().rev().take_while(|byte| b"-.".contains(byte)).count();
    (start < end && end - start <= 2 * MAX_NAME).then(|| Span::new(start, end))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

/// The quote at `at` with the backslashes that escape it. An even number of backslashes are themselves what is escaped: the
/// quote behind them is a bare one.
pub(super) fn quote_at(hay: &[u8], at: usize, ceiling: usize) -> Option<Span> {
    let slashes = hay[at..ceiling].iter().take(64).take_while(|byte| **byte == b'\\').count();
    let quote = at + slashes;
    let depth = if slashes.is_multiple_of(2) { 0 } else { slashes };
    b"\"'`".contains(hay[..ceiling].get(quote)?).then(|| Span::new(quote - depth, quote + 1))
}

/// Whether `quote`, met where the value of `key` should begin, ends the string that the key stands in: it is less escaped than
/// the key's own quotes, or the key has none and JSON goes on behind it, as in `{"Authorization: ":1}`.
pub(super) fn is_closing(hay: &[u8], key: &Key, quote: Span) -> bool {
    match key.quote {
        Some(around) => quote.len() < around.len(),
        None => is_end_of_string(hay, quote),
    }
}

/// Whether what follows `quote` is JSON's punctuation and then more JSON, or nothing.
pub(super) fn is_end_of_string(hay: &[u8], quote: Span) -> bool {
    let rest = hay[quote.end..].trim_ascii_start();
    let Some((mark @ (b':' | b',' | b'}' | b']'), behind)) = rest.split_first() else { return rest.is_empty() };
    let behind = behind.trim_ascii_start();
    let is_end = behind.is_empty() || b",}]".contains(&behind[0]);
    let slashes = behind.iter().take_while(|byte| **byte == b'\\').count();
    let is_string = behind.get(slashes) == Some(&b'"') && slashes == quote.len() - 1;
    let is_other = behind.first().is_some_and(|byte| byte.is_ascii_digit() || b"-{[".contains(byte))
        || [&b"true"[..], b"false", b"null"].iter().any(|word| behind.starts_with(word));
    match mark {
        b':' | b',' => is_string || is_other,
        _ => is_end || is_string || behind[0] == b'"' || behind[0] == b'\\',
    }
}

/// An identifier in lower case without separators, and where its words begin.
struct Words {
    text: [u8; MAX_NAME],
    length: usize,
    /// Bit `i`: a word begins at byte `i`.
    starts: u128,
}

impl Words {
    /// Splits the last [`MAX_NAME`] bytes of `name`.
    fn split(name: &[u8]) -> Words {
        let name = &name[name.len().saturating_sub(MAX_NAME)..];
        let mut words = Words { text: [0; MAX_NAME], length: 0, starts: 0 };
        let mut is_start = true;
        for (index, byte) in name.iter().enumerate() {
            if !byte.is_ascii_alphanumeric() {
                is_start = true;
                continue;
            }
            let previous = index.checked_sub(1).map(|before| name[before]);
            let next_is_lower = name.get(index + 1).is_some_and(u8::is_ascii_lowercase);
            let is_hump = byte.is_ascii_uppercase()
                && previous.is_some_and(|before| {
                    before.is_ascii_lowercase()
                        || before.is_ascii_digit()
                        || before.is_ascii_uppercase() && next_is_lower
                });
            let is_number = byte.is_ascii_digit() && previous.is_some_and(|before| before.is_ascii_alphabetic());
            if is_start || is_hump || is_number {
                words.starts |= 1 << words.length;
            }
            is_start = false;
            words.text[words.length] = byte.to_ascii_lowercase();
            words.length += 1;
        }
        words
    }

    fn text(&self) -> &[u8] {
        &self.text[..self.length]
    }

    fn begins_at(&self, at: usize) -> bool {
        self.starts & (1 << at) != 0
    }

    fn end_with(&self, entry: &Entry) -> bool {
        let Some(at) = self.length.checked_sub(entry.text.len()) else { return false };
        self.text().ends_with(&entry.text) && (entry.is_glued || self.begins_at(at))
    }

    /// Where the last word begins among the first `length` bytes.
    fn last_start(&self, length: usize) -> usize {
        (0..length).rev().find(|at| self.begins_at(*at)).unwrap_or(0)
    }

    fn last(&self) -> &[u8] {
        &self.text()[self.last_start(self.length)..]
    }

    /// The word before the last `n_bytes`; empty where there is none.
    fn before(&self, n_bytes: usize) -> &[u8] {
        let end = self.length - n_bytes;
        &self.text()[self.last_start(end)..end]
    }

    /// Drops the last word; answers whether any is left.
    fn pop(&mut self) -> bool {
        self.length = self.last_start(self.length);
        self.length > 0
    }
}

/// The last two bytes; every entry has as many.
fn last_two(text: &[u8]) -> [u8; 2] {
    match text {
        [.., one, two] => [*one, *two],
        _ => [0; 2],
    }
}
