//! journald's export format and the byte arrays of its JSON.
//!
//! An entry of the export format is a field a line, `NAME=value`, up to an empty line. A value that
//! holds a line end or a control character comes with its length: `NAME`, a line end, eight bytes
//! (little endian), the value, a line end. `journalctl -o json` writes what is no UTF-8 as an array
//! of numbers. <https://systemd.io/JOURNAL_EXPORT_FORMATS/>

use crate::{
    frame::{
        format::{Entry, Format, Marker, RecordFormat},
        record_part::{RecordPart, Stream},
        rewrites::{Field, Rewrites},
    },
    text::{json, span::Span},
};

/// Stands for a line end inside a value, so that the value is one line. It is white space that no
/// detector takes for the end of a record.
const LINE_END: &[u8] = b"\x0c";

/// Begins an entry.
const CURSOR: &str = "__CURSOR=";

/// The export format.
pub(super) struct Export;

impl RecordFormat for Export {
    fn formats(&self) -> &'static [Format] {
        &[Format::JournalExport]
    }

    fn markers(&self) -> &'static [Marker] {
        const {
            &[Marker {
                text: CURSOR,
                format: Format::JournalExport,
                is_marker: |hay, at| at == 0 || hay[at - 1] == b'\n',
            }]
        }
    }

    fn entry(&self, hay: &[u8], start: usize, rewrites: &mut Rewrites) -> Option<Entry> {
        if !hay[start..].starts_with(CURSOR.as_bytes()) {
            return None;
        }
        let (entry, fields) = read(hay, start);
        fields.iter().for_each(|field| render_field(rewrites, hay, *field));
        Some(entry)
    }
}

/// The arrays of bytes in the JSON format.
pub(super) struct JsonArrays;

impl RecordFormat for JsonArrays {
    fn formats(&self) -> &'static [Format] {
        &[Format::JournalJson]
    }

    fn markers(&self) -> &'static [Marker] {
        const {
            &[
                Marker::anywhere("\"MESSAGE\":[", Format::JournalJson),
                Marker::anywhere("\"_CMDLINE\":[", Format::JournalJson),
            ]
        }
    }

    fn rewrite(&self, hay: &[u8], record: Span, rewrites: &mut Rewrites) {
        for member in json::members(hay, record).filter(|member| !member.is_string) {
            if let Some(bytes) = bytes(hay, member.value) {
                render_array(rewrites, member.value, &bytes);
            }
        }
    }
}

/// Reads the entry that begins at `start`, and its fields that come with their length.
fn read(hay: &[u8], start: usize) -> (Entry, Vec<Field>) {
    let (mut end, mut is_whole) = (start, false);
    let mut fields = Vec::new();
    let mut facts = Facts::default();
    while let Some(length) = memchr::memchr(b'\n', &hay[end..]) {
        let text = Span::new(end, end + length);
        end = text.end + 1;
        if text.is_empty() {
            is_whole = true;
            break;
        }
        let (name, value) = match memchr::memchr(b'=', text.of(hay)) {
            Some(equals) => (
                Span::new(text.start, text.start + equals),
                Span::new(text.start + equals + 1, text.end),
            ),
            None if is_name(text.of(hay)) => {
                let Some(field) = field(hay, text.end + 1) else { break };
                end = field.value.end + 1;
                fields.push(field);
                (text, field.value)
            }
            None => continue,
        };
        facts.read(name.of(hay), value, hay);
    }
    let end = if is_whole { end } else { hay.len() };
    (Entry { end, is_whole, part: facts.part() }, fields)
}

fn is_name(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// The value whose length is at `at`, if all of it is in the block.
fn field(hay: &[u8], at: usize) -> Option<Field> {
    let bytes = hay.get(at..at + 8)?.try_into().ok()?;
    let start = at + 8;
    let end = usize::try_from(u64::from_le_bytes(bytes))
        .ok()
        .and_then(|length| start.checked_add(length))?;
    (hay.get(end) == Some(&b'\n'))
        .then(|| Field { length: Span::new(at, start), value: Span::new(start, end) })
}

/// What the fields of an entry say about its part.
#[derive(Default)]
struct Facts {
    text: Option<Span>,
    is_partial: bool,
    is_last: bool,
    stream: Stream,
}

impl Facts {
    fn read(&mut self, name: &[u8], value: Span, hay: &[u8]) {
        match name {
            b"MESSAGE" => self.text = Some(value),
            b"CONTAINER_PARTIAL_MESSAGE" => self.is_partial = value.of(hay) == b"true",
            b"CONTAINER_PARTIAL_LAST" => self.is_last = value.of(hay) == b"true",
            b"CONTAINER_PARTIAL_ID" | b"CONTAINER_ID" => {
                self.stream = self.stream.named(value.of(hay))
            }
            _ => {}
        }
    }

    fn part(self) -> Option<RecordPart> {
        let text = self.text.filter(|_| self.is_partial)?;
        Some(RecordPart { stream: self.stream.named(b"journal"), is_partial: !self.is_last, text })
    }
}

/// Renders a field with its length as a line `NAME=value`.
fn render_field(rewrites: &mut Rewrites, hay: &[u8], field: Field) {
    rewrites.replace(Span::new(field.length.start - 1, field.length.end), b"=");
    for newline in memchr::memchr_iter(b'\n', field.value.of(hay)) {
        let at = field.value.start + newline;
        rewrites.replace(Span::new(at, at + 1), LINE_END);
    }
    rewrites.push_field(field);
}

/// Bytes with the place of their numbers: of each but the first, with the comma before it.
type Numbers = Vec<(u8, Span)>;

/// The bytes that an array of numbers encodes.
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

/// Renders an array of bytes as a string.
fn render_array(rewrites: &mut Rewrites, array: Span, bytes: &Numbers) {
    rewrites.replace(Span::new(array.start, array.start + 1), b"\"");
    for (byte, raw) in bytes {
        rewrites.replace_in_string(*raw, *byte);
    }
    rewrites.replace(Span::new(array.end - 1, array.end), b"\"");
    rewrites.push_numbers(Span::new(array.start + 1, array.end - 1));
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
        let (first, fields) = read(&hay, 0);
        assert!(first.is_whole && first.part.is_none());
        assert_eq!(first.end, hay.len() / 2);
        assert_eq!(fields.len(), 1);
        assert_eq!(fields[0].value.of(&hay), b"two\nlines\n\nand an empty one");
    }

    #[test]
    fn an_entry_that_is_cut_is_not_whole() {
        let hay = entry();
        for end in 0..hay.len() {
            assert!(!read(&hay[..end], 0).0.is_whole, "{end}");
            let entry = Export.entry(&hay[..end], 0, &mut Rewrites::default());
            assert_eq!(entry.is_some(), end >= CURSOR.len(), "{end}");
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
