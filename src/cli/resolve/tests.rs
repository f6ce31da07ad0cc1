use std::{fs, io::Write, path::Path, time::Duration};

use super::*;
use crate::{
    cli::{args, settings::Summary},
    frame::Format,
};

fn environment(folder: &Path, variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment { variables: variables.collect(), system: folder.join("system.toml") }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file has a folder"))
        .expect("the folder can be made");
    fs::File::create(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .expect("the file can be written");
}

fn resolve_with(folder: &Path, typed: &str, variables: &[(&str, &str)]) -> Result<Settings, Error> {
    let words = std::iter::once("logscrub").chain(typed.split_ascii_whitespace());
    let matches = args::command().try_get_matches_from(words).expect("it parses");
    resolve(&Typed::new(&matches)?, &environment(folder, variables))
}

fn source(settings: &Settings, key: &str) -> (String, String) {
    let all = shown::all(settings);
    let shown = all.iter().find(|shown| shown.key == key).expect("a known key");
    (shown.value.to_string(), shown.source.to_string())
}

#[test]
fn each_layer_goes_over_the_one_below() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    write(&path.join("system.toml"), "on-error = \"stop\"\nsummary = \"json\"\ngrace = 9\n");
    write(&path.join("logscrub/config.toml"), "summary = \"human\"\n\n[style]\nemail = \"mask\"\n");
    let home = path.display().to_string();
    let variables = [
        ("XDG_CONFIG_HOME", home.as_str()),
        ("LOGSCRUB_GRACE", "3"),
        ("LOGSCRUB_ONLY", "email, jwt"),
    ];
    let settings = resolve_with(path, "--grace 1 --style jwt=partial", &variables)
        .expect("all layers are sound");
    assert_eq!(settings.grace, Duration::from_secs(1));
    assert_eq!(settings.summary, Summary::Human);
    assert_eq!(settings.selection.only, ["email", "jwt"]);
    assert_eq!(source(&settings, "on-error"), ("\"stop\"".into(), format!("{home}/system.toml:1")));
    assert_eq!(source(&settings, "summary").1, format!("{home}/logscrub/config.toml:1"));
    assert_eq!(source(&settings, "only").1, "LOGSCRUB_ONLY");
    assert_eq!(source(&settings, "grace"), ("1.0".into(), "--grace".into()));
    assert_eq!(source(&settings, "color").1, "built in");
    let without =
        resolve_with(path, "--config none", &variables).expect("the system's file is sound");
    assert_eq!(without.summary, Summary::Json);
}

#[test]
fn a_misspelt_key_is_refused_with_its_line_and_the_nearest_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("c.toml");
    write(&file, "summary = \"none\"\non_eror = \"drop\"\n");
    let error = resolve_with(folder.path(), &format!("-c {}", file.display()), &[])
        .expect_err("an unknown key");
    assert!(error.to_string().contains("c.toml:2: unknown key \"on_eror\""), "{error}");
    assert_eq!(error.fix(), Some("did you mean \"on-error\"?"));
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn wrong_values_are_told_where_they_were_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (typed, variables, message) in [
        ("--max-record 12", &[][..], "--max-record: must be at least 256KiB"),
        ("--max-record many", &[], "--max-record: expected a size"),
        (
            "",
            &[("LOGSCRUB_ON_ERROR", "pass")],
            "LOGSCRUB_ON_ERROR: expected one of mask, drop, stop",
        ),
        ("", &[("LOGSCRUB_GRACE", "soon")], "LOGSCRUB_GRACE: expected a number of seconds"),
        (
            "",
            &[("LOGSCRUB_FAIL_ON_FINDINGS", "yes")],
            "LOGSCRUB_FAIL_ON_FINDINGS: expected true or false",
        ),
        ("", &[("LOGSCRUB_COLOR", "red")], "LOGSCRUB_COLOR: expected one of auto, always, never"),
        ("--threads 1025", &[], "--threads: expected a number of threads from 0 to 1024"),
        (
            "",
            &[("LOGSCRUB_THREADS", "-1")],
            "LOGSCRUB_THREADS: expected a number of threads from 0 to 1024",
        ),
        ("", &[("LOGSCRUB_THREADS", "many")], "LOGSCRUB_THREADS: expected a number of threads"),
        ("--grace 1e19", &[], "--grace: expected a number of seconds from 0 to 86400"),
        ("--style rot13", &[], "--style: unknown style"),
        ("--style fixed", &[], "--style: style fixed: no placeholder"),
        ("--placeholder a/b", &[], "--placeholder: the placeholder holds"),
        (
            "",
            &[("LOGSCRUB_SUMMARY", "xml")],
            "LOGSCRUB_SUMMARY: expected one of auto, human, json, none",
        ),
        ("--own-domain a@b.example", &[], "--own-domain: \"a@b.example\" is no domain"),
        ("--config /nonexistent/c.toml", &[], "/nonexistent/c.toml: cannot be read"),
    ] {
        let error = resolve_with(folder.path(), typed, variables).expect_err(typed);
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
    let settings = resolve_with(folder.path(), "", &variables).expect("all of it is sound");
    assert_eq!((settings.max_record, settings.grace), (512 << 10, Duration::from_millis(500)));
    assert_eq!(settings.threads, 3);
    assert_eq!((settings.format, settings.hold), (Format::Docker, Duration::from_millis(200)));
    assert!(!settings.dry_run, "a flag only");
    for shown in shown::all(&settings).iter().filter(|shown| shown.key != "allow") {
        let key = shown.key.split('.').next().unwrap_or_default().to_uppercase().replace('-', "_");
        assert_eq!(shown.source.to_string(), format!("LOGSCRUB_{key}"), "{shown:?}");
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
        let settings = resolve_with(path, typed, &[]).expect("all of it is sound");
        shown::all(&settings)
            .iter()
            .filter_map(|shown| shown.key.strip_prefix("style.").map(str::to_owned))
            .collect()
    };
    let as_written: Vec<String> = order("");
    assert_eq!(as_written, ["default", "z", "jwt", "\"git*\""]);
    let typed: Vec<String> = order("--style jw*=label --style jwt=partial --style a=mask");
    assert_eq!(typed, ["default", "z", "\"git*\"", "\"jw*\"", "jwt", "a"].map(str::to_owned));
    let settings = resolve_with(path, "--style email=mask", &[]).expect("all of it is sound");
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
    let rules =
        |typed: &str| resolve_with(path, typed, &[]).expect("it is well formed").rules().map(drop);
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
        error.fix().is_some_and(|hint| hint.starts_with("did you mean \"email\"?")),
        "{:?}",
        error.fix()
    );
    write(&path.join("system.toml"), "[style]\nemail = \"mask\"\npersonal = \"mask\"\n");
    rules("--only jwt").expect("a rule that is not in force may have a style");
    write(&path.join("system.toml"), "[style]\nemail = 3\n");
    let error = resolve_with(path, "", &[]).expect_err("no style");
    assert_eq!(error.to_string(), format!("{system}:2: style of \"email\": expected a text"));
}

#[test]
fn what_is_allowed_is_read_from_files_and_told_where_it_is_wrong() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    let rules = |text: &str| {
        write(&path.join("system.toml"), text);
        resolve_with(path, "", &[]).and_then(|settings| settings.rules())
    };
    rules(
        "[[allow]]\nvalues = [\"hunter2\"]\npatterns = [\"test-[0-9]+\"]\nfields = [\"x_*\"]\nrules = [\"jwt\"]\n",
    )
    .expect("all of it is sound");
    let system = path.join("system.toml").display().to_string();
    for (text, message) in [
        (
            "[[allow]]\nrules = [\"jwt\"]\n",
            "1: allow: an entry has neither values, patterns nor fields",
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
    let settings = resolve_with(folder.path(), "--placeholder GONE", &[]).expect("it is sound");
    assert_eq!(source(&settings, "style.default"), ("\"fixed\"".into(), "--placeholder".into()));
    let settings =
        resolve_with(folder.path(), "--placeholder GONE --style mask", &[]).expect("it is sound");
    assert_eq!(source(&settings, "style.default"), ("\"mask\"".into(), "--style".into()));
}

#[test]
fn relative_paths_of_a_file_are_relative_to_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(
        &folder.path().join("system.toml"),
        "rules = [\"acme.toml\", \"/b\"]\noutput = \"o.log\"\n",
    );
    let settings = resolve_with(folder.path(), "", &[]).expect("it is sound");
    assert_eq!(settings.selection.rules, [folder.path().join("acme.toml"), "/b".into()]);
    assert_eq!(settings.output, Some(folder.path().join("o.log")));
}

#[test]
fn a_wrong_type_is_reported_with_its_line_even_where_a_flag_replaces_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let system = folder.path().join("system.toml").display().to_string();
    for (text, message) in [
        ("\ngrace = \"5\"\n", "2: grace: expected a number of seconds from 0 to 86400"),
        ("verify = 1\n", "1: verify: expected true or false"),
        ("only = \"email\"\n", "1: only: expected a list of texts"),
        ("on-error = \"pass\"\n", "1: on-error: expected one of mask, drop, stop"),
        ("quiet = 1\n", "1: unknown key \"quiet\""),
        ("grace = \n", "1: "),
    ] {
        write(&folder.path().join("system.toml"), text);
        let typed = "--grace 1 --verify --only jwt --on-error mask";
        let error = resolve_with(folder.path(), typed, &[]).expect_err(text);
        assert!(error.to_string().starts_with(&format!("{system}:{message}")), "{error}");
    }
}

#[test]
fn flags_of_the_filter_hold_for_a_verb_and_those_of_the_verb_take_precedence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = resolve_with(
        folder.path(),
        "--on-error drop --max-record 2MiB --style mask batch x -o y --on-error stop --style jwt=label",
        &[],
    );
    let settings = settings.expect("it is sound");
    assert_eq!(settings.on_error, crate::policy::OnError::Stop);
    assert_eq!((settings.max_record, settings.output), (2 << 20, None));
}

#[test]
fn built_in_values_are_what_the_declarations_say() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = resolve_with(folder.path(), "", &[]).expect("it is sound");
    assert_eq!(settings.hold, Duration::from_secs(1));
    assert_eq!(settings.idle_timeout, Duration::from_secs(300));
    assert_eq!((settings.max_record, settings.verify), (1 << 20, true));
    let all = shown::all(&settings);
    assert!(all.iter().all(|shown| shown.source == Source::BuiltIn), "{all:?}");
}
