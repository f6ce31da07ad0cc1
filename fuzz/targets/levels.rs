//! Every CPU level finds the same in any bytes, with the built-in rules and with a few user rules,
//! which are assigned to the prefilter's buckets at load time.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use logscrub::{Cpu, Finding, Policy, RuleSet, Scrubber};

/// Short anchors: one of a single byte, one followed by a class.
const OWN: &str = r#"
[[rule]]
id = "own-token"
title = "Own"
class = "credential"
severity = "high"
about = "For fuzzing."
anchors = ["a", "^", "zq", "own_"]
pattern = "(?<secret> (?: a [0-9]{4,8} | \\^ [a-z]{4,8} | zq [^\\x00-\\x20]{4,8} | own_ [a-z]{2,8} ) )"
"#;

/// For each set of rules, one scrubber for each level, the portable one first.
static LEVELS: LazyLock<Vec<Vec<Scrubber>>> = LazyLock::new(|| {
    let own = RuleSet::parse(OWN, "own.toml").expect("the rules parse");
    [RuleSet::embedded(), own].iter().map(levels).collect()
});

fn levels(rules: &RuleSet) -> Vec<Scrubber> {
    let here = Cpu::ALL.into_iter().filter(|cpu| cpu.is_here());
    here.map(|cpu| Scrubber::for_cpu(rules, &Policy::new(), cpu).expect("the level is here")).collect()
}

fuzz_target!(|hay: &[u8]| {
    for levels in LEVELS.iter() {
        let found: Vec<Option<Vec<Finding>>> =
            levels.iter().map(|level| level.fork().find(hay).map(<[_]>::to_vec)).collect();
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "a level finds something else");
    }
});
