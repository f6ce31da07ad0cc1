//! The password in `scheme://user:password@host`, and in the two forms of a data source that are no URLs.
//!
//! By the book the password ends at the last `@` before the first `/`, `?` or `#`. People paste passwords unescaped, so where
//! that leaves `user:something` in a port's place, it goes on to the first `@` that a host follows.

use super::{Depth, Stops, Unit};
use crate::{
    scan::{Hit, Sight, value},
    span::Span,
    visits,
};

/// How far behind a `/`, `?` or `#` the rest of an unescaped password is looked for.
const BEYOND: usize = 512;

/// How far before `@tcp(` the user name may begin.
const BEFORE: usize = 512;

/// What ended the authority: where, and whether by `/`, `?` or `#`.
#[derive(Clone, Copy)]
struct Authority {
    colon: Option<Span>,
    at: Option<Span>,
    end: usize,
    cut: bool,
}

/// What was walked already. A line of addresses, or a URL with many `@` in it, is walked once and not once for each.
#[derive(Default)]
pub(super) struct Memo {
    /// The last authority, where it begins and how deep it lies.
    authority: Option<(usize, Depth, Authority)>,
    /// No byte here is white space or begins what separates a scheme from the rest.
    clear: Span,
}

impl Memo {
    fn authority(&mut self, hit: &Hit<'_>, start: usize, depth: Depth) -> Authority {
        match self.authority {
            Some((begin, deep, authority)) if begin == start && deep == depth => authority,
            _ => {
                let authority = authority(hit, start, hit.record.end, depth);
                self.authority = Some((start, depth, authority));
                authority
            }
        }
    }
}

/// The password behind the scheme separator that `hit` is about.
pub(super) fn password(hit: &Hit<'_>, depth: Depth, memo: &mut Memo) -> Option<Span> {
    let start = match hit.anchor.of(hit.hay) {
        b"://" => hit.anchor.end,
        _ => behind_slashes(hit, depth)?,
    };
    let authority = memo.authority(hit, start, depth);
    let colon = authority.colon?;
    let limit = hit.record.end;
    match authority.at {
        Some(at) if colon.end < at.start => {
            let password = Span::new(colon.end, at.start);
            (!is_digest_name(&hit.hay[at.end..limit]) && !is_port_and_more(hit.hay, start, colon, password))
                .then_some(password)
        }
        Some(_) => None,
        None if authority.cut => beyond(hit.hay, start, colon, authority.end, limit, depth),
        None => shortened(hit.hay, Span::new(colon.end, authority.end)),
    }
}

/// Whether the authority behind `://` ends before a colon or an `@`, as nearly all do, or with the colon of the next `://`.
pub(super) fn has_none(sight: &Sight<'_>) -> bool {
    let rest = &sight.hay[sight.anchor.end..];
    let stop = &rest[PLAIN.skip(rest)..];
    matches!(stop, [] | [b'/' | b'?' | b'#' | b'"' | b'<' | b'>' | ..=b' ', ..] | [b':', b'/', b'/', ..])
}

/// Whether the `@` that `hit` is about ends the userinfo of a URL: what stands around it is a user or a password and a host,
/// and no address.
pub(in crate::scan) fn is_userinfo_end(hit: &Hit<'_>, progress: &mut super::Progress) -> bool {
    let memo = &mut progress.userinfo;
    let floor = hit.record.start.max(hit.anchor.start.saturating_sub(BEFORE));
    let mut start = hit.anchor.start;
    while start > floor {
        if memo.clear.start < start && start <= memo.clear.end {
            start = memo.clear.start.max(floor);
            continue;
        }
        visits::add(1);
        if !BEFORE_AT.0[usize::from(hit.hay[start - 1])] {
            start -= 1;
            continue;
        }
        match before_authority(hit, start - 1) {
            Before::Nothing => start -= 1,
            Before::Space => break,
            Before::Oracle(end) => return end == Some(hit.anchor.start),
            Before::Scheme(separator, begin, depth) => {
                memo.clear = Span::new(start, hit.anchor.start);
                return begin <= hit.anchor.start && ends_at(&separator, begin, depth, hit.anchor.start, memo);
            }
        }
    }
    memo.clear = Span::new(start, hit.anchor.start);
    false
}

/// White space, and what a separator or a data source begins with.
static BEFORE_AT: Stops = Stops::new(b":%j");

/// What begins at an offset before an `@`.
enum Before<'h> {
    Nothing,
    Space,
    /// A data source of Oracle's, with the end of its password.
    Oracle(Option<usize>),
    /// The separator of a scheme, what is behind it, and how deep it lies.
    Scheme(Hit<'h>, usize, Depth),
}

fn before_authority<'h>(hit: &Hit<'h>, start: usize) -> Before<'h> {
    let depth = match &hit.hay[start..hit.anchor.start] {
        [byte, ..] if byte.is_ascii_whitespace() => return Before::Space,
        [b':', b'/' | b'\\', ..] => Depth::Plain,
        [b'%', b'3', b'A' | b'a', ..] => Depth::Encoded,
        [b'%', b'2', b'5', b'3', b'A' | b'a', ..] => Depth::Twice,
        text if text.starts_with(b"jdbc:oracle:") => {
            let anchor = Span::new(start, hit.anchor.start.min(start + b"jdbc:oracle:thin:".len()));
            return Before::Oracle(oracle(&Hit { anchor, ..*hit }).map(|span| span.end));
        }
        _ => return Before::Nothing,
    };
    let separator = Hit { anchor: Span::new(start, start + 1), ..*hit };
    match behind_slashes(&separator, depth) {
        Some(begin) => Before::Scheme(separator, begin, depth),
        None => Before::Nothing,
    }
}

/// Whether the userinfo that begins at `start` ends at `end`.
fn ends_at(hit: &Hit<'_>, start: usize, depth: Depth, end: usize, memo: &mut Memo) -> bool {
    let limit = hit.record.end;
    let authority = memo.authority(hit, start, depth);
    match (authority.at, authority.colon) {
        (Some(at), Some(colon)) if colon.end < at.start => {
            at.start == end && !is_port_and_more(hit.hay, start, colon, Span::new(colon.end, at.start))
        }
        (Some(at), _) => at.start == end,
        (None, Some(colon)) if authority.cut => {
            beyond(hit.hay, start, colon, authority.end, limit, depth).is_some_and(|span| span.end == end)
        }
        _ => false,
    }
}

/// The offset behind `://`, however its slashes are escaped.
fn behind_slashes(hit: &Hit<'_>, depth: Depth) -> Option<usize> {
    let end = hit.record.end;
    let mut at = hit.anchor.start;
    for wanted in [b':', b'/', b'/'] {
        if at >= end {
            return None;
        }
        let unit = Unit::at(hit.hay, at, end, depth);
        if unit.byte != wanted {
            return None;
        }
        at += unit.len;
    }
    Some(at)
}

/// The quote that stands before the scheme, if it is one that a password could hold as well.
fn opening_quote(hit: &Hit<'_>) -> Option<u8> {
    let left = &hit.hay[hit.record.start..hit.anchor.start];
    let scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b':');
    let length = left.iter().rev().take(64).take_while(|byte| scheme(byte)).count();
    match left[..left.len() - length].last() {
        Some(quote @ (b'\'' | b'`')) => Some(*quote),
        _ => None,
    }
}

static PLAIN: Stops = Stops::new(b"/?#:@'`");
static ENCODED: Stops = Stops::new(b"/?#:@'`%&");

fn authority(hit: &Hit<'_>, start: usize, limit: usize, depth: Depth) -> Authority {
    let hay = hit.hay;
    let stops = if depth == Depth::Plain { &PLAIN } else { &ENCODED };
    let mut quote = None;
    let mut authority = Authority { colon: None, at: None, end: start, cut: false };
    while authority.end < limit {
        let at = authority.end + stops.skip(&hay[authority.end..limit]);
        authority.end = at;
        if at == limit {
            break;
        }
        let unit = Unit::at(hay, at, limit, depth);
        let span = Span::new(at, at + unit.len);
        if unit.is_end() || depth != Depth::Plain && hay[at] == b'&' {
            break;
        }
        match unit.byte {
            b'/' | b'?' | b'#' => {
                authority.cut = true;
                break;
            }
            b'\'' | b'`' => {
                let quote = *quote.get_or_insert_with(|| opening_quote(hit));
                if is_closing(hay, span, limit, unit, quote) {
                    break;
                }
            }
            b':' if authority.colon.is_none() => authority.colon = Some(span),
            b'@' => authority.at = Some(span),
            _ => {}
        }
        authority.end = span.end;
    }
    authority
}

/// Whether a quote ends the URL: the one that opened it, or one with nothing of a URL behind it.
fn is_closing(hay: &[u8], span: Span, limit: usize, unit: Unit, quote: Option<u8>) -> bool {
    quote == Some(unit.byte)
        || hay[span.end..limit].first().is_none_or(|next| {
            next.is_ascii_whitespace() || matches!(next, b',' | b';' | b')' | b']' | b'}' | b'"' | b'<' | b'>')
        })
}

/// A URL of which a logger shows the beginning, `postgres://app:x7Kp2mQ9v…`. The same could be a host and its port, or an image
/// and its tag; so the password must look like one.
fn shortened(hay: &[u8], rest: Span) -> Option<Span> {
    let value = rest.of(hay);
    let shown = value.strip_suffix("\u{2026}".as_bytes()).or_else(|| value.strip_suffix(b"..."))?;
    value::is_random(shown).then(|| Span::new(rest.start, rest.start + shown.len()))
}

/// `image:tag@sha256:…` names a digest, no host.
fn is_digest_name(host: &[u8]) -> bool {
    host.starts_with(b"sha256:") || host.starts_with(b"sha512:")
}

/// `a.example:80,bob@example.com`: a host, its port, and the next entry of a list; `db:1433;user=sa;password=p@ss`.
fn is_port_and_more(hay: &[u8], start: usize, colon: Span, password: Span) -> bool {
    let host = &hay[start..colon.start];
    let is_host = host.contains(&b'.') || host == b"localhost";
    let n_digits = password.of(hay).iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=5).contains(&n_digits)
        && match password.of(hay).get(n_digits) {
            Some(b';') => true,
            Some(b',' | b'|' | b')' | b']' | b'}' | b'\'' | b'`') => is_host,
            _ => false,
        }
}

/// A password with an unescaped `/`, `?` or `#` in it, up to the first `@` that a host follows.
fn beyond(hay: &[u8], start: usize, colon: Span, cut: usize, limit: usize, depth: Depth) -> Option<Span> {
    let begins = match &hay[colon.end..cut] {
        // `host:/path` and `:/w@host`: only where there is no user is it surely a password.
        [] => colon.start == start && !is_slashes(hay, cut, limit, depth),
        head => !is_host_part(&hay[start..colon.start], head),
    };
    if !begins {
        return None;
    }
    let limit = limit.min(cut.saturating_add(BEYOND));
    let mut at = cut;
    while at < limit {
        let unit = Unit::at(hay, at, limit, depth);
        if unit.is_end() || hay[at..limit].starts_with(b"://") {
            return None;
        }
        if unit.byte == b'@' && host_follows(hay, at + unit.len, limit, depth) {
            return Some(Span::new(colon.end, at));
        }
        at += unit.len;
    }
    None
}

/// Whether `host:head` is a host and its port, an address in brackets, or what git takes for a path: `github.com:org/repo@v1`.
fn is_host_part(host: &[u8], head: &[u8]) -> bool {
    let is_port = head.iter().all(u8::is_ascii_digit) || head.eq_ignore_ascii_case(b"port");
    let is_word = head.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_'));
    is_port || host.starts_with(b"[") || host.contains(&b'.') && is_word || value::is_template(head)
}

/// Whether two slashes stand at `at`: the colon before them belongs to another URL.
fn is_slashes(hay: &[u8], at: usize, limit: usize, depth: Depth) -> bool {
    let first = Unit::at(hay, at, limit, depth);
    let next = at + first.len;
    first.byte == b'/' && next < limit && Unit::at(hay, next, limit, depth).byte == b'/'
}

/// Whether a host stands at `at`, up to a port, a path, a list's comma or the end of the URL.
fn host_follows(hay: &[u8], start: usize, limit: usize, depth: Depth) -> bool {
    let mut at = start;
    while at < limit {
        let unit = Unit::at(hay, at, limit, depth);
        match unit.byte {
            b'[' if at == start => return true,
            b'-' | b'.' | b'_' | super::OTHER => {}
            byte if byte.is_ascii_alphanumeric() => {}
            b':' | b'/' | b'?' | b'#' | b',' | b'\'' | b'`' | b')' | b';' => return at > start,
            _ => return unit.is_end() && at > start,
        }
        at += unit.len;
    }
    at > start
}

/// `user:password@tcp(host:3306)/db`, as Go's MySQL driver writes it.
pub(super) fn source_name(hit: &Hit<'_>) -> Option<Span> {
    let floor = hit.record.start.max(hit.anchor.start.saturating_sub(BEFORE));
    let left = &hit.hay[floor..hit.anchor.start];
    let is_outside = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'(');
    let begin = left.iter().rposition(is_outside).map_or(0, |at| at + 1);
    // What is read of it: the name, and the password for each text that it must not hold.
    visits::add(6 * (left.len() - begin));
    let colon = begin + left[begin..].iter().position(|byte| *byte == b':')?;
    let password = &left[colon + 1..];
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || !byte.is_ascii();
    let name = left[begin..colon].iter().rev().take_while(is_name).count();
    let before = left[begin..colon - name].last();
    let fits = name > 0 && before.is_none_or(|byte| matches!(byte, b'=' | b',' | b';' | b'&' | b'[' | b'{'));
    // What is a URL has its own anchor, and so has the source before this one.
    let holds = |text: &[u8]| password.windows(text.len()).any(|window| window == text);
    let is_other = left[begin..colon].ends_with(b"jdbc")
        || matches!(password, [b'/' | b'\\', ..])
        || [b"://".as_slice(), b":\\/", b"@tcp(", b"@unix("].into_iter().any(holds);
    (fits && !is_other && !password.is_empty()).then(|| Span::new(floor + colon + 1, hit.anchor.start))
}

/// `jdbc:oracle:thin:user/password@//host`.
pub(super) fn oracle(hit: &Hit<'_>) -> Option<Span> {
    let limit = hit.record.end.min(hit.anchor.end.saturating_add(BEYOND));
    let mut slash = None;
    let mut at = hit.anchor.end;
    while at < limit {
        let unit = Unit::at(hit.hay, at, limit, Depth::Plain);
        if unit.is_end() {
            return None;
        }
        match (unit.byte, slash) {
            (b'@' | b':' | b'&', None) => return None,
            (b'@', Some(start)) => return (start < at).then(|| Span::new(start, at)),
            (b'/', None) => slash = Some(at + unit.len),
            _ => {}
        }
        at += unit.len;
    }
    None
}
