//! The plugin as hosts see it: a program in C that plays Fluent Bit's loader, users of the C ABI in C and Python, and Fluent Bit itself.

// Tests write files of their own, read the environment they are started with, and say what they skip.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const MODIFIED: u8 = 1;
const NOTOUCH: u8 = 2;

/// The shared object that was built with the tests.
fn library() -> PathBuf {
    let test = env::current_exe().expect("a test has a path");
    let folder = test.parent().expect("it lies in a folder");
    let found = [folder.join("liblogscrub_fluent_bit.so"), folder.join("../liblogscrub_fluent_bit.so")];
    found.into_iter().find(|path| path.exists()).expect("the plugin is built before its tests")
}

fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compiles a program of the tests; `None` where there is no compiler.
fn compiled(folder: &Path, source: &str, flags: &[&str]) -> Option<PathBuf> {
    let program = folder.join(source.trim_end_matches(".c"));
    let mut command = Command::new("cc");
    command.args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-I"]).arg(own("include"));
    command.arg("-o").arg(&program).arg(own("tests").join(source)).args(flags);
    match command.output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", output.stderr.escape_ascii());
            Some(program)
        }
        Err(_) => {
            eprintln!("SKIPPED: no cc to compile {source} with");
            None
        }
    }
}

/// What the filter answered to a chunk.
type Answer = (u8, Vec<u8>);

/// Gives chunks to the plugin in a host of its own. `environment` is all that this is started with.
fn filtered(
    properties: &[&str],
    environment: &[(&str, &str)],
    chunks: &[Vec<u8>],
) -> Option<Result<Vec<Answer>, String>> {
    filtered_by(&[], properties, environment, chunks)
}

/// The same with a host that is compiled with these `flags`.
fn filtered_by(
    flags: &[&str],
    properties: &[&str],
    environment: &[(&str, &str)],
    chunks: &[Vec<u8>],
) -> Option<Result<Vec<Answer>, String>> {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let host = compiled(temporary.path(), "host.c", &[&["-rdynamic", "-ldl"], flags].concat())?;
    let mut command = Command::new(host);
    command.env_clear().envs(environment.iter().copied()).arg(library()).args(properties);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the host starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input: Vec<u8> =
        chunks.iter().flat_map(|chunk| [&(chunk.len() as u32).to_be_bytes()[..], chunk].concat()).collect();
    // A host that ends at once reads nothing.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("all was written");
    if !output.status.success() {
        return Some(Err(String::from_utf8(output.stderr).expect("messages are text")));
    }
    let mut answers = Vec::new();
    let mut rest = &output.stdout[..];
    while let Some((head, behind)) = rest.split_first_chunk::<5>() {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        answers.push((head[0], behind[..length].to_vec()));
        rest = &behind[length..];
    }
    Some(Ok(answers))
}

fn string(text: &str) -> Vec<u8> {
    assert!(text.len() < 32, "a short text");
    [&[0xa0 | text.len() as u8], text.as_bytes()].concat()
}

/// A map32, as Fluent Bit writes all of its maps.
fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = [&[0xdf][..], &(pairs.len() as u32).to_be_bytes()].concat();
    pairs.iter().for_each(|(key, value)| out.extend([string(key), value.clone()].concat()));
    out
}

/// `[[time, metadata], record]`.
fn event_at(seconds: [u8; 4], metadata: &[(&str, Vec<u8>)], record: &[(&str, Vec<u8>)]) -> Vec<u8> {
    [&[0x92, 0x92, 0xd7, 0][..], &seconds, &[0, 0, 0, 7], &map(metadata), &map(record)].concat()
}

fn event(record: &[(&str, Vec<u8>)]) -> Vec<u8> {
    event_at([0x65, 0x53, 0xf1, 0], &[], record)
}

fn log(text: &str) -> Vec<u8> {
    event(&[("log", string(text))])
}

#[test]
fn records_metadata_and_groups_are_scrubbed_and_the_rest_keeps_its_bytes() {
    let chunk = |mail: &str, group: &str| {
        let untouched = [
            ("int64", vec![0xd3, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            ("null", vec![0xc0]),
            ("float", vec![0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]),
            ("ext", vec![0xc7, 3, 9, 1, 2, 3]),
            ("bin", vec![0xc4, 2, 0xff, 0]),
        ];
        let attributes = map(&[("attributes", map(&[("owner", string(group))]))]);
        [
            event_at([0xff; 4], &[("schema", string("otlp"))], &[("resource", attributes)]),
            event_at([0, 0, 0, 1], &[("user", string(mail))], &[&[("log", string(mail))][..], &untouched].concat()),
            event_at([0xff, 0xff, 0xff, 0xfe], &[], &[]),
            log("clean"),
        ]
        .concat()
    };
    let chunks = [chunk("alice@example.org", "bob@example.org"), log("nothing here"), Vec::new()];
    let Some(answers) = filtered(&["config", "none"], &[], &chunks) else { return };
    let expected =
        vec![(MODIFIED, chunk("REDACTED-email", "REDACTED-email")), (NOTOUCH, Vec::new()), (NOTOUCH, Vec::new())];
    assert_eq!(answers, Ok(expected));
}

#[test]
fn a_panic_withholds_its_record_alone() {
    if !cfg!(debug_assertions) {
        eprintln!("SKIPPED: no fault can be asked for in a release build");
        return;
    }
    let chunk = [log("one"), log("BOOM alice@example.org"), log("two bob@example.org")].concat();
    let masked = [&[0x81, 0xa8][..], b"redacted", &[0xaf], b"REDACTED-record"].concat();
    let withheld = [&event(&[])[..12], &map(&[]), &masked].concat();
    let fault = [("LOGSCRUB_FAULT", "BOOM")];
    let Some(answers) = filtered(&[], &fault, std::slice::from_ref(&chunk)) else { return };
    assert_eq!(answers, Ok(vec![(MODIFIED, [log("one"), withheld, log("two REDACTED-email")].concat())]));
    let dropped = filtered(&["on_error", "drop"], &fault, std::slice::from_ref(&chunk)).expect("it ran before");
    assert_eq!(dropped, Ok(vec![(MODIFIED, [log("one"), log("two REDACTED-email")].concat())]));
    let stopped = filtered(&["on_error", "stop"], &fault, &[chunk, log("x")]).expect("it ran before");
    assert_eq!(stopped, Ok(vec![(MODIFIED, Vec::new()), (NOTOUCH, Vec::new())]));
}

#[test]
fn what_is_no_chunk_becomes_an_empty_one() {
    let cut = log("alice@example.org");
    let chunks = [cut[..cut.len() - 1].to_vec(), b"\xc1".to_vec(), log("x")];
    let Some(answers) = filtered(&[], &[], &chunks) else { return };
    assert_eq!(answers, Ok(vec![(MODIFIED, Vec::new()), (MODIFIED, Vec::new()), (NOTOUCH, Vec::new())]));
}

#[test]
fn a_line_that_was_cut_between_chunks_is_judged_as_one() {
    let part = |text: &str, tag: &str| event(&[("logtag", string(tag)), ("log", string(text))]);
    let chunks = [part("by alice@exam", "P"), part("ple.org now", "F")];
    let Some(answers) = filtered(&[], &[], &chunks) else { return };
    let expected = [part("by REDACTED-record", "P"), part("REDACTED-email now", "F")];
    assert_eq!(answers, Ok(expected.map(|chunk| (MODIFIED, chunk)).to_vec()));
}

#[test]
fn properties_are_the_flags_of_the_program() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let rules = temporary.path().join("acme.toml");
    let text = "[[rule]]\nid = \"acme\"\ntitle = \"Acme\"\nclass = \"credential\"\nseverity = \"high\"\nabout = \"For tests.\"\n\
        anchors = [\"acme_\"]\npattern = \"(?<secret> acme_ [a-z]{8} )\"\n";
    fs::write(&rules, text).expect("it can be written");
    let rules = rules.display().to_string();
    let chunk = [log("acme_abcdefgh"), log("by alice@example.org")].concat();
    let properties =
        ["config", "none", "rules", &rules, "only", "acme, email", "except", "email", "style", "credential=mask"];
    let Some(answers) = filtered(&properties, &[], &[chunk]) else { return };
    let expected = [log("*************"), log("by alice@example.org")].concat();
    assert_eq!(answers, Ok(vec![(MODIFIED, expected)]));
    for (properties, message) in [
        (["only", "no-such-rule"], "no-such-rule"),
        (["config", "/nonexistent.toml"], "/nonexistent.toml"),
        (["style", "pink"], "pink"),
        (["on_error", "--help"], "--help"),
    ] {
        let refused = filtered(&properties, &[], &[]).expect("it ran before").expect_err("it does not start");
        assert!(refused.contains(message), "{refused}");
    }
}

#[test]
fn every_value_of_a_property_counts_and_an_unknown_property_is_an_error() {
    let chunk = [log("by alice@example.org"), log("password=Zq4xK9pT2mW7")].concat();
    let clean = [log("by REDACTED-email"), log("password=REDACTED-password")].concat();
    // As Fluent Bit passes `only: [email, password]`.
    let email = [log("by REDACTED-email"), log("password=Zq4xK9pT2mW7")].concat();
    for (properties, expected) in [
        (&["only", "email"][..], &email),
        (&["only", "email", "only", "*password*"], &clean),
        (&["Only", "email", "ONLY", "*password*"], &clean),
        (&["only", "email,*password*", "active", "true", "condition", "x"], &clean),
        (&["except", "*password*", "only", "email", "except", "jwt"], &email),
    ] {
        let properties = [&["config", "none"], properties].concat();
        let Some(answers) = filtered(&properties, &[], std::slice::from_ref(&chunk)) else { return };
        assert_eq!(answers, Ok(vec![(MODIFIED, expected.clone())]), "{properties:?}");
    }
    for (properties, message) in [
        (&["exept", "email"][..], "unknown property \"exept\"; the properties are config, rules, only, except,"),
        (&["on-error", "drop"], "unknown property \"on-error\""),
        (&["only", "email", "except", "jwt", "own-domain", "a.example"], "unknown property \"own-domain\""),
        (&["only", ""], "property only: no value"),
        (&["on_error", "mask", "on_error", "drop"], "on-error"),
        (&["config", "none", "config", "none"], "config"),
    ] {
        let refused = filtered(properties, &[], &[]).expect("it ran before").expect_err("it does not start");
        assert!(refused.contains(message), "{refused}");
    }
}

#[test]
fn properties_are_read_from_a_known_layout_alone() {
    let chunk = log("by alice@example.org");
    let Some(answers) = filtered_by(&["-DWITHOUT_REGEX"], &["only", "jwt", "only", "email"], &[], &[chunk]) else {
        return;
    };
    assert_eq!(answers, Ok(vec![(MODIFIED, log("by REDACTED-email"))]));
    let refused = filtered_by(&["-DSTRANGE"], &["only", "email"], &[], &[]).expect("it ran before");
    let refused = refused.expect_err("it does not start");
    assert!(refused.contains("the properties cannot be read"), "{refused}");
}

#[test]
fn programs_in_c_use_it() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let library = library();
    let folder = library.parent().expect("it lies in a folder");
    let rpath = format!("-Wl,-rpath,{}", folder.display());
    for source in ["abi.c", "threads.c"] {
        let flags = [library.to_str().expect("a path of text"), "-pthread", &rpath];
        let Some(program) = compiled(temporary.path(), source, &flags) else { return };
        let output = Command::new(program).env_clear().output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "the line of {source}");
    }
}

#[test]
fn programs_in_python_use_it() {
    let Ok(output) = Command::new("python3").arg(own("tests/abi.py")).arg(library()).output() else {
        eprintln!("SKIPPED: no python3");
        return;
    };
    assert!(output.status.success() && output.stdout == b"done\n", "{}", output.stderr.escape_ascii());
}

/// So many lines go through Fluent Bit.
const N_LINES: usize = 2000;

/// What is left of a run of Fluent Bit with the plugin.
struct Run {
    folder: tempfile::TempDir,
}

impl Run {
    /// Runs an example, with `changes`, until all lines have come to each of `files`; `None` where there is no Fluent Bit.
    fn of(example: &str, changes: &[(&str, &str)], files: &[&str]) -> Option<Run> {
        let run = Run { folder: tempfile::tempdir().expect("a temporary folder") };
        let program = program()?;
        let plugin = run.path("flb-filter_logscrub.so");
        fs::copy(library(), &plugin).expect("it can be copied");
        let lines: String = (0..N_LINES).map(|number| format!("{number} by user{number}@example.org\n")).collect();
        fs::write(run.path("app.log"), lines).expect("it can be written");
        fs::write(run.path("run.yaml"), run.configuration(example, changes)).expect("it can be written");
        let mut command = Command::new(program);
        let child = command.arg("-c").arg(run.path("run.yaml")).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = child.spawn().expect("Fluent Bit starts");
        let begin = Instant::now();
        while files.iter().any(|file| run.lines(file).len() < N_LINES) && begin.elapsed() < Duration::from_secs(60) {
            thread::sleep(Duration::from_millis(50));
        }
        child.kill().and_then(|()| child.wait()).expect("it ends");
        Some(run)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configuration(&self, example: &str, changes: &[(&str, &str)]) -> String {
        let path = |name: &str| self.path(name).display().to_string();
        let text = fs::read_to_string(own("../../examples/fluent-bit").join(example)).expect("the example is there");
        let mut text = text
            .replace("/usr/lib/fluent-bit/flb-filter_logscrub.so", &path("flb-filter_logscrub.so"))
            .replace("/var/log/app/*.log", &path("app.log"))
            .replace("/var/log/clean", &path(""));
        for (from, to) in changes {
            assert!(text.contains(from), "{from:?} is not in {example}");
            text = text.replace(from, to);
        }
        // A small build of Fluent Bit has no storage on disk.
        let is_stored = |line: &&str| line.contains("storage.") || line.contains("db:");
        text.lines().filter(|line| !is_stored(line)).map(|line| format!("{line}\n")).collect()
    }

    fn lines(&self, file: &str) -> Vec<String> {
        fs::read_to_string(self.path(file)).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

/// The Fluent Bit to test with.
fn program() -> Option<PathBuf> {
    let on_path = env::var_os("PATH").and_then(|path| {
        env::split_paths(&path).map(|folder| folder.join("fluent-bit")).find(|program| program.exists())
    });
    let program = env::var_os("FLUENT_BIT").map(PathBuf::from).or(on_path);
    if program.is_none() {
        eprintln!("SKIPPED: no fluent-bit on the path or in FLUENT_BIT");
    }
    program
}

/// The records of all lines, scrubbed or as they came.
fn all(is_clean: bool) -> Vec<String> {
    let mail = |number| if is_clean { "REDACTED-email".to_owned() } else { format!("user{number}@example.org") };
    (0..N_LINES).map(|number| format!("{{\"log\":\"{number} by {}\"}}", mail(number))).collect()
}

#[test]
fn fluent_bit_runs_it_as_a_filter_and_as_a_processor() {
    for example in ["plugin-filter.yaml", "plugin-processor.yaml"] {
        let Some(run) = Run::of(example, &[], &["clean.log"]) else { return };
        assert!(run.lines("clean.log") == all(true), "{example}: all of them, scrubbed, in order");
    }
}

#[test]
fn on_one_of_two_outputs_of_fluent_bit_the_other_keeps_its_records() {
    let Some(run) = Run::of("plugin-output.yaml", &[], &["clean.log", "raw.log"]) else { return };
    assert!(run.lines("clean.log") == all(true), "all of them, scrubbed, in order");
    assert!(run.lines("raw.log") == all(false), "as they came");
}

#[test]
fn a_tag_is_fluent_bit_s_and_stays() {
    let changes = [("tag: app", "tag: app.carol@example.org"), ("format: plain", "format: out_file")];
    let Some(run) = Run::of("plugin-filter.yaml", &changes, &["clean.log"]) else { return };
    let lines = run.lines("clean.log");
    let is_told = |(line, record): (&String, &String)| {
        line.starts_with("app.carol@example.org: [") && line.ends_with(&format!(", {record}]"))
    };
    assert!(lines.len() == N_LINES && lines.iter().zip(&all(true)).all(is_told), "{:?}", lines.first());
}
