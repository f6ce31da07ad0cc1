//! Secrets behind encodings: decoded runs are scanned as texts of their own, and the edits are
//! written back so that the bytes around them still decode.
//!
//! A decoded text may hold encodings again, to [`MAX_DEPTH`]; what still looks encoded below that
//! is masked and counted. A secret in one piece behind escapes is replaced with its escapes. Where
//! colour codes divide it, its first part is replaced, the others are removed, and the codes stay.
//! In base64 and hexadecimal the groups that an edit touches are encoded again; the placeholder is
//! padded so that everything after it keeps its place.

use super::engine::{Engine, Input};
use crate::{
    detect::{
        Prefiltered, Scratch, State,
        decode::{Decoded, Kind, Piece},
    },
    finding::{Finding, Shape},
    redact::{
        self,
        edits::{DecodedFinding, Edit, Edits, EncodingPath, MAX_DEPTH},
    },
    text::{
        encoding::{self, Encoding},
        span::Span,
        visits,
    },
};

/// Pads a placeholder inside base64 or hexadecimal digits.
const PADDING: u8 = b'-';

/// The memory of decoded texts, one for each depth.
#[derive(Default)]
pub(super) struct Levels(Vec<Level>);

/// A decoded text and the scan of it.
#[derive(Default)]
struct Level {
    decoded: Decoded,
    scratch: Scratch,
}

impl Engine<'_> {
    /// The edits of `hay` behind encodings, in order. `scratch` scanned `hay` last. Edits and
    /// findings are disjoint: a finding grows by the edits that overlap it, which are dropped.
    pub(super) fn decode_and_rescan(
        self,
        hay: &[u8],
        scratch: &mut Scratch,
        levels: &mut Levels,
    ) -> Edits {
        levels.0.resize_with(MAX_DEPTH + 1, Level::default);
        let (looked, findings) = scratch.prefiltered();
        let mut edits = self.level(&Scanned { hay, looked, findings }, None, &mut levels.0);
        if !edits.is_empty() {
            absorb(findings, &mut edits);
        }
        edits
    }

    /// The edits of `scanned` behind encodings; it was decoded to `above` itself, or is the block.
    fn level(self, scanned: &Scanned<'_>, above: Option<&Decoded>, levels: &mut [Level]) -> Edits {
        let Scanned { hay, looked, findings } = *scanned;
        let Some((Level { decoded, scratch }, deeper)) = levels.split_first_mut() else {
            return Edits::default();
        };
        let is_new = |run: Span| above.is_none_or(|above| is_new(above, run));
        // The block is one part, so that a clean one costs no allocation.
        let (whole, inner) = ([Span::new(0, hay.len())], above.map(|above| above.parts(looked)));
        decoded.read(hay, looked, inner.as_deref().unwrap_or(&whole), is_new);
        if decoded.pieces.is_empty() {
            return Edits::default();
        }
        if deeper.is_empty() {
            return too_deep(decoded);
        }
        if !self.scan_pieces(decoded, scratch) {
            return all_masked(decoded);
        }
        let text = decoded.source_map.text();
        let mut found = std::mem::take(scratch.findings_mut());
        let (looked, _) = scratch.prefiltered();
        let inner = Scanned { hay: text, looked, findings: &found };
        let mut edits = self.level(&inner, Some(decoded), deeper);
        absorb(&mut found, &mut edits);
        found.iter().for_each(|finding| self.push_edit(hay, decoded, finding, &mut edits));
        edits.sort();
        let mapped = map_back(hay, decoded, &edits);
        *scratch.findings_mut() = found;
        apart(&mapped, findings)
    }

    /// Scans the decoded text; answers whether that was possible. A finding that reaches over the
    /// end of its line is cut to its piece.
    fn scan_pieces(self, decoded: &Decoded, scratch: &mut Scratch) -> bool {
        let text = decoded.source_map.text();
        if !self.scan_decoded(text, scratch) {
            return false;
        }
        if !scratch.met_open() {
            return true;
        }
        let mut all = Vec::new();
        for piece in &decoded.pieces {
            if !self.scan_decoded(piece.text.of(text), scratch) {
                return false;
            }
            all.extend(scratch.findings().iter().map(|found| shifted(found, piece.text.start)));
        }
        // The candidates are those of a piece now; the next level needs those of the text.
        let candidates = self.scanner.prefilter(text, scratch);
        scratch.recycle(candidates);
        *scratch.findings_mut() = all;
        true
    }

    /// Scans a decoded text, in which nothing is open.
    fn scan_decoded(self, text: &[u8], scratch: &mut Scratch) -> bool {
        self.scan(Input::Text(text), &mut State::default(), scratch)
    }

    /// Adds the edit of a finding in the decoded text.
    fn push_edit(self, hay: &[u8], decoded: &Decoded, finding: &Finding, edits: &mut Edits) {
        let text = decoded.source_map.text();
        edits.push(finding.span, |bytes| match finding.shape {
            Shape::Text => self.redactor.replace(text, finding, bytes),
            // The quotes are encoded like those around them.
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
                self.redactor.replace(text, &Finding::text(finding.span, finding.rule), bytes);
                bytes.extend_from_slice(&quote);
            }
        });
        edits.add_findings([DecodedFinding::plain(finding.rule)]);
    }
}

/// A text that was scanned: its prefilter pass and its findings.
#[derive(Clone, Copy)]
struct Scanned<'s> {
    hay: &'s [u8],
    looked: &'s Prefiltered,
    findings: &'s [Finding],
}

/// A finding in a piece as one in the text, where the piece begins at `by`.
fn shifted(finding: &Finding, by: usize) -> Finding {
    let shape = match finding.shape {
        Shape::Text => Shape::Text,
        Shape::Scalar { quote } => Shape::Scalar { quote: shift(quote, by) },
    };
    Finding { span: shift(finding.span, by), shape, ..*finding }
}

fn shift(span: Span, by: usize) -> Span {
    Span::new(span.start + by, span.end + by)
}

/// Whether a run is decoded at this depth: it was decoded itself, or only the escapes around it
/// made it one run.
fn is_new(above: &Decoded, run: Span) -> bool {
    above.piece(run.start).is_none_or(|piece| match piece.kind {
        Kind::Blob { .. } => true,
        Kind::Escapes => above.has_escape(run),
    })
}

/// Masks everything that could be decoded once more.
fn too_deep(decoded: &Decoded) -> Edits {
    let mut edits = Edits::default();
    for piece in &decoded.pieces {
        match piece.kind {
            Kind::Blob { .. } => push_masked(decoded, piece.text, piece, &mut edits),
            Kind::Escapes => decoded
                .escaped_words(piece)
                .into_iter()
                .for_each(|word| push_masked(decoded, word, piece, &mut edits)),
        }
    }
    edits.sort();
    apart(&edits, &[])
}

/// Masks every piece, because the text could not be scanned.
fn all_masked(decoded: &Decoded) -> Edits {
    let mut edits = Edits::default();
    decoded.pieces.iter().for_each(|piece| push_masked(decoded, piece.text, piece, &mut edits));
    edits.sort();
    apart(&edits, &[])
}

/// Adds the edit of a span that cannot be examined.
fn push_masked(decoded: &Decoded, span: Span, piece: &Piece, edits: &mut Edits) {
    let raw = match piece.kind {
        Kind::Blob { raw, .. } => raw,
        Kind::Escapes => {
            let mut spans = decoded.source_map.in_block(span);
            let Some(first) = spans.next() else { return };
            Span::new(first.start, spans.last().unwrap_or(first).end)
        }
    };
    let path = EncodingPath::default().behind(decoded.encoding(piece, span));
    edits.push(raw, |bytes| bytes.extend_from_slice(redact::RECORD));
    edits.add_findings([DecodedFinding { rule: None, path }]);
}

/// The edits of the decoded text as edits of the bytes that it was decoded from.
fn map_back(hay: &[u8], decoded: &Decoded, edits: &Edits) -> Edits {
    let mut mapped = Edits::default();
    let mut rest = edits.as_slice();
    for piece in &decoded.pieces {
        let n_inside = rest.iter().take_while(|edit| edit.span.start <= piece.text.end).count();
        let inside;
        (inside, rest) = rest.split_at(n_inside);
        match piece.kind {
            _ if inside.is_empty() => {}
            Kind::Escapes => {
                for edit in inside {
                    push_escaped(decoded, piece, (edits, edit), &mut mapped);
                }
            }
            Kind::Blob { encoding, raw, before } => {
                let blob = Blob { encoding, raw, before, start: piece.text.start };
                blob.push_encoded(hay, (edits, inside), &mut mapped);
            }
        }
    }
    mapped.sort();
    mapped
}

/// Adds an edit of a text behind escapes. Where colour codes divide it, the first part takes the
/// replacement and the findings.
fn push_escaped(decoded: &Decoded, piece: &Piece, edit: (&Edits, &Edit), mapped: &mut Edits) {
    let (edits, edit) = edit;
    let encoding = decoded.encoding(piece, edit.span);
    let mut is_first = true;
    for raw in decoded.source_map.in_block(edit.span).filter(|raw| !raw.is_empty()) {
        let replacement = if is_first { edits.replacement(edit) } else { b"" };
        mapped.push(raw, |bytes| bytes.extend_from_slice(replacement));
        if is_first {
            mapped.add_findings(behind(edits.findings(edit), encoding));
        }
        is_first = false;
    }
}

/// The same findings, one encoding further in.
fn behind(
    findings: &[DecodedFinding],
    encoding: Encoding,
) -> impl Iterator<Item = DecodedFinding> + '_ {
    findings.iter().map(move |one| DecodedFinding { path: one.path.behind(encoding), ..*one })
}

/// A text in base64 or hexadecimal digits.
struct Blob {
    encoding: Encoding,
    raw: Span,
    /// How many bytes are decoded before those of the piece.
    before: usize,
    /// Where the piece begins in the decoded text.
    start: usize,
}

impl Blob {
    /// Adds one edit for all of `inside`: the groups that they touch, encoded again. Adds nothing
    /// where that changes nothing.
    fn push_encoded(&self, hay: &[u8], inside: (&Edits, &[Edit]), mapped: &mut Edits) {
        let (edits, inside) = inside;
        let (Some(first), Some(last)) = (inside.first(), inside.last()) else { return };
        let Some(alphabet) = self.encoding.blob() else { return };
        let encoding::Blob { n_bytes, n_characters, .. } = *alphabet;
        let at = |offset: usize| offset - self.start + self.before;
        let from = at(first.span.start) / n_bytes;
        let to = at(last.span.end).div_ceil(n_bytes);
        let start = self.raw.start + from * n_characters;
        let raw = Span::new(start, self.raw.end.min(self.raw.start + to * n_characters));
        let bytes = (alphabet.decode)(raw.of(hay));
        visits::add(3 * raw.len());
        let local = |offset: usize| (at(offset) - from * n_bytes).min(bytes.len());
        let (mut text, mut done) = (Vec::new(), 0);
        for edit in inside {
            text.extend_from_slice(&bytes[done..local(edit.span.start)]);
            text.extend_from_slice(edits.replacement(edit));
            done = local(edit.span.end);
            // What follows keeps its place in its group.
            while (text.len() + bytes.len() - done) % n_bytes != bytes.len() % n_bytes {
                text.push(PADDING);
            }
        }
        text.extend_from_slice(&bytes[done..]);
        let mut encoded = Vec::new();
        (alphabet.encode)(&text, self.raw.of(hay), &mut encoded);
        if encoded != raw.of(hay) {
            mapped.push(raw, |bytes| bytes.extend_from_slice(&encoded));
            for edit in inside {
                mapped.add_findings(behind(edits.findings(edit), self.encoding));
            }
        }
    }
}

/// Leaves out the edits that `findings` cover, and unites those that overlap.
fn apart(edits: &Edits, findings: &[Finding]) -> Edits {
    let mut kept = Edits::default();
    for edit in edits.as_slice() {
        // Each part of a divided secret is judged alone: where a finding covers its first part,
        // the other parts are still removed.
        if is_covered(edit.span, findings) {
            continue;
        }
        let overlaps = kept.as_slice().last().is_some_and(|last| edit.span.start < last.span.end);
        if overlaps {
            kept.extend_last(edit.span.end);
        } else {
            kept.push(edit.span, |bytes| bytes.extend_from_slice(edits.replacement(edit)));
        }
        kept.add_findings(edits.findings(edit).iter().copied());
    }
    kept
}

/// Whether one of `findings` covers all of `raw`.
fn is_covered(raw: Span, findings: &[Finding]) -> bool {
    let next = findings.partition_point(|finding| finding.span.end < raw.end);
    findings.get(next).is_some_and(|finding| finding.span.start <= raw.start)
}

/// An edit that overlaps a finding is dropped and the finding takes its bytes, so that no byte that
/// either of them claims survives.
fn absorb(findings: &mut Vec<Finding>, edits: &mut Edits) {
    edits.retain(|edit| {
        let first = findings.partition_point(|finding| finding.span.end <= edit.span.start);
        let Some(finding) =
            findings.get_mut(first).filter(|finding| finding.span.start < edit.span.end)
        else {
            return true;
        };
        finding.span =
            Span::new(finding.span.start.min(edit.span.start), finding.span.end.max(edit.span.end));
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

#[cfg(test)]
mod tests {
    use crate::{Outcome, policy::Policy, scrub::tests::scrubber, text::base64};

    #[test]
    fn only_the_decoded_run_that_fails_is_masked() {
        let mut scrubber = scrubber(&Policy::new());
        scrubber.fail_on(b"BOOM");
        let mut hay = b"one ".to_vec();
        base64::encode(b"the quick brown fox BOOM jumps over the dog", b"", &mut hay);
        hay.extend_from_slice(b" acme_kkkkkkkkkkkkkkkkkkkkkkkkk\n");
        let mut out = Vec::new();
        assert_eq!(scrubber.scrub_block(&hay, &mut out), Outcome::Changed);
        assert_eq!(out, b"one REDACTED-record REDACTED-acme-token\n");
    }
}
