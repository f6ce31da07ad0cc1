//! How long an unfinished record may wait for its rest.

/// What the source can still deliver behind a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InputState {
    /// More may come.
    Open,
    /// The input has ended.
    Ended,
    /// More may come, but nothing can wait for it any longer.
    TimedOut,
}

/// How long a record may wait for its rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlushPolicy {
    pub(crate) input: InputState,
    /// The most bytes that wait together.
    pub(crate) limit: usize,
}

impl FlushPolicy {
    /// Nothing waits, because the input has ended.
    pub(crate) const AT_END: FlushPolicy =
        FlushPolicy { input: InputState::Ended, limit: usize::MAX };

    /// Nothing waits, although more will come.
    pub(crate) const NO_WAIT: FlushPolicy =
        FlushPolicy { input: InputState::TimedOut, limit: usize::MAX };

    /// Whether what began `n_bytes` before the end of the block waits for its end.
    pub(super) fn waits(self, n_bytes: usize) -> bool {
        self.input == InputState::Open && n_bytes < self.limit
    }
}
