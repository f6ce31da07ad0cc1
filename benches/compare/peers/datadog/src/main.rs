//! Datadog's Sensitive Data Scanner over each line: `compare-datadog PATTERNS_FOLDER [--list] < log
//! > clean`.
//!
//! One scanner has all patterns. The secret is the capture group that it redacts, and words nearby
//! are its included keywords. A rule that it refuses is left out and printed by `--list`.

use std::{
    env,
    io::{self, BufRead, BufReader, BufWriter, Write},
    sync::Arc,
};

use dd_sds::{MatchAction, ProximityKeywordsConfig, RegexRuleConfig, RootRuleConfig, RuleConfig, Scanner};

type Config = RootRuleConfig<Arc<dyn RuleConfig>>;

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).expect("usage: compare-datadog PATTERNS_FOLDER [--list]");
    let mut refused = Vec::new();
    let rules: Vec<Config> = rules::read(&folder)?.iter().filter_map(|rule| config(rule, &mut refused)).collect();
    if env::args().nth(2).is_some_and(|argument| argument == "--list") {
        println!("{} rules taken", rules.len());
        refused.iter().for_each(|why| println!("{why}"));
        return Ok(());
    }
    let scanner = Scanner::builder(&rules).with_return_matches(false).build().expect("each rule was taken alone");
    let mut rdr = BufReader::with_capacity(128 << 10, io::stdin().lock());
    let mut wtr = BufWriter::with_capacity(128 << 10, io::stdout().lock());
    let mut bytes = Vec::new();
    while rdr.read_until(b'\n', &mut bytes)? > 0 {
        let mut line = String::from_utf8(std::mem::take(&mut bytes))
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        scanner.scan(&mut line).expect("a scan without network cannot fail");
        wtr.write_all(line.as_bytes())?;
        bytes = line.into_bytes();
        bytes.clear();
        if rdr.buffer().is_empty() {
            wtr.flush()?;
        }
    }
    wtr.flush()
}

fn config(rule: &rules::Rule, refused: &mut Vec<String>) -> Option<Config> {
    let pattern = rule.flat().replace("(?<secret>", "(?<sds_match>");
    let mut regex = RegexRuleConfig::new(&pattern).with_pattern_capture_group("sds_match");
    if !rule.near.is_empty() {
        regex = regex.with_proximity_keywords(ProximityKeywordsConfig {
            look_ahead_character_count: 50,
            included_keywords: rule.near.clone(),
            excluded_keywords: Vec::new(),
        });
    }
    let config = RootRuleConfig::new(regex.build()).match_action(MatchAction::redact(&format!("REDACTED-{}", rule.id)));
    match Scanner::builder(std::slice::from_ref(&config)).build() {
        Ok(_) => Some(config),
        Err(error) => {
            refused.push(format!("{}: {error}", rule.id));
            None
        }
    }
}
