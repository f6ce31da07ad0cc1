//! A pattern as a walk over bytes: literals compared, runs of a class counted, a choice tried in
//! order.
//!
//! Nearly every token is a prefix, a run of some class, perhaps a separator and another run. Such a
//! pattern needs no regex engine: what fails is told after a few bytes, what matches costs a look
//! at each, nothing is compiled and nothing is kept. A walk is made only where it finds exactly
//! what the regex finds, which asks of each run that what may follow it cannot begin with a byte of
//! it: then the longest run is the only one worth trying. [`Walk::new`] refuses every other
//! pattern, and the regex stays its engine. The tests hold the two against each other for every
//! embedded rule.
//!
//! A walk that fails also tells whether the text ended in the middle of it, which is how a token is
//! known that the end of its record cut.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use crate::{
    rules::ByteSet,
    text::{span::Span, visits},
};

/// Choices that may be tried in vain; a pattern with more is left to the regex.
const MAX_CHOICES: usize = 6;

/// The most turns of a repeated group, each of which takes a little of the stack.
const MAX_TURNS: u32 = 256;

/// So many bytes of a run are glanced at before anything else.
const GLANCE: usize = 8;

/// A shorter run is counted again rather than remembered.
const LONG: usize = 32;

/// A pattern that can be walked.
pub(super) struct Walk {
    nodes: Vec<Node>,
    n_runs: usize,
    /// What a match may begin with.
    first: ByteSet,
}

/// What every match has at the same place: so many bytes of a class.
#[derive(Clone, Copy)]
pub(super) struct Glance {
    offset: usize,
    length: usize,
    set: ByteSet,
}

impl Glance {
    /// Whether what begins at `start` can be no match, nor one that the end of its record cut,
    /// wherever that is.
    pub(super) fn refutes(&self, hay: &[u8], start: usize) -> bool {
        let there = hay.get(start + self.offset..).unwrap_or_default();
        let other = there.iter().take(self.length).find(|byte| !self.set.contains(**byte));
        other.is_some_and(|byte| !matches!(byte, b'\r' | b'\n'))
    }
}

enum Node {
    Literal(Box<[u8]>),
    Run(Run),
    Choice(Vec<Vec<Node>>),
    Turns(Turns),
    /// Here the secret begins.
    Begin,
    /// Here it ends.
    End,
}

/// Bytes of one class, as many as there are and at most `most`.
struct Run {
    set: ByteSet,
    least: usize,
    most: usize,
    /// Whether the pattern gives a number of times.
    is_counted: bool,
    index: usize,
}

/// A group that is repeated.
struct Turns {
    nodes: Vec<Node>,
    least: u32,
    most: u32,
}

/// What a walk found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walked {
    /// The whole match, and the secret inside.
    Match {
        whole: Span,
        secret: Span,
    },
    /// The text ended where more was wanted.
    Cut,
    Nothing,
}

/// Where the runs lie that were counted last, so that a token that is begun again and again inside
/// one long run costs what the run is long. It speaks of one block.
pub(super) struct Memo {
    runs: Vec<Span>,
}

impl Memo {
    /// Another block begins.
    pub(super) fn clear(&mut self) {
        self.runs.fill(Span::default());
    }
}

impl Walk {
    /// The walk for a pattern, where it is exact.
    pub(super) fn new(hir: &Hir) -> Option<Walk> {
        let mut make = Make { n_runs: 0, n_choices: 0, is_inside: false };
        let mut nodes = Vec::new();
        make.nodes(hir, &mut nodes)?;
        let n_marks = nodes.iter().filter(|node| matches!(node, Node::Begin | Node::End)).count();
        let Follow { first, .. } =
            check(&nodes, &Follow { first: ByteSet::default(), may_end: true })?;
        (n_marks == 2).then_some(Walk { nodes, n_runs: make.n_runs, first })
    }

    /// The walk for a pattern without a group for the secret, which is all of a match, where it is
    /// exact.
    pub(super) fn of_whole(hir: &Hir) -> Option<Walk> {
        let mut make = Make { n_runs: 0, n_choices: 0, is_inside: true };
        let mut nodes = vec![Node::Begin];
        make.nodes(hir, &mut nodes)?;
        nodes.push(Node::End);
        let Follow { first, .. } =
            check(&nodes, &Follow { first: ByteSet::default(), may_end: true })?;
        Some(Walk { nodes, n_runs: make.n_runs, first })
    }

    /// Whether a match may begin with `byte`.
    pub(super) fn may_begin(&self, byte: u8) -> bool {
        self.first.contains(byte)
    }

    /// Where to glance first: the first run, when nothing but literals stands before it.
    pub(super) fn glance(&self) -> Option<Glance> {
        let mut offset = 0;
        for node in &self.nodes {
            match node {
                Node::Literal(text) => offset += text.len(),
                Node::Run(run) => {
                    return Some(Glance { offset, length: run.least.min(GLANCE), set: run.set });
                }
                Node::Begin | Node::End => {}
                Node::Choice(_) | Node::Turns(_) => return None,
            }
        }
        None
    }

    pub(super) fn memo(&self) -> Memo {
        Memo { runs: vec![Span::default(); self.n_runs] }
    }

    /// Matches at `start`, in a text that ends with `hay`.
    pub(super) fn at(&self, hay: &[u8], start: usize, memo: &mut Memo) -> Walked {
        let mut steps = Steps { hay, memo, is_cut: false, secret: Span::default() };
        match steps.go(&self.nodes, start, &Then::Done) {
            Some(end) => Walked::Match { whole: Span::new(start, end), secret: steps.secret },
            None if steps.is_cut => Walked::Cut,
            None => Walked::Nothing,
        }
    }
}

/// What is left to do behind a list of nodes.
enum Then<'t> {
    /// Nothing: that was a match.
    Done,
    /// Nothing, and it is none: asked only whether the text ends there.
    Nowhere,
    Nodes(&'t [Node], &'t Then<'t>),
    /// Another turn, the one of that number, or what is behind the group.
    Turn(&'t Turns, u32, &'t Then<'t>),
}

struct Steps<'s> {
    hay: &'s [u8],
    memo: &'s mut Memo,
    is_cut: bool,
    secret: Span,
}

impl Steps<'_> {
    /// The end of the first way through `nodes` and what is behind them.
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
                Node::Turns(turns) => {
                    return self.turn(turns, 0, at, &Then::Nodes(&nodes[index + 1..], then));
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
            Then::Turn(turns, n_done, then) => self.turn(turns, *n_done, at, then),
        }
    }

    fn literal(&mut self, text: &[u8], at: usize) -> Option<usize> {
        let rest = &self.hay[at..];
        visits::add(text.len());
        if rest.starts_with(text) {
            return Some(at + text.len());
        }
        self.is_cut |= rest.len() < text.len() && text.starts_with(rest);
        None
    }

    fn run(&mut self, run: &Run, at: usize) -> Option<usize> {
        let end = at + self.count(run, at);
        // A prefix of a counted run may be one longer than the run, as the expression for cut
        // tokens has it.
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

    fn turn(&mut self, turns: &Turns, n_done: u32, at: usize, then: &Then<'_>) -> Option<usize> {
        if n_done < turns.most {
            let end = self.go(&turns.nodes, at, &Then::Turn(turns, n_done + 1, then));
            if end.is_some() || n_done < turns.least {
                return end;
            }
        }
        let end = self.go(&[], at, then);
        if end.is_none() && n_done == turns.most {
            self.go(&turns.nodes, at, &Then::Nowhere);
        }
        end
    }
}

/// Makes nodes of a parsed pattern, or gives up.
struct Make {
    n_runs: usize,
    n_choices: usize,
    /// Whether a choice or a repeated group is being made, in which no secret may begin.
    is_inside: bool,
}

impl Make {
    fn nodes(&mut self, hir: &Hir, nodes: &mut Vec<Node>) -> Option<()> {
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => nodes.push(Node::Literal(literal.0.clone())),
            HirKind::Class(_) => nodes.push(self.run(hir, 1, Some(1), false)?),
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

    fn inner(&mut self, hir: &Hir) -> Option<Vec<Node>> {
        let was_inside = std::mem::replace(&mut self.is_inside, true);
        let mut nodes = Vec::new();
        self.nodes(hir, &mut nodes)?;
        self.is_inside = was_inside;
        Some(nodes)
    }

    fn repetition(&mut self, repetition: &Repetition) -> Option<Node> {
        let Repetition { min, max, greedy, sub } = repetition;
        if !greedy {
            return None;
        }
        if bytes(sub).is_some() {
            return self.run(sub, *min, *max, true);
        }
        let most = max.filter(|max| *max <= MAX_TURNS)?;
        // A turn that takes nothing could be taken for ever.
        if sub.properties().minimum_len().is_none_or(|least| least == 0) {
            return None;
        }
        self.n_choices += 1;
        let nodes = self.inner(sub)?;
        let is_flat = |nodes: &[Node]| {
            nodes.iter().all(|node| matches!(node, Node::Literal(_) | Node::Run(_)))
        };
        let is_plain = match nodes.split_first()? {
            (Node::Choice(branches), rest) => {
                is_flat(rest) && branches.iter().all(|branch| is_flat(branch))
            }
            _ => is_flat(&nodes),
        };
        is_plain.then_some(Node::Turns(Turns { nodes, least: *min, most }))
    }

    fn run(&mut self, hir: &Hir, least: u32, most: Option<u32>, is_counted: bool) -> Option<Node> {
        let index = self.n_runs;
        self.n_runs += 1;
        let most = most.map_or(usize::MAX, |most| most as usize);
        Some(Node::Run(Run { set: bytes(hir)?, least: least as usize, most, is_counted, index }))
    }
}

/// The bytes that an expression for one byte stands for.
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

/// What may stand behind a node.
struct Follow {
    first: ByteSet,
    /// Whether the match may end there whatever follows.
    may_end: bool,
}

/// Whether the longest run is the only one worth trying, everywhere; answers what `nodes` and what
/// follows may begin with.
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
            Node::Choice(branches) => {
                let mut all = Follow { first: ByteSet::default(), may_end: false };
                for branch in branches {
                    let begun = check(branch, &behind)?;
                    all = Follow {
                        first: union(&all.first, &begun.first),
                        may_end: all.may_end || begun.may_end,
                    };
                }
                all
            }
            Node::Turns(turns) => {
                // Behind a turn comes another or what is behind the group, whichever begins so.
                let one = first_of(&turns.nodes)?;
                check(&turns.nodes, &Follow { first: union(&one, &behind.first), may_end: false })?;
                let first = if turns.least == 0 { union(&one, &behind.first) } else { one };
                Follow { first, may_end: turns.least == 0 && behind.may_end }
            }
        };
    }
    Some(behind)
}

/// What a turn may begin with. Choices inside must be told apart by their first byte, or turns
/// could be tried in ways without number.
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
        Node::Turns(_) | Node::Begin | Node::End => None,
    }
}

fn union(one: &ByteSet, other: &ByteSet) -> ByteSet {
    let mut union = *one;
    (0..=u8::MAX).filter(|byte| other.contains(*byte)).for_each(|byte| union.insert(byte));
    union
}

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

    /// Cut, glued, with a byte changed, taken out or doubled.
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

    /// What the engines of regexes say.
    fn naive(regex: &meta::Regex, cut: &meta::Regex, secret: usize, hay: &[u8]) -> Walked {
        let input = Input::new(hay).anchored(Anchored::Yes);
        let mut found = regex.create_captures();
        regex.search_captures(&input, &mut found);
        let span = |group| found.get_group(group).map(|span| Span::new(span.start, span.end));
        match span(0) {
            Some(whole) => {
                Walked::Match { whole, secret: span(secret).expect("the secret is in every match") }
            }
            None if cut.is_match(input) => Walked::Cut,
            None => Walked::Nothing,
        }
    }

    #[track_caller]
    fn compare(pattern: &Pattern, fold: bool, n_texts: usize) -> bool {
        let compiled = pattern.compiled();
        let hir = compiled.hir(fold);
        let Some(walk) = Walk::new(&hir) else { return false };
        let regex = if fold { compiled.folded() } else { compiled.regex() };
        let mut random = Random(7);
        for _ in 0..n_texts {
            let mut text = Vec::new();
            generate(&hir, &mut random, &mut text);
            (0..random.below(4)).for_each(|_| spoil(&mut text, &mut random));
            let mut expected = naive(regex, compiled.cut(), compiled.secret, &text);
            let mut found = walk.at(&text, 0, &mut walk.memo());
            let is_refuted = walk.glance().is_some_and(|glance| glance.refutes(&text, 0))
                || text.first().is_some_and(|byte| !walk.may_begin(*byte));
            assert!(!is_refuted || found == Walked::Nothing, "{} at a glance", pattern.source());
            if fold {
                // Nobody asks a pattern without regard to case for what was cut.
                for one in [&mut expected, &mut found] {
                    *one = if *one == Walked::Cut { Walked::Nothing } else { *one };
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
    fn a_walk_finds_what_the_regex_finds_and_cuts_what_it_cuts() {
        let all = Selection { also: vec!["*".into()], ..Selection::default() };
        let rules: RuleSet = all.load().expect("the embedded rules load");
        let (mut n_patterns, mut n_walked) = (0, 0);
        for rule in rules.rules() {
            let Recogniser::Token(pattern) = &rule.recogniser else { continue };
            n_patterns += 1;
            n_walked += usize::from(compare(pattern, false, 300));
            compare(pattern, true, 100);
        }
        assert!(n_walked * 10 > n_patterns * 9, "{n_walked} of {n_patterns} patterns are walked");
    }

    #[test]
    fn patterns_with_choices_turns_and_ends_that_may_be_empty_are_walked() {
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
    fn what_a_walk_could_find_otherwise_is_left_to_the_regex() {
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
            assert!(Walk::new(&Pattern::new(pattern).compiled().hir(false)).is_none(), "{pattern}");
        }
    }

    #[test]
    fn a_run_is_counted_once_for_all_that_begins_in_it() {
        let walk =
            Walk::new(&Pattern::new("(?<secret> k [a-z-]{40,90} \\. )").compiled().hir(false))
                .expect("a walk");
        let mut hay = b"k-".repeat(60);
        hay.extend_from_slice(b". k-k");
        let mut memo = walk.memo();
        for start in 0..hay.len() {
            assert_eq!(
                walk.at(&hay, start, &mut memo),
                walk.at(&hay, start, &mut walk.memo()),
                "{start}"
            );
        }
    }
}
