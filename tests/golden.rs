//! Golden cases: what goes and what stays, to the byte. Each case is one text in
//! `tests/golden/*.toml`.

use std::{env, fs, path::Path};

use logscrub::{Outcome, Policy, RuleSet, ScrubReader, Scrubber, lint::expand};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// `«»` marks what goes; without marks, the text comes out unchanged.
    text: String,
    /// The rule of each `«»`, if the case checks it.
    #[serde(default)]
    rules: Vec<String>,
    /// The output, if it is not the text with a label for each `«»`.
    out: Option<String>,
}

fn scrub(scrubber: &mut Scrubber, hay: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match scrubber.scrub_block(hay, &mut out) {
        Outcome::Clean => hay.to_vec(),
        Outcome::Changed => out,
        Outcome::Stopped => panic!("nothing stops under the default policy"),
    }
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// The faults of one case, as text. The cases contain no real secrets.
fn faults(base: &Scrubber, case: &Case) -> Vec<String> {
    let example = expand(&case.text);
    let findings = base.fork().find(&example.text).unwrap_or_default().to_vec();
    let id = |finding: &logscrub::Finding| base.rules().get(finding.rule).id().to_owned();
    let mut faults = Vec::new();
    let mut expected = Vec::new();
    let mut done = 0;
    if findings.iter().map(|finding| finding.span).ne(example.spans.iter().copied())
        && case.out.is_none()
    {
        let out = scrub(&mut base.fork(), &example.text);
        faults.push(format!("came out as {}", shown(&out)));
        return faults;
    }
    for finding in &findings {
        expected.extend_from_slice(&example.text[done..finding.span.start]);
        expected.extend_from_slice(format!("REDACTED-{}", id(finding)).as_bytes());
        done = finding.span.end;
    }
    expected.extend_from_slice(&example.text[done..]);
    if let Some(out) = &case.out {
        expected = expand(out).text;
    }
    if !case.rules.is_empty() && findings.iter().map(id).ne(case.rules.iter().cloned()) {
        faults.push(format!("named {:?}", findings.iter().map(id).collect::<Vec<_>>()));
    }
    let whole = scrub(&mut base.fork(), &example.text);
    if whole != expected {
        faults.push(format!("came out as {}", shown(&whole)));
    }
    let twice = scrub(&mut base.fork(), &whole);
    if twice != whole {
        faults.push(format!("came out the second time as {}", shown(&twice)));
    }
    let mut by_line = base.fork();
    let lines: Vec<u8> = example
        .text
        .split_inclusive(|byte| *byte == b'\n')
        .flat_map(|line| scrub(&mut by_line, line))
        .collect();
    if lines != whole {
        faults.push("came out otherwise line by line".to_owned());
    }
    let mut read = Vec::new();
    let mut reader = ScrubReader::with_capacity(3, 0, &example.text[..], base.fork());
    std::io::Read::read_to_end(&mut reader, &mut read).expect("cases are text");
    if read != whole {
        faults.push("came out otherwise through a small buffer".to_owned());
    }
    faults
}

fn read(path: &Path, text: &str) -> File {
    toml::from_str(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Writes into `text`, the content of a case file, what a case with `out` comes out as.
fn bless(base: &Scrubber, case: &Case, text: &mut String) {
    let Some(out) = &case.out else { return };
    let scrubbed = scrub(&mut base.fork(), &expand(&case.text).text);
    if scrubbed != expand(out).text {
        let scrubbed = String::from_utf8(scrubbed).expect("cases are text");
        *text = text.replacen(&format!("out = '{out}'"), &format!("out = '{scrubbed}'"), 1);
    }
}

#[test]
fn every_case_comes_out_as_it_says_and_is_current() {
    let base = Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut all = Vec::new();
    let mut n_cases = 0;
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the cases are there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    for path in files {
        let mut text = fs::read_to_string(&path).expect("a case file can be read");
        if env::var_os("LOGSCRUB_BLESS").is_some() {
            read(&path, &text).case.iter().for_each(|case| bless(&base, case, &mut text));
            fs::write(&path, &text).expect("a case file can be written");
        }
        let file = read(&path, &text);
        for case in &file.case {
            n_cases += 1;
            let place = format!(
                "{}: {}",
                path.file_name().expect("a file has a name").display(),
                case.name
            );
            all.extend(faults(&base, case).into_iter().map(|fault| format!("{place}: {fault}")));
        }
    }
    assert!(n_cases >= 100, "only {n_cases} cases were found");
    assert!(all.is_empty(), "{} faults in {n_cases} cases:\n{}", all.len(), all.join("\n"));
}
