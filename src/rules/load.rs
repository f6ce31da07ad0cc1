//! Turns the syntax of a rule file into rules. One [`RuleSyntax`] becomes one [`Rule`], or an error
//! with its line.

use std::{fs, path::Path};

use super::{
    Anchor, Class, Edges, Origin, Recogniser, Rule, Severity, Validator, choice,
    pattern::Pattern,
    syntax::{FileSyntax, RuleSyntax, line_of},
};
use crate::error::Error;

/// Reads a rule file, or all `*.toml` files of a folder in the order of their names.
pub(crate) fn path(path: &Path) -> Result<Vec<Rule>, Error> {
    if !path.is_dir() {
        return file(path);
    }
    let entries = fs::read_dir(path).map_err(|error| Error::unreadable(path, error))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.map_err(|error| Error::unreadable(path, error))?.path();
        if file.extension().is_some_and(|extension| extension == "toml") {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(Error::usage(format!("{}: no rule file in this folder", path.display()))
            .hint("rule files end in .toml; name one, or a folder that holds some"));
    }
    files.sort();
    let mut rules = Vec::new();
    for path in files {
        rules.extend(file(&path)?);
    }
    Ok(rules)
}

fn file(path: &Path) -> Result<Vec<Rule>, Error> {
    let text = fs::read_to_string(path).map_err(|error| Error::unreadable(path, error))?;
    text_of(&text, &path.display().to_string())
}

/// Reads the text of a rule file. Errors call it `name`.
pub(crate) fn text_of(text: &str, name: &str) -> Result<Vec<Rule>, Error> {
    let file: FileSyntax = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        Error::at(name, line, error.message())
    })?;
    file.rule
        .into_iter()
        .map(|entry| {
            let line = line_of(text, entry.span().start);
            let origin = Origin { file: name.to_owned(), line, embedded: false };
            let rule = rule(entry.into_inner(), origin)?;
            check_patterns(&rule)?;
            Ok(rule)
        })
        .collect()
}

/// Converts one entry. Patterns are not compiled here.
pub(crate) fn rule(syntax: RuleSyntax, origin: Origin) -> Result<Rule, Error> {
    let wrong = |message: String| error_at(&origin, &syntax.id, &message);
    if !is_kebab(&syntax.id) {
        return Err(wrong("the id is not kebab case".into())
            .hint("small letters, digits and single hyphens, as in acme-token"));
    }
    let class = Class::named(&syntax.class).ok_or_else(|| {
        wrong(format!("unknown class {:?}", syntax.class))
            .hint(format!("one of {}", names(&Class::ALL.map(Class::name))))
    })?;
    let severity = Severity::ALL
        .into_iter()
        .find(|severity| severity.name() == syntax.severity)
        .ok_or_else(|| {
            wrong(format!("unknown severity {:?}", syntax.severity))
                .hint(format!("one of {}", names(&Severity::ALL.map(Severity::name))))
        })?;
    let recogniser = recogniser(&syntax).map_err(&wrong)?;
    let validator = match &syntax.validator {
        None => None,
        Some(name) => Some(Validator::named(name).ok_or_else(|| {
            wrong(format!("unknown validator {name:?}"))
                .hint(format!("one of {}", names(&Validator::names())))
        })?),
    };
    let mut anchors = anchors(&syntax, &recogniser);
    if anchors.is_empty() {
        anchors = chosen(&recogniser).ok_or_else(|| {
            wrong("no anchors, and none can be chosen".into())
                .hint("name the literals of which every match holds one: anchors = [\"acme_\"]")
        })?;
    }
    if anchors.iter().any(|anchor| anchor.text.is_empty()) {
        return Err(wrong("an anchor is empty".into()));
    }
    let edges = match syntax.edges.as_deref() {
        Some(name) => match Edges::NAMED.iter().find(|(known, _)| *known == name) {
            Some((_, edges)) => *edges,
            None => {
                return Err(wrong(format!("unknown edges {name:?}")).hint("\"word\" or \"free\""));
            }
        },
        None if anchors.iter().all(|anchor| is_distinctive(&anchor.text)) => Edges::Free,
        None => Edges::Word,
    };
    Ok(Rule {
        class,
        severity,
        anchors,
        recogniser,
        validator,
        edges,
        near: syntax
            .near
            .iter()
            .map(|word| word.to_ascii_lowercase().into_bytes().into())
            .collect(),
        allow: syntax.allow.iter().map(|source| Pattern::new(source)).collect(),
        id: syntax.id,
        title: syntax.title,
        about: syntax.about,
        links: syntax.links,
        style: syntax.style,
        hit: syntax.hit,
        miss: syntax.miss,
        origin,
    })
}

fn recogniser(syntax: &RuleSyntax) -> Result<Recogniser, String> {
    let kind = syntax.recogniser.as_deref().unwrap_or("token");
    if kind != "token" && syntax.pattern.is_some() {
        return Err(format!("a {kind} rule has no pattern"));
    }
    if !matches!(kind, "assign" | "url") && !syntax.keys.is_empty() {
        return Err(format!("a {kind} rule has no keys"));
    }
    match kind {
        "token" => match &syntax.pattern {
            Some(source) => Ok(Recogniser::Token(Pattern::new(source))),
            None => Err("a token rule needs a pattern".into()),
        },
        "assign" | "url" if syntax.keys.is_empty() => Err(format!("{kind} rule without keys")),
        "assign" => Ok(Recogniser::Assign(syntax.keys.clone())),
        "url" => Ok(Recogniser::Url(syntax.keys.clone())),
        "email" => Ok(Recogniser::Email),
        "key_block" => Ok(Recogniser::KeyBlock),
        other => Err(format!(
            "unknown recogniser {other:?}; one of token, assign, url, email, key_block"
        )),
    }
}

/// The anchors of a rule. They ignore case if the pattern does, if a logger may change a
/// distinctive prefix to lower case, and in every rule that is not a token rule.
fn anchors(syntax: &RuleSyntax, recogniser: &Recogniser) -> Vec<Anchor> {
    let all = match recogniser {
        Recogniser::Token(pattern) => pattern.ignores_case(),
        _ => true,
    };
    let mut anchors: Vec<Anchor> = syntax
        .anchors
        .iter()
        .map(|text| {
            let fold = all || is_distinctive(text.as_bytes());
            let text = if fold { text.to_ascii_lowercase() } else { text.clone() };
            Anchor { text: text.into_bytes().into(), fold }
        })
        .collect();
    anchors.sort();
    anchors.dedup();
    anchors
}

/// The anchors that a token pattern contains, for rules that name none.
fn chosen(recogniser: &Recogniser) -> Option<Vec<Anchor>> {
    let Recogniser::Token(pattern) = recogniser else { return None };
    let texts = choice::derive(&pattern.hir().ok()?)?;
    Some(
        texts
            .into_iter()
            .map(|text| Anchor { text: text.into_bytes().into(), fold: true })
            .collect(),
    )
}

/// Whether an anchor identifies its token: at least four characters, one of them punctuation.
pub(crate) fn is_distinctive(anchor: &[u8]) -> bool {
    anchor.len() >= 4 && anchor.iter().any(u8::is_ascii_punctuation)
}

fn is_kebab(id: &str) -> bool {
    !id.is_empty()
        && id.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

fn error_at(origin: &Origin, id: &str, message: &str) -> Error {
    Error::at(&origin.file, origin.line, format!("rule {id:?}: {message}"))
}

/// Parses the patterns of a user's rule, to report errors when it is loaded. Embedded rules were
/// checked before.
fn check_patterns(rule: &Rule) -> Result<(), Error> {
    let own = match &rule.recogniser {
        Recogniser::Token(pattern) => Some(pattern),
        _ => None,
    };
    for pattern in own.into_iter().chain(&rule.allow) {
        pattern.check().map_err(|message| error_at(&rule.origin, &rule.id, &message))?;
    }
    if own.is_some_and(|pattern| !pattern.names_secret()) {
        let message = "the pattern has no group named secret";
        return Err(error_at(&rule.origin, &rule.id, message)
            .hint("write (?<secret> … ) around the part that is to be replaced"));
    }
    Ok(())
}

fn names(names: &[&str]) -> String {
    names.join(", ")
}
