//! journald's export format and the byte arrays of its JSON.
//!
//! An entry of the export format is a field a line, `NAME=value`, up to an empty line. A value that
//! holds a line end or a control character comes with its length: `NAME`, a line end, eight bytes
//! (little endian), the value, a line end. `journalctl -o json` writes what is no UTF-8 as an array
//! of numbers. <https://systemd.io/JOURNAL_EXPORT_FORMATS/>

use super::docker::Part;
use crate::{
    frame::{
        Stream,
        reassembly::{Field, Reassembly},
    },
    text::{json, span::Span},
};

/// What stands for a line end inside a value, so that the value is one line: white space that no
/// recogniser takes for the end of a record.
const LINE_END: &[u8] = b"\x0c";

/// An entry of the export format.
pub(crate) struct Entry {
    /// Behind the empty line that ends it, or where what is there ends.
    pub(crate) end: usize,
    pub(crate) is_whole: bool,
    /// The fields that come with their length.
    pub(crate) fields: Vec<Field>,
    /// Where the entry is part of a longer record.
    pub(crate) part: Option<Part>,
}

/// Whether an entry begins with this line.
pub(crate) fn begins(line: &[u8]) -> bool {
    line.starts_with(b"__CURSOR=")
}

/// Reads the entry that begins at `start`.
pub(crate) fn read(hay: &[u8], start: usize) -> Entry {
    let mut entry = Entry { end: start, is_whole: false, fields: Vec::new(), part: None };
    let mut said = Said::default();
    while let Some(length) = memchr::memchr(b'\n', &hay[entry.end..]) {
        let text = Span::new(entry.end, entry.end + length);
        entry.end = text.end + 1;
        if text.is_empty() {
            entry.is_whole = true;
            break;
        }
        let (name, value) = match memchr::memchr(b'=', text.of(hay)) {
            Some(equals) => (
                Span::new(text.start, text.start + equals),
                Span::new(text.start + equals + 1, text.end),
            ),
            None if is_name(text.of(hay)) => {
                let Some(field) = field(hay, text.end + 1) else { break };
                entry.end = field.value.end + 1;
                entry.fields.push(field);
                (text, field.value)
            }
            None => continue,
        };
        said.hear(name.of(hay), value, hay);
    }
    if !entry.is_whole {
        entry.end = hay.len();
    }
    entry.part = said.part();
    entry
}

fn is_name(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// The value whose length stands at `at`, when all of it is there.
fn field(hay: &[u8], at: usize) -> Option<Field> {
    let bytes = hay.get(at..at + 8)?.try_into().ok()?;
    let start = at + 8;
    let end = usize::try_from(u64::from_le_bytes(bytes))
        .ok()
        .and_then(|length| start.checked_add(length))?;
    (hay.get(end) == Some(&b'\n'))
        .then(|| Field { length: Span::new(at, start), value: Span::new(start, end) })
}

#[derive(Default)]
struct Said {
    text: Option<Span>,
    is_partial: bool,
    is_last: bool,
    names: Stream,
}

impl Said {
    fn hear(&mut self, name: &[u8], value: Span, hay: &[u8]) {
        match name {
            b"MESSAGE" => self.text = Some(value),
            b"CONTAINER_PARTIAL_MESSAGE" => self.is_partial = value.of(hay) == b"true",
            b"CONTAINER_PARTIAL_LAST" => self.is_last = value.of(hay) == b"true",
            b"CONTAINER_PARTIAL_ID" | b"CONTAINER_ID" => {
                self.names = self.names.named(value.of(hay))
            }
            _ => {}
        }
    }

    fn part(self) -> Option<Part> {
        let text = self.text.filter(|_| self.is_partial)?;
        Some(Part { stream: self.names.named(b"journal"), is_partial: !self.is_last, text })
    }
}

/// Lays a field with its length out as a line.
pub(crate) fn lay(reassembly: &mut Reassembly, hay: &[u8], field: Field) {
    reassembly.swap(Span::new(field.length.start - 1, field.length.end), b"=");
    for newline in memchr::memchr_iter(b'\n', field.value.of(hay)).map(|at| field.value.start + at)
    {
        reassembly.swap(Span::new(newline, newline + 1), LINE_END);
    }
    reassembly.push_field(field);
}

/// Lays the arrays of bytes in a JSON record out as strings.
pub(crate) fn numbers(reassembly: &mut Reassembly, hay: &[u8], record: Span) {
    for member in json::members(hay, record).filter(|member| !member.is_string) {
        if let Some(bytes) = bytes(hay, member.value) {
            lay_numbers(reassembly, member.value, &bytes);
        }
    }
}

/// A byte, and where its number stands; of each but the first with the comma before it.
type Numbers = Vec<(u8, Span)>;

/// The bytes that an array of numbers means.
fn bytes(hay: &[u8], array: Span) -> Option<Numbers> {
    let inner = array.of(hay).strip_prefix(b"[")?.strip_suffix(b"]")?;
    let mut at = array.start + 1;
    let mut bytes = Vec::new();
    for number in inner.split(|byte| *byte == b',') {
        let byte = std::str::from_utf8(number).ok()?.trim_matches(' ').parse().ok()?;
        let start = if bytes.is_empty() { at } else { at - 1 };
        bytes.push((byte, Span::new(start, at + number.len())));
        at += number.len() + 1;
    }
    Some(bytes)
}

fn lay_numbers(reassembly: &mut Reassembly, array: Span, bytes: &Numbers) {
    reassembly.swap(Span::new(array.start, array.start + 1), b"\"");
    for (byte, raw) in bytes {
        match byte {
            b'"' => reassembly.swap(*raw, b"\\\""),
            b'\\' => reassembly.swap(*raw, b"\\\\"),
            b'\n' => reassembly.swap(*raw, b"\\n"),
            b'\r' => reassembly.swap(*raw, b"\\r"),
            b'\t' => reassembly.swap(*raw, b"\\t"),
            0..0x20 => reassembly.swap(*raw, b" "),
            byte => reassembly.swap(*raw, &[*byte]),
        }
    }
    reassembly.swap(Span::new(array.end - 1, array.end), b"\"");
    reassembly.push_numbers(Span::new(array.start + 1, array.end - 1));
}

/// Whether an entry begins here and does not end.
#[cfg(test)]
pub(crate) fn is_open(hay: &[u8]) -> bool {
    begins(hay) && !read(hay, 0).is_whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Vec<u8> {
        let value = b"two\nlines\n\nand an empty one";
        let mut entry = b"__CURSOR=s=1;i=2\nPRIORITY=6\nMESSAGE\n".to_vec();
        entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
        entry.extend_from_slice(value);
        entry.extend_from_slice(b"\n_PID=1\n\n");
        entry
    }

    #[test]
    fn an_entry_ends_at_its_empty_line_and_at_none_inside_a_value() {
        let hay = [entry(), entry()].concat();
        let first = read(&hay, 0);
        assert!(first.is_whole && first.part.is_none());
        assert_eq!(first.end, hay.len() / 2);
        assert_eq!(first.fields.len(), 1);
        assert_eq!(first.fields[0].value.of(&hay), b"two\nlines\n\nand an empty one");
    }

    #[test]
    fn an_entry_that_is_cut_is_not_whole() {
        let hay = entry();
        for end in 0..hay.len() {
            assert!(!read(&hay[..end], 0).is_whole, "{end}");
            assert_eq!(is_open(&hay[..end]), end >= b"__CURSOR=".len(), "{end}");
        }
    }

    #[test]
    fn arrays_of_bytes_are_read_and_others_are_not() {
        let read = |text: &str| {
            bytes(text.as_bytes(), Span::new(0, text.len()))
                .map(|bytes| bytes.iter().map(|byte| byte.0).collect::<Vec<_>>())
        };
        assert_eq!(read("[98,97,100]"), Some(b"bad".to_vec()));
        assert_eq!(read("[98, 255]"), Some(vec![98, 255]));
        for text in ["[]", "[256]", "[1.5]", "[\"a\"]", "[1,[2]]", "[-1]", "{}", "1"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
