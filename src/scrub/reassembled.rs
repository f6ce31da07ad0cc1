//! Blocks whose records do not all stand by themselves: searched as the text that a [`Reassembly`]
//! makes of them, replaced where they stand.
//!
//! A secret that lies in several parts is replaced where it begins and removed from the parts that
//! follow; each part keeps its head, and the number and order of lines stay. A field that has its
//! length before it gets the new one, bytes that are written as numbers stay numbers.

use super::{Again, Both, MAX_ROUNDS, Outcome, Scrubber};
use crate::{
    detect::{Scanner, State},
    finding::Finding,
    frame::reassembly::{FlushPolicy, Reassembly, StreamState},
    policy::OnError,
    redact::{self, Spliced},
    text::{line, span::Span, visits},
};

/// Bytes of the block, and what stands in their place.
#[derive(Clone, Copy, Debug)]
struct Edit {
    raw: Span,
    /// In [`Edits::bytes`].
    text: Span,
}

/// What changes in a block, in the order of the block; nothing of it overlaps.
#[derive(Default)]
pub(super) struct Edits {
    list: Vec<Edit>,
    bytes: Vec<u8>,
}

impl Edits {
    fn push(&mut self, raw: Span, text: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        self.list.push(Edit { raw, text: Span::new(start, self.bytes.len()) });
    }

    /// `text` stands in place of the first of `spans`, nothing in place of the others.
    fn replace(&mut self, spans: impl IntoIterator<Item = Span>, text: &[u8], numbers: &[Span]) {
        let mut text = text;
        for raw in spans.into_iter().filter(|raw| !raw.is_empty()) {
            match numbers
                .iter()
                .find(|numbers| numbers.start <= raw.start && raw.end <= numbers.end)
            {
                Some(numbers) => self.push_numbers(raw, text, *numbers),
                None => self.push(raw, text),
            }
            text = b"";
        }
    }

    /// The same where bytes are written as numbers.
    fn push_numbers(&mut self, mut raw: Span, text: &[u8], numbers: Span) {
        let mut written = Vec::new();
        for byte in text {
            // All but the first of an array have a comma before them.
            if raw.start > numbers.start || !written.is_empty() {
                written.push(b',');
            }
            written.extend_from_slice(byte.to_string().as_bytes());
        }
        if text.is_empty() && raw.start == numbers.start && raw.end < numbers.end {
            raw.end += 1;
        }
        self.push(raw, &written);
    }

    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.bytes.clear();
    }

    /// What stands in place of `raw`, where something does.
    pub(super) fn of(&self, raw: Span) -> Option<&[u8]> {
        let at = self.list.binary_search_by_key(&raw.start, |edit| edit.raw.start).ok()?;
        Some(self.list[at].text.of(&self.bytes)).filter(|_| self.list[at].raw == raw)
    }

    /// Findings get the spans of the edits that begin where they do: numbers go with a comma beside
    /// them.
    pub(super) fn name_spans(&self, findings: &mut [Finding]) {
        for finding in findings {
            let at = self.list.binary_search_by_key(&finding.span.start, |edit| edit.raw.start);
            finding.span = at.map_or(finding.span, |at| self.list[at].raw);
        }
    }

    fn overlap(&self, span: Span) -> bool {
        self.list.iter().any(|edit| edit.raw.start < span.end && span.start < edit.raw.end)
    }

    fn sort(&mut self) {
        self.list.sort_unstable_by_key(|edit| edit.raw.start);
    }

    /// How much longer what lies in `span` becomes, and whether anything of it changes.
    fn growth(&self, span: Span) -> isize {
        let first = self.list.partition_point(|edit| edit.raw.end <= span.start);
        let inside = self.list[first..].iter().take_while(|edit| edit.raw.start < span.end);
        inside.map(|edit| edit.text.len().cast_signed() - edit.raw.len().cast_signed()).sum()
    }

    /// Appends what `span` of `hay` becomes.
    fn apply(&self, hay: &[u8], span: Span, out: &mut Vec<u8>) {
        visits::add(span.len());
        let mut done = span.start;
        let first = self.list.partition_point(|edit| edit.raw.start < span.start);
        for edit in self.list[first..].iter().take_while(|edit| edit.raw.end <= span.end) {
            out.extend_from_slice(&hay[done..edit.raw.start]);
            out.extend_from_slice(edit.text.of(&self.bytes));
            done = edit.raw.end;
        }
        out.extend_from_slice(&hay[done..span.end]);
    }
}

/// What was known before a block.
pub(super) struct Before {
    pub(super) state: State,
    pub(super) stream_state: StreamState,
}

impl Scrubber {
    /// Scrubs a segment of `hay`, which `reassembly` has laid out. What is clean is not handed to
    /// `out`.
    pub(super) fn scrub_joined(
        &mut self,
        hay: &[u8],
        reassembly: &Reassembly,
        segment: Span,
        before: Before,
        out: &mut Spliced,
    ) -> Outcome {
        let text = reassembly.source_map().text();
        let n_findings = self.examine_through(text, Scanner::scan);
        self.count_allowed(Span::new(0, text.len()));
        if n_findings.is_none() {
            return self.withhold_joined(hay, reassembly, segment, before, out);
        }
        let mut edits = self.edits(reassembly, segment);
        let is_settled = self.is_settled(reassembly);
        self.mask_tails(hay, reassembly, segment, &mut edits);
        keep_lengths(reassembly, segment, &mut edits);
        if edits.list.is_empty() {
            return Outcome::Clean;
        }
        if is_settled {
            self.write_edits(hay, segment, &edits, out);
        } else {
            self.write_settled(hay, segment, &edits, before, out);
        }
        Outcome::Changed
    }

    /// The scratch's findings in the block's own bytes.
    pub(super) fn edits(&self, reassembly: &Reassembly, segment: Span) -> Edits {
        let source_map = reassembly.source_map();
        let mut edits = Edits::default();
        let mut text = Vec::new();
        for finding in self.scratch.findings() {
            text.clear();
            self.redactor.replace(source_map.text(), finding, &mut text);
            edits.replace(source_map.in_block(finding.span), &text, reassembly.numbers(segment));
        }
        for change in &self.changes {
            edits.replace(
                source_map.in_block(change.raw),
                &change.bytes,
                reassembly.numbers(segment),
            );
        }
        edits.sort();
        edits
    }

    /// Counts the scratch's findings; answers whether nothing more is found in what the records
    /// become.
    fn is_settled(&mut self, reassembly: &Reassembly) -> bool {
        let mut again = std::mem::take(&mut self.again);
        self.gather(reassembly.source_map().text(), &mut again);
        let is_settled = again.records.is_empty() || self.finds_nothing(&mut again);
        self.again = again;
        is_settled
    }

    fn finds_nothing(&mut self, again: &mut Again) -> bool {
        let is_examined = self.scan_again(&again.text, &mut again.scratch);
        is_examined
            && again.scratch.findings().is_empty()
            && self.changes.is_empty()
            && !again.scratch.met_open()
    }

    /// What could be the beginning of a secret whose rest did not come in time.
    fn mask_tails(
        &mut self,
        hay: &[u8],
        reassembly: &Reassembly,
        segment: Span,
        edits: &mut Edits,
    ) {
        for tail in reassembly.tails(hay, segment) {
            if !tail.iter().any(|span| edits.overlap(*span)) {
                edits.replace(tail, redact::RECORD, reassembly.numbers(segment));
                edits.sort();
            }
        }
    }

    /// Hands on a segment with its edits, each record that changes once it was re-read.
    fn write_edits(&mut self, hay: &[u8], segment: Span, edits: &Edits, out: &mut Spliced) {
        let mut done = segment.start;
        let mut rest = edits.list.as_slice();
        while let Some(first) = rest.first() {
            let mut record = line::around(hay, first.raw.start);
            let mut n_edits = 0;
            // An edit may reach over the end of a line, where a value has lines.
            while let Some(edit) =
                rest.get(n_edits).filter(|edit| edit.raw.start < record.end.max(record.start + 1))
            {
                record.end = record.end.max(edit.raw.end);
                n_edits += 1;
            }
            rest = &rest[n_edits.max(1)..];
            out.keep(hay, Span::new(done, record.start));
            out.write(|text| {
                let start = text.len();
                edits.apply(hay, record, text);
                self.guard(record.of(hay), start, text);
            });
            done = record.end;
        }
        out.keep(hay, Span::new(done, segment.end));
    }

    /// The same where what is left may hold findings still: what came of it is read again until it
    /// does not.
    fn write_settled(
        &mut self,
        hay: &[u8],
        segment: Span,
        edits: &Edits,
        before: Before,
        out: &mut Spliced,
    ) {
        let mut now = Vec::new();
        edits.apply(hay, segment, &mut now);
        let mut reassembly = Reassembly::default();
        let after = self.state.clone();
        for _ in 0..MAX_ROUNDS {
            let mut stream_state = before.stream_state.clone();
            self.scanner.look(&now, &mut self.scratch);
            reassembly.read(
                &now,
                self.scratch.signs(),
                self.format,
                FlushPolicy::AT_END,
                &mut stream_state,
            );
            self.state = before.state.clone();
            let all = Span::new(0, now.len());
            reassembly.render(&now, all);
            let n_found = self.examine_through(reassembly.source_map().text(), Scanner::scan);
            if n_found.unwrap_or(0) == 0 {
                break;
            }
            let mut edits = self.edits(&reassembly, all);
            if edits.list.is_empty() {
                break;
            }
            let (findings, changes) =
                (std::mem::take(self.scratch.findings_mut()), std::mem::take(&mut self.changes));
            self.count_both(Both { findings: &findings, changes: &changes });
            keep_lengths(&reassembly, all, &mut edits);
            let mut next = Vec::new();
            edits.apply(&now, all, &mut next);
            now = next;
        }
        self.state = after;
        out.write(|text| self.guard_lines(segment.of(hay), &now, text));
    }

    /// A segment in which something failed: what was cut into parts is withheld, and every other
    /// record examined by itself.
    fn withhold_joined(
        &mut self,
        hay: &[u8],
        reassembly: &Reassembly,
        segment: Span,
        before: Before,
        out: &mut Spliced,
    ) -> Outcome {
        self.state = before.state;
        if self.on_error == OnError::Stop {
            return Outcome::Stopped;
        }
        let mut start = segment.start;
        while start < segment.end {
            let end = line::next(&hay[..segment.end], start);
            if reassembly.touches(Span::new(start, end)) {
                out.write(|text| self.withhold(&hay[start..end], text));
            } else {
                self.one_alone(hay, Span::new(start, end), out);
            }
            start = end;
        }
        Outcome::Changed
    }
}

/// Turns findings in the text of a reassembly into those in its block: one for each of its places that
/// a secret lies in.
pub(super) fn in_block(reassembly: &Reassembly, findings: &mut Vec<Finding>) {
    let places = |finding: &Finding| {
        let rule = finding.rule;
        let places = reassembly.source_map().in_block(finding.span).filter(|raw| !raw.is_empty());
        places.map(|raw| Finding::text(raw, rule)).collect::<Vec<_>>()
    };
    *findings = findings.iter().flat_map(places).collect();
    findings.sort_unstable_by_key(|finding| finding.span.start);
}

/// A change in the text of a reassembly where its first byte stands in the block.
#[cfg(feature = "cli")]
pub(super) fn in_place(reassembly: &Reassembly, change: super::Change) -> super::Change {
    super::Change { raw: first_place(reassembly, change.raw), ..change }
}

/// Where the first byte of a span of the text stands in the block.
#[cfg(feature = "cli")]
pub(super) fn first_place(reassembly: &Reassembly, span: Span) -> Span {
    reassembly.source_map().in_block(span).next().unwrap_or_default()
}

/// Edits the lengths of fields whose values change.
fn keep_lengths(reassembly: &Reassembly, segment: Span, edits: &mut Edits) {
    let mut changed = Vec::new();
    for field in reassembly.fields(segment) {
        let growth = edits.growth(field.value);
        if growth != 0 {
            changed.push((field.length, (field.value.len().cast_signed() + growth) as u64));
        }
    }
    for (raw, length) in changed {
        edits.push(raw, &length.to_le_bytes());
    }
    edits.sort();
}
