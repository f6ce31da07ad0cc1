//! stub

use super::{Hit, State};
use crate::{rules::RuleSet, span::Finding};

/// An open block.
#[derive(Clone, Debug)]
pub(crate) struct Open {}

pub(crate) struct KeyBlock {}

impl KeyBlock {
    pub(super) fn new(_rules: &RuleSet) -> KeyBlock {
        KeyBlock {}
    }

    /// Goes on with the block that `state` holds open, from the first byte of `hay`; answers how far it came.
    pub(super) fn resume(&self, _hay: &[u8], _state: &mut State, _findings: &mut Vec<Finding>) -> usize {
        0
    }

    pub(super) fn confirm(&self, _hit: &Hit<'_>, _done: &mut usize, _state: &mut State, _findings: &mut Vec<Finding>) {}
}
