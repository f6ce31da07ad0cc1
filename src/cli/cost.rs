//! `logscrub rules cost`: what each rule costs on the user's own log.
//!
//! The log is read and framed as the filter does. The report has ids and numbers, nothing of the
//! log.

use std::{
    cmp::Reverse,
    io::{self, IsTerminal as _, Read},
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;
use serde_json::{Value, json};

use super::{named_input, settings::Settings, terminal::Out};
use crate::{
    BLOCK,
    detect::{
        Scanner,
        cost::{Cost, Measure},
    },
    error::Error,
    frame::buffer::{Block, BlockBuffer},
    prefilter::Cpu,
    redact::placeholder::Placeholders,
    rules::RuleSet,
    source::refuse::Gate,
};

const EXAMPLES: &str = "\
Examples:
  logscrub rules cost app.log                  the rules in force
  logscrub -r acme.toml rules cost app.log     your own rules, before you ship them
  logscrub --only 'acme-*' -r acme.toml rules cost < app.log";

/// Measure what each rule costs on your log, most expensive first
///
/// Scans the log as the filter does. For each rule it prints candidates (places where an anchor of
/// the rule was found), confirmations (how often a pattern was tried or a value judged), findings,
/// and nanoseconds per megabyte of log. Rules that share a detector share its work: candidates,
/// confirmations and time are counted for the first rule with the anchor, findings for the rule
/// that they are named after. Rules without a candidate are counted, but not listed. Nothing of the
/// log is shown.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CostArgs {
    /// The log; `-` or none for standard input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print JSON
    ///
    /// It has the same content as the text, and the rules without a candidate.
    #[arg(long, help_heading = "Report")]
    json: bool,
}

pub(super) fn run(args: &CostArgs, settings: &Settings, out: &mut Out) -> Result<u8, Error> {
    let path = args.file.as_deref().unwrap_or(Path::new("-"));
    if args.file.is_none() && io::stdin().is_terminal() {
        return Err(Error::usage("rules cost: standard input is a terminal")
            .hint("name a log, as in `logscrub rules cost app.log`"));
    }
    let source = named_input::open(path)?;
    let mut measure = measure(&settings.rules()?, settings.cpu);
    read(&mut measure, source, &named_input::name(path), settings.max_record)?;
    out.text(&if args.json { format!("{}\n", as_json(&measure)) } else { as_text(&measure) })
}

fn measure(rules: &RuleSet, cpu: Cpu) -> Measure {
    let begin = Instant::now();
    let clock = move || u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let scanner = Scanner::new(rules.clone(), Placeholders::new(rules, []), cpu);
    Measure::new(scanner, Box::new(clock))
}

fn read(
    measure: &mut Measure,
    mut source: Box<dyn Read>,
    name: &str,
    max_record: usize,
) -> Result<(), Error> {
    let mut buffer = BlockBuffer::new(BLOCK, max_record);
    let mut gate = Gate::default();
    loop {
        let n_bytes = match source.read(buffer.space()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(|error| Error::input(name, error))?,
        };
        buffer.advance(n_bytes);
        while let Some(piece) = buffer.next_block(n_bytes == 0) {
            gate.pass(name, piece.bytes())?;
            measure.block(piece.bytes());
            let ends_record = !matches!(piece, Block::Window(window) if !window.is_last);
            let done = piece.bytes().len();
            buffer.consume(done, ends_record);
        }
        if n_bytes == 0 {
            return Ok(());
        }
    }
}

/// The rules by cost, most expensive first.
fn by_cost(measure: &Measure) -> Vec<(&str, Cost)> {
    let ids = measure.rules().rules().iter().map(|rule| rule.id());
    let mut costs: Vec<_> = ids.zip(measure.costs().iter().copied()).collect();
    costs.sort_by_key(|(id, cost)| (Reverse((cost.nanoseconds, cost.candidates)), *id));
    costs
}

/// A number per megabyte of the log.
fn per_megabyte(measure: &Measure, number: u64) -> u64 {
    let n_bytes = u128::from(measure.n_bytes.max(1));
    u64::try_from(u128::from(number) * 1_000_000 / n_bytes).unwrap_or(u64::MAX)
}

/// The time of neither the prefilter nor a rule: locating records, merging findings.
fn rest(measure: &Measure) -> u64 {
    let rules: u64 = measure.costs().iter().map(|cost| cost.nanoseconds).sum();
    measure.total.saturating_sub(measure.prefilter + rules)
}

fn total(measure: &Measure) -> Cost {
    measure.costs().iter().fold(Cost::default(), |sum, cost| Cost {
        candidates: sum.candidates + cost.candidates,
        confirmations: sum.confirmations + cost.confirmations,
        findings: sum.findings + cost.findings,
        nanoseconds: measure.total,
    })
}

/// The table for people.
struct Table<'m> {
    measure: &'m Measure,
    /// The width of the first column.
    width: usize,
    text: String,
}

impl Table<'_> {
    fn row(&mut self, name: &str, counts: [String; 3], nanoseconds: u64) {
        let each = per_megabyte(self.measure, nanoseconds);
        let share = nanoseconds as f64 * 100.0 / self.measure.total.max(1) as f64;
        self.line(name, counts, each.to_string(), format!("{share:.1}%"));
    }

    fn cost(&mut self, name: &str, cost: &Cost) {
        let counts = [cost.candidates, cost.confirmations, cost.findings];
        self.row(name, counts.map(|count| count.to_string()), cost.nanoseconds);
    }

    fn line(&mut self, name: &str, counts: [String; 3], each: String, share: String) {
        let width = self.width;
        let [candidates, confirmations, findings] = counts;
        self.text.push_str(&format!(
            "{name:width$}  {candidates:>12}  {confirmations:>13}  {findings:>10}  {each:>12}  \
             {share:>6}\n"
        ));
    }
}

fn as_text(measure: &Measure) -> String {
    let costs = by_cost(measure);
    let width = costs.iter().map(|(id, _)| id.len()).max().unwrap_or(0).max("prefilter".len());
    let mut table = Table { measure, width, text: String::new() };
    let heads = ["candidates", "confirmations", "findings"].map(str::to_owned);
    table.line("rule", heads, "ns/MB".to_owned(), "share".to_owned());
    let mut n_idle = 0;
    for (id, cost) in &costs {
        if cost.candidates > 0 || cost.findings > 0 {
            table.cost(id, cost);
        } else {
            n_idle += 1;
        }
    }
    table.row("prefilter", Default::default(), measure.prefilter);
    table.row("the rest", Default::default(), rest(measure));
    table.cost("total", &total(measure));
    let megabytes = measure.n_bytes as f64 / 1e6;
    table.text.push_str(&format!("{megabytes:.1} MB; {n_idle} rules had no candidate\n"));
    table.text
}

fn as_json(measure: &Measure) -> Value {
    let rules = by_cost(measure).into_iter().map(|(id, cost)| {
        let mut rule = cost_json(measure, &cost);
        rule["id"] = id.into();
        rule
    });
    json!({
        "bytes": measure.n_bytes,
        "rules": rules.collect::<Vec<_>>(),
        "prefilter": { "ns_per_mb": per_megabyte(measure, measure.prefilter) },
        "rest": { "ns_per_mb": per_megabyte(measure, rest(measure)) },
        "total": cost_json(measure, &total(measure)),
    })
}

fn cost_json(measure: &Measure, cost: &Cost) -> Value {
    json!({
        "candidates": cost.candidates,
        "confirmations": cost.confirmations,
        "findings": cost.findings,
        "ns_per_mb": per_megabyte(measure, cost.nanoseconds),
    })
}
