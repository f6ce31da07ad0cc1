//! The TOML of gitleaks and Betterleaks. Keys that do not affect what is found in a text (commits,
//! tags, titles) are skipped.

use serde::Deserialize;

use super::Foreign;
use crate::{error::Error, rules::syntax::line_of};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FileForm {
    rules: Vec<RuleForm>,
    allowlist: Option<AllowForm>,
    allowlists: Vec<AllowForm>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RuleForm {
    id: String,
    description: String,
    regex: Option<String>,
    secret_group: Option<u32>,
    keywords: Vec<String>,
    entropy: Option<f64>,
    path: Option<String>,
    allowlist: Option<AllowForm>,
    allowlists: Vec<AllowForm>,
    filter: Option<String>,
    validate: Option<String>,
    required: Vec<toml::Value>,
    skip_report: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AllowForm {
    regexes: Vec<String>,
    regex_target: Option<String>,
    stopwords: Vec<String>,
    paths: Vec<String>,
    condition: Option<String>,
}

pub(super) fn read(text: &str, name: &str) -> Result<Vec<Foreign>, Error> {
    let file: FileForm = toml::from_str(text).map_err(|error| {
        Error::at(name, error.span().map_or(1, |span| line_of(text, span.start)), error.message())
    })?;
    let n_global: usize =
        file.allowlist.iter().chain(&file.allowlists).map(|list| list.regexes.len()).sum();
    let mut rules: Vec<Foreign> = file.rules.into_iter().map(rule).collect();
    if n_global > 0 {
        let note = format!(
            "the {n_global} patterns of the global allowlist were not carried over: stand-ins and templates are known without"
        );
        rules.push(Foreign { id: "file".into(), notes: vec![note], ..Foreign::default() });
    }
    Ok(rules)
}

fn rule(form: RuleForm) -> Foreign {
    let remarks = [
        (form.regex.is_none(), "left out: it has no regular expression"),
        (
            form.regex.is_some() && form.path.is_some(),
            "its path was not carried over: a stream has none",
        ),
        (
            form.validate.is_some(),
            "its check against the service was not carried over: nothing is sent anywhere",
        ),
        (
            !form.required.is_empty(),
            "the rules it requires beside it were not carried over: it stands alone",
        ),
        (form.skip_report, "it only helps other rules there; here it is a rule like any"),
    ];
    let mut foreign = Foreign {
        id: form.id,
        about: form.description,
        regex: form.regex,
        group: form.secret_group.filter(|group| *group > 0),
        keywords: form.keywords,
        entropy: form.entropy,
        notes: remarks
            .into_iter()
            .filter(|(is_so, _)| *is_so)
            .map(|(_, text)| text.to_owned())
            .collect(),
        ..Foreign::default()
    };
    if let Some(filter) = form.filter {
        let bits = entropy(&filter);
        if bits.is_none() || filter.trim().lines().count() > 1 {
            foreign.notes.push("its filter was carried over no further than an entropy".into());
        }
        foreign.entropy = foreign.entropy.or(bits);
    }
    for list in form.allowlist.iter().chain(&form.allowlists) {
        allow(list, &mut foreign);
    }
    foreign
}

/// The bound of `entropy(finding["secret"]) < 3.5`.
fn entropy(filter: &str) -> Option<f64> {
    let (_, rest) = filter.split_once("entropy(")?;
    let (_, rest) = rest.split_once(')')?;
    let number = rest.trim_start().trim_start_matches(['<', '=']).trim_start();
    let end = number
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(number.len());
    number[..end].parse().ok()
}

fn allow(list: &AllowForm, foreign: &mut Foreign) {
    if !list.stopwords.is_empty() {
        let n_words = list.stopwords.len();
        foreign
            .notes
            .push(format!("{n_words} stopwords were not carried over: a word inside a secret does not make it none"));
    }
    if !list.paths.is_empty() {
        foreign.notes.push(format!(
            "{} paths of its allowlist were not carried over: a stream has none",
            list.paths.len()
        ));
    }
    let is_of_secret = list.regex_target.as_deref().unwrap_or("secret") == "secret";
    let is_and =
        list.condition.as_deref().is_some_and(|condition| !condition.eq_ignore_ascii_case("or"));
    if is_of_secret && !is_and {
        foreign.allow.extend(list.regexes.iter().cloned());
    } else if !list.regexes.is_empty() {
        let n_patterns = list.regexes.len();
        foreign.notes.push(format!(
            "{n_patterns} patterns of its allowlist were not carried over: they ask for more than the secret"
        ));
    }
}
