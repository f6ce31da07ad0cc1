//! The detector that an anchor leads to.

use crate::rules::{Recogniser, RuleId, RuleSet};

/// The detector that an anchor leads to: a token rule's own, or one that several rules share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Token(RuleId),
    KeyValue,
    Url,
    Email,
    PrivateKey,
}

impl Target {
    /// The detector of a rule.
    fn of(rules: &RuleSet, id: RuleId) -> Target {
        match rules.get(id).recogniser {
            Recogniser::Token(_) => Target::Token(id),
            Recogniser::Assign(_) => Target::KeyValue,
            Recogniser::Url(_) => Target::Url,
            Recogniser::Email => Target::Email,
            Recogniser::KeyBlock => Target::PrivateKey,
        }
    }

    /// The name of the detector in rule files.
    pub(super) fn detector(self) -> &'static str {
        match self {
            Target::Token(_) => "token",
            Target::KeyValue => "assign",
            Target::Url => "url",
            Target::Email => "email",
            Target::PrivateKey => "key_block",
        }
    }

    /// The detectors of an anchor that `users` have, each once.
    pub(super) fn all_of(rules: &RuleSet, users: &[RuleId]) -> Vec<Target> {
        let mut targets: Vec<Target> = Vec::with_capacity(users.len());
        for target in users.iter().map(|id| Target::of(rules, *id)) {
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        targets
    }
}
