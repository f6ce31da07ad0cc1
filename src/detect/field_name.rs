//! The name of the field that a value is in, for `allow` entries that name a field.
//!
//! The name precedes the `=` or `:` before the value, or before the string that holds the value.
//! Only the record is read, and no more than [`MAX_DISTANCE`] bytes of it. A value without a field
//! has no name, and such an entry does not apply to it.

use crate::text::{escape, span::Span};

/// The maximum length of a name.
const MAX_NAME: usize = 256;

/// How far before its value a name may be.
const MAX_DISTANCE: usize = 4 << 10;

/// How much white space may surround the `=` or `:`.
const MAX_SPACE: usize = 8;

/// The name of the field with the byte at `at` in its value: the field of the string around the
/// byte if there is one, or else of the word that ends there.
pub(super) fn name(hay: &[u8], record: Span, at: usize) -> Option<&[u8]> {
    let left = &hay[record.start.max(at.saturating_sub(MAX_DISTANCE))..at];
    of_string(left).or_else(|| of_word(left))
}

/// The name before the last quote: `"user": "mail of alice@…`, `msg='…`.
fn of_string(left: &[u8]) -> Option<&[u8]> {
    let mut quotes = memchr::memrchr2_iter(b'"', b'\'', left);
    let quote = quotes.next()?;
    let before = &left[..quote - escape::backslashes_before(left, 0, quote)];
    named(before)
}

/// The name before the last word: `user=alice@…`, `user: alice@…`.
fn of_word(left: &[u8]) -> Option<&[u8]> {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b",;&?\"'{[(<>=".contains(byte);
    let start = left.iter().rposition(ends).map_or(0, |at| at + 1);
    // The word may contain the mark: `user:alice@…`.
    match memchr::memchr(b':', &left[start..]) {
        Some(colon) => named(&left[..=start + colon]),
        None => named(&left[..start]),
    }
}

/// The name before the `=` or `:` at the end of `left`.
fn named(left: &[u8]) -> Option<&[u8]> {
    let (mark, rest) = trim_space(left).split_last()?;
    if !matches!(mark, b'=' | b':') {
        return None;
    }
    let rest = trim_space(rest);
    let unquoted = rest.strip_suffix(b"\"").or_else(|| rest.strip_suffix(b"'")).unwrap_or(rest);
    let rest =
        &unquoted[..unquoted.len() - escape::backslashes_before(unquoted, 0, unquoted.len())];
    let length = rest.iter().rev().take(MAX_NAME).take_while(|byte| is_name(**byte)).count();
    (length > 0).then(|| &rest[rest.len() - length..])
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.$@/".contains(&byte) || byte >= 0x80
}

/// The text without white space at its end, as far as that may surround a mark.
fn trim_space(text: &[u8]) -> &[u8] {
    let length =
        text.iter().rev().take(MAX_SPACE).take_while(|byte| byte.is_ascii_whitespace()).count();
    &text[..text.len() - length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_field_precedes_the_value() {
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
