//! Which part of a URL a secret begins in, and where that part ends.
//!
//! A recogniser that knows nothing of URLs takes `https://token:x7Kp…@host/path` for a key and a
//! value that goes on to the end of the line. Inside a URL its grammar says where a value ends: the
//! user at the colon, the password at the `@`, a parameter at `&` or `#`. So the host stays, and
//! what is replaced leaves a URL behind.

use super::{
    Depth, Stops, Unit, quotes,
    userinfo::{self, Enclosing, Userinfo},
};
use crate::{
    detect::{Located, edge, search_memo::Seek},
    text::span::Span,
};

/// How far before a secret its URL may begin.
const BEFORE: usize = 8 << 10;

/// What a URL's grammar gives a meaning to. A secret without any of these ends where it ends.
static MARKS: Stops = Stops::new(b"@:/?#&%;");

/// The parts of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Part {
    /// The user or the password, which ends here.
    User(usize),
    /// Behind the colon of a host.
    Port,
    Host,
    Path,
    /// A query or a fragment.
    Query,
}

/// What was walked already.
#[derive(Default)]
pub(in crate::detect) struct Memo {
    userinfo: userinfo::Memo,
    walk: Option<Walk>,
    mark: Seek,
    path: Seek,
    query: Seek,
}

/// How far a URL was read behind its user.
#[derive(Clone, Copy)]
struct Walk {
    begin: usize,
    depth: Depth,
    at: usize,
    part: Part,
    /// Whether `;` ends the URL, which is a field of a connection string.
    is_field: bool,
    is_over: bool,
}

impl Memo {
    /// Whether `secret` holds anything that could end it.
    pub(in crate::detect) fn may_cut(&mut self, hay: &[u8], secret: Span) -> bool {
        self.has_mark(hay, secret)
    }

    /// The span without what lies behind the user, the password or the parameter that it begins in.
    pub(in crate::detect) fn clip(&mut self, hay: &[u8], record: Span, span: Span) -> Span {
        let end = match self.part(hay, record, span.start) {
            Some((Part::User(end), _)) => end,
            // Quotes around a value say where it ends.
            Some((Part::Query, depth)) if !is_quoted(hay, record, span) => {
                self.query_end(hay, span, depth)
            }
            _ => return span,
        };
        self.cut(hay, span, end)
    }

    /// The same for the user and the password alone.
    pub(in crate::detect) fn clip_user(&mut self, hay: &[u8], record: Span, span: Span) -> Span {
        match self.part(hay, record, span.start) {
            Some((Part::User(end), _)) => self.cut(hay, span, end),
            _ => span,
        }
    }

    /// Where the value of the key before it ends; nowhere, if what looks like one is the port of a
    /// host.
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

    fn has_mark(&mut self, hay: &[u8], span: Span) -> bool {
        let first = |from: usize, to: usize| {
            let length = MARKS.skip(&hay[from..to]);
            (from + length < to).then_some(from + length)
        };
        self.mark.find(span.start, span.end, first).is_some()
    }

    /// A backslash before the end may escape what stands there; the two stay together.
    fn cut(&self, hay: &[u8], span: Span, end: usize) -> Span {
        if end >= span.end {
            return span;
        }
        Span::new(span.start, end - edge::backslashes_before(hay, span.start, end))
    }

    fn query_end(&mut self, hay: &[u8], span: Span, depth: Depth) -> usize {
        first(&mut self.query, hay, span, depth, b"&#")
    }

    fn path_end(&mut self, hay: &[u8], span: Span, depth: Depth) -> usize {
        first(&mut self.path, hay, span, depth, b"/;?#&")
    }

    /// The part of a URL that `at` lies in, and how deep the URL lies in others.
    fn part(&mut self, hay: &[u8], record: Span, at: usize) -> Option<(Part, Depth)> {
        let hit = Located { hay, record, anchor: Span::new(at, at) };
        let Enclosing::Url(separator, begin, depth) =
            userinfo::enclosing(&hit, BEFORE, &mut self.userinfo)
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
    /// Reads on to `at`.
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

/// The first of `marks` in `span`, or its end.
fn first(seek: &mut Seek, hay: &[u8], span: Span, depth: Depth, marks: &[u8]) -> usize {
    let search = |from: usize, to: usize| {
        let mut at = from;
        while at < to {
            let unit = Unit::at(hay, at, to, depth);
            if marks.contains(&unit.byte) || marks.contains(&hay[at]) {
                return Some(at);
            }
            at += unit.len;
        }
        None
    };
    seek.find(span.start, span.end, search).unwrap_or(span.end)
}

/// Whether the same quote stands on both sides.
fn is_quoted(hay: &[u8], record: Span, span: Span) -> bool {
    let before = hay[record.start..span.start].last();
    before.is_some_and(|byte| matches!(byte, b'\'' | b'"' | b'`'))
        && before == hay[..record.end].get(span.end)
}

/// Whether digits stand at the head of `value` and what ends a host behind them.
fn is_port(hay: &[u8], record: Span, value: Span) -> bool {
    let rest = &hay[value.start..record.end];
    let n_digits = rest.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    (1..=5).contains(&n_digits)
        && rest.get(n_digits).is_none_or(|next| !next.is_ascii_alphanumeric())
}

/// Whether the URL is the value of a key or JDBC's, so that `;key=` behind it belongs to a
/// connection string: `AccountEndpoint=https://x.example/;AccountKey=…`.
fn is_field(separator: &Located<'_>) -> bool {
    let left = &separator.hay[separator.record.start..separator.anchor.start];
    let before =
        quotes::before_scheme(separator.hay, separator.record.start, separator.anchor.start);
    let scheme = &left[left.len().saturating_sub(64)..];
    before == Some(b'=') || memchr::memmem::find(scheme, b"jdbc:").is_some()
}
