//! Kubernetes Secrets as they are written out: whatever stands under `data` and `stringData` is
//! secret, and `kind`, which says so, may stand below it.
//!
//! Read line by line, which YAML and JSON that is printed over lines both allow: a key stands in
//! the column of `apiVersion`, what is below it further to the right.
//! <https://kubernetes.io/docs/concepts/configuration/secret/>

use crate::{
    frame::reassembly::Reassembly,
    text::{json, line, span::Span},
};

/// What makes each value one of a key that no rule doubts.
const KEY: &[u8] = b"password=";

/// The same at the end of a name.
const SUFFIX: &[u8] = b"_password";

/// A document that may be a Secret.
pub(crate) struct Manifest {
    /// Where it ends, or what is there does.
    pub(crate) end: usize,
    /// Whether its end is there, or it is known that it is no Secret.
    pub(crate) is_whole: bool,
    /// Its values, when it is one.
    pub(crate) values: Vec<Span>,
}

/// Whether a document begins with this line.
pub(crate) fn begins(line: &[u8]) -> bool {
    let Some(key) = Key::of(line, Span::new(0, line.len())) else { return false };
    match key.name.of(line) {
        b"apiVersion" => bare(line, key.value).of(line) == b"v1",
        b"kind" => bare(line, key.value).of(line) == b"Secret",
        _ => false,
    }
}

/// A line of a document: `name: value`, `"name": "value",`.
#[derive(Clone, Copy)]
struct Key {
    indent: usize,
    name: Span,
    value: Span,
}

impl Key {
    fn of(hay: &[u8], line: Span) -> Option<Key> {
        let text = line.of(hay);
        let indent = indent(text);
        let rest = &text[indent..];
        let quote = usize::from(rest.first() == Some(&b'"'));
        let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"._-/".contains(byte);
        let length = rest[quote..].iter().take_while(is_name).count();
        let behind = rest.get(2 * quote + length..)?.strip_prefix(b":")?;
        let is_one = length > 0 && (behind.is_empty() || behind[0] == b' ');
        let name = line.start + indent + quote;
        let start = line.end - behind.trim_ascii_start().len();
        let end = start + behind.trim_ascii().len();
        is_one.then(|| Key {
            indent,
            name: Span::new(name, name + length),
            value: Span::new(start, end),
        })
    }
}

/// How far the content of a line is indented; the dash of a list is indentation.
fn indent(text: &[u8]) -> usize {
    let spaces = text.iter().take_while(|byte| **byte == b' ').count();
    if text[spaces..].starts_with(b"- ") { spaces + 2 } else { spaces }
}

/// A value without the comma behind it and its quotes.
fn bare(hay: &[u8], value: Span) -> Span {
    let text = value.of(hay);
    let text = if text.starts_with(b"\"") { text.strip_suffix(b",").unwrap_or(text) } else { text };
    let is_quoted = matches!(text, [first @ (b'"' | b'\''), .., last] if first == last);
    let quote = usize::from(is_quoted);
    Span::new(value.start + quote, value.start + text.len() - quote)
}

/// Reads the document that begins at `start`.
pub(crate) fn read(hay: &[u8], start: usize) -> Manifest {
    let mut reader =
        Reader { hay, base: indent(line::from(hay, start).of(hay)), ..Reader::default() };
    let mut at = start;
    while at < hay.len() {
        let record = line::from(hay, at);
        if !reader.take(record, at == start) {
            break;
        }
        at = line::next(hay, at);
        if reader.is_secret == Some(false) {
            break;
        }
    }
    let is_whole = at < hay.len() || reader.is_secret == Some(false);
    let values = if reader.is_secret == Some(true) { reader.values } else { Vec::new() };
    Manifest { end: at, is_whole, values }
}

#[derive(Default)]
struct Reader<'h> {
    hay: &'h [u8],
    /// The column of the document's own keys.
    base: usize,
    is_secret: Option<bool>,
    in_data: bool,
    /// The column of the entry whose value stands in the lines below.
    block: Option<usize>,
    values: Vec<Span>,
}

impl Reader<'_> {
    /// Takes a line; answers whether it is of the document.
    fn take(&mut self, record: Span, is_first: bool) -> bool {
        let text = record.of(self.hay);
        if text.trim_ascii().is_empty() {
            return true;
        }
        let spaces = text.iter().take_while(|byte| **byte == b' ').count();
        // The next item of a list of documents begins with a dash.
        let column = if is_first { self.base } else { spaces };
        if column < self.base || text.starts_with(b"---") {
            return false;
        }
        if column > self.base {
            self.take_inner(record, column);
            return true;
        }
        self.block = None;
        match Key::of(self.hay, record) {
            Some(key) => self.take_key(key),
            // The end of an object, or an item of a list that stands in the column of its key.
            None => return matches!(text[spaces], b'}' | b']' | b'-' | b'#'),
        }
        true
    }

    fn take_key(&mut self, key: Key) {
        let name = key.name.of(self.hay);
        self.in_data = matches!(name, b"data" | b"stringData");
        if name == b"kind" {
            self.is_secret = Some(bare(self.hay, key.value).of(self.hay) == b"Secret");
        }
    }

    fn take_inner(&mut self, record: Span, column: usize) {
        if !self.in_data {
            return;
        }
        if self.block.is_some_and(|block| column > block) {
            let text = record.of(self.hay).trim_ascii_end();
            return self.values.push(Span::new(record.start + column, record.start + text.len()));
        }
        self.block = None;
        let Some(key) = Key::of(self.hay, record) else { return };
        match key.value.of(self.hay) {
            [] | [b'|' | b'>', ..] => self.block = Some(key.indent),
            _ => self.values.push(bare(self.hay, key.value)),
        }
    }
}

/// Lays a value out as one of a secret key.
pub(crate) fn lay(reassembly: &mut Reassembly, hay: &[u8], value: Span) {
    let is_quoted = value.start > 0 && matches!(hay[value.start - 1], b'"' | b'\'');
    if is_quoted {
        reassembly.swap(Span::new(value.start - 1, value.start - 1), KEY);
    } else {
        reassembly.swap(Span::new(value.start, value.start), &[KEY, b"\""].concat());
        reassembly.swap(Span::new(value.end, value.end), b"\"");
    }
}

/// Lays the values of a Secret that is one line of JSON out in the same way.
pub(crate) fn lay_object(reassembly: &mut Reassembly, hay: &[u8], record: Span) {
    let is_secret =
        |member: &json::Member| member.key.of(hay) == b"kind" && member.value.of(hay) == b"Secret";
    if !json::members(hay, record).any(|member| is_secret(&member)) {
        return;
    }
    for member in json::members(hay, record) {
        if matches!(member.key.of(hay), b"data" | b"stringData") {
            for entry in json::members(hay, member.value).filter(|entry| entry.is_string) {
                reassembly.swap(Span::new(entry.key.end, entry.key.end), SUFFIX);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Option<Vec<&str>> {
        let manifest = read(text.as_bytes(), 0);
        let part = |span: &Span| &text[span.start..span.end];
        manifest.is_whole.then(|| manifest.values.iter().map(part).collect())
    }

    #[test]
    fn everything_under_data_is_a_value() {
        let text = "apiVersion: v1\ndata:\n  user: YWRtaW4=\n  cert: |\n    line one\n    line two\n  quoted: \"aGV5\"\nkind: Secret\n\
            metadata:\n  name: db\ntype: Opaque\n---\n";
        assert_eq!(values(text), Some(vec!["YWRtaW4=", "line one", "line two", "aGV5"]));
        let listed =
            "- apiVersion: v1\n  kind: Secret\n  stringData:\n    a: b\n- apiVersion: v1\n";
        assert_eq!(values(listed), Some(vec!["b"]));
        let json = "    \"apiVersion\": \"v1\",\n    \"data\": {\n        \"a\": \"Yg==\",\n        \"c\": \"ZA==\"\n    },\n    \"kind\": \"Secret\"\n}\n";
        assert_eq!(values(json), Some(vec!["Yg==", "ZA=="]));
    }

    #[test]
    fn what_is_no_secret_has_none_and_what_may_be_one_is_not_whole() {
        assert_eq!(
            values("apiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\nmetadata:\n"),
            Some(vec![])
        );
        assert_eq!(values("apiVersion: v1\ndata:\n  a: b\n"), None);
        assert_eq!(values("apiVersion: v1\nINFO started\n"), Some(vec![]));
        assert!(
            begins(b"kind: Secret")
                && begins(b"  - apiVersion: v1")
                && begins(b"\"apiVersion\": \"v1\",")
        );
        assert!(
            !begins(b"kind: Pod")
                && !begins(b"the apiVersion: v1")
                && !begins(b"apiVersion: apps/v1")
        );
    }
}
