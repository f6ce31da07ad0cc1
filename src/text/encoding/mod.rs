//! One encoded span and its text, offsets mapped back: pure functions over bytes, which know
//! nothing of rules.
//!
//! Escapes stand for a character or two of a text that can be read without them: percent, `\u0041`,
//! `&#64;`, `\x41`, `=3D`, and colour codes and characters of no width, which stand for nothing.
//! Blobs are texts written in another alphabet as a whole: base64 and hexadecimal. What is replaced
//! in a blob is encoded again, so that the blob still decodes.
//!
//! An escape is read only where it stands for a character that is seen, or for ESC: a line end or a
//! tab that is escaped stays an escape, since recognisers know those as edges. A quote becomes an
//! apostrophe, so that the strings of the JSON around it end where they did.

mod ansi;
mod backslash;
pub(crate) mod base64;
pub(crate) mod hex;
mod html;
pub(crate) mod json;
mod percent;
mod quoted_printable;

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Percent,
    Json,
    Html,
    Backslash,
    QuotedPrintable,
    Ansi,
    ZeroWidth,
    Base64,
    Hex,
}

impl Encoding {
    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Encoding::Percent => "percent",
            Encoding::Json => "json",
            Encoding::Html => "html",
            Encoding::Backslash => "backslash",
            Encoding::QuotedPrintable => "quoted-printable",
            Encoding::Ansi => "ansi",
            Encoding::ZeroWidth => "zero-width",
            Encoding::Base64 => "base64",
            Encoding::Hex => "hex",
        }
    }
}

/// What stands in place of one character, or of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Escape {
    /// How many bytes it is written with.
    pub(crate) length: usize,
    bytes: [u8; 4],
    n_bytes: u8,
    pub(crate) encoding: Encoding,
}

impl Escape {
    /// What it stands for.
    pub(crate) fn text(&self) -> &[u8] {
        &self.bytes[..usize::from(self.n_bytes)]
    }

    fn nothing(length: usize, encoding: Encoding) -> Escape {
        Escape { length, bytes: [0; 4], n_bytes: 0, encoding }
    }

    /// A byte of UTF-8 or ASCII, if it is one that is seen, or ESC: what it begins is looked
    /// through then.
    fn byte(length: usize, byte: u8, encoding: Encoding) -> Option<Escape> {
        let byte = if byte == b'"' { b'\'' } else { byte };
        let is_seen = byte >= b' ' && byte != 0x7f || byte == 0x1b;
        is_seen.then_some(Escape { length, bytes: [byte, 0, 0, 0], n_bytes: 1, encoding })
    }

    fn character(length: usize, code: u32, encoding: Encoding) -> Option<Escape> {
        let letter =
            char::from_u32(code).filter(|letter| !letter.is_control() || *letter == '\x1b')?;
        let letter = if letter == '"' { '\'' } else { letter };
        let mut bytes = [0; 4];
        let n_bytes = letter.encode_utf8(&mut bytes).len() as u8;
        Some(Escape { length, bytes, n_bytes, encoding })
    }
}

/// Whether an escape may begin with the byte. That of quoted-printable is left out, since it is too
/// common: [`SIGN`] tells of it.
pub(crate) fn is_start(byte: u8) -> bool {
    matches!(byte, 0x1b | b'%' | b'\\' | b'&' | 0xe2 | 0xef)
}

/// How a record tells that it is quoted-printable.
pub(crate) const SIGN: &str = "=3D";

/// The length of the colour code at the head of `rest`.
#[inline(always)]
pub(crate) fn colour(rest: &[u8]) -> Option<usize> {
    ansi::plain(rest)
}

/// The length of the control sequence at the head of `rest`, of any kind and with its ESC written
/// in any way.
pub(crate) fn control(rest: &[u8]) -> Option<usize> {
    ansi::any(rest)
}

/// Whether a control sequence or an escape may begin with the byte.
pub(crate) fn may_begin(byte: u8) -> bool {
    matches!(byte, 0x1b | b'\\' | b'#' | b'^' | b'%' | b'&')
}

/// Whether `text` is nothing but colour codes.
pub(crate) fn is_colour(mut text: &[u8]) -> bool {
    while let Some(length) = colour(text) {
        text = &text[length..];
    }
    text.is_empty()
}

/// The escape at the head of `rest`.
#[inline(always)]
pub(crate) fn escape(rest: &[u8]) -> Option<Escape> {
    // Most of all escapes are colour codes. What is told of them here is part of the caller; an
    // answer by way of memory costs more than all else.
    match ansi::plain(rest) {
        Some(length) => Some(Escape::nothing(length, Encoding::Ansi)),
        None => other(rest),
    }
}

/// An escape that does not begin with ESC itself.
fn other(rest: &[u8]) -> Option<Escape> {
    match rest.first()? {
        b'%' => percent::read(rest),
        b'\\' => match rest.get(json::backslashes(rest))? {
            b'u' => ansi::read(rest).or_else(|| json::read(rest)),
            b'/' => json::read(rest),
            b'x' => ansi::read(rest).or_else(|| backslash::read(rest)),
            b'0' | b'e' => ansi::read(rest),
            _ => None,
        },
        b'&' => html::read(rest),
        b'=' => quoted_printable::read(rest),
        0xe2 | 0xef => zero_width(rest),
        _ => None,
    }
}

/// Characters that are not seen: zero-width space and joiners, the word joiner, the byte order
/// mark.
fn zero_width(rest: &[u8]) -> Option<Escape> {
    let is_one = matches!(
        rest,
        [0xe2, 0x80, 0x8b..=0x8d, ..] | [0xe2, 0x81, 0xa0, ..] | [0xef, 0xbb, 0xbf, ..]
    );
    is_one.then(|| Escape::nothing(3, Encoding::ZeroWidth))
}

/// The value of so many hexadecimal digits.
fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0_u32, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(usize, String)> {
        let escape = escape(text.as_bytes())?;
        Some((escape.length, String::from_utf8_lossless(escape.text())))
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
    fn a_control_sequence_is_told_however_its_esc_is_written() {
        for (text, length) in [
            ("\u{1b}[0mx", 4),
            ("\u{1b}[Kx", 3),
            ("\u{1b}]0;title\u{7}x", 10),
            ("\u{1b}]8;;http://h/\u{1b}\\x", 16),
            ("\u{1b}(Bx", 3),
            ("\u{1b}cx", 2),
            ("\u{1b}", 1),
            (r"\u001b[31mx", 10),
            (r"\u001B]0;t\u0007x", 16),
            (r"\u001b]0;t\u001b\\x", 18),
            (r"\\x1b[Kx", 7),
            (r"\033[1;31mx", 10),
            (r"\e[0mx", 5),
            ("^[[0mx", 5),
            ("#033[0mx", 7),
        ] {
            assert_eq!(control(text.as_bytes()), Some(length), "{text}");
        }
        for text in [r"\events", r"\n", "# 033", "#1", "^a", "x"] {
            assert_eq!(control(text.as_bytes()), None, "{text}");
        }
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
