//! The words of an identifier, and what they say about a key.
//!
//! An identifier is read as words in snake, kebab, camel or dotted case. Its last words decide what
//! it names: `token_count`, `passwordResetRequired` and `public_key` only contain a word for a
//! secret. Nothing is copied; the words are found from the end.

use crate::{
    detect::{
        byte_class, edge,
        words::{MAX_WORD, WordTable},
    },
    text::span::Span,
};

/// An identifier is judged by its last so many bytes.
pub(super) const MAX_NAME: usize = 80;

/// Last words that say that the value is about the secret, and not the secret.
pub(super) const ABOUT: &str = "age alg algorithm at attempt attempts authority board bytes \
    change changed class cols column columns config configs count created date dir directory down \
    enabled disabled encoding endpoint error errors exchange exists exp expire expired expires \
    expiration expiry fail failed failure field fields file filename files flow fingerprint \
    folder form format generator handler header headers help hint history host id identifier ids \
    index info input invalid issuer json label len length level limit limits link list location \
    manager map max message method min missing mode name names namespace needed note ok option \
    options page param params path paths pattern placeholder policy port prefix present prompt \
    protocol provider ref refs regex regexp registry released required requirements reset result \
    ring role rotation rule rules scope scopes server service set size source space spec state \
    status store strength success suffix sum table template time timeout timestamp title total \
    ttl type types updated uri url usage used valid validation validator validity verified \
    version visible warning word words";

/// Last words that leave the key what it was: `api_key_prod`, `password_confirmation`,
/// `secret_string`.
pub(super) const NEUTRAL: &str = "again b64 base base64 base64encoded confirm confirmation \
    confirmed current data decoded default dev development encoded hash live local main master \
    new old orig original plain plaintext primary prod production qa raw real repeat sandbox \
    secondary staging str string test text v val value verification verify x y";

/// Words before `key` or `token` that make it a name of something else.
pub(super) const OTHER: &str = "arrow bucket cache candidate chart column composite config \
    context continuation control csv data dedup dedupe dict distribution duplicate entity escape \
    event feature field foreign function group hash header host hot i18n idempotency index item \
    join json lang language lexer locale lookup map max message meta metadata metric missing \
    modifier name next num object page pagination parse parser partition physical press prompt \
    pub public query range record redis registry reserved resource resume route routing row s3 \
    search shard shift shortcut sort sorted storage stream string sub sync tab tag tags topic \
    total translation turn uniq unique unknown update xml";

/// Words before `pass` that make it a password.
pub(super) const OWNERS: &str = "account admin app auth cert client connection database db \
    default dev email ftp imap ldap login mail my mysql owner pg postgres prod proxy rabbitmq \
    redis root server service smtp sql ssh sudo test user vpn wifi wp your";

/// Words for a key, after the name of a service: `miroSECRET`, `ACME_API`.
pub(super) const NOUNS: &str = "access api auth code key pat private secret token";

pub(super) const IS_ABOUT: u8 = 1;
pub(super) const IS_NEUTRAL: u8 = 2;
pub(super) const IS_OTHER: u8 = 4;
pub(super) const IS_OWNER: u8 = 8;
pub(super) const IS_NOUN: u8 = 16;

/// All lists in one table, so that one look-up answers for all of them.
pub(super) static WORDS: WordTable<1024> = WordTable::new(&[
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

/// Whether `word` says whose password it is (`db`, `user`, `admin`), or what it is for (`api`).
pub(super) fn is_owner(word: &[u8]) -> bool {
    WORDS.holds(IS_OWNER | IS_NOUN, word)
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

/// The word before a key that stands alone: `public key: …`.
pub(super) fn word_before(before: &[u8]) -> &[u8] {
    let Some((b' ', before)) = before.split_last() else { return b"" };
    let near = &before[before.len().saturating_sub(MAX_WORD)..];
    &before[before.len() - byte_class::run_back(near, byte_class::ALPHA)..]
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

/// Where the identifier begins that seems to begin at `start` of the text `before` its anchor. An
/// escape before it is an edge, and not the letters that it is written with.
#[cold]
fn behind_escape(before: &[u8], start: usize) -> usize {
    let mut inside = (start + 1..=before.len()).rev();
    inside.find(|at| edge::escape_before(&before[..*at]).is_some()).unwrap_or(start)
}

/// Whether `name` may end with a placeholder's label, which has `REDACTED-` in it. Ordinary names
/// do not have such letters.
pub(super) fn may_be_label(name: &[u8]) -> bool {
    name.len() > 9 && name.windows(2).any(|pair| pair == b"D-")
}

/// An identifier as words.
#[derive(Clone, Copy)]
pub(super) struct Words<'n> {
    /// The last [`MAX_NAME`] bytes of the identifier.
    pub(super) name: &'n [u8],
}

impl<'n> Words<'n> {
    pub(super) fn of(name: &'n [u8]) -> Words<'n> {
        Words { name: &name[name.len().saturating_sub(MAX_NAME)..] }
    }

    /// Whether a word begins with the letter or digit at `at`: after a separator, at a capital
    /// after small letters, or at a number after letters.
    #[inline]
    pub(super) fn begins_at(self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1).map(|before| byte_class::of(self.name[before])) else {
            return true;
        };
        let this = byte_class::of(self.name[at]);
        if before & byte_class::ALNUM == 0 {
            return true;
        }
        if this & byte_class::UPPER != 0 {
            return before & byte_class::UPPER == 0
                || self.name.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        }
        this & byte_class::DIGIT != 0 && before & byte_class::ALPHA != 0
    }

    /// Whether `lib` precedes the word at `start`, so that the name is that of a library.
    pub(super) fn is_library(self, start: usize) -> bool {
        let before = &self.name[..start];
        before.ends_with(b"lib")
            && !before[..before.len() - 3].last().is_some_and(u8::is_ascii_alphanumeric)
    }

    /// The last word before `end`; empty where there is none, and then at the very beginning.
    #[inline]
    pub(super) fn last(self, end: usize) -> Span {
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
