//! From bytes to findings.
//!
//! One pass of the prefilter finds the anchors of all rules in a text: the [`Candidates`]. Each
//! anchor leads to one or more [`Detector`]s. A detector looks around the anchor, and either adds a
//! finding or answers why there is none ([`rejection::Rejection`]). Overlapping findings are merged
//! to their union. Scanning cannot fail on any bytes, does no I/O, takes no lock, and allocates
//! nothing once its scratch has grown.
//!
//! What crosses records is small and explicit: [`State`] holds an open private key, one for each
//! stream of a container, and a key with its value on the lines below it.
//!
//! To add a detector: write its file with an implementation of [`Detector`], and add it to
//! [`target::Target`].

mod candidates;
mod context;
pub(crate) mod cost;
pub(crate) mod decode;
mod memory;
mod meter;
pub(crate) mod rejection;
mod scanner;
mod scratch;
mod state;
mod target;

mod email;
pub(crate) mod key_value;
mod private_key;
pub(crate) mod token;
mod url;
pub(crate) mod validators;

mod byte_class;
pub(crate) mod edge;
mod field_name;
mod merge;
#[cfg(test)]
pub(crate) mod oracle;
mod search_memo;
pub(crate) mod strip_ansi;
mod value;
mod words;

pub(crate) use self::{
    candidates::{Candidates, Prefiltered},
    scanner::Scanner,
    scratch::Scratch,
    state::State,
};
use self::{
    context::{Context, Located},
    memory::Memory,
    rejection::Rejection,
};
use crate::prefilter::Candidate;

/// The longest secret, in bytes, that is found whole in any place. A value whose end is found by
/// one walk over its record may be longer; a detector that would have to read a text again looks no
/// further than this.
pub(crate) const MAX_SECRET: usize = 64 << 10;

/// Decides whether a candidate is a secret.
///
/// Anchors come in the order of the text, and every occurrence of every anchor comes, also inside
/// what was found already. An implementation must:
///
/// - refuse by the bytes beside the anchor before it asks [`Context::locate`] for the record, since
///   most candidates in clean logs are refused and finding line ends is the dearest part;
/// - look at nothing outside the record, so that no finding depends on how the input is cut;
/// - remember in [`Memory`] what it walked, so that a record of `n` candidates costs its length and
///   not `n` times its length.
pub(crate) trait Detector {
    /// Adds what it finds at `candidate` to the context's findings, or answers why there is
    /// nothing.
    fn detect(&self, candidate: Candidate, context: &mut Context<'_>) -> Result<(), Rejection>;
}
