//! Draft of the binary: reads all, scrubs, writes.
use std::io::{Read, Write};

fn main() {
    let rules = logscrub::Selection::default().load().expect("rules");
    let mut scrubber = logscrub::Scrubber::new(&rules, &logscrub::Policy::new()).expect("policy");
    let mut hay = Vec::new();
    std::io::stdin().read_to_end(&mut hay).expect("read");
    let mut out = Vec::new();
    if scrubber.scrub_block(&hay, &mut out) == logscrub::Outcome::Clean {
        out = hay;
    }
    std::io::stdout().write_all(&out).expect("write");
}
