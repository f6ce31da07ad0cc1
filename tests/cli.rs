//! The command line as a user sees it.

use crate::harness::logscrub;

#[test]
fn help_has_examples_and_version_says_how_many_rules() {
    logscrub().args(["--help"]).run().success().stdout_has("Examples:").stdout_has("--on-error");
    let version = logscrub().args(["--version"]).run().success().out();
    let rest = version.strip_prefix("logscrub 0.1.0 (").expect("name and version");
    assert!(
        rest.contains(" rules, cpu ")
            && rest.split(' ').next().is_some_and(|count| count.parse::<u32>().is_ok())
    );
}

#[test]
fn usage_errors_end_with_two() {
    logscrub()
        .args(["--no-such-flag"])
        .run()
        .code(2)
        .stdout("")
        .stderr_has("logscrub: error: unexpected argument");
    logscrub().args(["--on-error", "pass"]).run().code(2).stderr_has("mask, drop, stop");
    logscrub().args(["--style", "emial=mask"]).run().code(2).stderr_has("did you mean \"email\"?");
    logscrub()
        .args(["--style", "rot13"])
        .run()
        .code(2)
        .stderr_has("logscrub: error:")
        .stderr_has("hint: one of label");
    logscrub().args(["--placeholder", "[gone]"]).run().code(2).stderr_has("hint: use letters");
    logscrub().args(["--only", "nothing-such"]).run().code(2).stderr_has("names no rule");
    logscrub()
        .args(["--rules", "/nonexistent.toml"])
        .run()
        .code(2)
        .stderr_has("/nonexistent.toml: cannot be read");
    logscrub().args(["-qq", "--only", "nothing-such"]).run().code(2).stderr_lacks("error");
}

#[test]
fn styles_by_class_and_rule() {
    let input = "alice@example.com password=hunter2\n";
    let run = |args: &[&'static str]| {
        logscrub().args(args.iter().copied()).stdin(input).run().success().out()
    };
    assert_eq!(run(&["--style", "mask"]), "***************** password=*******\n");
    assert_eq!(
        run(&["--style", "partial", "--style", "email=mask"]),
        "***************** password=******2\n"
    );
    assert_eq!(run(&["--placeholder", "GONE"]), "GONE password=GONE\n");
    assert_eq!(
        run(&["--placeholder", "GONE", "--style", "label", "--style", "password=fixed"]),
        "REDACTED-email password=GONE\n"
    );
    assert_eq!(run(&["--except", "email"]), "alice@example.com password=REDACTED-password\n");
    assert_eq!(run(&["--only", "email"]), "REDACTED-email password=hunter2\n");
}

#[test]
fn an_address_can_keep_its_domain() {
    let input = "alice@example.com a%40b.example {\"m\":\"c\\u0040d.example\"} b@[192.0.2.1] password=hunter2\n";
    let clean = "REDACTED-email@example.com REDACTED-email%40b.example {\"m\":\"REDACTED-email\\u0040d.example\"} \
                 REDACTED-email@[192.0.2.1] password=REDACTED-password\n";
    for input in [input, clean] {
        logscrub().args(["--style", "keep-domain"]).stdin(input).run().success().stdout(clean);
    }
    logscrub()
        .args(["--style", "email=keep-domain", "--style", "password=mask"])
        .stdin(input)
        .run()
        .stdout_has("=*******\n");
}

#[test]
fn addresses_at_own_domains_stay_and_are_counted() {
    let input = "a@corp.example b@mail.corp.example c@notcorp.example\n";
    let clean = "a@corp.example b@mail.corp.example REDACTED-email\n";
    let run = logscrub()
        .args(["--own-domain", "corp.example", "--summary", "json"])
        .stdin(input)
        .run()
        .success();
    run.stdout(clean).stderr_has(r#""allowed":2,"allowed_by_rule":{"email":2}"#);
    logscrub().args(["--own-domain", "corp example"]).run().code(2).stderr_has("is no domain");
}

#[test]
fn what_the_configuration_allows_stays_and_is_counted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("c.toml");
    let text = "[[allow]]\nvalues = [\"hunter2\"]\n\n[[allow]]\npatterns = [\"test-[0-9]{4}\"]\nfields = [\"demo_*\"]\n";
    std::fs::write(&path, text).expect("the folder can be written");
    let config = path.to_str().expect("a plain path");
    let input = "password=hunter2\npassword=hunter22\ndemo_password=test-1234\npassword=test-1234\n{\"demo_password\":\"test-9999\"}\n";
    let clean = "password=hunter2\npassword=REDACTED-password\ndemo_password=test-1234\npassword=REDACTED-password\n\
                 {\"demo_password\":\"test-9999\"}\n";
    let run =
        logscrub().args(["--config", config, "--summary", "human"]).stdin(input).run().success();
    run.stdout(clean).stderr_has("allowed             3  by the configuration");
}

#[test]
fn a_rule_of_the_users_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("acme.toml");
    let rule = "[[rule]]\nid = \"acme-token\"\ntitle = \"Acme\"\nclass = \"credential\"\nseverity = \"high\"\nabout = \"x\"\n\
                anchors = [\"acme_\"]\npattern = '(?<secret> acme_ [a-z]{20} )'\n";
    std::fs::write(&path, rule).expect("the folder can be written");
    let name = path.to_str().expect("a plain path");
    logscrub()
        .args(["--rules", name])
        .stdin("x acme_abcdefghijklmnopqrst y\n")
        .run()
        .success()
        .stdout("x REDACTED-acme-token y\n");
    logscrub()
        .args(["rules", "lint", name])
        .run()
        .code(1)
        .stdout_has("acme.toml:1: error: rule \"acme-token\": fewer than three hits");
    std::fs::write(&path, rule.replace("title", "titel")).expect("the folder can be written");
    logscrub()
        .args(["--rules", name])
        .run()
        .code(2)
        .stderr_has("acme.toml:3: unknown field `titel`");
    std::fs::write(&path, rule.replace("acme_ [a-z]", "acme_(?=x) [a-z]"))
        .expect("the folder can be written");
    logscrub().args(["--rules", name]).run().code(2).stderr_has("look-around").stderr_has("column");
}

#[test]
fn the_summary_counts_and_dry_run_writes_nothing() {
    let ran = logscrub()
        .args(["--dry-run", "--summary", "json"])
        .stdin("a@example.com\nclean\n")
        .run()
        .success()
        .stdout("");
    let summary: serde_json::Value = serde_json::from_str(&ran.err()).expect("it is JSON");
    assert_eq!(
        (&summary["bytes_in"], &summary["bytes_out"], &summary["records_in"]),
        (&20.into(), &0.into(), &2.into())
    );
    assert_eq!(summary["by_rule"]["email"], 1);
    logscrub().args(["-v"]).stdin("a@example.com\n").run().success().stderr_has("findings");
    logscrub()
        .args(["--fail-on-findings"])
        .stdin("a@example.com\n")
        .run()
        .code(1)
        .stdout("REDACTED-email\n");
    logscrub().args(["--fail-on-findings"]).stdin("clean\n").run().success();
}

#[test]
fn explain_shows_where_and_never_what() {
    let input = "clean\nlogin of alice@example.com via redis://:hunter2@cache/0\n";
    let ran =
        logscrub().args(["explain", "--json"]).stdin(input).run().success().stderr_lacks("hunter2");
    let objects: Vec<serde_json::Value> =
        ran.out().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(objects.len(), 2);
    assert_eq!(objects[0]["rule"], "email");
    assert_eq!(
        (&objects[0]["record"], &objects[0]["offset"], &objects[0]["length"]),
        (&2.into(), &9.into(), &17.into())
    );
    assert_eq!(
        (&objects[1]["class"], &objects[1]["style"]),
        (&"credential-url".into(), &"label".into())
    );
    assert!(!ran.out().contains("alice") && !ran.out().contains("hunter2"));
    let human = logscrub().args(["explain"]).stdin(input).run().success().out();
    assert!(human.contains("- login of ***************** via redis://:*******@cache/0"), "{human}");
    assert!(
        human.contains("+ login of REDACTED-email via redis://:REDACTED-url-password@cache/0"),
        "{human}"
    );
    logscrub().args(["explain", "--show-secrets"]).stdin(input).run().code(2).stdout("");
}

#[test]
fn explain_tells_what_refuted_the_other_candidates() {
    let input = "max token_count=137\nicon@2x.png for alice@example.com, ghp_short, https://host/x, password=***\n";
    let ran = logscrub().args(["explain", "--why", "--json"]).stdin(input).run().success();
    let objects: Vec<serde_json::Value> =
        ran.out().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let (found, refuted): (Vec<_>, Vec<_>) =
        objects.iter().partition(|object| object.get("rule").is_some());
    assert_eq!((found.len(), &found[0]["rule"]), (1, &"email".into()));
    let reason = |by: &str, record: u64, offset: u64| {
        let is_it = |one: &&&serde_json::Value| {
            one["by"] == by && one["record"] == record && one["offset"] == offset
        };
        refuted.iter().find(is_it).and_then(|one| one["refuted"].as_str()).unwrap_or_default()
    };
    assert!(reason("assign", 1, 4).contains("not a known key name"), "{}", ran.out());
    assert!(reason("email", 2, 4).contains("no domain"), "{}", ran.out());
    assert!(reason("github-personal-access-token", 2, 35).contains("pattern"), "{}", ran.out());
    assert!(reason("url", 2, 51).contains("no user"), "{}", ran.out());
    assert!(reason("assign", 2, 62).contains("placeholder"), "{}", ran.out());
    assert!(!ran.out().contains("alice") && !ran.out().contains("137"));
    let human = logscrub().args(["explain", "--why"]).stdin(input).run().success().out();
    assert!(human.contains("    not email: @ at 4: no domain"), "{human}");
    assert_eq!(human.matches("standard input:2").count(), 1, "{human}");
    // Bytes that are written as numbers appear as numbers in the block; the report shows the anchor
    // that they stand for.
    let bytes: Vec<String> = b"icon@2x.png \x01 words".iter().map(u8::to_string).collect();
    let record = format!("{{\"__CURSOR\":\"x\",\"MESSAGE\":[{}]}}\n", bytes.join(","));
    let ran = logscrub().args(["explain", "--why", "--json"]).stdin(record).run().success();
    let told: serde_json::Value = serde_json::from_str(ran.out().trim_end()).expect("one object");
    assert_eq!((&told["anchor"], &told["by"]), (&"@".into(), &"email".into()));
    // Nothing is reported without being asked for.
    assert_eq!(logscrub().args(["explain"]).stdin("icon@2x.png\n").run().success().out(), "");
}

/// A record over the limit with a different secret every few words, so that many are at the seams
/// of windows.
fn long_record() -> (String, usize) {
    let mut text = String::new();
    let mut n_secrets = 0;
    while text.len() < 700_000 {
        let filler = "alpha beta gamma delta ".repeat(1 + n_secrets % 7);
        text.push_str(&format!("{filler}password=canary{n_secrets:06}zq "));
        n_secrets += 1;
    }
    (text + "\nshort\n", n_secrets)
}

#[test]
fn explain_shows_nothing_at_the_seams_of_a_long_record() {
    let (input, n_secrets) = long_record();
    let explain = |json: &[&'static str]| {
        let args = ["--max-record", "256KiB", "explain"].iter().chain(json).copied();
        logscrub().args(args).stdin(input.as_str()).run().success().out()
    };
    assert!(!explain(&[]).contains("canary"));
    let mut places = std::collections::BTreeSet::new();
    for line in explain(&["--json"]).lines() {
        let object: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let number =
            |key: &str| usize::try_from(object[key].as_u64().expect("a number")).expect("it fits");
        let (offset, length) = (number("offset"), number("length"));
        let secret = &input[offset..offset + length];
        assert!(
            number("record") == 1 && secret.starts_with("canary") && secret.ends_with("zq"),
            "{object}"
        );
        places.insert(offset);
    }
    assert_eq!(places.len(), n_secrets);
}

#[test]
fn explain_shows_a_long_record_around_its_findings() {
    let far = "x ".repeat(2000);
    let human = logscrub()
        .args(["explain"])
        .stdin(format!("{far}a@example.com {far}b@example.com\n"))
        .run()
        .success()
        .out();
    assert!(human.len() < 2500 && human.matches('…').count() == 4, "{human}");
    assert!(human.contains("12 bytes at 4000") || human.contains("13 bytes at 4000"), "{human}");
}

#[test]
fn explain_goes_on_after_a_file_that_cannot_be_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (there, gone) = (folder.path().join("there.log"), folder.path().join("gone.log"));
    std::fs::write(&there, "to a@example.com\n").expect("the folder can be written");
    let names = [&gone, &there].map(|path| path.to_str().expect("a plain path"));
    logscrub()
        .args(["explain"].iter().copied().chain(names))
        .run()
        .code(3)
        .stdout_has("there.log:1\n")
        .stderr_has("gone.log: cannot be read");
    logscrub().args(["explain"]).stdin(b"\x1f\x8b\x08\0\0\0".as_slice()).run().code(3).stdout("");
}

/// Only builds with debug assertions can be made to fail.
#[cfg(debug_assertions)]
#[test]
fn explain_shows_no_record_that_cannot_be_examined() {
    if std::env::var_os("LOGSCRUB_BIN").is_some() {
        return;
    }
    let input = "to a@example.com\nBOOM password=hunter2\nto b@example.com\n";
    let ran = logscrub().env("LOGSCRUB_FAULT", "BOOM").args(["explain"]).stdin(input).run().code(3);
    let ran = ran
        .stdout_has("standard input:2\n    could not be examined")
        .stdout_has("standard input:3\n- to ****");
    assert!(!ran.out().contains("BOOM") && !ran.err().contains("BOOM"));
}

#[test]
fn colour_is_a_setting_too() {
    let run = |run: crate::harness::Run| {
        run.args(["explain"]).stdin("a@example.com\n").run().success().out()
    };
    assert!(!run(logscrub()).contains('\u{1b}'));
    assert!(run(logscrub().env("LOGSCRUB_COLOR", "always")).contains('\u{1b}'));
    assert!(run(logscrub().args(["--color", "always"])).contains('\u{1b}'));
    assert!(
        !run(logscrub().env("LOGSCRUB_COLOR", "always").args(["--color", "never"]))
            .contains('\u{1b}')
    );
}

#[test]
fn a_closed_reader_ends_reports_by_sigpipe() {
    use std::{os::unix::process::ExitStatusExt, process::Stdio};
    for args in [&["rules", "list"][..], &["--help"], &["man"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        drop(reader);
        let mut command = std::process::Command::new(crate::harness::binary());
        let output = command
            .args(args)
            .env_clear()
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .expect("it starts");
        assert_eq!(
            (output.status.signal(), output.stderr.as_slice()),
            (Some(13), &b""[..]),
            "{args:?}"
        );
    }
}

/// As in a container, where signals without a handler do not end the first process.
#[test]
fn a_closed_reader_ends_the_first_process_with_141() {
    let first = |program: &std::ffi::OsStr| {
        let mut command = std::process::Command::new("unshare");
        command.args(["--map-root-user", "--pid", "--fork"]).arg(program).env_clear();
        command
    };
    if !first("true".as_ref()).output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no process namespace can be made here");
        return;
    }
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    drop(reader);
    let mut command = first(crate::harness::binary().as_os_str());
    let output = command.args(["rules", "list"]).stdout(writer).output().expect("it starts");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(141), &b""[..]));
}

#[test]
fn settings_that_cannot_be_read_are_not_left_out() {
    use std::os::unix::ffi::OsStringExt;
    let name = std::ffi::OsString::from_vec(b"\xff".to_vec());
    let mut command = std::process::Command::new(crate::harness::binary());
    let output = command.env_clear().env("LOGSCRUB_RULES", name).output().expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    let folder = tempfile::tempdir().expect("a temporary folder");
    // A file where a folder should be, so that no user can tell whether the path exists.
    std::fs::write(folder.path().join("logscrub"), "").expect("the folder can be written");
    let home = folder.path().to_str().expect("a plain path");
    logscrub().env("XDG_CONFIG_HOME", home).run().code(2).stderr_has("config.toml: cannot be read");
    logscrub().env("XDG_CONFIG_HOME", home).args(["--config", "none"]).run().success();
    logscrub().env("XDG_CONFIG_HOME", home).args(["--version"]).run().success();
}

#[test]
fn the_cost_of_rules_is_told_without_the_log() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("app.log");
    let text = "mail alice@example.com from @carol\npassword=hunter2 token expired\n".repeat(500);
    std::fs::write(&log, &text).expect("the folder can be written");
    let path = log.to_str().expect("a plain path");
    let human = logscrub()
        .args(["rules", "cost", path])
        .run()
        .success()
        .stdout_has("prefilter")
        .stdout_has("total")
        .out();
    assert!(!human.contains("alice") && !human.contains("hunter2") && human.starts_with("rule "));
    assert!(
        human
            .lines()
            .any(|line| line.split_whitespace().take(4).eq(["email", "500", "500", "500"])),
        "{human}"
    );

    let json = logscrub()
        .args(["rules", "cost", "--json", "--only", "email"])
        .stdin(text.clone())
        .run()
        .success()
        .out();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        (json["bytes"].as_u64(), json["total"]["findings"].as_u64()),
        (Some(text.len() as u64), Some(500))
    );
    assert_eq!(json["rules"].as_array().map(Vec::len), Some(1));
    assert!(json["rules"][0]["ns_per_mb"].is_u64() && json["prefilter"]["ns_per_mb"].is_u64());

    logscrub()
        .args(["rules", "cost", "/nonexistent.log"])
        .run()
        .code(3)
        .stderr_has("/nonexistent.log");
    logscrub()
        .args(["rules", "cost", "--help"])
        .run()
        .success()
        .stdout_has("logscrub rules cost app.log");
}

#[test]
fn lint_warns_of_an_expensive_rule_and_fails_when_strict() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("acme.toml");
    let rule = "[[rule]]\nid = \"acme-key\"\ntitle = \"Acme\"\nclass = \"credential\"\nseverity = \"high\"\nabout = \"x\"\n\
                links = [\"https://example.com/keys\"]\nanchors = [\"key\"]\npattern = '(?<secret> key [\\x20-\\x7e]{30} )'\n\
                hit = ['«keyabcdefabcdefabcdefabcdefabcdefabc»', 'x «keyfbcdefabcdefabcdefabcdefabcdefabc»', '(«keyabcdefabcdefabcdefabcdefabcdefabf»']\n\
                miss = ['the key', 'key: 12', 'keyring']\n";
    std::fs::write(&path, rule).expect("the folder can be written");
    let name = path.to_str().expect("a plain path");
    let warning = "acme.toml:1: warning: rule \"acme-key\": its anchors occur";
    logscrub().args(["rules", "lint", name]).run().success().stdout_has(warning);
    logscrub().args(["rules", "lint", "--strict", name]).run().code(1).stdout_has(warning);
}

#[test]
fn rules_are_listed_and_shown() {
    logscrub().args(["rules", "list"]).run().success().stdout_has("email ");
    let list: serde_json::Value =
        serde_json::from_str(&logscrub().args(["rules", "list", "--json"]).run().success().out())
            .expect("JSON");
    assert!(list.as_array().is_some_and(|rules| rules.len() > 100));
    logscrub()
        .args(["rules", "show", "jwt"])
        .run()
        .success()
        .stdout_has("anchors")
        .stdout_has("validator   jwt");
    let shown = logscrub().args(["rules", "show", "password", "--json"]).run().success().out();
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert!(
        shown["keys"]["strong"].as_array().is_some_and(|words| words.contains(&"password".into()))
    );
    logscrub().args(["rules", "show", "jwr"]).run().code(2).stderr_has("did you mean \"jwt\"");
    logscrub().args(["rules", "test"]).run().success().stdout_has(", 0 failed");
    logscrub().args(["rules", "lint"]).run().success().stdout_has(", 0 complaints");
}

#[test]
fn the_configuration_is_shown_with_its_sources() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("logscrub/config.toml");
    std::fs::create_dir(folder.path().join("logscrub")).expect("the folder can be made");
    std::fs::write(&path, "summary = \"json\"\n\n[style]\nemail = \"mask\"\n")
        .expect("the folder can be written");
    let home = folder.path().to_str().expect("a plain path");
    let shown =
        logscrub().env("XDG_CONFIG_HOME", home).args(["config", "show", "--on-error", "drop"]);
    // --on-error is a flag of the filter, so it stands before the verb.
    shown.run().code(2);
    let shown = logscrub()
        .env("XDG_CONFIG_HOME", home)
        .args(["--on-error", "drop", "config", "show"])
        .run()
        .success()
        .out();
    assert!(shown.contains(&format!("summary = \"json\"  # {}:1", path.display())), "{shown}");
    assert!(shown.contains("on-error = \"drop\"  # --on-error"), "{shown}");
    assert!(shown.contains(&format!("style.email = \"mask\"  # {}:4", path.display())), "{shown}");
    let json = logscrub()
        .env("XDG_CONFIG_HOME", home)
        .args(["config", "show", "--json"])
        .run()
        .success()
        .out();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["style.default"]["source"], "built in");
    let paths =
        logscrub().env("XDG_CONFIG_HOME", home).args(["config", "path"]).run().success().out();
    assert!(paths.ends_with(&format!("{}\n", path.display())), "{paths}");
    logscrub()
        .args(["config", "check", path.to_str().expect("a plain path")])
        .run()
        .success()
        .stdout("");
    logscrub()
        .env("XDG_CONFIG_HOME", home)
        .stdin("a@example.com\n")
        .run()
        .success()
        .stdout("*************\n");
    std::fs::write(&path, "sumary = \"json\"\n").expect("the folder can be written");
    let name = path.to_str().expect("a plain path");
    logscrub()
        .args(["config", "check", name])
        .run()
        .code(2)
        .stderr_has("config.toml:1: unknown key \"sumary\"")
        .stderr_has("did you mean \"summary\"?");
}

#[test]
fn completions_and_the_manual_are_printed() {
    logscrub().args(["completions", "bash"]).run().success().stdout_has("_logscrub");
    logscrub()
        .args(["man"])
        .run()
        .success()
        .stdout_has(".TH logscrub")
        .stdout_has(".SH LOGSCRUB RULES LINT");
}

#[test]
fn the_example_of_the_documents_lints_clean() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/acme.toml");
    logscrub().args(["rules", "lint", path]).run().success().stdout_has("1 rules, 0 complaints");
}

#[test]
fn the_sample_comes_out_clean() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/sample.log");
    let sample = std::fs::read(path).expect("the sample is there");
    let out = logscrub().stdin(sample.clone()).run().success().out();
    for secret in ["alice@example.com", "hunter2", "not-a-real-value", "correct-horse"] {
        assert!(!out.contains(secret), "{secret} is left in {out}");
    }
    assert_eq!(out.lines().count(), sample.iter().filter(|byte| **byte == b'\n').count());
    assert!(out.contains("icon@2x.png") && out.contains("token_count=512"), "{out}");
}

#[test]
fn a_level_of_the_cpu_can_be_forced() {
    logscrub()
        .env("LOGSCRUB_CPU", "portable")
        .args(["--version"])
        .run()
        .success()
        .stdout_has("cpu portable");
    let wrong = logscrub().env("LOGSCRUB_CPU", "mmx").stdin("x\n").run().code(2);
    wrong.stderr_has("LOGSCRUB_CPU: expected one of portable, avx2, avx512");
    for cpu in logscrub::Cpu::ALL {
        let run = logscrub().env("LOGSCRUB_CPU", cpu.name()).stdin("to alice@example.com\n").run();
        match cpu.is_here() {
            true => assert_eq!(run.success().out(), "to REDACTED-email\n"),
            false => drop(run.code(2).stderr_has("this machine's CPU has no")),
        }
    }
}

#[test]
fn a_rule_without_anchors_gets_those_of_its_pattern() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("acme.toml");
    let head = "[[rule]]\nid = \"acme\"\ntitle = \"Acme\"\nclass = \"credential\"\nseverity = \"high\"\nabout = \"x\"\n";
    let name = path.to_str().expect("a plain path");
    std::fs::write(&path, format!("{head}pattern = '(?<secret> zq[pr]_ [a-z]{{9}} )'\n"))
        .expect("it can be written");
    let run = logscrub().args(["--rules", name]).stdin("a zqr_abcdefghi b\n").run().success();
    assert_eq!(run.out(), "a REDACTED-acme b\n");
    std::fs::write(&path, format!("{head}pattern = '(?<secret> [a-z]{{9}} )'\n"))
        .expect("it can be written");
    logscrub().args(["--rules", name]).stdin("x\n").run().code(2).stderr_has("none can be chosen");
}
