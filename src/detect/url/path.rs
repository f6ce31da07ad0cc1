//! Paths that are a secret: webhooks, bot URLs, links that log in everyone who opens them.
//!
//! A rule has templates of the form `host/segment/segment`. The host is a name, `*.name` for any
//! host below it, or `*` for any host. A segment is a literal or ends in one of
//!
//! - `{keep}`: any segment, which is kept;
//! - `{secret}`: the secret. At the end of the template it includes the rest of the path, elsewhere
//!   it is one segment;
//! - `{random}`: one segment that is a secret if it looks random.
//!
//! The anchor of such a rule contains the host, or for `*` the first segment with its slashes.

use std::borrow::Cow;

use super::{Depth, Progress, Replaced, Unit, trim};
use crate::{
    detect::{Located, Rejection, edge, value},
    finding::Finding,
    rules::{Anchor, RuleId, RuleSet, syntax::KeysSyntax},
    text::{escape, span::Span},
};

/// The minimum length of a secret. Shorter segments are words, as in `/services/new`.
const MIN_SECRET: usize = 8;

/// A piece of a template.
enum Piece {
    Literal(Box<[u8]>),
    Slash,
    Keep,
    Secret,
    Random,
}

/// What a template requires of the host.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Host {
    Named,
    Below,
    Any,
}

/// A path that is a secret, and its rule.
struct Template {
    rule: RuleId,
    host: Host,
    pieces: Vec<Piece>,
}

/// The templates of all rules.
pub(super) struct Paths {
    templates: Vec<Template>,
    by_anchor: Vec<ByAnchor>,
}

/// The templates that an anchor can belong to, and the offset of their first literal in it.
/// Computed at load time: there are many templates, and each anchor belongs to one or two.
struct ByAnchor {
    text: Box<[u8]>,
    starts: Vec<(usize, usize)>,
}

impl Paths {
    pub(super) fn new<'r>(
        rules: &RuleSet,
        keys: impl Iterator<Item = (RuleId, &'r KeysSyntax)>,
    ) -> Paths {
        let mut paths = Paths { templates: Vec::new(), by_anchor: Vec::new() };
        let mut anchors: Vec<&Anchor> = Vec::new();
        for (rule, keys) in keys.filter(|(_, keys)| !keys.paths.is_empty()) {
            paths.templates.extend(keys.paths.iter().map(|text| template(rule, text)));
            anchors.extend(rules.get(rule).anchors());
        }
        for anchor in anchors {
            let starts = paths.starts(&anchor.text);
            paths.by_anchor.push(ByAnchor { text: anchor.text.clone(), starts });
        }
        paths
    }

    /// The templates that may begin inside `anchor` and the offset of each, in the order of
    /// templates.
    fn starts(&self, anchor: &[u8]) -> Vec<(usize, usize)> {
        let mut starts = Vec::new();
        for (index, template) in self.templates.iter().enumerate() {
            let Some(Piece::Literal(first)) = template.pieces.first() else { continue };
            for at in 0..anchor.len() {
                let length = first.len().min(anchor.len() - at);
                if anchor[at..at + length].eq_ignore_ascii_case(&first[..length]) {
                    starts.push((index, at));
                }
            }
        }
        starts
    }

    /// Looks for a secret path around the anchor of `located`.
    pub(super) fn detect(
        &self,
        located: &Located<'_>,
        replaced: Replaced<'_>,
        progress: &mut Progress,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Rejection> {
        if progress.claimed.contains(located.anchor.start) {
            return Err(Rejection::AlreadyExamined);
        }
        let mut answer = Err(Rejection::UnknownPath);
        let anchor = located.anchor.of(located.hay);
        let known = self.by_anchor.iter().find(|known| is_alike(&known.text, anchor));
        let starts = known
            .map_or_else(|| Cow::Owned(self.starts(anchor)), |known| Cow::Borrowed(&*known.starts));
        for places in starts.chunk_by(|one, next| one.0 == next.0) {
            let template = &self.templates[places[0].0];
            let Some(start) = template.start(located, places) else { continue };
            let Some(span) = template.secret(located, start, replaced) else { continue };
            let secret = span.of(located.hay);
            progress.n_examined += 1;
            if !value::is_template(secret) && !replaced.covers(secret) {
                progress.claim(span);
                findings.push(Finding::text(span, template.rule));
                return Ok(());
            }
            answer = Err(Rejection::Placeholder);
        }
        answer
    }
}

/// Whether two texts are equal ignoring case. Most differ in length or in their last byte.
fn is_alike(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && one.last().map(u8::to_ascii_lowercase) == other.last().map(u8::to_ascii_lowercase)
        && one.eq_ignore_ascii_case(other)
}

/// Parses a template. `rules lint` has checked its syntax.
fn template(rule: RuleId, text: &str) -> Template {
    let (host, text) = match (text.strip_prefix("*/"), text.strip_prefix("*.")) {
        (Some(path), _) => (Host::Any, path),
        (None, Some(host)) => (Host::Below, host),
        (None, None) => (Host::Named, text),
    };
    let mut pieces = Vec::new();
    for (index, segment) in text.split('/').enumerate() {
        if index > 0 {
            pieces.push(Piece::Slash);
        }
        let (literal, hole) = segment.split_once('{').unwrap_or((segment, ""));
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.as_bytes().into()));
        }
        match hole {
            "keep}" => pieces.push(Piece::Keep),
            "secret}" => pieces.push(Piece::Secret),
            "random}" => pieces.push(Piece::Random),
            _ => {}
        }
    }
    Template { rule, host, pieces }
}

impl Template {
    /// The offset of the template's first literal: one of `places`, relative to the anchor.
    fn start(&self, located: &Located<'_>, places: &[(usize, usize)]) -> Option<usize> {
        let Some(Piece::Literal(first)) = self.pieces.first() else { return None };
        let start = places.iter().map(|(_, at)| located.anchor.start + at).find(|at| {
            located.hay[*at..located.record.end]
                .get(..first.len())
                .is_some_and(|text| text.eq_ignore_ascii_case(first))
        })?;
        let left = &located.hay[located.record.start..start];
        let fits = match self.host {
            Host::Below => left.ends_with(b"."),
            Host::Any => {
                matches!(left.last(), Some(b'/'))
                    || left.ends_with(b"%2F")
                    || left.ends_with(b"%2f")
            }
            Host::Named => {
                !matches!(left.last(), Some(b'-' | b'.'))
                    && edge::is_word_start(located.hay, located.record.start, start)
            }
        };
        fits.then_some(start)
    }

    /// The secret in the path that begins at `start`, if the path matches this template.
    fn secret(&self, located: &Located<'_>, start: usize, replaced: Replaced<'_>) -> Option<Span> {
        let hay = located.hay;
        let limit = located.record.end;
        let mut at = start;
        let mut found = None;
        let mut depth = Depth::Plain;
        for (index, piece) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Literal(text) => {
                    let there = hay[at..limit].get(..text.len())?;
                    at += there.eq_ignore_ascii_case(text).then_some(text.len())?;
                }
                Piece::Slash => {
                    at = if index == 1 { behind_port(hay, at, limit) } else { at };
                    match slash(hay, at, limit) {
                        Some(behind) => (at, depth) = behind,
                        // A slash at the end of a template only ends the secret.
                        None if index + 1 == self.pieces.len() => break,
                        None => return None,
                    }
                }
                Piece::Keep => {
                    let segment = Span::new(at, segment_end(hay, at, limit, depth));
                    at = (!replaced.covers(segment.of(hay))).then_some(segment.end)?;
                }
                Piece::Secret if index + 1 == self.pieces.len() => {
                    let span = trim(hay, Span::new(at, path_end(hay, at, limit, depth)));
                    found = Some(without_slash(hay, span));
                }
                Piece::Secret | Piece::Random => {
                    let segment = Span::new(at, segment_end(hay, at, limit, depth));
                    let span = trim(hay, segment);
                    let fits = matches!(piece, Piece::Secret) || value::is_random(span.of(hay));
                    found = Some(fits.then_some(span)?);
                    at = segment.end;
                }
            }
        }
        found.filter(|span| span.len() >= MIN_SECRET)
    }
}

/// The offset after a port: `:443`.
fn behind_port(hay: &[u8], at: usize, limit: usize) -> usize {
    match hay[at..limit].split_first() {
        Some((b':', rest)) => {
            at + 1 + rest.iter().take(5).take_while(|byte| byte.is_ascii_digit()).count()
        }
        _ => at,
    }
}

/// The offset after the slash at `at`, and the depth at which it is written.
fn slash(hay: &[u8], at: usize, limit: usize) -> Option<(usize, Depth)> {
    if at >= limit {
        return None;
    }
    [Depth::Plain, Depth::Encoded, Depth::Twice].into_iter().find_map(|depth| {
        let unit = Unit::at(hay, at, limit, depth);
        (unit.byte == b'/').then_some((at + unit.len, depth))
    })
}

/// The span without a slash at the end of the path.
fn without_slash(hay: &[u8], mut span: Span) -> Span {
    if span.of(hay).ends_with(b"/") {
        span.end -= 1;
        span.end -= escape::backslashes_before(hay, span.start, span.end);
    }
    span
}

/// The end of the segment that begins at `start`.
fn segment_end(hay: &[u8], start: usize, limit: usize, depth: Depth) -> usize {
    let mut at = start;
    while at < limit {
        let unit = Unit::at(hay, at, limit, depth);
        if unit.byte == b'/' || is_path_end(unit, hay[at]) {
            break;
        }
        at += unit.len;
    }
    at
}

/// The end of the path that goes on at `start`.
fn path_end(hay: &[u8], start: usize, limit: usize, depth: Depth) -> usize {
    let mut at = start;
    while at < limit {
        let unit = Unit::at(hay, at, limit, depth);
        if is_path_end(unit, hay[at]) {
            break;
        }
        at += unit.len;
    }
    at
}

/// Whether a unit, written with the first byte `raw`, ends a path.
fn is_path_end(unit: Unit, raw: u8) -> bool {
    const ENDS: &[u8] = b"?#&'`|,;)]\\";
    unit.is_end() || ENDS.contains(&unit.byte) || ENDS.contains(&raw) && unit.len == 1
}
