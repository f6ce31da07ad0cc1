//! The password in `scheme://user:password@host`, and in two forms of a data source that are not
//! URLs.
//!
//! By RFC 3986 the password ends at the last `@` before the first `/`, `?` or `#`. But people paste
//! passwords without escapes. If the standard reading leaves `user:something` in the place of a
//! port, or a host that cannot be one, the password goes on to the first `@` that a host follows.
//! `host` and `host:digits` before the first `/`, `?` or `#` are a host, whatever follows. Quotes
//! and angle brackets end a URL if they were opened before it ([`quotes`]).
//!
//! A URL is read once for all questions about it ([`Memo`]).

use super::{
    Depth, Stops, Unit,
    quotes::{self, Open},
};
use crate::{
    detect::{Located, value},
    text::{span::Span, visits},
};

/// How far after a `/`, `?` or `#` the rest of an unescaped password is searched.
const BEYOND: usize = 512;

/// How far before `@tcp(` the user may begin.
const BEFORE: usize = 512;

/// The text between `://` and the path.
#[derive(Clone, Copy)]
struct Authority {
    colon: Option<Span>,
    at: Option<Span>,
    /// Its end, and whether that is a `/`, `?` or `#`.
    end: usize,
    cut: bool,
}

/// The user of a URL, with or without a password.
#[derive(Clone, Copy)]
pub(super) struct Userinfo {
    /// The separator between the user and the password.
    pub(super) colon: Option<Span>,
    /// The `@` after them.
    pub(super) at: Span,
}

/// A URL with its authority.
#[derive(Clone, Copy)]
struct Known {
    start: usize,
    depth: Depth,
    authority: Authority,
    userinfo: Option<Userinfo>,
}

/// What was read already. A line of addresses, or a URL with many `@`, is read once and not once
/// for each `@`.
#[derive(Default)]
pub(super) struct Memo {
    last: Option<Known>,
    /// No byte here is white space or begins the separator after a scheme.
    clear: Span,
    quotes: quotes::Memo,
}

impl Memo {
    /// The URL after the separator at the anchor of `located`; it begins at `start`.
    fn url(&mut self, located: &Located<'_>, start: usize, depth: Depth) -> Known {
        match self.last {
            Some(known) if known.start == start && known.depth == depth => known,
            _ => {
                let mut ends = Ends::new(located, depth, located.record.end, &mut self.quotes);
                let authority = authority(located.hay, start, depth, &mut ends);
                let userinfo = userinfo(located, start, authority, &mut ends);
                let known = Known { start, depth, authority, userinfo };
                self.last = Some(known);
                known
            }
        }
    }

    /// The user of the URL after the separator at the anchor of `located`; it begins at `start`.
    pub(super) fn userinfo(
        &mut self,
        located: &Located<'_>,
        start: usize,
        depth: Depth,
    ) -> Option<Userinfo> {
        self.url(located, start, depth).userinfo
    }
}

/// The password in the URL after the scheme separator at the anchor of `located`.
pub(super) fn password(located: &Located<'_>, depth: Depth, memo: &mut Memo) -> Option<Span> {
    let start = match located.anchor.of(located.hay) {
        b"://" => located.anchor.end,
        _ => behind_slashes(located, depth)?,
    };
    let known = memo.url(located, start, depth);
    let colon = known.authority.colon?;
    match known.userinfo {
        Some(Userinfo { colon: Some(colon), at }) => {
            let is_password =
                colon.end < at.start && !is_digest_name(&located.hay[at.end..located.record.end]);
            is_password.then(|| Span::new(colon.end, at.start))
        }
        Some(_) => None,
        None if known.authority.cut || known.authority.at.is_some() => None,
        None => shortened(located.hay, Span::new(colon.end, known.authority.end)),
    }
}

/// Whether the authority at the beginning of `rest`, which follows `://`, has no password: it ends
/// before a colon or an `@`, as nearly all do, or with the colon of the next `://`.
pub(super) fn has_none(rest: &[u8]) -> bool {
    let stop = &rest[PLAIN.skip(rest)..];
    matches!(
        stop,
        [] | [b'/' | b'?' | b'#' | b'"' | b'<' | b'>' | ..=b' ', ..] | [b':', b'/', b'/', ..]
    )
}

/// Whether the `@` at the anchor of `located` ends the userinfo of a URL, so that the text around
/// it is a user and a host instead of an email address.
pub(in crate::detect) fn is_userinfo_end(
    located: &Located<'_>,
    progress: &mut super::Progress,
) -> bool {
    let memo = &mut progress.userinfo;
    match enclosing(located, BEFORE, memo) {
        Enclosing::Nothing => false,
        Enclosing::Oracle(end) => end == Some(located.anchor.start),
        Enclosing::Url(separator, start, depth) => {
            let userinfo = memo.userinfo(&separator, start, depth);
            userinfo.is_some_and(|userinfo| userinfo.at.start == located.anchor.start)
        }
    }
}

/// What an offset is inside of, judged by the text before it up to the nearest white space.
pub(super) enum Enclosing<'h> {
    Nothing,
    /// An Oracle data source, with the end of its password.
    Oracle(Option<usize>),
    /// A URL: the separator after its scheme, the offset after that, and its depth.
    Url(Located<'h>, usize, Depth),
}

/// Looks left from the anchor of `located` for the nearest scheme separator, at most `most` bytes.
pub(super) fn enclosing<'h>(located: &Located<'h>, most: usize, memo: &mut Memo) -> Enclosing<'h> {
    let floor = located.record.start.max(located.anchor.start.saturating_sub(most));
    let mut start = located.anchor.start;
    let mut found = Enclosing::Nothing;
    while start > floor {
        if memo.clear.start < start && start <= memo.clear.end {
            start = memo.clear.start.max(floor);
            continue;
        }
        visits::add(1);
        if !BEFORE_AT.0[usize::from(located.hay[start - 1])] {
            start -= 1;
            continue;
        }
        match before_authority(located, start - 1) {
            Before::Nothing => start -= 1,
            Before::Space => break,
            Before::Oracle(end) => return Enclosing::Oracle(end),
            Before::Scheme(separator, begin, depth) => {
                if begin <= located.anchor.start {
                    found = Enclosing::Url(separator, begin, depth);
                }
                break;
            }
        }
    }
    memo.clear = Span::new(start, located.anchor.start);
    found
}

/// White space, and the first bytes of a separator or a data source.
static BEFORE_AT: Stops = Stops::new(b":%j");

/// What begins at an offset to the left of an `@`.
enum Before<'h> {
    Nothing,
    Space,
    /// An Oracle data source, with the end of its password.
    Oracle(Option<usize>),
    /// The separator after a scheme, the offset after that, and its depth.
    Scheme(Located<'h>, usize, Depth),
}

/// Decides what begins at `start`, left of the anchor.
fn before_authority<'h>(located: &Located<'h>, start: usize) -> Before<'h> {
    let depth = match &located.hay[start..located.anchor.start] {
        [byte, ..] if byte.is_ascii_whitespace() => return Before::Space,
        [b':', b'/' | b'\\', ..] => Depth::Plain,
        [b'%', b'3', b'A' | b'a', ..] => Depth::Encoded,
        [b'%', b'2', b'5', b'3', b'A' | b'a', ..] => Depth::Twice,
        text if text.starts_with(b"jdbc:oracle:") => {
            let anchor =
                Span::new(start, located.anchor.start.min(start + b"jdbc:oracle:thin:".len()));
            return Before::Oracle(oracle(&Located { anchor, ..*located }).map(|span| span.end));
        }
        _ => return Before::Nothing,
    };
    let separator = Located { anchor: Span::new(start, start + 1), ..*located };
    match behind_slashes(&separator, depth) {
        Some(begin) => Before::Scheme(separator, begin, depth),
        None => Before::Nothing,
    }
}

/// The offset after `://`, however its slashes are escaped.
fn behind_slashes(located: &Located<'_>, depth: Depth) -> Option<usize> {
    let end = located.record.end;
    let mut at = located.anchor.start;
    for wanted in [b':', b'/', b'/'] {
        if at >= end {
            return None;
        }
        let unit = Unit::at(located.hay, at, end, depth);
        if unit.byte != wanted {
            return None;
        }
        at += unit.len;
    }
    Some(at)
}

static PLAIN: Stops = Stops::new(b"/?#:@'`");
static ENCODED: Stops = Stops::new(b"/?#:@'`%&");

/// Decides what ends a URL before its path does. Must be asked in order from the URL's beginning.
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
        located: &Located<'h>,
        depth: Depth,
        limit: usize,
        quotes: &'m mut quotes::Memo,
    ) -> Ends<'h, 'm> {
        let (record, separator) = (located.record.start, located.anchor.start);
        Ends { hay: located.hay, record, separator, limit, depth, quotes, open: None }
    }

    /// What the text before the URL leaves open. Read only if the URL contains something that could
    /// close it.
    fn open(&mut self) -> Open {
        let (hay, record, separator) = (self.hay, self.record, self.separator);
        *self.open.get_or_insert_with(|| self.quotes.open(hay, record, separator))
    }

    /// The byte before the scheme, which may be the quote or bracket that opens the URL.
    fn opener(&self) -> Option<u8> {
        quotes::before_scheme(self.hay, self.record, self.separator)
    }

    /// Whether the URL ends at `unit`, written at `span`. `read` is the authority before it.
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
            // An escaped line end ends a URL inside a string. Elsewhere it is a backslash and a
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

    /// Whether a quote ends the URL: the kind that opened it, or one that was opened before and is
    /// followed by something that no URL goes on with.
    fn is_closing(&mut self, span: Span, unit: Unit) -> bool {
        self.opener() == Some(unit.byte)
            || self.is_outside(span)
                && (self.depth != Depth::Plain || self.open().closes(self.hay, span, unit))
    }

    /// Whether no URL goes on after `span`.
    fn is_outside(&self, span: Span) -> bool {
        quotes::is_outside(&self.hay[span.end..self.limit])
    }

    /// Whether a user, an `@` and a host precede `span`.
    fn is_behind_host(&self, span: Span, read: &Authority) -> bool {
        // Without a password between the colon and the `@` there is no host to end.
        let at = read.at.filter(|at| read.colon.is_none_or(|colon| colon.end != at.start));
        at.is_some_and(|at| host(self.hay, at.end, span.start, self.depth) == Host::Sure)
    }

    /// Whether a host, a colon and the digits of a port precede `span`.
    fn is_behind_port(&self, span: Span, read: &Authority) -> bool {
        read.colon.is_some_and(|colon| is_port(&self.hay[colon.end..span.start]))
    }

    /// Whether a closing tag begins at `span`.
    fn is_tag(&self, span: Span) -> bool {
        self.hay[span.end..self.limit].first() == Some(&b'/')
    }
}

/// Reads the authority that begins at `start`.
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
    located: &Located<'_>,
    start: usize,
    authority: Authority,
    ends: &mut Ends<'_, '_>,
) -> Option<Userinfo> {
    let Authority { colon, at, end, cut } = authority;
    let hay = located.hay;
    let colon = colon.filter(|colon| {
        at.is_none_or(|at| colon.start < at.start) && is_user(&hay[start..colon.start])
    });
    match (at, colon) {
        (Some(at), Some(colon)) => {
            if is_port_and_more(hay, start, colon, Span::new(colon.end, at.start)) {
                return None;
            }
            let is_host = !cut || host(hay, at.end, end, ends.depth) == Host::Sure;
            let later = if cut { beyond(colon, end, ends, Host::Sure) } else { None };
            // Paths and queries use fewer characters than passwords.
            let later = later
                .filter(|later| !is_host || !is_uri(hay, Span::new(end, later.start), ends.depth));
            Some(Userinfo { colon: Some(colon), at: later.unwrap_or(at) })
        }
        (Some(at), None) => Some(Userinfo { colon: None, at }),
        (None, Some(colon)) if cut => {
            let least = goes_on(start, colon, end, ends)?;
            beyond(colon, end, ends, least).map(|at| Userinfo { colon: Some(colon), at })
        }
        _ => None,
    }
}

/// Whether a URL may contain all characters of `span` without escapes,
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

/// Whether `user` may be a user: quotes and angle brackets occur in passwords only.
fn is_user(user: &[u8]) -> bool {
    !user.iter().any(|byte| matches!(byte, b'"' | b'<' | b'>'))
}

/// The password of a URL that a logger shortened: `postgres://app:x7Kp2mQ9v…`. The same could be a
/// host with its port or an image with its tag, so the password must look random.
fn shortened(hay: &[u8], rest: Span) -> Option<Span> {
    let value = rest.of(hay);
    let shown = value.strip_suffix("\u{2026}".as_bytes()).or_else(|| value.strip_suffix(b"..."))?;
    value::is_random(shown).then(|| Span::new(rest.start, rest.start + shown.len()))
}

/// Whether `host` is the digest in `image:tag@sha256:…`.
fn is_digest_name(host: &[u8]) -> bool {
    host.starts_with(b"sha256:") || host.starts_with(b"sha512:")
}

/// Whether the password is a port with something after it: the next entry of a list
/// (`a.example:80,bob@example.com`) or fields (`db:1433;user=sa;password=p@ss`).
/// Whether a text is a port.
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
            // Entries of a list, or an address. Passwords have more kinds of marks.
            Some(b',' | b'|' | b')' | b']' | b'}' | b'\'' | b'`') => {
                is_host && password[n_digits..].iter().all(|byte| is_in_list(*byte))
            }
            _ => false,
        }
}

/// Whether a byte occurs in a list of addresses.
fn is_in_list(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._+-,:|@)]}'`".contains(&byte)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b' ')
}

fn is_port(text: &[u8]) -> bool {
    (1..=5).contains(&text.len()) && text.iter().all(u8::is_ascii_digit)
}

/// Whether `user:head`, which is ended by `/`, `?` or `#`, begins a password that goes on after it.
/// Returns what the text after the password's `@` must look like.
fn goes_on(start: usize, colon: Span, cut: usize, ends: &Ends<'_, '_>) -> Option<Host> {
    let hay = ends.hay;
    let user = &hay[start..colon.start];
    match &hay[colon.end..cut] {
        [] if is_slashes(hay, cut, ends.limit, ends.depth) => None,
        // `:/w@host`: without a user it is certainly a password.
        [] if user.is_empty() => Some(Host::Loose),
        // `host:/path`, and `file://c:/path`.
        [] => {
            let is_host = user == b"localhost" || hay[..ends.separator].ends_with(b"file");
            (!is_host).then_some(Host::Sure)
        }
        head => (!is_host_part(user, head, &hay[cut..ends.limit])).then_some(Host::Loose),
    }
}

/// The `@` after a password with an unescaped `/`, `?` or `#` in it: the first one with a certain
/// host after it, or else the first one with a possible host, if `least` allows that.
fn beyond(colon: Span, cut: usize, ends: &mut Ends<'_, '_>, least: Host) -> Option<Span> {
    let (hay, depth) = (ends.hay, ends.depth);
    let limit = ends.limit.min(cut.saturating_add(BEYOND));
    let read = Authority { colon: Some(colon), at: None, end: cut, cut: true };
    let mut loose = None;
    let mut at = cut;
    while at < limit {
        let unit = Unit::at(hay, at, limit, depth);
        let span = Span::new(at, at + unit.len);
        let is_stop = STOPS_BEYOND.0[usize::from(hay[at])];
        if is_stop && ends.here(span, unit, &read) || is_separator(&hay[..limit], span, unit, depth)
        {
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

/// Whether `://` begins at `span`, so that another URL begins.
fn is_separator(text: &[u8], span: Span, unit: Unit, depth: Depth) -> bool {
    unit.byte == b':' && span.end < text.len() && is_slashes(text, span.end, text.len(), depth)
}

/// Whether `host:head` is a host with its port, an address in brackets, or a path for git:
/// `github.com:org/repo@v1`.
fn is_host_part(host: &[u8], head: &[u8], rest: &[u8]) -> bool {
    let is_port = head.iter().all(u8::is_ascii_digit)
        || head.eq_ignore_ascii_case(b"port")
        || is_list_of_hosts(head);
    is_port
        || host.starts_with(b"[")
        || is_port_template(head)
        || host.contains(&b'.') && is_organisation(head) && is_path_to_at(rest)
}

/// Whether `head` is a template for a port: `${PORT}`, `$PORT`, `{port}`.
fn is_port_template(head: &[u8]) -> bool {
    match head {
        [b'$', b'{', ..] => true,
        [b'$', name @ ..] => name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_'),
        [b'{' | b'<' | b'%' | b'[', ..] => value::is_template(head),
        _ => false,
    }
}

/// Whether `head` is written like an organisation in the path of a repository.
fn is_organisation(head: &[u8]) -> bool {
    head.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_'))
}

/// Whether `rest` is a path up to the next `@`.
fn is_path_to_at(rest: &[u8]) -> bool {
    let is_part = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"/.-_".contains(byte);
    let near = &rest[..rest.len().min(BEYOND + 1)];
    near.iter().position(is_part).is_some_and(|at| near[at] == b'@')
}

/// Whether `head` is the port of a host and more hosts: `27017,h2:27017`.
fn is_list_of_hosts(head: &[u8]) -> bool {
    let mut entries = head.split(|byte| *byte == b',');
    entries.next().is_some_and(is_port) && entries.all(is_host_entry)
}

/// Whether `entry` is a host, with or without a port.
fn is_host_entry(entry: &[u8]) -> bool {
    let colon = memchr::memchr(b':', entry).unwrap_or(entry.len());
    let port = entry.get(colon + 1..).unwrap_or_default();
    colon > 0
        && entry[..colon].iter().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(byte))
        && port.iter().all(u8::is_ascii_digit)
}

/// Whether two slashes are at `at`, so that the colon before them belongs to another URL.
fn is_slashes(hay: &[u8], at: usize, limit: usize, depth: Depth) -> bool {
    let first = Unit::at(hay, at, limit, depth);
    let next = at + first.len;
    first.byte == b'/' && next < limit && Unit::at(hay, next, limit, depth).byte == b'/'
}

/// How much a text looks like the host of a URL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Host {
    No,
    /// It contains only characters of a host.
    Loose,
    /// It is written like a host: in small letters, or with a dot or a port after the name.
    Sure,
}

/// Judges the host at `start`, up to a port, a path, the comma of a list or the end of the URL.
fn host(hay: &[u8], start: usize, limit: usize, depth: Depth) -> Host {
    if is_stand_in(&hay[start..limit]) {
        return Host::Sure;
    }
    let name = HostName::read(&hay[..limit], start, depth);
    if name.end == start {
        return Host::No;
    }
    let rest = &hay[..limit][name.end..];
    let (is_end, has_port) = match name.next {
        None => (true, false),
        Some(Unit { byte: b'/' | b'?' | b'#' | b',' | b'(' | ..=b' ', .. }) => (true, false),
        Some(unit @ Unit { byte: b':', .. }) => {
            let has_port = rest[unit.len..].first().is_some_and(u8::is_ascii_digit);
            (has_port, has_port)
        }
        Some(unit) if unit.is_end() || b"'`);]}|&\\".contains(&unit.byte) => {
            (quotes::is_outside(&rest[unit.len..]), false)
        }
        Some(_) => return Host::No,
    };
    let is_name = name.has_letter || name.n_dots == 3;
    let is_certain = name.n_dots > 0 && name.end - start > 3 || has_port;
    let is_edged = hay[start].is_ascii_alphanumeric() || matches!(hay[start], b'%' | 0x80..);
    if is_end && is_name && is_edged && (!name.has_capital || is_certain) {
        Host::Sure
    } else {
        Host::Loose
    }
}

/// The characters of a host's name.
struct HostName {
    end: usize,
    /// The character that ends the name.
    next: Option<Unit>,
    has_capital: bool,
    has_letter: bool,
    n_dots: usize,
}

impl HostName {
    /// Reads the name that begins at `start`.
    fn read(text: &[u8], start: usize, depth: Depth) -> HostName {
        let (has_capital, has_letter) = (false, false);
        let mut name = HostName { end: start, next: None, has_capital, has_letter, n_dots: 0 };
        while name.end < text.len() {
            let unit = Unit::at(text, name.end, text.len(), depth);
            match unit.byte {
                b'.' => name.n_dots += 1,
                b'-' | b'_' | b'%' => {}
                super::OTHER => name.has_letter = true,
                byte if byte.is_ascii_alphanumeric() => {
                    name.has_capital |= byte.is_ascii_uppercase();
                    name.has_letter |= byte.is_ascii_alphabetic();
                }
                _ => {
                    name.next = Some(unit);
                    break;
                }
            }
            name.end += unit.len;
        }
        name
    }
}

/// Whether `text` begins with an address in brackets or a template for a host: `[2001:db8::1]`,
/// `{host}`, `${HOST}`, `<host>`.
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

/// The password in `user:password@tcp(host:3306)/db`, the form of Go's MySQL driver.
pub(super) fn source_name(located: &Located<'_>) -> Option<Span> {
    let floor = located.record.start.max(located.anchor.start.saturating_sub(BEFORE));
    let left = &located.hay[floor..located.anchor.start];
    let is_outside = |byte: &u8| {
        byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'(')
    };
    let begin = left.iter().rposition(is_outside).map_or(0, |at| at + 1);
    // Reads the name once, and the password once for each text that it must not contain.
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
    // URLs have their own anchor, and so does a data source before this one.
    let holds = |text: &[u8]| password.windows(text.len()).any(|window| window == text);
    let is_other = left[begin..colon].ends_with(b"jdbc")
        || matches!(password, [b'/' | b'\\', ..])
        || [b"://".as_slice(), b":\\/", b"@tcp(", b"@unix("].into_iter().any(holds);
    (fits && !is_other && !password.is_empty())
        .then(|| Span::new(floor + colon + 1, located.anchor.start))
}

/// The password in `jdbc:oracle:thin:user/password@//host`.
pub(super) fn oracle(located: &Located<'_>) -> Option<Span> {
    let limit = located.record.end.min(located.anchor.end.saturating_add(BEYOND));
    let mut slash = None;
    let mut at = located.anchor.end;
    while at < limit {
        let unit = Unit::at(located.hay, at, limit, Depth::Plain);
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
