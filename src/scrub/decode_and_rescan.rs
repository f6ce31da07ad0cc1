//! Looking through what is encoded: a text that stands in other bytes is searched, and what is
//! found changes those bytes so that they still decode.
//!
//! What is decoded may hold encodings again, to [`MAX_DEPTH`]; what still looks encoded below that
//! is masked and counted. Where a secret lies in one piece behind escapes, its bytes are replaced,
//! escapes and all. Where colour codes divide it, its first part is replaced, the others go, and
//! the codes stay. In base64 and in hexadecimal the groups that are touched are encoded again: the
//! placeholder is padded so that all that follows keeps its place.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{
    detect::{
        Prefiltered, Scanner, Scratch, State,
        decode::{Decoded, Kind, Piece},
    },
    finding::{Finding, Shape},
    redact::{self, Redactor},
    rules::RuleId,
    text::{
        encoding::{self, Encoding},
        span::Span,
        visits,
    },
};

/// So many encodings may lie in one another.
pub(crate) const MAX_DEPTH: usize = 4;

/// What a placeholder is padded with inside a blob.
const PADDING: u8 = b'-';

/// The encodings that a secret lies behind, the outermost first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path([Option<Encoding>; MAX_DEPTH]);

impl Path {
    /// The encodings, the outermost first. One that is written several times over is told once.
    pub(crate) fn encodings(&self) -> impl Iterator<Item = Encoding> {
        self.0.into_iter().flatten()
    }

    /// The same path, behind one more encoding.
    fn behind(self, outer: Encoding) -> Path {
        if self.0[0] == Some(outer) {
            return self;
        }
        let [one, two, three, _] = self.0;
        Path([Some(outer), one, two, three])
    }
}

/// A finding behind encodings; no rule where something is encoded too deep to be examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unveiled {
    pub(crate) rule: Option<RuleId>,
    pub(crate) path: Path,
}

/// Bytes, and what stands in their place.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) raw: Span,
    pub(crate) bytes: Vec<u8>,
    /// What is replaced here; nothing in the later parts of what is divided.
    pub(crate) found: Vec<Unveiled>,
}

/// The memory of a look.
#[derive(Default)]
pub(crate) struct Levels(Vec<Level>);

#[derive(Default)]
struct Level {
    decoded: Decoded,
    scratch: Scratch,
}

/// What looks, and what writes placeholders.
#[derive(Clone, Copy)]
pub(super) struct Through<'s> {
    pub(super) scanner: &'s Scanner,
    pub(super) redactor: &'s Redactor,
}

impl Through<'_> {
    /// What changes in `hay`, which `scratch` scanned last, beside what is found in it as it is: in
    /// order, apart from each other and from the findings, which grow where a change overlaps one.
    pub(super) fn look(
        self,
        hay: &[u8],
        scratch: &mut Scratch,
        levels: &mut Levels,
    ) -> Vec<Change> {
        levels.0.resize_with(MAX_DEPTH + 1, Level::default);
        let (looked, findings) = scratch.prefiltered();
        let mut changes = self.level(hay, looked, findings, None, &mut levels.0);
        if !changes.is_empty() {
            absorb(findings, &mut changes);
        }
        changes
    }

    /// What changes in `hay`, of which `looked` tells and which was decoded to `above`.
    fn level(
        self,
        hay: &[u8],
        looked: &Prefiltered,
        findings: &[Finding],
        above: Option<&Decoded>,
        levels: &mut [Level],
    ) -> Vec<Change> {
        let Some((Level { decoded, scratch }, deeper)) = levels.split_first_mut() else {
            return Vec::new();
        };
        let is_new = |run: Span| above.is_none_or(|above| is_new(above, run));
        // At the top it is the whole block, and a clean one must cost no allocation.
        let (whole, inner) = ([Span::new(0, hay.len())], above.map(|above| above.parts(looked)));
        decoded.read(hay, looked, inner.as_deref().unwrap_or(&whole), is_new);
        if decoded.pieces.is_empty() {
            return Vec::new();
        }
        if deeper.is_empty() {
            return too_deep(decoded);
        }
        let text = decoded.source_map.text();
        if !self.scan(decoded, scratch) {
            return decoded
                .pieces
                .iter()
                .flat_map(|piece| masked(decoded, piece.text, piece))
                .collect();
        }
        let mut found = std::mem::take(scratch.findings_mut());
        let (looked, _) = scratch.prefiltered();
        let mut inner = self.level(text, looked, &found, Some(decoded), deeper);
        absorb(&mut found, &mut inner);
        inner.extend(found.iter().map(|finding| self.change(hay, decoded, finding)));
        inner.sort_by_key(|change| change.raw.start);
        let changes = map_back(hay, decoded, &inner);
        *scratch.findings_mut() = found;
        apart(changes, findings)
    }

    /// Scans the text; answers whether that was possible. What reaches over the end of its line is
    /// kept to its piece.
    fn scan(self, decoded: &Decoded, scratch: &mut Scratch) -> bool {
        let text = decoded.source_map.text();
        if !self.scan_one(text, scratch) {
            return false;
        }
        if !scratch.met_open() {
            return true;
        }
        let mut all = Vec::new();
        for piece in &decoded.pieces {
            if !self.scan_one(piece.text.of(text), scratch) {
                return false;
            }
            let shift =
                |span: Span| Span::new(span.start + piece.text.start, span.end + piece.text.start);
            all.extend(scratch.findings().iter().map(|finding| Finding {
                span: shift(finding.span),
                shape: match finding.shape {
                    Shape::Text => Shape::Text,
                    Shape::Scalar { quote } => Shape::Scalar { quote: shift(quote) },
                },
                ..*finding
            }));
        }
        // What was told last is of a piece.
        self.scanner.look(text, scratch);
        *scratch.findings_mut() = all;
        true
    }

    fn scan_one(self, text: &[u8], scratch: &mut Scratch) -> bool {
        let scan =
            AssertUnwindSafe(|| self.scanner.scan(text, &mut State::default(), scratch).len());
        let is_examined = catch_unwind(scan).is_ok();
        if !is_examined {
            // Whatever the scratch held is half done.
            *scratch = Scratch::default();
        }
        is_examined
    }

    /// What stands in place of a finding in the text.
    fn change(self, hay: &[u8], decoded: &Decoded, finding: &Finding) -> Change {
        let text = decoded.source_map.text();
        let mut bytes = Vec::new();
        match finding.shape {
            Shape::Text => self.redactor.replace(text, finding, &mut bytes),
            // The quotes are written as those around them are.
            Shape::Scalar { quote } => {
                let quote: Vec<u8> = match decoded.piece(quote.start).map(|piece| piece.kind) {
                    Some(Kind::Escapes) => decoded
                        .source_map
                        .in_block(quote)
                        .flat_map(|raw| raw.of(hay))
                        .copied()
                        .collect(),
                    _ => quote.of(text).to_vec(),
                };
                bytes.extend_from_slice(&quote);
                self.redactor.replace(text, &Finding::text(finding.span, finding.rule), &mut bytes);
                bytes.extend_from_slice(&quote);
            }
        }
        let found = vec![Unveiled { rule: Some(finding.rule), path: Path::default() }];
        Change { raw: finding.span, bytes, found }
    }
}

/// What was decoded from its own bytes is new, and so is what only the escapes around it made one
/// run.
fn is_new(above: &Decoded, run: Span) -> bool {
    above.piece(run.start).is_none_or(|piece| match piece.kind {
        Kind::Blob { .. } => true,
        Kind::Escapes => above.has_escape(run),
    })
}

/// Everything that could be decoded once more.
fn too_deep(decoded: &Decoded) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for piece in &decoded.pieces {
        match piece.kind {
            Kind::Blob { .. } => changes.extend(masked(decoded, piece.text, piece)),
            Kind::Escapes => {
                changes.extend(
                    decoded
                        .escaped_words(piece)
                        .into_iter()
                        .flat_map(|word| masked(decoded, word, piece)),
                );
            }
        }
    }
    changes.sort_by_key(|change| change.raw.start);
    apart(changes, &[])
}

/// What stands in place of what cannot be examined.
fn masked(decoded: &Decoded, span: Span, piece: &Piece) -> Option<Change> {
    let raw = match piece.kind {
        Kind::Blob { raw, .. } => raw,
        Kind::Escapes => {
            let mut spans = decoded.source_map.in_block(span);
            let first = spans.next()?;
            Span::new(first.start, spans.last().unwrap_or(first).end)
        }
    };
    let path = Path::default().behind(decoded.encoding(piece, span));
    Some(Change { raw, bytes: redact::RECORD.to_vec(), found: vec![Unveiled { rule: None, path }] })
}

/// What the changes of the text are in the bytes that it was read from.
fn map_back(hay: &[u8], decoded: &Decoded, changes: &[Change]) -> Vec<Change> {
    let mut mapped = Vec::new();
    let mut rest = changes;
    for piece in &decoded.pieces {
        let n_inside = rest.iter().take_while(|change| change.raw.start <= piece.text.end).count();
        let inside;
        (inside, rest) = rest.split_at(n_inside);
        match piece.kind {
            _ if inside.is_empty() => {}
            Kind::Escapes => {
                inside.iter().for_each(|change| unescaped(decoded, piece, change, &mut mapped))
            }
            Kind::Blob { encoding, raw, before } => {
                let blob = Blob { encoding, raw, before, start: piece.text.start };
                mapped.extend(blob.encoded_again(hay, inside));
            }
        }
    }
    mapped.sort_by_key(|change: &Change| change.raw.start);
    mapped
}

/// The first part of what was read from several takes the placeholder.
fn unescaped(decoded: &Decoded, piece: &Piece, change: &Change, mapped: &mut Vec<Change>) {
    let encoding = decoded.encoding(piece, change.raw);
    let mut bytes = change.bytes.clone();
    let mut found = behind(&change.found, encoding);
    for raw in decoded.source_map.in_block(change.raw).filter(|raw| !raw.is_empty()) {
        mapped.push(Change {
            raw,
            bytes: std::mem::take(&mut bytes),
            found: std::mem::take(&mut found),
        });
    }
}

fn behind(found: &[Unveiled], encoding: Encoding) -> Vec<Unveiled> {
    found.iter().map(|one| Unveiled { path: one.path.behind(encoding), ..*one }).collect()
}

/// A text written in another alphabet.
struct Blob {
    encoding: Encoding,
    raw: Span,
    /// So many bytes come out before those of the piece.
    before: usize,
    /// Where the piece begins in its text.
    start: usize,
}

impl Blob {
    /// The groups that `changes` touch, encoded again; nothing where that is what stands there.
    fn encoded_again(&self, hay: &[u8], changes: &[Change]) -> Option<Change> {
        let alphabet = self.encoding.blob()?;
        let encoding::Blob { n_bytes, n_characters, .. } = *alphabet;
        let (first, last) = (changes.first()?, changes.last()?);
        let at = |offset: usize| offset - self.start + self.before;
        let from = at(first.raw.start) / n_bytes;
        let to = at(last.raw.end).div_ceil(n_bytes);
        let start = self.raw.start + from * n_characters;
        let raw = Span::new(start, self.raw.end.min(self.raw.start + to * n_characters));
        let bytes = (alphabet.decode)(raw.of(hay));
        visits::add(3 * raw.len());
        let local = |offset: usize| (at(offset) - from * n_bytes).min(bytes.len());
        let (mut text, mut done) = (Vec::new(), 0);
        for change in changes {
            text.extend_from_slice(&bytes[done..local(change.raw.start)]);
            text.extend_from_slice(&change.bytes);
            // What follows keeps its place in its group.
            while (text.len() + bytes.len() - local(change.raw.end)) % n_bytes
                != bytes.len() % n_bytes
            {
                text.push(PADDING);
            }
            done = local(change.raw.end);
        }
        text.extend_from_slice(&bytes[done..]);
        let mut encoded = Vec::new();
        (alphabet.encode)(&text, self.raw.of(hay), &mut encoded);
        let found =
            changes.iter().flat_map(|change| behind(&change.found, self.encoding)).collect();
        (encoded != raw.of(hay)).then_some(Change { raw, bytes: encoded, found })
    }
}

/// Leaves out what `findings` cover, and unites what overlaps.
fn apart(changes: Vec<Change>, findings: &[Finding]) -> Vec<Change> {
    let mut kept: Vec<Change> = Vec::with_capacity(changes.len());
    for change in changes {
        // The parts of one secret stand and fall alone: where its first part is known, the rest of
        // it still goes.
        if is_covered(change.raw, findings) {
            continue;
        }
        match kept.last_mut().filter(|last| change.raw.start < last.raw.end) {
            Some(last) => {
                last.raw.end = last.raw.end.max(change.raw.end);
                last.found.extend(change.found);
            }
            None => kept.push(change),
        }
    }
    kept
}

fn is_covered(raw: Span, findings: &[Finding]) -> bool {
    let next = findings.partition_point(|finding| finding.span.end < raw.end);
    findings.get(next).is_some_and(|finding| finding.span.start <= raw.start)
}

/// A change that overlaps a finding makes it larger and goes, so that no byte that any of them
/// claims survives.
fn absorb(findings: &mut Vec<Finding>, changes: &mut Vec<Change>) {
    changes.retain(|change| {
        let first = findings.partition_point(|finding| finding.span.end <= change.raw.start);
        let Some(finding) =
            findings.get_mut(first).filter(|finding| finding.span.start < change.raw.end)
        else {
            return true;
        };
        finding.span = Span::new(
            finding.span.start.min(change.raw.start),
            finding.span.end.max(change.raw.end),
        );
        false
    });
    findings.dedup_by(|next, kept| {
        let overlaps = next.span.start < kept.span.end;
        if overlaps {
            kept.span.end = kept.span.end.max(next.span.end);
        }
        overlaps
    });
}
