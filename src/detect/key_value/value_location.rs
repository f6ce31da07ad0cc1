//! Where the value of a key stands, in whatever grammar the line is written.

use super::{
    super::search_memo::Seek,
    Memory, Strength, code,
    extent::{self, Around},
    name::{Key, Kind, is_closing, is_noun, quote_at},
};
use crate::{
    detect::{Located, MAX_SECRET, byte_class, edge, words::MAX_WORD},
    finding::Shape,
    text::{span::Span, visits},
};

/// How a value is written, which says how much of a doubt it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Between quotes.
    Quoted,
    /// Behind `=` without white space: environment, logfmt, query, connection string.
    Tight,
    /// Behind `=`, `:=` or `=>` with white space: INI, or code.
    Spaced,
    /// Behind `:`: YAML, a header, prose.
    Colon,
    /// The argument of a flag.
    Argument,
    /// Behind white space, or `is`.
    Prose,
    /// Between an XML element's tags.
    Element,
    /// A JSON array or object begins here.
    Structure,
    /// The numbers of a byte array in a program.
    Bytes,
}

/// A value that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) value: Span,
    pub(super) form: Form,
}

/// White space between a key and its value.
const MAX_SPACE: usize = 48;

/// Another pair is looked for so near.
const MAX_NEAR: usize = 128;

/// A service's name is followed by so many words for its key at most: `acme api access key`.
const MAX_NOUNS: usize = 3;

/// Fewer bytes in a row are a version, an address or a colour.
const LEAST_BYTES: usize = 8;

/// Finds the value of `key`.
pub(super) fn find(hit: &Located<'_>, key: &Key, memo: &mut Memory) -> Option<Place> {
    let is_encoded = is_encoded(hit, key);
    // A quoted key stands in JSON or in a program, where the grammar ends a value; so does that of
    // a URL's parameters.
    let is_known = key.quote.is_some() || is_encoded || is_parameter(hit, key);
    let is_wide = key.kind == Kind::Plain(Strength::Strong) && !is_known;
    let wide = is_wide.then_some(Wide {
        record: hit.record.start,
        key: key.name.start,
        sign: b'=',
        around: memo.around,
    });
    let bare = match (is_encoded, is_wide) {
        (true, _) => &mut memo.encoded,
        (false, true) => &mut memo.wide,
        (false, false) => &mut memo.bare,
    };
    let mut cursor = Cursor {
        hay: &hit.hay[..hit.record.end],
        at: key.name.end,
        bare: *bare,
        is_encoded,
        wide,
        tag: memo.tag,
        mark: memo.mark,
        url: memo.url,
    };
    let place = walk(hit, key, &mut cursor);
    *bare = cursor.bare;
    if let Some(wide) = cursor.wide {
        memo.around = wide.around;
    }
    memo.tag = cursor.tag;
    memo.mark = cursor.mark;
    memo.url = cursor.url;
    let place = place?;
    if matches!(place.form, Form::Quoted | Form::Structure | Form::Bytes | Form::Element) {
        return Some(place);
    }
    let value = memo.parts.value(hit.hay, hit.record, key.name, place.value)?;
    (!value.is_empty()).then_some(Place { value, ..place })
}

/// Whether the key stands in text that is percent-encoded: behind an escape, or before one that is
/// its separator. There an escape is the character that it stands for, and elsewhere three
/// characters of a value: `password=Tundra%262ru`.
pub(super) fn is_encoded(hit: &Located<'_>, key: &Key) -> bool {
    let is_mark = |escape: &[u8]| match escape {
        [b'%', high, low] => edge::hex(*high)
            .zip(edge::hex(*low))
            .is_some_and(|(high, low)| !(high << 4 | low).is_ascii_alphanumeric()),
        _ => false,
    };
    let before = &hit.hay[hit.record.start..key.name.start];
    let behind = &hit.hay[key.name.end..hit.record.end];
    behind.get(..3).is_some_and(is_mark)
        || before.last_chunk::<3>().is_some_and(|escape| is_mark(escape))
}

fn walk(hit: &Located<'_>, key: &Key, cursor: &mut Cursor<'_>) -> Option<Place> {
    if cursor.peek() == Some(b'>') && is_element(hit, key) {
        return cursor.element();
    }
    let is_quoted = key.quote.is_some();
    let is_named = match key.kind {
        Kind::Service { is_named } => cursor.skip_nouns() || is_named,
        _ => true,
    };
    if let Some(quote) = key.quote {
        cursor.at = quote.end;
    } else if let Some((length, _)) = typographic(cursor.rest()) {
        cursor.at += length;
    }
    if is_quoted && cursor.peek() == Some(b'>') && is_attribute(hit, key) {
        return cursor.element();
    }
    let is_closed = matches!(cursor.peek(), Some(b')' | b']'));
    if is_closed {
        cursor.at += 1 + usize::from(matches!(cursor.hay.get(cursor.at + 1), Some(b')' | b']')));
    }
    cursor.skip_subscript();
    let spaces = cursor.skip_space();
    if is_quoted {
        cursor.skip_value_word();
    }
    let Some(separator) = cursor.separator(is_quoted) else {
        return if spaces > 0 && is_named && !is_quoted && !is_closed && !is_part(hit, key) {
            cursor.behind_space(key)
        } else {
            None
        };
    };
    if separator == Separator::Comma && is_value(hit, key) {
        return None;
    }
    let is_inner = separator == Separator::Colon && follows_equals(hit, key);
    if is_inner {
        cursor.skip_plus();
    }
    if let (Some(wide), Separator::Colon) = (&mut cursor.wide, separator) {
        wide.sign = b':';
    }
    // `--password (x`: a password may begin with the bracket of a call.
    if separator == Separator::Call
        && spaces > 0
        && !is_quoted
        && !is_closed
        && cursor.wide.is_some()
    {
        cursor.at -= 1;
        return if is_part(hit, key) { None } else { cursor.behind_space(key) };
    }
    let is_tight = spaces == 0 && !cursor.peek().is_some_and(|byte| byte.is_ascii_whitespace());
    cursor.skip_space();
    cursor.skip_control();
    if !is_tight && spaces == 0 && !is_quoted && cursor.is_empty(hit, key) {
        return None;
    }
    if let Some(place) = cursor.bytes() {
        return Some(place);
    }
    cursor.skip_words();
    if cursor.is_at_end_of_string(key) {
        return None;
    }
    if let Some(mut place) = cursor.quoted() {
        if separator == Separator::Compare {
            place.form = Form::Prose;
        } else if !is_quoted {
            let value = cursor.glued(place.value, Form::Tight);
            if value != place.value {
                return Some(Place { value, form: Form::Tight });
            }
        }
        let is_key = separator == Separator::Comma && cursor.is_key(place.value);
        return (!is_key).then_some(place);
    }
    if is_quoted && separator == Separator::Colon && matches!(cursor.peek(), Some(b'[' | b'{')) {
        return Some(Place { value: Span::new(cursor.at, cursor.at), form: Form::Structure });
    }
    let form = match separator {
        // `password==x` may also be a password that begins with the sign.
        Separator::Compare if is_tight && cursor.wide.is_some() => Form::Prose,
        Separator::Comma | Separator::Call | Separator::Compare => return None,
        Separator::Equals if is_tight || cursor.is_in_connection_string() => Form::Tight,
        Separator::Equals => Form::Spaced,
        // `magic=key:0a1b` is the value of another key, unless it looks like a password.
        Separator::Colon if is_tight && is_inner && key.kind != Kind::Plain(Strength::Strong) => {
            return None;
        }
        Separator::Colon if is_tight && is_inner => Form::Prose,
        Separator::Colon if is_tight && !is_quoted => Form::Tight,
        Separator::Colon => Form::Colon,
    };
    let place = cursor.bare(form)?;
    let end = url_end(hit, key, &place, &mut cursor.url);
    Some(Place { value: Span::new(place.value.start, end), ..place })
}

/// Where a value ends without what only a URL has behind it: a fragment, or the query behind a
/// session in the path.
fn url_end(hit: &Located<'_>, key: &Key, place: &Place, fragment: &mut Seek) -> usize {
    let Span { start, end } = place.value;
    let name = key.name.of(hit.hay);
    let is_session =
        || name.len() >= 9 && name[name.len() - 9..].eq_ignore_ascii_case(b"sessionid");
    let found = match hit.hay[hit.record.start..key.name.start].last() {
        Some(b'?' | b'&') => fragment.find(start, end, |from, to| {
            memchr::memchr(b'#', &hit.hay[from..to]).map(|length| from + length)
        }),
        Some(b';') if is_session() => place
            .value
            .of(hit.hay)
            .iter()
            .position(|byte| b"?#/".contains(byte))
            .map(|length| start + length),
        _ => return end,
    };
    found.filter(|found| *found > start).unwrap_or(end)
}

/// Whether the key is the name of a URL's parameter, or of one in text that is encoded like a URL:
/// there `&` ends a value.
fn is_parameter(hit: &Located<'_>, key: &Key) -> bool {
    let before = &hit.hay[hit.record.start..key.name.start];
    // `user[password]=x`
    if before.ends_with(b"[") && hit.hay.get(key.name.end) == Some(&b']') {
        return true;
    }
    let is_behind = |mark: &[u8]| {
        before.len() >= mark.len() && before[before.len() - mark.len()..].eq_ignore_ascii_case(mark)
    };
    [&b"?"[..], b"&", b"&amp;", b"\\u0026", b"%26", b"%3f"].iter().any(|mark| is_behind(mark))
}

/// Whether the key is part of a path, an address or another value: `/etc/passwd HTTP/1.1`,
/// `cmd=pwd`.
fn is_part(hit: &Located<'_>, key: &Key) -> bool {
    matches!(
        hit.hay[hit.record.start..key.name.start].last(),
        Some(b'/' | b'=' | b'\\' | b'?' | b'&' | b'@' | b'%')
    ) || key.name.of(hit.hay).contains(&b'.')
}

/// Whether the quoted word is a member's value, or only the end of a longer string: `"type":
/// "password", "next": …`.
fn is_value(hit: &Located<'_>, key: &Key) -> bool {
    let before = &hit.hay[hit.record.start..key.name.start];
    let Some((quote, before)) = before.split_last() else { return true };
    let before = before[before.len().saturating_sub(MAX_SPACE)..].trim_ascii_end();
    !b"\"'`".contains(quote) || before.ends_with(b":") || before.ends_with(b"=")
}

/// `msg=password: x`, `magic=key:0a1b`: the word is the beginning of another key's value.
fn follows_equals(hit: &Located<'_>, key: &Key) -> bool {
    hit.hay[hit.record.start..key.name.start].ends_with(b"=")
}

/// Whether the key is the name of an XML element that opens here.
fn is_element(hit: &Located<'_>, key: &Key) -> bool {
    let before = hit.hay[hit.record.start..key.name.start].last();
    matches!(before, Some(b'<' | b':'))
}

/// `<property name="password">`: the key is the last attribute, and the value stands in the
/// element.
fn is_attribute(hit: &Located<'_>, key: &Key) -> bool {
    let before = &hit.hay[hit.record.start..key.name.start];
    before
        .strip_suffix(b"\"")
        .or_else(|| before.strip_suffix(b"'"))
        .is_some_and(|before| before.ends_with(b"="))
}

/// A JSON number or boolean behind a quoted key is replaced by a string.
pub(super) fn scalar(hay: &[u8], key: &Key, place: &Place) -> Shape {
    match key.quote {
        Some(quote) if matches!(place.form, Form::Colon) && is_scalar(place.value.of(hay)) => {
            Shape::Scalar { quote }
        }
        _ => Shape::Text,
    }
}

/// `true`, `false` or a JSON number.
pub(super) fn is_scalar(value: &[u8]) -> bool {
    let number = value.strip_prefix(b"-").unwrap_or(value);
    let digits = |byte: &u8| byte.is_ascii_digit() || b".eE+-".contains(byte);
    matches!(value, b"true" | b"false")
        || number.first().is_some_and(u8::is_ascii_digit) && number.iter().all(digits)
}

/// A string, a number or a boolean in an array or object of JSON.
pub(super) struct Leaf {
    pub(super) span: Span,
    pub(super) shape: Shape,
    /// The name of the member that it stands in; nothing where that is the array's or object's own.
    pub(super) name: Option<Span>,
}

/// Where the array or object of JSON begins that is the value of a key with quotes.
pub(super) fn structure(hit: &Located<'_>, key: &Key) -> Option<usize> {
    let hay = &hit.hay[..hit.record.end];
    let colon = key.quote?.end + byte_class::run(&hay[key.quote?.end..], byte_class::SPACE);
    let at = colon + 1 + byte_class::run(hay.get(colon + 1..)?, byte_class::SPACE);
    (hay[colon] == b':' && matches!(hay.get(at), Some(b'[' | b'{'))).then_some(at)
}

/// Every string, number and boolean inside the array or object that begins at `at`, but not the
/// keys; answers where it ends.
pub(super) fn leaves(hit: &Located<'_>, key: &Key, at: usize, mut leaf: impl FnMut(Leaf)) -> usize {
    let Some(quote) = key.quote else { return at };
    let mut cursor = Cursor {
        hay: &hit.hay[..hit.record.end],
        at,
        bare: None,
        is_encoded: false,
        wide: None,
        tag: Seek::default(),
        mark: Seek::default(),
        url: Seek::default(),
    };
    let mut depth = 0_u32;
    let mut name = None;
    while let Some(byte) = cursor.peek() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth <= 1 => break,
            b']' | b'}' => {
                depth -= 1;
                name = None;
            }
            b'"' | b'\'' | b'`' | b'\\' => {
                let open = quote_at(cursor.hay, cursor.at, cursor.hay.len());
                if open.is_none_or(|open| open.len() != quote.len()) {
                    break;
                }
                let Some(place) = cursor.quoted() else { break };
                // A quote of another depth ends the string that all of this stands in.
                let close = quote_at(cursor.hay, place.value.end, cursor.hay.len());
                let Some(close) = close.filter(|close| close.len() == quote.len()) else {
                    leaf(Leaf { span: place.value, shape: Shape::Text, name });
                    return place.value.end;
                };
                cursor.at = close.end;
                cursor.skip_space();
                if cursor.peek() == Some(b':') {
                    name = Some(place.value);
                } else {
                    leaf(Leaf { span: place.value, shape: Shape::Text, name });
                }
                continue;
            }
            _ if byte.is_ascii_alphanumeric() || byte == b'-' => {
                let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b".+-".contains(byte);
                let span = Span::new(
                    cursor.at,
                    cursor.at + cursor.rest().iter().take_while(is_part).count(),
                );
                if is_scalar(span.of(cursor.hay)) {
                    leaf(Leaf { span, shape: Shape::Scalar { quote }, name });
                }
                cursor.at = span.end;
                continue;
            }
            _ => {}
        }
        cursor.at += 1;
    }
    visits::add(cursor.at - at);
    cursor.at
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    Equals,
    Colon,
    Comma,
    Call,
    /// `==`: what a key is compared with is seldom the secret.
    Compare,
}

/// What tells where a value without quotes ends behind a strong key.
struct Wide {
    /// Where the record and the key begin.
    record: usize,
    key: usize,
    /// What stands between keys and values in the record.
    sign: u8,
    around: Around,
}

struct Cursor<'h> {
    /// The block up to the end of the record.
    hay: &'h [u8],
    at: usize,
    /// A value that begins inside this one, and is written so, ends where it ends.
    bare: Option<Place>,
    /// Whether percent escapes stand for what may end a value.
    is_encoded: bool,
    wide: Option<Wide>,
    tag: Seek,
    mark: Seek,
    /// Where the next fragment of a URL begins.
    url: Seek,
}

impl<'h> Cursor<'h> {
    fn rest(&self) -> &'h [u8] {
        &self.hay[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.hay.get(self.at).copied()
    }

    fn skip(&mut self, text: &[u8]) -> bool {
        let there =
            self.rest().get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
        self.at += if there { text.len() } else { 0 };
        there
    }

    /// Skips `byte` as often as it stands here, `most` times at most; answers how often that was.
    fn skip_all(&mut self, byte: u8, most: usize) -> usize {
        let start = self.at;
        while self.at < start + most && self.peek() == Some(byte) {
            self.at += 1;
        }
        self.at - start
    }

    /// The bytes of one of the classes that follow, `most` at most.
    fn run(&self, classes: u64, most: usize) -> usize {
        let rest = self.rest();
        byte_class::run(&rest[..rest.len().min(most)], classes)
    }

    fn skip_space(&mut self) -> usize {
        let start = self.at;
        while self.at < start + MAX_SPACE {
            match edge::space(self.rest()) {
                0 => break,
                length => self.at += length,
            }
        }
        self.at - start
    }

    /// Skips the blank behind an escaped colon of a query: `q=password%3A+x`.
    fn skip_plus(&mut self) {
        let is_escaped = self.hay[..self.at]
            .last_chunk::<3>()
            .is_some_and(|end| end.eq_ignore_ascii_case(b"%3a"));
        self.skip_all(b'+', usize::from(is_escaped));
    }

    /// Skips a control character that stands before a value, and no separator behind an empty one.
    fn skip_control(&mut self) {
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
    /// member's.
    fn skip_value_word(&mut self) {
        let start = self.at;
        self.skip_all(b',', 1);
        self.skip_space();
        if let Some(quote) = quote_at(self.hay, self.at, self.hay.len()) {
            self.at = quote.end;
        }
        let is_value = self.skip(b"value") || self.skip(b"val") || self.skip(b"default");
        let is_end = !self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if !is_value || !is_end {
            self.at = start;
            return;
        }
        if let Some(quote) = quote_at(self.hay, self.at, self.hay.len()) {
            self.at = quote.end;
        }
        self.skip_space();
    }

    /// Words for a key behind the name of a service: `acme SECRET key x`. Answers whether there are
    /// any.
    fn skip_nouns(&mut self) -> bool {
        let start = self.at;
        for _ in 0..MAX_NOUNS {
            let joint = self.run(byte_class::JOINT | byte_class::SPACE, 1);
            let near = &self.rest()[joint..];
            let word = byte_class::run(&near[..near.len().min(MAX_WORD + 1)], byte_class::ALPHA);
            if joint == 0 || !is_noun(&self.rest()[joint..joint + word]) {
                break;
            }
            self.at += joint + word;
        }
        self.at > start
    }

    /// `[]byte{87, 23, …}`, `new byte[] { 0x57, … }`: eight numbers or more, which are what a key
    /// in a program's source is.
    fn bytes(&mut self) -> Option<Place> {
        let head = self.run(byte_class::TYPE | byte_class::SPACE, 24);
        let rest = &self.rest()[head..];
        let is_bytes = || {
            let name = &self.rest()[..head];
            [&b"byte"[..], b"uint8", b"u8"]
                .iter()
                .any(|kind| name.windows(kind.len()).any(|window| window == *kind))
        };
        if !matches!(rest.first(), Some(b'{' | b'(')) || !is_bytes() {
            return None;
        }
        let is_list =
            |byte: &&u8| byte.is_ascii_hexdigit() || matches!(byte, b'x' | b',' | b' ' | b'\t');
        let start = self.at + head + 1;
        let start = start + byte_class::run(&self.hay[start..], byte_class::SPACE);
        let list = &self.hay[start..self.hay.len().min(start + MAX_SECRET)];
        let list = &list[..visits::counted(list.iter().take_while(is_list).count())];
        let list = list.trim_ascii_end();
        let list = list.strip_suffix(b",").unwrap_or(list);
        let n_numbers = 1 + list.iter().filter(|byte| **byte == b',').count();
        let value = Span::new(start, start + list.len());
        (n_numbers >= LEAST_BYTES).then_some(Place { value, form: Form::Bytes })
    }

    /// `[255]`, as in a declaration.
    fn skip_subscript(&mut self) {
        if self.peek() != Some(b'[') {
            return;
        }
        let digits =
            self.rest().iter().skip(1).take(8).take_while(|byte| byte.is_ascii_digit()).count();
        if self.hay.get(self.at + 1 + digits) == Some(&b']') {
            self.at += digits + 2;
        }
    }

    fn separator(&mut self, is_quoted: bool) -> Option<Separator> {
        let start = self.at;
        match self.peek()? {
            b':' | b'=' => {}
            0xef => return self.wide_separator(),
            b'%' | b'\\' | b'&' | b'-' => return self.escaped_separator(),
            b'+' | b'?' | b'.' | b'|' | b'~' if self.hay.get(self.at + 1) == Some(&b'=') => {
                self.at += 1
            }
            b'(' => {
                self.at += 1;
                return Some(Separator::Call);
            }
            b',' if is_quoted => {
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

    /// `：` and `＝`, as Chinese and Japanese texts have them.
    fn wide_separator(&mut self) -> Option<Separator> {
        if self.skip("\u{ff1d}".as_bytes()) {
            return Some(Separator::Equals);
        }
        self.skip("\u{ff1a}".as_bytes()).then_some(Separator::Colon)
    }

    fn escaped_separator(&mut self) -> Option<Separator> {
        if self.skip(b"%3d") || self.skip(b"\\u003d") || self.skip(b"->") || self.skip(b"&#61;") {
            return Some(Separator::Equals);
        }
        (self.skip(b"%3a") || self.skip(b"\\u003a")).then_some(Separator::Colon)
    }

    /// A type or what opens a string stands before some values, behind a word that most values
    /// begin with and go on behind.
    fn skip_words(&mut self) {
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

    /// `: string =`, and Go's `var x string =`: the value stands behind the type.
    fn skip_type(&mut self) -> bool {
        let start = self.at;
        let name = self.run(byte_class::TYPE, 32);
        self.at += name;
        let spaces = self.skip_space();
        let is_type = name > 1 && spaces > 0 && self.skip(b"=") && self.peek() != Some(b'=');
        if is_type {
            self.skip_space();
        } else {
            self.at = start;
        }
        is_type
    }

    /// `Password =x;Initial Catalog=…`: the value follows the sign at once and a semicolon ends it.
    fn is_in_connection_string(&self) -> bool {
        let value = self
            .rest()
            .iter()
            .take(128)
            .take_while(|byte| !byte.is_ascii_whitespace() && **byte != b';')
            .count();
        visits::add(value);
        self.hay[self.at - 1] == b'=' && self.hay.get(self.at + value) == Some(&b';')
    }

    /// `b"`, `f'`, `@"`, `new String("`, `Some("`.
    fn skip_prefix(&mut self) {
        let rest = self.rest();
        if let [prefix @ (b'a'..=b'z' | b'A'..=b'Z' | b'@' | b'$'), b'"' | b'\'' | b'`', ..] = rest
        {
            // A password may begin with a letter and a quote: behind a strong key the letter must
            // be one that opens strings.
            let is_known =
                self.wide.is_none() || b"bBfFlLrRuU@$".contains(prefix) && rest[1] != b'`';
            self.at += usize::from(is_known);
            return;
        }
        let name = rest
            .iter()
            .take(32)
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"_.: ".contains(byte))
            .count();
        let is_call = name > 0 && matches!(rest.get(name..name + 2), Some([b'(', b'"' | b'\'']));
        if is_call && !(self.wide.is_some() && code::is_fetcher(&rest[..name])) {
            self.at += name + 1;
        }
    }

    /// Whether the key has no value, and what stands here is the next pair: `password= status=401
    /// ip=…`. It uses the key's own sign, and another pair shows that the record writes its values
    /// right behind the sign.
    fn is_empty(&self, hit: &Located<'_>, key: &Key) -> bool {
        let Some(Wide { sign, .. }) = self.wide else { return false };
        if !extent::is_pair(self.rest(), sign) {
            return false;
        }
        let word = self.run(byte_class::GRAPHIC, MAX_NEAR);
        let name = self.run(byte_class::ALNUM | byte_class::JOINT, MAX_NEAR);
        // `passphrase= password= user=`: the neighbour has no value either.
        if name + 1 == word {
            return self.rest()[..name]
                .iter()
                .all(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        }
        let before = &self.hay
            [hit.record.start.max(key.name.start.saturating_sub(MAX_NEAR))..key.name.start];
        let behind = &self.rest()[word..];
        has_pair(before, sign) || has_pair(&behind[..behind.len().min(MAX_NEAR)], sign)
    }

    /// A value between quotes that goes on behind them, as a password may that begins with a quote,
    /// and as a shell joins words.
    fn glued(&mut self, value: Span, form: Form) -> Span {
        let Some(wide) = &mut self.wide else { return value };
        let is_glue = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$@^~!%({[*-".contains(byte);
        let open = value.start - 1;
        let quote = self.hay[open];
        if self.hay.get(value.end) != Some(&quote)
            || !self.hay.get(value.end + 1).is_some_and(is_glue)
        {
            return value;
        }
        wide.around.read(self.hay, wide.record, wide.key);
        if wide.around.is_in_quotes() {
            return value;
        }
        let behind = value.end + 1;
        let around = wide.around;
        // A value that begins inside one that was read ends where that one ends.
        let known =
            self.bare.filter(|known| known.value.contains(behind)).map(|known| known.value.end);
        let end = known
            .unwrap_or_else(|| behind + extent::length(&self.hay[behind..], wide.sign, || around));
        let glued = Span::new(open, end);
        self.bare = Some(Place { value: glued, form });
        glued
    }

    /// Whether the JSON string around the key ends here, before any value.
    fn is_at_end_of_string(&self, key: &Key) -> bool {
        quote_at(self.hay, self.at, self.hay.len())
            .is_some_and(|quote| is_closing(self.hay, key, quote))
    }

    /// The text between quotes outside ASCII that opens here: `“x”`, `«x»`.
    fn typographic(&self) -> Option<Place> {
        let (open, close) = typographic(self.rest())?;
        let text = &self.rest()[open..];
        let text = &text[..text.len().min(MAX_QUOTED)];
        let length = (1..text.len())
            .find(|at| close.iter().any(|close| text[*at..].starts_with(close.as_bytes())))?;
        let start = self.at + open;
        Some(Place { value: Span::new(start, start + length), form: Form::Quoted })
    }

    /// The text between quotes that opens here.
    fn quoted(&mut self) -> Option<Place> {
        if let Some(place) = self.typographic() {
            return Some(place);
        }
        let open = quote_at(self.hay, self.at, self.hay.len())?;
        let (depth, quote) = (open.len() - 1, self.hay[open.end - 1]);
        let mut start = open.end;
        if depth == 0 && self.hay[start..].starts_with(&[quote, quote]) {
            start += 2;
        }
        let ceiling = self.hay.len().min(start + MAX_SECRET);
        let mut at = start;
        while let Some(found) =
            memchr::memchr(quote, &self.hay[at..ceiling]).map(|found| at + found)
        {
            let slashes = edge::backslashes_before(self.hay, start, found);
            visits::add(found - at);
            if slashes % (2 * (depth + 1)) == depth {
                return Some(Place { value: Span::new(start, found - depth), form: Form::Quoted });
            }
            if slashes < depth {
                // The string around this one ends here: the value was cut.
                return Some(Place {
                    value: Span::new(start, found - slashes),
                    form: Form::Quoted,
                });
            }
            at = found + 1;
        }
        visits::add(ceiling - at);
        // No closing quote: the record was cut, or this is an apostrophe.
        self.at = start;
        (quote == b'"').then(|| self.bare(Form::Tight)).flatten()
    }

    /// Whether the string at `value` is a key itself: a colon stands behind its quote.
    fn is_key(&self, value: Span) -> bool {
        let end =
            quote_at(self.hay, value.end, self.hay.len()).map_or(value.end, |quote| quote.end);
        self.hay[end..].iter().take(MAX_SPACE).find(|byte| !byte.is_ascii_whitespace())
            == Some(&b':')
    }

    fn element(&mut self) -> Option<Place> {
        self.at += 1;
        self.skip_space();
        let limit = self.hay.len().min(self.at + MAX_SECRET);
        let hay = self.hay;
        // A password may hold the mark itself: a tag ends the value, and only where there is none
        // the mark.
        let tag = |from: usize, to: usize| {
            let mut marks = memchr::memchr_iter(b'<', &hay[from..to]).map(|at| from + at);
            marks.find(|at| extent::ends_at_tag(&hay[*at..]))
        };
        if extent::is_tag(self.rest()) {
            return None;
        }
        let any = |from: usize, to: usize| memchr::memchr(b'<', &hay[from..to]).map(|at| from + at);
        let end =
            self.tag.find(self.at, limit, tag).or_else(|| self.mark.find(self.at, limit, any))?;
        let value = self.hay[self.at..end].trim_ascii_end();
        let form = Form::Element;
        (!value.is_empty())
            .then(|| Place { value: Span::new(self.at, self.at + value.len()), form })
    }

    /// A key and its value with white space between them: a flag's argument, SQL, prose.
    fn behind_space(&mut self, key: &Key) -> Option<Place> {
        let mut form = if key.is_flag { Form::Argument } else { Form::Prose };
        let is_told = self.skip_whose();
        if is_told
            || self.skip(b"is ")
            || self.skip(b"was ")
            || self.skip(b"to ")
            || self.skip(b"as ")
            || self.skip(b"of ")
        {
            self.skip_space();
        }
        self.skip_type();
        if self.is_at_end_of_string(key) {
            return None;
        }
        let is_double = self.peek() == Some(b'"') || typographic(self.rest()).is_some();
        if let Some(mut place) = self.quoted() {
            let value = self.glued(place.value, form);
            if value != place.value {
                return Some(Place { value, form });
            }
            // SQL has single quotes; between double ones stands what a sentence speaks of.
            place.form =
                if is_double && !is_told && self.hay.get(self.at.wrapping_sub(1)) != Some(&b'=') {
                    Form::Prose
                } else {
                    Form::Quoted
                };
            return Some(place);
        }
        if form == Form::Argument && self.peek() == Some(b'-') {
            form = Form::Prose;
        }
        self.bare(form)
    }

    /// `for the user "x" is `, up to which a sentence says whose password it is.
    fn skip_whose(&mut self) -> bool {
        let rest = &self.rest()[..self.rest().len().min(MAX_SPACE)];
        let is = rest.starts_with(b"for ").then(|| memchr::memmem::find(rest, b" is ")).flatten();
        let is = is.filter(|is| {
            rest[..*is].iter().all(|byte| !matches!(byte, b'.' | b',' | b';' | b'=' | b':'))
        });
        self.at += is.map_or(0, |is| is + 4);
        is.is_some()
    }

    fn bare(&mut self, form: Form) -> Option<Place> {
        if let Some(known) =
            self.bare.filter(|known| known.form == form && known.value.contains(self.at))
        {
            return Some(Place { value: Span::new(self.at, known.value.end), form });
        }
        let rest = &self.hay[self.at..];
        let length = match &mut self.wide {
            Some(wide) => extent::length(rest, wide.sign, || {
                wide.around.read(self.hay, wide.record, wide.key);
                wide.around
            }),
            None => bare_length(rest, form, self.is_encoded),
        };
        let end = self.at + length;
        let place = (end > self.at).then(|| Place { value: Span::new(self.at, end), form });
        self.bare = place.or(self.bare);
        place
    }
}

/// Whether `text` has a pair whose value stands right behind the sign.
fn has_pair(text: &[u8], sign: u8) -> bool {
    memchr::memchr_iter(sign, text).any(|at| {
        let name = byte_class::run_back(&text[..at], byte_class::ALNUM | byte_class::JOINT);
        let is_name = name > 0 && text[at - name].is_ascii_alphabetic();
        is_name
            && text
                .get(at + 1)
                .is_some_and(|byte| byte.is_ascii_graphic() && *byte != sign && *byte != b'/')
    })
}

/// The length of a value without quotes at the head of `rest`.
fn bare_length(rest: &[u8], form: Form, is_encoded: bool) -> usize {
    let mut length = 0;
    let mut open = [0_u32; 3];
    loop {
        length += byte_class::until(&rest[length..], byte_class::STOP);
        let Some(byte) = rest.get(length) else { break };
        let after = &rest[length + 1..];
        let ends = match byte {
            b'\'' => !after.first().is_some_and(u8::is_ascii_alphanumeric),
            b'\\' => is_escape(after),
            b',' | b';' | b'|' | 0x01..=0x08 | 0x0e..=0x1a | 0x7f => !goes_on(after, form),
            b'%' => is_encoded && (after.starts_with(b"26") || after.starts_with(b"20")),
            b'(' | b'[' | b'{' => count(&mut open, *byte, 1),
            b')' | b']' | b'}' => count(&mut open, *byte, -1),
            b'#' => after.starts_with(b"012") || after.starts_with(b"011"),
            _ => true,
        };
        if ends {
            break;
        }
        length += 1;
    }
    length
        - rest[..length]
            .iter()
            .rev()
            .take_while(|byte| matches!(byte, b'.' | b',' | b';' | b':'))
            .count()
}

/// Counts brackets; answers whether one closes that was not opened in the value.
fn count(open: &mut [u32; 3], byte: u8, change: i32) -> bool {
    let kind = match byte {
        b'(' | b')' => 0,
        b'[' | b']' => 1,
        _ => 2,
    };
    match open[kind].checked_add_signed(change) {
        Some(now) => {
            open[kind] = now;
            false
        }
        None => true,
    }
}

/// An escape that stands for white space, a quote or a separator.
fn is_escape(after: &[u8]) -> bool {
    match after {
        [b'n' | b'r' | b't' | b'"' | b'\'' | b'`', ..] => true,
        [
            b'u',
            b'0',
            b'0',
            b'2' | b'3',
            b'2' | b'6' | b'7' | b'c' | b'C' | b'e' | b'E' | b'0',
            ..,
        ] => true,
        [b'\\', rest @ ..] => is_escape(rest),
        _ => false,
    }
}

/// Whether a value goes on behind `,`, `;` or `|`: no white space, no quote and no next key
/// follows.
fn goes_on(after: &[u8], form: Form) -> bool {
    if !matches!(form, Form::Tight | Form::Argument) {
        return false;
    }
    let is_next = begins_pair(after);
    let first = after.first().copied().unwrap_or(b' ');
    !is_next && !first.is_ascii_whitespace() && !b"\"'`)]}{[(<\\,;".contains(&first)
}

/// Whether a name and `=` or `:` follow.
fn begins_pair(after: &[u8]) -> bool {
    let name = after
        .iter()
        .take(40)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"_-. ".contains(byte))
        .count();
    matches!(after.get(name), Some(b'=' | b':')) && name > 0
}

/// Quotes outside ASCII that open a text, and those that close it.
const QUOTES: [(&str, &[&str]); 14] = [
    ("\u{201c}", &["\u{201d}", "\u{201c}"]),
    ("\u{201d}", &["\u{201d}"]),
    ("\u{201e}", &["\u{201c}", "\u{201d}"]),
    ("\u{201f}", &["\u{201d}"]),
    ("\u{2018}", &["\u{2019}"]),
    ("\u{2019}", &["\u{2019}"]),
    ("\u{201a}", &["\u{2018}", "\u{2019}"]),
    ("\u{ab}", &["\u{bb}"]),
    ("\u{bb}", &["\u{ab}", "\u{bb}"]),
    ("\u{2039}", &["\u{203a}"]),
    ("\u{203a}", &["\u{2039}", "\u{203a}"]),
    ("\u{300c}", &["\u{300d}"]),
    ("\u{301d}", &["\u{301e}", "\u{301f}"]),
    ("\u{ff02}", &["\u{ff02}"]),
];

/// A closing quote outside ASCII is looked for no further than this.
const MAX_QUOTED: usize = 256;

/// The quote outside ASCII at the head of `rest`, and what closes it.
fn typographic(rest: &[u8]) -> Option<(usize, &'static [&'static str])> {
    if !matches!(rest.first(), Some(0xc2 | 0xe2 | 0xe3 | 0xef)) {
        return None;
    }
    QUOTES
        .iter()
        .find(|(open, _)| rest.starts_with(open.as_bytes()))
        .map(|(open, close)| (open.len(), *close))
}
