//! `logscrub rules`; `rules cost` is in [`super::cost`], `rules import` in [`super::import`].

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    cost::{self, CostArgs},
    form::{Form, Json},
    import::{self, Import},
    mask::masked,
    rule_text,
    settings::Settings,
    terminal::Out,
};
use crate::{
    error::Error,
    lint::{self, Complaint, Failure},
    rules::{Rule, RuleSet},
};

const LIST_EXAMPLES: &str = "\
Examples:
  logscrub rules list                      the rules in force
  logscrub --also personal rules list --json";

const SHOW_EXAMPLES: &str = "\
Examples:
  logscrub rules show jwt
  logscrub rules show password --json";

const LINT_EXAMPLES: &str = "\
Examples:
  logscrub rules lint acme.toml            check your own rules
  logscrub rules lint --strict rules/      fail on warnings too, as in CI";

const TEST_EXAMPLES: &str = "\
Examples:
  logscrub rules test                      the examples of all rules in force
  logscrub -r acme.toml --only 'acme-*' rules test";

/// What to do with rules.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Rules {
    /// List the rules in force: id, class, severity, title
    #[command(after_help = LIST_EXAMPLES)]
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Show everything about one rule
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        /// The rule's id
        id: String,
        #[command(flatten)]
        json: Json,
    },
    /// Check rule files, or the rules in force
    ///
    /// Proves that every match contains an anchor, runs the examples to the exact byte, and checks
    /// cost and style. Exit code 1 if something is wrong.
    #[command(after_help = LINT_EXAMPLES)]
    Lint {
        /// Rule files or folders
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Fail on warnings too
        ///
        /// A warning is for a rule that works, but is, for example, expensive. Without this flag,
        /// warnings do not change the exit code.
        #[arg(long, help_heading = "Report")]
        strict: bool,
        #[command(flatten)]
        json: Json,
    },
    Cost(CostArgs),
    Import(Import),
    /// Run every rule's examples through the scanner
    ///
    /// Exit code 1 if an example fails.
    #[command(after_help = TEST_EXAMPLES)]
    Test {
        #[command(flatten)]
        json: Json,
    },
}

pub(super) fn run(verb: &Rules, settings: &Settings, out: &mut Out) -> Result<u8, Error> {
    match verb {
        Rules::List { json } => list(&settings.rules()?, (*json).into(), out),
        Rules::Show { id, json } => show(&settings.rules()?, id, (*json).into(), out),
        Rules::Lint { files, strict, json } => {
            let checked = check(settings, files)?;
            let is_wrong = if *strict { checked.has_complaints() } else { checked.has_errors() };
            checked.print((*json).into(), out)?;
            Ok(u8::from(is_wrong))
        }
        Rules::Cost(args) => cost::run(args, settings, out),
        Rules::Test { json } => test(&settings.rules()?, (*json).into(), out),
        Rules::Import(import) => import::run(import, out),
    }
}

fn list(rules: &RuleSet, form: Form, out: &mut Out) -> Result<u8, Error> {
    if form == Form::Json {
        let all: Vec<Value> = rules.rules().iter().map(rule_text::summary).collect();
        return out.text(&format!("{}\n", Value::from(all)));
    }
    let width = rules.rules().iter().map(|rule| rule.id().len()).max().unwrap_or(0);
    let mut text = String::new();
    for rule in rules.rules() {
        let (class, severity) = (rule.class().name(), rule.severity().name());
        let (id, title) = (rule.id(), rule.title());
        text.push_str(&format!("{id:width$}  {class:14}  {severity:8}  {title}\n"));
    }
    out.text(&text)
}

fn show(rules: &RuleSet, id: &str, form: Form, out: &mut Out) -> Result<u8, Error> {
    let Some(rule) = rules.named(id) else {
        let ids = rules.rules().iter().map(Rule::id);
        let nearest = ids.min_by_key(|known| strsim::damerau_levenshtein(id, known));
        let nearest = nearest.unwrap_or_default();
        return Err(Error::usage(format!("rules show: no rule {id:?} is in force"))
            .hint(format!("did you mean {nearest:?}? `logscrub rules list` shows all")));
    };
    match form {
        Form::Json => {
            let mut object = rule_text::whole(rule);
            object["file"] = masked(&rule.origin().file).into();
            out.text(&format!("{object}\n"))
        }
        Form::Text => out.text(&rule_text::page(rule)),
    }
}

/// What is wrong with the rules that were checked.
struct Checked {
    n_rules: usize,
    complaints: Vec<Complaint>,
    failures: Vec<Failure>,
}

/// Checks the rules of `files`, or those in force: how they are written, what they cost, and their
/// examples together with all other rules.
fn check(settings: &Settings, files: &[PathBuf]) -> Result<Checked, Error> {
    let rules = settings.with_rules(files).rules()?;
    let is_meant =
        |file: &str| files.is_empty() || files.iter().any(|path| Path::new(file).starts_with(path));
    let meant: Vec<Rule> =
        rules.rules().iter().filter(|rule| is_meant(&rule.origin().file)).cloned().collect();
    let mut complaints = lint::lint(&meant);
    complaints.extend(lint::expensive(&meant));
    let failures =
        lint::test(&rules).into_iter().filter(|failure| is_meant(&failure.file)).collect();
    Ok(Checked { n_rules: meant.len(), complaints, failures })
}

impl Checked {
    fn has_complaints(&self) -> bool {
        !self.failures.is_empty() || !self.complaints.is_empty()
    }

    fn has_errors(&self) -> bool {
        !self.failures.is_empty() || self.complaints.iter().any(|complaint| !complaint.is_warning)
    }

    fn print(&self, form: Form, out: &mut Out) -> Result<u8, Error> {
        if form == Form::Json {
            let complaints = self.complaints.iter().map(complaint_json);
            let all: Vec<Value> =
                complaints.chain(self.failures.iter().map(failure_json)).collect();
            return out.text(&format!("{}\n", Value::from(all)));
        }
        let complaints = self.complaints.iter().map(complaint_line);
        let mut text: String = complaints.chain(self.failures.iter().map(failure_line)).collect();
        let n_complaints = self.complaints.len() + self.failures.len();
        text.push_str(&format!("{} rules, {n_complaints} complaints\n", self.n_rules));
        out.text(&text)
    }
}

/// Runs the examples of the rules in force.
fn test(rules: &RuleSet, form: Form, out: &mut Out) -> Result<u8, Error> {
    let failures = lint::test(rules);
    if form == Form::Json {
        let all: Vec<Value> = failures.iter().map(failure_json).collect();
        out.text(&format!("{}\n", Value::from(all)))?;
    } else {
        let examples = rules.rules().iter().map(|rule| rule.hits().len() + rule.misses().len());
        let (n_rules, n_examples) = (rules.rules().len(), examples.sum::<usize>());
        let mut text: String = failures.iter().map(failure_line).collect();
        let n_failed = failures.len();
        text.push_str(&format!("{n_rules} rules, {n_examples} examples, {n_failed} failed\n"));
        out.text(&text)?;
    }
    Ok(u8::from(!failures.is_empty()))
}

fn level(complaint: &Complaint) -> &'static str {
    if complaint.is_warning { "warning" } else { "error" }
}

fn complaint_line(complaint: &Complaint) -> String {
    let Complaint { file, line, rule, message, .. } = complaint;
    let level = level(complaint);
    masked(&format!("{file}:{line}: {level}: rule {rule:?}: {message}\n"))
}

fn failure_line(failure: &Failure) -> String {
    let Failure { file, line, rule, example, message } = failure;
    let file = masked(file);
    format!("{file}:{line}: error: rule {rule:?}: example {example:?}: {message}\n")
}

fn complaint_json(complaint: &Complaint) -> Value {
    let Complaint { file, line, rule, message, .. } = complaint;
    let level = level(complaint);
    let (file, message) = (masked(file), masked(message));
    json!({ "file": file, "line": line, "rule": rule, "message": message, "level": level })
}

fn failure_json(failure: &Failure) -> Value {
    let Failure { file, line, rule, example, message } = failure;
    let file = masked(file);
    json!({
        "file": file,
        "line": line,
        "rule": rule,
        "example": example,
        "message": message,
        "level": "error",
    })
}
