//! Where a value without quotes ends behind a strong key.
//!
//! It runs to the next white space: a password may hold any other character. A quote, a bracket or
//! a separator ends it earlier only in a known structure, which the text before the key opened or
//! the value's own form shows, and only where what follows goes on with that structure: the next
//! pair, the matching bracket, the end of the record.
//!
//! What is open before a key is counted once for each record, from left to right, whatever the
//! number of keys.

use super::unquoted::without_punctuation;
use crate::detect::byte_class;

/// A name of a pair is no longer.
const MAX_NAME: usize = 40;

/// A tag's name and attributes are no longer, as far as the end of a value is concerned.
const MAX_TAG: usize = 128;

/// Bytes that open or close something, and the backslash that escapes a quote.
const STRUCTURE: u64 =
    byte_class::QUOTE | byte_class::BRACKET | byte_class::HEADER_STOP | byte_class::MORE;

/// What is open in a record before a key.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around {
    /// Where the record begins.
    record: usize,
    /// Up to here it was read.
    at: usize,
    /// Round, square, curly and angle brackets.
    brackets: [u32; 4],
    /// Double quotes without a backslash, with one, and with more.
    double: [bool; 3],
    single: bool,
    backtick: bool,
    /// Some white space is written as an escape.
    has_escapes: bool,
}

impl Around {
    /// Reads on up to `to`.
    pub(super) fn read(&mut self, hay: &[u8], record: usize, to: usize) {
        if self.record != record || self.at < record || self.at > to {
            *self = Around { record, at: record, ..Around::default() };
        }
        while self.at < to {
            self.at += byte_class::until(&hay[self.at..to], STRUCTURE);
            let Some(byte) = hay[..to].get(self.at) else { return };
            match byte {
                b'\\' => self.escape(hay, to),
                b'"' | b'\'' | b'`' => self.quote(hay, 0),
                _ => self.bracket(hay, *byte),
            }
            self.at += 1;
        }
    }

    fn escape(&mut self, hay: &[u8], to: usize) {
        let slashes = hay[self.at..to].iter().take_while(|byte| **byte == b'\\').count();
        self.at += slashes;
        match hay[..to].get(self.at) {
            Some(b'"' | b'\'' | b'`') => self.quote(hay, depth(slashes)),
            Some(b'n' | b'r' | b't') => self.has_escapes = true,
            // Behind the run stands what is read next.
            _ => self.at -= 1,
        }
    }

    fn quote(&mut self, hay: &[u8], depth: usize) {
        match hay[self.at] {
            b'"' => {
                self.double[depth] ^= true;
                self.double[depth + 1..].fill(false);
                if depth == 0 {
                    (self.single, self.backtick) = (false, false);
                }
            }
            b'`' => self.backtick ^= true,
            _ => {
                let left = &hay[self.record..self.at];
                // `u'…'` opens a string, the apostrophe of `don't` nothing.
                let is_behind_word = match left {
                    [.., before, b'u' | b'b' | b'r' | b'f'] => before.is_ascii_alphanumeric(),
                    [b'u' | b'b' | b'r' | b'f'] => false,
                    [.., last] => last.is_ascii_alphanumeric(),
                    [] => false,
                };
                let is_before_word = hay.get(self.at + 1).is_some_and(u8::is_ascii_alphanumeric);
                self.single =
                    if self.single { is_behind_word && is_before_word } else { !is_behind_word };
            }
        }
    }

    fn bracket(&mut self, hay: &[u8], byte: u8) {
        let before = self.at.checked_sub(1).filter(|at| *at >= self.record).map(|at| hay[at]);
        let after = hay.get(self.at + 1);
        match byte {
            b'<' if !after.is_some_and(|byte| {
                byte.is_ascii_alphabetic() || matches!(byte, b'/' | b'!' | b'?')
            }) => {}
            // Arrows close nothing.
            b'>' if matches!(before, Some(b'-' | b'=')) => {}
            _ => {
                let Some((kind, is_open)) = bracket(byte) else { return };
                let count = &mut self.brackets[kind];
                *count = if is_open { *count + 1 } else { count.saturating_sub(1) };
            }
        }
    }

    fn is_open(&self, quote: u8, depth: usize) -> bool {
        match quote {
            b'"' => self.double[depth],
            b'`' => self.backtick,
            _ => self.single,
        }
    }

    /// Whether the key stands between quotes of any kind.
    pub(super) fn is_in_quotes(&self) -> bool {
        self.single || self.backtick || self.double.contains(&true)
    }

    /// Whether the key stands in a string, where a backslash begins an escape.
    fn is_in_string(&self) -> bool {
        self.single || self.double[0]
    }
}

/// How deep the string is nested whose quote has so many backslashes before it.
fn depth(slashes: usize) -> usize {
    match slashes {
        1 => 1,
        slashes if slashes % 2 == 1 => 2,
        _ => 0,
    }
}

/// Which of the four kinds of brackets, and whether it opens.
pub(super) fn bracket(byte: u8) -> Option<(usize, bool)> {
    Some(match byte {
        b'(' => (0, true),
        b')' => (0, false),
        b'[' => (1, true),
        b']' => (1, false),
        b'{' => (2, true),
        b'}' => (2, false),
        b'<' => (3, true),
        b'>' => (3, false),
        _ => return None,
    })
}

/// The length of the value at the head of `rest`, which goes on to the end of the record. `sign`
/// stands between the keys and the values of the record. `around` is asked only where the value has
/// a character that may end it.
pub(super) fn length(rest: &[u8], sign: u8, around: impl FnOnce() -> Around) -> usize {
    let word = &rest[..rest.iter().take_while(|byte| **byte > b' ' && **byte != 0x7f).count()];
    let first = byte_class::until(word, byte_class::STOP);
    let length = if first == word.len() {
        first
    } else {
        Walk { rest, word, sign, around: around() }.end(first)
    };
    without_punctuation(&word[..length])
}

struct Walk<'h> {
    /// The record from the value on.
    rest: &'h [u8],
    /// The value up to the next white space.
    word: &'h [u8],
    sign: u8,
    around: Around,
}

impl Walk<'_> {
    fn end(&self, first: usize) -> usize {
        let mut at = first;
        // What the value itself opened.
        let mut inner = [0_u32; 4];
        let first_letter =
            self.word.iter().position(u8::is_ascii_alphanumeric).unwrap_or(self.word.len());
        while at < self.word.len() {
            let byte = self.word[at];
            let ends = match byte {
                b'\\' => {
                    let slashes = self.word[at..].iter().take_while(|byte| **byte == b'\\').count();
                    if self.ends_at_escape(at, slashes) {
                        break;
                    }
                    at += slashes;
                    // An escaped quote belongs to the escape.
                    at += usize::from(
                        slashes % 2 == 1
                            && self
                                .word
                                .get(at)
                                .is_some_and(|byte| byte_class::is(*byte, byte_class::QUOTE)),
                    );
                    at += byte_class::until(&self.word[at..], byte_class::STOP);
                    continue;
                }
                b'"' | b'`' => self.around.is_open(byte, 0),
                b'\'' => {
                    self.around.single
                        && !self.rest.get(at + 1).is_some_and(u8::is_ascii_alphanumeric)
                }
                b'<' => ends_at_tag(&self.rest[at..]),
                b'&' => is_entity(&self.rest[at..]) || is_pair(&self.rest[at + 1..], self.sign),
                b',' | b';' | b'|' => {
                    // Punctuation alone is no value that another pair could follow.
                    (at == 0 || first_letter < at) && is_pair(&self.rest[at + 1..], self.sign)
                }
                b'#' => {
                    self.rest[at + 1..].starts_with(b"012")
                        || self.rest[at + 1..].starts_with(b"011")
                }
                _ => self.ends_at_bracket(at, &mut inner),
            };
            if ends {
                break;
            }
            at += 1;
            at += byte_class::until(&self.word[at..], byte_class::STOP);
        }
        at
    }

    /// Whether the escape at `at` stands for white space, or for a quote that was opened before the
    /// key.
    fn ends_at_escape(&self, at: usize, slashes: usize) -> bool {
        let after = &self.rest[at + slashes..];
        match after {
            [quote @ (b'"' | b'\'' | b'`'), ..] if slashes % 2 == 1 => {
                self.around.is_open(*quote, depth(slashes))
            }
            [b'n' | b'r' | b't', behind @ ..] => {
                let is_known =
                    self.around.is_in_string() && slashes <= 2 || self.around.has_escapes;
                is_known
                    || behind.first().is_none_or(u8::is_ascii_whitespace)
                    || is_pair(behind, self.sign)
            }
            // `\(password=\).*`: a group of a regular expression.
            [b')', ..] => self.around.brackets[0] > 0 && !self.word[..at].contains(&b'('),
            [b'u', b'0', b'0', b'2', b'6', behind @ ..] => is_pair(behind, self.sign),
            [b'u', b'0', b'0', b'2' | b'3', b'2' | b'7' | b'c' | b'C' | b'e' | b'E' | b'0', ..] => {
                true
            }
            _ => false,
        }
    }

    /// Whether the bracket at `at` closes one that was opened before the key.
    fn ends_at_bracket(&self, at: usize, inner: &mut [u32; 4]) -> bool {
        let byte = self.word[at];
        let Some((kind, is_open)) = bracket(byte) else { return false };
        if is_open {
            inner[kind] += 1;
            return false;
        }
        // Of brackets that the value opened as well, the last one belongs to the structure.
        let is_last = || memchr::memchr(byte, &self.word[at + 1..]).is_none();
        let is_outer = self.around.brackets[kind] > 0 && (inner[kind] == 0 || is_last());
        inner[kind] = inner[kind].saturating_sub(1);
        is_outer && self.goes_on(&self.rest[at + 1..])
    }

    /// Whether the structure goes on, or ends, behind a bracket that closes.
    fn goes_on(&self, after: &[u8]) -> bool {
        let closers = after
            .iter()
            .take(16)
            .take_while(|byte| matches!(byte, b')' | b']' | b'}' | b'>'))
            .count();
        let after = &after[closers..];
        let Some(next) = after.first() else { return true };
        let behind = &after[1..];
        // `**(password: YES)**`: what follows is punctuation alone.
        let tail = after.iter().take(5).take_while(|byte| byte.is_ascii_punctuation()).count();
        if after.get(tail).is_none_or(u8::is_ascii_whitespace) {
            return true;
        }
        let is_edge = || {
            behind.first().is_none_or(|byte| {
                byte.is_ascii_whitespace() || matches!(byte, b'{' | b'[' | b'(' | b'"' | b'\'')
            })
        };
        match next {
            b',' | b';' | b'.' | b':' | b'!' | b'?' => is_edge() || is_pair(behind, self.sign),
            b'&' | b'|' => is_pair(behind, self.sign),
            b'"' | b'`' | b'\'' => self.around.is_open(*next, 0),
            b'\\' => behind.first().is_some_and(|byte| b"nrt\"'`\\".contains(byte)),
            b'<' => ends_at_tag(after),
            b'[' | b'(' | b'{' => {
                is_pair(behind, self.sign)
                    || behind.first().is_some_and(|byte| byte_class::is(*byte, byte_class::QUOTE))
            }
            // `[(user=bob,password=x)]/db`
            b'/' => closers > 0,
            _ => next.is_ascii_whitespace(),
        }
    }
}

/// Whether a pair begins here: a name, with quotes or without, and the sign that stands between
/// names and values.
pub(super) fn is_pair(text: &[u8], sign: u8) -> bool {
    let quote = text.iter().take(8).take_while(|byte| matches!(byte, b'"' | b'\'' | b'\\')).count();
    let text = &text[quote..];
    let limit = text.len().min(MAX_NAME);
    if !text.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_') {
        return false;
    }
    let mut name = byte_class::run(&text[..limit], byte_class::ALNUM | byte_class::JOINT);
    // One letter is as likely part of a password.
    if name < 2 {
        return false;
    }
    // `Initial Catalog=`: each word of such a name has a capital and small letters.
    let is_word = |word: &[u8]| {
        word.len() > 1
            && word[0].is_ascii_uppercase()
            && word[1..].iter().all(u8::is_ascii_lowercase)
    };
    while quote == 0 && text.get(name) == Some(&b' ') {
        let word = byte_class::run(&text[name + 1..limit.max(name + 1)], byte_class::ALPHA);
        let is_name =
            is_word(&text[name + 1..name + 1 + word]) || text[name + 1..].starts_with(b"ID=");
        if !is_name || text[..name].split(|byte| *byte == b' ').any(|word| !is_word(word)) {
            break;
        }
        name += 1 + word;
    }
    let close = text[name..]
        .iter()
        .take(quote)
        .take_while(|byte| matches!(byte, b'"' | b'\'' | b'\\'))
        .count();
    match &text[name + close..] {
        [b'=', b'=', ..] => false,
        [b':', b'/', b'/', ..] => false,
        [next, ..] if *next == sign => true,
        [b'%', b'3', b'D' | b'd', ..] => sign == b'=',
        _ => false,
    }
}

/// Whether a whole tag begins here: `</password>`, `<br/>`, `<b class="x">`.
pub(super) fn is_tag(text: &[u8]) -> bool {
    let text = &text[..text.len().min(MAX_TAG)];
    let name = match text {
        [b'<', b'/', name @ ..] | [b'<', name @ ..] => name,
        _ => return false,
    };
    if !name.first().is_some_and(u8::is_ascii_alphabetic) {
        return name.starts_with(b"!--") || name.starts_with(b"![CDATA[");
    }
    let length = byte_class::run(name, byte_class::ALNUM | byte_class::JOINT | byte_class::COLON);
    let rest = &name[length..];
    match rest.first() {
        Some(b'>') => true,
        Some(b'/') => rest.get(1) == Some(&b'>'),
        Some(b' ') => memchr::memchr2(b'>', b'<', rest).is_some_and(|close| rest[close] == b'>'),
        _ => false,
    }
}

/// Elements of HTML that text is written with, so that one may begin behind a value.
const INLINE: [&[u8]; 20] = [
    b"a", b"b", b"i", b"p", b"s", b"u", b"br", b"hr", b"li", b"td", b"th", b"tr", b"em", b"ul",
    b"div", b"pre", b"span", b"code", b"font", b"strong",
];

/// Whether a value ends before the tag at the head of `text`: one that closes an element, or one of
/// HTML. Three letters between angle brackets may be part of a password.
pub(super) fn ends_at_tag(text: &[u8]) -> bool {
    let Some(name) = text.get(1..) else { return false };
    let name = &name[..byte_class::run(&name[..name.len().min(8)], byte_class::ALPHA)];
    let is_known =
        || name.is_empty() || INLINE.iter().any(|known| name.eq_ignore_ascii_case(known));
    is_tag(text) && is_known()
}

/// `&lt;`, `&quot;`, `&#39;`: how HTML writes what ends a value there.
fn is_entity(text: &[u8]) -> bool {
    const ENTITIES: [&[u8]; 5] = [b"&lt;", b"&gt;", b"&quot;", b"&apos;", b"&nbsp;"];
    let is_number = |text: &[u8]| {
        let digits = byte_class::run(
            &text[..text.len().min(6)],
            byte_class::HEX_LOWER | byte_class::HEX_UPPER,
        );
        digits > 1 && text.get(digits) == Some(&b';')
    };
    match text {
        [b'&', b'#', b'x' | b'X', rest @ ..] | [b'&', b'#', rest @ ..] => is_number(rest),
        _ => ENTITIES.iter().any(|entity| text.starts_with(entity)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value that is found behind the last sign before `«`, as text.
    fn value(text: &str) -> String {
        let (before, behind) = text.split_once('«').expect("the value begins with a mark");
        let hay = text.replace(['«', '»'], "").into_bytes();
        let start = before.len();
        let sign = before
            .trim_end()
            .bytes()
            .last()
            .filter(|byte| matches!(byte, b'=' | b':'))
            .unwrap_or(b'=');
        let name = before.trim_end().trim_end_matches(['=', ':']).trim_end();
        let key = name
            .rfind(|letter: char| !letter.is_ascii_alphabetic() && letter != '_')
            .map_or(0, |at| at + 1);
        let mut around = Around::default();
        // In two steps, as for two keys of a record.
        around.read(&hay, 0, before[..key].find(' ').unwrap_or(0));
        around.read(&hay, 0, key);
        assert!(behind.contains('»'), "{text}");
        let length = length(&hay[start..], sign, || around);
        String::from_utf8(hay[start..start + length].to_vec()).expect("the cases are ASCII")
    }

    #[test]
    fn a_value_ends_where_the_structure_around_it_goes_on() {
        let mut faults = Vec::new();
        for text in [
            "DB_PASSWORD=«a(b\"c&d]e}f;g,h'i>j»",
            "DB_PASSWORD=«a)b» x",
            "{Password:«a}b» Port:1}",
            "{Port:1 Password:«a}b»}",
            "{Password:«a}b»,Port:1}",
            "[password=«a]b»]",
            "[password=«a[b]c»]",
            "[password=«a[b»]",
            "[password=«a]b»][user=x]",
            "f(x, password=«a)b»)",
            "f(x, password=«a)b»); y",
            "**(password: «YES»)**",
            "<x password=«a>b»>",
            "[(user=x,password=«a»)]/db",
            "Password=«a;b»;Initial Catalog=app",
            "Password=«a;b»;User ID=x",
            "Password=«a;bc» user=x",
            "passwd=«a,b»,host=h",
            "passwd=«a,b,c:d»,host=h",
            "a=b|password=«a|b»|cd=d",
            "password=«a&b»&user=x",
            "password:«a,user=b»,host:h",
            "password:«a,http://b»",
            "{\"m\":\"password=«a»\"}",
            "{\"m\":\"password=«a\\\"b» c\"}",
            "{\"m\":\"{\\\"c\\\":\\\"password=«a»\\\"}\"}",
            "{user:\"x\",password:«a»,\"port\":1}",
            "-e 'password=«a»' x",
            "don't, password=«a'b» c",
            "u'password=«a»'",
            "`x --password «a»` c",
            "<p>password=«a<b»</p>",
            "<p>password=«a<b»<br/>c",
            "password=«a&amp;b»&lt;br",
            "print(\"password: «x»\\n\")",
            "password=«a\\nb»",
            "password=«a»\\nuser=x",
            "x\\ny password=«a»\\nz",
            "x password=«a»#012y",
            "s/\\(password=«»\\).*/x/",
        ] {
            let expected = &text
                [text.find('«').expect("a mark") + '«'.len_utf8()..text.find('»').expect("a mark")];
            let found = value(text);
            faults.extend((found != expected).then(|| format!("{text}: {found}")));
        }
        assert!(faults.is_empty(), "{faults:#?}");
    }

    #[test]
    fn a_tag_is_told_from_a_mark() {
        for text in ["<br>", "<br/>", "</x>", "<b class=\"x\">", "</a:b>", "<!-- x", "<SPAN id=x>"]
        {
            assert!(ends_at_tag(text.as_bytes()), "{text}");
        }
        for text in ["<", "<b", "<zq>", "<1>", "< b>", "<b <i>", "<abc x", "</", "<b!x>"] {
            assert!(!ends_at_tag(text.as_bytes()), "{text}");
        }
    }
}
