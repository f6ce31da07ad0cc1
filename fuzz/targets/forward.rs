//! A stream of Forward messages is cut into the same messages whatever the reads, and a scrubbed
//! message is a message again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logscrub::{ChunkScrubber, Policy, RuleSet, pass_stream};

const LIMIT: usize = 1 << 20;

thread_local! {
    static FIRST: ChunkScrubber = ChunkScrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
}

fn passed(stream: &[u8], step: usize) -> Vec<Vec<u8>> {
    pass_stream(stream, step, LIMIT, &mut FIRST.with(ChunkScrubber::fork))
}

fuzz_target!(|input: &[u8]| {
    let Some((step, stream)) = input.split_first() else { return };
    let whole = passed(stream, stream.len());
    assert_eq!(passed(stream, usize::from(*step) + 1), whole, "in steps");
    for message in whole.iter().filter(|message| !message.is_empty()) {
        assert_eq!(passed(message, message.len()).len(), 1, "no message any more");
    }
});
