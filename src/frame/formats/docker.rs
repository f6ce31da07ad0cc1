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
    frame::Stream,
    text::{json, span::Span},
};

/// A record that may be part of a longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) stream: Stream,
    /// Whether the record goes on in the next one of its stream.
    pub(crate) is_partial: bool,
    /// The text, escapes as they are written.
    pub(crate) text: Span,
}

/// Reads a record of the json-file driver: an object of `log`, `stream`, `time` and perhaps
/// `attrs`, in any order and spaced in any way, since shippers and tools write it anew. With
/// another member it is an application's own, and its `log` ends where it ends.
pub(crate) fn file(hay: &[u8], line: Span) -> Option<Part> {
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
    Some(Part { stream: stream?, is_partial: !ends_line(text.of(hay)), text })
}

fn file_stream(name: &[u8]) -> Option<Stream> {
    match name {
        b"stdout" => Some(Stream::FILE_OUT),
        b"stderr" => Some(Stream::FILE_ERR),
        _ => None,
    }
}

/// Whether `text`, which begins with the key `"stream"`, goes on with the name of one.
pub(crate) fn names_stream(text: &[u8]) -> bool {
    let value = text[b"\"stream\"".len()..].trim_ascii_start().strip_prefix(b":");
    value.is_some_and(|value| value.trim_ascii_start().starts_with(b"\"std"))
}

/// Whether a string ends with an escaped newline.
pub(crate) fn ends_line(text: &[u8]) -> bool {
    let Some(rest) = text.strip_suffix(b"n") else { return false };
    !rest.iter().rev().take_while(|byte| **byte == b'\\').count().is_multiple_of(2)
}

/// Reads a record whose members say that it is a part.
pub(crate) fn members(hay: &[u8], line: Span) -> Option<Part> {
    let mut said = Said::default();
    for member in json::members(hay, line) {
        said.hear(hay, member);
    }
    said.part()
}

/// What the members of a record say.
#[derive(Default)]
struct Said {
    text: Option<Span>,
    /// Whether there is more behind this one; nothing is said of a record that was never cut.
    is_partial: Option<bool>,
    is_last: bool,
    names: Stream,
}

impl Said {
    fn hear(&mut self, hay: &[u8], member: json::Member) {
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
                self.names = self.names.named(key).named(value)
            }
            key @ (b"stream" | b"source" | b"container_id" | b"CONTAINER_ID"
            | b"container_name" | b"file") => {
                self.names = self.names.named(key).named(value);
            }
            _ => {}
        }
    }

    fn part(self) -> Option<Part> {
        let is_partial = self.is_partial? && !self.is_last;
        Some(Part { stream: self.names.named(b"members"), is_partial, text: self.text? })
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
