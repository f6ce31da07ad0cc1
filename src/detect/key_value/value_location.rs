//! Where the value of a key is, in whatever grammar the line is written.
//!
//! From the end of the key's name [`find`] reads what leads to a value: closing quotes and
//! brackets, white space, a separator, the words of a type. How the value is written follows from
//! what was read, and so does where it ends. [`Memory`] keeps what was walked already, so that a
//! record with many keys inside one value costs its length.

use super::{
    cursor::{Cursor, MAX_SPACE, Memory, Separator},
    name::{Key, KeyStrength, Kind},
    secret_name::ends_with,
    syntax::{ValueLocation, ValueSyntax},
    unquoted::Ending,
};
use crate::{
    detect::{Located, search_memo::SearchMemo},
    text::{hex, span::Span},
};

/// What follows a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Value(ValueLocation),
    /// A JSON array or object that begins here.
    Structure(usize),
}

/// Finds the value of `key`.
pub(super) fn find(located: &Located<'_>, key: &Key, memory: &mut Memory) -> Option<Found> {
    let ending = ending(located, key);
    match walk(located, key, &mut Cursor::new(located, key, ending, memory))? {
        Found::Value(location) if location.syntax.may_end_in_url() => {
            let value =
                memory.parts.value(located.hay, located.record, key.name, location.value)?;
            (!value.is_empty()).then_some(Found::Value(ValueLocation { value, ..location }))
        }
        found => Some(found),
    }
}

/// What may end the key's value if it has no quotes. A key in quotes is in JSON or in a program,
/// where the grammar ends a value; so does that of a URL's parameters.
fn ending(located: &Located<'_>, key: &Key) -> Ending {
    if is_encoded(located, key) {
        return Ending::Encoded;
    }
    let is_strong = key.kind == Kind::Plain(KeyStrength::Strong);
    if is_strong && key.quote.is_none() && !is_parameter(located, key) {
        return Ending::Structure;
    }
    Ending::Marks
}

/// Whether the key is in text that is percent-encoded: after an escape, or before one that is its
/// separator. There an escape is the character that it means, and elsewhere three characters of a
/// value: `password=Tundra%262ru`.
fn is_encoded(located: &Located<'_>, key: &Key) -> bool {
    let behind = &located.hay[key.name.end..located.record.end];
    behind.first_chunk::<3>().is_some_and(is_mark_escape)
        || before(located, key).last_chunk::<3>().is_some_and(is_mark_escape)
}

/// A percent escape that means neither a letter nor a digit.
fn is_mark_escape(escape: &[u8; 3]) -> bool {
    escape[0] == b'%' && hex::byte(&escape[1..]).is_some_and(|byte| !byte.is_ascii_alphanumeric())
}

/// Whether the key is the name of a URL's parameter, or of one in text that is encoded like a URL:
/// there `&` ends a value.
fn is_parameter(located: &Located<'_>, key: &Key) -> bool {
    let before = before(located, key);
    // `user[password]=x`
    if before.ends_with(b"[") && located.hay.get(key.name.end) == Some(&b']') {
        return true;
    }
    const MARKS: [&[u8]; 6] = [b"?", b"&", b"&amp;", b"\\u0026", b"%26", b"%3f"];
    MARKS.iter().any(|mark| ends_with(before, mark))
}

/// The record before the key's name.
fn before<'h>(located: &Located<'h>, key: &Key) -> &'h [u8] {
    &located.hay[located.record.start..key.name.start]
}

/// Reads from the key's name to its value.
fn walk(located: &Located<'_>, key: &Key, cursor: &mut Cursor<'_, '_>) -> Option<Found> {
    let before = before(located, key);
    if cursor.peek() == Some(b'>') && matches!(before.last(), Some(b'<' | b':')) {
        return cursor.element().map(Found::Value);
    }
    let is_named = match key.kind {
        Kind::Service { is_named } => cursor.skip_nouns() || is_named,
        _ => true,
    };
    cursor.skip_key_quote(key);
    if key.quote.is_some() && cursor.peek() == Some(b'>') && is_last_attribute(before) {
        return cursor.element().map(Found::Value);
    }
    let is_closed = cursor.skip_closing_brackets();
    cursor.skip_subscript();
    let n_spaces = cursor.skip_space();
    if key.quote.is_some() {
        cursor.skip_value_word();
    }
    let may_be_bare = n_spaces > 0 && key.quote.is_none() && !is_closed;
    match cursor.separator(key) {
        // `--password (x`: a password may begin with the bracket of a call.
        Some(Separator::Call) if may_be_bare && cursor.ending == Ending::Structure => {
            cursor.at -= 1;
        }
        Some(separator) => return behind_separator(located, key, cursor, (separator, n_spaces)),
        None if may_be_bare && is_named => {}
        None => return None,
    }
    if is_part(before) || key.name.of(located.hay).contains(&b'.') {
        return None;
    }
    cursor.behind_space(key).map(Found::Value)
}

/// Whether a key after `before` is part of a path, an address or another value: `/etc/passwd
/// HTTP/1.1`, `cmd=pwd`.
fn is_part(before: &[u8]) -> bool {
    matches!(before.last(), Some(b'/' | b'=' | b'\\' | b'?' | b'&' | b'@' | b'%'))
}

/// `<property name="password">`: the key is the last attribute, and the value is the element's.
fn is_last_attribute(before: &[u8]) -> bool {
    let before = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'"));
    before.is_some_and(|before| before.ends_with(b"="))
}

/// Reads from a separator, which so many spaces precede, to the value.
fn behind_separator(
    located: &Located<'_>,
    key: &Key,
    cursor: &mut Cursor<'_, '_>,
    (separator, n_spaces): (Separator, usize),
) -> Option<Found> {
    let is_quoted = key.quote.is_some();
    if separator == Separator::Comma && is_whole_value(before(located, key)) {
        return None;
    }
    // `msg=password: x`, `magic=key:0a1b`: the key is the beginning of another key's value.
    let is_inner = separator == Separator::Colon && before(located, key).ends_with(b"=");
    if is_inner {
        cursor.skip_plus();
    }
    if separator == Separator::Colon {
        cursor.sign = b':';
    }
    let is_glued = !cursor.peek().is_some_and(|byte| byte.is_ascii_whitespace());
    let is_tight = n_spaces == 0 && is_glued;
    cursor.skip_space();
    cursor.skip_control();
    if !is_glued && n_spaces == 0 && !is_quoted && cursor.is_at_next_pair(before(located, key)) {
        return None;
    }
    if let Some(bytes) = cursor.byte_array() {
        return Some(Found::Value(bytes));
    }
    cursor.skip_words();
    if cursor.is_at_end_of_string(key) {
        return None;
    }
    if let Some(location) = cursor.quoted() {
        return quoted(cursor, location, separator, key).map(Found::Value);
    }
    if is_quoted && separator == Separator::Colon && matches!(cursor.peek(), Some(b'[' | b'{')) {
        return Some(Found::Structure(cursor.at));
    }
    let syntax = match separator {
        // `password==x` may also be a password that begins with the sign.
        Separator::Compare if is_tight && cursor.ending == Ending::Structure => {
            ValueSyntax::Sentence
        }
        Separator::Comma | Separator::Call | Separator::Compare => return None,
        Separator::Equals if is_tight || cursor.is_in_connection_string() => ValueSyntax::Tight,
        Separator::Equals => ValueSyntax::Spaced,
        // `magic=key:0a1b` is the value of another key, unless it looks like a password.
        Separator::Colon if is_tight && is_inner => {
            (key.kind == Kind::Plain(KeyStrength::Strong)).then_some(ValueSyntax::Sentence)?
        }
        Separator::Colon if is_tight && !is_quoted => ValueSyntax::Tight,
        Separator::Colon => ValueSyntax::Colon,
    };
    let location = cursor.unquoted(syntax)?;
    let end = url_end(located, key, location.value, &mut cursor.memory.fragment);
    let value = Span::new(location.value.start, end);
    Some(Found::Value(ValueLocation { value, ..location }))
}

/// The value in quotes that follows a separator, unless it is a key itself.
fn quoted(
    cursor: &mut Cursor<'_, '_>,
    location: ValueLocation,
    separator: Separator,
    key: &Key,
) -> Option<ValueLocation> {
    let is_compared = separator == Separator::Compare;
    if key.quote.is_none()
        && !is_compared
        && let Some(glued) = cursor.glued(location.value, ValueSyntax::Tight)
    {
        return Some(glued);
    }
    if separator == Separator::Comma && cursor.is_name(location.value) {
        return None;
    }
    let syntax = if is_compared { ValueSyntax::Sentence } else { location.syntax };
    Some(ValueLocation { syntax, ..location })
}

/// Whether the word in quotes after `before` is the whole value of a member, and not the end of a
/// longer string: `"type": "password", "next": …`.
fn is_whole_value(before: &[u8]) -> bool {
    let Some((quote, before)) = before.split_last() else { return true };
    let before = before[before.len().saturating_sub(MAX_SPACE)..].trim_ascii_end();
    !b"\"'`".contains(quote) || before.ends_with(b":") || before.ends_with(b"=")
}

/// Where a value ends without the parts that only a URL has after it: a fragment, or the query
/// after a session in the path.
fn url_end(located: &Located<'_>, key: &Key, value: Span, fragment: &mut SearchMemo) -> usize {
    let found = match before(located, key).last() {
        Some(b'?' | b'&') => fragment.find(value.start, value.end, |from, to| {
            memchr::memchr(b'#', &located.hay[from..to]).map(|length| from + length)
        }),
        Some(b';') if ends_with(key.name.of(located.hay), b"sessionid") => {
            let text = value.of(located.hay);
            let length = text.iter().position(|byte| b"?#/".contains(byte));
            length.map(|length| value.start + length)
        }
        _ => None,
    };
    found.filter(|found| *found > value.start).unwrap_or(value.end)
}
