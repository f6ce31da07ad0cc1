//! Classes of bytes in one table: a test of any class costs one load and one AND.
//!
//! A class is a bit; a byte may be in many. Walks over a value test single bytes ([`is`]), runs
//! ([`run`], [`until`]), or all of its bytes at once ([`Traits`]), so that several questions about
//! a value read it once.

use crate::text::visits;

/// A digit.
pub(super) const DIGIT: u64 = 1 << 0;
/// A letter `a` to `z`.
pub(super) const LOWER: u64 = 1 << 1;
/// A letter `A` to `Z`.
pub(super) const UPPER: u64 = 1 << 2;
/// A letter. A class of its own, because [`Traits::all`] takes a single class.
pub(super) const ALPHA: u64 = 1 << 29;
/// A letter or a digit.
pub(super) const ALNUM: u64 = 1 << 30;
/// `_`, `-` or `.`, which join the words of an identifier.
pub(super) const JOINT: u64 = 1 << 3;
/// White space as defined by `u8::is_ascii_whitespace`.
pub(super) const WHITE: u64 = 1 << 4;
/// A visible ASCII character.
pub(super) const GRAPHIC: u64 = 1 << 5;
/// A hexadecimal digit with small letters.
pub(super) const HEX_LOWER: u64 = 1 << 6;
/// A hexadecimal digit with capital letters.
pub(super) const HEX_UPPER: u64 = 1 << 7;
/// Bytes of a name in code, without digits: letters and `_.$->:@&*?!`.
pub(super) const NAME: u64 = 1 << 8;
/// Bytes of a member access: letters, digits and `_.$:>-`.
pub(super) const MEMBER: u64 = 1 << 9;
/// Bytes of base64 and tokens: letters, digits and `_-=+/`.
pub(super) const MIX: u64 = 1 << 10;
/// Bytes of a stand-in made of words: letters, `'` and [`SEPARATOR`].
pub(super) const WORDS: u64 = 1 << 11;
/// Separators between the words of a stand-in.
pub(super) const SEPARATOR: u64 = 1 << 12;
/// Characters that are repeated in place of a value: `xX*.-_#?`.
pub(super) const FILL: u64 = 1 << 13;
/// Characters that are repeated in examples of tokens: `xabcf01*#?z`.
pub(super) const FILLER: u64 = 1 << 14;
/// Marks that occur in passwords and not in words: `!@#$%^&*`.
pub(super) const MARK: u64 = 1 << 15;
/// Brackets and operators of code: `(){}$[]|`.
pub(super) const BRACKET: u64 = 1 << 16;
/// First bytes of an expansion or a label, also an escaped one: `\{$#<[%_@&`.
pub(super) const EXPANSION: u64 = 1 << 17;
/// Bytes that may end a value without quotes.
pub(super) const STOP: u64 = 1 << 18;
/// Bytes that may follow a key: white space, a separator, a quote, a bracket, or the beginning of
/// an escape; also the first bytes of their forms outside ASCII.
pub(super) const FOLLOWER: u64 = 1 << 19;
/// `"`, `'` or a backtick.
pub(super) const QUOTE: u64 = 1 << 20;
/// Bytes that may follow a word that is a type or opens a string: white space, quotes and the marks
/// of types and calls.
pub(super) const BEHIND_WORD: u64 = 1 << 31;
/// Bytes of a type: letters, digits and `_.<>?|[]`.
pub(super) const TYPE: u64 = 1 << 32;
/// Bytes that may end a header's value: a quote, a backslash, `<`.
pub(super) const HEADER_STOP: u64 = 1 << 33;
/// Bytes that end a credential in a header: white space and `,;"'<>`.
pub(super) const CREDENTIAL_STOP: u64 = 1 << 34;
/// Small letters, `_` and `.`, which make words and no credentials.
pub(super) const SMALL: u64 = 1 << 35;
/// Single characters that are searched for in values.
pub(super) const UNDERSCORE: u64 = 1 << 36;
pub(super) const DASH: u64 = 1 << 37;
/// Bytes at or after the beginning of an escape: `\%#[;`.
pub(super) const ESCAPE: u64 = 1 << 38;
pub(super) const DOT: u64 = 1 << 21;
pub(super) const SLASH: u64 = 1 << 22;
pub(super) const EQUALS: u64 = 1 << 23;
pub(super) const SPACE: u64 = 1 << 24;
pub(super) const COLON: u64 = 1 << 25;
pub(super) const MORE: u64 = 1 << 26;
pub(super) const ROUND: u64 = 1 << 27;
pub(super) const SQUARE: u64 = 1 << 28;

/// The classes of each byte.
static CLASSES: [u64; 256] = classes();

/// The classes that list their marks. Letters, digits and white space are added by [`classes`].
const MARKS: [(u64, &[u8]); 30] = [
    (NAME, b"_.$->:@&*?!"),
    (MEMBER, b"_.$:>-"),
    (MIX, b"_-=+/"),
    (WORDS, b"_- ./!'"),
    (JOINT, b"_-."),
    (SEPARATOR, b"_- ./!"),
    (FILL, b"xX*.-_#?"),
    (FILLER, b"xabcf01*#?z"),
    (MARK, b"!@#$%^&*"),
    (BRACKET, b"(){}$[]|"),
    (EXPANSION, b"\\{$#<[%_@&"),
    (STOP, b"\"`<>'\\&,;|%([{)]}#\x7f"),
    // The last five begin white space, quotes and separators outside ASCII.
    (FOLLOWER, b">\"'`\\)][ \t%=-&+?.|~:(,\xa0\xc2\xe2\xe3\xef"),
    (QUOTE, b"\"'`"),
    (BEHIND_WORD, b" \t<>?|[]\"'`@$(:"),
    (TYPE, b"_.<>?|[]"),
    (HEADER_STOP, b"\"'`\\<"),
    (CREDENTIAL_STOP, b",;\"'<>"),
    (SMALL, b"_."),
    (UNDERSCORE, b"_"),
    (DASH, b"-"),
    (ESCAPE, b"\\%#[;"),
    (DOT, b"."),
    (SLASH, b"/"),
    (EQUALS, b"="),
    (SPACE, b" "),
    (COLON, b":"),
    (MORE, b">"),
    (ROUND, b"("),
    (SQUARE, b"["),
];

/// Builds [`CLASSES`] at compile time.
const fn classes() -> [u64; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let it = byte as u8;
        let mut class = 0;
        if it.is_ascii_digit() {
            class |= DIGIT | ALNUM | MEMBER | MIX | TYPE | HEX_LOWER | HEX_UPPER;
        }
        if it.is_ascii_alphabetic() {
            class |= ALPHA | ALNUM | NAME | MEMBER | MIX | WORDS | TYPE;
            class |= if it.is_ascii_lowercase() { LOWER | SMALL } else { UPPER };
        }
        class |= if matches!(it, b'a'..=b'f') { HEX_LOWER } else { 0 };
        class |= if matches!(it, b'A'..=b'F') { HEX_UPPER } else { 0 };
        class |= if it.is_ascii_whitespace() { WHITE | CREDENTIAL_STOP } else { 0 };
        class |= if it.is_ascii_graphic() { GRAPHIC } else { 0 };
        class |= if it <= b' ' { STOP } else { 0 };
        let mut list = 0;
        while list < MARKS.len() {
            class |= if holds(MARKS[list].1, it) { MARKS[list].0 } else { 0 };
            list += 1;
        }
        classes[byte] = class;
        byte += 1;
    }
    classes
}

const fn holds(bytes: &[u8], byte: u8) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == byte {
            return true;
        }
        at += 1;
    }
    false
}

/// The classes of `byte`.
#[inline]
pub(super) fn of(byte: u8) -> u64 {
    CLASSES[usize::from(byte)]
}

/// Whether `byte` is in one of the classes.
#[inline]
pub(super) fn is(byte: u8, classes: u64) -> bool {
    of(byte) & classes != 0
}

/// The length of the run at the beginning of `text` whose bytes are in one of the classes.
#[inline]
pub(super) fn run(text: &[u8], classes: u64) -> usize {
    let mut length = 0;
    while length < text.len() && is(text[length], classes) {
        length += 1;
    }
    visits::counted(length)
}

/// The number of bytes before the first one in any of the classes.
#[inline]
pub(super) fn until(text: &[u8], classes: u64) -> usize {
    let mut length = 0;
    while length < text.len() && !is(text[length], classes) {
        length += 1;
    }
    visits::counted(length)
}

/// The length of the run at the end of `text` whose bytes are in one of the classes.
#[inline]
pub(super) fn run_back(text: &[u8], classes: u64) -> usize {
    let mut start = text.len();
    while start > 0 && is(text[start - 1], classes) {
        start -= 1;
    }
    visits::counted(text.len() - start)
}

/// The classes that all bytes of a text are in, and those that any byte is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traits {
    any: u64,
    all: u64,
}

impl Traits {
    #[inline]
    pub(super) fn of(text: &[u8]) -> Traits {
        visits::add(text.len());
        let mut traits = Traits { any: 0, all: u64::MAX };
        for byte in text {
            let class = of(*byte);
            traits.any |= class;
            traits.all &= class;
        }
        traits
    }

    /// Whether some byte is in one of the classes.
    #[inline]
    pub(super) fn any(self, classes: u64) -> bool {
        self.any & classes != 0
    }

    /// Whether every byte is in `class`, a single class.
    #[inline]
    pub(super) fn all(self, class: u64) -> bool {
        self.all & class != 0
    }

    /// Whether no byte is in any of the classes.
    #[inline]
    pub(super) fn none(self, classes: u64) -> bool {
        self.any & classes == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_what_their_names_say() {
        for byte in 0..=u8::MAX {
            assert_eq!(is(byte, DIGIT), byte.is_ascii_digit());
            assert_eq!(is(byte, ALPHA), byte.is_ascii_alphabetic());
            assert_eq!(is(byte, ALNUM), byte.is_ascii_alphanumeric());
            assert_eq!(is(byte, WHITE), byte.is_ascii_whitespace());
            assert_eq!(is(byte, GRAPHIC), byte.is_ascii_graphic());
            assert_eq!(is(byte, HEX_LOWER | HEX_UPPER), byte.is_ascii_hexdigit());
            assert_eq!(
                is(byte, NAME),
                byte.is_ascii_alphabetic() || b"_.$->:@&*?!".contains(&byte)
            );
        }
    }

    #[test]
    fn traits_tell_some_from_all() {
        let traits = Traits::of(b"abc1");
        assert!(
            traits.any(DIGIT)
                && traits.any(LOWER | UPPER)
                && !traits.any(UPPER)
                && traits.none(UPPER | WHITE)
        );
        assert!(traits.all(MEMBER) && !traits.all(LOWER));
        assert!(Traits::of(b"").all(DIGIT) && Traits::of(b"").none(DIGIT));
    }
}
