//! A matcher for simple patterns: literals are compared, runs of a class are counted, alternatives
//! are tried in order.
//!
//! Nearly every token is a prefix, a run of some class, perhaps a separator and another run. Such a
//! pattern needs no regex engine. A mismatch is known after a few bytes, a match reads each byte
//! once, nothing is compiled and no buffers are kept.
//!
//! The matcher must find exactly what the regex finds. That holds if whatever may follow a run
//! cannot begin with a byte of the run's class: then only the longest run is worth trying.
//! [`SimpleMatcher::new`] refuses every other pattern, which is then left to the regex. The tests
//! compare the two for every embedded rule.
//!
//! A match that fails also says whether the text ended in the middle of it. That is how a token is
//! recognised that was cut off by the end of its record.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use crate::{
    rules::ByteSet,
    text::{span::Span, visits},
};

/// The most alternations and repeated groups in a pattern. Each may be tried in vain, so a pattern
/// with more is left to the regex.
const MAX_CHOICES: usize = 6;

/// The most repetitions of a group. Each takes a little of the stack.
const MAX_REPEATS: u32 = 256;

/// How many bytes of a run [`QuickReject`] compares.
const QUICK: usize = 8;

/// Shorter runs are counted again instead of remembered.
const LONG: usize = 32;

/// A pattern that needs no regex.
pub(super) struct SimpleMatcher {
    nodes: Vec<Node>,
    n_runs: usize,
    /// The bytes that a match may begin with.
    first: ByteSet,
}

/// Bytes of one class that every match has at the same offset. Most candidates in clean logs are
/// refused by them.
#[derive(Clone, Copy)]
pub(super) struct QuickReject {
    offset: usize,
    length: usize,
    set: ByteSet,
}

impl QuickReject {
    /// Whether neither a match begins at `start` nor one that was cut off by the end of its record.
    /// The end of the record need not be known.
    pub(super) fn refuses(&self, hay: &[u8], start: usize) -> bool {
        let there = hay.get(start + self.offset..).unwrap_or_default();
        let other = there.iter().take(self.length).find(|byte| !self.set.contains(**byte));
        other.is_some_and(|byte| !matches!(byte, b'\r' | b'\n'))
    }
}

/// A step of the matcher.
enum Node {
    Literal(Box<[u8]>),
    Run(Run),
    Choice(Vec<Vec<Node>>),
    Repeat(Repeat),
    /// The secret begins.
    Begin,
    /// The secret ends.
    End,
}

/// As many bytes of one class as there are, between `least` and `most`.
struct Run {
    set: ByteSet,
    least: usize,
    most: usize,
    /// Whether it is a repetition in the pattern, not a single class.
    is_counted: bool,
    /// Its number in [`RunMemo`].
    index: usize,
}

/// A group that is repeated.
struct Repeat {
    nodes: Vec<Node>,
    least: u32,
    most: u32,
}

/// The result of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matched {
    /// The whole match, and the secret inside.
    Whole {
        whole: Span,
        secret: Span,
    },
    /// The text ended in the middle of a match.
    Cut,
    Nothing,
}

/// The runs that were counted last, so that a token that begins again and again inside one long run
/// costs the length of the run. It is about one text.
pub(super) struct RunMemo {
    runs: Vec<Span>,
}

impl RunMemo {
    /// A new text begins.
    pub(super) fn clear(&mut self) {
        self.runs.fill(Span::default());
    }
}

impl SimpleMatcher {
    /// The matcher for a pattern with one group for the secret, if the matcher is exact.
    pub(super) fn new(hir: &Hir) -> Option<SimpleMatcher> {
        let mut make = Make { n_runs: 0, n_choices: 0, is_inside: false };
        let mut nodes = Vec::new();
        make.nodes(hir, &mut nodes)?;
        let n_marks = nodes.iter().filter(|node| matches!(node, Node::Begin | Node::End)).count();
        let Follow { first, .. } =
            check(&nodes, &Follow { first: ByteSet::default(), may_end: true })?;
        (n_marks == 2).then_some(SimpleMatcher { nodes, n_runs: make.n_runs, first })
    }

    /// The matcher for a pattern without a group for the secret, if the matcher is exact. The
    /// secret is the whole match.
    pub(super) fn of_whole(hir: &Hir) -> Option<SimpleMatcher> {
        let mut make = Make { n_runs: 0, n_choices: 0, is_inside: true };
        let mut nodes = vec![Node::Begin];
        make.nodes(hir, &mut nodes)?;
        nodes.push(Node::End);
        let Follow { first, .. } =
            check(&nodes, &Follow { first: ByteSet::default(), may_end: true })?;
        Some(SimpleMatcher { nodes, n_runs: make.n_runs, first })
    }

    /// Whether a match may begin with `byte`.
    pub(super) fn may_begin(&self, byte: u8) -> bool {
        self.first.contains(byte)
    }

    /// The quick test: the first run of the pattern, if only literals precede it.
    pub(super) fn quick_reject(&self) -> Option<QuickReject> {
        let mut offset = 0;
        for node in &self.nodes {
            match node {
                Node::Literal(text) => offset += text.len(),
                Node::Run(run) => {
                    return Some(QuickReject {
                        offset,
                        length: run.least.min(QUICK),
                        set: run.set,
                    });
                }
                Node::Begin | Node::End => {}
                Node::Choice(_) | Node::Repeat(_) => return None,
            }
        }
        None
    }

    /// An empty memo for this matcher.
    pub(super) fn memo(&self) -> RunMemo {
        RunMemo { runs: vec![Span::default(); self.n_runs] }
    }

    /// Matches at `start`, in a text that ends with `hay`.
    pub(super) fn at(&self, hay: &[u8], start: usize, memo: &mut RunMemo) -> Matched {
        let mut steps = Steps { hay, memo, is_cut: false, secret: Span::default() };
        match steps.go(&self.nodes, start, &Then::Done) {
            Some(end) => Matched::Whole { whole: Span::new(start, end), secret: steps.secret },
            None if steps.is_cut => Matched::Cut,
            None => Matched::Nothing,
        }
    }
}

/// What follows a list of nodes.
enum Then<'t> {
    /// The end of the pattern: a match.
    Done,
    /// A dead end, tried only to see whether the text ends there.
    Nowhere,
    Nodes(&'t [Node], &'t Then<'t>),
    /// Another repetition, of which so many are done, or what follows the group.
    Repeat(&'t Repeat, u32, &'t Then<'t>),
}

/// The state of one match.
struct Steps<'s> {
    hay: &'s [u8],
    memo: &'s mut RunMemo,
    is_cut: bool,
    secret: Span,
}

impl Steps<'_> {
    /// The end of the first match of `nodes` and what follows them.
    fn go(&mut self, nodes: &[Node], mut at: usize, then: &Then<'_>) -> Option<usize> {
        for (index, node) in nodes.iter().enumerate() {
            match node {
                Node::Literal(text) => at = self.literal(text, at)?,
                Node::Run(run) => at = self.run(run, at)?,
                Node::Begin => self.secret.start = at,
                Node::End => self.secret.end = at,
                Node::Choice(branches) => {
                    let then = Then::Nodes(&nodes[index + 1..], then);
                    return branches.iter().find_map(|branch| self.go(branch, at, &then));
                }
                Node::Repeat(repeat) => {
                    return self.repeat(repeat, 0, at, &Then::Nodes(&nodes[index + 1..], then));
                }
            }
        }
        match then {
            Then::Done => Some(at),
            Then::Nowhere => {
                self.is_cut |= at == self.hay.len();
                None
            }
            Then::Nodes(nodes, then) => self.go(nodes, at, then),
            Then::Repeat(repeat, n_done, then) => self.repeat(repeat, *n_done, at, then),
        }
    }

    /// The end of a literal at `at`.
    fn literal(&mut self, text: &[u8], at: usize) -> Option<usize> {
        let rest = &self.hay[at..];
        visits::add(text.len());
        if rest.starts_with(text) {
            return Some(at + text.len());
        }
        self.is_cut |= rest.len() < text.len() && text.starts_with(rest);
        None
    }

    /// The end of a run at `at`.
    fn run(&mut self, run: &Run, at: usize) -> Option<usize> {
        let end = at + self.count(run, at);
        // The expression for cut tokens lets a prefix of a counted run be one byte longer than the
        // run, and the two must agree.
        let is_over = run.is_counted
            && end - at == run.most
            && self.hay.get(end..).is_some_and(|rest| rest.len() == 1);
        self.is_cut |= is_over && run.set.contains(self.hay[end]);
        if end - at < run.least {
            self.is_cut |= end == self.hay.len();
            return None;
        }
        Some(end)
    }

    /// The length of a run at `at`. A run that is known from an earlier match is not counted again.
    fn count(&mut self, run: &Run, at: usize) -> usize {
        let limit = self.hay.len().min(at.saturating_add(run.most));
        let known = &mut self.memo.runs[run.index];
        let is_known = known.start <= at && at < known.end;
        let mut end = if is_known { known.end.min(limit) } else { at };
        end += visits::counted(
            self.hay[end..limit].iter().take_while(|byte| run.set.contains(**byte)).count(),
        );
        if is_known {
            known.end = known.end.max(end);
        } else if end - at >= LONG {
            *known = Span::new(at, end);
        }
        end - at
    }

    /// Tries one more repetition, and what follows the group if that fails. After the last
    /// repetition that is allowed, one more is tried only to see whether the text ends in it.
    fn repeat(
        &mut self,
        repeat: &Repeat,
        n_done: u32,
        at: usize,
        then: &Then<'_>,
    ) -> Option<usize> {
        if n_done < repeat.most {
            let end = self.go(&repeat.nodes, at, &Then::Repeat(repeat, n_done + 1, then));
            if end.is_some() || n_done < repeat.least {
                return end;
            }
        }
        let end = self.go(&[], at, then);
        if end.is_none() && n_done == repeat.most {
            self.go(&repeat.nodes, at, &Then::Nowhere);
        }
        end
    }
}

/// Translates a parsed pattern into nodes, or gives up.
struct Make {
    n_runs: usize,
    n_choices: usize,
    /// Whether a choice or a repeated group is being translated. No secret may begin inside one.
    is_inside: bool,
}

impl Make {
    /// Appends the nodes of `hir`.
    fn nodes(&mut self, hir: &Hir, nodes: &mut Vec<Node>) -> Option<()> {
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => nodes.push(Node::Literal(literal.0.clone())),
            HirKind::Class(_) => {
                let run = Run { least: 1, most: 1, is_counted: false, ..self.run(hir)? };
                nodes.push(Node::Run(run));
            }
            HirKind::Look(_) => return None,
            HirKind::Repetition(repetition) => nodes.push(self.repetition(repetition)?),
            HirKind::Capture(group) if group.name.as_deref() == Some("secret") => {
                if self.is_inside {
                    return None;
                }
                nodes.push(Node::Begin);
                self.nodes(&group.sub, nodes)?;
                nodes.push(Node::End);
            }
            HirKind::Capture(group) => self.nodes(&group.sub, nodes)?,
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.nodes(part, nodes))?,
            HirKind::Alternation(parts) => {
                self.n_choices += 1;
                let branches: Option<Vec<_>> = parts.iter().map(|part| self.inner(part)).collect();
                nodes.push(Node::Choice(branches?));
            }
        }
        (self.n_choices <= MAX_CHOICES).then_some(())
    }

    /// The nodes of a part in which no secret may begin.
    fn inner(&mut self, hir: &Hir) -> Option<Vec<Node>> {
        let was_inside = std::mem::replace(&mut self.is_inside, true);
        let mut nodes = Vec::new();
        self.nodes(hir, &mut nodes)?;
        self.is_inside = was_inside;
        Some(nodes)
    }

    /// The node of a repetition: a run, or a group of literals and runs.
    fn repetition(&mut self, repetition: &Repetition) -> Option<Node> {
        let Repetition { min, max, greedy, sub } = repetition;
        if !greedy {
            return None;
        }
        if bytes(sub).is_some() {
            let least = *min as usize;
            let most = max.map_or(usize::MAX, |most| most as usize);
            return Some(Node::Run(Run { least, most, is_counted: true, ..self.run(sub)? }));
        }
        let most = max.filter(|max| *max <= MAX_REPEATS)?;
        // A repetition that matches nothing could go on for ever.
        if sub.properties().minimum_len().is_none_or(|least| least == 0) {
            return None;
        }
        self.n_choices += 1;
        let nodes = self.inner(sub)?;
        let is_plain = match nodes.split_first()? {
            (Node::Choice(branches), rest) => {
                is_flat(rest) && branches.iter().all(|branch| is_flat(branch))
            }
            _ => is_flat(&nodes),
        };
        is_plain.then_some(Node::Repeat(Repeat { nodes, least: *min, most }))
    }

    /// A run of the bytes that `hir` matches, to be completed.
    fn run(&mut self, hir: &Hir) -> Option<Run> {
        let index = self.n_runs;
        self.n_runs += 1;
        Some(Run { set: bytes(hir)?, least: 0, most: 0, is_counted: false, index })
    }
}

/// Whether `nodes` are literals and runs only.
fn is_flat(nodes: &[Node]) -> bool {
    nodes.iter().all(|node| matches!(node, Node::Literal(_) | Node::Run(_)))
}

/// The bytes that an expression for one byte matches.
fn bytes(hir: &Hir) -> Option<ByteSet> {
    let mut set = ByteSet::default();
    match hir.kind() {
        HirKind::Literal(literal) => {
            let [byte] = &*literal.0 else { return None };
            set.insert(*byte);
        }
        HirKind::Class(Class::Bytes(class)) => {
            class
                .iter()
                .flat_map(|range| range.start()..=range.end())
                .for_each(|byte| set.insert(byte));
        }
        HirKind::Capture(group) if group.name.is_none() => return bytes(&group.sub),
        _ => return None,
    }
    Some(set)
}

/// What may follow a node.
struct Follow {
    first: ByteSet,
    /// Whether the match may end here.
    may_end: bool,
}

/// Checks that only the longest run is worth trying, everywhere in `nodes`. Returns what `nodes`
/// with what follows them may begin with.
fn check(nodes: &[Node], follow: &Follow) -> Option<Follow> {
    let mut behind = Follow { first: follow.first, may_end: follow.may_end };
    for node in nodes.iter().rev() {
        behind = match node {
            Node::Begin | Node::End => continue,
            Node::Literal(text) => {
                let mut first = ByteSet::default();
                text.first().into_iter().for_each(|byte| first.insert(*byte));
                Follow { first, may_end: false }
            }
            Node::Run(run) => {
                let is_fixed = run.least == run.most;
                if !is_fixed && !behind.may_end && meet(&run.set, &behind.first) {
                    return None;
                }
                let first = if run.least == 0 { union(&run.set, &behind.first) } else { run.set };
                Follow { first, may_end: run.least == 0 && behind.may_end }
            }
            Node::Choice(branches) => check_all(branches, &behind)?,
            Node::Repeat(repeat) => {
                // A repetition is followed by another one or by what follows the group.
                let one = first_of(&repeat.nodes)?;
                check(
                    &repeat.nodes,
                    &Follow { first: union(&one, &behind.first), may_end: false },
                )?;
                let first = if repeat.least == 0 { union(&one, &behind.first) } else { one };
                Follow { first, may_end: repeat.least == 0 && behind.may_end }
            }
        };
    }
    Some(behind)
}

/// [`check`] for alternatives: what any of them may begin with.
fn check_all(branches: &[Vec<Node>], behind: &Follow) -> Option<Follow> {
    let mut all = Follow { first: ByteSet::default(), may_end: false };
    for branch in branches {
        let begun = check(branch, behind)?;
        all = Follow {
            first: union(&all.first, &begun.first),
            may_end: all.may_end || begun.may_end,
        };
    }
    Some(all)
}

/// What a repetition may begin with. Alternatives inside must differ in their first byte, or the
/// number of ways to try them would grow exponentially.
fn first_of(nodes: &[Node]) -> Option<ByteSet> {
    match nodes.first()? {
        Node::Literal(text) => {
            let mut first = ByteSet::default();
            first.insert(*text.first()?);
            Some(first)
        }
        Node::Run(run) => (run.least > 0).then_some(run.set),
        Node::Choice(branches) => {
            let mut all = ByteSet::default();
            for branch in branches {
                let first = first_of(branch)?;
                if meet(&all, &first) {
                    return None;
                }
                all = union(&all, &first);
            }
            Some(all)
        }
        Node::Repeat(_) | Node::Begin | Node::End => None,
    }
}

/// The bytes of either set.
fn union(one: &ByteSet, other: &ByteSet) -> ByteSet {
    let mut union = *one;
    (0..=u8::MAX).filter(|byte| other.contains(*byte)).for_each(|byte| union.insert(byte));
    union
}

/// Whether two sets have a byte in common.
fn meet(one: &ByteSet, other: &ByteSet) -> bool {
    (0..=u8::MAX).any(|byte| one.contains(byte) && other.contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Recogniser, RuleSet, Selection, pattern::Pattern};
    use regex_automata::{Anchored, Input, meta};

    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (self.0 >> 33) as usize % limit
        }
    }

    /// A text that the pattern matches.
    fn generate(hir: &Hir, random: &mut Random, text: &mut Vec<u8>) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => text.extend_from_slice(&literal.0),
            HirKind::Class(_) => {
                let set = bytes(hir).expect("a class of bytes");
                let members: Vec<u8> = (0..=u8::MAX).filter(|byte| set.contains(*byte)).collect();
                text.push(members[random.below(members.len())]);
            }
            HirKind::Repetition(repetition) => {
                let least = repetition.min as usize;
                let most = repetition.max.map_or(least + 9, |max| max as usize).min(least + 9);
                let n_times = if random.below(4) == 0 {
                    most
                } else {
                    least + random.below(most - least + 1)
                };
                (0..n_times).for_each(|_| generate(&repetition.sub, random, text));
            }
            HirKind::Capture(group) => generate(&group.sub, random, text),
            HirKind::Concat(parts) => parts.iter().for_each(|part| generate(part, random, text)),
            HirKind::Alternation(parts) => {
                generate(&parts[random.below(parts.len())], random, text)
            }
        }
    }

    /// Cuts the text, doubles its end, or changes, removes or doubles a byte.
    fn spoil(text: &mut Vec<u8>, random: &mut Random) {
        if text.is_empty() {
            return;
        }
        let at = random.below(text.len());
        match random.below(7) {
            0 => text.truncate(at),
            1 => text[at] = b"aZ9_-.=/% \n\"\\|:*"[random.below(16)],
            2 => text.insert(at, text[at]),
            3 => drop(text.remove(at)),
            4 => text.extend_from_within(at..),
            5 => text.make_ascii_lowercase(),
            _ => text.extend_from_slice(b" x"),
        }
    }

    /// The result of the regex engines.
    fn naive(regex: &meta::Regex, cut: &meta::Regex, secret: usize, hay: &[u8]) -> Matched {
        let input = Input::new(hay).anchored(Anchored::Yes);
        let mut found = regex.create_captures();
        regex.search_captures(&input, &mut found);
        let span = |group| found.get_group(group).map(|span| Span::new(span.start, span.end));
        match span(0) {
            Some(whole) => Matched::Whole {
                whole,
                secret: span(secret).expect("the secret is in every match"),
            },
            None if cut.is_match(input) => Matched::Cut,
            None => Matched::Nothing,
        }
    }

    #[track_caller]
    fn compare(pattern: &Pattern, fold: bool, n_texts: usize) -> bool {
        let compiled = pattern.compiled();
        let hir = compiled.hir(fold);
        let Some(matcher) = SimpleMatcher::new(&hir) else { return false };
        let regex = if fold { compiled.folded() } else { compiled.regex() };
        let mut random = Random(7);
        for _ in 0..n_texts {
            let mut text = Vec::new();
            generate(&hir, &mut random, &mut text);
            (0..random.below(4)).for_each(|_| spoil(&mut text, &mut random));
            let mut expected = naive(regex, compiled.cut(), compiled.secret, &text);
            let mut found = matcher.at(&text, 0, &mut matcher.memo());
            let is_refuted = matcher.quick_reject().is_some_and(|quick| quick.refuses(&text, 0))
                || text.first().is_some_and(|byte| !matcher.may_begin(*byte));
            assert!(!is_refuted || found == Matched::Nothing, "{} is refused", pattern.source());
            if fold {
                // A pattern without regard to case is never asked for cut tokens.
                for one in [&mut expected, &mut found] {
                    *one = if *one == Matched::Cut { Matched::Nothing } else { *one };
                }
            }
            assert_eq!(
                found,
                expected,
                "{} on {:?}",
                pattern.source(),
                text.escape_ascii().to_string()
            );
        }
        true
    }

    #[test]
    fn the_matcher_finds_what_the_regex_finds() {
        let all = Selection { also: vec!["*".into()], ..Selection::default() };
        let rules: RuleSet = all.load().expect("the embedded rules load");
        let (mut n_patterns, mut n_simple) = (0, 0);
        for rule in rules.rules() {
            let Recogniser::Token(pattern) = &rule.recogniser else { continue };
            n_patterns += 1;
            n_simple += usize::from(compare(pattern, false, 300));
            compare(pattern, true, 100);
        }
        assert!(n_simple * 10 > n_patterns * 9, "{n_simple} of {n_patterns} patterns are simple");
    }

    #[test]
    fn choices_repetitions_and_empty_ends_are_simple() {
        for pattern in [
            "(?<secret> ab (?: c [0-9]{2,3} )? [x-z]{2,4} )",
            "(?<secret> a (?: bc | bd | b )  [0-9]+ (?: - [a-f]{2,} ){0,3} )",
            "x? (?<secret> [a-c]{3} ={0,2} ) [0-9]{0,2}",
            "(?<secret> (?: [a-c] | \\\\ [:\\\\] ){2,9} )",
            "k (?: [a-f0-9]{4} _ )? (?<secret> [a-f0-9]{6} )",
        ] {
            assert!(compare(&Pattern::new(pattern), false, 3000), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_could_match_otherwise_is_left_to_the_regex() {
        for pattern in [
            "(?<secret> [a-z]{3,9} end )",
            "(?<secret> a{0,3} [a-z0-9]{7,12} x )",
            "(?<secret> ab [0-9]{2,4}? x )",
            "(?: a (?<secret> b ) | c ) d",
            "ab [0-9]{3}",
            "(?<secret> ab $ )",
            "(?<secret> (?: a? )* b )",
            "(?<secret> (?: x (?: a | ab ){2,9} y )+ )",
        ] {
            assert!(
                SimpleMatcher::new(&Pattern::new(pattern).compiled().hir(false)).is_none(),
                "{pattern}"
            );
        }
    }

    #[test]
    fn a_run_is_counted_once_for_all_matches_in_it() {
        let matcher = SimpleMatcher::new(
            &Pattern::new("(?<secret> k [a-z-]{40,90} \\. )").compiled().hir(false),
        )
        .expect("a simple pattern");
        let mut hay = b"k-".repeat(60);
        hay.extend_from_slice(b". k-k");
        let mut memo = matcher.memo();
        for start in 0..hay.len() {
            assert_eq!(
                matcher.at(&hay, start, &mut memo),
                matcher.at(&hay, start, &mut matcher.memo()),
                "{start}"
            );
        }
    }
}
