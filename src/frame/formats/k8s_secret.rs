//! Kubernetes Secrets in logs: every value under `data` and `stringData` is secret, although `kind:
//! Secret` may come after the values.
//!
//! Documents are read line by line, which works for YAML and for JSON with line breaks: a key of
//! the document is in the column of `apiVersion`, and what it holds is further to the right.
//! <https://kubernetes.io/docs/concepts/configuration/secret/>

use crate::{
    frame::{
        format::{Entry, Format, Marker, RecordFormat},
        rewrites::Rewrites,
    },
    text::{json, line, span::Span},
};

/// Written before each value, so that every rule for passwords takes it.
const KEY: &[u8] = b"password=";

/// The same, appended to a name.
const SUFFIX: &[u8] = b"_password";

/// Secrets in YAML and JSON. No user asks for them by name.
pub(super) struct K8sSecret;

impl RecordFormat for K8sSecret {
    fn formats(&self) -> &'static [Format] {
        &[]
    }

    fn markers(&self) -> &'static [Marker] {
        const {
            &[
                begins_document("apiVersion: v1"),
                begins_document("\"apiVersion\": \"v1\""),
                begins_document("kind: Secret"),
                Marker::anywhere("\"kind\": \"Secret\"", Format::Auto),
                Marker::anywhere("\"kind\":\"Secret\"", Format::Auto),
            ]
        }
    }

    fn entry(&self, hay: &[u8], start: usize, rewrites: &mut Rewrites) -> Option<Entry> {
        if !begins(line::from(hay, start).of(hay)) {
            return None;
        }
        let document = read(hay, start);
        document.values.iter().for_each(|value| render_value(rewrites, hay, *value));
        Some(Entry { end: document.end, is_whole: document.is_whole, part: None })
    }

    /// A Secret on one line of JSON.
    fn rewrite(&self, hay: &[u8], record: Span, rewrites: &mut Rewrites) {
        let is_secret = |member: json::Member| {
            member.key.of(hay) == b"kind" && member.value.of(hay) == b"Secret"
        };
        if !json::members(hay, record).any(is_secret) {
            return;
        }
        let is_data = |member: &json::Member| matches!(member.key.of(hay), b"data" | b"stringData");
        for data in json::members(hay, record).filter(is_data) {
            for entry in json::members(hay, data.value).filter(|entry| entry.is_string) {
                rewrites.replace(Span::new(entry.key.end, entry.key.end), SUFFIX);
            }
        }
    }
}

/// A marker before which its line has only indentation and the dash of a list.
const fn begins_document(text: &'static str) -> Marker {
    Marker {
        text,
        format: Format::Auto,
        is_marker: |hay, at| {
            let indentation = hay[..at].iter().rev();
            let start = at - indentation.take_while(|byte| matches!(byte, b' ' | b'-')).count();
            start == 0 || hay[start - 1] == b'\n'
        },
    }
}

/// A document that may be a Secret.
struct Document {
    /// Where it ends, or where the block does.
    end: usize,
    /// Whether its end is in the block, or it is known to be no Secret.
    is_whole: bool,
    /// Its values, if it is a Secret.
    values: Vec<Span>,
}

/// Whether a document begins with this line.
fn begins(line: &[u8]) -> bool {
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
fn read(hay: &[u8], start: usize) -> Document {
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
    Document { end: at, is_whole, values }
}

#[derive(Default)]
struct Reader<'h> {
    hay: &'h [u8],
    /// The column of the document's own keys.
    base: usize,
    is_secret: Option<bool>,
    in_data: bool,
    /// The column of the entry whose value is in the lines below.
    block: Option<usize>,
    values: Vec<Span>,
}

impl Reader<'_> {
    /// Takes a line and returns whether it belongs to the document.
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
            // The end of an object, or an item of a list in the column of its key.
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

/// Renders a value as that of a secret key.
fn render_value(rewrites: &mut Rewrites, hay: &[u8], value: Span) {
    let is_quoted = value.start > 0 && matches!(hay[value.start - 1], b'"' | b'\'');
    if is_quoted {
        rewrites.replace(Span::new(value.start - 1, value.start - 1), KEY);
    } else {
        rewrites.replace(Span::new(value.start, value.start), &[KEY, b"\""].concat());
        rewrites.replace(Span::new(value.end, value.end), b"\"");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Option<Vec<&str>> {
        let document = read(text.as_bytes(), 0);
        let part = |span: &Span| &text[span.start..span.end];
        document.is_whole.then(|| document.values.iter().map(part).collect())
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
