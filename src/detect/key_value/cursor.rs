//! Reads the bytes between a key and its value, piece by piece.
//!
//! Each method skips or reads one thing and leaves the cursor after it. The order in which they
//! are asked is the grammar, and is in [`value_location`](super::value_location).

use super::{
    expression,
    extent::{self, Around},
    name::Key,
    name_words::is_noun,
    quotes::{QuotedText, is_closing, quote_at, quoted_text, typographic_length},
    syntax::{ValueLocation, ValueSyntax},
    unquoted::{self, Ending, begins_pair},
};
use crate::{
    detect::{
        Located, MAX_SECRET, byte_class, edge, search_memo::SearchMemo, url, words::MAX_WORD,
    },
    text::{span::Span, visits},
};

/// White space between a key and its value.
pub(super) const MAX_SPACE: usize = 48;

/// Another pair is looked for so near.
const MAX_NEAR: usize = 128;

/// A service's name is followed by so many words for its key at most: `acme api access key`.
const MAX_NOUNS: usize = 3;

/// Fewer bytes in a row are a version, an address or a colour.
const LEAST_BYTES: usize = 8;

/// What separates a key from its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    Equals,
    Colon,
    Comma,
    Call,
    /// `==`: what a key is compared with is seldom the secret.
    Compare,
}

/// What was walked already.
#[derive(Default)]
pub(super) struct Memory {
    /// The last value without quotes, for each [`Ending`]. A value that begins inside it and is
    /// written the same way ends where it ends.
    pub(super) unquoted: [Option<ValueLocation>; 3],
    /// What is open before the last strong key whose value needed to know.
    pub(super) around: Around,
    /// The next tag that ends an element, and the next `<`.
    pub(super) tag: SearchMemo,
    pub(super) mark: SearchMemo,
    /// The next fragment of a URL.
    pub(super) fragment: SearchMemo,
    /// The parts of URLs in which values begin.
    pub(super) parts: url::Parts,
}

pub(super) struct Cursor<'h, 'm> {
    /// The text up to the end of the record.
    hay: &'h [u8],
    pub(super) at: usize,
    /// Where the record and the key's name begin.
    record: usize,
    name: usize,
    /// What may end a value without quotes.
    pub(super) ending: Ending,
    /// What is between keys and values in the record.
    pub(super) sign: u8,
    pub(super) memory: &'m mut Memory,
}

impl<'h, 'm> Cursor<'h, 'm> {
    /// A cursor after the key's name.
    pub(super) fn new(
        located: &Located<'h>,
        key: &Key,
        ending: Ending,
        memory: &'m mut Memory,
    ) -> Cursor<'h, 'm> {
        Cursor {
            hay: &located.hay[..located.record.end],
            at: key.name.end,
            record: located.record.start,
            name: key.name.start,
            ending,
            sign: b'=',
            memory,
        }
    }

    fn rest(&self) -> &'h [u8] {
        &self.hay[self.at..]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.hay.get(self.at).copied()
    }

    fn skip(&mut self, text: &[u8]) -> bool {
        let rest = self.rest();
        let is_here = rest.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text));
        self.at += if is_here { text.len() } else { 0 };
        is_here
    }

    fn skip_one_of(&mut self, texts: &[&[u8]]) -> bool {
        texts.iter().any(|text| self.skip(text))
    }

    /// Skips `byte` as often as it comes, `most` times at most; answers how often that was.
    fn skip_all(&mut self, byte: u8, most: usize) -> usize {
        let length = self.rest().iter().take(most).take_while(|next| **next == byte).count();
        self.at += length;
        length
    }

    /// The length of the run of the classes that follows, `most` at most.
    fn run(&self, classes: u64, most: usize) -> usize {
        let rest = self.rest();
        byte_class::run(&rest[..rest.len().min(most)], classes)
    }

    /// Skips white space; answers how much.
    pub(super) fn skip_space(&mut self) -> usize {
        let length = spaces(self.rest());
        self.at += length;
        length
    }

    /// Skips the quote after the key.
    pub(super) fn skip_key_quote(&mut self, key: &Key) {
        match key.quote {
            Some(quote) => self.at = quote.end,
            None => self.at += typographic_length(self.rest()),
        }
    }

    /// Skips one or two brackets that close after the key; answers whether there are any.
    pub(super) fn skip_closing_brackets(&mut self) -> bool {
        let is_close = |byte: &&u8| matches!(byte, b')' | b']');
        let length = self.rest().iter().take(2).take_while(is_close).count();
        self.at += length;
        length > 0
    }

    /// Skips `[255]`, as in a declaration.
    pub(super) fn skip_subscript(&mut self) {
        let [b'[', rest @ ..] = self.rest() else { return };
        let digits = rest.iter().take(8).take_while(|byte| byte.is_ascii_digit()).count();
        if rest.get(digits) == Some(&b']') {
            self.at += digits + 2;
        }
    }

    /// Skips the blank after an escaped colon of a query: `q=password%3A+x`.
    pub(super) fn skip_plus(&mut self) {
        let end = self.hay[..self.at].last_chunk::<3>();
        let is_escaped = end.is_some_and(|end| end.eq_ignore_ascii_case(b"%3a"));
        self.skip_all(b'+', usize::from(is_escaped));
    }

    /// Skips a control character before a value. It does not separate an empty value from the next
    /// pair.
    pub(super) fn skip_control(&mut self) {
        let is_control = match self.rest() {
            [0x1b, next, ..] => !matches!(next, b'[' | b']'),
            [0..=0x08 | 0x0e..=0x1f | 0x7f, ..] => true,
            _ => false,
        };
        if is_control && !begins_pair(&self.rest()[1..]) {
            self.at += 1;
        }
    }

    /// `"key": "PASSWORD", "value": …` and `key="Password" value=…`: the value is the next
    /// member's. Skips its name.
    pub(super) fn skip_value_word(&mut self) {
        let start = self.at;
        self.skip_all(b',', 1);
        self.skip_space();
        self.skip_quote();
        let is_value = self.skip_one_of(&[b"value", b"val", b"default"]);
        if !is_value || self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            self.at = start;
            return;
        }
        self.skip_quote();
        self.skip_space();
    }

    fn skip_quote(&mut self) {
        if let Some(quote) = quote_at(self.hay, self.at, self.hay.len()) {
            self.at = quote.end;
        }
    }

    /// Skips words for a key after the name of a service: `acme SECRET key x`. Answers whether
    /// there are any.
    pub(super) fn skip_nouns(&mut self) -> bool {
        let start = self.at;
        for _ in 0..MAX_NOUNS {
            let joint = self.run(byte_class::JOINT | byte_class::SPACE, 1);
            let near = &self.rest()[joint..];
            let word = byte_class::run(&near[..near.len().min(MAX_WORD + 1)], byte_class::ALPHA);
            if joint == 0 || !is_noun(&near[..word]) {
                break;
            }
            self.at += joint + word;
        }
        self.at > start
    }

    /// Reads the separator. A comma is one after a key in quotes alone.
    pub(super) fn separator(&mut self, key: &Key) -> Option<Separator> {
        let start = self.at;
        match self.peek()? {
            b':' | b'=' => {}
            0xef => return self.wide_separator(),
            b'%' | b'\\' | b'&' | b'-' => return self.escaped_separator(),
            b'+' | b'?' | b'.' | b'|' | b'~' if self.hay.get(self.at + 1) == Some(&b'=') => {
                self.at += 1;
            }
            b'(' => {
                self.at += 1;
                return Some(Separator::Call);
            }
            b',' if key.quote.is_some() => {
                self.at += 1;
                return Some(Separator::Comma);
            }
            _ => return None,
        }
        let colons = self.skip_all(b':', 4);
        let equals = self.skip_all(b'=', 3);
        self.skip_all(b'>', usize::from(equals == 1));
        match (colons, equals) {
            (0, 2..) => Some(Separator::Compare),
            (_, 1..) => Some(Separator::Equals),
            (1 | 2, 0) => Some(Separator::Colon),
            _ => {
                self.at = start;
                None
            }
        }
    }

    /// `：` and `＝`, as in Chinese and Japanese texts.
    fn wide_separator(&mut self) -> Option<Separator> {
        if self.skip("\u{ff1d}".as_bytes()) {
            return Some(Separator::Equals);
        }
        self.skip("\u{ff1a}".as_bytes()).then_some(Separator::Colon)
    }

    fn escaped_separator(&mut self) -> Option<Separator> {
        if self.skip_one_of(&[b"%3d", b"\\u003d", b"->", b"&#61;"]) {
            return Some(Separator::Equals);
        }
        self.skip_one_of(&[b"%3a", b"\\u003a"]).then_some(Separator::Colon)
    }

    /// Skips a type, or what opens a string, before the value. Only a word with one of
    /// [`byte_class::BEHIND_WORD`] after it may be one.
    pub(super) fn skip_words(&mut self) {
        // `password: !!str x`: a tag of YAML.
        if self.skip(b"!!") {
            self.at += self.run(byte_class::ALPHA, 16);
            self.skip_space();
        }
        let word = self.run(byte_class::ALNUM | byte_class::UNDERSCORE | byte_class::DOT, 32);
        let next = self.hay.get(self.at + word);
        if next.is_some_and(|byte| byte_class::is(*byte, byte_class::BEHIND_WORD)) {
            self.skip_type();
            self.skip_prefix();
        }
    }

    /// Skips `: string =`, and Go's `var x string =`: the value is after the type.
    fn skip_type(&mut self) {
        let start = self.at;
        let name = self.run(byte_class::TYPE, 32);
        self.at += name;
        let n_spaces = self.skip_space();
        if name > 1 && n_spaces > 0 && self.skip(b"=") && self.peek() != Some(b'=') {
            self.skip_space();
        } else {
            self.at = start;
        }
    }

    /// Skips `b"`, `f'`, `@"`, `new String("`, `Some("`, up to the quote.
    fn skip_prefix(&mut self) {
        let rest = self.rest();
        let is_strong = self.ending == Ending::Structure;
        if let [prefix @ (b'a'..=b'z' | b'A'..=b'Z' | b'@' | b'$'), b'"' | b'\'' | b'`', ..] = rest
        {
            // A password may begin with a letter and a quote: after a strong key the letter must
            // be one that opens strings.
            let opens_string = b"bBfFlLrRuU@$".contains(prefix) && rest[1] != b'`';
            self.at += usize::from(!is_strong || opens_string);
            return;
        }
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.: ".contains(byte);
        let name = rest.iter().take(32).take_while(is_part).count();
        let is_call = name > 0 && matches!(rest.get(name..name + 2), Some([b'(', b'"' | b'\'']));
        if is_call && !(is_strong && expression::is_fetcher(&rest[..name])) {
            self.at += name + 1;
        }
    }

    /// `Password =x;Initial Catalog=…`: the value follows the sign at once and a semicolon ends it.
    pub(super) fn is_in_connection_string(&self) -> bool {
        let is_part = |byte: &&u8| !byte.is_ascii_whitespace() && **byte != b';';
        let value = visits::counted(self.rest().iter().take(128).take_while(is_part).count());
        self.hay[self.at - 1] == b'=' && self.hay.get(self.at + value) == Some(&b';')
    }

    /// Whether the key after `before` has no value, and the next pair begins here: `password=
    /// status=401 ip=…`. It has the key's own sign, and another pair shows that values follow the
    /// sign at once in this record.
    pub(super) fn is_at_next_pair(&self, before: &[u8]) -> bool {
        if self.ending != Ending::Structure || !extent::is_pair(self.rest(), self.sign) {
            return false;
        }
        let word = self.run(byte_class::GRAPHIC, MAX_NEAR);
        let name = self.run(byte_class::ALNUM | byte_class::JOINT, MAX_NEAR);
        // `passphrase= password= user=`: the neighbour has no value either.
        if name + 1 == word {
            let name = &self.rest()[..name];
            return name.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        }
        let before = &before[before.len().saturating_sub(MAX_NEAR)..];
        let behind = &self.rest()[word..];
        has_pair(before, self.sign) || has_pair(&behind[..behind.len().min(MAX_NEAR)], self.sign)
    }

    /// Whether the string around the key ends here, before any value.
    pub(super) fn is_at_end_of_string(&self, key: &Key) -> bool {
        quote_at(self.hay, self.at, self.hay.len())
            .is_some_and(|quote| is_closing(self.hay, key.quote, quote))
    }

    /// Whether the string at `value` is a name itself: a colon follows its quote.
    pub(super) fn is_name(&self, value: Span) -> bool {
        let close = quote_at(self.hay, value.end, self.hay.len());
        let rest = &self.hay[close.map_or(value.end, |quote| quote.end)..];
        rest.iter().take(MAX_SPACE).find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
    }

    /// `[]byte{87, 23, …}`, `new byte[] { 0x57, … }`: the key of a program's source, in eight
    /// numbers or more.
    pub(super) fn byte_array(&self) -> Option<ValueLocation> {
        let head = self.run(byte_class::TYPE | byte_class::SPACE, 24);
        let (name, rest) = self.rest().split_at(head);
        let names = |kind: &&[u8]| name.windows(kind.len()).any(|window| window == *kind);
        if !matches!(rest.first(), Some(b'{' | b'('))
            || ![&b"byte"[..], b"uint8", b"u8"].iter().any(names)
        {
            return None;
        }
        let start = self.at + head + 1;
        let start = start + byte_class::run(&self.hay[start..], byte_class::SPACE);
        let list = &self.hay[start..self.hay.len().min(start + MAX_SECRET)];
        let is_part = |byte: &&u8| byte.is_ascii_hexdigit() || b"x, \t".contains(byte);
        let length = visits::counted(list.iter().take_while(is_part).count());
        let list = list[..length].trim_ascii_end();
        let list = list.strip_suffix(b",").unwrap_or(list);
        let n_numbers = 1 + list.iter().filter(|byte| **byte == b',').count();
        let value = Span::new(start, start + list.len());
        (n_numbers >= LEAST_BYTES)
            .then_some(ValueLocation { value, syntax: ValueSyntax::ByteArray })
    }

    /// The text of the element whose tag ends here.
    pub(super) fn element(&mut self) -> Option<ValueLocation> {
        self.at += 1;
        self.skip_space();
        if extent::is_tag(self.rest()) {
            return None;
        }
        let (hay, limit) = (self.hay, self.hay.len().min(self.at + MAX_SECRET));
        let Memory { tag, mark, .. } = &mut *self.memory;
        // A password may hold `<`. So a tag ends the value, and `<` only where no tag comes.
        let end = tag
            .find(self.at, limit, |from, to| {
                let mut marks = memchr::memchr_iter(b'<', &hay[from..to]).map(|at| from + at);
                marks.find(|at| extent::ends_at_tag(&hay[*at..]))
            })
            .or_else(|| {
                mark.find(self.at, limit, |from, to| {
                    memchr::memchr(b'<', &hay[from..to]).map(|at| from + at)
                })
            })?;
        let length = hay[self.at..end].trim_ascii_end().len();
        let value = Span::new(self.at, self.at + length);
        (length > 0).then_some(ValueLocation { value, syntax: ValueSyntax::Element })
    }

    /// A value with white space alone before it: a flag's argument, SQL, a sentence.
    pub(super) fn behind_space(&mut self, key: &Key) -> Option<ValueLocation> {
        let syntax = if key.is_flag { ValueSyntax::Argument } else { ValueSyntax::Sentence };
        let is_stated = self.skip_owner();
        if is_stated || self.skip_one_of(&[b"is ", b"was ", b"to ", b"as ", b"of "]) {
            self.skip_space();
        }
        self.skip_type();
        if self.is_at_end_of_string(key) {
            return None;
        }
        let is_double = self.peek() == Some(b'"') || typographic_length(self.rest()) > 0;
        if let Some(location) = self.quoted() {
            if let Some(glued) = self.glued(location.value, syntax) {
                return Some(glued);
            }
            // SQL has single quotes; double ones mark what a sentence speaks of.
            let follows_equals = self.hay.get(self.at.wrapping_sub(1)) == Some(&b'=');
            let is_sentence = is_double && !is_stated && !follows_equals;
            let syntax = if is_sentence { ValueSyntax::Sentence } else { ValueSyntax::Quoted };
            return Some(ValueLocation { syntax, ..location });
        }
        match (syntax, self.peek()) {
            (ValueSyntax::Argument, Some(b'-')) => self.unquoted(ValueSyntax::Sentence),
            _ => self.unquoted(syntax),
        }
    }

    /// Skips `for the user "x" is `, with which a sentence says whose password it is.
    fn skip_owner(&mut self) -> bool {
        let rest = &self.rest()[..self.rest().len().min(MAX_SPACE)];
        let is = rest.starts_with(b"for ").then(|| memchr::memmem::find(rest, b" is ")).flatten();
        let is = is.filter(|is| rest[..*is].iter().all(|byte| !b".,;=:".contains(byte)));
        self.at += is.map_or(0, |is| is + 4);
        is.is_some()
    }

    /// The text in quotes that opens here.
    pub(super) fn quoted(&mut self) -> Option<ValueLocation> {
        match quoted_text(self.hay, self.at)? {
            QuotedText::Closed(value) => Some(ValueLocation { value, syntax: ValueSyntax::Quoted }),
            QuotedText::Open { start, quote } => {
                self.at = start;
                (quote == b'"').then(|| self.unquoted(ValueSyntax::Tight)).flatten()
            }
        }
    }

    /// The value that begins with the text in quotes at `value` and goes on after them. A password
    /// may begin with a quote, and a shell joins words. Nothing where it ends with its quote.
    pub(super) fn glued(&mut self, value: Span, syntax: ValueSyntax) -> Option<ValueLocation> {
        if self.ending != Ending::Structure {
            return None;
        }
        let is_glue = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$@^~!%({[*-".contains(byte);
        let (open, behind) = (value.start - 1, value.end + 1);
        if self.hay.get(value.end) != Some(&self.hay[open])
            || !self.hay.get(behind).is_some_and(is_glue)
        {
            return None;
        }
        self.memory.around.read(self.hay, self.record, self.name);
        let around = self.memory.around;
        if around.is_in_quotes() {
            return None;
        }
        let known = &mut self.memory.unquoted[self.ending as usize];
        let end = match known {
            Some(known) if known.contains(behind) => known.value.end,
            _ => behind + extent::length(&self.hay[behind..], self.sign, || around),
        };
        let glued = ValueLocation { value: Span::new(open, end), syntax };
        *known = Some(glued);
        Some(glued)
    }

    /// The value without quotes that begins here.
    pub(super) fn unquoted(&mut self, syntax: ValueSyntax) -> Option<ValueLocation> {
        let known = self.memory.unquoted[self.ending as usize];
        if let Some(known) = known.filter(|it| it.syntax == syntax && it.contains(self.at)) {
            return Some(ValueLocation { value: Span::new(self.at, known.value.end), syntax });
        }
        let rest = self.rest();
        let length = match self.ending {
            Ending::Structure => extent::length(rest, self.sign, || {
                self.memory.around.read(self.hay, self.record, self.name);
                self.memory.around
            }),
            ending => unquoted::length(rest, syntax, ending),
        };
        if length == 0 {
            return None;
        }
        let location = ValueLocation { value: Span::new(self.at, self.at + length), syntax };
        self.memory.unquoted[self.ending as usize] = Some(location);
        Some(location)
    }
}

/// The length of the white space at the head of `rest`.
pub(super) fn spaces(rest: &[u8]) -> usize {
    let mut length = 0;
    while length < MAX_SPACE {
        match edge::space(&rest[length..]) {
            0 => break,
            more => length += more,
        }
    }
    length
}

/// Whether `text` has a pair with the value right after the sign.
fn has_pair(text: &[u8], sign: u8) -> bool {
    memchr::memchr_iter(sign, text).any(|at| {
        let name = byte_class::run_back(&text[..at], byte_class::ALNUM | byte_class::JOINT);
        let is_value = |byte: &u8| byte.is_ascii_graphic() && *byte != sign && *byte != b'/';
        name > 0 && text[at - name].is_ascii_alphabetic() && text.get(at + 1).is_some_and(is_value)
    })
}
