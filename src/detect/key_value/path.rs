//! Paths and URLs in the place of a value: they say where a secret is kept.

use crate::detect::{byte_class, value};

/// A file, a folder, a URL, or the name of a secret in a store.
pub(super) fn is_path(bytes: &[u8]) -> bool {
    if bytes.first() == Some(&b'$') {
        return is_path_in_variable(&bytes[1..]);
    }
    // A password may begin with a slash, but a path has no other marks.
    if !begins_like_path(bytes) || bytes[0].is_ascii_punctuation() && bytes.iter().any(is_marked) {
        return false;
    }
    let slashes = bytes.iter().filter(|byte| **byte == b'/').count();
    (slashes != 1 || bytes.starts_with(b"/") && !value::is_random(bytes))
        && !value::is_random(&bytes[memchr::memrchr(b'/', bytes).map_or(0, |at| at + 1)..])
}

fn begins_like_path(bytes: &[u8]) -> bool {
    let Some((first, rest)) = bytes.split_first() else { return false };
    match first {
        b'/' => true,
        b'.' => rest.starts_with(b"/") || rest.starts_with(b"./"),
        b'~' => rest.starts_with(b"/"),
        b'h' => rest.starts_with(b"ttp://") || rest.starts_with(b"ttps://"),
        b'f' => rest.starts_with(b"ile:"),
        b'a' => rest.starts_with(b"rn:"),
        b'C' => rest.starts_with(b":\\"),
        b'v' => rest.starts_with(b"ault:"),
        b's' => rest.starts_with(b"ecret/") || rest.starts_with(b"sm:"),
        b'o' => rest.starts_with(b"p://"),
        _ => false,
    }
}

fn is_marked(byte: &u8) -> bool {
    !byte.is_ascii_alphanumeric() && !b"._-/~+@%${}:=,\\".contains(byte)
}

/// The text after `$` in `$BASE_URL/classroom` and `${HOME}/.pw`: the rest of a path that begins
/// with a variable.
fn is_path_in_variable(rest: &[u8]) -> bool {
    let name = rest.strip_prefix(b"{").unwrap_or(rest);
    let is_part = |byte: &&u8| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'0'..=b'9');
    let length = name.iter().take_while(is_part).count();
    let behind = &name[length..];
    length > 1 && (behind.starts_with(b"/") || name.len() < rest.len() && behind.starts_with(b"}/"))
}

/// `443/password/reset`: a port and a path, after the name of a host.
pub(super) fn is_port_and_path(bytes: &[u8]) -> bool {
    let digits = byte_class::run(bytes, byte_class::DIGIT);
    (1..=5).contains(&digits)
        && bytes.get(digits) == Some(&b'/')
        && !value::is_random(&bytes[digits..])
}

/// `sha256:9f86d0…`: a digest that says so.
pub(super) fn is_named_digest(bytes: &[u8]) -> bool {
    const NAMES: [&[u8]; 7] =
        [b"sha256:", b"sha512:", b"sha1:", b"md5:", b"sha256-", b"sha512-", b"sha384-"];
    NAMES.iter().any(|name| bytes.starts_with(name))
}
