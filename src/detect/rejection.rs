//! What became of each candidate, for whoever asks why something was not found.
//!
//! A recogniser answers what refuted a candidate. Scanning needs no answer and pays next to nothing
//! for it; `explain --why` has them written down.

use super::Target;
use crate::text::span::Span;

/// What refutes a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doubt(pub(crate) &'static str);

/// Whether a candidate led to a finding. A doubt is an answer and no failure: asking cannot fail.
pub(crate) type Answer = Result<(), Doubt>;

/// Another candidate led to the same place before.
pub(super) const SETTLED: Doubt = Doubt("an anchor before it has settled what stands here");

/// What stands there is what stands in place of a secret.
pub(super) const PLACEHOLDER: Doubt =
    Doubt("a placeholder, or a stand-in that nobody has filled in");

/// Every rule is off whose anchor it could be.
pub(super) const OFF: Doubt = Doubt("the rule is off");

/// A candidate that led to no finding.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "`explain --why` alone reads it"))]
pub(crate) struct Doubted {
    /// Where the anchor stands.
    pub(crate) anchor: Span,
    /// The anchor as it was found: where a block is read otherwise than as it is, other bytes stand
    /// at its place.
    pub(crate) text: Box<[u8]>,
    pub(super) target: Target,
    pub(crate) doubt: Doubt,
}
