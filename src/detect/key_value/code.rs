//! Code, as far as a value alone shows it.
//!
//! Behind a weak key that is enough: a value with such characters is no loss there. Behind a strong
//! key a password may hold them, and [`expression`](super::expression) reads what follows, too.

use super::secret_name;
use crate::detect::{
    byte_class::{self, Traits},
    value,
};

/// `-x`, `--name`, `--name=value`: another flag of the command.
pub(super) fn is_option(bytes: &[u8]) -> bool {
    let Some(name) = bytes.strip_prefix(b"-") else { return false };
    let is_long = name.starts_with(b"-");
    let name = &name[usize::from(is_long)..];
    let length = byte_class::run(name, byte_class::ALNUM | byte_class::JOINT);
    (length > 1 || !is_long)
        && (is_long || !value::is_random(name))
        && name.first().is_some_and(u8::is_ascii_alphabetic)
        && matches!(name.get(length), None | Some(b'='))
}

/// Calls, members, subscripts and operators.
pub(super) fn is_code(bytes: &[u8], traits: Traits) -> bool {
    is_expression(bytes, traits)
        || secret_name::is_fetched_member(bytes, traits)
        || bytes[0] == b'('
}

/// `getPassword()`, `os.environ['X']`, `Union[str`, `[]string`, `a::b`, `self->pw`, `await x`.
pub(super) fn is_expression(bytes: &[u8], traits: Traits) -> bool {
    traits.any(byte_class::ROUND) && follows_name(bytes, b'(')
        || traits.any(byte_class::SQUARE) && is_subscript(bytes)
        || opens_bracket(bytes)
        || is_structure(bytes)
        || traits.any(byte_class::COLON) && holds_pair(bytes, b"::")
        || traits.any(byte_class::MORE) && holds_pair(bytes, b"->")
        || matches!(bytes, [b'$', b'(' | b'{', ..] | [b'{', b'{', ..] | [b'<', b'%', ..])
}

/// Whether the value begins with a name and then the mark.
fn follows_name(bytes: &[u8], mark: u8) -> bool {
    let head = byte_class::run(bytes, byte_class::MEMBER);
    head > 0 && bytes.get(head) == Some(&mark)
}

fn is_subscript(bytes: &[u8]) -> bool {
    let is_type = || bytes.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'[');
    follows_name(bytes, b'[') && (bytes.ends_with(b"]") || is_type()) || bytes.starts_with(b"[]")
}

fn holds_pair(bytes: &[u8], pair: &[u8]) -> bool {
    bytes.windows(2).any(|there| there == pair)
}

/// `environment[`, `new Buffer(`: a quote ended the value, in the middle of an expression.
pub(super) fn opens_bracket(bytes: &[u8]) -> bool {
    let [.., before, b'(' | b'['] = bytes else { return false };
    before.is_ascii_alphabetic() || matches!(before, b'_' | b')')
}

/// `acctest.Representation{Type`: a literal of a structure.
fn is_structure(bytes: &[u8]) -> bool {
    let name = byte_class::run(bytes, byte_class::NAME);
    bytes.get(name) == Some(&b'{') && bytes[..name].contains(&b'.')
}
