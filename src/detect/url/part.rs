//! The part of a URL that a finding begins in, and where that part ends.
//!
//! To a detector that knows nothing of URLs, `https://token:x7Kp…@host/path` is a key with a value
//! up to the end of the line. Inside a URL, its grammar ends a value: the user at the colon, the
//! password at the `@`, a parameter at `&` or `#`. So the host is kept, and a redacted URL is still
//! a URL.
//!
//! Key-value detection asks [`Memo::value`] while it looks for a value; merging asks [`Memo::clip`]
//! about the findings of all other detectors.

use super::{
    Depth, Stops, Unit, quotes,
    userinfo::{self, Enclosing, Userinfo},
};
use crate::{
    detect::{Located, context::Records, search_memo::SearchMemo},
    text::{escape, span::Span},
};

/// How far before a finding its URL may begin.
const BEFORE: usize = 8 << 10;

/// The separators of URLs. A finding without any of them is not cut.
static MARKS: Stops = Stops::new(b"@:/?#&%;");

/// The parts of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Part {
    /// The user or the password, with its end.
    User(usize),
    /// After the colon of a host.
    Port,
    Host,
    Path,
    /// A query or a fragment.
    Query,
}

/// What was read already.
#[derive(Default)]
pub(in crate::detect) struct Memo {
    userinfo: userinfo::Memo,
    walk: Option<Walk>,
    mark: SearchMemo,
    path: SearchMemo,
    query: SearchMemo,
}

/// How far a URL was read after its user.
#[derive(Clone, Copy)]
struct Walk {
    begin: usize,
    depth: Depth,
    at: usize,
    part: Part,
    /// Whether the URL is a field of a connection string, so that `;` ends it.
    is_field: bool,
    is_over: bool,
}

impl Memo {
    /// The span up to the end of the user, the password or the parameter that it begins in. The
    /// grammar of URLs ends a finding there, whatever the detector that found it knows of URLs.
    pub(in crate::detect) fn clip(
        &mut self,
        hay: &[u8],
        records: &mut Records,
        span: Span,
    ) -> Span {
        if !self.has_mark(hay, span) {
            return span;
        }
        let record = records.around(hay, span.start);
        let end = match self.part(hay, record, span.start) {
            Some((Part::User(end), _)) => end,
            // Quotes around a value decide where it ends.
            Some((Part::Query, depth)) if !is_quoted(hay, record, span) => {
                self.query_end(hay, span, depth)
            }
            _ => return span,
        };
        self.cut(hay, span, end)
    }

    /// As [`Memo::clip`], for a span in the user or the password only. Enough for the URL
    /// detector's own findings, except for a parameter's name inside a password.
    pub(in crate::detect) fn clip_user(
        &mut self,
        hay: &[u8],
        records: &mut Records,
        span: Span,
    ) -> Span {
        if !self.has_mark(hay, span) {
            return span;
        }
        let record = records.around(hay, span.start);
        match self.part(hay, record, span.start) {
            Some((Part::User(end), _)) => self.cut(hay, span, end),
            _ => span,
        }
    }

    /// The value of `key` up to the end of its part of a URL. `None` if key and value are a host
    /// and its port.
    pub(in crate::detect) fn value(
        &mut self,
        hay: &[u8],
        record: Span,
        key: Span,
        value: Span,
    ) -> Option<Span> {
        let before = hay[record.start..key.start].last();
        if before == Some(&b'/')
            && is_port(hay, record, value)
            && matches!(self.part(hay, record, value.start), Some((Part::Port, _)))
        {
            return None;
        }
        if !self.has_mark(hay, value) {
            return Some(value);
        }
        let end = match self.part(hay, record, value.start) {
            Some((Part::User(end), _)) => end,
            Some((Part::Query, depth)) => self.query_end(hay, value, depth),
            // A parameter of a segment, or a segment.
            Some((Part::Path, depth)) if matches!(before, Some(b'/' | b';')) => {
                self.path_end(hay, value, depth)
            }
            _ => return Some(value),
        };
        Some(self.cut(hay, value, end))
    }

    /// Whether `span` contains a separator. Only then can its part of a URL end inside it.
    fn has_mark(&mut self, hay: &[u8], span: Span) -> bool {
        let search = |from, to| Some(from + MARKS.skip(&hay[from..to])).filter(|at| *at < to);
        self.mark.find(span.start, span.end, search).is_some()
    }

    /// The span up to `end`. A backslash before `end` may escape the character there, so it is left
    /// out, too.
    fn cut(&self, hay: &[u8], span: Span, end: usize) -> Span {
        if end >= span.end {
            return span;
        }
        Span::new(span.start, end - escape::backslashes_before(hay, span.start, end))
    }

    /// The end of a value in a query.
    fn query_end(&mut self, hay: &[u8], span: Span, depth: Depth) -> usize {
        let search = |from, to| first_of(b"&#", &hay[..to], from, depth);
        self.query.find(span.start, span.end, search).unwrap_or(span.end)
    }

    /// The end of a value in a segment.
    fn path_end(&mut self, hay: &[u8], span: Span, depth: Depth) -> usize {
        let search = |from, to| first_of(b"/;?#&", &hay[..to], from, depth);
        self.path.find(span.start, span.end, search).unwrap_or(span.end)
    }

    /// The part of a URL that `at` is in, and the depth of that URL.
    fn part(&mut self, hay: &[u8], record: Span, at: usize) -> Option<(Part, Depth)> {
        let located = Located { hay, record, anchor: Span::new(at, at) };
        let Enclosing::Url(separator, begin, depth) =
            userinfo::enclosing(&located, BEFORE, &mut self.userinfo)
        else {
            return None;
        };
        let userinfo = self.userinfo.userinfo(&separator, begin, depth);
        if let Some(Userinfo { colon, at: end }) = userinfo.filter(|userinfo| at < userinfo.at.end)
        {
            let colon = colon.filter(|colon| at < colon.end);
            return Some((Part::User(colon.map_or(end.start, |colon| colon.start)), depth));
        }
        let host = userinfo.map_or(begin, |userinfo| userinfo.at.end);
        let mut walk = match self.walk {
            Some(walk) if walk.begin == begin && walk.depth == depth && walk.at <= at => walk,
            _ => {
                let is_field = is_field(&separator);
                Walk { begin, depth, at: host, part: Part::Host, is_field, is_over: false }
            }
        };
        walk.go_on(hay, at, record.end);
        self.walk = Some(walk);
        (!walk.is_over).then_some((walk.part, depth))
    }
}

impl Walk {
    /// Reads on up to `at`.
    fn go_on(&mut self, hay: &[u8], at: usize, limit: usize) {
        while self.at < at && !self.is_over {
            let unit = Unit::at(hay, self.at, limit, self.depth);
            let is_raw_mark = hay[self.at] == b'&' && self.depth != Depth::Plain;
            self.part = match (self.part, unit.byte) {
                (Part::Host, b':') => Part::Port,
                (Part::Port, b',') => Part::Host,
                (Part::Host | Part::Port, b'/') => Part::Path,
                (_, b'?' | b'#') => Part::Query,
                (part, _) => part,
            };
            let is_quote =
                unit.byte == b'\'' && quotes::is_outside(&hay[self.at + unit.len..limit]);
            let is_field_end = unit.byte == b';'
                && (self.is_field || matches!(self.part, Part::Host | Part::Port));
            self.is_over =
                unit.is_end() || unit.byte == b'`' || is_quote || is_field_end || is_raw_mark;
            self.at += unit.len;
        }
    }
}

/// The first of `marks` in `text` from `at` on.
fn first_of(marks: &[u8], text: &[u8], mut at: usize, depth: Depth) -> Option<usize> {
    while at < text.len() {
        let unit = Unit::at(text, at, text.len(), depth);
        if marks.contains(&unit.byte) || marks.contains(&text[at]) {
            return Some(at);
        }
        at += unit.len;
    }
    None
}

/// Whether the span is between two equal quotes.
fn is_quoted(hay: &[u8], record: Span, span: Span) -> bool {
    let before = hay[record.start..span.start].last();
    before.is_some_and(|byte| matches!(byte, b'\'' | b'"' | b'`'))
        && before == hay[..record.end].get(span.end)
}

/// Whether `value` begins with the digits of a port.
fn is_port(hay: &[u8], record: Span, value: Span) -> bool {
    let rest = &hay[value.start..record.end];
    let n_digits = rest.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    (1..=5).contains(&n_digits)
        && rest.get(n_digits).is_none_or(|next| !next.is_ascii_alphanumeric())
}

/// Whether the URL is the value of a key, or one of JDBC. Then `;key=` after it belongs to a
/// connection string: `AccountEndpoint=https://x.example/;AccountKey=…`.
fn is_field(separator: &Located<'_>) -> bool {
    let left = &separator.hay[separator.record.start..separator.anchor.start];
    let before =
        quotes::before_scheme(separator.hay, separator.record.start, separator.anchor.start);
    let scheme = &left[left.len().saturating_sub(64)..];
    before == Some(b'=') || memchr::memmem::find(scheme, b"jdbc:").is_some()
}
