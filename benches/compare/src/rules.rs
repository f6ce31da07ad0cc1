//! logscrub's rule files as regexes, for programs that support nothing else.
//!
//! Token rules have a pattern. Each other rule becomes the regex that is usually written for it.
//! What a regex cannot express is left out: edges, validators, states, and words that count only if
//! the value looks machine-made. So every peer has less to do than logscrub, not more.

use std::{fs, io};

use regex_syntax::ast::{self, Ast};
use serde::Deserialize;

#[derive(Deserialize)]
struct RuleFile {
    #[serde(default)]
    rule: Vec<Entry>,
}

/// The needed keys of an entry.
#[derive(Deserialize)]
struct Entry {
    id: String,
    class: String,
    pattern: Option<String>,
    recogniser: Option<String>,
    anchors: Vec<String>,
    #[serde(default)]
    near: Vec<String>,
    #[serde(default)]
    keys: Keys,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Keys {
    strong: Vec<String>,
    header: Vec<String>,
    cookie: Vec<String>,
    userinfo: bool,
    params: Vec<String>,
}

/// One entry as one regex.
pub struct Rule {
    pub id: String,
    /// In verbose mode, over bytes; the group `secret` is replaced.
    pub pattern: String,
    /// Every match contains one of them, in any case.
    pub anchors: Vec<String>,
    /// If there are any, one of them must be within 64 bytes before the secret.
    pub near: Vec<String>,
}

/// All rules of a folder that are in force by default, in the order of their files.
pub fn read(folder: &str) -> io::Result<Vec<Rule>> {
    let mut paths: Vec<_> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.sort();
    let mut rules = Vec::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "toml")) {
        let file: RuleFile = toml::from_str(&fs::read_to_string(path)?).expect("logscrub's tests lint every rule file");
        rules.extend(file.rule.into_iter().filter(|entry| entry.class != "personal").filter_map(rule));
    }
    Ok(rules)
}

/// One entry as one regex; none if a plain regex cannot express the entry.
fn rule(entry: Entry) -> Option<Rule> {
    let (pattern, anchors) = match entry.recogniser.as_deref().unwrap_or("token") {
        "token" => (entry.pattern?, entry.anchors),
        "email" => (
            r"(?<secret> [A-Za-z0-9._%+-]+ @ [A-Za-z0-9-]+ (?: \. [A-Za-z0-9-]+ )* \. [A-Za-z]{2,24} )".to_owned(),
            vec!["@".to_owned()],
        ),
        "key_block" => {
            (r"-----BEGIN\x20 [A-Z\x20]* PRIVATE\x20KEY----- (?<secret> .+ )".to_owned(), vec!["-----BEGIN".to_owned()])
        }
        "url" if entry.keys.userinfo => (r"://[^\s/:@]* : (?<secret> [^\s/@]+ ) @".to_owned(), vec!["://".to_owned()]),
        "url" => (parameters(&entry.keys)?, entry.anchors),
        "assign" => (assign(&entry.keys)?, entry.anchors),
        other => panic!("{}: unknown recogniser {other:?}", entry.id),
    };
    Some(Rule { id: entry.id, pattern, anchors, near: entry.near })
}

fn parameters(keys: &Keys) -> Option<String> {
    let params = alternatives(&keys.params)?;
    Some(format!(r#"(?i) [?&;\s] (?:{params}) = (?<secret> [^\s&\#"']+ )"#))
}

fn assign(keys: &Keys) -> Option<String> {
    let headers: Vec<String> = keys.header.iter().chain(&keys.cookie).cloned().collect();
    if let Some(headers) = alternatives(&headers) {
        return Some(format!(
            r#"(?i) (?:{headers}) ["']? \s* [:=] \s* ["']? (?: [A-Za-z]+ \x20 )? (?<secret> [^\s"',;]+ )"#
        ));
    }
    let words = alternatives(&keys.strong)?;
    Some(format!(r#"(?i) (?:{words}) ["']? \s* [:=] \s* ["']? (?<secret> [^\s"',;&*]+ )"#))
}

/// Words as alternatives, with any separator where they have one.
fn alternatives(words: &[String]) -> Option<String> {
    let escaped = words.iter().map(|word| regex::escape(word).replace("\\-", "-").replace([' ', '-', '_'], "[-_.]?"));
    (!words.is_empty()).then(|| escaped.collect::<Vec<_>>().join("|"))
}

impl Rule {
    /// The pattern without the white space of verbose mode.
    pub fn flat(&self) -> String {
        print(&self.parse())
    }

    /// The shortest pattern that matches wherever [`Rule::flat`] does: repetitions at either end
    /// are reduced to their minimum. It is for an engine that reports only the ends of matches, and
    /// would report each repetition.
    pub fn short(&self) -> String {
        let mut ast = self.parse();
        shorten(&mut ast, End::First);
        shorten(&mut ast, End::Last);
        print(&ast)
    }

    fn parse(&self) -> Ast {
        ast::parse::ParserBuilder::new()
            .ignore_whitespace(true)
            .build()
            .parse(&self.pattern)
            .expect("the pattern compiled before")
    }
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    First,
    Last,
}

fn shorten(ast: &mut Ast, end: End) {
    match ast {
        Ast::Concat(concat) => shorten_concat(&mut concat.asts, end),
        Ast::Group(group) => shorten(&mut group.ast, end),
        Ast::Alternation(all) => all.asts.iter_mut().for_each(|part| shorten(part, end)),
        Ast::Repetition(repetition) => match least(&repetition.op.kind) {
            0 => *ast = Ast::empty(repetition.span),
            1 => {
                let mut once = (*repetition.ast).clone();
                shorten(&mut once, end);
                *ast = once;
            }
            n => repetition.op.kind = ast::RepetitionKind::Range(ast::RepetitionRange::Exactly(n)),
        },
        _ => {}
    }
}

/// Empty parts are dropped.
fn shorten_concat(parts: &mut Vec<Ast>, end: End) {
    let n_flags = parts.iter().take_while(|part| matches!(part, Ast::Flags(_))).count();
    while parts.len() > n_flags {
        let at = if end == End::First { n_flags } else { parts.len() - 1 };
        shorten(&mut parts[at], end);
        if !matches!(parts[at], Ast::Empty(_)) {
            return;
        }
        parts.remove(at);
    }
}

fn least(kind: &ast::RepetitionKind) -> u32 {
    use ast::{RepetitionKind as Kind, RepetitionRange as Range};
    match kind {
        Kind::ZeroOrOne | Kind::ZeroOrMore => 0,
        Kind::OneOrMore => 1,
        Kind::Range(Range::Exactly(n) | Range::AtLeast(n) | Range::Bounded(n, _)) => *n,
    }
}

fn print(ast: &Ast) -> String {
    let mut text = String::new();
    ast::print::Printer::new().print(ast, &mut text).expect("a string takes all");
    text
}
