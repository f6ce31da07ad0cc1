//! From a text to its edits: prefilter, candidates, detectors, decoded runs, merge.
//!
//! Every text of every block comes through [`Examiner::examine`]: lines, reassembled records,
//! windows, what was changed and is read again, and what `explain` shows. The answer is a list of
//! edits, in order and disjoint, or that the text could not be examined.

use std::sync::Arc;

use super::{
    decode_and_rescan::Levels,
    engine::{Engine, Input, caught},
};
use crate::{
    detect::{Scanner, Scratch, State},
    finding::Finding,
    redact::{
        Redactor,
        edits::{DecodedFinding, Edits},
    },
    text::span::Span,
};

/// What examines texts: rules, styles, and the memory of decoded texts.
///
/// Findings become edits in this order: detectors find; overlapping findings are merged; decoded
/// runs are found and written back; a finding grows by the decoded edits that overlap it; then
/// placeholders are written, since the styles `mask` and `partial` depend on the whole secret.
pub(super) struct Examiner {
    /// The rules, shared by all forks.
    pub(super) scanner: Arc<Scanner>,
    /// The styles, shared by all forks.
    pub(super) redactor: Arc<Redactor>,
    /// For tests: texts that hold these bytes cannot be examined.
    pub(super) fault: Option<Vec<u8>>,
    levels: Levels,
}

/// The result of an examination, and its memory. The first look at a text and the later ones have
/// one each, so that the second look does not overwrite the findings of the first.
#[derive(Default)]
pub(super) struct Examined {
    /// The findings as they were found; those that the user allows; what reaches over a record.
    pub(super) scratch: Scratch,
    /// Sorted and disjoint.
    pub(super) edits: Edits,
}

impl Examiner {
    pub(super) fn new(scanner: Arc<Scanner>, redactor: Arc<Redactor>) -> Examiner {
        Examiner { scanner, redactor, fault: None, levels: Levels::default() }
    }

    /// Another one with the same rules and styles.
    pub(super) fn fork(&self) -> Examiner {
        let fork = Examiner::new(Arc::clone(&self.scanner), Arc::clone(&self.redactor));
        Examiner { fault: self.fault.clone(), ..fork }
    }

    /// Finds the edits of a text, which begins in `state`; answers whether that was possible.
    pub(super) fn examine(
        &mut self,
        input: Input<'_>,
        state: &mut State,
        examined: &mut Examined,
    ) -> bool {
        let Examiner { scanner, redactor, fault, levels } = self;
        let engine = Engine { scanner, redactor, fault: fault.as_deref() };
        let Examined { scratch, edits } = examined;
        let text = input.text();
        edits.clear();
        if !engine.scan(input, state, scratch) {
            return false;
        }
        let collected = caught(|| {
            let decoded = engine.decode_and_rescan(text, scratch, levels);
            for finding in scratch.findings() {
                edits.push(finding.span, |bytes| redactor.replace(text, finding, bytes));
                edits.add_findings([DecodedFinding::plain(finding.rule)]);
            }
            if !decoded.is_empty() {
                edits.append(&decoded);
                edits.sort();
            }
        });
        if collected.is_none() {
            *levels = Levels::default();
            edits.clear();
            scratch.reset();
        }
        collected.is_some()
    }

    /// For a scan whose findings alone matter.
    pub(super) fn engine(&self) -> Engine<'_> {
        let Examiner { scanner, redactor, fault, .. } = self;
        Engine { scanner, redactor, fault: fault.as_deref() }
    }

    /// Keeps the edits that begin before `part` ends and end after it begins, cut to begin inside;
    /// answers where the last one ends, or the part does.
    pub(super) fn keep_inside(&self, text: &[u8], part: Span, examined: &mut Examined) -> usize {
        let Examined { scratch, edits } = examined;
        edits.retain(|edit| edit.span.start < part.end);
        let end = edits.as_slice().last().map_or(part.end, |edit| edit.span.end.max(part.end));
        edits.retain(|edit| edit.span.end > part.start);
        let Some(first) = edits.as_slice().first().filter(|edit| edit.span.start < part.start)
        else {
            return end;
        };
        let (was, span) = (first.span, Span::new(part.start, first.span.end));
        match scratch.findings().iter().find(|finding| finding.span == was) {
            Some(finding) => edits.replace_first(span, |bytes| {
                self.redactor.replace(text, &Finding { span, ..*finding }, bytes);
            }),
            None => edits.cut_first(span),
        }
        end
    }
}
