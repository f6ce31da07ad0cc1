//! Whether a value goes: the table of `docs/KEYS.md`.
//!
//! Behind a strong key everything goes but what is plainly none: stand-ins, code, prose, paths. Behind a weak one the value must
//! itself look like a secret.

use super::{
    Strength,
    key::{Key, Kind},
    place::{Form, Place},
    seek::Seek,
};
use crate::{
    scan::{
        Hit,
        class::{self, Traits},
        value,
        words::WordTable,
    },
    span::{Shape, Span},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Goes,
    Stays,
}

/// A value is judged by its first so many bytes; nothing but a secret is longer.
const LOOK: usize = 512;

/// Words that prose goes on with behind a key's name.
const PROSE: &str = "a accepted again already an and any are at authentication be been being but by can cannot changed check contains \
    could declined denied did do does entered expired expires fail failed failure fails field file for found from generated \
    generation given granted had has have hash if in incorrect invalid is issued it lookup matched matches may mismatch missing must \
    needed never no not of ok on or out prompt protected provided received refused rejected request requested required reset reuse \
    revoked rotated set should so stored succeeded success successful supplied than that the then to too unknown update updated used \
    using valid validated validation verification verified was were when which will with without wrong yes you your";

static PROSE_WORDS: WordTable<256> = WordTable::new(&[(1, PROSE)]);

pub(super) fn judge(hit: &Hit<'_>, key: &Key, strength: Strength, place: &Place, shape: Shape) -> Verdict {
    let bytes = place.value.of(hit.hay);
    let bytes = &bytes[..bytes.len().min(LOOK)];
    let traits = Traits::of(bytes);
    let is_secret = match (strength, shape) {
        (Strength::Strong, Shape::Scalar { .. }) => true,
        (Strength::Weak, Shape::Scalar { .. }) => false,
        _ if is_nothing(bytes, traits) || value::is_template_of(bytes, traits) || is_own_name(hit, key, bytes) => false,
        (Strength::Strong, Shape::Text) => is_strong(hit, key, place, bytes, traits),
        (Strength::Weak, Shape::Text) => is_weak(place, bytes, traits),
    };
    if is_secret { Verdict::Goes } else { Verdict::Stays }
}

/// Whether what stands right behind the name says that [`place`](super::place) finds no value or [`judge`] lets it stay, whatever
/// stands around the two. Most names in clean logs are told by it, and none of them needs its record.
pub(super) fn is_nothing_plain(hay: &[u8], key: &Key) -> bool {
    let Kind::Plain(strength) = key.kind else { return false };
    match &hay[key.name.end..] {
        [b'"', b':', b'"', rest @ ..] | [b'"', b':', b' ', b'"', rest @ ..] => is_starred(rest),
        // No word of a sentence has a value behind a comma.
        [b',', ..] => true,
        [b' ', rest @ ..] => !key.is_flag && is_prose_word(rest, strength),
        [b'=', rest @ ..] => strength == Strength::Weak && is_calm_word(rest),
        _ => false,
    }
}

/// `***"`
fn is_starred(rest: &[u8]) -> bool {
    let stars = rest.iter().take(64).take_while(|byte| **byte == b'*').count();
    stars > 0 && rest.get(stars) == Some(&b'"')
}

/// `password reset requested`: behind the key a word, and behind the word no sign that it is something else.
fn is_prose_word(rest: &[u8], strength: Strength) -> bool {
    let length = class::run(&rest[..rest.len().min(32)], class::LOWER);
    let (word, behind) = rest.split_at(length);
    let is_alone = matches!(behind, [b' ', next, ..] if !matches!(next, b' ' | b'\t' | b'='));
    let is_link = matches!(word, b"is" | b"was" | b"to" | b"as" | b"of");
    let is_word = || match strength {
        Strength::Strong => is_prose(word),
        // Too short to be random.
        Strength::Weak => word.len() < 8,
    };
    length > 0 && is_alone && !is_link && is_word()
}

/// `key=order:12:summary dur=5ms`: a value that is the whole of what stands before the white space, and does not look like a secret.
fn is_calm_word(rest: &[u8]) -> bool {
    let near = &rest[..rest.len().min(64)];
    let length = class::run(near, class::ALNUM | class::JOINT | class::COLON);
    let (word, behind) = near.split_at(length);
    // A type goes on with `=`, and `new String("` opens a string.
    let is_alone = matches!(behind, [b' ', next, ..] if !matches!(next, b' ' | b'\t' | b'='));
    let call = class::run(near, class::ALNUM | class::UNDERSCORE | class::DOT | class::COLON | class::SPACE);
    let is_call = call <= 32 && near.get(call) == Some(&b'(');
    let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let is_calm = || word.len() < 8 || !value::is_random(word) && (word.contains(&b':') || !is_long_mix(word));
    is_alone && !is_call && is_plain(word.first()) && is_plain(word.last()) && is_calm()
}

/// What is known of a value behind a weak key when the value begins inside another.
#[derive(Default)]
pub(super) struct Calm {
    gauge: value::Gauge,
    /// Where the next byte stands that is not of [`class::MIX`].
    mark: Seek,
}

impl Calm {
    /// Whether [`judge`] surely lets the value behind a weak key stay.
    pub(super) fn stays(&mut self, hay: &[u8], place: &Place) -> bool {
        let Span { start, end } = place.value;
        if !self.gauge.is_calm(hay, start, end) {
            return false;
        }
        let mark = |from: usize, to: usize| {
            let length = class::run(&hay[from..to], class::MIX);
            (from + length < to).then_some(from + length)
        };
        matches!(place.form, Form::Spaced | Form::Colon | Form::Prose)
            || self.mark.find(start, end.min(start + LOOK), mark).is_some()
    }
}

fn is_strong(hit: &Hit<'_>, key: &Key, place: &Place, bytes: &[u8], traits: Traits) -> bool {
    match place.form {
        Form::Quoted => !is_sentence(bytes, traits) && !is_path(bytes) && !is_message(bytes),
        Form::Tight | Form::Element => {
            // In a connection string a semicolon follows, and the value is no variable of a program.
            let is_variable = || hit.hay[..hit.record.end].get(place.value.end) != Some(&b';');
            let is_named = traits.all(class::NAME) && names_a_secret(bytes) && is_variable();
            !is_named && !is_expression(bytes, traits) && !is_path(bytes)
        }
        Form::Argument => !is_path(bytes) && !bytes.starts_with(b"-") && !bytes.starts_with(b"$"),
        Form::Spaced => {
            !is_code(bytes, traits)
                && !is_path(bytes)
                && (!traits.all(class::NAME) || begins_line(hit, key) && !names_a_secret(bytes))
        }
        Form::Colon => {
            !is_code(bytes, traits)
                && !is_path(bytes)
                && !is_prose(bytes)
                && (!traits.all(class::ALPHA) || begins_line(hit, key) && ends_line(hit, place))
        }
        Form::Prose => {
            (is_telling(bytes, traits) || !is_prose(bytes) && is_login(hit, key))
                && !is_code(bytes, traits)
                && !is_path(bytes)
        }
        Form::Structure => false,
    }
}

fn is_weak(place: &Place, bytes: &[u8], traits: Traits) -> bool {
    if traits.any(class::SPACE) || value::is_filler(bytes) || is_path(bytes) {
        return false;
    }
    match place.form {
        Form::Structure => false,
        Form::Quoted | Form::Element | Form::Tight | Form::Argument => {
            value::is_random(bytes) || traits.all(class::MIX) && is_long_mix(bytes)
        }
        Form::Spaced | Form::Colon | Form::Prose => value::is_random(bytes) && !is_code(bytes, traits),
    }
}

/// Sixteen letters and digits or more, some of each, nothing else but `_`, `-`, `=`, `+`, `/`: all of [`class::MIX`].
fn is_long_mix(bytes: &[u8]) -> bool {
    let count = |classes| bytes.iter().filter(|byte| class::is(**byte, classes)).count();
    let parts = 1 + bytes.iter().filter(|byte| matches!(byte, b'_' | b'-' | b'/')).count();
    bytes.len() >= 16 && parts <= 3 && count(class::DIGIT) >= 3 && count(class::ALPHA) >= 3
}

/// Too little to be a secret, the same character over and over, or the seam of two strings in a program.
fn is_nothing(bytes: &[u8], traits: Traits) -> bool {
    if bytes.len() <= 2 || bytes.len() == 3 && traits.all(class::DIGIT) {
        return true;
    }
    match bytes[0] {
        b'0' | b'-' => {
            let mut plain = bytes.iter().filter(|byte| **byte != b'-').peekable();
            plain.peek().is_some() && plain.all(|byte| *byte == b'0')
        }
        b'"' | b'\'' | b'`' => memchr::memmem::find(bytes, b" + ").is_some(),
        _ => false,
    }
}

/// `password=password`, `token: token`: the key's own name, or one made of words like it.
fn is_own_name(hit: &Hit<'_>, key: &Key, bytes: &[u8]) -> bool {
    let mut letters = letters_from_behind(bytes).peekable();
    letters.peek().is_some() && letters.eq(letters_from_behind(key.name.of(hit.hay)))
}

/// From behind, since names that are not the same differ there first.
fn letters_from_behind(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter().rev().filter(|byte| class::is(**byte, class::ALNUM)).map(u8::to_ascii_lowercase)
}

/// An identifier whose words name a secret: `tumblr_consumer_key`, `userPassword`.
pub(super) fn names_a_secret(bytes: &[u8]) -> bool {
    let is_at =
        |at: usize, rest: &[u8]| bytes[at + 1..].get(..rest.len()).is_some_and(|text| text.eq_ignore_ascii_case(rest));
    (0..bytes.len()).any(|at| match bytes[at].to_ascii_lowercase() {
        b'p' => is_at(at, b"ass") || is_at(at, b"wd"),
        b's' => is_at(at, b"ecret"),
        b't' => is_at(at, b"oken"),
        b'k' => is_at(at, b"ey"),
        b'c' => is_at(at, b"red"),
        b'a' => is_at(at, b"uth"),
        _ => false,
    })
}

/// Letters, `_`, `.`, `$`, `-` and no digit: a name rather than a value.
pub(super) fn is_name(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| class::is(*byte, class::NAME))
}

/// A word that prose goes on with, or one that says so itself.
fn is_prose(bytes: &[u8]) -> bool {
    PROSE_WORDS.holds(1, bytes)
}

/// Behind white space only what no word is: a digit or a mark among at least five characters.
fn is_telling(bytes: &[u8], traits: Traits) -> bool {
    bytes.len() >= 5
        && traits.any(class::ALPHA)
        && traits.any(class::DIGIT | class::MARK)
        && traits.none(class::EQUALS)
        && !bytes.starts_with(b"(")
        && !bytes.starts_with(b"HTTP/")
}

/// `login bob password x`, as in `.netrc`.
fn is_login(hit: &Hit<'_>, key: &Key) -> bool {
    let before = &hit.hay[hit.record.start.max(key.name.start.saturating_sub(128))..key.name.start];
    let mut words = before.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).rev();
    let user = words.next();
    let word = words.next().unwrap_or_default();
    user.is_some() && [&b"login"[..], b"user", b"username"].iter().any(|login| word.eq_ignore_ascii_case(login))
}

/// Calls, members, subscripts, operators: what fetches a value is none.
fn is_code(bytes: &[u8], traits: Traits) -> bool {
    is_expression(bytes, traits) || traits.none(class::DIGIT) && is_member(bytes, traits)
}

/// `getPassword()`, `os.environ['X']`, `a::b`, `self->pw`, `await x`.
fn is_expression(bytes: &[u8], traits: Traits) -> bool {
    let is_behind_name = |mark| {
        let head = class::run(bytes, class::MEMBER);
        head > 0 && bytes.get(head) == Some(&mark)
    };
    let holds = |pair: &[u8]| bytes.windows(2).any(|there| there == pair);
    traits.any(class::ROUND) && is_behind_name(b'(')
        || traits.any(class::SQUARE) && bytes.ends_with(b"]") && is_behind_name(b'[')
        || traits.any(class::COLON) && holds(b"::")
        || traits.any(class::MORE) && holds(b"->")
        || matches!(bytes, [b'$', b'(' | b'{', ..] | [b'{', b'{', ..] | [b'<', b'%', ..])
}

/// `config.token`, `user.password.value`.
fn is_member(bytes: &[u8], traits: Traits) -> bool {
    traits.any(class::DOT)
        && traits.all(class::MEMBER)
        && !bytes.starts_with(b".")
        && !bytes.ends_with(b".")
        && bytes.windows(2).all(|pair| pair != b"..")
}

/// A file, a folder or a URL.
fn is_path(bytes: &[u8]) -> bool {
    let rest = &bytes[bytes.len().min(1)..];
    let begins = match bytes.first() {
        Some(b'/') => true,
        Some(b'.') => rest.starts_with(b"/") || rest.starts_with(b"./"),
        Some(b'~') => rest.starts_with(b"/"),
        Some(b'h') => rest.starts_with(b"ttp://") || rest.starts_with(b"ttps://"),
        Some(b'f') => rest.starts_with(b"ile:"),
        Some(b'a') => rest.starts_with(b"rn:"),
        Some(b'C') => rest.starts_with(b":\\"),
        Some(b'v') => rest.starts_with(b"ault:"),
        Some(b's') => rest.starts_with(b"ecret/") || rest.starts_with(b"sm:"),
        Some(b'o') => rest.starts_with(b"p://"),
        _ => false,
    };
    if !begins {
        return false;
    }
    let slashes = bytes.iter().filter(|byte| **byte == b'/').count();
    (slashes != 1 || bytes.starts_with(b"/") && !value::is_random(bytes))
        && !value::is_random(&bytes[memchr::memrchr(b'/', bytes).map_or(0, |at| at + 1)..])
}

/// Words with spaces that tell a reader something: `Please enter your password`.
fn is_sentence(bytes: &[u8], traits: Traits) -> bool {
    if traits.none(class::SPACE) {
        return false;
    }
    let words = bytes.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let plain = |word: &[u8]| word.iter().all(|byte| byte.is_ascii_alphabetic() || b".,:;!?'()-".contains(byte));
    let n_words = words.clone().count();
    n_words >= 2
        && words.clone().all(plain)
        && (n_words >= 5
            || words.clone().any(is_prose)
            || n_words >= 3 && bytes.first().is_some_and(u8::is_ascii_uppercase))
}

/// One word of a form or a status: `required`, `Invalid`.
fn is_message(bytes: &[u8]) -> bool {
    is_prose(bytes) && bytes.len() > 3
}

/// Whether nothing but white space, a list's dash or a comment's mark stands before the key.
fn begins_line(hit: &Hit<'_>, key: &Key) -> bool {
    let before = &hit.hay[hit.record.start..key.name.start];
    before.len() <= 64 && before.iter().all(|byte| b" \t-#;".contains(byte))
}

fn ends_line(hit: &Hit<'_>, place: &Place) -> bool {
    let rest = &hit.hay[place.value.end..hit.record.end];
    let next = rest.iter().take(64).find(|byte| !byte.is_ascii_whitespace());
    next.is_none_or(|byte| *byte == b'#')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::oracle::{Numbers, generated};

    /// The predicates as one would write them, byte by byte.
    mod plain {
        use crate::scan::value;

        pub(super) fn is_long_mix(bytes: &[u8]) -> bool {
            let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
            let letters = bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
            let plain = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-=+/".contains(byte));
            let parts = bytes.split(|byte| b"_-/".contains(byte)).count();
            bytes.len() >= 16 && plain && digits >= 3 && letters >= 3 && parts <= 3
        }

        pub(super) fn is_nothing(bytes: &[u8]) -> bool {
            let digits = bytes.iter().all(u8::is_ascii_digit);
            let mut plain = bytes.iter().filter(|byte| **byte != b'-');
            let first = plain.next();
            let is_seam = b"\"'`".contains(&bytes[0]) && memchr::memmem::find(bytes, b" + ").is_some();
            bytes.len() <= 2
                || bytes.len() <= 3 && digits
                || first == Some(&b'0') && plain.all(|byte| *byte == b'0')
                || is_seam
        }

        pub(super) fn names_a_secret(bytes: &[u8]) -> bool {
            let lower = |word: &[u8]| bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
            [&b"pass"[..], b"secret", b"token", b"key", b"pwd", b"cred", b"auth"].iter().any(|word| lower(word))
        }

        pub(super) fn is_name(bytes: &[u8]) -> bool {
            bytes.iter().all(|byte| byte.is_ascii_alphabetic() || b"_.$->:@&*?!".contains(byte))
        }

        pub(super) fn is_telling(bytes: &[u8]) -> bool {
            let digits = bytes.iter().any(u8::is_ascii_digit);
            let letters = bytes.iter().any(u8::is_ascii_alphabetic);
            let marks = bytes.iter().any(|byte| b"!@#$%^&*".contains(byte));
            bytes.len() >= 5
                && letters
                && (digits || marks)
                && !bytes.contains(&b'=')
                && !bytes.starts_with(b"(")
                && !bytes.starts_with(b"HTTP/")
        }

        pub(super) fn is_expression(bytes: &[u8]) -> bool {
            let call = memchr::memchr(b'(', bytes).is_some_and(|open| open > 0 && is_name_or_digits(&bytes[..open]));
            let subscript = memchr::memchr(b'[', bytes)
                .is_some_and(|open| open > 0 && is_name_or_digits(&bytes[..open]) && bytes.ends_with(b"]"));
            let path = memchr::memmem::find(bytes, b"::").is_some() || memchr::memmem::find(bytes, b"->").is_some();
            call || subscript
                || path
                || bytes.starts_with(b"$(")
                || bytes.starts_with(b"${")
                || bytes.starts_with(b"{{")
                || bytes.starts_with(b"<%")
        }

        pub(super) fn is_name_or_digits(bytes: &[u8]) -> bool {
            bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.$:>-".contains(byte))
        }

        pub(super) fn is_member(bytes: &[u8]) -> bool {
            bytes.contains(&b'.')
                && is_name_or_digits(bytes)
                && bytes.split(|byte| *byte == b'.').all(|part| !part.is_empty())
        }

        pub(super) fn is_path(bytes: &[u8]) -> bool {
            let starts = [
                &b"/"[..],
                b"./",
                b"../",
                b"~/",
                b"http://",
                b"https://",
                b"file:",
                b"arn:",
                b"C:\\",
                b"vault:",
                b"secret/",
                b"op://",
                b"ssm:",
            ];
            let slashes = bytes.iter().filter(|byte| **byte == b'/').count();
            starts.iter().any(|start| bytes.starts_with(start))
                && (slashes != 1 || bytes.starts_with(b"/") && !value::is_random(bytes))
                && !value::is_random(&bytes[memchr::memrchr(b'/', bytes).map_or(0, |at| at + 1)..])
        }

        pub(super) fn is_sentence(bytes: &[u8]) -> bool {
            let words = bytes.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
            let plain =
                |word: &[u8]| word.iter().all(|byte| byte.is_ascii_alphabetic() || b".,:;!?'()-".contains(byte));
            let n_words = words.clone().count();
            n_words >= 2
                && words.clone().all(plain)
                && (n_words >= 5
                    || words.clone().any(super::is_prose)
                    || n_words >= 3 && bytes.first().is_some_and(u8::is_ascii_uppercase))
        }
    }

    #[test]
    fn traits_answer_what_plain_predicates_answer() {
        const CODE: &str = "( ) [ ] :: -> . .. a.b get() x[1] $( ${ {{ <% / ./ ../ ~/ http:// https:// file: arn: C:\\ vault: secret/ op:// ssm: \
            pass Secret token KEY pwd cred auth a,b the not HTTP/ = 0 0-0 000 + / _";
        let pieces: Vec<&str> = CODE.split(' ').collect();
        let mut numbers = Numbers(20_261_126);
        for _ in 0..60_000 {
            let mut value = if numbers.below(2) == 0 { generated(&mut numbers) } else { Vec::new() };
            for _ in 0..numbers.below(5) {
                let at = numbers.below(value.len() + 1);
                value.splice(at..at, pieces[numbers.below(pieces.len())].bytes());
                if numbers.below(4) == 0 {
                    value.push(b' ');
                }
            }
            if value.is_empty() {
                continue;
            }
            let traits = Traits::of(&value);
            let answers = [
                is_nothing(&value, traits),
                traits.all(class::MIX) && is_long_mix(&value),
                names_a_secret(&value),
                traits.all(class::NAME),
                is_telling(&value, traits),
                is_expression(&value, traits),
                is_member(&value, traits),
                is_path(&value),
                is_sentence(&value, traits),
            ];
            let expected = [
                plain::is_nothing(&value),
                plain::is_long_mix(&value),
                plain::names_a_secret(&value),
                plain::is_name(&value),
                plain::is_telling(&value),
                plain::is_expression(&value),
                plain::is_member(&value),
                plain::is_path(&value),
                plain::is_sentence(&value),
            ];
            assert_eq!(answers, expected, "{}", value.escape_ascii());
        }
    }
}
