//! `logscrub rules list|show|lint|test`; `rules cost` is in [`super::cost`], `rules import` in
//! [`super::import`].

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Out, args::Rules, cost, import, mask::masked, settings::Settings};
use crate::{
    error::Error,
    lint::{self, Complaint, Failure},
    rules::{Recogniser, Rule, RuleSet, pattern::Pattern},
};

pub(super) fn run(verb: &Rules, settings: &Settings, out: &mut Out) -> Result<u8, Error> {
    match verb {
        Rules::List { json } => list(&settings.rules()?, *json, out),
        Rules::Show { id, json } => show(&settings.rules()?, id, *json, out),
        Rules::Lint { files, strict, json } => {
            let is_fault = if *strict {
                |_: &Complaint| true
            } else {
                |complaint: &Complaint| !complaint.is_warning
            };
            lint(settings, files, is_fault, *json, out)
        }
        Rules::Cost { file, json } => cost::run(settings, file.as_deref(), *json, out),
        Rules::Test { json } => test(&settings.rules()?, *json, out),
        Rules::Import { form, files, output } => import::run(form, files, output.as_deref(), out),
    }
}

fn list(rules: &RuleSet, json: bool, out: &mut Out) -> Result<u8, Error> {
    if json {
        let all: Vec<Value> = rules.rules().iter().map(head).collect();
        return out.text(&format!("{}\n", Value::from(all)));
    }
    let width = rules.rules().iter().map(|rule| rule.id().len()).max().unwrap_or(0);
    let line = |rule: &Rule| {
        let (class, severity) = (rule.class().name(), rule.severity().name());
        format!("{:width$}  {class:14}  {severity:8}  {}\n", rule.id(), rule.title())
    };
    out.text(&rules.rules().iter().map(line).collect::<String>())
}

/// Checks the rules of `files`, or those in force: as they are written, what they cost, and their
/// examples beside all other rules.
fn lint(
    settings: &Settings,
    files: &[PathBuf],
    is_fault: fn(&Complaint) -> bool,
    json: bool,
    out: &mut Out,
) -> Result<u8, Error> {
    let rules = settings.with_rules(files).rules()?;
    let is_meant = |file: &str| {
        files.is_empty() || files.iter().any(|path| std::path::Path::new(file).starts_with(path))
    };
    let meant: Vec<Rule> =
        rules.rules().iter().filter(|rule| is_meant(&rule.origin().file)).cloned().collect();
    let mut complaints = lint::lint(&meant);
    complaints.extend(lint::expensive(&meant));
    let failures: Vec<Failure> =
        lint::test(&rules).into_iter().filter(|failure| is_meant(&failure.file)).collect();
    let is_clean = failures.is_empty() && !complaints.iter().any(is_fault);
    if json {
        let all: Vec<Value> = complaints
            .iter()
            .map(complaint_json)
            .chain(failures.iter().map(failure_json))
            .collect();
        out.text(&format!("{}\n", Value::from(all)))?;
    } else {
        let mut text: String = complaints
            .iter()
            .map(complaint_line)
            .chain(failures.iter().map(failure_line))
            .collect();
        text.push_str(&format!(
            "{} rules, {} complaints\n",
            meant.len(),
            complaints.len() + failures.len()
        ));
        out.text(&text)?;
    }
    Ok(u8::from(!is_clean))
}

/// Runs the examples of the rules in force.
fn test(rules: &RuleSet, json: bool, out: &mut Out) -> Result<u8, Error> {
    let failures = lint::test(rules);
    if json {
        out.text(&format!(
            "{}\n",
            Value::from(failures.iter().map(failure_json).collect::<Vec<_>>())
        ))?;
    } else {
        let n_examples: usize =
            rules.rules().iter().map(|rule| rule.hits().len() + rule.misses().len()).sum();
        let mut text: String = failures.iter().map(failure_line).collect();
        text.push_str(&format!(
            "{} rules, {n_examples} examples, {} failed\n",
            rules.rules().len(),
            failures.len()
        ));
        out.text(&text)?;
    }
    Ok(u8::from(!failures.is_empty()))
}

fn complaint_line(complaint: &Complaint) -> String {
    let Complaint { file, line, rule, message, is_warning } = complaint;
    let level = if *is_warning { "warning" } else { "error" };
    masked(&format!("{file}:{line}: {level}: rule {rule:?}: {message}\n"))
}

fn failure_line(failure: &Failure) -> String {
    let Failure { file, line, rule, example, message } = failure;
    let file = masked(file);
    format!("{file}:{line}: error: rule {rule:?}: example {example:?}: {message}\n")
}

fn complaint_json(complaint: &Complaint) -> Value {
    let Complaint { file, line, rule, message, is_warning } = complaint;
    let (file, message) = (masked(file), masked(message));
    json!({ "file": file, "line": line, "rule": rule, "message": message, "level": if *is_warning { "warning" } else { "error" } })
}

fn failure_json(failure: &Failure) -> Value {
    let Failure { file, line, rule, example, message } = failure;
    let file = masked(file);
    json!({ "file": file, "line": line, "rule": rule, "example": example, "message": message, "level": "error" })
}

fn head(rule: &Rule) -> Value {
    json!({
        "id": rule.id(),
        "title": rule.title(),
        "class": rule.class().name(),
        "severity": rule.severity().name(),
        "recogniser": rule.recogniser(),
    })
}

fn show(rules: &RuleSet, id: &str, json: bool, out: &mut Out) -> Result<u8, Error> {
    let Some(rule) = rules.named(id) else {
        let nearest = rules
            .rules()
            .iter()
            .map(Rule::id)
            .min_by_key(|known| strsim::damerau_levenshtein(id, known));
        return Err(Error::usage(format!("rules show: no rule {id:?} is in force")).hint(format!(
            "did you mean {:?}? `logscrub rules list` shows all",
            nearest.unwrap_or_default()
        )));
    };
    if json {
        let mut object = whole(rule);
        object["file"] = masked(&rule.origin().file).into();
        return out.text(&format!("{object}\n"));
    }
    let mut text = format!("{}\n{}\n\n{}\n\n", rule.id(), rule.title(), rule.about());
    let mut line = |name: &str, value: String| text.push_str(&format!("{name:<11} {value}\n"));
    line("class", rule.class().name().into());
    line("severity", rule.severity().name().into());
    line("recogniser", rule.recogniser().into());
    line("anchors", anchors(rule).join("  "));
    if let Recogniser::Token(pattern) = &rule.recogniser {
        line("pattern", pattern.source().trim().into());
    }
    for (name, value) in extras(rule) {
        line(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    line("from", format!("{}:{}", masked(&rule.origin().file), rule.origin().line));
    for link in rule.links() {
        line("link", link.clone());
    }
    for hit in rule.hits() {
        line("hit", hit.clone());
    }
    for miss in rule.misses() {
        line("miss", miss.clone());
    }
    out.text(&text)
}

pub(super) fn whole(rule: &Rule) -> Value {
    let pattern = match &rule.recogniser {
        Recogniser::Token(pattern) => Some(pattern.source()),
        _ => None,
    };
    let mut object = head(rule);
    let more = json!({
        "about": rule.about(),
        "links": rule.links(),
        "anchors": anchors(rule),
        "pattern": pattern,
        "hit": rule.hits(),
        "miss": rule.misses(),
        "file": rule.origin().file,
        "line": rule.origin().line,
    });
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
        object.extend(extras(rule).into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    object
}

/// What only some rules say, under the names of rule files.
fn extras(rule: &Rule) -> Vec<(&'static str, Value)> {
    let mut extras = Vec::new();
    if !rule.near.is_empty() {
        let words: Vec<String> =
            rule.near.iter().map(|word| word.escape_ascii().to_string()).collect();
        extras.push(("near", words.into()));
    }
    if let Some(validator) = &rule.validator {
        extras.push(("validator", validator.to_string().into()));
    }
    if matches!(rule.recogniser, Recogniser::Token(_)) {
        extras.push(("edges", rule.edges.name().into()));
    }
    if let Some(style) = &rule.style {
        extras.push(("style", style.as_str().into()));
    }
    if !rule.allow.is_empty() {
        extras.push(("allow", rule.allow.iter().map(Pattern::source).collect::<Vec<_>>().into()));
    }
    if let Recogniser::Assign(keys) | Recogniser::Url(keys) = &rule.recogniser {
        let mut keys = serde_json::to_value(keys).expect("key words are plain data");
        if let Value::Object(keys) = &mut keys {
            keys.retain(|_, words| {
                words.as_array().is_none_or(|words| !words.is_empty()) && *words != false
            });
        }
        extras.push(("keys", keys));
    }
    extras
}

fn anchors(rule: &Rule) -> Vec<String> {
    rule.anchors().iter().map(|anchor| anchor.text.escape_ascii().to_string()).collect()
}
