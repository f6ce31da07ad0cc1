//! Encodings: how a text is written so that it cannot be read as it stands.
//!
//! An *escape* stands for one character, or for none: `%40`, `\u0041`, `&#64;`, `\x41`, `=3D`,
//! colour codes, characters of no width. A *blob* is a whole text in another alphabet: base64,
//! hexadecimal digits. A replacement inside a blob is encoded again, so that the blob still
//! decodes.
//!
//! Everything that detection knows about an encoding is its file here and its line in [`ESCAPES`]
//! or [`BLOBS`]: the prefilter looks for the bytes that the table names, `detect::decode` asks
//! [`escape`], and `explain` prints the name.
//!
//! An escape is read only if it stands for a visible character, or for ESC. An escaped line end or
//! tab stays as it is, because detectors know those as edges. A double quote becomes an apostrophe,
//! so that the strings of the JSON around it end where they did.

mod ansi;
mod backslash_hex;
mod base64;
mod hex;
mod html;
mod json_string;
mod percent;
mod quoted_printable;
mod syntax;
mod zero_width;

use super::escape;
use syntax::{Decoded, Syntax};

pub(crate) use syntax::Blob;

/// The encodings of single characters. Of two that may begin alike the first one is tried first.
/// [`ANSI`] is the first, because it is by far the most frequent.
static ESCAPES: [Syntax; 7] = [
    ansi::ANSI,
    percent::PERCENT,
    json_string::JSON_STRING,
    html::HTML,
    backslash_hex::BACKSLASH_HEX,
    quoted_printable::QUOTED_PRINTABLE,
    zero_width::ZERO_WIDTH,
];

/// The encodings of whole texts.
static BLOBS: [Blob; 2] = [hex::HEX, base64::BASE64];

/// An encoding, by its place in [`ESCAPES`] or, behind those, in [`BLOBS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Encoding(u8);

impl Encoding {
    const ANSI: Encoding = Encoding(0);
    pub(crate) const HEX: Encoding = Encoding(ESCAPES.len() as u8);
    pub(crate) const BASE64: Encoding = Encoding(ESCAPES.len() as u8 + 1);

    /// What users call it.
    pub(crate) fn name(self) -> &'static str {
        match self.blob() {
            Some(blob) => blob.name,
            None => ESCAPES[usize::from(self.0)].name,
        }
    }

    /// Whether its escapes stand for nothing.
    pub(crate) fn is_invisible(self) -> bool {
        ESCAPES.get(usize::from(self.0)).is_some_and(|syntax| syntax.is_invisible)
    }

    /// How its blobs are written, if it has any.
    pub(crate) fn blob(self) -> Option<&'static Blob> {
        BLOBS.get(usize::from(self.0).checked_sub(ESCAPES.len())?)
    }
}

/// An escape in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Escape {
    decoded: Decoded,
    pub(crate) encoding: Encoding,
}

impl Escape {
    /// The bytes that it is written with.
    pub(crate) fn length(&self) -> usize {
        self.decoded.length
    }

    /// What it stands for.
    pub(crate) fn text(&self) -> &[u8] {
        self.decoded.text()
    }
}

/// The escape at the head of `rest`.
#[inline(always)]
pub(crate) fn escape(rest: &[u8]) -> Option<Escape> {
    // Nearly all escapes of a coloured log are colour codes. Reading them as part of the caller
    // saves an answer through memory, which would cost more than the rest.
    match super::ansi::colour(rest) {
        Some(length) => {
            Some(Escape { decoded: Decoded::nothing(length), encoding: Encoding::ANSI })
        }
        None => other(rest),
    }
}

/// An escape that does not begin with ESC itself.
fn other(rest: &[u8]) -> Option<Escape> {
    let mut candidates = match rest.first()? {
        b'\\' => BY_LETTER[usize::from(*rest.get(escape::backslashes(rest))?)],
        byte => BY_START[usize::from(*byte)],
    };
    while candidates != 0 {
        let index = candidates.trailing_zeros() as usize;
        if let Some(decoded) = (ESCAPES[index].read)(rest) {
            return Some(Escape { decoded, encoding: Encoding(index as u8) });
        }
        candidates &= candidates - 1;
    }
    None
}

/// For each byte the encodings, a bit each, whose escapes may begin with it.
static BY_START: [u8; 256] = {
    let mut sets = [0; 256];
    let mut index = 0;
    while index < ESCAPES.len() {
        add(&mut sets, ESCAPES[index].starts, 1 << index);
        index += 1;
    }
    sets
};

/// For each byte the encodings whose escapes may begin with backslashes and that byte.
static BY_LETTER: [u8; 256] = {
    let mut sets = [0; 256];
    let mut index = 0;
    while index < ESCAPES.len() {
        add(&mut sets, ESCAPES[index].letters, 1 << index);
        index += 1;
    }
    sets
};

const fn add(sets: &mut [u8; 256], bytes: &[u8], bit: u8) {
    let mut at = 0;
    while at < bytes.len() {
        sets[bytes[at] as usize] |= bit;
        at += 1;
    }
}

/// Whether an escape may begin with each byte. Encodings with a marker are left out.
static IS_START: [bool; 256] = {
    let mut starts = [false; 256];
    let mut index = 0;
    while index < ESCAPES.len() {
        let syntax = &ESCAPES[index];
        let mut at = 0;
        while at < syntax.starts.len() && syntax.marker.is_none() {
            starts[syntax.starts[at] as usize] = true;
            at += 1;
        }
        starts[b'\\' as usize] |= !syntax.letters.is_empty();
        index += 1;
    }
    starts
};

/// Whether an escape may begin with the byte, in a record without a [marker](markers).
#[inline]
pub(crate) fn is_start(byte: u8) -> bool {
    IS_START[usize::from(byte)]
}

/// The texts that a record must hold for the escapes of some encodings to be read.
pub(crate) fn markers() -> impl Iterator<Item = &'static str> {
    ESCAPES.iter().filter_map(|syntax| syntax.marker)
}

/// Whether an escape of an encoding with a [marker](markers) may begin with the byte.
pub(crate) fn is_marked_start(byte: u8) -> bool {
    let sets = BY_START[usize::from(byte)];
    sets != 0
        && ESCAPES
            .iter()
            .enumerate()
            .any(|(index, syntax)| sets & 1 << index != 0 && syntax.marker.is_some())
}

/// Whether a control sequence or an escape of ASCII may begin with the byte.
pub(crate) fn may_begin(byte: u8) -> bool {
    matches!(byte, 0x1b | b'\\' | b'#' | b'^' | b'%' | b'&')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(usize, String)> {
        let escape = escape(text.as_bytes())?;
        Some((escape.length(), String::from_utf8_lossless(escape.text())))
    }

    trait Lossless {
        fn from_utf8_lossless(bytes: &[u8]) -> String;
    }

    impl Lossless for String {
        fn from_utf8_lossless(bytes: &[u8]) -> String {
            bytes.iter().map(|byte| char::from(*byte)).collect()
        }
    }

    #[test]
    fn an_escape_stands_for_its_character() {
        for (text, length, meaning) in [
            ("%40x", 3, "@"),
            ("%22", 3, "'"),
            ("%1b%5b", 3, "\u{1b}"),
            (r"\u0040x", 6, "@"),
            (r"\\u0040x", 7, "@"),
            (r"\\\\u003D", 9, "="),
            (r"\/x", 2, "/"),
            (r"\\\/x", 4, "/"),
            (r"\x40", 4, "@"),
            (r"\\x3a", 5, ":"),
            ("&#64;", 5, "@"),
            ("&#x40;", 6, "@"),
            ("&quot;", 6, "'"),
            ("&amp;", 5, "&"),
            ("&commat;", 8, "@"),
            ("=3D", 3, "="),
            ("=40x", 3, "@"),
            ("\u{1b}[31mx", 5, ""),
            ("\u{1b}[1;38;5;12mx", 12, ""),
            (r"\u001b[0mx", 9, ""),
            (r"\u001b[\n", 6, "\u{1b}"),
            (r"\x1b[0mx", 7, ""),
            (r"\033[0mx", 7, ""),
            ("\u{200b}x", 3, ""),
        ] {
            assert_eq!(read(text), Some((length, meaning.to_owned())), "{text}");
        }
    }

    #[test]
    fn encodings_have_the_names_of_their_entries() {
        assert_eq!(Encoding::ANSI.name(), "ansi");
        assert_eq!(Encoding::HEX.name(), "hex");
        assert_eq!(Encoding::BASE64.name(), "base64");
        assert!(Encoding::ANSI.is_invisible() && !Encoding::HEX.is_invisible());
        assert!(Encoding::BASE64.blob().is_some() && Encoding::ANSI.blob().is_none());
    }

    #[test]
    fn what_is_no_escape_or_stands_for_an_edge_is_left() {
        for text in [
            "%4", "%zz", "%0A", r"\n", r"\u000a", r"\u12", r"\\users", r"\x0a", r"\xg", "&",
            "&foo;", "&#10;", "=41", "=zz",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("\u{201c}"), None);
    }
}
