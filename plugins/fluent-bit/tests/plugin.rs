//! The plugin as its hosts see it: a C program that acts as Fluent Bit's loader, users of the C ABI
//! in C and Python, and Fluent Bit itself.

// Tests write their own files, read their environment, and report what they skip.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const MODIFIED: u8 = 1;
const NOTOUCH: u8 = 2;

/// The shared object that was built with the tests.
fn library() -> PathBuf {
    let test = env::current_exe().expect("a test has a path");
    let folder = test.parent().expect("it lies in a folder");
    let found =
        [folder.join("liblogscrub_fluent_bit.so"), folder.join("../liblogscrub_fluent_bit.so")];
    found.into_iter().find(|path| path.exists()).expect("the plugin is built before its tests")
}

fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compiles a program of the tests; `None` if there is no compiler.
fn compiled(folder: &Path, source: &str, flags: &[&str]) -> Option<PathBuf> {
    let program = folder.join(source.trim_end_matches(".c"));
    let mut command = Command::new("cc");
    command
        .args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(own("include"));
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

/// The filter's answer to a chunk.
type Answer = (u8, Vec<u8>);

/// Gives chunks to the plugin in a host of its own, with only this `environment`.
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
    let input: Vec<u8> = chunks
        .iter()
        .flat_map(|chunk| [&(chunk.len() as u32).to_be_bytes()[..], chunk].concat())
        .collect();
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
            event_at(
                [0, 0, 0, 1],
                &[("user", string(mail))],
                &[&[("log", string(mail))][..], &untouched].concat(),
            ),
            event_at([0xff, 0xff, 0xff, 0xfe], &[], &[]),
            log("clean"),
        ]
        .concat()
    };
    let chunks = [chunk("alice@example.org", "bob@example.org"), log("nothing here"), Vec::new()];
    let Some(answers) = filtered(&["config", "none"], &[], &chunks) else { return };
    let expected = vec![
        (MODIFIED, chunk("REDACTED-email", "REDACTED-email")),
        (NOTOUCH, Vec::new()),
        (NOTOUCH, Vec::new()),
    ];
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
    assert_eq!(
        answers,
        Ok(vec![(MODIFIED, [log("one"), withheld, log("two REDACTED-email")].concat())])
    );
    let dropped = filtered(&["on_error", "drop"], &fault, std::slice::from_ref(&chunk))
        .expect("it ran before");
    assert_eq!(dropped, Ok(vec![(MODIFIED, [log("one"), log("two REDACTED-email")].concat())]));
    let stopped =
        filtered(&["on_error", "stop"], &fault, &[chunk, log("x")]).expect("it ran before");
    assert_eq!(stopped, Ok(vec![(MODIFIED, Vec::new()), (NOTOUCH, Vec::new())]));
}

#[test]
fn what_is_no_chunk_becomes_an_empty_one() {
    let cut = log("alice@example.org");
    let chunks = [cut[..cut.len() - 1].to_vec(), b"\xc1".to_vec(), log("x")];
    let Some(answers) = filtered(&[], &[], &chunks) else { return };
    assert_eq!(
        answers,
        Ok(vec![(MODIFIED, Vec::new()), (MODIFIED, Vec::new()), (NOTOUCH, Vec::new())])
    );
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
    let properties = [
        "config",
        "none",
        "rules",
        &rules,
        "only",
        "acme, email",
        "except",
        "email",
        "style",
        "credential=mask",
    ];
    let Some(answers) = filtered(&properties, &[], &[chunk]) else { return };
    let expected = [log("*************"), log("by alice@example.org")].concat();
    assert_eq!(answers, Ok(vec![(MODIFIED, expected)]));
    for (properties, message) in [
        (["only", "no-such-rule"], "no-such-rule"),
        (["config", "/nonexistent.toml"], "/nonexistent.toml"),
        (["style", "pink"], "pink"),
        (["on_error", "--help"], "--help"),
    ] {
        let refused =
            filtered(&properties, &[], &[]).expect("it ran before").expect_err("it does not start");
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
        let Some(answers) = filtered(&properties, &[], std::slice::from_ref(&chunk)) else {
            return;
        };
        assert_eq!(answers, Ok(vec![(MODIFIED, expected.clone())]), "{properties:?}");
    }
    for (properties, message) in [
        (
            &["exept", "email"][..],
            "unknown property \"exept\"; the properties are config, rules, only, except,",
        ),
        (&["on-error", "drop"], "unknown property \"on-error\""),
        (
            &["only", "email", "except", "jwt", "own-domain", "a.example"],
            "unknown property \"own-domain\"",
        ),
        (&["only", ""], "property only: no value"),
        (&["on_error", "mask", "on_error", "drop"], "on-error"),
        (&["config", "none", "config", "none"], "config"),
    ] {
        let refused =
            filtered(properties, &[], &[]).expect("it ran before").expect_err("it does not start");
        assert!(refused.contains(message), "{refused}");
    }
}

#[test]
fn properties_are_read_from_a_known_layout_alone() {
    let chunk = log("by alice@example.org");
    let Some(answers) =
        filtered_by(&["-DWITHOUT_REGEX"], &["only", "jwt", "only", "email"], &[], &[chunk])
    else {
        return;
    };
    assert_eq!(answers, Ok(vec![(MODIFIED, log("by REDACTED-email"))]));
    let refused = filtered_by(&["-DSTRANGE"], &["only", "email"], &[], &[]).expect("it ran before");
    let refused = refused.expect_err("it does not start");
    assert!(refused.contains("cannot read the properties"), "{refused}");
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
    let Ok(output) = Command::new("python3").arg(own("tests/abi.py")).arg(library()).output()
    else {
        eprintln!("SKIPPED: no python3");
        return;
    };
    assert!(
        output.status.success() && output.stdout == b"done\n",
        "{}",
        output.stderr.escape_ascii()
    );
}

/// The number of lines that go through Fluent Bit.
const N_LINES: usize = 2000;
/// The length of one line in the middle, longer than Fluent Bit reads without `buffer_max_size`.
const LONG: usize = 40 << 10;
/// Longer than anything takes, unless Fluent Bit hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder in which Fluent Bit runs with the plugin, once or several times. Dropping it ends
/// everything that it has started.
struct Run {
    program: PathBuf,
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Run {
    /// A folder with an example, `changes` to it, and a log; `None` if there is no Fluent Bit.
    fn of(example: &str, changes: &[(&str, &str)], log: &str) -> Option<Run> {
        let program = program()?;
        let run =
            Run { program, folder: tempfile::tempdir().expect("a temporary folder"), child: None };
        fs::copy(library(), run.path("flb-filter_logscrub.so")).expect("it can be copied");
        fs::write(run.path("app.log"), log).expect("it can be written");
        fs::write(run.path("run.yaml"), run.configuration(example, changes))
            .expect("it can be written");
        Some(run)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configuration(&self, example: &str, changes: &[(&str, &str)]) -> String {
        let path = |name: &str| self.path(name).display().to_string();
        let text = fs::read_to_string(own("../../examples/fluent-bit").join(example))
            .expect("the example is there");
        let mut text = text
            .replace("/usr/lib/fluent-bit/flb-filter_logscrub.so", &path("flb-filter_logscrub.so"))
            .replace("/var/log/app/*.log", &path("app.log"))
            .replace("/var/log/clean", &path(""))
            .replace("/var/lib/fluent-bit", &path("state"));
        fs::create_dir_all(path("state")).expect("it can be made");
        for (from, to) in changes {
            assert!(text.contains(from), "{from:?} is not in {example}");
            text = text.replace(from, to);
        }
        text
    }

    fn start(&mut self) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .expect("it can be opened");
        let mut command = Command::new(&self.program);
        let command =
            command.arg("-c").arg(self.path("run.yaml")).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("Fluent Bit starts"));
    }

    /// Waits until a file has this many lines.
    fn wait(&self, file: &str, n_lines: usize) {
        let begin = Instant::now();
        while self.lines(file).len() < n_lines && begin.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it by SIGTERM and waits for that.
    fn stop(&mut self) {
        let mut child = self.child.take().expect("it was started");
        assert!(
            Command::new("kill")
                .arg(child.id().to_string())
                .status()
                .expect("kill is there")
                .success()
        );
        child.wait().expect("it ends");
    }

    /// Waits for the end of a Fluent Bit that refuses to start.
    fn refusal(&mut self) -> String {
        let mut child = self.child.take().expect("it was started");
        let begin = Instant::now();
        while child.try_wait().expect("it is a child").is_none() {
            assert!(begin.elapsed() < PATIENCE, "it runs, with {}", self.read("run.yaml"));
            thread::sleep(Duration::from_millis(50));
        }
        self.read("log")
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_default()
    }

    fn lines(&self, file: &str) -> Vec<String> {
        self.read(file).lines().map(str::to_owned).collect()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It has already ended if something went wrong.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The Fluent Bit to test with.
fn program() -> Option<PathBuf> {
    let on_path = env::var_os("PATH").and_then(|path| {
        env::split_paths(&path)
            .map(|folder| folder.join("fluent-bit"))
            .find(|program| program.exists())
    });
    let program = env::var_os("FLUENT_BIT").map(PathBuf::from).or(on_path);
    if program.is_none() {
        eprintln!("SKIPPED: fluent-bit is neither on the path nor in FLUENT_BIT");
    }
    program
}

/// The text of all lines, scrubbed or raw.
fn texts(is_clean: bool) -> impl Iterator<Item = String> {
    (0..N_LINES).map(move |number| {
        let mail = if is_clean {
            "REDACTED-email".to_owned()
        } else {
            format!("user{number}@example.org")
        };
        let padding = if number == N_LINES / 2 { ".".repeat(LONG) } else { String::new() };
        format!("{number} {padding} by {mail}")
    })
}

/// A log of all lines. The examples leave out one line of 2 MiB among them.
fn log_of_all() -> String {
    let too_long = format!("{} by erin@example.org\n", ".".repeat(2 << 20));
    let lines: Vec<String> = texts(false).map(|text| format!("{text}\n")).collect();
    [&lines[..N_LINES / 3].concat(), &too_long, &lines[N_LINES / 3..].concat()]
        .map(String::as_str)
        .concat()
}

/// The records of all lines, scrubbed or raw.
fn all(is_clean: bool) -> Vec<String> {
    texts(is_clean).map(|text| format!("{{\"log\":\"{text}\"}}")).collect()
}

/// Runs an example with `changes` until all lines have arrived in each of `files`.
fn run_all(example: &str, changes: &[(&str, &str)], files: &[&str]) -> Option<Run> {
    let mut run = Run::of(example, changes, &log_of_all())?;
    run.start();
    files.iter().for_each(|file| run.wait(file, N_LINES));
    run.stop();
    Some(run)
}

#[test]
fn fluent_bit_runs_it_as_a_filter_and_as_a_processor() {
    for example in ["plugin-filter.yaml", "plugin-processor.yaml"] {
        let Some(run) = run_all(example, &[], &["clean.log"]) else { return };
        assert!(run.lines("clean.log") == all(true), "{example}: all of them, scrubbed, in order");
        assert!(
            run.read("log").contains("have long lines. Skipping long lines"),
            "it tells of the line over 1 MiB"
        );
    }
}

#[test]
fn on_one_of_two_outputs_of_fluent_bit_the_other_keeps_its_records() {
    let Some(run) = run_all("plugin-output.yaml", &[], &["clean.log", "raw.log"]) else { return };
    assert!(run.lines("clean.log") == all(true), "all of them, scrubbed, in order");
    assert!(run.lines("raw.log") == all(false), "as they came");
}

#[test]
fn a_tag_is_fluent_bit_s_and_stays() {
    let changes =
        [("tag: app", "tag: app.carol@example.org"), ("format: plain", "format: out_file")];
    let Some(run) = run_all("plugin-filter.yaml", &changes, &["clean.log"]) else { return };
    let lines = run.lines("clean.log");
    let is_told = |(line, record): (&String, &String)| {
        line.starts_with("app.carol@example.org: [") && line.ends_with(&format!(", {record}]"))
    };
    assert!(
        lines.len() == N_LINES && lines.iter().zip(&all(true)).all(is_told),
        "{:?}",
        lines.first()
    );
}

/// Whether a file in a folder, or below it, contains a text.
fn holds(folder: &Path, text: &[u8]) -> bool {
    fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).any(
        |path| {
            let read = || fs::read(&path).expect("a file");
            if path.is_dir() {
                holds(&path, text)
            } else {
                read().windows(text.len()).any(|window| window == text)
            }
        },
    )
}

/// A line of a container runtime that is whole (`F`) or whose rest is still to come (`P`).
fn cri(tag: char, text: &str) -> String {
    format!("2026-11-30T10:00:00.000000000Z stdout {tag} {text}\n")
}

#[test]
fn lines_that_a_multiline_parser_holds_when_fluent_bit_stops_are_not_sent_raw() {
    let parser = ("tag: app", "tag: app\n      multiline.parser: cri");
    let on_disk = [
        ("service:\n", "service:\n  storage.path: /var/lib/fluent-bit/storage\n"),
        ("tag: app", "tag: app\n      storage.type: filesystem"),
    ];
    for (example, changes, keeps) in [
        ("plugin-processor.yaml", &[parser][..], true),
        ("plugin-output.yaml", &[parser, on_disk[0], on_disk[1]], true),
        // The line is lost with the memory, as without the plugin.
        ("plugin-filter.yaml", &[parser], false),
    ] {
        let log = cri('F', "first") + &cri('P', "by alice@example.org and");
        let Some(mut run) = Run::of(example, changes, &log) else { return };
        let yaml = run
            .read("run.yaml")
            .replace("/var/lib/fluent-bit", &run.path("state").display().to_string());
        fs::write(run.path("run.yaml"), yaml).expect("it can be written");
        run.start();
        // Both lines were read at once; the second one waits for its rest.
        run.wait("clean.log", 1);
        run.stop();
        // A processor of an output scrubs what was stored raw.
        let is_scrubbed_before = example != "plugin-output.yaml";
        assert!(
            !is_scrubbed_before || !holds(&run.path("state"), b"alice@example.org"),
            "{example}: stored raw"
        );
        let more = log + &cri('F', "last");
        fs::write(run.path("app.log"), more).expect("it can be written");
        run.start();
        run.wait("clean.log", if keeps { 3 } else { 2 });
        run.stop();
        let clean = run.read("clean.log");
        assert!(!clean.contains("alice@example.org"), "{example}: {clean}");
        assert!(clean.contains("first") && clean.contains("last"), "{example}: {clean}");
        assert_eq!(clean.contains("REDACTED-email"), keeps, "{example}: {clean}");
        // Only a filter gets the warning.
        assert_eq!(
            run.read("log").contains("warning: input tail.0 has a multiline parser"),
            !keeps,
            "{example}"
        );
    }
}

#[test]
fn fluent_bit_does_not_start_with_an_unknown_property_and_hands_on_every_value_of_a_list() {
    for example in ["plugin-filter.yaml", "plugin-processor.yaml", "plugin-output.yaml"] {
        for wrong in ["exept: email", "on-error: drop", "only: ''", "only: [email, no-such-rule]"] {
            let Some(mut run) = Run::of(example, &[("config: none", wrong)], "x\n") else { return };
            run.start();
            let log = run.refusal();
            let named = if wrong.contains("no-such-rule") {
                "no-such-rule"
            } else {
                wrong.split(':').next().expect("")
            };
            assert!(
                log.contains("[filter:logscrub]") && log.contains(named),
                "{example}, {wrong}: {log}"
            );
        }
        let line = "alice@example.org password=Zq4xK9pT2mW7 api_key=Zq4xK9pT2mW7Lc8v\n";
        let list = [("config: none", "only: [email, '*password*']")];
        let Some(mut run) = Run::of(example, &list, line) else { return };
        run.start();
        run.wait("clean.log", 1);
        run.stop();
        let expected =
            "{\"log\":\"REDACTED-email password=REDACTED-password api_key=Zq4xK9pT2mW7Lc8v\"}\n";
        assert_eq!(run.read("clean.log"), expected, "{example}");
    }
}

#[test]
fn a_processor_that_is_not_active_changes_nothing() {
    let changes = [("config: none", "active: false")];
    let Some(mut run) = Run::of("plugin-processor.yaml", &changes, "alice@example.org\n") else {
        return;
    };
    run.start();
    run.wait("clean.log", 1);
    run.stop();
    assert_eq!(run.read("clean.log"), "{\"log\":\"alice@example.org\"}\n");
}
