//! Docker: the records of the json-file driver, those of the fluentd driver, and the JSON lines
//! that shippers make of them.
//!
//! `{"log":"text\n","stream":"stdout","time":"…"}`: the daemon cuts a line at 16 KiB, and a part
//! whose `log` does not end in `\n` goes on in the next record of its stream. The fluentd driver
//! says so in members (`partial_message`, `partial_id`, `partial_last`), and Fluent Bit, reading
//! CRI line by line, in the tag that it keeps (`logtag`). Where it joins the lines itself it keeps
//! the first one's (`_p`): that record is whole.
//! <https://github.com/moby/moby/blob/master/daemon/logger/copier.go>

use super::cri;
use crate::{
    frame::{
        format::{Format, Marker, RecordFormat},
        record_part::{RecordPart, Stream},
    },
    text::{escape, json, line, span::Span},
};

/// The records of the json-file driver.
pub(super) struct JsonFile;

impl RecordFormat for JsonFile {
    fn formats(&self) -> &'static [Format] {
        &[Format::Docker]
    }

    fn markers(&self) -> &'static [Marker] {
        const { &[Marker { text: STREAM_KEY, format: Format::Docker, is_marker: is_key_of_cut_record }] }
    }

    fn recognise(&self, record: &[u8]) -> Option<Format> {
        self.part(record, Span::new(0, record.len())).map(|_| Format::Docker)
    }

    fn part(&self, hay: &[u8], record: Span) -> Option<RecordPart> {
        if hay.get(record.start) == Some(&b'{') { file(hay, record) } else { None }
    }
}

/// Records of JSON whose members say that they are parts.
pub(super) struct JsonMembers;

impl RecordFormat for JsonMembers {
    fn formats(&self) -> &'static [Format] {
        &[Format::Json, Format::JournalJson]
    }

    fn markers(&self) -> &'static [Marker] {
        const {
            &[
                Marker::anywhere("\"partial_message\"", Format::Json),
                Marker::anywhere("\"logtag\":\"P\"", Format::Json),
                Marker::anywhere("\"CONTAINER_PARTIAL_MESSAGE\"", Format::JournalJson),
            ]
        }
    }

    fn recognise(&self, record: &[u8]) -> Option<Format> {
        record.starts_with(b"{").then_some(Format::Json)
    }

    fn part(&self, hay: &[u8], record: Span) -> Option<RecordPart> {
        if hay.get(record.start) == Some(&b'{') { members(hay, record) } else { None }
    }
}

const STREAM_KEY: &str = "\"stream\"";

/// Whether the key `"stream"` at `at` is that of a record whose text continues in another. Most
/// records have their whole text right before this key, which is cheap to see.
fn is_key_of_cut_record(hay: &[u8], at: usize) -> bool {
    let before = hay[at.saturating_sub(64)..at].trim_ascii_end();
    let before = before.strip_suffix(b",").unwrap_or(before).trim_ascii_end();
    let is_whole = before.strip_suffix(b"\"").is_some_and(ends_line);
    !is_whole
        && names_stream(&hay[at..])
        && file(hay, line::around(hay, at)).is_some_and(|part| part.is_partial)
}

/// Reads a record of the json-file driver: an object with `log`, `stream`, `time` and perhaps
/// `attrs`, in any order and spacing, because shippers and tools rewrite it. An object with another
/// member is an application's own record, and its `log` is whole.
pub(crate) fn file(hay: &[u8], line: Span) -> Option<RecordPart> {
    if !hay[..line.end].trim_ascii_end().ends_with(b"}") {
        return None;
    }
    let (mut text, mut stream, mut has_time) = (None, None, false);
    for member in json::members(hay, line) {
        let value = member.value.of(hay);
        match member.key.of(hay) {
            b"log" if member.is_string && text.is_none() => text = Some(member.value),
            b"stream" if member.is_string && stream.is_none() => stream = Some(file_stream(value)?),
            b"time" if member.is_string && !has_time => {
                has_time = cri::time_length(value) == Some(value.len())
            }
            b"attrs" if value.starts_with(b"{") => {}
            _ => return None,
        }
    }
    let text = text.filter(|_| has_time)?;
    Some(RecordPart { stream: stream?, is_partial: !ends_line(text.of(hay)), text })
}

fn file_stream(name: &[u8]) -> Option<Stream> {
    match name {
        b"stdout" => Some(Stream::FILE_OUT),
        b"stderr" => Some(Stream::FILE_ERR),
        _ => None,
    }
}

/// Whether the name of a stream follows the key `"stream"` at the head of `text`.
fn names_stream(text: &[u8]) -> bool {
    let value = text[STREAM_KEY.len()..].trim_ascii_start().strip_prefix(b":");
    value.is_some_and(|value| value.trim_ascii_start().starts_with(b"\"std"))
}

/// Whether a string ends with an escaped newline.
fn ends_line(text: &[u8]) -> bool {
    text.ends_with(b"n") && escape::is_escaped(text, 0, text.len() - 1)
}

/// Reads a record whose members say that it is a part.
pub(crate) fn members(hay: &[u8], line: Span) -> Option<RecordPart> {
    let mut facts = Facts::default();
    for member in json::members(hay, line) {
        facts.read(hay, member);
    }
    facts.part()
}

/// What the members of a record say about its part.
#[derive(Default)]
struct Facts {
    text: Option<Span>,
    /// Whether the record continues. `None` for a record that was never cut.
    is_partial: Option<bool>,
    is_last: bool,
    stream: Stream,
}

impl Facts {
    fn read(&mut self, hay: &[u8], member: json::Member) {
        let value = member.value.of(hay);
        match member.key.of(hay) {
            b"log" | b"message" | b"MESSAGE" | b"msg"
                if member.is_string && self.text.is_none() =>
            {
                self.text = Some(member.value);
            }
            b"partial_message" | b"CONTAINER_PARTIAL_MESSAGE" if value == b"true" => {
                self.is_partial.get_or_insert(true);
            }
            b"partial_last" | b"CONTAINER_PARTIAL_LAST" => self.is_last = value == b"true",
            b"logtag" if matches!(value, b"P" | b"F") => self.is_partial = Some(value == b"P"),
            key @ (b"partial_id" | b"CONTAINER_PARTIAL_ID") => {
                self.stream = self.stream.named(key).named(value)
            }
            key @ (b"stream" | b"source" | b"container_id" | b"CONTAINER_ID"
            | b"container_name" | b"file") => {
                self.stream = self.stream.named(key).named(value);
            }
            _ => {}
        }
    }

    fn part(self) -> Option<RecordPart> {
        let is_partial = self.is_partial? && !self.is_last;
        Some(RecordPart { stream: self.stream.named(b"members"), is_partial, text: self.text? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Span {
        Span::new(0, text.len())
    }

    #[test]
    fn a_record_of_the_file_driver_says_where_its_text_is_and_whether_it_goes_on() {
        for (line, stream, is_partial, text) in [
            (
                r#"{"log":"a\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}"#,
                Stream::FILE_OUT,
                false,
                r"a\n",
            ),
            (
                r#"{"log":"a\\n","stream":"stderr","attrs":{"a":"b"},"time":"2026-01-01T00:00:00Z"}"#,
                Stream::FILE_ERR,
                true,
                r"a\\n",
            ),
            (
                r#"{"log":"\"","stream":"stdout","time":"2026-01-01T00:00:00Z"}"#,
                Stream::FILE_OUT,
                true,
                r#"\""#,
            ),
            (
                r#"{"log":"","stream":"stdout","time":"2026-01-01T00:00:00Z"}"#,
                Stream::FILE_OUT,
                true,
                "",
            ),
        ] {
            let part = file(line.as_bytes(), whole(line)).expect(line);
            assert_eq!((part.stream, part.is_partial), (stream, is_partial), "{line}");
            assert_eq!(part.text.of(line.as_bytes()), text.as_bytes(), "{line}");
        }
    }

    #[test]
    fn an_applications_own_log_is_whole() {
        for line in [
            r#"{"log":"a","level":"info","time":"2026-01-01T00:00:00Z"}"#,
            r#"{"log":"a","stream":"stdout"}"#,
            r#"{"log":"a","stream":"stdout","time":"2026"#,
            r#"{"msg":"a"}"#,
            r#"{"time":"2026-01-01T00:00:00Z","stream":"stdout","_p":"P","log":"joined by Fluent Bit"}"#,
            "",
        ] {
            assert_eq!(file(line.as_bytes(), whole(line)), None, "{line}");
            assert_eq!(members(line.as_bytes(), whole(line)), None, "{line}");
        }
    }

    #[test]
    fn members_say_which_parts_belong_together() {
        let read = |line: &str| members(line.as_bytes(), whole(line)).expect("a part");
        let driver = |body: &str, id: &str, last: &str| {
            read(&format!(
                r#"{{"container_id":"c","source":"stdout","log":"{body}","partial_message":"true","partial_id":"{id}","partial_last":"{last}"}}"#
            ))
        };
        let (first, last, other) =
            (driver("a", "1", "false"), driver("b", "1", "true"), driver("a", "2", "false"));
        assert!(first.is_partial && !last.is_partial);
        assert_eq!(first.stream, last.stream);
        assert_ne!(first.stream, other.stream);
        let tagged = read(r#"{"date":1.5,"stream":"stderr","logtag":"P","message":"x"}"#);
        assert!(tagged.is_partial);
        assert_eq!(tagged.stream, read(r#"{"stream":"stderr","logtag":"F","message":"y"}"#).stream);
    }
}
