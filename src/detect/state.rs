//! What reaches from one record into the next.
//!
//! The state across records is small and explicit: an open private key (one for each stream of a
//! container), and a key with its value on the lines below it. Each has its own limit on lines or
//! bytes, after which it closes by itself.

use super::{key_value::multiline_value, private_key};
use crate::rules::RuleId;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// A private key without its last line.
    pub(super) key_block: Option<private_key::Open>,
    /// A second one, of a container's other stream. Only set while the first is open.
    pub(super) other_block: Option<private_key::Open>,
    /// A secret key with its value on the lines below it.
    pub(super) below: Option<multiline_value::Open>,
}

impl State {
    /// The same with `below` as the key that waits for its value.
    pub(crate) fn with_below(self, below: Option<multiline_value::Open>) -> State {
        State { below, ..self }
    }

    /// The key that waits for its value.
    pub(crate) fn open_below(&self) -> Option<multiline_value::Open> {
        self.below
    }

    /// Whether a private key is open, in either stream.
    pub(super) fn has_open_key(&self) -> bool {
        self.key_block.is_some() || self.other_block.is_some()
    }

    /// Whether anything is open.
    pub(crate) fn is_open(&self) -> bool {
        self.key_block.is_some() || self.below.is_some()
    }

    /// The same for a scanner with other rules; `number` maps the old rules to the new ones. An
    /// open private key needs no rule. A value below its key stays open only if its rule still
    /// exists.
    pub(crate) fn renumbered(self, number: impl Fn(RuleId) -> Option<RuleId>) -> State {
        State { below: self.below.and_then(|open| open.renumbered(number)), ..self }
    }
}
