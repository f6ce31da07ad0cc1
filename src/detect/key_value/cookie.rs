//! The values of cookies: `name=value; name=value; Path=/`.
//!
//! Every value is a secret; names and attributes stay. Programs join several such headers by
//! commas, by line ends that a string escapes, and in arrays.

use super::{
    header::{Header, value_end},
    quotes::quote_at,
    syntax::ValueSyntax,
    verdict,
};
use crate::{
    detect::{byte_class, words::WordTable},
    text::{escape::backslashes_before, span::Span},
};

/// Attributes of a cookie, and the name under which a remote desktop sends the user's.
const ATTRIBUTES: &str = "path domain expires max-age samesite version priority comment mstshash";

static ATTRIBUTE: WordTable<32> = WordTable::new(&[(1, ATTRIBUTES)]);

/// The longest name of a cookie.
const MAX_NAME: usize = 128;

/// Reports the cookies of the header.
pub(super) fn detect(mut header: Header<'_, '_, '_>) {
    if let Some(value) = header.value() {
        values(&mut header, value);
    }
    header.for_each_leaf(leaf);
}

/// A string in an array or object. An object has a member for each cookie, or for each attribute of
/// one.
fn leaf(header: &mut Header<'_, '_, '_>, leaf: Span) {
    let text = leaf.of(header.hay());
    if memchr::memchr(b'=', text).is_some() {
        pairs(header, leaf);
    } else if verdict::is_secret(ValueSyntax::CookieMember, text) {
        header.push(leaf);
    }
}

/// The cookies of `region`, and of the lines or strings with which it goes on.
fn values(header: &mut Header<'_, '_, '_>, mut region: Span) {
    // Inside cookies that were read only the first one is cut differently.
    if region.end == header.memory.cookies {
        first_pair(header, region);
        return;
    }
    let hay = header.hay();
    let open = region.start.checked_sub(1);
    let mut open = open.filter(|open| byte_class::is(hay[*open], byte_class::QUOTE));
    loop {
        pairs(header, region);
        header.memory.cookies = region.end;
        let next = open.and_then(|open| next_region(hay, header.located.record, open, region.end));
        let Some((quote, next)) = next else { return };
        (open, region) = (Some(quote), next);
        header.memory.end = region.end;
    }
}

fn pairs(header: &mut Header<'_, '_, '_>, region: Span) {
    let mut pair = region;
    loop {
        let value = first_pair(header, pair);
        let from = value.map_or(pair.start, |value| value.end);
        let Some(end) = pair_end(header.hay(), Span::new(from, region.end)) else { return };
        pair.start = end + 1;
    }
}

/// Where a pair ends: at a semicolon, or at a comma before the next cookie. In `Expires=Wed, 21 Oct
/// 2015 07:28:00 GMT` no cookie follows the comma.
fn pair_end(hay: &[u8], rest: Span) -> Option<usize> {
    let mut marks = memchr::memchr2_iter(b';', b',', rest.of(hay)).map(|at| rest.start + at);
    marks.find(|at| hay[*at] == b';' || mark_after_name(&hay[at + 1..rest.end]) == Some(b'='))
}

/// The byte after the name that `text` begins with.
fn mark_after_name(text: &[u8]) -> Option<u8> {
    let spaces = byte_class::run(&text[..text.len().min(8)], byte_class::SPACE);
    let text = &text[spaces..text.len().min(spaces + MAX_NAME + 1)];
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let length = text.iter().take_while(is_name).count();
    if length > 0 { text.get(length).copied() } else { None }
}

/// Reports the cookie that `rest` begins with, if it is a secret; answers its value.
fn first_pair(header: &mut Header<'_, '_, '_>, rest: Span) -> Option<Span> {
    let hay = header.hay();
    let text = rest.of(hay);
    let head = &text[..text.len().min(MAX_NAME + 8)];
    let equals = memchr::memchr2(b'=', b';', head).filter(|at| head[*at] == b'=')?;
    let start = rest.start + equals + 1;
    // A value inside another one ends where that one ends.
    if !header.memory.cookie.contains(start) {
        let end = (start..rest.end).find(|at| ends_value(hay, *at, rest.end));
        header.memory.cookie = Span::new(start, end.unwrap_or(rest.end));
    }
    let value = Span::new(start, header.memory.cookie.end);
    let name = text[..equals].trim_ascii();
    let is_name = !name.is_empty() && name.len() <= MAX_NAME && !name.contains(&b' ');
    if is_name
        && !ATTRIBUTE.holds(1, name)
        && verdict::is_secret(ValueSyntax::Cookie, value.of(hay))
    {
        header.push(value);
    }
    Some(value)
}

/// Whether a cookie's value ends at `at`.
fn ends_value(hay: &[u8], at: usize, ceiling: usize) -> bool {
    match hay[at] {
        b',' => {
            let behind = &hay[at + 1..ceiling];
            behind.first().is_none_or(u8::is_ascii_whitespace)
                || matches!(mark_after_name(behind), Some(b'=' | b':'))
        }
        byte => byte == b';' || byte.is_ascii_whitespace(),
    }
}

/// What goes on after the value that ends at `end` and began behind the quote at `open`: the next
/// line of that string, or the next string of its array. Answers the string's quote and the value.
fn next_region(hay: &[u8], record: Span, open: usize, end: usize) -> Option<(usize, Span)> {
    if let Some(line) = escaped_line_end(&hay[end..]) {
        let start = end + line;
        let rest = &hay[start..];
        let goes_on = mark_after_name(rest) == Some(b'=') || escaped_line_end(rest).is_some();
        return goes_on.then(|| (open, Span::new(start, value_end(hay, start, None, None))));
    }
    let close = quote_at(hay, end, hay.len())?;
    if hay[close.end - 1] != hay[open] || !is_in_array(&hay[record.start..open]) {
        return None;
    }
    let comma = close.end + near_spaces(&hay[close.end..]);
    if hay.get(comma) != Some(&b',') {
        return None;
    }
    let next = quote_at(hay, comma + 1 + near_spaces(&hay[comma + 1..]), hay.len())?;
    let is_same = next.len() == close.len() && hay[next.end - 1] == hay[open];
    is_same.then(|| (next.end - 1, Span::new(next.end, value_end(hay, next.end, Some(next), None))))
}

fn near_spaces(text: &[u8]) -> usize {
    byte_class::run(&text[..text.len().min(8)], byte_class::SPACE)
}

/// Whether the string with its quote after `before` is an element of an array that holds only
/// strings until there.
fn is_in_array(before: &[u8]) -> bool {
    let floor = before.len().saturating_sub(8);
    let before = &before[..before.len() - backslashes_before(before, floor, before.len())];
    let near = &before[before.len().saturating_sub(8)..];
    let spaces = byte_class::run_back(near, byte_class::SPACE);
    matches!(before[..before.len() - spaces].last(), Some(b'[' | b','))
}

/// The length of the escaped line end at the head of `text`. More than eight backslashes are no
/// escape in a log.
fn escaped_line_end(text: &[u8]) -> Option<usize> {
    let slashes = text.iter().take(8).take_while(|byte| **byte == b'\\').count();
    (slashes > 0 && matches!(text.get(slashes), Some(b'n' | b'r'))).then_some(slashes + 1)
}
