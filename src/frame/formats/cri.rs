//! CRI: `2016-10-06T00:17:09.669794202Z stdout P text`, as containerd and CRI-O write container
//! logs.
//!
//! containerd cuts a line at 16 KiB, CRI-O wherever a read ended. A part tagged `P` continues in
//! the next record of its stream.
//! <https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md>

use crate::{
    frame::{
        format::{Format, Marker, RecordFormat},
        record_part::{RecordPart, Stream},
    },
    text::span::Span,
};

pub(super) struct Cri;

impl RecordFormat for Cri {
    fn formats(&self) -> &'static [Format] {
        &[Format::Cri]
    }

    fn markers(&self) -> &'static [Marker] {
        const { &[Marker::anywhere("stdout P", Format::Cri), Marker::anywhere("stderr P", Format::Cri)] }
    }

    fn recognise(&self, record: &[u8]) -> Option<Format> {
        head(record).map(|_| Format::Cri)
    }

    fn part(&self, hay: &[u8], record: Span) -> Option<RecordPart> {
        let head = head(record.of(hay))?;
        let text = Span::new(record.start + head.len, record.end);
        Some(RecordPart { stream: head.stream, is_partial: head.is_partial, text })
    }
}

/// The head of a record: everything before its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) stream: Stream,
    /// Whether the record continues in the next one of its stream.
    pub(crate) is_partial: bool,
    /// Where the text begins.
    pub(crate) len: usize,
}

/// Reads the head of a line.
pub(crate) fn head(line: &[u8]) -> Option<Head> {
    let time = time_length(line)?;
    let rest = line.get(time..)?.strip_prefix(b" ")?;
    let (stream, rest) = match rest {
        [b's', b't', b'd', b'o', b'u', b't', b' ', rest @ ..] => (Stream::CRI_OUT, rest),
        [b's', b't', b'd', b'e', b'r', b'r', b' ', rest @ ..] => (Stream::CRI_ERR, rest),
        _ => return None,
    };
    // More tags may follow the first, behind colons.
    let tags = rest
        .iter()
        .take(64)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b':')
        .count();
    let is_partial = match rest.first()? {
        b'P' => true,
        b'F' => false,
        _ => return None,
    };
    if tags > 1 && rest[1] != b':' {
        return None;
    }
    let space = match rest.get(tags) {
        Some(b' ') => 1,
        None => 0,
        Some(_) => return None,
    };
    Some(Head { stream, is_partial, len: line.len() - rest.len() + tags + space })
}

/// The length of an RFC 3339 time at the head of `line`.
pub(crate) fn time_length(line: &[u8]) -> Option<usize> {
    const SHAPE: &[u8; 19] = b"dddd-dd-ddTdd:dd:dd";
    let is_shaped = |text: &[u8], shape: &[u8]| {
        text.iter()
            .zip(shape)
            .all(|(byte, shape)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == shape })
    };
    if !is_shaped(line.get(..SHAPE.len())?, SHAPE) {
        return None;
    }
    let mut at = SHAPE.len();
    if line.get(at) == Some(&b'.') {
        at += 1 + line[at + 1..].iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    }
    match line.get(at)? {
        b'Z' => Some(at + 1),
        b'+' | b'-' => is_shaped(line.get(at + 1..at + 6)?, b"dd:dd").then_some(at + 6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_the_runtimes_write_it() {
        for (line, stream, is_partial, text) in [
            ("2016-10-06T00:17:09.669794202Z stdout P text", Stream::CRI_OUT, true, "text"),
            ("2016-10-06T00:17:09.669794202Z stderr F ", Stream::CRI_ERR, false, ""),
            ("2016-10-06T00:17:09Z stderr F", Stream::CRI_ERR, false, ""),
            (
                "2026-11-23T16:00:00.000000137+00:00 stdout P:extra  two",
                Stream::CRI_OUT,
                true,
                " two",
            ),
        ] {
            let head = head(line.as_bytes()).expect(line);
            assert_eq!(
                (head.stream, head.is_partial, &line[head.len..]),
                (stream, is_partial, text),
                "{line}"
            );
        }
    }

    #[test]
    fn lines_that_only_look_similar_have_no_head() {
        for line in [
            "",
            "2016-10-06T00:17:09.669794202Z",
            "2016-10-06T00:17:09.669794202Z stdout",
            "2016-10-06T00:17:09.669794202Z stdout Ptext",
            "2016-10-06T00:17:09.669794202Z stdlog P text",
            "2016-10-06T00:17:09.669794202Z stdout X text",
            "2016-10-06 00:17:09Z stdout P text",
            "2016-10-06T00:17:09+0000 stdout P text",
            "at stdout P text",
        ] {
            assert_eq!(head(line.as_bytes()), None, "{line}");
        }
    }
}
