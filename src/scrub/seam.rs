//! Blocks of several inputs that take turns, as the chunks of a forwarder do.

use super::{Outcome, Scrubber};
use crate::{
    detect::State,
    frame::{flush::FlushPolicy, stream_state::StreamState},
    policy::OnError,
    rules::RuleSet,
};

/// What is open after a block: a record whose rest has not come, a private key without its end.
#[derive(Default)]
pub(crate) struct Seam {
    state: State,
    stream_state: StreamState,
}

impl Seam {
    /// Continues with the rules of `now` in place of those of `before`.
    pub(crate) fn renumber(&mut self, before: &RuleSet, now: &RuleSet) {
        let state = std::mem::take(&mut self.state);
        self.state = state.renumbered(|rule| now.number_of(before.get(rule).id()));
    }

    /// Whether the next block continues something.
    pub(crate) fn is_open(&self) -> bool {
        self.state.is_open() || !self.stream_state.is_empty()
    }

    /// The bytes of records that it keeps.
    pub(crate) fn n_bytes(&self) -> usize {
        self.stream_state.n_bytes()
    }

    /// Drops them. An open private key stays open: that takes next to nothing.
    pub(crate) fn forget(&mut self) {
        self.stream_state.forget();
    }
}

impl std::fmt::Debug for Seam {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is open may be a secret.
        write!(f, "Seam({})", if self.is_open() { "open" } else { "closed" })
    }
}

impl Scrubber {
    /// The same with another action for records that cannot be examined.
    pub(crate) fn acting(mut self, on_error: OnError) -> Scrubber {
        self.on_error = on_error;
        self
    }

    /// Scrubs a block that continues after `seam` and cannot wait for what follows. A part whose
    /// rest is not there is scrubbed as it is, with its end masked where that could begin a secret;
    /// its rest is judged with what came before it.
    pub(crate) fn scrub_behind(
        &mut self,
        seam: &mut Seam,
        hay: &[u8],
        out: &mut Vec<u8>,
    ) -> Outcome {
        self.exchange(seam);
        let outcome = self.scrub_into(hay, FlushPolicy::NO_WAIT, out);
        self.exchange(seam);
        outcome
    }

    /// Makes what is open in `seam` what is open here, and the other way round.
    fn exchange(&mut self, seam: &mut Seam) {
        std::mem::swap(&mut self.state, &mut seam.state);
        std::mem::swap(&mut self.stream_state, &mut seam.stream_state);
    }
}
