//! `logscrub rules cost`: what each rule costs on the user's own log.
//!
//! The log is read and framed as the filter does it. What is reported are ids and numbers, nothing
//! of the log.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read},
    path::Path,
    time::Instant,
};

use serde_json::{Value, json};

use super::{Out, settings::Settings};
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
    source::{refuse::Gate, stdin},
};

pub(super) fn run(
    settings: &Settings,
    file: Option<&Path>,
    json: bool,
    out: &mut Out,
) -> Result<u8, Error> {
    let file = file.filter(|file| *file != Path::new("-"));
    if file.is_none() && io::stdin().is_terminal() {
        return Err(Error::usage("rules cost: standard input is a terminal")
            .hint("name a log: logscrub rules cost app.log"));
    }
    let name = file.map_or_else(|| "standard input".to_owned(), |file| file.display().to_string());
    let source: Box<dyn Read> = match file {
        Some(file) => Box::new(File::open(file).map_err(|error| Error::unreadable(file, error))?),
        None => Box::new(stdin::lock()?),
    };
    let mut measure = measure(&settings.rules()?, settings.cpu);
    read(&mut measure, source, &name, settings.max_record)?;
    out.text(&if json { format!("{}\n", as_json(&measure)) } else { as_text(&measure) })
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

/// The rules by what they cost, dearest first.
fn by_cost(measure: &Measure) -> Vec<(&str, Cost)> {
    let ids = measure.rules().rules().iter().map(|rule| rule.id());
    let mut costs: Vec<_> = ids.zip(measure.costs().iter().copied()).collect();
    costs.sort_by_key(|(id, cost)| (std::cmp::Reverse((cost.nanoseconds, cost.candidates)), *id));
    costs
}

/// What a number comes to for each megabyte of the log.
fn per_megabyte(measure: &Measure, number: u64) -> u64 {
    let n_bytes = u128::from(measure.n_bytes.max(1));
    u64::try_from(u128::from(number) * 1_000_000 / n_bytes).unwrap_or(u64::MAX)
}

/// What is neither the prefilter nor a rule: records are located, findings settled.
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

fn as_text(measure: &Measure) -> String {
    let (costs, total) = (by_cost(measure), total(measure));
    let width = costs.iter().map(|(id, _)| id.len()).max().unwrap_or(0).max("prefilter".len());
    let head = format!(
        "{:width$}  {:>12}  {:>13}  {:>10}  {:>12}  {:>6}\n",
        "rule", "candidates", "confirmations", "findings", "ns/MB", "share"
    );
    let share = |nanoseconds: u64| nanoseconds as f64 * 100.0 / measure.total.max(1) as f64;
    let line = |id: &str, cost: &Cost| {
        let Cost { candidates, confirmations, findings, nanoseconds } = *cost;
        let each = per_megabyte(measure, nanoseconds);
        let share = share(nanoseconds);
        format!(
            "{id:width$}  {candidates:>12}  {confirmations:>13}  {findings:>10}  {each:>12}  {share:>5.1}%\n"
        )
    };
    let bare = |name: &str, nanoseconds: u64| {
        let (each, share) = (per_megabyte(measure, nanoseconds), share(nanoseconds));
        format!("{name:width$}  {:>12}  {:>13}  {:>10}  {each:>12}  {share:>5.1}%\n", "", "", "")
    };
    let asked = costs.iter().filter(|(_, cost)| cost.candidates > 0 || cost.findings > 0);
    let n_idle = costs.len() - asked.clone().count();
    let mut text = head;
    text.extend(asked.map(|(id, cost)| line(id, cost)));
    text.push_str(&bare("prefilter", measure.prefilter));
    text.push_str(&bare("the rest", rest(measure)));
    text.push_str(&line("total", &total));
    text.push_str(&format!(
        "{:.1} MB; {n_idle} rules had no candidate\n",
        measure.n_bytes as f64 / 1e6
    ));
    text
}

fn as_json(measure: &Measure) -> Value {
    let object = |cost: &Cost| {
        json!({
            "candidates": cost.candidates,
            "confirmations": cost.confirmations,
            "findings": cost.findings,
            "ns_per_mb": per_megabyte(measure, cost.nanoseconds),
        })
    };
    let rule = |(id, cost): &(&str, Cost)| {
        let mut rule = json!({ "id": id });
        if let (Value::Object(rule), Value::Object(cost)) = (&mut rule, object(cost)) {
            rule.extend(cost);
        }
        rule
    };
    json!({
        "bytes": measure.n_bytes,
        "rules": by_cost(measure).iter().map(rule).collect::<Vec<_>>(),
        "prefilter": { "ns_per_mb": per_megabyte(measure, measure.prefilter) },
        "rest": { "ns_per_mb": per_megabyte(measure, rest(measure)) },
        "total": object(&total(measure)),
    })
}
