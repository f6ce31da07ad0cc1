//! What a value looks like: a template that hides nothing, or something made by a machine.
//!
//! [`is_template`] recognises templates and stand-ins (`${PW}`, `<password>`, `changeme`);
//! [`is_random`] recognises generated values. Both judge the whole value without its quotes, look
//! at no more than its first [`LOOK`] bytes and allocate nothing. Tokens are known by their pattern
//! and need neither; the detectors of URLs and of keys with values know only where a value is, so
//! they ask here.
//!
//! Most values are refused by their first byte or by a property of all their bytes. So the traits
//! of a value are read once, and words are compared only if the traits allow it. The plain versions
//! of both functions are in the tests (`oracle`), which hold the two equal.

use super::{
    byte_class::{self, Traits},
    words::{MAX_WORD, WordTable},
};
use crate::text::visits;

/// How many bytes of a value are read. No template is longer; a longer value is judged by its
/// beginning.
pub(super) const LOOK: usize = 256;

/// Stand-ins: words in place of a value. Compared without separators, ignoring case.
pub(super) const STAND_INS: &str = "bool boolean bytes changeit changeme changethis char disabled dummy empty enabled encrypted example fake \
    false filtered fixme float hidden int integer invalid masked missing mock na nan nil no none notset null \
    nullptr number object off omitted on optional placeholder present redacted removed replaceme required \
    sample sanitized sensitive set string str tbd todo true type undefined unknown unset value yes";

/// First words of a value that asks the reader to fill something in.
pub(super) const FILL_IN: &str =
    "your yourown insert replace change enter put add some example sample dummy fake placeholder";

/// Last words of a value that says what happened to it or what to do: `password_removed`,
/// `token-here`.
pub(super) const ENDINGS: &str = "here placeholder removed redacted masked omitted scrubbed sanitized stripped censored filtered";

/// Words that name a secret. A value in capitals that consists of them is a name: `DB_PASSWORD`.
pub(super) const NAMES: &str = "PASSWORD PASSWD PASS PWD PW SECRET TOKEN KEY USER USERNAME API AUTH DB ACCESS CLIENT ID HERE VALUE \
    CREDENTIALS CREDENTIAL HASH SIGNATURE";

const STAND_IN: u8 = 1;
const BEGINS: u8 = 2;
const NAMED: u8 = 4;
const ENDS: u8 = 8;

static WORDS: WordTable<256> =
    WordTable::new(&[(STAND_IN, STAND_INS), (BEGINS, FILL_IN), (NAMED, NAMES), (ENDS, ENDINGS)]);

/// Beginnings of expressions that fetch a value from elsewhere. Each has its first mark within its
/// first eight bytes.
pub(super) const LOOKUPS: [&[u8]; 14] = [
    b"process.env",
    b"os.environ",
    b"os.getenv(",
    b"getenv(",
    b"env(",
    b"env[",
    b"env.",
    b"system.getenv(",
    b"import.meta.env",
    b"secrets.",
    b"var.",
    b"vars.",
    b"local.",
    b"data.",
];

/// The letters that often follow each letter in words and names: 334 of 676 pairs, which make up
/// 96 % of all occurrences.
pub(super) const FOLLOWS: [&[u8]; 26] = [
    b"abcdefghiklmnprstuvwxy",
    b"aceijlorsuy",
    b"acdehiklmoprstuy",
    b"abcdefgilmorstuy",
    b"abcdefghiklmnopqrstuvwxy",
    b"aefilorstu",
    b"aeghilmnorsu",
    b"aeilnorstuy",
    b"abcdefgklmnoprstvxz",
    b"aeou",
    b"aeilosu",
    b"acdefiklmnopstuvy",
    b"abdeilmopsu",
    b"acdefgiklnoprstuvy",
    b"abcdefgiklmnoprstuvwxy",
    b"acehiloprstuy",
    b"u",
    b"abcdefgiklmnoprstuvy",
    b"acdefhiklmnoprstuwy",
    b"acdefhilmnoprstuwy",
    b"abcdefgilmnprst",
    b"aeio",
    b"aehinors",
    b"ceipt",
    b"aelmnpst",
    b"aei",
];

/// Whether the whole of `value` is a template or a stand-in, so that it hides nothing.
pub(super) fn is_template(value: &[u8]) -> bool {
    let length = value.len();
    let value = value.trim_ascii();
    visits::add(length - value.len());
    value.len() <= LOOK && is_trimmed_template(value, Traits::of(value))
}

/// As [`is_template`], for a value with known traits.
pub(super) fn is_template_of(value: &[u8], traits: Traits) -> bool {
    let edges = [value.first(), value.last()];
    if edges.into_iter().flatten().any(|byte| byte_class::is(*byte, byte_class::WHITE)) {
        return is_template(value);
    }
    value.len() <= LOOK && is_trimmed_template(value, traits)
}

/// [`is_template`] for a value without white space around it.
fn is_trimmed_template(value: &[u8], traits: Traits) -> bool {
    let Some(first) = value.first() else { return true };
    byte_class::is(*first, byte_class::EXPANSION) && is_expansion(value)
        || is_fill(value, traits)
        || traits.all(byte_class::WORDS) && is_stand_in(value, traits)
        || byte_class::is(*first, byte_class::ALPHA) && is_lookup(value)
}

/// Whether `value` is an expression for a value: `${X}`, `$X`, `{{ x }}`, `<password>`, `[x]`,
/// `%s`, `%(pw)s`, `%PW%`, `#{x}`, `__X__`, or `<x>` written with escapes.
pub(super) fn is_expansion(value: &[u8]) -> bool {
    match value {
        [b'\\', rest @ ..] if rest.starts_with(b"$") => is_expansion(rest),
        [b'{', b'}'] | [b'$', b'{', b'{', .., b'}', b'}'] => true,
        [b'$', b'{', inner @ .., b'}'] => !inner.contains(&b'}') && !has_default(inner),
        [b'$', b'(', .., b')'] | [b'#', b'{', .., b'}'] | [b'{', b'{', .., b'}', b'}'] => true,
        [b'<', b'%', .., b'%', b'>'] | [b'{', b'%', .., b'%', b'}'] => true,
        [b'$', name @ ..] => is_variable(name),
        [b'<', inner @ .., b'>'] | [b'[', inner @ .., b']'] | [b'{', inner @ .., b'}'] => {
            is_label(inner)
        }
        [b'%', b'(', .., b')', b's' | b'd' | b'r'] => true,
        [b'%', b'+' | b'#', b'v']
        | [b'%', b's' | b'd' | b'v' | b'q' | b'p' | b'@' | b'r' | b'i' | b'u'] => true,
        [b'%', b'{', .., b'}'] => true,
        [b'%', name @ .., b'%']
        | [b'_', b'_', name @ .., b'_', b'_']
        | [b'@', b'@', name @ .., b'@', b'@'] => is_name(name),
        [b'@', name @ .., b'@'] => is_name(name),
        _ => is_escaped_label(value),
    }
}

/// `%3Cpassword%3E`, `%7Bpw%7D`, `&lt;password&gt;`, `\u003cpassword\u003e`.
fn is_escaped_label(value: &[u8]) -> bool {
    const PAIRS: [(&[u8], &[u8]); 5] = [
        (b"%3c", b"%3e"),
        (b"%7b", b"%7d"),
        (b"%5b", b"%5d"),
        (b"&lt;", b"&gt;"),
        (b"\\u003c", b"\\u003e"),
    ];
    PAIRS.iter().any(|(open, close)| {
        value.len() > open.len() + close.len()
            && value[..open.len()].eq_ignore_ascii_case(open)
            && value[value.len() - close.len()..].eq_ignore_ascii_case(close)
            && is_label(&value[open.len()..value.len() - close.len()])
    })
}

/// Whether the inside of `${…}` carries a default value: `X:-hunter2` does, `X:-` and `X:?not set`
/// do not.
fn has_default(inner: &[u8]) -> bool {
    let default = inner.windows(2).position(|pair| matches!(pair, b":-" | b":="));
    default.is_some_and(|at| !is_template(&inner[at + 2..]))
}

/// Whether `name`, which follows a `$`, is a variable: `1`, `DB_PASSWORD`, `env:PW`, `password`. A
/// name with digits must be in capitals, since a password may begin with `$` too.
fn is_variable(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"env:").unwrap_or(name);
    let capitals =
        name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
    // `$kHPFyDKEzLDUThaUn` is no name.
    let letters = name.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.'));
    matches!(name, [b'0'..=b'9']) || is_name(name) && (capitals || letters && !is_random(name))
}

/// Whether a text is an identifier.
fn is_name(name: &[u8]) -> bool {
    matches!(name, [b'A'..=b'Z' | b'a'..=b'z' | b'_', ..])
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':'))
}

/// Whether the text between brackets is words or a call, and not a secret in brackets.
fn is_label(inner: &[u8]) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b" _-.:*/$()[]'!".contains(byte);
    !inner.is_empty() && inner.iter().all(is_word) && !is_random(inner)
}

/// Whether one filling character is repeated: `xxxx`, `XXX-XXX`, `****`, `...`, `____`.
fn is_fill(value: &[u8], traits: Traits) -> bool {
    if value[0] == 0xe2 {
        let is_repeated =
            |piece: &str| value.chunks(piece.len()).all(|chunk| chunk == piece.as_bytes());
        return value == "\u{2026}".as_bytes()
            || is_repeated("\u{2022}")
            || is_repeated("\u{25cf}");
    }
    traits.all(byte_class::FILL) && !matches!(value, [b'#' | b'?'])
}

/// Whether the second half repeats one filling character, ignoring case and marks between, as
/// people write examples of tokens: `ghp_xxxxxxxx`, `xoxb-xxxx-xxxx`, `0a1baaaaaaaa`. A percent
/// sign counts as a mark, because an escape may be cut after it.
pub(super) fn is_filler(value: &[u8]) -> bool {
    let half = &value[value.len() / 2..];
    half.len() >= 4 && filling(half) == half.len()
}

/// How many bytes at the end of `text` repeat one filling character, ignoring case and marks
/// between.
pub(super) fn filling(text: &[u8]) -> usize {
    let mut letter = None;
    let fills = |byte: &&u8| {
        let byte = byte.to_ascii_lowercase();
        matches!(byte, b'-' | b'_' | b'.' | b'=' | b'%')
            || byte_class::is(byte, byte_class::FILLER) && *letter.get_or_insert(byte) == byte
    };
    visits::counted(text.iter().rev().take_while(fills).count())
}

/// Whether `value`, which consists of [`byte_class::WORDS`], is a stand-in. The word lists hold
/// neither digits nor marks, and most values have one, so few values get here.
fn is_stand_in(value: &[u8], traits: Traits) -> bool {
    let is_word = if traits.none(byte_class::SEPARATOR) {
        WORDS.holds(STAND_IN, value)
    } else {
        is_stand_in_word(value)
    };
    is_word
        || is_fill_in(value, traits)
        || byte_class::is(value[0], byte_class::UPPER) && is_capital_name(value)
}

/// Whether `value` is one of the stand-ins, ignoring separators and case.
fn is_stand_in_word(value: &[u8]) -> bool {
    let mut letters = [0; MAX_WORD];
    let mut n_letters = 0;
    for byte in value.iter().filter(|byte| !byte_class::is(**byte, byte_class::SEPARATOR)) {
        let Some(letter) = letters.get_mut(n_letters) else { return false };
        *letter = *byte;
        n_letters += 1;
    }
    WORDS.holds(STAND_IN, &letters[..n_letters])
}

/// Whether `value` asks to be filled in or says that it was removed: `your_token_here`,
/// `YOUR-API-KEY`, `insert token here`, `example_password`, `token-goes-here`, `password_removed`.
fn is_fill_in(value: &[u8], traits: Traits) -> bool {
    if traits.none(byte_class::SEPARATOR) {
        return is_yours(value);
    }
    let whole = value;
    let value = &value[byte_class::run(value, byte_class::SEPARATOR)..];
    let value = &value[..value.len() - byte_class::run_back(value, byte_class::SEPARATOR)];
    let first = &value[..byte_class::until(value, byte_class::SEPARATOR)];
    if first.is_empty() {
        return false;
    }
    let last =
        value.rsplit(|byte| byte_class::is(*byte, byte_class::SEPARATOR)).next().unwrap_or(first);
    let is_several = first.len() < value.len();
    (is_several || is_yours(whole))
        && (WORDS.holds(BEGINS, first)
            || is_yours(first)
            || WORDS.holds(ENDS, last)
            || last == b"EXAMPLE")
}

/// Whether a word begins with `your`, as in `yourtoken`.
fn is_yours(word: &[u8]) -> bool {
    word.len() > 4 && word[..4].eq_ignore_ascii_case(b"your")
}

/// Whether a word inside `value` asks the reader to fill it in: `acme_XXXX_YOUR_TOKEN_HERE_XXXX`.
/// The word must be between marks, so that letters of a token are not taken for it.
pub(super) fn asks_to_fill_in(value: &[u8]) -> bool {
    visits::add(value.len());
    value.split(|byte| !byte_class::is(*byte, byte_class::ALNUM)).any(is_request)
}

/// See [`asks_to_fill_in`].
pub(super) fn is_request(word: &[u8]) -> bool {
    const WORDS: [&[u8]; 3] = [b"your", b"here", b"replace"];
    WORDS.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// The longest of these words.
pub(super) const MAX_REQUEST: usize = 7;

/// Whether `value` is the name of a constant instead of its value: `DB_PASSWORD`, `API_KEY`.
fn is_capital_name(value: &[u8]) -> bool {
    value.split(|byte| matches!(byte, b'_' | b'-')).all(|part| {
        let lists = WORDS.lists(part);
        lists & NAMED != 0 && part.iter().all(u8::is_ascii_uppercase)
    })
}

/// Whether `value` is an expression that looks a value up: `process.env.TOKEN`,
/// `os.environ["TOKEN"]`, `var.token`.
fn is_lookup(value: &[u8]) -> bool {
    let mark = byte_class::run(&value[..value.len().min(8)], byte_class::ALNUM);
    if !matches!(value.get(mark), Some(b'.' | b'(' | b'[')) {
        return false;
    }
    let name = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'.' | b'[' | b']' | b'(' | b')' | b'\'' | b'"' | b'\\')
    };
    LOOKUPS.iter().any(|lookup| {
        value.len() > lookup.len()
            && value[..lookup.len()].eq_ignore_ascii_case(lookup)
            && value[lookup.len()..].iter().all(name)
            && !is_random(&value[lookup.len()..])
    })
}

/// Whether `value` looks generated. Words, names, versions, paths, dates and short numbers do not.
///
/// A value with white space is several values and not random. Bytes outside ASCII count like
/// punctuation.
pub(super) fn is_random(value: &[u8]) -> bool {
    let value = &value[..value.len().min(LOOK)];
    visits::add(value.len());
    // Without an early end, so that the compiler makes it a loop over vectors.
    let is_one =
        value.iter().fold(true, |is_one, byte| is_one & !matches!(byte, b'\t'..=b'\r' | b' '));
    if value.len() < 8 || !is_one || is_address(value) {
        return false;
    }
    let enough = u32::try_from(value.len() * 3 / 2).unwrap_or(u32::MAX).max(20);
    bigram_score(value, enough) >= enough
        || value.len() >= 16 && (is_uuid(value) || holds_digest(value))
}

/// Whether `value` is an address in memory or a status code: `0x7fee5c0358f0`.
fn is_address(value: &[u8]) -> bool {
    match value {
        [b'0', b'x' | b'X', digits @ ..] => {
            digits.len() <= 16 && digits.iter().all(u8::is_ascii_hexdigit)
        }
        _ => false,
    }
}

/// Whether a value is a UUID in its usual form.
fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether a run of letters and digits in `value` is a digest: at least sixteen hexadecimal digits
/// of one case with both digits and letters, or more digits than any number has.
fn holds_digest(value: &[u8]) -> bool {
    let mut rest = value;
    while rest.len() >= 16 {
        let length = byte_class::run(rest, byte_class::ALNUM);
        if length >= 16 {
            let run = Traits::of(&rest[..length]);
            let is_hex = run.all(byte_class::HEX_LOWER) || run.all(byte_class::HEX_UPPER);
            let is_number = run.all(byte_class::DIGIT) && length <= 24;
            if is_hex && run.any(byte_class::DIGIT) && !is_number {
                return true;
            }
        }
        rest = match &rest[length..] {
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            [_, rest @ ..] => rest,
            [] => &[],
        };
    }
    false
}

/// How little the pairs of neighbouring letters and digits look like words and numbers: about four
/// for each character of a random value, plus a little for punctuation. Percent escapes do not
/// count. Counting stops at `enough`.
fn bigram_score(value: &[u8], enough: u32) -> u32 {
    let mut total = 0;
    let (mut before, mut left) = (OTHER, OTHER);
    let mut at = 0;
    while at < value.len() {
        let byte = value[at];
        let right = LETTERS[usize::from(byte)];
        let cost = COSTS[usize::from(left) << 6 | usize::from(right)];
        at += 1;
        total += if cost < HUMP {
            u32::from(cost)
        } else if cost == HUMP {
            // A capital that begins a word (`parseJson`) is common, any other is not.
            let is_small = |at: usize| {
                value.get(at).is_some_and(|byte| byte_class::is(*byte, byte_class::LOWER))
            };
            if is_small(at) && is_small(at + 1) { 1 } else { 6 }
        } else if is_capital(before) {
            4
        } else {
            u32::from(cost & !AFTER_CAPITAL)
        };
        if total >= enough {
            visits::add(at);
            return total;
        }
        (before, left) = (left, right);
        if byte == b'%'
            && value.get(at..at + 2).is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
        {
            at += 2;
        }
    }
    visits::add(value.len());
    if total == 0 {
        return 0;
    }
    total + mark_score(value)
}

/// The score of punctuation in a value: at most [`MOST_MARKS`].
fn mark_score(value: &[u8]) -> u32 {
    let is_mark = |byte: &&u8| matches!(byte, b'!' | b'^' | b'&' | b'*' | b'#' | b'$');
    4 * value.iter().filter(is_mark).take(3).count() as u32
}

/// Shows that values are not random without reading each of them.
///
/// Values that begin further and further right in the same text share most of their bytes, as in
/// `?token=?token=…`. This keeps an upper bound for the [`bigram_score`] of a sliding window, so
/// each byte of the text is read once for all of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RandomnessUpperBound {
    left: usize,
    right: usize,
    /// The maximum score of the pairs in `left..right`.
    most: u32,
    /// How many hexadecimal digits precede `right`, by the case of their letters.
    hex: [usize; 2],
    /// The end of the last sixteen of them in a row.
    digest: usize,
}

impl RandomnessUpperBound {
    /// Whether `hay[start..end]` is certainly not [`is_random`]. `false` decides nothing.
    pub(super) fn excludes(&mut self, hay: &[u8], start: usize, end: usize) -> bool {
        let end = end.min(start + LOOK);
        if start < self.left || start > self.right || end < self.right {
            *self = RandomnessUpperBound {
                left: start,
                right: start,
                ..RandomnessUpperBound::default()
            };
        }
        while self.right < end {
            self.most += if self.right > self.left { most(hay, self.right) } else { 0 };
            for (run, class) in
                self.hex.iter_mut().zip([byte_class::HEX_LOWER, byte_class::HEX_UPPER])
            {
                *run = if byte_class::is(hay[self.right], class) { *run + 1 } else { 0 };
                self.digest = if *run >= 16 { self.right + 1 } else { self.digest };
            }
            self.right += 1;
            visits::add(1);
        }
        while self.left < start {
            visits::add(1);
            self.left += 1;
            self.most -= if self.left < self.right { most(hay, self.left) } else { 0 };
        }
        let length = end - start;
        let is_in_escape = ends_escape(hay, start) || ends_escape(hay, start + 1);
        let most = self.most + MOST_MARKS + if is_in_escape { MOST_CUT } else { 0 };
        let enough = u32::try_from(length * 3 / 2).unwrap_or(u32::MAX).max(20);
        most < enough && self.digest < start + 16 && length != 36
    }
}

/// The maximum score of the byte at `at` and the one before it. The digits of a percent escape
/// score nothing in a value that holds the whole escape.
fn most(hay: &[u8], at: usize) -> u32 {
    if ends_escape(hay, at - 1) || ends_escape(hay, at) || ends_escape(hay, at + 1) {
        return 0;
    }
    let [left, right] = [hay[at - 1], hay[at]].map(|byte| LETTERS[usize::from(byte)]);
    match COSTS[usize::from(left) << 6 | usize::from(right)] {
        HUMP => 6,
        cost if cost & AFTER_CAPITAL != 0 => 5,
        cost => u32::from(cost),
    }
}

/// Whether the byte at `at` is the last one of a percent escape.
fn ends_escape(hay: &[u8], at: usize) -> bool {
    let code = at.checked_sub(2).and_then(|start| hay.get(start..=at));
    matches!(code, Some([b'%', high, low]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

/// The maximum score of the digits of an escape inside which the value begins.
const MOST_CUT: u32 = 12;

/// The maximum score of punctuation.
const MOST_MARKS: u32 = 12;

/// The number in [`LETTERS`] of everything but letters and digits.
const OTHER: u8 = 63;

/// Numbers each byte: digits are 0 to 9, small letters 10 to 35, capitals 36 to 61, the rest
/// [`OTHER`].
static LETTERS: [u8; 256] = letters();

/// Builds [`LETTERS`] at compile time.
const fn letters() -> [u8; 256] {
    let mut letters = [OTHER; 256];
    let mut index = 0;
    while index < 26 {
        letters[b'a' as usize + index] = 10 + index as u8;
        letters[b'A' as usize + index] = 36 + index as u8;
        if index < 10 {
            letters[b'0' as usize + index] = index as u8;
        }
        index += 1;
    }
    letters
}

const fn is_capital(letter: u8) -> bool {
    matches!(letter, 36..=61)
}

/// The cost of a small letter before a capital: the next letters decide.
const HUMP: u8 = 0x40;

/// This bit says that the cost differs after a capital.
const AFTER_CAPITAL: u8 = 0x80;

/// The score of each pair of [`LETTERS`].
static COSTS: [u8; 64 * 64] = costs();

/// Builds [`COSTS`] at compile time.
const fn costs() -> [u8; 64 * 64] {
    let mut costs = [0; 64 * 64];
    let mut pair = 0;
    while pair < costs.len() {
        let (left, right) = ((pair >> 6) as u8, (pair & 63) as u8);
        costs[pair] = cost(left, right);
        pair += 1;
    }
    costs
}

/// The score of one pair, or the bits that say how it depends on its neighbours.
const fn cost(left: u8, right: u8) -> u8 {
    match (left, right) {
        (62.., _) | (_, 62..) | (0..=9, 0..=9) => 0,
        (0..=9, _) => 6,
        (_, 0..=9) => 2,
        (10..=35, 36..=61) => HUMP,
        _ => {
            let after_capital =
                if is_capital(left) && !is_capital(right) { AFTER_CAPITAL } else { 0 };
            after_capital | if follows(left, right) { 0 } else { 5 }
        }
    }
}

/// Whether the second of two letters often follows the first, ignoring case.
const fn follows(left: u8, right: u8) -> bool {
    let often = FOLLOWS[((left - 10) % 26) as usize];
    let mut at = 0;
    while at < often.len() {
        if often[at] == b'a' + (right - 10) % 26 {
            return true;
        }
        at += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> impl Iterator<Item = &str> {
        text.split_ascii_whitespace()
    }

    #[test]
    fn templates_and_stand_ins_are_known() {
        for value in words(
            r#"
                ${DB_PASSWORD} ${X:-} ${{secrets.PW}} \${PW} {} {quote(pw)} $PASSWORD $1 $password $env:PW {{pw}} {password} <password> [PASSWORD] [x] %s
                %v %(pw)s %PW% #{pw} __PW__ xxxx XXXX-XXXX xxx **** ... … ••• changeme change_me null None nil true
                False undefined required example your_token_here YOUR-API-KEY yourpassword DB_PASSWORD PASSWORD
                login_and_password_removed token-masked API_KEY process.env.TOKEN os.environ["TOKEN"] %3Cpassword%3E &lt;pw&gt; \u003cpw\u003e N/A
            "#,
        )
        .chain([
            "",
            "${X:?not set}",
            "$(cat pw)",
            "{{ x }}",
            "<your password>",
            "insert token here",
            "not set",
        ]) {
            assert!(is_template(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn values_are_no_templates() {
        for value in words(
            r#"
                hunter2 password secret p@ss $ecret1 Pa$$word ${X:-hunter2} [REDACTED]hunter2 {"a":1} 1234 111111
                <aB3dE5gH7jK9mN1p> admin foo xX9 null0 a truecolor hereford sommersby environment
            "#,
        )
        .chain(["yes we can"])
        {
            assert!(!is_template(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn what_machines_make_is_random() {
        for value in words(
            r#"
                123e4567-e89b-12d3-a456-426614174000 9f86d081884c7d659a2feaa0c55ad015 9F86D081884C7D65 x7Kp2mQ9
                u8jzPde0IgxL d6GncfBAepfJBd0K h8oOOL8dKLzdocJ2 isAjIhKtJ0RlgLKOmxgJ TeKdNnFRIBXuDL7DxtpYlSXp
                fKtHF4vUCsMehGAkWvj7FAc9QeWJKY40 ORS/6ilI8ihN5KXSc7Tvo/hBKqFYY/kv5ZJr3J1T=
                WDtkwtDDb-xHKas1VOqg6YYZYn9ZhyiA4uoRgnatmUd enyjqwx4hh5344tfjgvq4k7bn7 lewrayqjucwiqlflyhrryqku
                4%2F0AY0e-g7bXk2mQ9Vn3Lp8
            "#,
        ) {
            assert!(
                is_random(value.as_bytes()),
                "{value} {}",
                bigram_score(value.as_bytes(), u32::MAX)
            );
        }
    }

    #[test]
    fn what_people_write_is_not() {
        for value in words(
            r#"
                password administrator parseJsonDocument XMLHttpRequest com.example.web.RequestFilter
                session_timeout_seconds 2024-01-02T03:04:05.123456Z 1700000000 1700000000123456789
                192.168.100.200:8080 1.2.3-beta.4+build.567 /usr/local/share/doc/README.md application/json
                user-service-account en_US.UTF-8 max-age=31536000 server12 node-17.internal.example.net
                x86_64-unknown-linux-gnu ubuntu22.04 TokenExpiredException invalid_grant aes-256-gcm sha256
                00:1b:44:11:3a:b7 kube-proxy-worker-1 authorization_code hunter2 INTERNAL_SERVER_ERROR v1.25.3+k3s1
                0x7fee5c0358f0 0x1bb2fe80 %2Fapp%2Fwz-home http%3A%2F%2F10.0.10.107%2Fa
                12345678 https://example.com/login Mozilla/5.0 SELECT getElementById utf8mb4_general_ci
            "#,
        )
        .chain(["foo bar baz"])
        {
            assert!(!is_random(value.as_bytes()), "{value} {}", bigram_score(value.as_bytes(), u32::MAX));
        }
    }
}
