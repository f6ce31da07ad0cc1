//! The name of the field that a value stands in: what stands before its `=` or `:`.

use super::edge;
use crate::text::span::Span;

/// No name of a field is longer.
const MAX_NAME: usize = 256;

/// A name stands no further before its value.
const MAX_DISTANCE: usize = 4 << 10;

/// So much white space may stand around the `=` or `:`.
const MAX_SPACE: usize = 8;

/// The name of the field in whose value the byte at `at` stands: of the string around it where
/// there is one, else of the word that ends there. No further than the record.
pub(super) fn name(hay: &[u8], record: Span, at: usize) -> Option<&[u8]> {
    let left = &hay[record.start.max(at.saturating_sub(MAX_DISTANCE))..at];
    of_string(left).or_else(|| of_word(left))
}

/// `"user": "mail of alice@…` and `msg='…`: the last quote that opens one and has a name before it.
fn of_string(left: &[u8]) -> Option<&[u8]> {
    let mut quotes = memchr::memrchr2_iter(b'"', b'\'', left);
    let quote = quotes.next()?;
    let before = &left[..quote - edge::backslashes_before(left, 0, quote)];
    named(before)
}

/// `user=alice@…`, `user: alice@…`.
fn of_word(left: &[u8]) -> Option<&[u8]> {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b",;&?\"'{[(<>=".contains(byte);
    let start = left.iter().rposition(ends).map_or(0, |at| at + 1);
    // The word may hold the mark itself: `user:alice@…`.
    match memchr::memchr(b':', &left[start..]) {
        Some(colon) => named(&left[..=start + colon]),
        None => named(&left[..start]),
    }
}

/// The name before the `=` or `:` that `left` ends with.
fn named(left: &[u8]) -> Option<&[u8]> {
    let (mark, rest) = trim_space(left).split_last()?;
    if !matches!(mark, b'=' | b':') {
        return None;
    }
    let rest = trim_space(rest);
    let unquoted = rest.strip_suffix(b"\"").or_else(|| rest.strip_suffix(b"'")).unwrap_or(rest);
    let rest = &unquoted[..unquoted.len() - edge::backslashes_before(unquoted, 0, unquoted.len())];
    let is_name =
        |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.$@/".contains(byte) || **byte >= 0x80;
    let length = rest.iter().rev().take(MAX_NAME).take_while(is_name).count();
    (length > 0).then(|| &rest[rest.len() - length..])
}

fn trim_space(text: &[u8]) -> &[u8] {
    let length =
        text.iter().rev().take(MAX_SPACE).take_while(|byte| byte.is_ascii_whitespace()).count();
    &text[..text.len() - length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_knows_the_name_of_its_field() {
        for (text, field) in [
            ("user=«", Some("user")),
            ("level=info user.mail = «", Some("user.mail")),
            ("mail: «", Some("mail")),
            ("mail:«", Some("mail")),
            (r#"{"a":1,"user": "«"#, Some("user")),
            (r#"{"a":1,"note":"mail of «"#, Some("note")),
            (r#"{"m":"{\"user\":\"«"#, Some("user")),
            ("msg='sent to «", Some("msg")),
            ("GET /x?mail=«", Some("mail")),
            ("https://h/?a=b&mail=«", Some("mail")),
            ("mail of «", None),
            ("«", None),
            ("= «", None),
            ("\"«", None),
        ] {
            let at = text.find('«').expect("a mark");
            let hay = text.replace('«', "value").into_bytes();
            let record = Span::new(0, hay.len());
            assert_eq!(name(&hay, record, at), field.map(str::as_bytes), "{text}");
        }
    }
}
