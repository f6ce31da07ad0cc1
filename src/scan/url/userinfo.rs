//! The password in `scheme://user:password@host`, and in the two forms of a data source that are no URLs.
//!
//! By the book the password ends at the last `@` before the first `/`, `?` or `#`. People paste passwords unescaped, so where
//! that leaves `user:something` in a port's place, it goes on to the first `@` that a host follows.

use super::{Depth, Unit};
use crate::{
    scan::{Hit, MAX_SECRET, value},
    span::Span,
};

/// How far behind a `/`, `?` or `#` the rest of an unescaped password is looked for.
const BEYOND: usize = 512;

/// How far before `@tcp(` the user name may begin.
const BEFORE: usize = 512;

/// What ended the authority: where, and whether by `/`, `?` or `#`.
struct Authority {
    colon: Option<Span>,
    at: Option<Span>,
    end: usize,
    cut: bool,
}

/// The password behind the scheme separator that `hit` is about.
pub(super) fn password(hit: &Hit<'_>, depth: Depth) -> Option<Span> {
    let start = behind_slashes(hit, depth)?;
    let quote = opening_quote(hit);
    let limit = hit.record.end.min(start.saturating_add(MAX_SECRET));
    let authority = authority(hit.hay, start, limit, depth, quote);
    let colon = authority.colon?;
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

/// Whether the `@` that `hit` is about ends the userinfo of a URL: what stands around it is a user or a password and a host,
/// and no address.
pub(in crate::scan) fn is_userinfo_end(hit: &Hit<'_>) -> bool {
    let floor = hit.record.start.max(hit.anchor.start.saturating_sub(BEFORE));
    for start in (floor..hit.anchor.start).rev() {
        let depth = match &hit.hay[start..hit.anchor.start] {
            [byte, ..] if byte.is_ascii_whitespace() => return false,
            [b':', b'/' | b'\\', ..] => Depth::Plain,
            [b'%', b'3', b'A' | b'a', ..] => Depth::Encoded,
            [b'%', b'2', b'5', b'3', b'A' | b'a', ..] => Depth::Twice,
            text if text.starts_with(b"jdbc:oracle:") => {
                let anchor = Span::new(start, hit.anchor.start.min(start + b"jdbc:oracle:thin:".len()));
                return oracle(&Hit { anchor, ..*hit }).is_some_and(|span| span.end == hit.anchor.start);
            }
            _ => continue,
        };
        let separator = Hit { anchor: Span::new(start, start + 1), ..*hit };
        if let Some(begin) = behind_slashes(&separator, depth) {
            return begin <= hit.anchor.start && ends_at(&separator, begin, depth, hit.anchor.start);
        }
    }
    false
}

/// Whether the userinfo that begins at `start` ends at `end`.
fn ends_at(hit: &Hit<'_>, start: usize, depth: Depth, end: usize) -> bool {
    let limit = hit.record.end.min(start.saturating_add(MAX_SECRET));
    let authority = authority(hit.hay, start, limit, depth, opening_quote(hit));
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

fn authority(hay: &[u8], start: usize, limit: usize, depth: Depth, quote: Option<u8>) -> Authority {
    let mut authority = Authority { colon: None, at: None, end: start, cut: false };
    while authority.end < limit {
        let at = authority.end;
        let unit = Unit::at(hay, at, limit, depth);
        let span = Span::new(at, at + unit.len);
        if unit.is_end() || is_closing(hay, span, limit, unit, quote) || depth != Depth::Plain && &hay[at..=at] == b"&"
        {
            break;
        }
        match unit.byte {
            b'/' | b'?' | b'#' => {
                authority.cut = true;
                break;
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
    matches!(unit.byte, b'\'' | b'`')
        && (quote == Some(unit.byte)
            || hay[span.end..limit].first().is_none_or(|next| {
                next.is_ascii_whitespace() || matches!(next, b',' | b';' | b')' | b']' | b'}' | b'"' | b'<' | b'>')
            }))
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
