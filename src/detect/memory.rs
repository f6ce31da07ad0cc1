//! What detectors remember of the text that they examine.
//!
//! The memory keeps a text linear: a second anchor of the same thing costs nothing, and a run that
//! holds many candidates is walked once. It belongs to one worker, is cleared between texts and
//! keeps its allocations.

use super::{context::Records, email, key_value, token, url};

/// See the module.
#[derive(Default)]
pub(crate) struct Memory {
    pub(super) records: Records,
    pub(super) token: token::Caches,
    pub(super) key_value: key_value::Memory,
    pub(super) url: url::Progress,
    pub(super) email: email::Progress,
    /// The end of the private keys that were examined.
    pub(super) private_key: usize,
}

impl Memory {
    /// A new text begins: nothing of it is known.
    pub(super) fn clear(&mut self, n_rules: usize) {
        self.records.clear();
        self.token.begin(n_rules);
        self.key_value.clear();
        self.url = url::Progress::default();
        self.email = email::Progress::default();
        self.private_key = 0;
    }
}
