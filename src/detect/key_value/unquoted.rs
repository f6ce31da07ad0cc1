//! Where a value without quotes ends behind a weak key, or where a known grammar surrounds it.
//!
//! It ends at the first white space, quote or separator, and at a bracket that it did not open.
//! Behind a strong key in free text it may hold all of these: see [`extent`](super::extent).

use super::syntax::ValueSyntax;
use crate::detect::byte_class;

/// Which characters may end a value without quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Quotes, brackets and separators.
    Marks,
    /// The same and percent escapes, in text that is percent-encoded.
    Encoded,
    /// Only white space and the structure around the key.
    Structure,
}

/// The length of the value at the head of `rest`.
pub(super) fn length(rest: &[u8], syntax: ValueSyntax, ending: Ending) -> usize {
    let mut length = 0;
    let mut open = [0_u32; 3];
    loop {
        length += byte_class::until(&rest[length..], byte_class::STOP);
        let Some(byte) = rest.get(length) else { break };
        let after = &rest[length + 1..];
        let ends = match byte {
            b'\'' => !after.first().is_some_and(u8::is_ascii_alphanumeric),
            b'\\' => is_escape(after),
            b',' | b';' | b'|' | 0x01..=0x08 | 0x0e..=0x1a | 0x7f => !goes_on(after, syntax),
            b'%' => {
                ending == Ending::Encoded && (after.starts_with(b"26") || after.starts_with(b"20"))
            }
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
    without_punctuation(&rest[..length])
}

/// The length of the value without the punctuation of a sentence at its end.
pub(super) fn without_punctuation(value: &[u8]) -> usize {
    let is_punctuation = |byte: &&u8| matches!(byte, b'.' | b',' | b';' | b':');
    value.len() - value.iter().rev().take_while(is_punctuation).count()
}

/// Counts brackets; answers whether one closes that the value did not open.
fn count(open: &mut [u32; 3], byte: u8, change: i32) -> bool {
    let kind = match byte {
        b'(' | b')' => 0,
        b'[' | b']' => 1,
        _ => 2,
    };
    let Some(now) = open[kind].checked_add_signed(change) else { return true };
    open[kind] = now;
    false
}

/// An escape that means white space, a quote or a separator.
fn is_escape(after: &[u8]) -> bool {
    match after {
        [b'n' | b'r' | b't' | b'"' | b'\'' | b'`', ..] => true,
        [b'u', b'0', b'0', b'2' | b'3', last, ..] => b"267cCeE0".contains(last),
        [b'\\', rest @ ..] => is_escape(rest),
        _ => false,
    }
}

/// Whether a value goes on after `,`, `;` or `|`: no white space, no quote and no next key follows.
fn goes_on(after: &[u8], syntax: ValueSyntax) -> bool {
    if !matches!(syntax, ValueSyntax::Tight | ValueSyntax::Argument) {
        return false;
    }
    let first = after.first().copied().unwrap_or(b' ');
    !first.is_ascii_whitespace() && !b"\"'`)]}{[(<\\,;".contains(&first) && !begins_pair(after)
}

/// Whether a name and `=` or `:` follow.
pub(super) fn begins_pair(after: &[u8]) -> bool {
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-. ".contains(byte);
    let name = after.iter().take(40).take_while(is_name).count();
    name > 0 && matches!(after.get(name), Some(b'=' | b':'))
}
