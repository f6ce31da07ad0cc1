//! One rule as text and as JSON: `rules show` and the digest of `batch`.

use serde_json::{Value, json};

use super::mask::masked;
use crate::rules::{Recogniser, Rule, pattern::Pattern};

/// Id, title, class, severity and detector.
pub(super) fn summary(rule: &Rule) -> Value {
    json!({
        "id": rule.id(),
        "title": rule.title(),
        "class": rule.class().name(),
        "severity": rule.severity().name(),
        "recogniser": rule.recogniser(),
    })
}

/// The page of `rules show`.
pub(super) fn page(rule: &Rule) -> String {
    let mut text = format!("{}\n{}\n\n{}\n\n", rule.id(), rule.title(), rule.about());
    for (name, value) in fields(rule) {
        text.push_str(&format!("{name:<11} {value}\n"));
    }
    text
}

fn fields(rule: &Rule) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("class", rule.class().name().into()),
        ("severity", rule.severity().name().into()),
        ("recogniser", rule.recogniser().into()),
        ("anchors", anchors(rule).join("  ")),
    ];
    if let Recogniser::Token(pattern) = &rule.recogniser {
        fields.push(("pattern", pattern.source().trim().into()));
    }
    for (name, value) in extras(rule) {
        fields.push((name, value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    }
    let origin = rule.origin();
    fields.push(("from", format!("{}:{}", masked(&origin.file), origin.line)));
    fields.extend(rule.links().iter().map(|link| ("link", link.clone())));
    fields.extend(rule.hits().iter().map(|hit| ("hit", hit.clone())));
    fields.extend(rule.misses().iter().map(|miss| ("miss", miss.clone())));
    fields
}

/// Everything about the rule.
pub(super) fn whole(rule: &Rule) -> Value {
    let pattern = match &rule.recogniser {
        Recogniser::Token(pattern) => Some(pattern.source()),
        _ => None,
    };
    let mut object = summary(rule);
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

/// What only some rules have, under the names of rule files.
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
