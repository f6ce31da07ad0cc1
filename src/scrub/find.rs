//! What a block changes at the first look, found and not replaced.

use super::{Scrubber, engine::Input, text::Text};
use crate::{
    detect::Candidates,
    finding::{Finding, Shape},
    frame::{
        flush::{FlushPolicy, InputState},
        reassembly::Reassembly,
    },
    rules::RuleId,
    text::span::Span,
};

impl Scrubber {
    /// The findings of one block, in order: what [`Scrubber::scrub_block`] replaces at its first
    /// look. State is carried on as there.
    ///
    /// A secret that lies in several records is a finding in each of them.
    ///
    /// `None`: `scrub_block` masks something of the block that no rule names, because it cannot be
    /// examined. Then the findings alone must not decide what is handed on.
    pub fn find(&mut self, hay: &[u8]) -> Option<&[Finding]> {
        let candidates = self.prefilter(hay);
        let survey = self.survey(&candidates, InputState::Ended);
        self.content = survey.content_after;
        if !survey.runs.is_empty() {
            self.first.scratch.recycle(candidates);
            return None;
        }
        let mut reassembly = std::mem::take(&mut self.reassembly);
        let is_examined = self.find_in(candidates, FlushPolicy::AT_END, &mut reassembly);
        self.reassembly = reassembly;
        is_examined.then_some(self.found.as_slice())
    }

    /// Appends the replacement of `finding`, which was found last. It is empty in the later parts
    /// of a secret that is divided by colour codes or lies in several records.
    pub fn replacement(&self, hay: &[u8], finding: &Finding, out: &mut Vec<u8>) {
        let edits = &self.first.edits;
        match edits.at(finding.span) {
            Some(edit) => out.extend_from_slice(edits.replacement(edit)),
            None => self.examiner.redactor.replace(hay, finding, out),
        }
    }

    /// Finds what changes in the records of a block up to the end of `reassembly`; answers whether
    /// all of it could be examined. The findings and the edits are those of the block.
    pub(super) fn find_in(
        &mut self,
        candidates: Candidates<'_>,
        flush: FlushPolicy,
        reassembly: &mut Reassembly,
    ) -> bool {
        let (hay, signs) = (candidates.text(), candidates.signs());
        reassembly.read(hay, signs, self.format, flush, &mut self.stream_state);
        let records = Span::new(0, reassembly.end());
        let is_examined = if reassembly.segments().is_empty() {
            self.examine(Input::Prefiltered(candidates.before(records.end)))
                && self.collect(Text::Block(records.of(hay)), &[])
        } else {
            self.first.scratch.recycle(candidates);
            reassembly.render(hay, records);
            let text = Text::Mapped(reassembly.source_map());
            self.examine(Input::Text(text.bytes()))
                && self.collect(text, reassembly.numbers(records))
        };
        if !is_examined {
            self.found.clear();
        }
        is_examined
    }

    /// Collects the findings of the text that was examined last, and its edits, in the block;
    /// answers whether every edit has a rule.
    pub(super) fn collect(&mut self, text: Text<'_>, numbers: &[Span]) -> bool {
        self.found.clear();
        let (edits, plain) = (&self.first.edits, self.first.scratch.findings());
        let (mut rule, mut is_examined, mut next) = (None, true, 0);
        for edit in edits.as_slice() {
            let found = edits.findings(edit);
            is_examined &= found.iter().all(|one| one.rule.is_some());
            // The later parts of a divided secret are named like its first part.
            rule = found.iter().find_map(|one| one.rule).or(rule);
            next += plain[next..].iter().take_while(|one| one.span.end <= edit.span.start).count();
            let shape = plain.get(next).filter(|one| one.span == edit.span).map(|one| one.shape);
            self.found.extend(
                rule.map(|rule| (edit.span, rule, shape))
                    .into_iter()
                    .flat_map(|(span, rule, shape)| findings_in_block(text, span, (rule, shape))),
            );
        }
        if let Text::Mapped(_) = text {
            self.found.sort_unstable_by_key(|finding| finding.span.start);
            self.first.edits = text.edits_in_block(edits, numbers);
            // A number goes with the comma beside it.
            for finding in &mut self.found {
                let edit = self.first.edits.starting_at(finding.span.start);
                finding.span = edit.map_or(finding.span, |edit| edit.span);
            }
        }
        is_examined
    }
}

/// The findings in the block that a finding in the text becomes: one for each of its places.
fn findings_in_block(
    text: Text<'_>,
    span: Span,
    (rule, shape): (RuleId, Option<Shape>),
) -> impl Iterator<Item = Finding> {
    let shape = shape.filter(|_| matches!(text, Text::Block(_))).unwrap_or(Shape::Text);
    text.in_block(span).map(move |span| Finding { span, rule, shape })
}
