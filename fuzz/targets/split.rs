//! The same bytes come out however the input is cut, scrubbing them again changes nothing, and no
//! bytes make it fail.
//!
//! The whole block is compared with a reader that gets reads of any size and a buffer of any size,
//! and with a scrubber that gets single lines.

#![no_main]

use std::io::Read;

use arbitrary::Arbitrary;
use libfuzzer_sys::{Corpus, fuzz_target};
use logscrub::{Outcome, Policy, RuleSet, ScrubReader, Scrubber};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    buffer: u16,
    reads: [u8; 4],
    log: &'a [u8],
}

/// Returns the log in reads of the given sizes, repeatedly.
struct Reads<'a> {
    log: &'a [u8],
    sizes: std::iter::Cycle<std::array::IntoIter<u8, 4>>,
}

impl Read for Reads<'_> {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        let size = usize::from(self.sizes.next().unwrap_or(1)).max(1);
        let n_bytes = size.min(space.len()).min(self.log.len());
        space[..n_bytes].copy_from_slice(&self.log[..n_bytes]);
        self.log = &self.log[n_bytes..];
        Ok(n_bytes)
    }
}

thread_local! {
    static FIRST: Scrubber = Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
}

fn scrubber() -> Scrubber {
    FIRST.with(Scrubber::fork)
}

/// Scrubs one block. A panic inside would be masked, so the test looks for that.
fn block(scrubber: &mut Scrubber, hay: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let outcome = scrubber.scrub_block(hay, &mut out);
    assert_eq!(scrubber.tally().withheld, 0, "a recogniser failed");
    match outcome {
        Outcome::Clean => hay.to_vec(),
        Outcome::Changed => out,
        Outcome::Stopped => panic!("the policy masks"),
    }
}

fn by_reads(input: &Input<'_>) -> Option<Vec<u8>> {
    let reads = Reads { log: input.log, sizes: input.reads.into_iter().cycle() };
    let size = usize::from(input.buffer).max(1);
    let mut out = Vec::new();
    let mut reader = ScrubReader::with_capacity(size, 1 << 20, reads, scrubber());
    // Streams refuse input that is not text (compressed, UTF-16); blocks do not.
    reader.read_to_end(&mut out).ok()?;
    Some(out)
}

fn by_lines(log: &[u8]) -> Vec<u8> {
    let mut scrubber = scrubber();
    log.split_inclusive(|byte| *byte == b'\n').flat_map(|line| block(&mut scrubber, line)).collect()
}

fn check(input: &Input<'_>) -> Corpus {
    let whole = block(&mut scrubber(), input.log);
    let Some(read) = by_reads(input) else { return Corpus::Reject };
    assert_eq!(shown(&whole), shown(&read), "reads of {:?} through {} bytes", input.reads, input.buffer);
    assert_eq!(shown(&whole), shown(&by_lines(input.log)), "line by line");
    // Behind a private key that never ends, a second scrubbing may replace a line more: see
    // docs/guarantees.md.
    if !input.log.to_ascii_lowercase().windows(11).any(|window| window == b"private key") {
        assert_eq!(shown(&block(&mut scrubber(), &whole)), shown(&whole), "twice is not once");
    }
    let newlines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(newlines(&whole), newlines(input.log), "the number of records changed");
    Corpus::Keep
}

/// Bytes as a Rust literal, so that a finding can be read and copied.
fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fuzz_target!(|input: Input<'_>| -> Corpus { check(&input) });
