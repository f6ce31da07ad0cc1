//! The block program, as an engineer with knowledge of search would write it. `blocks
//! PATTERNS_FOLDER < log > clean`.
//!
//! It reads large blocks that end on a line, and searches each once with an aho-corasick DFA for
//! the anchors of all rules. It runs a rule's regex only where one of its anchors is: anchored
//! there if all matches begin with an anchor, over the line otherwise, and no line twice for one
//! rule. Clean text is written in one call from where it was read. It has the same rules as
//! `naive`. Regexes are compiled at their first candidate, so that a start costs only the
//! automaton.

use std::{
    env,
    io::{self, Read, Write},
    ops::Range,
};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex_automata::{
    Anchored, Input, PatternID,
    meta::{Cache, Regex},
    util::{captures::Captures, syntax},
};
use regex_syntax::hir::literal::{ExtractKind, Extractor};

/// Large enough to make calls rare, small enough for the cache of one core.
const BLOCK: usize = 256 << 10;

struct Rule {
    id: String,
    pattern: String,
    near: Vec<String>,
    placeholder: Vec<u8>,
    /// All matches begin with an anchor.
    at_anchor: bool,
    compiled: Option<Compiled>,
}

/// A regex with its cache, so that searching takes no lock and allocates nothing.
struct Compiled {
    regex: Regex,
    cache: Cache,
    captures: Captures,
    /// 0 if the whole match is the secret: then groups are not searched for.
    secret: usize,
}

/// A span that a rule claims.
struct Finding {
    span: Range<usize>,
    rule: usize,
}

struct Program {
    rules: Vec<Rule>,
    anchors: AhoCorasick,
    /// For each anchor, the rules that have it.
    users: Vec<Vec<usize>>,
    /// For each rule, up to where it was tried in this block.
    tried: Vec<usize>,
    findings: Vec<Finding>,
    clean: Vec<u8>,
}

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).expect("usage: blocks PATTERNS_FOLDER");
    let mut program = Program::new(rules::read(&folder)?);
    let (mut rdr, mut wtr) = (io::stdin().lock(), io::stdout().lock());
    let mut block = vec![0; BLOCK];
    let mut held = 0;
    loop {
        let n_bytes = rdr.read(&mut block[held..])?;
        let filled = held + n_bytes;
        let end = match memchr::memrchr(b'\n', &block[held..filled]) {
            _ if n_bytes == 0 => filled,
            Some(at) => held + at + 1,
            None => 0,
        };
        program.pass(&block[..end], &mut wtr)?;
        block.copy_within(end..filled, 0);
        held = filled - end;
        if n_bytes == 0 {
            return Ok(());
        }
        if held == block.len() {
            block.resize(2 * held, 0);
        }
    }
}

impl Program {
    fn new(rules: Vec<rules::Rule>) -> Program {
        let mut anchors: Vec<String> = Vec::new();
        let mut users: Vec<Vec<usize>> = Vec::new();
        for (rule, entry) in rules.iter().enumerate() {
            for anchor in entry.anchors.iter().map(|anchor| anchor.to_ascii_lowercase()) {
                let at = anchors.iter().position(|known| *known == anchor).unwrap_or_else(|| {
                    anchors.push(anchor);
                    users.push(Vec::new());
                    anchors.len() - 1
                });
                if !users[at].contains(&rule) {
                    users[at].push(rule);
                }
            }
        }
        let anchors = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .ascii_case_insensitive(true)
            .build(&anchors)
            .expect("a few hundred short anchors");
        let rules: Vec<Rule> = rules.into_iter().map(Rule::new).collect();
        Program { tried: vec![0; rules.len()], rules, anchors, users, findings: Vec::new(), clean: Vec::new() }
    }

    fn pass(&mut self, block: &[u8], wtr: &mut impl Write) -> io::Result<()> {
        self.find(block);
        if self.findings.is_empty() {
            wtr.write_all(block)?;
        } else {
            self.splice(block);
            wtr.write_all(&self.clean)?;
        }
        wtr.flush()
    }

    fn find(&mut self, block: &[u8]) {
        self.findings.clear();
        self.tried.fill(0);
        let mut line = 0..0;
        // Every occurrence of every anchor: leftmost search would hide one behind another.
        for anchor in self.anchors.find_overlapping_iter(block) {
            if anchor.start() >= line.end {
                line = line_around(block, anchor.start());
            }
            for &rule in &self.users[anchor.pattern().as_usize()] {
                let tried = &mut self.tried[rule];
                *tried = self.rules[rule].try_at(block, anchor.start(), &line, *tried, |span| {
                    self.findings.push(Finding { span, rule });
                });
            }
        }
    }

    /// Findings that overlap become one.
    fn splice(&mut self, block: &[u8]) {
        self.findings.sort_by_key(|finding| (finding.span.start, finding.span.end));
        self.clean.clear();
        let mut done = 0;
        for finding in &self.findings {
            if finding.span.start >= done {
                self.clean.extend_from_slice(&block[done..finding.span.start]);
                self.clean.extend_from_slice(&self.rules[finding.rule].placeholder);
            }
            done = done.max(finding.span.end);
        }
        self.clean.extend_from_slice(&block[done..]);
    }
}

fn line_around(block: &[u8], at: usize) -> Range<usize> {
    let start = memchr::memrchr(b'\n', &block[..at]).map_or(0, |newline| newline + 1);
    let end = memchr::memchr(b'\n', &block[at..]).map_or(block.len(), |newline| at + newline);
    start..end
}

impl Rule {
    fn new(rule: rules::Rule) -> Rule {
        Rule {
            at_anchor: begins_with_anchor(&rule),
            placeholder: format!("REDACTED-{}", rule.id).into_bytes(),
            id: rule.id,
            pattern: rule.pattern,
            near: rule.near,
            compiled: None,
        }
    }

    /// Tries the rule at one of its anchors unless it was tried there. Returns up to where it has
    /// been tried now.
    fn try_at(
        &mut self,
        block: &[u8],
        at: usize,
        line: &Range<usize>,
        tried: usize,
        mut note: impl FnMut(Range<usize>),
    ) -> usize {
        if self.at_anchor {
            let end = (at >= tried).then(|| self.find(block, at..line.end, line, Anchored::Yes, &mut note)).flatten();
            return end.unwrap_or(tried);
        }
        let mut from = line.start;
        while tried < line.end
            && let Some(end) = self.find(block, from..line.end, line, Anchored::No, &mut note)
        {
            from = end;
        }
        tried.max(line.end)
    }

    /// Notes the first match in `within` if it counts, and returns its end.
    fn find(
        &mut self,
        block: &[u8],
        within: Range<usize>,
        line: &Range<usize>,
        anchored: Anchored,
        note: &mut impl FnMut(Range<usize>),
    ) -> Option<usize> {
        let Compiled { regex, cache, captures, secret } =
            self.compiled.get_or_insert_with(|| compile(&self.id, &self.pattern));
        let input = Input::new(block).range(within).anchored(anchored);
        let found = regex.search_with(cache, &input)?;
        let mut span = found.range();
        if *secret > 0 {
            regex.search_captures_with(cache, &input.clone().range(found.range()), captures);
            span = captures.get_group(*secret).expect("the group is part of every match").range();
        }
        if is_near(&self.near, &block[line.start.max(span.start.saturating_sub(64))..span.start]) {
            note(span);
        }
        Some(found.end())
    }
}

fn is_near(words: &[String], before: &[u8]) -> bool {
    let stands = |word: &String| before.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()));
    words.is_empty() || words.iter().any(stands)
}

fn compile(id: &str, pattern: &str) -> Compiled {
    let regex = Regex::builder()
        .configure(Regex::config().utf8_empty(false).nfa_size_limit(Some(64 << 20)))
        .syntax(syntax_of_rules())
        .build(pattern)
        .unwrap_or_else(|error| panic!("{id}: {error}"));
    let whole = pattern.trim_start().starts_with("(?<secret>") && pattern.trim_end().ends_with(')');
    let group = regex.create_captures().group_info().to_index(PatternID::ZERO, "secret").expect("every rule has it");
    Compiled {
        cache: regex.create_cache(),
        captures: regex.create_captures(),
        secret: if whole { 0 } else { group },
        regex,
    }
}

fn syntax_of_rules() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false).ignore_whitespace(true)
}

/// Whether every match begins with one of the rule's anchors, so that the rule needs to be tried
/// only there.
fn begins_with_anchor(rule: &rules::Rule) -> bool {
    let hir =
        syntax::parse_with(&rule.pattern, &syntax_of_rules()).unwrap_or_else(|error| panic!("{}: {error}", rule.id));
    let prefixes = Extractor::new().kind(ExtractKind::Prefix).extract(&hir);
    let anchored = |prefix: &[u8]| {
        let prefix = prefix.to_ascii_lowercase();
        rule.anchors.iter().any(|anchor| prefix.starts_with(anchor.to_ascii_lowercase().as_bytes()))
    };
    prefixes
        .literals()
        .is_some_and(|literals| !literals.is_empty() && literals.iter().all(|literal| anchored(literal.as_bytes())))
}
