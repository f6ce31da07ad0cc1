//! What was meant: flags over environment over the user's file over the system's file over what is
//! built in.
//!
//! A layer is a table of the configuration file's own keys, whatever it was read from, so there is
//! one list of keys and one meaning of each. This file alone reads the environment. Nothing is ever
//! read from the working directory.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use toml::{
    Table, Value,
    de::{DeTable, DeValue},
};

#[cfg(feature = "forward")]
use super::args::Verb;
use super::{
    allow,
    args::{Args, COLORS, Common, Filter, ON_ERROR, SUMMARIES},
};
use crate::{
    Cpu, MAX_RECORD, MIN_RECORD_LIMIT,
    error::Error,
    frame::Format,
    policy::{OnError, Policy, Style},
    rules::{Class, Matcher, RuleSet, Selection},
};

/// The system's file.
const SYSTEM: &str = "/etc/logscrub/config.toml";

/// The keys of a configuration file, in the order of `config show`, with what is built in.
const KEYS: [(&str, &str); 20] = [
    ("rules", "[]"),
    ("only", "[]"),
    ("except", "[]"),
    ("also", "[]"),
    ("allow", "[]"),
    ("own-domain", "[]"),
    ("style", "\"label\""),
    ("placeholder", "\"\""),
    ("format", "\"auto\""),
    ("hold", "1"),
    ("verify", "true"),
    ("max-record", "\"1MiB\""),
    ("on-error", "\"mask\""),
    ("threads", "0"),
    ("output", "\"\""),
    ("summary", "\"auto\""),
    ("fail-on-findings", "false"),
    ("grace", "5"),
    ("idle-timeout", "300"),
    ("color", "\"auto\""),
];

/// Keys whose value is a list, separated by commas in the environment.
const LISTS: [&str; 5] = ["rules", "only", "except", "also", "own-domain"];

/// Where a style is meant for everything that no other is said of.
const DEFAULT: &str = "default";

/// Longer than this nobody waits, and a clock can still add it.
const LONGEST_WAIT: f64 = 86_400.0;

/// More threads than this are a slip of the finger.
const MOST_THREADS: usize = 1024;

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
    #[serde(default)]
    allow: Vec<allow::Entry>,
    #[serde(default)]
    own_domain: Vec<String>,
    /// Read by [`file_styles`], which keeps the order and the place of each entry.
    #[serde(rename = "style")]
    _style: Option<Value>,
    placeholder: Option<String>,
    format: Option<String>,
    hold: Option<f64>,
    verify: Option<bool>,
    max_record: Option<Value>,
    on_error: Option<String>,
    threads: Option<Value>,
    output: Option<PathBuf>,
    summary: Option<String>,
    fail_on_findings: Option<bool>,
    grace: Option<f64>,
    idle_timeout: Option<f64>,
    color: Option<String>,
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
    pub(super) format: Format,
    pub(super) hold: Duration,
    pub(super) max_record: usize,
    /// 0: the filter chooses.
    pub(super) threads: usize,
    pub(super) output: Option<PathBuf>,
    pub(super) summary: Summary,
    pub(super) fail_on_findings: bool,
    pub(super) grace: Duration,
    /// How long a connection of the hop may be idle; 0: for ever.
    #[cfg_attr(not(feature = "forward"), allow(dead_code))]
    pub(super) idle_timeout: Duration,
    pub(super) color: String,
    pub(super) dry_run: bool,
    pub(super) quiet: u8,
    pub(super) verbose: bool,
    /// What the prefilter may use of the CPU.
    pub(super) cpu: Cpu,
    /// Whether rules or configuration were read from files, which can be read anew.
    pub(super) reads_files: bool,
    /// A marker that makes a record fail, in builds with debug assertions.
    pub(super) fault: Option<String>,
    /// Each key with its value and where it was said.
    pub(super) shown: Vec<Shown>,
    styles: Vec<StyleEntry>,
    allow: Vec<allow::Entry>,
    sources: BTreeMap<String, String>,
}

impl Settings {
    /// The rules in force. A name in the selection or under `style` that is no rule's is told with
    /// the place it was said at.
    pub(super) fn rules(&self) -> Result<RuleSet, Error> {
        let rules = self.selection.load().map_err(|error| at_list(error, &self.sources))?;
        let is_unknown =
            |entry: &&StyleEntry| entry.what != DEFAULT && !names_any(&entry.what, &rules);
        if let Some(entry) = self.styles.iter().find(is_unknown) {
            return Err(no_such_rule(&format!("{}: style of", entry.source), &entry.what, &rules));
        }
        if let Some(name) = self.allow.iter().find_map(|entry| entry.unknown_rule(&rules)) {
            let place = self.sources.get("allow").map_or("", String::as_str);
            return Err(no_such_rule(&format!("{place}: allow: rule"), name, &rules));
        }
        Ok(rules)
    }

    /// The same with more rule files.
    pub(super) fn with_rules(&self, files: &[PathBuf]) -> Settings {
        let mut settings = self.clone();
        settings.selection.rules.extend(files.iter().cloned());
        settings
    }
}

/// Whether `what` is a class or takes a rule that was loaded, in force or not.
pub(super) fn names_any(what: &str, rules: &RuleSet) -> bool {
    Matcher::new(what).is_some_and(|matcher| rules.knows(&matcher))
}

fn no_such_rule(place: &str, what: &str, rules: &RuleSet) -> Error {
    let names = Class::ALL.iter().map(|class| class.name()).chain(rules.loaded_ids());
    let nearest =
        names.min_by_key(|name| strsim::damerau_levenshtein(what, name)).unwrap_or_default();
    Error::usage(format!("{place} {what:?}: names no rule and no class"))
        .hint(format!("did you mean {nearest:?}? `logscrub rules list` shows all"))
}

/// What is said of the style of a rule, a class, a glob over ids or, as `default`, of everything
/// else.
#[derive(Clone, Debug, PartialEq)]
struct StyleEntry {
    what: String,
    style: String,
    source: String,
}

/// A line of `config show`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) key: String,
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
    ///
    /// # Errors
    ///
    /// A variable of ours is not text: to leave it out could mean to leave out rules.
    #[allow(clippy::disallowed_methods)] // the one place that reads the environment
    pub(super) fn read() -> Result<Environment, Error> {
        let mut variables = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            let is_ours =
                name.starts_with("LOGSCRUB_") || matches!(&*name, "XDG_CONFIG_HOME" | "HOME");
            match value.into_string() {
                Ok(value) if is_ours || matches!(&*name, "NO_COLOR" | "TERM") => {
                    drop(variables.insert(name, value))
                }
                Err(_) if is_ours => {
                    return Err(Error::usage(format!("{name}: the value is not UTF-8")));
                }
                _ => {}
            }
        }
        Ok(Environment { variables, system: SYSTEM.into() })
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
#[derive(Default)]
struct Layer {
    table: Table,
    sources: BTreeMap<String, String>,
    /// In the order they were said.
    styles: Vec<StyleEntry>,
}

/// Reads all layers and gives them their meaning.
pub(super) fn settle(args: &Args, environment: &Environment) -> Result<Settings, Error> {
    let mut layers = Vec::new();
    let typed = args.common.config.as_deref();
    for path in environment.files(typed) {
        if typed == Some(&*path) || is_there(&path)? {
            layers.push(file_layer(&path)?);
        }
    }
    let reads_settings = !layers.is_empty();
    layers.push(environment_layer(environment)?);
    layers.push(flag_layer(&args.common, &args.filter)?);
    #[cfg(feature = "forward")]
    layers.extend(forward_layer(args));
    let mut settings = meaning(merge(layers))?;
    settings.reads_files = reads_settings || !settings.selection.rules.is_empty();
    settings.dry_run = args.filter.dry_run;
    settings.quiet = args.common.quiet;
    settings.verbose = args.common.verbose;
    settings.cpu = cpu(environment)?;
    settings.fault =
        environment.get("LOGSCRUB_FAULT").filter(|_| cfg!(debug_assertions)).map(str::to_owned);
    Ok(settings)
}

/// The level that `LOGSCRUB_CPU` forces, or the best one. It is for tests and measurements, so it
/// is no key of a file.
pub(super) fn cpu(environment: &Environment) -> Result<Cpu, Error> {
    let Some(name) = environment.get("LOGSCRUB_CPU") else { return Ok(Cpu::best()) };
    let levels = Cpu::ALL.map(Cpu::name).join(", ");
    let cpu = Cpu::named(name).ok_or_else(|| {
        Error::usage("LOGSCRUB_CPU: no such level").hint(format!("one of {levels}"))
    })?;
    cpu.required().map_err(|error| named("LOGSCRUB_CPU", error))
}

/// A file that may be there and cannot be looked at is an error: it may say what must not leave.
fn is_there(path: &Path) -> Result<bool, Error> {
    path.try_exists().map_err(|error| {
        Error::unreadable(path, error)
            .hint("--config none reads no file of the user's, --config FILE another one")
    })
}

/// Checks one file alone.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    let settings = meaning(file_layer(path)?)?;
    crate::Scrubber::new(&settings.rules()?, &settings.policy).map(drop)
}

fn file_layer(path: &Path) -> Result<Layer, Error> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| Error::unreadable(path, error))?;
    let place = |offset: usize| format!("{name}:{}", text[..offset].matches('\n').count() + 1);
    let wrong = |error: &toml::de::Error| {
        let offset = error.span().map_or(0, |span| span.start);
        let wrong = Error::usage(format!("{}: {}", place(offset), error.message()));
        match suggestion(error.message()) {
            Some(key) => wrong.hint(format!("did you mean {key:?}?")),
            None => wrong,
        }
    };
    toml::from_str::<Keys>(&text).map_err(|error| wrong(&error))?;
    let spans = DeTable::parse(&text).map_err(|error| wrong(&error))?;
    let keys = spans.get_ref();
    let sources =
        keys.keys().map(|key| (key.get_ref().to_string(), place(key.span().start))).collect();
    let styles = keys
        .get("style")
        .map_or(Ok(Vec::new()), |style| file_styles(style.get_ref(), style.span().start, place));
    let mut table: Table = toml::from_str(&text).map_err(|error| wrong(&error))?;
    table.remove("style");
    // A relative path in a file is relative to the file, never to the working directory.
    let folder = path.parent().unwrap_or(Path::new("/"));
    for key in ["rules", "output"] {
        if let Some(value) = table.get_mut(key) {
            anchor_paths(value, folder);
        }
    }
    Ok(Layer { table, sources, styles: styles? })
}

/// `style = "mask"`, or the entries of a table in the order they stand in.
fn file_styles(
    style: &DeValue<'_>,
    offset: usize,
    place: impl Fn(usize) -> String,
) -> Result<Vec<StyleEntry>, Error> {
    let text = |what: &str, style: &DeValue<'_>, offset: usize| match style {
        DeValue::String(style) => Ok(StyleEntry {
            what: what.to_owned(),
            style: style.to_string(),
            source: place(offset),
        }),
        _ => Err(Error::usage(format!("{}: style of {what:?}: not a text", place(offset)))),
    };
    let DeValue::Table(entries) = style else { return Ok(vec![text(DEFAULT, style, offset)?]) };
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by_key(|(what, _)| what.span().start);
    entries
        .into_iter()
        .map(|(what, style)| text(what.get_ref(), style.get_ref(), what.span().start))
        .collect()
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
    let nearest =
        KEYS.iter().map(|(key, _)| (strsim::damerau_levenshtein(unknown, key), *key)).min()?;
    (nearest.0 <= 3).then_some(nearest.1)
}

/// `LOGSCRUB_ON_ERROR=drop` is `on-error = "drop"`. Variables of other meaning are left alone.
fn environment_layer(environment: &Environment) -> Result<Layer, Error> {
    let mut layer = Layer::default();
    for (key, _) in KEYS {
        let name = format!("LOGSCRUB_{}", key.to_uppercase().replace('-', "_"));
        let Some(text) = environment.get(&name) else { continue };
        let value = match key {
            // Tables, which a variable does not hold.
            "allow" => continue,
            _ if LISTS.contains(&key) => {
                text.split(',').map(|item| Value::from(item.trim())).collect::<Vec<_>>().into()
            }
            "style" => {
                layer.styles =
                    text.split(',').map(|entry| style_entry(entry.trim(), &name)).collect();
                continue;
            }
            "fail-on-findings" | "verify" => Value::Boolean(match text {
                "1" | "true" => true,
                "0" | "false" => false,
                _ => return Err(Error::usage(format!("{name}: neither true nor false"))),
            }),
            "grace" | "hold" | "idle-timeout" => Value::Float(
                text.parse()
                    .map_err(|_| Error::usage(format!("{name}: not a number of seconds")))?,
            ),
            "threads" => Value::Integer(
                text.parse()
                    .map_err(|_| Error::usage(format!("{name}: not a number of threads")))?,
            ),
            _ => text.into(),
        };
        layer.table.insert(key.into(), value);
        layer.sources.insert(key.into(), name);
    }
    Ok(layer)
}

fn flag_layer(common: &Common, filter: &Filter) -> Result<Layer, Error> {
    let mut layer = Layer::default();
    let mut say = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            layer.table.insert(key.into(), value);
            layer.sources.insert(key.into(), format!("--{key}"));
        }
    };
    let list = |items: &[String]| {
        (!items.is_empty())
            .then(|| items.iter().map(|item| Value::from(item.as_str())).collect::<Vec<_>>().into())
    };
    let rules = common
        .rules
        .iter()
        .map(|path| typed_path("--rules", path))
        .collect::<Result<Vec<_>, _>>()?;
    say("rules", (!rules.is_empty()).then(|| rules.into()));
    say("only", list(&common.only));
    say("except", list(&common.except));
    say("also", list(&common.also));
    say("own-domain", list(&common.own_domain));
    say("placeholder", common.placeholder.as_deref().map(Value::from));
    say("format", common.format.as_deref().map(Value::from));
    say("hold", filter.hold.map(Value::Float));
    say("verify", (filter.verify || filter.no_verify).then_some(Value::Boolean(!filter.no_verify)));
    say("max-record", filter.max_record.as_deref().map(Value::from));
    say("on-error", filter.on_error.as_deref().map(Value::from));
    say("threads", filter.threads.map(|threads| Value::Integer(threads.into())));
    say("output", filter.output.as_deref().map(|path| typed_path("--output", path)).transpose()?);
    say("summary", filter.summary.as_deref().map(Value::from));
    say("fail-on-findings", filter.fail_on_findings.then_some(Value::Boolean(true)));
    say("grace", filter.grace.map(Value::Float));
    say("color", common.color.as_deref().map(Value::from));
    layer.styles = common.style.iter().map(|entry| style_entry(entry, "--style")).collect();
    Ok(layer)
}

/// What the hop's flags say of keys.
#[cfg(feature = "forward")]
fn forward_layer(args: &Args) -> Option<Layer> {
    let Some(Verb::Forward(forward)) = &args.verb else { return None };
    let seconds = forward.idle_timeout?;
    let mut layer = Layer::default();
    layer.table.insert("idle-timeout".into(), Value::Float(seconds));
    layer.sources.insert("idle-timeout".into(), "--idle-timeout".into());
    Some(layer)
}

/// A path as the text that it is in a configuration file; a path that is no text would become
/// another one.
fn typed_path(flag: &str, path: &Path) -> Result<Value, Error> {
    let text = path
        .to_str()
        .ok_or_else(|| Error::usage(format!("{flag} {}: the path is not UTF-8", path.display())))?;
    Ok(text.into())
}

/// `mask` or `email=partial`; what no `=` says is the default.
fn style_entry(text: &str, source: &str) -> StyleEntry {
    let (what, style) = text.split_once('=').unwrap_or((DEFAULT, text));
    StyleEntry {
        what: what.trim().to_owned(),
        style: style.trim().to_owned(),
        source: source.to_owned(),
    }
}

/// Higher layers replace a key of lower ones. Styles are replaced entry by entry, and what is said
/// later goes before what was said earlier, so that a glob that is typed goes before an id in a
/// file.
fn merge(layers: Vec<Layer>) -> Layer {
    let mut merged = Layer::default();
    for layer in layers {
        merged.sources.extend(layer.sources);
        merged.table.extend(layer.table);
        for entry in layer.styles {
            merged.styles.retain(|said| said.what != entry.what);
            merged.styles.push(entry);
        }
    }
    merged
}

/// What the keys mean together; a wrong value is told with the place it was said at.
fn meaning(layer: Layer) -> Result<Settings, Error> {
    let Layer { table, sources, styles } = layer;
    let keys: Keys = table
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| Error::usage(error.message().to_owned()))?;
    let placed = |error| at_source(error, &sources);
    let policy = policy(&keys, &styles, &sources)?;
    let summary = match choice("summary", keys.summary.as_deref(), &SUMMARIES).map_err(placed)? {
        "human" => Summary::Human,
        "json" => Summary::Json,
        "none" => Summary::None,
        _ => Summary::Auto,
    };
    let color = choice("color", keys.color.as_deref(), &COLORS).map_err(placed)?.to_owned();
    Ok(Settings {
        policy,
        format: Format::named(keys.format.as_deref().unwrap_or("auto"))
            .map_err(|error| placed(named("format", error)))?,
        hold: seconds("hold", keys.hold.unwrap_or(1.0)).map_err(placed)?,
        max_record: record_limit(keys.max_record).map_err(placed)?,
        threads: threads(keys.threads.as_ref()).map_err(placed)?,
        output: keys.output.filter(|path| !path.as_os_str().is_empty()),
        selection: Selection {
            rules: keys.rules,
            only: keys.only,
            except: keys.except,
            also: keys.also,
        },
        summary,
        fail_on_findings: keys.fail_on_findings.unwrap_or(false),
        grace: seconds("grace", keys.grace.unwrap_or(5.0)).map_err(placed)?,
        idle_timeout: seconds("idle-timeout", keys.idle_timeout.unwrap_or(300.0))
            .map_err(placed)?,
        color,
        dry_run: false,
        quiet: 0,
        verbose: false,
        reads_files: false,
        fault: None,
        shown: shown(&table, &styles, &sources),
        allow: keys.allow,
        cpu: Cpu::best(),
        styles,
        sources,
    })
}

fn policy(
    keys: &Keys,
    styles: &[StyleEntry],
    sources: &BTreeMap<String, String>,
) -> Result<Policy, Error> {
    let placed = |error| at_source(error, sources);
    let on_error = match choice("on-error", keys.on_error.as_deref(), &ON_ERROR).map_err(placed)? {
        "drop" => OnError::Drop,
        "stop" => OnError::Stop,
        _ => OnError::Mask,
    };
    let mut policy = Policy::new().on_error(on_error).verify(keys.verify.unwrap_or(true));
    let placeholder = keys.placeholder.as_deref().filter(|text| !text.is_empty());
    if let Some(text) = placeholder {
        // A placeholder is meant for everything that no style is said of.
        policy =
            policy.style(Style::fixed(text).map_err(|error| placed(named("placeholder", error)))?);
    }
    for StyleEntry { what, style, source } in styles {
        let style = Style::named(style, placeholder).map_err(|error| named(source, error))?;
        policy = if what == DEFAULT { policy.style(style) } else { policy.style_of(what, style) };
    }
    for entry in &keys.allow {
        policy = policy.allow(entry.meaning().map_err(|error| placed(named("allow", error)))?);
    }
    if let Some(own) =
        allow::own(&keys.own_domain).map_err(|error| placed(named("own-domain", error)))?
    {
        policy = policy.allow(own);
    }
    Ok(policy)
}

/// The word said of `key`, which is one of `choices`; the first of them where none is.
fn choice<'w>(key: &str, said: Option<&'w str>, choices: &[&'w str]) -> Result<&'w str, Error> {
    let word = said.unwrap_or(choices[0]);
    if !choices.contains(&word) {
        let hint = format!("one of {}", choices.join(", "));
        return Err(named(key, Error::usage("no such choice")).hint(hint));
    }
    Ok(word)
}

fn seconds(key: &str, seconds: f64) -> Result<Duration, Error> {
    if !(0.0..=LONGEST_WAIT).contains(&seconds) {
        return Err(named(key, Error::usage("not a number of seconds from 0 to 86400")));
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn threads(number: Option<&Value>) -> Result<usize, Error> {
    let number =
        number.map_or(Some(0), Value::as_integer).and_then(|number| usize::try_from(number).ok());
    number.filter(|number| *number <= MOST_THREADS).ok_or_else(|| {
        named("threads", Error::usage("not a number from 0 to 1024"))
            .hint("0 chooses: one for a pipe, all cores for a regular file")
    })
}

fn record_limit(size: Option<Value>) -> Result<usize, Error> {
    let n_bytes = match size {
        None => return Ok(MAX_RECORD),
        Some(Value::Integer(n_bytes)) => u64::try_from(n_bytes).ok(),
        Some(Value::String(text)) => parse_size(&text),
        Some(_) => None,
    };
    let wrong = |message: &str| {
        named("max-record", Error::usage(message))
            .hint("a number of bytes, or one with KiB, MiB or GiB; at least 256KiB")
    };
    let n_bytes = n_bytes
        .and_then(|n_bytes| usize::try_from(n_bytes).ok())
        .ok_or_else(|| wrong("not a size"))?;
    if n_bytes < MIN_RECORD_LIMIT {
        return Err(wrong("a window must be longer than what is examined twice"));
    }
    if n_bytes > 1 << 30 {
        return Err(wrong("more than 1GiB"));
    }
    Ok(n_bytes)
}

pub(super) fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits =
        text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic() || letter == ' ');
    let factor = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

fn named(key: &str, error: Error) -> Error {
    with_hint(format!("{key}: {error}"), &error)
}

/// Puts where a key was said in the place of its name.
fn at_source(error: Error, sources: &BTreeMap<String, String>) -> Error {
    let message = error.to_string();
    let Some((key, rest)) = message.split_once(": ") else { return error };
    let Some(source) = sources.get(key) else { return error };
    let is_file = source.contains(':');
    with_hint(
        if is_file { format!("{source}: {key}: {rest}") } else { format!("{source}: {rest}") },
        &error,
    )
}

/// The same for `--only x: names no rule`, where the list was said elsewhere.
fn at_list(error: Error, sources: &BTreeMap<String, String>) -> Error {
    let message = error.to_string();
    let list =
        LISTS.iter().find_map(|key| Some((key, message.strip_prefix(&format!("--{key} "))?)));
    let Some((key, rest)) = list else { return error };
    match sources.get(*key) {
        Some(source) if *source != format!("--{key}") => {
            with_hint(format!("{source}: {key} {rest}"), &error)
        }
        _ => error,
    }
}

fn with_hint(message: String, from: &Error) -> Error {
    match from.mend() {
        Some(hint) => Error::usage(message).hint(hint),
        None => Error::usage(message),
    }
}

/// Every key with its value; styles one by one, since each may come from somewhere else.
fn shown(table: &Table, styles: &[StyleEntry], sources: &BTreeMap<String, String>) -> Vec<Shown> {
    let built_in = |text: &str| {
        let parsed: Table =
            toml::from_str(&format!("x = {text}")).expect("what is built in is TOML");
        parsed["x"].clone()
    };
    let mut lines = Vec::new();
    for (key, default) in KEYS {
        let built = || Shown {
            key: key.to_owned(),
            value: built_in(default),
            source: "built in".to_owned(),
        };
        match (key, table.get(key), sources.get(key)) {
            ("style", ..) => {
                let is_said = styles.iter().any(|entry| entry.what == DEFAULT);
                let placeholder =
                    sources.get("placeholder").filter(|_| has_text(table.get("placeholder")));
                match placeholder {
                    _ if is_said => {}
                    // A placeholder is meant for everything that no style is said of.
                    Some(source) => lines.push(Shown {
                        key: style_key(DEFAULT),
                        value: "fixed".into(),
                        source: source.clone(),
                    }),
                    None => lines.push(Shown { key: style_key(DEFAULT), ..built() }),
                }
                lines.extend(styles.iter().map(|StyleEntry { what, style, source }| Shown {
                    key: style_key(what),
                    value: style.as_str().into(),
                    source: source.clone(),
                }));
            }
            (_, Some(value), Some(source)) => {
                lines.push(Shown {
                    key: key.to_owned(),
                    value: value.clone(),
                    source: source.clone(),
                });
            }
            _ => lines.push(built()),
        }
    }
    lines
}

fn has_text(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}

/// The entry's key as TOML has it: a glob stands between quotes.
fn style_key(what: &str) -> String {
    let is_bare = what.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { format!("style.{what}") } else { format!("style.{what:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::io::Write;

    fn environment(folder: &Path, variables: &[(&str, &str)]) -> Environment {
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Environment { variables: variables.collect(), system: folder.join("system.toml") }
    }

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().expect("a file has a folder"))
            .expect("the folder can be made");
        fs::File::create(path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .expect("the file can be written");
    }

    fn settle_with(
        folder: &Path,
        typed: &str,
        variables: &[(&str, &str)],
    ) -> Result<Settings, Error> {
        let args =
            Args::try_parse_from(std::iter::once("logscrub").chain(typed.split_ascii_whitespace()));
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
        write(
            &path.join("logscrub/config.toml"),
            "summary = \"human\"\n\n[style]\nemail = \"mask\"\n",
        );
        let home = path.display().to_string();
        let variables = [
            ("XDG_CONFIG_HOME", home.as_str()),
            ("LOGSCRUB_GRACE", "3"),
            ("LOGSCRUB_ONLY", "email, jwt"),
        ];
        let settings = settle_with(path, "--grace 1 --style jwt=partial", &variables)
            .expect("all layers are sound");
        assert_eq!(settings.grace, Duration::from_secs(1));
        assert_eq!(settings.summary, Summary::Human);
        assert_eq!(settings.selection.only, ["email", "jwt"]);
        assert_eq!(
            source(&settings, "on-error"),
            ("\"stop\"".into(), format!("{home}/system.toml:1"))
        );
        assert_eq!(source(&settings, "summary").1, format!("{home}/logscrub/config.toml:1"));
        assert_eq!(source(&settings, "only").1, "LOGSCRUB_ONLY");
        assert_eq!(source(&settings, "grace"), ("1.0".into(), "--grace".into()));
        assert_eq!(source(&settings, "color").1, "built in");
        let without =
            settle_with(path, "--config none", &variables).expect("the system's file is sound");
        assert_eq!(without.summary, Summary::Json);
    }

    #[test]
    fn a_misspelt_key_is_refused_with_its_line_and_the_nearest_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("c.toml");
        write(&file, "summary = \"none\"\non_eror = \"drop\"\n");
        let error = settle_with(folder.path(), &format!("-c {}", file.display()), &[])
            .expect_err("an unknown key");
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
            ("", &[("LOGSCRUB_ON_ERROR", "pass")], "LOGSCRUB_ON_ERROR: no such choice"),
            ("", &[("LOGSCRUB_GRACE", "soon")], "LOGSCRUB_GRACE: not a number"),
            (
                "",
                &[("LOGSCRUB_FAIL_ON_FINDINGS", "yes")],
                "LOGSCRUB_FAIL_ON_FINDINGS: neither true nor false",
            ),
            ("", &[("LOGSCRUB_COLOR", "red")], "LOGSCRUB_COLOR: no such choice"),
            ("--threads 1025", &[], "--threads: not a number from 0 to 1024"),
            ("", &[("LOGSCRUB_THREADS", "-1")], "LOGSCRUB_THREADS: not a number from 0 to 1024"),
            ("", &[("LOGSCRUB_THREADS", "many")], "LOGSCRUB_THREADS: not a number of threads"),
            ("--grace 1e19", &[], "--grace: not a number of seconds from 0 to 86400"),
            ("--style rot13", &[], "--style: unknown style"),
            ("--style fixed", &[], "--style: style fixed: no placeholder"),
            ("--placeholder a/b", &[], "--placeholder: the placeholder holds"),
            ("", &[("LOGSCRUB_SUMMARY", "xml")], "LOGSCRUB_SUMMARY: no such choice"),
            ("--own-domain a@b.example", &[], "--own-domain: \"a@b.example\" is no domain"),
            ("--config /nonexistent/c.toml", &[], "/nonexistent/c.toml: cannot be read"),
        ] {
            let error = settle_with(folder.path(), typed, variables).expect_err(typed);
            assert!(error.to_string().starts_with(message), "{typed}: {error}");
        }
    }

    #[test]
    fn every_variable_is_a_key() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let variables = [
            ("LOGSCRUB_RULES", "/a.toml,/b"),
            ("LOGSCRUB_ONLY", "email"),
            ("LOGSCRUB_EXCEPT", "jwt"),
            ("LOGSCRUB_ALSO", "personal"),
            ("LOGSCRUB_OWN_DOMAIN", "corp.example, corp.test"),
            ("LOGSCRUB_STYLE", "mask, email=fixed"),
            ("LOGSCRUB_PLACEHOLDER", "GONE"),
            ("LOGSCRUB_FORMAT", "docker"),
            ("LOGSCRUB_HOLD", "0.2"),
            ("LOGSCRUB_VERIFY", "0"),
            ("LOGSCRUB_MAX_RECORD", "512KiB"),
            ("LOGSCRUB_ON_ERROR", "stop"),
            ("LOGSCRUB_THREADS", "3"),
            ("LOGSCRUB_OUTPUT", "/tmp/out.log"),
            ("LOGSCRUB_SUMMARY", "json"),
            ("LOGSCRUB_FAIL_ON_FINDINGS", "1"),
            ("LOGSCRUB_GRACE", "0.5"),
            ("LOGSCRUB_IDLE_TIMEOUT", "60"),
            ("LOGSCRUB_COLOR", "never"),
            ("LOGSCRUB_CPU", "portable"),
            ("LOGSCRUB_DRY_RUN", "1"),
        ];
        let settings = settle_with(folder.path(), "", &variables).expect("all of it is sound");
        assert_eq!((settings.max_record, settings.grace), (512 << 10, Duration::from_millis(500)));
        assert_eq!(settings.threads, 3);
        assert_eq!((settings.format, settings.hold), (Format::Docker, Duration::from_millis(200)));
        assert!(!settings.dry_run, "a flag only");
        for shown in settings.shown.iter().filter(|shown| shown.key != "allow") {
            let key =
                shown.key.split('.').next().unwrap_or_default().to_uppercase().replace('-', "_");
            assert_eq!(shown.source, format!("LOGSCRUB_{key}"), "{shown:?}");
        }
    }

    #[test]
    fn a_style_that_is_said_later_goes_before_one_that_was_said_earlier() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        write(
            &path.join("system.toml"),
            "[style]\nz = \"mask\"\njwt = \"mask\"\n\"git*\" = \"label\"\n",
        );
        let order = |typed: &str| {
            let settings = settle_with(path, typed, &[]).expect("all of it is sound");
            settings
                .shown
                .iter()
                .filter_map(|shown| shown.key.strip_prefix("style.").map(str::to_owned))
                .collect()
        };
        let as_written: Vec<String> = order("");
        assert_eq!(as_written, ["default", "z", "jwt", "\"git*\""]);
        let typed: Vec<String> = order("--style jw*=label --style jwt=partial --style a=mask");
        assert_eq!(typed, ["default", "z", "\"git*\"", "\"jw*\"", "jwt", "a"].map(str::to_owned));
        let settings = settle_with(path, "--style email=mask", &[]).expect("all of it is sound");
        assert_eq!(
            source(&settings, "style.jwt").1,
            format!("{}:3", path.join("system.toml").display())
        );
        assert_eq!(source(&settings, "style.email").1, "--style");
        assert_eq!(source(&settings, "style.default"), ("\"label\"".into(), "built in".into()));
    }

    #[test]
    fn a_name_that_is_no_rules_is_told_where_it_was_said() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        write(&path.join("system.toml"), "summary = \"none\"\nonly = [\"emial\"]\n");
        let rules = |typed: &str| {
            settle_with(path, typed, &[]).expect("it is well formed").rules().map(drop)
        };
        let system = path.join("system.toml").display().to_string();
        let error = rules("").expect_err("no such rule");
        assert_eq!(error.to_string(), format!("{system}:2: only emial: names no rule"));
        write(&path.join("system.toml"), "[style]\nemial = \"mask\"\n");
        let error = rules("").expect_err("no such rule");
        assert_eq!(
            error.to_string(),
            format!("{system}:2: style of \"emial\": names no rule and no class")
        );
        assert!(
            error.mend().is_some_and(|hint| hint.starts_with("did you mean \"email\"?")),
            "{:?}",
            error.mend()
        );
        write(&path.join("system.toml"), "[style]\nemail = \"mask\"\npersonal = \"mask\"\n");
        rules("--only jwt").expect("a rule that is not in force may have a style");
        write(&path.join("system.toml"), "[style]\nemail = 3\n");
        let error = settle_with(path, "", &[]).expect_err("no style");
        assert_eq!(error.to_string(), format!("{system}:2: style of \"email\": not a text"));
    }

    #[test]
    fn what_is_allowed_is_read_from_files_and_told_where_it_is_wrong() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        let rules = |text: &str| {
            write(&path.join("system.toml"), text);
            settle_with(path, "", &[]).and_then(|settings| settings.rules())
        };
        rules(
            "[[allow]]\nvalues = [\"hunter2\"]\npatterns = [\"test-[0-9]+\"]\nfields = [\"x_*\"]\nrules = [\"jwt\"]\n",
        )
        .expect("all of it is sound");
        let system = path.join("system.toml").display().to_string();
        for (text, message) in [
            (
                "[[allow]]\nrules = [\"jwt\"]\n",
                "1: allow: an entry with neither values, patterns nor fields",
            ),
            (
                "[[allow]]\nvalue = [\"x\"]\n",
                "2: unknown field `value`, expected one of `values`, `patterns`, `fields`, `rules`",
            ),
            (
                "[[allow]]\nvalues = [\"x\"]\nrules = [\"jvt\"]\n",
                "1: allow: rule \"jvt\": names no rule and no class",
            ),
            ("[[allow]]\npatterns = [\"(\"]\n", "1: allow: pattern \"(\":"),
        ] {
            let error = rules(text).expect_err(text);
            assert!(error.to_string().starts_with(&format!("{system}:{message}")), "{error}");
        }
    }

    #[test]
    fn a_placeholder_is_meant_for_everything_that_no_style_is_said_of() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings = settle_with(folder.path(), "--placeholder GONE", &[]).expect("it is sound");
        assert_eq!(
            source(&settings, "style.default"),
            ("\"fixed\"".into(), "--placeholder".into())
        );
        let settings = settle_with(folder.path(), "--placeholder GONE --style mask", &[])
            .expect("it is sound");
        assert_eq!(source(&settings, "style.default"), ("\"mask\"".into(), "--style".into()));
    }

    #[test]
    fn relative_paths_of_a_file_are_relative_to_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(
            &folder.path().join("system.toml"),
            "rules = [\"acme.toml\", \"/b\"]\noutput = \"o.log\"\n",
        );
        let settings = settle_with(folder.path(), "", &[]).expect("it is sound");
        assert_eq!(settings.selection.rules, [folder.path().join("acme.toml"), "/b".into()]);
        assert_eq!(settings.output, Some(folder.path().join("o.log")));
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
