//! What was meant: flags over environment over the user's file over the system's file over what is built in.
//!
//! A layer is a table of the configuration file's own keys, whatever it was read from, so there is one list of keys and one
//! meaning of each. This file alone reads the environment. Nothing is ever read from the working directory.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use toml::{Table, Value};

use super::args::{Args, Common, Filter};
use crate::{
    MAX_RECORD, MIN_RECORD_LIMIT,
    error::Error,
    policy::{OnError, Policy, Style},
    rules::Selection,
};

/// The system's file.
const SYSTEM: &str = "/etc/logscrub/config.toml";

/// The keys of a configuration file, in the order of `config show`, with what is built in.
const KEYS: [(&str, &str); 13] = [
    ("rules", "[]"),
    ("only", "[]"),
    ("except", "[]"),
    ("also", "[]"),
    ("style", "{ default = \"label\" }"),
    ("placeholder", "\"\""),
    ("max-record", "\"1MiB\""),
    ("on-error", "\"mask\""),
    ("output", "\"\""),
    ("summary", "\"auto\""),
    ("fail-on-findings", "false"),
    ("grace", "5"),
    ("color", "\"auto\""),
];

/// Keys whose value is a list, separated by commas in the environment.
const LISTS: [&str; 4] = ["rules", "only", "except", "also"];

/// A configuration file as serde sees it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Keys {
    #[serde(default)]
    rules: Vec<PathBuf>,
    #[serde(default)]
    only: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    also: Vec<String>,
    style: Option<StyleKey>,
    placeholder: Option<String>,
    max_record: Option<SizeKey>,
    on_error: Option<String>,
    output: Option<PathBuf>,
    summary: Option<String>,
    fail_on_findings: Option<bool>,
    grace: Option<f64>,
    color: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum StyleKey {
    All(String),
    Some(BTreeMap<String, String>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum SizeKey {
    Bytes(u64),
    Text(String),
}

/// When the summary is given, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Summary {
    Auto,
    Human,
    Json,
    None,
}

/// Everything that is in force.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) selection: Selection,
    pub(super) policy: Policy,
    pub(super) max_record: usize,
    pub(super) output: Option<PathBuf>,
    pub(super) summary: Summary,
    pub(super) fail_on_findings: bool,
    pub(super) grace: Duration,
    pub(super) dry_run: bool,
    pub(super) quiet: u8,
    pub(super) verbose: bool,
    /// A marker that makes a record fail, in builds with debug assertions.
    pub(super) fault: Option<String>,
    /// Each key with its value and where it was said.
    pub(super) shown: Vec<Shown>,
}

/// A line of `config show`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) key: &'static str,
    pub(super) value: Value,
    pub(super) source: String,
}

/// What the process was started with; tests hand over one of their own.
pub(super) struct Environment {
    variables: BTreeMap<String, String>,
    system: PathBuf,
}

impl Environment {
    /// The real one.
    #[allow(clippy::disallowed_methods)] // the one place that reads the environment
    pub(super) fn read() -> Environment {
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let wanted = |name: &str| {
            name.starts_with("LOGSCRUB_") || matches!(name, "XDG_CONFIG_HOME" | "HOME" | "NO_COLOR" | "TERM")
        };
        Environment { variables: variables.filter(|(name, _)| wanted(name)).collect(), system: SYSTEM.into() }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether the surroundings ask for no colour.
    pub(super) fn is_plain(&self) -> bool {
        self.get("NO_COLOR").is_some() || self.get("TERM") == Some("dumb")
    }

    /// The files that are read, lowest first.
    pub(super) fn files(&self, typed: Option<&Path>) -> Vec<PathBuf> {
        let mut files = vec![self.system.clone()];
        match typed {
            Some(path) if path == Path::new("none") => {}
            Some(path) => files.push(path.to_owned()),
            None => files.extend(self.user_file()),
        }
        files
    }

    fn user_file(&self) -> Option<PathBuf> {
        let base = self.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let base = base.or_else(|| self.get("HOME").map(|home| Path::new(home).join(".config")))?;
        base.is_absolute().then(|| base.join("logscrub/config.toml"))
    }
}

/// One layer: the keys it sets, each with where.
struct Layer {
    table: Table,
    sources: BTreeMap<String, String>,
}

/// Reads all layers and gives them their meaning.
pub(super) fn settle(args: &Args, environment: &Environment) -> Result<Settings, Error> {
    let mut layers = Vec::new();
    let typed = args.common.config.as_deref();
    for path in environment.files(typed) {
        let is_typed = typed == Some(&*path);
        if is_typed || path.exists() {
            layers.push(file_layer(&path)?);
        }
    }
    layers.push(environment_layer(environment)?);
    layers.push(flag_layer(&args.common, &args.filter));
    let (table, sources) = merge(layers);
    let keys: Keys =
        table.clone().try_into().map_err(|error: toml::de::Error| Error::usage(error.message().to_owned()))?;
    let mut settings = meaning(keys).map_err(|error| at_source(error, &sources))?;
    settings.dry_run = args.filter.dry_run;
    settings.quiet = args.common.quiet;
    settings.verbose = args.common.verbose;
    settings.fault = environment.get("LOGSCRUB_FAULT").filter(|_| cfg!(debug_assertions)).map(str::to_owned);
    settings.shown = shown(&table, &sources);
    Ok(settings)
}

/// Checks one file alone.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    let layer = file_layer(path)?;
    let keys: Keys =
        layer.table.try_into().map_err(|error: toml::de::Error| Error::usage(error.message().to_owned()))?;
    let settings = meaning(keys).map_err(|error| at_source(error, &layer.sources))?;
    let rules = settings.selection.load()?;
    crate::Scrubber::new(&rules, &settings.policy).map(drop)
}

fn file_layer(path: &Path) -> Result<Layer, Error> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| Error::unreadable(path, error))?;
    let line_of = |offset: usize| text[..offset].matches('\n').count() + 1;
    let wrong = |error: &toml::de::Error| {
        let wrong = Error::at(&name, error.span().map_or(1, |span| line_of(span.start)), error.message());
        match suggestion(error.message()) {
            Some(key) => wrong.hint(format!("did you mean {key:?}?")),
            None => wrong,
        }
    };
    toml::from_str::<Keys>(&text).map_err(|error| wrong(&error))?;
    let spans = toml::de::DeTable::parse(&text).map_err(|error| wrong(&error))?;
    let sources =
        spans.get_ref().keys().map(|key| (key.get_ref().to_string(), format!("{name}:{}", line_of(key.span().start))));
    let sources = sources.collect();
    let mut table: Table = toml::from_str(&text).map_err(|error| wrong(&error))?;
    // A relative path in a file is relative to the file, never to the working directory.
    let folder = path.parent().unwrap_or(Path::new("/"));
    for key in ["rules", "output"] {
        if let Some(value) = table.get_mut(key) {
            anchor_paths(value, folder);
        }
    }
    Ok(Layer { table, sources })
}

fn anchor_paths(value: &mut Value, folder: &Path) {
    match value {
        Value::String(path) => *path = folder.join(&*path).display().to_string(),
        Value::Array(paths) => paths.iter_mut().for_each(|path| anchor_paths(path, folder)),
        _ => {}
    }
}

/// The known key nearest to the one that a message of serde's calls unknown.
fn suggestion(message: &str) -> Option<&'static str> {
    let unknown = message.strip_prefix("unknown field `")?.split('`').next()?;
    let nearest = KEYS.iter().map(|(key, _)| (strsim::damerau_levenshtein(unknown, key), *key)).min()?;
    (nearest.0 <= 3).then_some(nearest.1)
}

/// `LOGSCRUB_ON_ERROR=drop` is `on-error = "drop"`. Variables of other meaning are left alone.
fn environment_layer(environment: &Environment) -> Result<Layer, Error> {
    let mut layer = Layer { table: Table::new(), sources: BTreeMap::new() };
    for (key, _) in KEYS {
        let name = format!("LOGSCRUB_{}", key.to_uppercase().replace('-', "_"));
        let Some(text) = environment.get(&name) else { continue };
        let value = match key {
            _ if LISTS.contains(&key) => {
                text.split(',').map(|item| Value::from(item.trim())).collect::<Vec<_>>().into()
            }
            "style" => styles(text.split(',').map(str::trim)),
            "fail-on-findings" => Value::Boolean(match text {
                "1" | "true" => true,
                "0" | "false" => false,
                _ => return Err(Error::usage(format!("{name}: neither true nor false"))),
            }),
            "grace" => {
                Value::Float(text.parse().map_err(|_| Error::usage(format!("{name}: not a number of seconds")))?)
            }
            _ => text.into(),
        };
        layer.table.insert(key.into(), value);
        layer.sources.insert(key.into(), name);
    }
    Ok(layer)
}

fn flag_layer(common: &Common, filter: &Filter) -> Layer {
    let mut layer = Layer { table: Table::new(), sources: BTreeMap::new() };
    let mut say = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            layer.table.insert(key.into(), value);
            layer.sources.insert(key.into(), format!("--{key}"));
        }
    };
    let path = |path: &PathBuf| Value::from(path.display().to_string());
    let list = |items: &[String]| {
        (!items.is_empty()).then(|| items.iter().map(|item| Value::from(item.as_str())).collect::<Vec<_>>().into())
    };
    say("rules", (!common.rules.is_empty()).then(|| common.rules.iter().map(path).collect::<Vec<_>>().into()));
    say("only", list(&common.only));
    say("except", list(&common.except));
    say("also", list(&common.also));
    say("style", (!common.style.is_empty()).then(|| styles(common.style.iter().map(String::as_str))));
    say("placeholder", common.placeholder.as_deref().map(Value::from));
    say("max-record", filter.max_record.as_deref().map(Value::from));
    say("on-error", filter.on_error.as_deref().map(Value::from));
    say("output", filter.output.as_ref().map(path));
    say("summary", filter.summary.as_deref().map(Value::from));
    say("fail-on-findings", filter.fail_on_findings.then_some(Value::Boolean(true)));
    say("grace", filter.grace.map(Value::Float));
    say("color", common.color.as_deref().map(Value::from));
    layer
}

/// `mask`, `email=partial` as a table; what no `=` says is the default.
fn styles<'t>(entries: impl Iterator<Item = &'t str>) -> Value {
    let pairs = entries.map(|entry| entry.split_once('=').unwrap_or(("default", entry)));
    Value::Table(pairs.map(|(what, style)| (what.to_owned(), Value::from(style))).collect())
}

/// Higher layers replace a key of lower ones; styles are replaced entry by entry.
fn merge(layers: Vec<Layer>) -> (Table, BTreeMap<String, String>) {
    let mut table = Table::new();
    let mut sources = BTreeMap::new();
    for layer in layers {
        sources.extend(layer.sources);
        for (key, value) in layer.table {
            let value = if key == "style" { as_table(value) } else { value };
            match (table.get_mut(&key), value) {
                (Some(Value::Table(below)), Value::Table(above)) => below.extend(above),
                (_, value) => drop(table.insert(key, value)),
            }
        }
    }
    (table, sources)
}

fn as_table(value: Value) -> Value {
    match value {
        Value::String(style) => styles(std::iter::once(style.as_str())),
        table => table,
    }
}

fn meaning(keys: Keys) -> Result<Settings, Error> {
    let placeholder = keys.placeholder.as_deref().filter(|text| !text.is_empty());
    let mut policy = Policy::new();
    if let Some(text) = placeholder {
        // A placeholder is meant for everything that no style is said of.
        policy = policy.style(Style::fixed(text).map_err(|error| named("placeholder", error))?);
    }
    let styles = match keys.style {
        None => BTreeMap::new(),
        Some(StyleKey::All(style)) => BTreeMap::from([("default".to_owned(), style)]),
        Some(StyleKey::Some(styles)) => styles,
    };
    for (what, style) in styles {
        let style = Style::named(&style, placeholder).map_err(|error| named("style", error))?;
        policy = if what == "default" { policy.style(style) } else { policy.style_of(what, style) };
    }
    let on_error = match keys.on_error.as_deref().unwrap_or("mask") {
        "mask" => OnError::Mask,
        "drop" => OnError::Drop,
        "stop" => OnError::Stop,
        other => return Err(choice("on-error", other, "mask, drop, stop")),
    };
    let summary = match keys.summary.as_deref().unwrap_or("auto") {
        "auto" => Summary::Auto,
        "human" => Summary::Human,
        "json" => Summary::Json,
        "none" => Summary::None,
        other => return Err(choice("summary", other, "auto, human, json, none")),
    };
    let color = keys.color.as_deref().unwrap_or("auto");
    if !["auto", "always", "never"].contains(&color) {
        return Err(choice("color", color, "auto, always, never"));
    }
    let grace = keys.grace.unwrap_or(5.0);
    let grace =
        Duration::try_from_secs_f64(grace).map_err(|_| named("grace", Error::usage("not a number of seconds")))?;
    Ok(Settings {
        selection: Selection { rules: keys.rules, only: keys.only, except: keys.except, also: keys.also },
        policy: policy.on_error(on_error),
        max_record: record_limit(keys.max_record)?,
        output: keys.output.filter(|path| !path.as_os_str().is_empty()),
        summary,
        fail_on_findings: keys.fail_on_findings.unwrap_or(false),
        grace,
        dry_run: false,
        quiet: 0,
        verbose: false,
        fault: None,
        shown: Vec::new(),
    })
}

fn record_limit(size: Option<SizeKey>) -> Result<usize, Error> {
    let n_bytes = match size {
        None => return Ok(MAX_RECORD),
        Some(SizeKey::Bytes(n_bytes)) => Some(n_bytes),
        Some(SizeKey::Text(text)) => parse_size(&text),
    };
    let wrong = |message: &str| {
        named("max-record", Error::usage(message))
            .hint("a number of bytes, or one with KiB, MiB or GiB; at least 256KiB")
    };
    let n_bytes = n_bytes.and_then(|n_bytes| usize::try_from(n_bytes).ok()).ok_or_else(|| wrong("not a size"))?;
    if n_bytes < MIN_RECORD_LIMIT {
        return Err(wrong("a window must be longer than what is examined twice"));
    }
    if n_bytes > 1 << 30 {
        return Err(wrong("more than 1GiB"));
    }
    Ok(n_bytes)
}

fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic() || letter == ' ');
    let factor = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

fn choice(key: &str, _other: &str, choices: &str) -> Error {
    named(key, Error::usage("no such choice")).hint(format!("one of {choices}"))
}

fn named(key: &str, error: Error) -> Error {
    let named = Error::usage(format!("{key}: {error}"));
    match error.mend() {
        Some(hint) => named.hint(hint),
        None => named,
    }
}

/// Puts where a key was said in the place of its name.
fn at_source(error: Error, sources: &BTreeMap<String, String>) -> Error {
    let message = error.to_string();
    let Some((key, rest)) = message.split_once(": ") else { return error };
    let Some(source) = sources.get(key) else { return error };
    let is_file = source.contains(':');
    let placed = Error::usage(if is_file { format!("{source}: {key}: {rest}") } else { format!("{source}: {rest}") });
    match error.mend() {
        Some(hint) => placed.hint(hint),
        None => placed,
    }
}

fn shown(table: &Table, sources: &BTreeMap<String, String>) -> Vec<Shown> {
    let built_in = |text: &str| {
        let parsed: Table = toml::from_str(&format!("x = {text}")).expect("what is built in is TOML");
        parsed["x"].clone()
    };
    KEYS.iter()
        .map(|(key, default)| Shown {
            key,
            value: table.get(*key).cloned().unwrap_or_else(|| built_in(default)),
            source: sources.get(*key).cloned().unwrap_or_else(|| "built in".to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::io::Write;

    fn environment(folder: &Path, variables: &[(&str, &str)]) -> Environment {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Environment { variables: variables.collect(), system: folder.join("system.toml") }
    }

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder can be made");
        fs::File::create(path).and_then(|mut file| file.write_all(text.as_bytes())).expect("the file can be written");
    }

    fn settle_with(folder: &Path, typed: &str, variables: &[(&str, &str)]) -> Result<Settings, Error> {
        let args = Args::try_parse_from(std::iter::once("logscrub").chain(typed.split_ascii_whitespace()));
        settle(&args.expect("it parses"), &environment(folder, variables))
    }

    fn source(settings: &Settings, key: &str) -> (String, String) {
        let shown = settings.shown.iter().find(|shown| shown.key == key).expect("a known key");
        (shown.value.to_string(), shown.source.clone())
    }

    #[test]
    fn each_layer_goes_over_the_one_below() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        write(&path.join("system.toml"), "on-error = \"stop\"\nsummary = \"json\"\ngrace = 9\n");
        write(&path.join("logscrub/config.toml"), "summary = \"human\"\n\n[style]\nemail = \"mask\"\n");
        let home = path.display().to_string();
        let variables = [("XDG_CONFIG_HOME", home.as_str()), ("LOGSCRUB_GRACE", "3"), ("LOGSCRUB_ONLY", "email, jwt")];
        let settings = settle_with(path, "--grace 1 --style jwt=partial", &variables).expect("all layers are sound");
        assert_eq!(settings.grace, Duration::from_secs(1));
        assert_eq!(settings.summary, Summary::Human);
        assert_eq!(settings.selection.only, ["email", "jwt"]);
        assert_eq!(source(&settings, "on-error"), ("\"stop\"".into(), format!("{home}/system.toml:1")));
        assert_eq!(source(&settings, "summary").1, format!("{home}/logscrub/config.toml:1"));
        assert_eq!(source(&settings, "only").1, "LOGSCRUB_ONLY");
        assert_eq!(source(&settings, "grace"), ("1.0".into(), "--grace".into()));
        assert_eq!(source(&settings, "color").1, "built in");
        let without = settle_with(path, "--config none", &variables).expect("the system's file is sound");
        assert_eq!(without.summary, Summary::Json);
    }

    #[test]
    fn a_misspelt_key_is_refused_with_its_line_and_the_nearest_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("c.toml");
        write(&file, "summary = \"none\"\non_eror = \"drop\"\n");
        let error = settle_with(folder.path(), &format!("-c {}", file.display()), &[]).expect_err("an unknown key");
        assert!(error.to_string().contains("c.toml:2: unknown field `on_eror`"), "{error}");
        assert_eq!(error.mend(), Some("did you mean \"on-error\"?"));
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn wrong_values_are_told_where_they_were_said() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (typed, variables, message) in [
            ("--max-record 12", &[][..], "--max-record: a window must be longer"),
            ("--max-record many", &[], "--max-record: not a size"),
            ("--on-error pass", &[], "--on-error: no such choice"),
            ("--style rot13", &[], "--style: unknown style"),
            ("--style fixed", &[], "--style: style fixed: no placeholder"),
            ("--placeholder a/b", &[], "--placeholder: the placeholder holds"),
            ("", &[("LOGSCRUB_SUMMARY", "xml")], "LOGSCRUB_SUMMARY: no such choice"),
            ("--config /nonexistent/c.toml", &[], "/nonexistent/c.toml: cannot be read"),
        ] {
            let error = settle_with(folder.path(), typed, variables).expect_err(typed);
            assert!(error.to_string().starts_with(message), "{typed}: {error}");
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("1MiB"), Some(1 << 20));
        assert_eq!(parse_size("512 k"), Some(512 << 10));
        assert_eq!(parse_size("1048576"), Some(1 << 20));
        assert_eq!(parse_size("1XB"), None);
        assert_eq!(parse_size(""), None);
    }
}
