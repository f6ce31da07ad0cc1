//! The password in `scheme://user:password@host`, and in the two forms of a data source that are no
//! URLs.
//!
//! By the book the password ends at the last `@` before the first `/`, `?` or `#`. People paste
//! passwords unescaped. So where that leaves `user:something` in the place of a port, or a host
//! that cannot be one, the password goes on to the first `@` that a host follows. `host` and
//! `host:digits` before the first `/`, `?` or `#` are a host, whatever follows. Quotes and angle
//! brackets end a URL if they were opened before it ([`quotes`]).

use super::{
    Depth, Stops, Unit,
    quotes::{self, Open},
};
use crate::{
    detect::{Located, value},
    text::{span::Span, visits},
};

/// How far behind a `/`, `?` or `#` the rest of an unescaped password is looked for.
const BEYOND: usize = 512;

/// How far before `@tcp(` the user name may begin.
const BEFORE: usize = 512;

/// What stands between `://` and the path.
#[derive(Clone, Copy)]
struct Authority {
    colon: Option<Span>,
    at: Option<Span>,
    /// Where it ends, and whether by `/`, `?` or `#`.
    end: usize,
    cut: bool,
}

/// The user of a URL, with or without a password.
#[derive(Clone, Copy)]
pub(super) struct Userinfo {
    /// What parts the user from the password.
    pub(super) colon: Option<Span>,
    /// What ends the two.
    pub(super) at: Span,
}

/// A URL whose authority was read.
#[derive(Clone, Copy)]
struct Known {
    start: usize,
    depth: Depth,
    authority: Authority,
    userinfo: Option<Userinfo>,
}

/// What was walked already. A line of addresses, or a URL with many `@` in it, is walked once and
/// not once for each.
#[derive(Default)]
pub(super) struct Memo {
    last: Option<Known>,
    /// No byte here is white space or begins what separates a scheme from the rest.
    clear: Span,
    quotes: quotes::Memo,
}

impl Memo {
    /// The URL behind the separator that `hit` is about, which begins at `start`.
    fn url(&mut self, hit: &Located<'_>, start: usize, depth: Depth) -> Known {
        match self.last {
            Some(known) if known.start == start && known.depth == depth => known,
            _ => {
                let mut ends = Ends::new(hit, depth, hit.record.end, &mut self.quotes);
                let authority = authority(hit.hay, start, depth, &mut ends);
                let userinfo = userinfo(hit, start, authority, &mut ends);
                let known = Known { start, depth, authority, userinfo };
                self.last = Some(known);
                known
            }
        }
    }

    /// The user of the URL behind the separator that `hit` is about, which begins at `start`.
    pub(super) fn userinfo(
        &mut self,
        hit: &Located<'_>,
        start: usize,
        depth: Depth,
    ) -> Option<Userinfo> {
        self.url(hit, start, depth).userinfo
    }
}

/// The password behind the scheme separator that `hit` is about.
pub(super) fn password(hit: &Located<'_>, depth: Depth, memo: &mut Memo) -> Option<Span> {
    let start = match hit.anchor.of(hit.hay) {
        b"://" => hit.anchor.end,
        _ => behind_slashes(hit, depth)?,
    };
    let known = memo.url(hit, start, depth);
    let colon = known.authority.colon?;
    match known.userinfo {
        Some(Userinfo { colon: Some(colon), at }) => {
            let is_password =
                colon.end < at.start && !is_digest_name(&hit.hay[at.end..hit.record.end]);
            is_password.then(|| Span::new(colon.end, at.start))
        }
        Some(_) => None,
        None if known.authority.cut || known.authority.at.is_some() => None,
        None => shortened(hit.hay, Span::new(colon.end, known.authority.end)),
    }
}

/// Whether the authority at the head of `rest`, which stands behind `://`, ends before a colon or an `@`, as nearly all do, or with the
/// colon of the next `://`.
pub(super) fn has_none(rest: &[u8]) -> bool {
    let stop = &rest[PLAIN.skip(rest)..];
    matches!(
        stop,
        [] | [b'/' | b'?' | b'#' | b'"' | b'<' | b'>' | ..=b' ', ..] | [b':', b'/', b'/', ..]
    )
}

/// Whether the `@` that `hit` is about ends the userinfo of a URL: what stands around it is a user
/// or a password and a host, and no address.
pub(in crate::detect) fn is_userinfo_end(
    hit: &Located<'_>,
    progress: &mut super::Progress,
) -> bool {
    let memo = &mut progress.userinfo;
    match enclosing(hit, BEFORE, memo) {
        Enclosing::Nothing => false,
        Enclosing::Oracle(end) => end == Some(hit.anchor.start),
        Enclosing::Url(separator, start, depth) => {
            let userinfo = memo.userinfo(&separator, start, depth);
            userinfo.is_some_and(|userinfo| userinfo.at.start == hit.anchor.start)
        }
    }
}

/// What an offset may lie in, going by what stands before it up to the nearest white space.
pub(super) enum Enclosing<'h> {
    Nothing,
    /// A data source of Oracle's, with the end of its password.
    Oracle(Option<usize>),
    /// The separator of a scheme, what is behind it, and how deep it lies.
    Url(Located<'h>, usize, Depth),
}

/// Looks left from the anchor of `hit` for the nearest separator of a scheme, at most `most` bytes.
pub(super) fn enclosing<'h>(hit: &Located<'h>, most: usize, memo: &mut Memo) -> Enclosing<'h> {
    let floor = hit.record.start.max(hit.anchor.start.saturating_sub(most));
    let mut start = hit.anchor.start;
    let mut found = Enclosing::Nothing;
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
            Before::Oracle(end) => return Enclosing::Oracle(end),
            Before::Scheme(separator, begin, depth) => {
                if begin <= hit.anchor.start {
                    found = Enclosing::Url(separator, begin, depth);
                }
                break;
            }
        }
    }
    memo.clear = Span::new(start, hit.anchor.start);
    found
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
    Scheme(Located<'h>, usize, Depth),
}

fn before_authority<'h>(hit: &Located<'h>, start: usize) -> Before<'h> {
    let depth = match &hit.hay[start..hit.anchor.start] {
        [byte, ..] if byte.is_ascii_whitespace() => return Before::Space,
        [b':', b'/' | b'\\', ..] => Depth::Plain,
        [b'%', b'3', b'A' | b'a', ..] => Depth::Encoded,
        [b'%', b'2', b'5', b'3', b'A' | b'a', ..] => Depth::Twice,
        text if text.starts_with(b"jdbc:oracle:") => {
            let anchor = Span::new(start, hit.anchor.start.min(start + b"jdbc:oracle:thin:".len()));
            return Before::Oracle(oracle(&Located { anchor, ..*hit }).map(|span| span.end));
        }
        _ => return Before::Nothing,
    };
    let separator = Located { anchor: Span::new(start, start + 1), ..*hit };
    match behind_slashes(&separator, depth) {
        Some(begin) => Before::Scheme(separator, begin, depth),
        None => Before::Nothing,
    }
}

/// The offset behind `://`, however its slashes are escaped.
fn behind_slashes(hit: &Located<'_>, depth: Depth) -> Option<usize> {
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

static PLAIN: Stops = Stops::new(b"/?#:@'`");
static ENCODED: Stops = Stops::new(b"/?#:@'`%&");

/// What ends a URL before its path does. Asked in order, from its beginning on.
struct Ends<'h, 'm> {
    hay: &'h [u8],
    record: usize,
    separator: usize,
    limit: usize,
    depth: Depth,
    quotes: &'m mut quotes::Memo,
    open: Option<Open>,
}

impl<'h, 'm> Ends<'h, 'm> {
    fn new(
        hit: &Located<'h>,
        depth: Depth,
        limit: usize,
        quotes: &'m mut quotes::Memo,
    ) -> Ends<'h, 'm> {
        let (record, separator) = (hit.record.start, hit.anchor.start);
        Ends { hay: hit.hay, record, separator, limit, depth, quotes, open: None }
    }

    /// What the text before the URL leaves open: read only where the URL holds something that could
    /// close it.
    fn open(&mut self) -> Open {
        let (hay, record, separator) = (self.hay, self.record, self.separator);
        *self.open.get_or_insert_with(|| self.quotes.open(hay, record, separator))
    }

    fn opener(&self) -> Option<u8> {
        quotes::before_scheme(self.hay, self.record, self.separator)
    }

    /// Whether the URL ends at `span`, in which `unit` is written. `read` is what was read before
    /// it.
    fn here(&mut self, span: Span, unit: Unit, read: &Authority) -> bool {
        if self.depth != Depth::Plain {
            let is_quote = matches!(unit.byte, b'\'' | b'`');
            return unit.is_end()
                || self.hay[span.start] == b'&'
                || is_quote && self.is_closing(span, unit);
        }
        match unit.byte {
            b'\'' | b'`' => {
                self.is_closing(span, unit)
                    || self.is_behind_host(span, read) && self.is_outside(span)
            }
            b'"' => {
                quotes::ends_json_string(self.hay, span.end, self.limit)
                    || self.open().closes(self.hay, span, unit)
                    || self.is_behind_host(span, read) && self.is_outside(span)
                    || self.is_behind_port(span, read) && (unit.len > 1 || self.is_outside(span))
            }
            b'<' => {
                self.opener() == Some(b'>')
                    || self.is_behind_host(span, read)
                    || self.is_behind_port(span, read) && self.is_tag(span)
            }
            b'>' => self.open().is_angle() || self.is_behind_host(span, read),
            // An escape of a string's ends a URL in that string; elsewhere it is a backslash and a
            // letter.
            b'\n' if unit.len > 1 => {
                read.colon.is_none()
                    || self.is_behind_port(span, read)
                    || self.is_behind_host(span, read)
                    || self.open().is_double()
            }
            _ => unit.is_end(),
        }
    }

    /// Whether a quote ends the URL: the one that opened it, or one that was opened before and has
    /// nothing of a URL behind it.
    fn is_closing(&mut self, span: Span, unit: Unit) -> bool {
        self.opener() == Some(unit.byte)
            || self.is_outside(span)
                && (self.depth != Depth::Plain || self.open().closes(self.hay, span, unit))
    }

    fn is_outside(&self, span: Span) -> bool {
        quotes::is_outside(&self.hay[span.end..self.limit])
    }

    /// Whether a user, an `@` and a host stand before `span`.
    fn is_behind_host(&self, span: Span, read: &Authority) -> bool {
        let is_empty = |at: Span| read.colon.is_some_and(|colon| colon.end == at.start);
        let at = read.at.filter(|at| !is_empty(*at));
        at.is_some_and(|at| host(self.hay, at.end, span.start, self.depth) == Host::Sure)
    }

    /// Whether a host, a colon and the digits of a port stand before `span`.
    fn is_behind_port(&self, span: Span, read: &Authority) -> bool {
        read.colon.is_some_and(|colon| is_port(&self.hay[colon.end..span.start]))
    }

    /// Whether an element's end begins at `span`.
    fn is_tag(&self, span: Span) -> bool {
        self.hay[span.end..self.limit].first() == Some(&b'/')
    }
}

fn authority(hay: &[u8], start: usize, depth: Depth, ends: &mut Ends<'_, '_>) -> Authority {
    let stops = if depth == Depth::Plain { &PLAIN } else { &ENCODED };
    let limit = ends.limit;
    let mut authority = Authority { colon: None, at: None, end: start, cut: false };
    while authority.end < limit {
        let at = authority.end + stops.skip(&hay[authority.end..limit]);
        authority.end = at;
        if at == limit {
            break;
        }
        let unit = Unit::at(hay, at, limit, depth);
        let span = Span::new(at, at + unit.len);
        if ends.here(span, unit, &authority) {
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

/// The user of the URL that begins at `start`.
fn userinfo(
    hit: &Located<'_>,
    start: usize,
    authority: Authority,
    ends: &mut Ends<'_, '_>,
) -> Option<Userinfo> {
    let Authority { colon, at, end, cut } = authority;
    let hay = hit.hay;
    let colon = colon.filter(|colon| {
        at.is_none_or(|at| colon.start < at.start) && is_user(&hay[start..colon.start])
    });
    match (at, colon) {
        (Some(at), Some(colon)) => {
            if is_port_and_more(hay, start, colon, Span::new(colon.end, at.start)) {
                return None;
            }
            let is_host = !cut || host(hay, at.end, end, ends.depth) == Host::Sure;
            let later = if cut { beyond(hay, colon, end, ends, Host::Sure) } else { None };
            // A path and a query are written in fewer characters than a password.
            let later = later
                .filter(|later| !is_host || !is_uri(hay, Span::new(end, later.start), ends.depth));
            Some(Userinfo { colon: Some(colon), at: later.unwrap_or(at) })
        }
        (Some(at), None) => Some(Userinfo { colon: None, at }),
        (None, Some(colon)) if cut => {
            let least = goes_on(hay, start, colon, end, ends)?;
            beyond(hay, colon, end, ends, least).map(|at| Userinfo { colon: Some(colon), at })
        }
        _ => None,
    }
}

/// Whether a URL may hold all characters of `span` as they are,
/// <https://www.rfc-editor.org/rfc/rfc3986#section-2>.
fn is_uri(hay: &[u8], span: Span, depth: Depth) -> bool {
    let mut at = span.start;
    while at < span.end {
        let Unit { byte, len } = Unit::at(hay, at, span.end, depth);
        if !byte.is_ascii_alphanumeric()
            && byte < 0x80
            && !b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
        {
            return false;
        }
        at += len;
    }
    true
}

/// Quotes and angle brackets belong to passwords that were pasted, and to no user.
fn is_user(user: &[u8]) -> bool {
    !user.iter().any(|byte| matches!(byte, b'"' | b'<' | b'>'))
}

/// A URL of which a logger shows the beginning, `postgres://app:x7Kp2mQ9v…`. The same could be a
/// host and its port, or an image and its tag; so the password must look like one.
fn shortened(hay: &[u8], rest: Span) -> Option<Span> {
    let value = rest.of(hay);
    let shown = value.strip_suffix("\u{2026}".as_bytes()).or_else(|| value.strip_suffix(b"..."))?;
    value::is_random(shown).then(|| Span::new(rest.start, rest.start + shown.len()))
}

/// `image:tag@sha256:…` names a digest, no host.
fn is_digest_name(host: &[u8]) -> bool {
    host.starts_with(b"sha256:") || host.starts_with(b"sha512:")
}

/// `a.example:80,bob@example.com`: a host, its port, and the next entry of a list;
/// `db:1433;user=sa;password=p@ss`.
fn is_port_and_more(hay: &[u8], start: usize, colon: Span, password: Span) -> bool {
    let host = &hay[start..colon.start];
    let is_host = host.contains(&b'.') || host == b"localhost";
    let password = password.of(hay);
    let n_digits = password.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=5).contains(&n_digits)
        && match password.get(n_digits) {
            Some(b';') => {
                let name =
                    password[n_digits + 1..].iter().take_while(|byte| is_name(**byte)).count();
                name > 0 && password.get(n_digits + 1 + name) == Some(&b'=')
            }
            // The next entries of a list, or an address: no password has so few kinds of marks.
            Some(b',' | b'|' | b')' | b']' | b'}' | b'\'' | b'`') => {
                let is_entry =
                    |byte: &u8| byte.is_ascii_alphanumeric() || b"._+-,:|@)]}'`".contains(byte);
                is_host && password[n_digits..].iter().all(is_entry)
            }
            _ => false,
        }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b' ')
}

fn is_port(text: &[u8]) -> bool {
    (1..=5).contains(&text.len()) && text.iter().all(u8::is_ascii_digit)
}

/// Whether `user:head`, which `/`, `?` or `#` ends, begins a password that goes on behind it, and
/// what the text behind its `@` must be like.
fn goes_on(hay: &[u8], start: usize, colon: Span, cut: usize, ends: &Ends<'_, '_>) -> Option<Host> {
    let user = &hay[start..colon.start];
    match &hay[colon.end..cut] {
        [] if is_slashes(hay, cut, ends.limit, ends.depth) => None,
        // `:/w@host`: without a user it is surely a password.
        [] if user.is_empty() => Some(Host::Loose),
        // `host:/path`, and `file://c:/path`.
        [] => {
            let is_host = user == b"localhost" || hay[..ends.separator].ends_with(b"file");
            (!is_host).then_some(Host::Sure)
        }
        head => (!is_host_part(user, head, &hay[cut..ends.limit])).then_some(Host::Loose),
    }
}

/// The `@` of a password with an unescaped `/`, `?` or `#` in it: the first that surely a host
/// follows, or else the first that one may follow, if `least` allows that.
fn beyond(
    hay: &[u8],
    colon: Span,
    cut: usize,
    ends: &mut Ends<'_, '_>,
    least: Host,
) -> Option<Span> {
    let (limit, depth) = (ends.limit.min(cut.saturating_add(BEYOND)), ends.depth);
    let read = Authority { colon: Some(colon), at: None, end: cut, cut: true };
    let mut loose = None;
    let mut at = cut;
    while at < limit {
        let unit = Unit::at(hay, at, limit, depth);
        let span = Span::new(at, at + unit.len);
        let is_stop = STOPS_BEYOND.0[usize::from(hay[at])];
        if is_stop && ends.here(span, unit, &read) || is_separator(hay, span, unit, limit, depth) {
            break;
        }
        if unit.byte == b'@' {
            match host(hay, span.end, ends.limit, depth) {
                Host::Sure => return Some(span),
                Host::Loose if least == Host::Loose => loose = loose.or(Some(span)),
                _ => {}
            }
        }
        at = span.end;
    }
    loose
}

static STOPS_BEYOND: Stops = Stops::new(b"'`%&");

/// Whether `://` begins here: another URL does.
fn is_separator(hay: &[u8], span: Span, unit: Unit, limit: usize, depth: Depth) -> bool {
    unit.byte == b':' && span.end < limit && is_slashes(hay, span.end, limit, depth)
}

/// Whether `host:head` is a host and its port, an address in brackets, or what git takes for a
/// path: `github.com:org/repo@v1`.
fn is_host_part(host: &[u8], head: &[u8], rest: &[u8]) -> bool {
    let is_port = head.iter().all(u8::is_ascii_digit)
        || head.eq_ignore_ascii_case(b"port")
        || is_list_of_hosts(head);
    let is_template = || match head {
        [b'$', name @ ..] => {
            name.starts_with(b"{")
                || name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
        }
        [b'{' | b'<' | b'%' | b'[', ..] => value::is_template(head),
        _ => false,
    };
    let is_word =
        || head.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_'));
    let is_path = || {
        let is_part =
            |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_');
        let length = rest.iter().take(BEYOND).take_while(is_part).count();
        rest.get(length) == Some(&b'@')
    };
    is_port
        || host.starts_with(b"[")
        || is_template()
        || host.contains(&b'.') && is_word() && is_path()
}

/// `27017,h2:27017`: the port of a host, and more hosts.
fn is_list_of_hosts(head: &[u8]) -> bool {
    let mut entries = head.split(|byte| *byte == b',');
    let is_host = |entry: &[u8]| {
        let colon = memchr::memchr(b':', entry).unwrap_or(entry.len());
        let port = entry.get(colon + 1..).unwrap_or_default();
        let is_label =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        colon > 0 && entry[..colon].iter().all(is_label) && port.iter().all(u8::is_ascii_digit)
    };
    entries.next().is_some_and(is_port) && entries.all(is_host)
}

/// Whether two slashes stand at `at`: the colon before them belongs to another URL.
fn is_slashes(hay: &[u8], at: usize, limit: usize, depth: Depth) -> bool {
    let first = Unit::at(hay, at, limit, depth);
    let next = at + first.len;
    first.byte == b'/' && next < limit && Unit::at(hay, next, limit, depth).byte == b'/'
}

/// How much a text is like the host of a URL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Host {
    No,
    /// Nothing in it is no part of one.
    Loose,
    /// It is written as hosts are: small letters, or a dot or a port behind the name.
    Sure,
}

/// The host that stands at `start`, up to a port, a path, a list's comma or the end of the URL.
fn host(hay: &[u8], start: usize, limit: usize, depth: Depth) -> Host {
    if is_stand_in(&hay[start..limit]) {
        return Host::Sure;
    }
    let mut at = start;
    let (mut has_capital, mut has_letter, mut n_dots) = (false, false, 0);
    let mut end = None;
    while at < limit {
        let unit = Unit::at(hay, at, limit, depth);
        match unit.byte {
            b'.' => n_dots += 1,
            b'-' | b'_' | b'%' => {}
            super::OTHER => has_letter = true,
            byte if byte.is_ascii_alphanumeric() => {
                has_capital |= byte.is_ascii_uppercase();
                has_letter |= byte.is_ascii_alphabetic();
            }
            _ => {
                end = Some(unit);
                break;
            }
        }
        at += unit.len;
    }
    if at == start {
        return Host::No;
    }
    let behind = |unit: Unit| &hay[at + unit.len..limit];
    let (is_end, has_port) = match end {
        None => (true, false),
        Some(unit) => match unit.byte {
            b'/' | b'?' | b'#' | b',' | b'(' => (true, false),
            b':' => {
                let has_port = behind(unit).first().is_some_and(u8::is_ascii_digit);
                (has_port, has_port)
            }
            ..=b' ' => (true, false),
            byte if unit.is_end() || b"'`);]}|&\\".contains(&byte) => {
                (quotes::is_outside(behind(unit)), false)
            }
            _ => return Host::No,
        },
    };
    let is_name = has_letter || n_dots == 3;
    let is_told = n_dots > 0 && at - start > 3 || has_port;
    let is_edged = hay[start].is_ascii_alphanumeric() || matches!(hay[start], b'%' | 0x80..);
    if is_end && is_name && is_edged && (!has_capital || is_told) {
        Host::Sure
    } else {
        Host::Loose
    }
}

/// `[2001:db8::1]`, `{host}`, `${HOST}`, `<host>`: an address in brackets, or what stands for a
/// host.
fn is_stand_in(text: &[u8]) -> bool {
    let (close, inner) = match text {
        [b'[', inner @ ..] => (b']', inner),
        [b'$', b'{', inner @ ..] | [b'{', b'{', inner @ ..] | [b'{', inner @ ..] => (b'}', inner),
        [b'<', inner @ ..] => (b'>', inner),
        _ => return false,
    };
    let inside = |byte: &&u8| byte.is_ascii_alphanumeric() || b":._- %".contains(byte);
    let length = inner.iter().take(64).take_while(inside).count();
    length > 1 && inner.get(length) == Some(&close)
}

/// `user:password@tcp(host:3306)/db`, as Go's MySQL driver writes it.
pub(super) fn source_name(hit: &Located<'_>) -> Option<Span> {
    let floor = hit.record.start.max(hit.anchor.start.saturating_sub(BEFORE));
    let left = &hit.hay[floor..hit.anchor.start];
    let is_outside = |byte: &u8| {
        byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'(')
    };
    let begin = left.iter().rposition(is_outside).map_or(0, |at| at + 1);
    // What is read of it: the name, and the password for each text that it must not hold.
    visits::add(6 * (left.len() - begin));
    let colon = begin + left[begin..].iter().position(|byte| *byte == b':')?;
    let password = &left[colon + 1..];
    let is_name = |byte: &&u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || !byte.is_ascii()
    };
    let name = left[begin..colon].iter().rev().take_while(is_name).count();
    let before = left[begin..colon - name].last();
    let fits = name > 0
        && before.is_none_or(|byte| matches!(byte, b'=' | b',' | b';' | b'&' | b'[' | b'{'));
    // What is a URL has its own anchor, and so has the source before this one.
    let holds = |text: &[u8]| password.windows(text.len()).any(|window| window == text);
    let is_other = left[begin..colon].ends_with(b"jdbc")
        || matches!(password, [b'/' | b'\\', ..])
        || [b"://".as_slice(), b":\\/", b"@tcp(", b"@unix("].into_iter().any(holds);
    (fits && !is_other && !password.is_empty())
        .then(|| Span::new(floor + colon + 1, hit.anchor.start))
}

/// `jdbc:oracle:thin:user/password@//host`.
pub(super) fn oracle(hit: &Located<'_>) -> Option<Span> {
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
