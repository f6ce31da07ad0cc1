use super::*;
use clap::{ArgMatches, FromArgMatches as _};

use crate::cli::{
    flags::{FLAGS, Sources},
    resolve::Typed,
};

fn parse(typed: &str) -> Result<ArgMatches, clap::Error> {
    let words = std::iter::once("logscrub").chain(typed.split_ascii_whitespace());
    command().try_get_matches_from(words)
}

#[test]
fn the_definition_is_sound_and_every_flag_explained() {
    command().debug_assert();
    explained(&command());
}

/// Every argument has a help, every flag a heading and a long help too, and every verb that does
/// something has examples.
fn explained(command: &Command) {
    for arg in command.get_arguments() {
        let name = format!("{} {}", command.get_name(), arg.get_id());
        let help = arg.get_help().map(ToString::to_string);
        assert!(help.is_some_and(|help| !help.is_empty()), "{name} has no help");
        if !arg.is_positional() {
            assert!(arg.get_help_heading().is_some(), "{name} has no heading");
            assert!(arg.get_long_help().is_some(), "{name} has no long help");
        }
    }
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let is_group = command.get_name() != "logscrub" && command.has_subcommands();
    assert!(is_group || after.starts_with("Examples:"), "{}", command.get_name());
    for line in after.lines() {
        assert!(line.chars().count() <= 90, "{}: {line}", command.get_name());
    }
    command.get_subcommands().for_each(explained);
}

#[test]
fn a_flag_without_a_key_says_why() {
    for flag in FLAGS {
        let is_explained = match flag.sources {
            Sources::FlagOnly { reason } => !reason.is_empty(),
            _ => flag.built_in.value().is_some(),
        };
        assert!(is_explained, "{}", flag.name);
    }
}

#[test]
fn flags_are_taken_before_and_behind_a_verb() {
    let matches = parse("--only email,jwt rules list --except a -qq").expect("it parses");
    let typed = Typed::new(&matches).expect("all of it is text");
    assert!(typed.has("only") && typed.has("except"));
    assert_eq!(typed.count("quiet"), 2);
    let args = Args::from_arg_matches(&matches).expect("it parses");
    assert!(matches!(args.verb, Some(Verb::Rules(Rules::List { .. }))));
}

#[test]
fn every_flag_of_the_filter_is_taken() {
    let typed = "-c none -r a.toml -r b --only x --except y --also z --own-domain d.example --style mask \
        --style email=label --placeholder P --color never -q -v --dry-run --max-record 1MiB --on-error drop \
        -j 2 --output o --summary json --fail-on-findings --grace 2 -f cri --hold 0.5 --verify --no-verify \
        a.log b.log";
    let matches = parse(typed).expect("it parses");
    let given = Typed::new(&matches).expect("all of it is text");
    for flag in FLAGS {
        let is_elsewhere = ["allow", "config", "style", "idle-timeout", "version"];
        assert!(given.has(flag.name) || is_elsewhere.contains(&flag.name), "{}", flag.name);
    }
    let args = Args::from_arg_matches(&matches).expect("it parses");
    assert_eq!(args.files, ["a.log", "b.log"].map(PathBuf::from));
}

#[test]
fn a_verb_is_one_only_as_the_first_word() {
    let files = |typed: &str| {
        let args = Args::from_arg_matches(&parse(typed).expect(typed)).expect(typed);
        (args.verb.is_some(), args.files.len())
    };
    assert_eq!(files("batch"), (true, 0));
    assert_eq!(files("./batch"), (false, 1));
    assert_eq!(files("-- batch"), (false, 1));
    assert_eq!(files("a.log batch"), (false, 2));
    assert_eq!(files("a.log -q - man"), (false, 3));
}

#[test]
fn words_that_are_no_choice_are_refused() {
    for typed in [
        "--color red",
        "--on-error pass",
        "--summary xml",
        "--format xml",
        "--hold long",
        "completions tcsh",
        "--grace soon",
        "--threads many",
        "-j -1",
        "batch --on-error pass x",
        "forward --listen a --to b --idle-timeout x",
    ] {
        assert_eq!(parse(typed).expect_err(typed).exit_code(), 2, "{typed}");
    }
}

#[test]
fn every_flag_of_the_verbs_is_taken() {
    for typed in [
        "explain --json",
        "explain --why a",
        "explain --show-secrets a b -",
        "rules list --json",
        "rules show jwt --json",
        "rules lint a.toml --json --strict",
        "rules cost",
        "rules cost app.log --json",
        "rules test --json",
        "config show --json",
        "config check a.toml",
        "config path",
        "completions zsh",
        "man",
        "--version",
    ] {
        parse(typed).expect(typed);
    }
}
