//! The embedded rules: `patterns/*.toml`, checked and converted to JSON by `build.rs`.

use super::{Origin, Rule, load, syntax::Embedded};

static JSON: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rules.json"));

/// Every embedded rule, ordered by file and entry.
pub(crate) fn rules() -> Vec<Rule> {
    let embedded: Vec<Embedded> =
        serde_json::from_slice(JSON).expect("build.rs wrote this text from the same types");
    embedded
        .into_iter()
        .map(|Embedded { file, line, rule }| {
            load::rule(rule, Origin { file, line, embedded: true })
                .expect("the tests lint every embedded rule, so none fails to load")
        })
        .collect()
}
