//! From one scrubber to the next: blocks that several threads share, and new rules at run time.

use super::{Scrubber, windows::Carry};
use crate::{
    detect::State,
    frame::{not_text::Content, stream_state::StreamState},
    tally::Tally,
};

/// What a scrubber leaves to the one that continues after its block. Worker threads scrub blocks as
/// if each were the first of an input; the thread that collects them follows their traces in order,
/// and scrubs a block again where something was open before it.
pub(crate) struct Trace {
    state: State,
    stream_state: StreamState,
    content: Content,
    tally: Tally,
}

impl Scrubber {
    /// Whether nothing is open here, so that the next block is scrubbed like the first one of an
    /// input.
    pub(crate) fn is_closed(&self) -> bool {
        let is_plain = self.content == Content::Text && self.carry == Carry::Nothing;
        is_plain && !self.state.is_open() && self.stream_state.is_empty()
    }

    /// Hands out what was counted and what is open now, and starts again as at the beginning of an
    /// input.
    pub(crate) fn take_trace(&mut self) -> Trace {
        debug_assert!(self.carry == Carry::Nothing, "whole records leave no window behind");
        Trace {
            state: std::mem::take(&mut self.state),
            stream_state: std::mem::take(&mut self.stream_state),
            content: std::mem::take(&mut self.content),
            tally: std::mem::take(&mut self.tally),
        }
    }

    /// Continues after a block that another scrubber did from the beginning, as this one would
    /// have: nothing is open here.
    pub(crate) fn follow(&mut self, trace: Trace) {
        debug_assert!(self.is_closed(), "the other scrubber began with nothing open");
        self.state = trace.state;
        self.stream_state = trace.stream_state;
        self.content = trace.content;
        self.tally.merge(&trace.tally);
    }

    /// Continues with the rules and the policy of `new`. Everything that is open across records
    /// stays open (private keys, values below their key, the parts of a record, a long record), and
    /// the counts stay.
    pub(crate) fn adopt(&mut self, mut new: Scrubber) {
        let (before, now) = (self.rules().clone(), new.rules().clone());
        new.state =
            std::mem::take(&mut self.state).renumbered(|rule| now.number_of(before.get(rule).id()));
        new.stream_state = std::mem::take(&mut self.stream_state);
        if new.format != self.format {
            new.stream_state.forget_columns();
        }
        new.carry = self.carry;
        new.tally = std::mem::take(&mut self.tally);
        new.tally.renumber(before.iter().map(|(_, rule)| (now.number_of(rule.id()), rule.id())));
        *self = new;
    }
}
