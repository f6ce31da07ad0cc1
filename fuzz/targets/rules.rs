//! Any text is a rule file, or an error with file and line. Rules that load can be used for a scan.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logscrub::{Policy, RuleSet, Scrubber};

const NAME: &str = "fuzz.toml";

/// Text with a candidate for every detector.
const LOG: &[u8] = br#"acme_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa token acme_0123456789abcdef
{"password":"hunter2","url":"postgres:\/\/app:hunter2@db\/orders","n":[1,true,null]} user alice@example.com
-----BEGIN PRIVATE KEY-----
MIIBVQIBADANBgkqhkiG9w0BAQEFAASCAT8wggE7AgEAAkEA
-----END PRIVATE KEY-----
Authorization: Basic YWxpY2U6aHVudGVyMg== a= b@ ://"#;

fuzz_target!(|text: &str| {
    match RuleSet::parse(text, NAME) {
        Ok(rules) => scan(&rules),
        Err(error) => {
            let message = error.to_string();
            let place = message.strip_prefix(NAME).and_then(|rest| rest.strip_prefix(':'));
            let line = place.and_then(|rest| rest.split(':').next()).and_then(|line| line.parse().ok());
            let n_lines = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
            assert!(line.is_some_and(|line: usize| (1..=n_lines).contains(&line)), "no place in {message:?}");
        }
    }
});

fn scan(rules: &RuleSet) {
    // A rule may name a style that does not exist, which is an error and not a fault.
    let Ok(mut scrubber) = Scrubber::new(rules, &Policy::new()) else { return };
    let mut out = Vec::new();
    let _ = scrubber.scrub_block(LOG, &mut out); // the output depends on the rules; it is enough that there is one
    assert_eq!(scrubber.tally().withheld, 0, "a recogniser failed");
}
