//! Classes of a value that depend on its key and on the line around it.

use super::{classify::Value, prose, secret_name};
use crate::detect::byte_class;

/// Whose password a line is about.
const OWNERS: [&[u8]; 12] = [
    b"default",
    b"initial",
    b"temporary",
    b"generated",
    b"admin",
    b"administrator",
    b"root",
    b"your",
    b"my",
    b"user",
    b"login",
    b"wifi",
];

/// Where a system looks for its users, and the fields of what it finds: `passwd: files`,
/// `passwd:gid`.
const NAME_SERVICES: [&[u8]; 15] = [
    b"files", b"compat", b"nis", b"nisplus", b"db", b"ldap", b"sss", b"systemd", b"winbind",
    b"hesiod", b"uid", b"gid", b"gecos", b"shell", b"dir",
];

/// Names for a directory, after `pwd`.
const FOLDERS: [&[u8]; 7] = [b"path", b"dir", b"directory", b"folder", b"cwd", b"root", b"home"];

/// Text after white space that is no password by its characters, and that no login precedes.
pub(super) fn is_plain_text(value: &Value<'_>) -> bool {
    !prose::is_password(value.bytes, value.traits)
        && (prose::is_prose(value.bytes) || !follows_login(value.before))
}

/// `login bob password x`, as in `.netrc`. `login and password of …` is about both.
fn follows_login(before: &[u8]) -> bool {
    let near = &before[before.len().saturating_sub(128)..];
    let mut words = near.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).rev();
    let (Some(user), Some(word)) = (words.next(), words.next()) else { return false };
    !matches!(user, b"and" | b"or" | b"&" | b"/" | b"+")
        && [&b"login"[..], b"user", b"username"]
            .iter()
            .any(|login| word.eq_ignore_ascii_case(login))
}

/// `db: password=x`: the inner key has the value.
pub(super) fn is_inner_pair(bytes: &[u8]) -> bool {
    let name = &bytes[..byte_class::run(bytes, byte_class::ALNUM | byte_class::JOINT)];
    bytes.get(name.len()) == Some(&b'=')
        && [&b"password"[..], b"passwd", b"pwd"]
            .iter()
            .any(|word| secret_name::ends_with(name, word))
}

pub(super) fn is_name_service(value: &Value<'_>) -> bool {
    value.name == b"passwd" && NAME_SERVICES.contains(&value.bytes)
}

/// `pwd = base_path`: the working directory.
pub(super) fn is_folder(value: &Value<'_>) -> bool {
    if !value.name.eq_ignore_ascii_case(b"pwd") {
        return false;
    }
    let last = memchr::memrchr(b'_', value.bytes).map_or(0, |at| at + 1);
    FOLDERS.contains(&&value.bytes[last..])
}

/// `PASS: test_login`
pub(super) fn is_test_result(value: &Value<'_>) -> bool {
    value.name == b"PASS" && !prose::is_mixture(value.bytes, value.traits)
}

/// A name without digits, where the key does not begin its line or the name is one for a secret.
pub(super) fn is_name_in_line(value: &Value<'_>) -> bool {
    value.traits.all(byte_class::NAME)
        && (!begins_line(value.before) || secret_name::names_a_secret(value.bytes))
}

/// A word of letters, unless the key and the word are all that the line says: `password: hunter`,
/// `Default password: hunter`.
pub(super) fn is_word_in_line(value: &Value<'_>) -> bool {
    value.traits.all(byte_class::ALPHA) && !is_line(value)
}

fn is_line(value: &Value<'_>) -> bool {
    (begins_line(value.before) || follows_owner(value.before)) && ends_line(value)
}

/// Whether only white space, the dash of a list or the mark of a comment precedes the key.
fn begins_line(before: &[u8]) -> bool {
    before.len() <= 64 && before.iter().all(|byte| b" \t-#;".contains(byte))
}

/// `Default password: x`: one word before the key says whose it is.
fn follows_owner(before: &[u8]) -> bool {
    let before = before.trim_ascii();
    let before = before.strip_prefix(b"#").unwrap_or(before).trim_ascii_start();
    OWNERS.iter().any(|owner| before.eq_ignore_ascii_case(owner))
}

fn ends_line(value: &Value<'_>) -> bool {
    let rest = value.text[value.length..].iter().take(64);
    rest.copied().find(|byte| !byte.is_ascii_whitespace()).is_none_or(|byte| byte == b'#')
}

/// `client_secret: oauth_secret,`: without quotes among the arguments of a call it is a variable.
pub(super) fn is_named_argument(value: &Value<'_>) -> bool {
    matches!(value.text.get(value.length), Some(b',' | b')' | b';'))
        && secret_name::is_secret_name(value.bytes, value.traits)
}

/// A variable or a member that is named for a secret. Before a semicolon it is the value of a
/// connection string, and not the variable of a program.
pub(super) fn is_secret_variable(value: &Value<'_>) -> bool {
    value.text.get(value.length) != Some(&b';')
        && (secret_name::is_secret_name(value.bytes, value.traits)
            || secret_name::is_secret_member(value.bytes, value.traits))
}
