//! What a program fetches, declares or passes on where a value could stand: calls, subscripts,
//! substitutions, types, casts.
//!
//! A single character tells nothing, since a password may hold it. An expression has a name before
//! its bracket, its brackets are balanced, and behind it stands what ends an expression. A call
//! whose arguments go on in the next line ends with the bracket or the comma.

use super::{extent, secret_name};
use crate::detect::{
    byte_class::{self, Traits},
    value,
};

/// An expression is looked at no further.
const LOOK: usize = 256;

/// Words that stand before an expression, with a space between.
const OPERATORS: [&[u8]; 12] = [
    b"new",
    b"await",
    b"yield",
    b"not",
    b"lambda",
    b"async",
    b"function",
    b"const",
    b"struct",
    b"mut",
    b"typeof",
    b"func",
];

/// What a method is called that fetches or turns a value: its argument says which, and is not the
/// value itself.
const FETCHERS: [&str; 22] = [
    "get",
    "getenv",
    "getString",
    "getProperty",
    "getParameter",
    "getpass",
    "encode",
    "decode",
    "input",
    "prompt",
    "ask",
    "read",
    "fetch",
    "find",
    "lookup",
    "load",
    "env",
    "param",
    "resolve",
    "split",
    "replace",
    "pop",
];

/// Whether a string in the call of `name` is no value: `config.get("x")`, `getpass("Password: ")`,
/// `console.PromptPassword("x")`.
pub(super) fn is_fetcher(name: &[u8]) -> bool {
    let start =
        name.iter().rposition(|byte| matches!(byte, b'.' | b':' | b' ')).map_or(0, |at| at + 1);
    let method = &name[start..];
    let first = byte_class::run(&method[usize::from(!method.is_empty())..], byte_class::LOWER) + 1;
    let is_one =
        |word: &[u8]| FETCHERS.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
    let is_prompt = |word: &[u8]| {
        [&b"prompt"[..], b"ask", b"read"].iter().any(|known| word.eq_ignore_ascii_case(known))
    };
    is_one(method) || is_prompt(&method[..first.min(method.len())])
}

/// `<<EOF`, `<<-'EOF'`
fn is_here_document(value: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_uppercase() || b"_-'\"".contains(byte);
    value.strip_prefix(b"<<").is_some_and(|name| name.iter().all(is_part))
}

/// `<b>x</b>`: a tag of HTML, or one that is closed again.
fn is_markup(text: &[u8]) -> bool {
    extent::ends_at_tag(text) || extent::is_tag(text) && memchr::memmem::find(text, b"</").is_some()
}

/// Whether `text`, a value and what follows it in its record, begins with an expression. `length`:
/// that of the value.
pub(super) fn begins_expression(text: &[u8], length: usize) -> bool {
    let text = &text[..text.len().min(LOOK)];
    let value = &text[..length.min(text.len())];
    let Some(first) = value.first() else { return false };
    match first {
        b'$' | b'{' | b'#' | b'%' | b'@' | b'<' | b'\\' if is_substitution(text, value.len()) => {
            true
        }
        b'<' => {
            is_label(text, value.len())
                || text.starts_with(b"<(")
                || is_here_document(value)
                || is_markup(text)
        }
        b'(' => is_parenthesised(text),
        b'[' => text.starts_with(b"[]") || is_label(text, value.len()),
        b'{' => is_literal(text),
        b'0'..=b'9' | b'>' => is_redirection(value),
        b':' => is_role(text),
        _ => {
            is_chain(text, value.len())
                || is_behind_operator(text, value.len())
                || is_choice(value)
                || is_borrowed(value)
        }
    }
}

/// The same of the argument of a flag, which no program evaluates but a shell: substitutions and
/// what stands for an argument.
pub(super) fn is_substituted(text: &[u8], length: usize) -> bool {
    matches!(
        text.first(),
        Some(b'$' | b'{' | b'#' | b'%' | b'@' | b'<' | b'\\' | b'[' | b'>' | b'0'..=b'9')
    ) && begins_expression(text, length)
}

/// Where the bracket at `at` is closed again, behind its partner. `None` where the text ends
/// before.
fn close(text: &[u8], at: usize) -> Option<usize> {
    let partner = match text.get(at)? {
        b'(' => b')',
        b'[' => b']',
        b'{' => b'}',
        _ => b'>',
    };
    let mut depth = 0_u32;
    for (offset, byte) in text[at..].iter().enumerate() {
        if *byte == text[at] {
            depth += 1;
        } else if *byte == partner {
            depth -= 1;
            if depth == 0 {
                return Some(at + offset + 1);
            }
        }
    }
    None
}

/// Whether an expression may end before `rest`.
fn terminates(rest: &[u8]) -> bool {
    match rest {
        [b'\\', next, ..] => b"nrt\"'`\\".contains(next),
        [next, ..] => next.is_ascii_whitespace() || b",;)]}:\"'`<|&?+".contains(next),
        [] => true,
    }
}

/// `$(cat f)`, `${X}`, `{{ x }}`, `<%= x %>`, `$A_$B`: substitutions, with joints between them and
/// nothing else.
fn is_substitution(text: &[u8], length: usize) -> bool {
    let mut at = 0;
    while let Some(found) = substitution(&text[at..]) {
        at += found;
        let joint = text[at..].iter().take_while(|byte| b"_-.:/@".contains(byte)).count();
        at += joint;
        if at >= length {
            return true;
        }
    }
    false
}

/// The length of the substitution at the head of `text`. One whose end is in another line goes on
/// to the end of this one.
fn substitution(text: &[u8]) -> Option<usize> {
    let is_cut = text.get(2) == Some(&b' ');
    let until = |mark: &[u8]| {
        let end = memchr::memmem::find(text, mark).map(|at| at + mark.len());
        end.or(is_cut.then_some(text.len()))
    };
    match text {
        [b'$', b'(' | b'{' | b'[', ..] => Some(close(text, 1).unwrap_or(text.len())),
        [b'#' | b'%' | b'@', b'{', ..] | [b'@' | b'%', b'(', ..] => close(text, 1),
        [b'{', b'{', ..] => until(b"}}"),
        [b'{', b'%', ..] => until(b"%}"),
        [b'<', b'%' | b'?', ..] => until(b">"),
        [b'\\', b'$', ..] => substitution(&text[1..]).map(|length| length + 1),
        [b'$', name @ ..] => {
            let length = byte_class::run(name, byte_class::ALNUM | byte_class::UNDERSCORE);
            let is_name = length > 0 && value::is_template(&text[..length + 1]);
            is_name.then_some(length + 1)
        }
        _ => None,
    }
}

/// `<your password>`, `[your password]`: a label, the whole of the value, which may have several
/// words.
fn is_label(text: &[u8], length: usize) -> bool {
    let Some(end) = close(text, 0).filter(|end| *end >= length) else { return false };
    let inner = &text[1..end - 1];
    let mut words = inner.split(|byte| byte.is_ascii_whitespace());
    value::is_template(&text[..end])
        || inner.contains(&b' ') && words.all(|word| !value::is_random(word))
}

/// `(char *) (p + 2)`, `(a or b)`, `(string)$x`.
fn is_parenthesised(text: &[u8]) -> bool {
    let is_part =
        |byte: &u8| byte.is_ascii_alphanumeric() || b" _.*&$+-'\",:<>|[]?=!()/%".contains(byte);
    match close(text, 0) {
        Some(end) => {
            let inner = &text[1..end - 1];
            let rest = &text[end..];
            let word = &rest[..byte_class::until(rest, byte_class::WHITE)];
            let is_cast = !word.is_empty()
                && word.iter().all(|byte| {
                    byte.is_ascii_alphanumeric() || b"$_.*&->()[]'\",;:".contains(byte)
                })
                && inner.iter().all(|byte| is_type(*byte));
            inner.iter().all(is_part)
                && inner.iter().any(u8::is_ascii_alphabetic)
                && (terminates(rest) || is_cast)
        }
        None => is_cut(text, 0),
    }
}

fn is_type(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" _.*&:<>?[]".contains(&byte)
}

/// Whether an expression goes on in the next line.
fn is_cut(text: &[u8], open: usize) -> bool {
    let inner = text[open + 1..].trim_ascii();
    let goes_on = inner.contains(&b' ') && matches!(inner, [.., b',' | b'\\' | b'+' | b'.']);
    text.len() < LOOK && !value::is_random(&text[..open]) && (inner.is_empty() || goes_on)
}

/// `{type: String}`: an object.
fn is_literal(text: &[u8]) -> bool {
    extent::is_pair(&text[1..], b':')
}

/// ``:py:data:`bytes` ``: a role of reStructuredText.
fn is_role(text: &[u8]) -> bool {
    let name = byte_class::run(text, byte_class::LOWER | byte_class::COLON);
    name > 2 && text[name - 1] == b':' && text.get(name) == Some(&b'`')
}

/// `2>/dev/null`, `>&2`, `>>file`.
fn is_redirection(value: &[u8]) -> bool {
    let rest = &value[usize::from(value[0].is_ascii_digit())..];
    let Some(rest) = rest.strip_prefix(b">") else { return false };
    let rest = rest.strip_prefix(b">").unwrap_or(rest);
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-$".contains(byte);
    matches!(rest, [b'&', b'0'..=b'9' | b'-']) || rest.starts_with(b"/") && rest.iter().all(is_part)
}

/// Names, calls, subscripts, types: `getPassword()`, `os.environ['X']`, `Union[str, None]`, `a::b`,
/// `self->pw`.
fn is_chain(text: &[u8], length: usize) -> bool {
    let mut at = text.iter().take(3).take_while(|byte| b"&*!@~".contains(byte)).count()
        + usize::from(text.starts_with(b"\\$"));
    let mut is_expression = false;
    let mut is_path = false;
    loop {
        let mark = usize::from(text.get(at) == Some(&b'$'));
        let name =
            mark + byte_class::run(&text[at + mark..], byte_class::ALNUM | byte_class::UNDERSCORE);
        let is_named = name > 0 && !text[at].is_ascii_digit();
        let is_capital = text.get(at).is_some_and(u8::is_ascii_uppercase);
        if !(is_named || is_expression && name == 0) {
            return false;
        }
        at += name;
        // Groups behind the name.
        loop {
            let rest = &text[at..];
            let skip = usize::from(matches!(rest, [b'!', b'(' | b'[' | b'{', ..]));
            let is_group = match rest.get(skip) {
                Some(b'(' | b'[') => true,
                Some(b'{') => is_path || is_expression || skip == 1 || is_capital && name > 2,
                Some(b'<') => rest.get(1).is_some_and(|byte| is_type(*byte)),
                _ => false,
            };
            if !is_group {
                break;
            }
            let open = at + skip;
            match close(text, open) {
                Some(end) if is_content(text[open], &text[open + 1..end - 1]) => at = end,
                Some(_) => return false,
                None => {
                    return text[open] != b'<'
                        && (is_cut(text, open) || is_string(&text[open + 1..]));
                }
            }
            is_expression = true;
        }
        let joint = match &text[at..] {
            [b'.', next, ..] if is_start(*next) => 1,
            [b'?', b'.', next, ..] if is_start(*next) => 2,
            [b':', b':', next, ..] if is_start(*next) || *next == b'<' => 2,
            [b'-', b'>', next, ..] if is_start(*next) || *next == b'{' => 2,
            rest => return is_expression && (at >= length || is_followed(rest)),
        };
        is_path = true;
        is_expression |= text[at] == b':' || text[at] == b'-';
        at += joint;
    }
}

/// Whether what stands between brackets may be arguments, a subscript, types or members. A string
/// among them may hold anything.
fn is_content(open: u8, content: &[u8]) -> bool {
    if open != b'<' && content.iter().any(|byte| byte_class::is(*byte, byte_class::QUOTE)) {
        return open != b'{' || !is_start(content[0]) || extent::is_pair(content, b':');
    }
    let is_part = |byte: &u8| match open {
        b'<' => is_type(*byte) || b",'&".contains(byte),
        b'[' => byte.is_ascii_alphanumeric() || b" _$.,:+-*()[]<>&|!".contains(byte),
        _ => !b"`^~;#\\@".contains(byte),
    };
    let is_object = || {
        let name = content.trim_ascii();
        // `->{bindpasswd}` too.
        name.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
            || extent::is_pair(content, b':')
    };
    content.iter().all(is_part) && (open != b'{' || is_object())
}

fn is_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$')
}

/// Whether an expression goes on, or another follows it: `f(x)+y`, `f(x);g()`.
fn is_followed(rest: &[u8]) -> bool {
    let is_next = |byte: &u8| is_start(*byte) || b"\"'`(".contains(byte);
    match rest {
        [b',' | b';' | b')' | b']' | b'}', next, ..] => is_next(next),
        [b'"' | b'\'' | b'`', next, ..] => next.is_ascii_whitespace() || b",;)]}.+".contains(next),
        [next, ..] => *next != b':' && terminates(rest),
        [] => true,
    }
}

/// `"x", y`: what a call passes on begins with a string, and the end of the call is not in sight.
fn is_string(inner: &[u8]) -> bool {
    let slashes = inner.iter().take_while(|byte| **byte == b'\\').count();
    let Some(quote @ (b'"' | b'\'')) = inner.get(slashes) else { return false };
    let behind = &inner[slashes + 1..];
    match memchr::memchr(*quote, behind) {
        Some(end) => behind.get(end + 1).is_none_or(|byte| b" ,+.".contains(byte)),
        None => behind.trim_ascii().is_empty(),
    }
}

/// `new Buffer(x)`, `await x`: a word of the language and what it stands before.
fn is_behind_operator(text: &[u8], length: usize) -> bool {
    let is_one = OPERATORS.iter().any(|word| text[..length].eq_ignore_ascii_case(word));
    is_one && matches!(&text[length..], [b' ', next, ..] if is_start(*next) || *next == b'(')
}

/// `string|null`, `plain|md5`: one of several words.
fn is_choice(value: &[u8]) -> bool {
    memchr::memchr(b'|', value).is_some()
        && value.split(|byte| *byte == b'|').all(|part| {
            let is_word =
                part.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'));
            !part.is_empty() && (is_word || value::is_template(part)) && !value::is_random(part)
        })
}

/// `&str`, `&password`, `*mut`: a name behind the mark of a reference.
fn is_borrowed(value: &[u8]) -> bool {
    let name =
        &value[value.iter().take(2).take_while(|byte| matches!(byte, b'&' | b'*')).count()..];
    name.len() < value.len()
        && !value::is_random(name)
        && !name.is_empty()
        && (value[0] == b'&'
            || secret_name::names_a_secret(name)
            || matches!(name, b"mut" | b"const" | b"char"))
        && name.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b'\''))
}

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

/// Calls, members, subscripts and operators, as far as the value alone shows them. Behind a weak
/// key that is enough: a password with such characters is no loss there.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn is_code(text: &str) -> bool {
        let length = text.find(' ').unwrap_or(text.len());
        begins_expression(text.as_bytes(), length)
    }

    #[test]
    fn expressions_are_told_by_their_form() {
        let mut faults = Vec::new();
        for text in [
            "getPassword()",
            "getpass(\"Password: \")",
            "os.environ[\"X\"]",
            "os.environ.get(\"X\", \"y\")",
            "args[0].value",
            "Union[str, None] = None",
            "Option<String>,",
            "Box<[u8]>",
            "self->pw",
            "crate::Secret",
            "$this->getPassword();",
            "$_POST['password']",
            "\\$_POST[\"a\"];",
            "acctest.Representation{Type: acctest.Required}",
            "$ds->{binddn}",
            "new Buffer(x)",
            "await vault.read(x)",
            "$(cat f)",
            "$(cat",
            "${X}",
            "${A}_$B",
            "$A-$B",
            "{{ x }}",
            "{{x}}",
            "<%= x %>",
            "<your password>",
            "[your own password]",
            "<<EOF",
            "(char *) (p + 2);",
            "(string)$x;",
            "(a or b)",
            "[]string{\"\", \"\"}",
            "{type: String}",
            "foo(",
            "foo(a, b,",
            "foo(\"x\" +",
            "format!(\"{}\", x)",
            "2>/dev/null",
            ">&2",
            "string|null",
            "&str",
            "*mut",
            ":py:data:`bytes`",
        ] {
            faults.extend((!is_code(text)).then_some(text));
        }
        assert!(faults.is_empty(), "{faults:?}");
    }

    #[test]
    fn passwords_that_hold_their_characters_are_none() {
        let mut faults = Vec::new();
        for text in [
            "getPassword1",
            "get(Password",
            "a(b)c",
            "Xk(9)zQ!",
            "os[environ",
            "args]0[.value",
            "Union[str^None]",
            "Option<String",
            "Box<[u8#]>",
            "self-pw>x",
            "a::1b",
            "$this9>x",
            "$_POST'password",
            "\\A[N3TpmZ,$*6QE]",
            "Kx{XI7^y}",
            "Buf{9!x}",
            "newBuffer9",
            "await!vault",
            "$1cat)f",
            "${X}hunter2",
            "${A}b_$B",
            "$ecret1",
            "{ab9!}",
            "{x}}9a",
            "<x%9",
            "<your!password9",
            "[yourown9password",
            "<9EOF",
            "(char9*(p!2",
            "(string9$x",
            "(9);Y5/Lm",
            "[x]9f,2Pp(",
            "{type9String}",
            "Zq4xK(x",
            "ko4(\"uZ-lC",
            "foo9\"x",
            "for!mat{}9",
            "2>9dev",
            ">x2",
            "str1ng|nu11",
            "&str1",
            "*mu7",
            ":py9data`",
        ] {
            faults.extend(is_code(text).then_some(text));
        }
        assert!(faults.is_empty(), "{faults:?}");
    }
}
