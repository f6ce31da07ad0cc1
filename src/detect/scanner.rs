//! From a text to its findings.
//!
//! [`Scanner::prefilter`] finds the anchors of all rules in one pass. [`Scanner::confirm`] hands
//! each of them to the detectors that its rules name, takes away what the user allows, and merges
//! what overlaps. Neither can fail on any bytes, and neither allocates once its scratch has grown.
//!
//! Dispatch is a `match` on [`Target`], so each detector's early refusals are inlined into the loop
//! over candidates.

use super::{
    Candidates, Context, Detector, Scratch, State,
    candidates::Prefiltered,
    email::EmailDetector,
    field_name,
    key_value::KeyValueDetector,
    merge,
    private_key::PrivateKeyDetector,
    rejection::{Rejected, Rejection},
    target::Target,
    token::TokenDetector,
    url::UrlDetector,
};
use crate::{
    finding::Finding,
    prefilter::{Candidate, Cpu, Prefilter, Sign},
    redact::placeholder::Placeholders,
    rules::{Allowances, RuleSet},
    text::{encoding, span::Span},
};

/// Finds secrets in texts. Immutable once built; everything that changes is in [`Scratch`] and
/// [`State`].
pub(crate) struct Scanner {
    pub(super) rules: RuleSet,
    pub(super) prefilter: Prefilter,
    /// For each anchor of the prefilter, the detectors that it leads to.
    pub(super) targets: Vec<Vec<Target>>,
    /// How many of the prefilter's anchors are the rules'. Signs follow them.
    n_anchors: usize,
    /// The number of the first sign that is the marker of an encoding.
    encoding_markers: usize,
    placeholders: Placeholders,
    allowances: Allowances,
    key_value: KeyValueDetector,
    url: UrlDetector,
    email: EmailDetector,
    private_key: PrivateKeyDetector,
}

impl Scanner {
    pub(crate) fn new(rules: RuleSet, placeholders: Placeholders, cpu: Cpu) -> Scanner {
        Scanner::with_signs(rules, placeholders, cpu, &[])
    }

    /// A scanner that also reports where `signs` are: texts that tell how records must be read.
    pub(crate) fn with_signs(
        rules: RuleSet,
        placeholders: Placeholders,
        cpu: Cpu,
        signs: &[Sign<'_>],
    ) -> Scanner {
        let n_signs = signs.len();
        let markers = encoding::markers().map(|marker| Sign::Anywhere(marker.as_bytes()));
        let signs: Vec<Sign<'_>> = signs.iter().copied().chain(markers).collect();
        let (prefilter, anchors) = Prefilter::new(&rules, cpu, &signs);
        Scanner {
            prefilter,
            n_anchors: anchors.len() - signs.len(),
            encoding_markers: n_signs,
            targets: anchors.iter().map(|users| Target::all_of(&rules, users)).collect(),
            key_value: KeyValueDetector::new(&rules),
            url: UrlDetector::new(&rules),
            email: EmailDetector::new(&rules),
            private_key: PrivateKeyDetector::new(&rules),
            placeholders,
            allowances: Allowances::default(),
            rules,
        }
    }

    /// The same, keeping what the user's `allow` entries say is no secret.
    pub(crate) fn allowing(self, allowances: Allowances) -> Scanner {
        Scanner { allowances, ..self }
    }

    pub(crate) fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The name of the detector that refused a candidate: a token rule's id, or what rules call the
    /// detector that they share.
    pub(crate) fn name_of(&self, rejected: &Rejected) -> &str {
        match rejected.target {
            Target::Token(id) => self.rules.get(id).id(),
            target => target.detector(),
        }
    }

    /// The findings of a text that begins and ends on record edges: sorted, disjoint, never
    /// touching.
    pub(crate) fn scan<'s>(
        &self,
        hay: &[u8],
        state: &mut State,
        scratch: &'s mut Scratch,
    ) -> &'s [Finding] {
        let candidates = self.prefilter(hay, scratch);
        self.confirm(candidates, state, scratch)
    }

    /// Finds the candidates and the signs of a text.
    pub(crate) fn prefilter<'t>(&self, hay: &'t [u8], scratch: &mut Scratch) -> Candidates<'t> {
        let mut found = std::mem::take(&mut scratch.prefiltered);
        let Prefiltered { candidates, marks, signs, encoding_markers } = &mut found;
        candidates.clear();
        signs.clear();
        encoding_markers.clear();
        self.prefilter.candidates(hay, candidates, marks);
        candidates.retain(|candidate| {
            let start = candidate.span().start;
            match candidate.anchor().checked_sub(self.n_anchors) {
                None => return true,
                Some(sign) if sign >= self.encoding_markers => encoding_markers.push(start),
                Some(sign) => signs.push((sign, start)),
            }
            false
        });
        Candidates { hay, found }
    }

    /// The findings of a text that was prefiltered: sorted, disjoint, never touching.
    pub(crate) fn confirm<'s>(
        &self,
        candidates: Candidates<'_>,
        state: &mut State,
        scratch: &'s mut Scratch,
    ) -> &'s [Finding] {
        let Candidates { hay, found } = candidates;
        scratch.prefiltered = found;
        let Scratch { prefiltered, findings, allowed, memory, meter, rejected } = &mut *scratch;
        findings.clear();
        allowed.clear();
        memory.clear(self.rules.rules().len());
        if let Some(rejected) = rejected {
            rejected.clear();
        }
        if prefiltered.candidates.is_empty() && !state.is_open() {
            return &[];
        }
        let placeholders = &self.placeholders;
        let mut context = Context { hay, placeholders, findings, state, memory };
        self.private_key.resume(&mut context);
        self.key_value.resume(&mut context);
        for candidate in &prefiltered.candidates {
            for target in &self.targets[candidate.anchor()] {
                let verdict = match meter {
                    None => self.detect(*target, *candidate, &mut context),
                    Some(meter) => {
                        let owner = meter.owner(&self.rules, *target, candidate.span().of(hay));
                        meter.measure(owner, &mut context, |context| {
                            self.detect(*target, *candidate, context)
                        })
                    }
                };
                if let (Some(rejected), Err(rejection)) = (&mut *rejected, verdict) {
                    rejected.push(Rejected::new(hay, candidate.span(), *target, rejection));
                }
            }
        }
        if !self.allowances.is_empty() {
            self.take_allowed(&mut context, allowed);
        }
        merge::merge_overlaps(&self.rules, &mut context);
        &scratch.findings
    }

    /// Asks one detector about one candidate.
    pub(super) fn detect(
        &self,
        target: Target,
        candidate: Candidate,
        context: &mut Context<'_>,
    ) -> Result<(), Rejection> {
        match target {
            Target::Token(id) => {
                TokenDetector { rules: &self.rules, id }.detect(candidate, context)
            }
            Target::KeyValue => self.key_value.detect(candidate, context),
            Target::Url => self.url.detect(candidate, context),
            Target::Email => self.email.detect(candidate, context),
            Target::PrivateKey => self.private_key.detect(candidate, context),
        }
    }

    /// Takes away the findings that the user allows, one by one: what another rule claims of the
    /// same bytes is still replaced.
    fn take_allowed(&self, context: &mut Context<'_>, allowed: &mut Vec<Finding>) {
        let Context { hay, findings, memory, .. } = context;
        let is_allowed = |finding: &mut Finding| {
            let Span { start, .. } = finding.span;
            let name = || field_name::name(hay, memory.records.around(hay, start), start);
            self.allowances.take(finding.rule, finding.span.of(hay), name)
        };
        allowed.extend(findings.extract_if(.., is_allowed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::expand;

    #[test]
    fn a_context_costs_no_finding() {
        let rules = RuleSet::embedded();
        let scanner = || Scanner::new(rules.clone(), Placeholders::new(&rules, []), Cpu::Portable);
        let (plain, mut bare) = (scanner(), scanner());
        let (prefilter, users) = Prefilter::without_contexts(&rules);
        bare.prefilter = prefilter;
        bare.targets = users.iter().map(|users| Target::all_of(&rules, users)).collect();
        let examples =
            rules.rules().iter().flat_map(|rule| rule.hits().iter().chain(rule.misses()));
        for example in examples {
            let text = expand(example).text;
            // As it is, cut at every place, and with each byte of it something else.
            let mut hays: Vec<Vec<u8>> = (0..=text.len()).map(|end| text[..end].to_vec()).collect();
            for (at, byte) in
                (0..text.len()).flat_map(|at| b"a\"\xc3 =@".iter().map(move |byte| (at, *byte)))
            {
                hays.push([&text[..at], &[byte], &text[at + 1..]].concat());
            }
            for hay in hays {
                let found = |scanner: &Scanner| {
                    let mut scratch = Scratch::default();
                    scanner.scan(&hay, &mut State::default(), &mut scratch).to_vec()
                };
                assert_eq!(found(&plain), found(&bare), "{}", hay.escape_ascii());
            }
        }
    }
}
