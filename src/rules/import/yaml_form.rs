//! The YAML of Kingfisher and Nosey Parker. Both have the same form: a list of rules with one
//! pattern each.

use serde::Deserialize;

use super::Foreign;
use crate::error::Error;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FileForm {
    rules: Vec<RuleForm>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RuleForm {
    name: String,
    id: String,
    pattern: Option<String>,
    min_entropy: Option<f64>,
    references: Vec<String>,
    validation: Option<serde_json::Value>,
    depends_on_rule: Option<serde_json::Value>,
    visible: Option<bool>,
}

pub(super) fn read(text: &str, name: &str) -> Result<Vec<Foreign>, Error> {
    let file: FileForm = serde_saphyr::from_str(text).map_err(|error| {
        Error::usage(format!("{name}: no list of rules in YAML")).because(error)
    })?;
    Ok(file.rules.into_iter().map(rule).collect())
}

fn rule(form: RuleForm) -> Foreign {
    let remarks = [
        (form.pattern.is_none(), "left out: it has no regular expression"),
        (
            form.validation.is_some(),
            "its check against the service was not carried over: nothing is sent anywhere",
        ),
        (
            form.depends_on_rule.is_some(),
            "the rules it depends on were not carried over: it stands alone",
        ),
        (
            form.visible == Some(false),
            "it only helps other rules there; here it is a rule like any",
        ),
    ];
    Foreign {
        id: form.id,
        about: form.name,
        links: form.references,
        regex: form.pattern,
        entropy: form.min_entropy,
        notes: remarks
            .into_iter()
            .filter(|(is_so, _)| *is_so)
            .map(|(_, text)| text.to_owned())
            .collect(),
        ..Foreign::default()
    }
}
