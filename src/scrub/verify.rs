//! A record that was changed is read again before it is handed on.
//!
//! Whatever the detectors did, a line stays one line, the head of a container record stays, JSON
//! that parsed parses and has the same members, URLs that parsed parse. A record that fails is
//! masked as a whole. This module knows nothing of findings: it compares two texts, so that a fault
//! of what replaced a secret cannot hide in what checks it.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::de::IgnoredAny;

use super::{Scrubber, rescan::RescanBuffer};
use crate::{
    frame::{
        formats::{cri, docker},
        rewrites::Field,
    },
    redact,
    text::{
        json::{self, Kind, Tokens},
        line,
        span::Span,
        visits,
    },
};

impl Scrubber {
    /// Whether `after` may be handed on in place of `before`.
    pub(super) fn holds(&self, before: &[u8], after: &[u8]) -> bool {
        assert!(!self.fails_on_edits_of(before), "a fault was asked for");
        !self.is_verifying
            || !self.is_to_break(before) && (holds(before, after) || bytes_hold(before, after))
    }

    /// For tests: whether the edits of a record end in a panic.
    fn fails_on_edits_of(&self, record: &[u8]) -> bool {
        let fault = self.examiner.fault.as_deref();
        let marker = fault.and_then(|fault| fault.strip_prefix(b"edits:"));
        marker.is_some_and(|marker| memchr::memmem::find(record, marker).is_some())
    }

    /// For tests: whether a record counts as broken.
    fn is_to_break(&self, record: &[u8]) -> bool {
        let fault = self.examiner.fault.as_deref();
        let marker = fault.and_then(|fault| fault.strip_prefix(b"guard:"));
        marker.is_some_and(|marker| memchr::memmem::find(record, marker).is_some())
    }

    /// Masks the records of a buffer that do not hold.
    pub(super) fn verify_records(&mut self, hay: &[u8], buffer: &mut RescanBuffer) {
        let RescanBuffer { text, records, .. } = buffer;
        for changed in records {
            let before = changed.record.of(hay);
            if !self.holds(before, changed.text.of(text)) {
                self.tally.broken += 1;
                let start = text.len();
                mask(before, text);
                changed.text = Span::new(start, text.len());
                text.push(b'\n');
            }
        }
    }

    /// The same for the lines of a text that changed as a whole: appends what may be handed on.
    /// The length of a field is no line, and is written anew once the value is known.
    pub(super) fn verify_lines(&mut self, before: Lines<'_>, after: Lines<'_>, out: &mut Vec<u8>) {
        let (mut at, mut now_at) = (0, 0);
        let mut open = None;
        while at < before.text.len() || now_at < after.text.len() {
            let (was_field, is_field) = (before.field_at(at), after.field_at(now_at));
            if was_field.is_some() {
                at += N_LENGTH;
            }
            if let Some(field) = is_field {
                open = Some((out.len(), field));
                out.extend_from_slice(&after.text[now_at..now_at + N_LENGTH]);
                now_at += N_LENGTH;
            }
            let (next, now_next) = (line::next(before.text, at), line::next(after.text, now_at));
            let (was, is) = (&before.text[at..next], &after.text[now_at..now_next]);
            self.verify_line(was, is, out);
            (at, now_at) = (next, now_next);
            if let Some((start, _)) = open.take_if(|(_, field)| field.value.end < now_at) {
                let n_bytes = out.len() - 1 - (start + N_LENGTH);
                out[start..start + N_LENGTH].copy_from_slice(&(n_bytes as u64).to_le_bytes());
            }
        }
    }

    fn verify_line(&mut self, was: &[u8], is: &[u8], out: &mut Vec<u8>) {
        let (record, text) = (line::from(was, 0).of(was), line::from(is, 0));
        if was == is || self.holds(record, text.of(is)) {
            out.extend_from_slice(is);
        } else {
            self.tally.broken += 1;
            mask(record, out);
            out.extend_from_slice(&is[text.end..]);
        }
    }
}

/// The bytes of the length of a field.
const N_LENGTH: usize = 8;

/// A text of lines, some of them after the length of a field.
#[derive(Clone, Copy)]
pub(super) struct Lines<'t> {
    pub(super) text: &'t [u8],
    /// Where the text begins in the block that `fields` belong to.
    pub(super) start: usize,
    pub(super) fields: &'t [Field],
}

impl Lines<'_> {
    /// The field whose length is at `at`.
    fn field_at(&self, at: usize) -> Option<Field> {
        let fields = self.fields;
        let at =
            fields.binary_search_by_key(&(self.start + at), |field| field.length.start).ok()?;
        fields.get(at).copied()
    }
}

/// Appends the replacement of a record that must not be handed on: its head stays.
pub(super) fn mask(record: &[u8], out: &mut Vec<u8>) {
    let head = cri::head(record).map_or(0, |head| head.len);
    out.extend_from_slice(&record[..head]);
    redact::mask_record(&record[head..], out);
}

/// Whether `after` keeps what must be kept of the record `before`.
pub(super) fn holds(before: &[u8], after: &[u8]) -> bool {
    visits::add(before.len() + after.len());
    if has_line_end(after) && !has_line_end(before) {
        return false;
    }
    let head = cri::head(before).map_or(0, |head| head.len);
    after.starts_with(&before[..head])
        && json_holds(&before[head..], &after[head..])
        && urls_hold(before, after)
}

fn has_line_end(text: &[u8]) -> bool {
    memchr::memchr(b'\n', text).is_some()
}

/// The same where bytes are written as numbers: there may be fewer or more of them now.
fn bytes_hold(before: &[u8], after: &[u8]) -> bool {
    let is_line = memchr::memchr(b'\n', after).is_none();
    let parses = || serde_json::from_slice::<IgnoredAny>(after).is_ok();
    is_line && without_bytes(before) == without_bytes(after) && parses()
}

/// The tokens of JSON with one for each array of numbers.
fn without_bytes(text: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    for token in tokens(text) {
        let is_number = |token: &&u8| b"n,".contains(token);
        let numbers =
            if token == b']' { kept.iter().rev().take_while(is_number).count() } else { 0 };
        visits::add(numbers);
        let is_array = numbers > 0 && kept[..kept.len() - numbers].ends_with(b"[");
        if is_array {
            kept.truncate(kept.len() - numbers - 1);
        }
        kept.push(if is_array { b'b' } else { token });
    }
    kept
}

/// JSON that parsed must parse, with the same members.
fn json_holds(before: &[u8], after: &[u8]) -> bool {
    if !json::is_shaped(before) {
        return true;
    }
    if differs_in_leaves(before, after) {
        return true;
    }
    let parses = |text: &[u8]| {
        visits::add(text.len());
        serde_json::from_slice::<IgnoredAny>(text).is_ok()
    };
    // A text that became JSON is no fault, so the old record is parsed only where the new one
    // fails.
    parses(after) && has_same_members(before, after) || !parses(before)
}

/// Whether the tokens of two texts are the same, except that the second has valid strings in place
/// of some leaves. Then the second is JSON if the first is, without parsing either. Most changed
/// records are decided here, at a third of the cost of parsing.
fn differs_in_leaves(before: &[u8], after: &[u8]) -> bool {
    let start = last_same_token(before, after);
    let (mut was, mut is) = (Tokens::new(before, start), Tokens::new(after, start));
    loop {
        let (one, other) = match (was.next(), is.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) => (one, other),
            _ => return false,
        };
        let (text, new_text) = (one.span.of(before), other.span.of(after));
        if text == new_text {
            continue;
        }
        if !one.is_leaf() || !json::is_string(new_text) {
            return false;
        }
        visits::add_common(was.rest(), is.rest());
        if was.rest() == is.rest() {
            return true;
        }
    }
}

/// The start of the token in which two texts first differ.
fn last_same_token(before: &[u8], after: &[u8]) -> usize {
    const STEP: usize = 16;
    let steps = before.chunks_exact(STEP).zip(after.chunks_exact(STEP));
    let n_same = visits::counted(STEP * steps.take_while(|(was, is)| was == is).count());
    let mut tokens = Tokens::new(before, 0);
    loop {
        let start = tokens.at();
        if tokens.next().is_none() || tokens.at() >= n_same {
            return start;
        }
    }
}

/// Whether two texts of JSON differ in their strings, numbers and words alone.
fn has_same_members(before: &[u8], after: &[u8]) -> bool {
    let leaf = |token| if token == b'n' { b's' } else { token };
    tokens(before).map(leaf).eq(tokens(after).map(leaf))
}

/// The punctuation of JSON, `s` for a string and `n` for a number or a word.
fn tokens(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    Tokens::new(text, 0).map(|token| match token.kind {
        Kind::Word => b'n',
        Kind::String | Kind::CutString => b's',
        _ => text[token.span.start],
    })
}

/// If every URL of the old record parsed, every URL of the new one must. A URL at the end of a part
/// continues in the next part, where the rest of its secret, its `@` and its host may be.
fn urls_hold(before: &[u8], after: &[u8]) -> bool {
    visits::add(before.len() + after.len());
    let parse = |text, cut| urls(text).all(|url| parses(url.of(text)) || Some(url.end) == cut);
    parse(after, None) || !parse(before, None) || parse(after, end_of_part(after))
}

/// Where the text of a record ends that continues in the next record.
fn end_of_part(record: &[u8]) -> Option<usize> {
    match cri::head(record) {
        Some(head) => head.is_partial.then_some(record.len()),
        None => {
            let line = Span::new(0, record.len());
            let part = docker::file(record, line).or_else(|| docker::members(record, line));
            part.filter(|part| part.is_partial).map(|part| part.text.end)
        }
    }
}

/// The authority of each URL: the text between `://` and the path.
fn urls(text: &[u8]) -> impl Iterator<Item = Span> {
    static BEGIN: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("://"));
    BEGIN.find_iter(text).map(|at| {
        let start = at + 3;
        let end = (start..text.len()).find(|at| ends_authority(text, *at)).unwrap_or(text.len());
        // Visited here and where it is parsed.
        visits::add(2 * (end - start));
        Span::new(start, end)
    })
}

fn ends_authority(text: &[u8], at: usize) -> bool {
    match text[at] {
        // `u:REDACTED-url-password\@host`: the backslash belonged to the password, or escapes the
        // `@`.
        b'\\' => !matches!(text.get(at + 1), Some(b'@' | b'\\')),
        byte => ENDS_AUTHORITY[usize::from(byte)],
    }
}

/// The bytes that end the authority of a URL in a log, whatever follows them.
const ENDS_AUTHORITY: [bool; 256] = {
    let (mut ends, mut byte) = ([false; 256], 0);
    while byte <= b' ' as usize {
        ends[byte] = true;
        byte += 1;
    }
    let (marks, mut index) = (b"/?#\"'`<>,;|{}()", 0);
    while index < marks.len() {
        ends[marks[index] as usize] = true;
        index += 1;
    }
    ends
};

/// Whether an authority parses: a host and a port of digits after the last `@`.
fn parses(authority: &[u8]) -> bool {
    let host = memchr::memrchr(b'@', authority).map_or(authority, |at| &authority[at + 1..]);
    if host.starts_with(b"[") {
        return memchr::memchr(b']', host).is_some();
    }
    // `[https://host]`
    let host = &host[..memchr::memchr(b']', host).unwrap_or(host.len())];
    let mut parts = host.splitn(2, |byte| *byte == b':');
    let name = parts.next().unwrap_or_default();
    let port = parts.next().unwrap_or_default();
    let is_name =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%*$!&+=".contains(byte) || *byte >= 0x80;
    name.iter().all(is_name) && port.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_that_keep_their_structure_hold() {
        for (before, after) in [
            ("password=a", "password=REDACTED-password"),
            (r#"{"a":"b","n":1,"l":[true]}"#, r#"{"a":"REDACTED-x","n":"REDACTED-y","l":["z"]}"#),
            (r#"{"a":"\"","b":{}}"#, r#"{"a":"x","b":{}}"#),
            ("{ pw='a' }", "{ pw='REDACTED-password' }"),
            ("https://u:p@h:80/x", "https://u:REDACTED-url@h:80/x"),
            ("[https://u:p@h] x", "[https://u:REDACTED-url@h] x"),
            (r"https://u:p\@h/x", r"https://u:REDACTED-url\@h/x"),
            ("postgres://u:p@h:port/x", "postgres://u:REDACTED-url@h:port/x"),
            ("2016-10-06T00:17:09Z stdout F a", "2016-10-06T00:17:09Z stdout F b"),
            // The host is in the next part.
            (
                "2016-10-06T00:17:09Z stdout P pg://u:p@s",
                "2016-10-06T00:17:09Z stdout P pg://u:REDACTED-url",
            ),
            (
                r#"{"log":"pg://u:p@s","stream":"stdout","time":"2016-10-06T00:17:09Z"}"#,
                r#"{"log":"pg://u:REDACTED-url","stream":"stdout","time":"2016-10-06T00:17:09Z"}"#,
            ),
        ] {
            assert!(holds(before.as_bytes(), after.as_bytes()), "{before}");
        }
    }

    #[test]
    fn records_that_lose_their_structure_do_not_hold() {
        for (before, after) in [
            ("a", "a\nb"),
            (r#"{"a":"b"}"#, r#"{"a":"b}"#),
            (r#"{"a":"b","c":1}"#, r#"{"a":"b"}"#),
            (r#"{"a":["b","c"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":1}}"#, r#"{"a":"b"}"#),
            ("https://u:p@h:80/x", "https://u:[x]@h:8[0/x"),
            (
                "2016-10-06T00:17:09Z stdout F pg://u:p@s",
                "2016-10-06T00:17:09Z stdout F pg://u:REDACTED-url",
            ),
            (
                "2016-10-06T00:17:09Z stdout P pg://u:p@s a",
                "2016-10-06T00:17:09Z stdout P pg://u:REDACTED-url a",
            ),
            ("2016-10-06T00:17:09Z stdout F a", "2016-10-06T00:17:09Z stdout P a"),
            (r#"2016-10-06T00:17:09Z stdout F {"a":1}"#, r#"2016-10-06T00:17:09Z stdout F {"a":}"#),
        ] {
            assert!(!holds(before.as_bytes(), after.as_bytes()), "{after}");
        }
    }

    #[test]
    fn bytes_that_are_numbers_may_be_fewer_and_members_may_not() {
        let before = br#"{"MESSAGE":[1,2,3],"l":["a","b"],"n":1}"#;
        assert!(bytes_hold(before, br#"{"MESSAGE":[82],"l":["a","b"],"n":1}"#));
        assert!(!bytes_hold(before, br#"{"MESSAGE":[82],"l":["a"],"n":1}"#));
        assert!(!bytes_hold(before, br#"{"MESSAGE":[82],"l":["a","b"]}"#));
        assert!(!bytes_hold(before, br#"{"MESSAGE":[82,],"l":["a","b"],"n":1}"#));
    }

    #[test]
    fn a_masked_record_keeps_its_head() {
        let mask = |record: &str| {
            let mut out = Vec::new();
            mask(record.as_bytes(), &mut out);
            String::from_utf8(out).expect("text stays text")
        };
        assert_eq!(
            mask("2016-10-06T00:17:09Z stdout F a"),
            "2016-10-06T00:17:09Z stdout F REDACTED-record"
        );
        assert_eq!(mask(r#"{"a":"b"}"#), r#"{"redacted":"REDACTED-record"}"#);
        assert_eq!(mask("a b"), "REDACTED-record");
    }
}
