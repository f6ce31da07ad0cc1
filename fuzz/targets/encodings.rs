//! A secret behind nested encodings goes, and scrubbing again changes nothing.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use logscrub::{Outcome, Policy, RuleSet, Scrubber};

#[derive(Arbitrary, Debug)]
enum Layer {
    Percent,
    Unicode,
    Html,
    Hex,
    Colour(u8),
}

#[derive(Arbitrary, Debug)]
struct Case {
    before: String,
    layers: [Option<Layer>; 2],
    after: String,
    /// Any bytes beside the secret.
    any: Vec<u8>,
}

const ADDRESS: &str = "alice.canary@example.com";

fn encode(text: &[u8], layer: &Layer) -> Vec<u8> {
    let write = |write: &dyn Fn(u8) -> String| text.iter().flat_map(|byte| write(*byte).into_bytes()).collect();
    match layer {
        Layer::Percent => write(&|byte| format!("%{byte:02x}")),
        Layer::Unicode => write(&|byte| format!("\\u{byte:04x}")),
        Layer::Html => write(&|byte| format!("&#{byte};")),
        Layer::Hex => write(&|byte| format!("{byte:02x}")),
        Layer::Colour(at) => {
            let at = usize::from(*at) % text.len();
            [&text[..at], b"\x1b[1m", &text[at..]].concat()
        }
    }
}

thread_local! {
    static FIRST: Scrubber = Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
}

fuzz_target!(|case: Case| {
    let mut text = ADDRESS.as_bytes().to_vec();
    for layer in case.layers.iter().flatten() {
        text = encode(&text, layer);
    }
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let hay = if is_word(&case.before) && is_word(&case.after) {
        [case.before.as_bytes(), b" ", &text, b" ", case.after.as_bytes()].concat()
    } else {
        [case.any.as_slice(), b"\n", &text].concat()
    };
    let scrub = |hay: &[u8]| {
        let mut out = Vec::new();
        match FIRST.with(Scrubber::fork).scrub_block(hay, &mut out) {
            Outcome::Clean => hay.to_vec(),
            _ => out,
        }
    };
    let out = scrub(&hay);
    assert!(!out.windows(text.len()).any(|part| part == text), "the secret is there still");
    assert_eq!(scrub(&out), out, "twice is once");
});
