//! The C ABI accepts any bytes as a chunk, gives the library's answer, and its output can be freed.

#![no_main]

use std::{cell::RefCell, ptr, slice};

use libfuzzer_sys::fuzz_target;
use logscrub::{ChunkScrubber, Outcome, Policy, RuleSet};
use logscrub_fluent_bit::{
    abi::{logscrub_free, logscrub_free_output, logscrub_new, logscrub_scrub, logscrub_scrub_events},
    shared::Shared,
};

thread_local! {
    static FIRST: ChunkScrubber = ChunkScrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
    static SERVED: RefCell<Served> = RefCell::new(Served::new());
}

fn answer(give: impl FnOnce(*mut *mut i8, *mut usize) -> i32) -> (i32, Vec<u8>) {
    let (mut out, mut length) = (ptr::null_mut(), usize::MAX);
    let code = give(&mut out, &mut length);
    assert!(!out.is_null() || length == 0, "bytes nowhere");
    let bytes = if out.is_null() { Vec::new() } else { unsafe { slice::from_raw_parts(out.cast(), length) }.to_vec() };
    unsafe { logscrub_free_output(out) };
    (code, bytes)
}

/// A scrubber for a thousand inputs, so that its end is also tested.
struct Served {
    this: *mut Shared,
    n_inputs: u32,
}

impl Served {
    fn new() -> Served {
        let flags = [c"--config".as_ptr(), c"none".as_ptr()];
        let this = unsafe { logscrub_new(flags.as_ptr(), flags.len()) };
        assert!(!this.is_null());
        Served { this, n_inputs: 0 }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        unsafe { logscrub_free(self.this) }
    }
}

fuzz_target!(|chunk: &[u8]| {
    SERVED.with_borrow_mut(|served| {
        if served.n_inputs == 1000 {
            *served = Served::new();
        }
        served.n_inputs += 1;
        check(chunk, served.this, &served.n_inputs.to_be_bytes());
    });
});

/// A tag that no chunk had before, so that nothing is open for it.
fn check(chunk: &[u8], this: *mut Shared, tag: &[u8]) {
    let events = answer(|out, n_bytes| unsafe {
        logscrub_scrub_events(this, tag.as_ptr().cast(), tag.len(), chunk.as_ptr().cast(), chunk.len(), out, n_bytes)
    });
    let mut clean = Vec::new();
    let expected = match FIRST.with(ChunkScrubber::fork).scrub_events(chunk, &mut clean) {
        Ok(Outcome::Clean) => 0,
        Ok(Outcome::Changed) => 1,
        Ok(Outcome::Stopped) | Err(_) => -1,
    };
    assert_eq!(events, (expected, clean));
    let text = answer(|out, n_bytes| unsafe { logscrub_scrub(this, chunk.as_ptr().cast(), chunk.len(), out, n_bytes) });
    assert!((0..=1).contains(&text.0));
}
