//! Where the value of a key stands, in whatever grammar the line is written.

use super::{
    Memo,
    key::{Key, Kind, is_closing, is_noun, quote_at},
    seek::Seek,
};
use crate::{
    scan::{Hit, MAX_SECRET, class, edge},
    span::{Shape, Span},
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

/// A service's name is followed by so many words for its key at most: `acme api access key`.
const MAX_NOUNS: usize = 3;

/// Fewer bytes in a row are a version, an address or a colour.
const LEAST_BYTES: usize = 8;

/// Finds the value of `key`.
pub(super) fn find(hit: &Hit<'_>, key: &Key, memo: &mut Memo) -> Option<Place> {
    let is_encoded = is_encoded(hit, key);
    let bare = if is_encoded { &mut memo.encoded } else { &mut memo.bare };
    let mut cursor = Cursor {
        hay: &hit.hay[..hit.record.end],
        at: key.name.end,
        bare: *bare,
        is_encoded,
        tag: memo.tag,
        url: memo.url,
    };
    let place = walk(hit, key, &mut cursor);
    *bare = cursor.bare;
    memo.tag = cursor.tag;
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
pub(super) fn is_encoded(hit: &Hit<'_>, key: &Key) -> bool {
    let is_mark = |escape: &[u8]| match escape {
        [b'%', high, low] => {
            edge::hex(*high).zip(edge::hex(*low)).is_some_and(|(high, low)| !(high << 4 | low).is_ascii_alphanumeric())
        }
        _ => false,
    };
    let before = &hit.hay[hit.record.start..key.name.start];
    let behind = &hit.hay[key.name.end..hit.record.end];
    behind.get(..3).is_some_and(is_mark) || before.last_chunk::<3>().is_some_and(|escape| is_mark(escape))
}

fn walk(hit: &Hit<'_>, key: &Key, cursor: &mut Cursor<'_>) -> Option<Place> {
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
    if separator == Separator::Comma && is_value(hit, key) || separator == Separator::Colon && follows_equals(hit, key)
    {
        return None;
    }
    let is_tight = spaces == 0 && !cursor.peek().is_some_and(|byte| byte.is_ascii_whitespace());
    cursor.skip_space();
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
        }
        let is_key = separator == Separator::Comma && cursor.is_key(place.value);
        return (!is_key).then_some(place);
    }
    if is_quoted && separator == Separator::Colon && matches!(cursor.peek(), Some(b'[' | b'{')) {
        return Some(Place { value: Span::new(cursor.at, cursor.at), form: Form::Structure });
    }
    let form = match separator {
        Separator::Comma | Separator::Call | Separator::Compare => return None,
        Separator::Equals if is_tight || cursor.is_in_connection_string() => Form::Tight,
        Separator::Equals => Form::Spaced,
        Separator::Colon if is_tight && !is_quoted => Form::Tight,
        Separator::Colon => Form::Colon,
    };
    let place = cursor.bare(form)?;
    let end = url_end(hit, key, &place, &mut cursor.url);
    Some(Place { value: Span::new(place.value.start, end), ..place })
}

/// Where a value ends without what only a URL has behind it: a fragment, or the query behind a session in the path.
fn url_end(hit: &Hit<'_>, key: &Key, place: &Place, fragment: &mut Seek) -> usize {
    let Span { start, end } = place.value;
    let name = key.name.of(hit.hay);
    let is_session = || name.len() >= 9 && name[name.len() - 9..].eq_ignore_ascii_case(b"sessionid");
    let found = match hit.hay[hit.record.start..key.name.start].last() {
        Some(b'?' | b'&') => {
            fragment.find(start, end, |from, to| memchr::memchr(b'#', &hit.hay[from..to]).map(|length| from + length))
        }
        Some(b';') if is_session() => {
            place.value.of(hit.hay).iter().position(|byte| b"?#/".contains(byte)).map(|length| start + length)
        }
        _ => return end,
    };
    found.filter(|found| *found > start).unwrap_or(end)
}

/// Whether the key is part of a path, an address or another value: `/etc/passwd HTTP/1.1`, `cmd=pwd`.
fn is_part(hit: &Hit<'_>, key: &Key) -> bool {
    matches!(hit.hay[hit.record.start..key.name.start].last(), Some(b'/' | b'=' | b'\\' | b'?' | b'&' | b'@' | b'%'))
        || key.name.of(hit.hay).contains(&b'.')
}

/// Whether the quoted word is a member's value, or only the end of a longer string: `"type": "password", "next": …`.
fn is_value(hit: &Hit<'_>, key: &Key) -> bool {
    let before = &hit.hay[hit.record.start..key.name.start];
    let Some((quote, before)) = before.split_last() else { return true };
    let before = before[before.len().saturating_sub(MAX_SPACE)..].trim_ascii_end();
    !b"\"'`".contains(quote) || before.ends_with(b":") || before.ends_with(b"=")
}

/// `magic=key:0a1b`: the word is part of another key's value.
fn follows_equals(hit: &Hit<'_>, key: &Key) -> bool {
    hit.hay[hit.record.start..key.name.start].ends_with(b"=")
}

/// Whether the key is the name of an XML element that opens here.
fn is_element(hit: &Hit<'_>, key: &Key) -> bool {
    let before = hit.hay[hit.record.start..key.name.start].last();
    matches!(before, Some(b'<' | b':'))
}

/// `<property name="password">`: the key is the last attribute, and the value stands in the element.
fn is_attribute(hit: &Hit<'_>, key: &Key) -> bool {
    let before = &hit.hay[hit.record.start..key.name.start];
    before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'")).is_some_and(|before| before.ends_with(b"="))
}

/// A JSON number or boolean behind a quoted key is replaced by a string.
pub(super) fn scalar(hay: &[u8], key: &Key, place: &Place) -> Shape {
    match key.quote {
        Some(quote) if matches!(place.form, Form::Colon) && is_scalar(place.value.of(hay)) => Shape::Scalar { quote },
        _ => Shape::Text,
    }
}

/// `true`, `false` or a JSON number.
pub(super) fn is_scalar(value: &[u8]) -> bool {
    let number = value.strip_prefix(b"-").unwrap_or(value);
    let digits = |byte: &u8| byte.is_ascii_digit() || b".eE+-".contains(byte);
    matches!(value, b"true" | b"false") || number.first().is_some_and(u8::is_ascii_digit) && number.iter().all(digits)
}

/// Every string, number and boolean inside the array or object that begins at `at`, but not the keys; answers where it ends.
pub(super) fn leaves(hit: &Hit<'_>, key: &Key, at: usize, mut leaf: impl FnMut(Span, Shape)) -> usize {
    let Some(quote) = key.quote else { return at };
    let mut cursor = Cursor {
        hay: &hit.hay[..hit.record.end.min(at + MAX_SECRET)],
        at,
        bare: None,
        is_encoded: false,
        tag: Seek::default(),
        url: Seek::default(),
    };
    let mut depth = 0_u32;
    while let Some(byte) = cursor.peek() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth <= 1 => break,
            b']' | b'}' => depth -= 1,
            b'"' | b'\'' | b'`' | b'\\' => {
                let open = quote_at(cursor.hay, cursor.at, cursor.hay.len());
                if open.is_none_or(|open| open.len() != quote.len()) {
                    break;
                }
                let Some(place) = cursor.quoted() else { break };
                // A quote of another depth ends the string that all of this stands in.
                let close = quote_at(cursor.hay, place.value.end, cursor.hay.len());
                let Some(close) = close.filter(|close| close.len() == quote.len()) else {
                    leaf(place.value, Shape::Text);
                    return place.value.end;
                };
                cursor.at = close.end;
                cursor.skip_space();
                if cursor.peek() != Some(b':') {
                    leaf(place.value, Shape::Text);
                }
                continue;
            }
            _ if byte.is_ascii_alphanumeric() || byte == b'-' => {
                let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b".+-".contains(byte);
                let span = Span::new(cursor.at, cursor.at + cursor.rest().iter().take_while(is_part).count());
                if is_scalar(span.of(cursor.hay)) {
                    leaf(span, Shape::Scalar { quote });
                }
                cursor.at = span.end;
                continue;
            }
            _ => {}
        }
        cursor.at += 1;
    }
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

struct Cursor<'h> {
    /// The block up to the end of the record.
    hay: &'h [u8],
    at: usize,
    /// A value that begins inside this one, and is written so, ends where it ends.
    bare: Option<Place>,
    /// Whether percent escapes stand for what may end a value.
    is_encoded: bool,
    tag: Seek,
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
        let there = self.rest().get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
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
        class::run(&rest[..rest.len().min(most)], classes)
    }

    fn skip_space(&mut self) -> usize {
        let start = self.at;
        while self.at < start + MAX_SPACE && matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        self.at - start
    }

    /// `"key": "PASSWORD", "value": …` and `key="Password" value=…`: the value is the next member's.
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

    /// Words for a key behind the name of a service: `acme SECRET key x`. Answers whether there are any.
    fn skip_nouns(&mut self) -> bool {
        let start = self.at;
        for _ in 0..MAX_NOUNS {
            let joint = self.run(class::JOINT | class::SPACE, 1);
            let word = class::run(&self.rest()[joint..], class::ALPHA);
            if joint == 0 || !is_noun(&self.rest()[joint..joint + word]) {
                break;
            }
            self.at += joint + word;
        }
        self.at > start
    }

    /// `[]byte{87, 23, …}`, `new byte[] { 0x57, … }`: eight numbers or more, which are what a key in a program's source is.
    fn bytes(&mut self) -> Option<Place> {
        let head = self.run(class::TYPE | class::SPACE, 24);
        let rest = &self.rest()[head..];
        let is_bytes = || {
            let name = &self.rest()[..head];
            [&b"byte"[..], b"uint8", b"u8"].iter().any(|kind| name.windows(kind.len()).any(|window| window == *kind))
        };
        if !matches!(rest.first(), Some(b'{' | b'(')) || !is_bytes() {
            return None;
        }
        let is_list = |byte: &&u8| byte.is_ascii_hexdigit() || matches!(byte, b'x' | b',' | b' ' | b'\t');
        let start = self.at + head + 1;
        let start = start + class::run(&self.hay[start..], class::SPACE);
        let list = &self.hay[start..self.hay.len().min(start + MAX_SECRET)];
        let list = &list[..list.iter().take_while(is_list).count()];
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
        let digits = self.rest().iter().skip(1).take(8).take_while(|byte| byte.is_ascii_digit()).count();
        if self.hay.get(self.at + 1 + digits) == Some(&b']') {
            self.at += digits + 2;
        }
    }

    fn separator(&mut self, is_quoted: bool) -> Option<Separator> {
        let start = self.at;
        match self.peek()? {
            b':' | b'=' => {}
            b'%' | b'\\' | b'&' | b'-' => return self.escaped_separator(),
            b'+' | b'?' | b'.' | b'|' | b'~' if self.hay.get(self.at + 1) == Some(&b'=') => self.at += 1,
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

    fn escaped_separator(&mut self) -> Option<Separator> {
        if self.skip(b"%3d") || self.skip(b"\\u003d") || self.skip(b"->") || self.skip(b"&#61;") {
            return Some(Separator::Equals);
        }
        (self.skip(b"%3a") || self.skip(b"\\u003a")).then_some(Separator::Colon)
    }

    /// A type or what opens a string stands before some values, behind a word that most values begin with and go on behind.
    fn skip_words(&mut self) {
        // `password: !!str x`: a tag of YAML.
        if self.skip(b"!!") {
            self.at += self.run(class::ALPHA, 16);
            self.skip_space();
        }
        let word = self.run(class::ALNUM | class::UNDERSCORE | class::DOT, 32);
        let next = self.hay.get(self.at + word);
        if next.is_some_and(|byte| class::is(*byte, class::BEHIND_WORD)) {
            self.skip_type();
            self.skip_prefix();
        }
    }

    /// `: string =`, and Go's `var x string =`: the value stands behind the type.
    fn skip_type(&mut self) -> bool {
        let start = self.at;
        let name = self.run(class::TYPE, 32);
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
        let value =
            self.rest().iter().take(128).take_while(|byte| !byte.is_ascii_whitespace() && **byte != b';').count();
        self.hay[self.at - 1] == b'=' && self.hay.get(self.at + value) == Some(&b';')
    }

    /// `b"`, `f'`, `@"`, `new String("`, `Some("`.
    fn skip_prefix(&mut self) {
        let rest = self.rest();
        if let [b'a'..=b'z' | b'A'..=b'Z' | b'@' | b'$', b'"' | b'\'' | b'`', ..] = rest {
            self.at += 1;
            return;
        }
        let name =
            rest.iter().take(32).take_while(|byte| byte.is_ascii_alphanumeric() || b"_.: ".contains(byte)).count();
        if name > 0 && matches!(rest.get(name..name + 2), Some([b'(', b'"' | b'\''])) {
            self.at += name + 1;
        }
    }

    /// Whether the JSON string around the key ends here, before any value.
    fn is_at_end_of_string(&self, key: &Key) -> bool {
        quote_at(self.hay, self.at, self.hay.len()).is_some_and(|quote| is_closing(self.hay, key, quote))
    }

    /// The text between quotes that opens here.
    fn quoted(&mut self) -> Option<Place> {
        let open = quote_at(self.hay, self.at, self.hay.len())?;
        let (depth, quote) = (open.len() - 1, self.hay[open.end - 1]);
        let mut start = open.end;
        if depth == 0 && self.hay[start..].starts_with(&[quote, quote]) {
            start += 2;
        }
        let ceiling = self.hay.len().min(start + MAX_SECRET);
        let mut at = start;
        while let Some(found) = memchr::memchr(quote, &self.hay[at..ceiling]).map(|found| at + found) {
            let slashes = edge::backslashes_before(self.hay, start, found);
            if slashes % (2 * (depth + 1)) == depth {
                return Some(Place { value: Span::new(start, found - depth), form: Form::Quoted });
            }
            if slashes < depth {
                // The string around this one ends here: the value was cut.
                return Some(Place { value: Span::new(start, found - slashes), form: Form::Quoted });
            }
            at = found + 1;
        }
        // No closing quote: the record was cut, or this is an apostrophe.
        self.at = start;
        (quote == b'"').then(|| self.bare(Form::Tight)).flatten()
    }

    /// Whether the string at `value` is a key itself: a colon stands behind its quote.
    fn is_key(&self, value: Span) -> bool {
        let end = quote_at(self.hay, value.end, self.hay.len()).map_or(value.end, |quote| quote.end);
        self.hay[end..].iter().take(MAX_SPACE).find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
    }

    fn element(&mut self) -> Option<Place> {
        self.at += 1;
        self.skip_space();
        let limit = self.hay.len().min(self.at + MAX_SECRET);
        let hay = self.hay;
        let end = self.tag.find(self.at, limit, |from, to| memchr::memchr(b'<', &hay[from..to]).map(|at| from + at))?;
        let value = self.hay[self.at..end].trim_ascii_end();
        let form = Form::Element;
        (!value.is_empty()).then(|| Place { value: Span::new(self.at, self.at + value.len()), form })
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
        let is_double = self.peek() == Some(b'"');
        if let Some(mut place) = self.quoted() {
            // SQL has single quotes; between double ones stands what a sentence speaks of.
            place.form = if is_double && !is_told && self.hay.get(self.at.wrapping_sub(1)) != Some(&b'=') {
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
        let is = is.filter(|is| rest[..*is].iter().all(|byte| !matches!(byte, b'.' | b',' | b';' | b'=' | b':')));
        self.at += is.map_or(0, |is| is + 4);
        is.is_some()
    }

    fn bare(&mut self, form: Form) -> Option<Place> {
        if let Some(known) = self.bare.filter(|known| known.form == form && known.value.contains(self.at)) {
            return Some(Place { value: Span::new(self.at, known.value.end), form });
        }
        let end = self.at + bare_length(self.rest(), form, self.is_encoded);
        let place = (end > self.at).then(|| Place { value: Span::new(self.at, end), form });
        self.bare = place.or(self.bare);
        place
    }
}

/// The length of a value without quotes at the head of `rest`.
fn bare_length(rest: &[u8], form: Form, is_encoded: bool) -> usize {
    let rest = &rest[..rest.len().min(MAX_SECRET)];
    let mut length = 0;
    let mut open = [0_u32; 3];
    loop {
        length += class::until(&rest[length..], class::STOP);
        let Some(byte) = rest.get(length) else { break };
        let after = &rest[length + 1..];
        let ends = match byte {
            b'\'' => !after.first().is_some_and(u8::is_ascii_alphanumeric),
            b'\\' => is_escape(after),
            b',' | b';' | b'|' => !goes_on(after, form),
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
    length - rest[..length].iter().rev().take_while(|byte| matches!(byte, b'.' | b',' | b';' | b':')).count()
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
        [b'u', b'0', b'0', b'2' | b'3', b'2' | b'6' | b'7' | b'c' | b'C' | b'e' | b'E' | b'0', ..] => true,
        [b'\\', rest @ ..] => is_escape(rest),
        _ => false,
    }
}

/// Whether a value goes on behind `,`, `;` or `|`: no white space, no quote and no next key follows.
fn goes_on(after: &[u8], form: Form) -> bool {
    if !matches!(form, Form::Tight | Form::Argument) {
        return false;
    }
    let name = after.iter().take(40).take_while(|byte| byte.is_ascii_alphanumeric() || b"_-. ".contains(byte)).count();
    let is_next = matches!(after.get(name), Some(b'=' | b':')) && name > 0;
    let first = after.first().copied().unwrap_or(b' ');
    !is_next && !first.is_ascii_whitespace() && !b"\"'`)]}{[(<\\,;".contains(&first)
}
