//! Imports the rule files of other scanners.
//!
//! We read the TOML of gitleaks and Betterleaks, and the YAML of Kingfisher and Nosey Parker. Each
//! rule becomes a token rule with the same regular expression. Its keywords become anchors if they
//! are proved necessary; otherwise we choose literals that are. Its entropy becomes a validator,
//! its allowlists become `allow`. Everything that cannot be converted is reported, rule by rule.

mod regex;
mod toml_form;
mod yaml_form;

use serde::Serialize;

use super::{
    anchors::{self as proof, Unproved},
    choice,
    pattern::Pattern,
    syntax::RuleSyntax,
};
use crate::error::Error;

/// The scanner whose rules are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Gitleaks,
    Betterleaks,
    Kingfisher,
    NoseyParker,
}

impl Form {
    const ALL: [Form; 4] = [Form::Gitleaks, Form::Betterleaks, Form::Kingfisher, Form::NoseyParker];

    /// The names on the command line.
    pub(crate) const NAMES: [&'static str; 4] =
        ["gitleaks", "betterleaks", "kingfisher", "noseyparker"];

    /// The format with that name.
    pub(crate) fn named(name: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.name() == name)
    }

    fn name(self) -> &'static str {
        Form::NAMES[self as usize]
    }

    /// Whether its files are YAML. Their expressions are written for a regex engine like ours, not
    /// for Go's.
    pub(crate) fn is_yaml(self) -> bool {
        matches!(self, Form::Kingfisher | Form::NoseyParker)
    }
}

/// A rule of another scanner, independent of its file format.
#[derive(Debug, Default)]
struct Foreign {
    id: String,
    about: String,
    links: Vec<String>,
    regex: Option<String>,
    /// The group that contains the secret, if the file names one.
    group: Option<u32>,
    keywords: Vec<String>,
    entropy: Option<f64>,
    /// Patterns that are searched for in the secret.
    allow: Vec<String>,
    /// What the file reader could not convert.
    notes: Vec<String>,
}

/// The result of an import.
#[derive(Debug, Default)]
pub(crate) struct Imported {
    rules: Vec<RuleSyntax>,
    /// Notes with the id of their rule, in the order of the files.
    pub(crate) notes: Vec<(String, String)>,
    /// Number of rules with a regular expression.
    pub(crate) n_read: usize,
    /// Number of those rules that were converted.
    pub(crate) n_working: usize,
}

#[derive(Serialize)]
struct File<'r> {
    rule: &'r [RuleSyntax],
}

impl Imported {
    /// Reads one more file. Errors call it `name`.
    pub(crate) fn read(&mut self, form: Form, text: &str, name: &str) -> Result<(), Error> {
        let rules = if form.is_yaml() {
            yaml_form::read(text, name)?
        } else {
            toml_form::read(text, name)?
        };
        for rule in rules {
            self.take(form, &rule);
        }
        Ok(())
    }

    /// The rules as a file in our format.
    pub(crate) fn text(&self, form: Form) -> String {
        let body =
            toml::to_string_pretty(&File { rule: &self.rules }).expect("rules are plain data");
        format!(
            "# Imported from rules of {}, whose licence goes with them. They bring no examples: add three hits and three\n\
             # misses to each before `logscrub rules lint` is content.\n\n{body}",
            form.name()
        )
    }

    fn take(&mut self, form: Form, foreign: &Foreign) {
        let id = self.fresh_id(form, &foreign.id);
        for note in &foreign.notes {
            self.notes.push((id.clone(), note.clone()));
        }
        let Some(source) = &foreign.regex else { return };
        self.n_read += 1;
        match convert(&id, form, foreign, source) {
            Ok((rules, notes)) => {
                self.n_working += 1;
                self.rules.extend(rules);
                self.notes.extend(notes.into_iter().map(|note| (id.clone(), note)));
            }
            Err(message) => self.notes.push((id, format!("left out: {message}"))),
        }
    }

    /// A unique id in kebab case. It begins with the scanner's name, so it never equals an embedded
    /// id.
    fn fresh_id(&self, form: Form, id: &str) -> String {
        let id = id.to_ascii_lowercase();
        let words = id
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty());
        let words: Vec<&str> =
            words.skip_while(|word| *word == form.name() || *word == "np").collect();
        let plain = format!("{}-{}", form.name(), words.join("-"));
        let numbered = (2..=self.rules.len() + 2).map(|number| format!("{plain}-again-{number}"));
        std::iter::once(plain.clone())
            .chain(numbered)
            .find(|id| self.rules.iter().all(|rule| rule.id != *id))
            .unwrap_or(plain)
    }
}

/// Converts one rule to one rule of ours, or to several if each alternative has a group of its own.
/// Returns notes, too.
fn convert(
    id: &str,
    form: Form,
    foreign: &Foreign,
    source: &str,
) -> Result<(Vec<RuleSyntax>, Vec<String>), String> {
    let mut notes = Vec::new();
    let patterns = regex::convert(source, form, foreign.group, &mut notes)?;
    let allow = allowed(form, foreign, &mut notes);
    let is_split = patterns.len() > 1;
    if is_split {
        notes.push(format!("split into {} rules, one for each group", patterns.len()));
    }
    let mut rules = Vec::new();
    for (index, pattern) in patterns.into_iter().enumerate() {
        let (pattern, anchors) = with_anchors(pattern, &foreign.keywords, &mut notes)?;
        rules.push(RuleSyntax {
            id: if is_split { format!("{id}-part-{}", index + 1) } else { id.to_owned() },
            title: foreign
                .id
                .split(['-', '.', '_'])
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>()
                .join(" "),
            class: "credential".into(),
            severity: "high".into(),
            about: foreign.about.clone(),
            links: foreign
                .links
                .iter()
                .filter(|link| link.starts_with("https://"))
                .cloned()
                .collect(),
            anchors,
            pattern: Some(pattern),
            validator: foreign
                .entropy
                .filter(|bits| *bits > 0.0)
                .map(|bits| format!("entropy:{bits}")),
            edges: Some("free".into()),
            allow: allow.clone(),
            ..RuleSyntax::default()
        });
    }
    Ok((rules, notes))
}

fn allowed(form: Form, foreign: &Foreign, notes: &mut Vec<String>) -> Vec<String> {
    let mut allow = Vec::new();
    for source in &foreign.allow {
        match regex::within(source, form)
            .and_then(|pattern| Pattern::new(&pattern).check().map(|()| pattern))
        {
            Ok(pattern) => allow.push(pattern),
            Err(message) => {
                notes.push(format!("a pattern of its allowlist was not carried over: {message}"))
            }
        }
    }
    allow
}

/// The pattern and its anchors. If no anchor is near enough to the start, repetitions in the
/// pattern are bounded.
fn with_anchors(
    pattern: String,
    keywords: &[String],
    notes: &mut Vec<String>,
) -> Result<(String, Vec<String>), String> {
    let message = match anchors_of(&pattern, keywords, notes) {
        Ok(anchors) => return Ok((pattern, anchors)),
        Err(message) => message,
    };
    let bounded = regex::bounded(&pattern)?;
    let anchors = anchors_of(&bounded, keywords, notes).map_err(|_| message)?;
    notes.push(format!("what it repeats without a bound is held to {} times", regex::BOUND));
    Ok((bounded, anchors))
}

/// The file's keywords if every match contains one near its start; otherwise literals of the
/// expression.
fn anchors_of(
    text: &str,
    keywords: &[String],
    notes: &mut Vec<String>,
) -> Result<Vec<String>, String> {
    let pattern = Pattern::new(text);
    pattern.check()?;
    let hir = pattern.hir()?;
    let mut given: Vec<String> = keywords.iter().map(|word| word.to_ascii_lowercase()).collect();
    given.sort();
    given.dedup();
    let is_near = !given.is_empty() && choice::is_in_reach(&hir, &given);
    if is_near && proof::prove(&hir, &choice::folded(&given)).is_ok() {
        return Ok(given);
    }
    let derived = choice::derive(&hir)
        .ok_or("no literal of two characters or more is in every match, near its start")?;
    match proof::prove(&hir, &choice::folded(&derived)) {
        Ok(()) => {}
        Err(Unproved::TooLarge) => {
            return Err("the expression is too large for the proof of its anchors".into());
        }
        Err(Unproved::Without(_)) => return Err("its anchors could not be proved".into()),
    }
    if !given.is_empty() {
        notes.push(format!(
            "its keywords are not in every match near its start; anchors instead: {}",
            derived.join(" ")
        ));
    }
    Ok(derived)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Recogniser, RuleSet, pattern::MAX_GROUPS};

    const GITLEAKS: &str = r#"
[allowlist]
regexes = ['''(?i)^true|false|null$''']
[[rules]]
id = "acme-token"
description = "An Acme token."
regex = '''(?i)[\w.-]{0,50}?(?:acme)(?:[ \t\w.-]{0,20})[\s'"]{0,3}(?:=|:)[\s'"]{0,5}([a-z0-9]{20})(?:[\x60'"\s;]|\\[nr]|$)'''
keywords = ["acme"]
entropy = 3.0
[[rules.allowlists]]
regexes = ['''example$''']
stopwords = ["test"]
[[rules]]
id = "brace"
description = "Braces that Go reads as text."
regex = '''key_\${([a-z[]{8})}'''
keywords = ["lock"]
[[rules]]
id = "path-only"
description = "A file."
path = '''\.p12$'''
[[rules]]
id = "anything"
description = "Nothing literal."
regex = '''[a-f0-9]{32}'''
[[rules]]
id = "look"
description = "Looks ahead."
regex = '''abc(?=def)'''
keywords = ["abc"]
"#;

    const KINGFISHER: &str = r"
rules:
- name: Acme
  id: kingfisher.acme.1
  pattern: |
    (?xi) \b (?: acme ) [=:] \s? ( [a-z0-9]{20} ) # text
  min_entropy: 3.2
  references:
  - https://example.com/a
- name: Pair
  id: kingfisher.pair.1
  pattern: 'one_([a-z]{8})|two_([a-z]{9})'
";

    fn imported(form: Form, text: &str) -> Imported {
        let mut imported = Imported::default();
        imported.read(form, text, "sample").expect("the sample is read");
        imported
    }

    /// The texts of the groups named `secret`.
    fn found(hay: &str, rules: &str) -> Vec<String> {
        let rules = RuleSet::parse(rules, "imported.toml").expect("what was written loads");
        let secret = |pattern: &Pattern| {
            let compiled = pattern.compiled();
            let mut slots = [None; 2 * MAX_GROUPS];
            compiled.regex().search_slots(&regex_automata::Input::new(hay), &mut slots)?;
            let (start, end) =
                (slots[2 * compiled.secret]?.get(), slots[2 * compiled.secret + 1]?.get());
            Some(hay[start..end].to_owned())
        };
        let patterns = rules.rules().iter().filter_map(|rule| match &rule.recogniser {
            Recogniser::Token(pattern) => Some(pattern),
            _ => None,
        });
        patterns.filter_map(secret).collect()
    }

    #[test]
    fn what_gitleaks_finds_the_imported_rule_finds() {
        let imported = imported(Form::Gitleaks, GITLEAKS);
        assert_eq!((imported.n_read, imported.n_working), (4, 2), "{:#?}", imported.notes);
        let text = imported.text(Form::Gitleaks);
        for (hay, secret) in [
            ("my.ACME_token = 'a1b2c3d4e5f6g7h8i9j0'", "a1b2c3d4e5f6g7h8i9j0"),
            ("acme: a1b2c3d4e5f6g7h8i9j0\r\nnext line", "a1b2c3d4e5f6g7h8i9j0"),
            ("key_${abc[defg}", "abc[defg"),
        ] {
            assert_eq!(found(hay, &text), [secret], "{hay}");
        }
        assert_eq!(found("acme: a1b2c3", &text), [""; 0]);
        assert!(text.contains("anchors = [\"acme\"]"), "{text}");
        assert!(text.contains("validator = \"entropy:3\""), "{text}");
    }

    #[test]
    fn what_is_not_carried_over_is_said() {
        let notes = imported(Form::Gitleaks, GITLEAKS).notes;
        for (rule, part) in [
            ("gitleaks-acme-token", "stopwords"),
            ("gitleaks-brace", "keywords are not in every match"),
            ("gitleaks-path-only", "no regular expression"),
            ("gitleaks-anything", "no literal"),
            ("gitleaks-look", "look-around"),
            ("gitleaks-file", "global allowlist"),
        ] {
            assert!(
                notes.iter().any(|(id, note)| id == rule && note.contains(part)),
                "{rule} {part}: {notes:#?}"
            );
        }
    }

    #[test]
    fn betterleaks_has_its_entropy_in_a_filter() {
        let rule = "[[rules]]\nid = \"acme\"\ndescription = \"x\"\nregex = '\\b(acme_[a-z0-9]{20})\\b'\nkeywords = [\"acme_\"]\n\
                    filter = 'filter.entropy(finding[\"secret\"]) <= 3.5'\n";
        let imported = imported(Form::Betterleaks, rule);
        assert!(
            imported.text(Form::Betterleaks).contains("validator = \"entropy:3.5\""),
            "{:?}",
            imported.notes
        );
        assert_eq!(imported.notes, []);
    }

    #[test]
    fn the_yaml_of_kingfisher_and_nosey_parker_is_read() {
        let imported = imported(Form::Kingfisher, KINGFISHER);
        assert_eq!((imported.n_read, imported.n_working), (2, 2), "{:#?}", imported.notes);
        let rules = imported.text(Form::Kingfisher);
        assert_eq!(found("ACME: a1b2c3d4e5f6g7h8i9j0", &rules), ["a1b2c3d4e5f6g7h8i9j0"]);
        assert_eq!(found("two_abcdefghi", &rules), ["abcdefghi"]);
        assert!(rules.contains("kingfisher-pair-1-part-2"), "{rules}");
    }

    #[test]
    fn a_file_of_another_form_is_an_error_with_its_name() {
        let mut imported = Imported::default();
        for (form, text) in [(Form::Gitleaks, "rules = 3"), (Form::NoseyParker, "rules: 3")] {
            let error = imported.read(form, text, "sample").expect_err("no list of rules");
            assert!(error.to_string().starts_with("sample"), "{error}");
        }
    }
}
