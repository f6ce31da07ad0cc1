//! Signals and descriptors, with the filter as a process: what is reopened, reloaded, drained and
//! kept.
//!
//! No test sleeps. A test polls until something has happened, and fails if it never does.
//! `LOGSCRUB_TEST_CASES` is how often logs are rotated under load (default: 20).

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::harness::binary;

/// Longer than anything takes, unless the filter hangs.
const PATIENCE: Duration = Duration::from_secs(120);

const TERM: u32 = 15;

/// Polls until `is_so`.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn n_cases() -> usize {
    let typed = std::env::var("LOGSCRUB_TEST_CASES").ok();
    typed.map_or(20, |typed| typed.parse().expect("LOGSCRUB_TEST_CASES is a number"))
}

/// A running filter, with all its messages on standard error.
struct Filter {
    child: Child,
    said: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
}

impl Filter {
    fn start(args: &[&str], stdin: impl Into<Stdio>, stdout: impl Into<Stdio>) -> Filter {
        let mut command = Command::new(binary());
        command.args(args);
        Filter::start_as(command, stdin, stdout)
    }

    fn start_as(mut command: Command, stdin: impl Into<Stdio>, stdout: impl Into<Stdio>) -> Filter {
        command.env_clear().stdin(stdin).stdout(stdout).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("standard error is a pipe"));
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        let listener = thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).expect("messages are text") > 0 {
                heard.lock().expect("nobody panics").push_str(&std::mem::take(&mut line));
            }
        });
        let filter = Filter { child, said, listener: Some(listener) };
        until("the handlers are in place", || filter.catches(TERM));
        filter
    }

    /// Whether the signal has a handler.
    fn catches(&self, signal: u32) -> bool {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux tells");
        let mask =
            status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("the mask is told");
        u64::from_str_radix(mask.trim(), 16).expect("a mask") & (1 << (signal - 1)) != 0
    }

    /// Whether a signal waits for its handler.
    fn has_pending(&self) -> bool {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux tells");
        let mut masks = status
            .lines()
            .filter(|line| line.starts_with("SigPnd:") || line.starts_with("ShdPnd:"));
        masks.any(|line| !line.ends_with("0000000000000000"))
    }

    fn kill(&self, signal: &str) {
        let status = Command::new("kill").arg(signal).arg(self.child.id().to_string()).status();
        assert!(status.expect("kill is installed").success());
    }

    fn said(&self) -> String {
        self.said.lock().expect("nobody panics").clone()
    }

    #[track_caller]
    fn hears(&self, part: &str, n_times: usize) {
        until(part, || self.said().matches(part).count() >= n_times);
    }

    fn write(&mut self, bytes: &[u8]) {
        self.child
            .stdin
            .as_mut()
            .expect("standard input is open")
            .write_all(bytes)
            .expect("the filter reads");
    }

    /// Closes standard input and waits for the end.
    fn end(mut self) -> (ExitStatus, String) {
        drop(self.child.stdin.take());
        self.ended()
    }

    fn ended(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("it ends");
        self.listener.take().expect("it ends once").join().expect("the listener ends");
        (status, self.said())
    }

    /// Everything on standard output.
    fn rest(&mut self) -> String {
        let mut rest = String::new();
        let stdout = self.child.stdout.as_mut().expect("standard output is a pipe");
        stdout.read_to_string(&mut rest).expect("the filter writes text");
        rest
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        // It has already ended if the test succeeded.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("the folder can be written");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// A rule that replaces `WORD_` and eight letters.
fn rule(word: &str) -> String {
    format!(
        "[[rule]]\nid = \"acme\"\ntitle = \"Acme\"\nclass = \"credential\"\nseverity = \"high\"\nabout = \"For tests.\"\n\
         anchors = [\"{word}_\"]\npattern = \"(?<secret> {word}_ [a-z]{{8}} )\"\n"
    )
}

/// Lines of a private key that is not a real one.
fn key_lines(n_lines: usize) -> Vec<String> {
    let letter = |line: usize, at: usize| {
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[(line * 7 + at * 11) % 32])
    };
    (0..n_lines).map(|line| (0..64).map(|at| letter(line, at)).collect()).collect()
}

/// Writes numbered lines, each with an address, until it is told to stop. Returns their number.
fn load(mut stdin: impl io::Write + Send + 'static, stop: &Arc<AtomicBool>) -> JoinHandle<usize> {
    let stop = Arc::clone(stop);
    thread::spawn(move || {
        let mut n_lines = 0;
        while !stop.load(Ordering::Relaxed) {
            let chunk: String = (n_lines..n_lines + 500)
                .map(|n| format!("{n} mail to user{n}@example.com ok\n"))
                .collect();
            stdin.write_all(chunk.as_bytes()).expect("the filter reads");
            n_lines += 500;
        }
        n_lines
    })
}

/// Every line of the load is in `log` once, in order, and scrubbed.
fn check_load(log: &str, n_lines: usize) {
    let mut lines = log.lines();
    for n in 0..n_lines {
        let line = lines.next().unwrap_or_default();
        assert_eq!(line, format!("{n} mail to REDACTED-email ok"));
    }
    assert_eq!((lines.next(), log.ends_with('\n')), (None, true));
}

/// A folder with `app.log`, and a filter that appends to it under load.
struct Rotating {
    folder: tempfile::TempDir,
    filter: Filter,
    stop: Arc<AtomicBool>,
    writer: JoinHandle<usize>,
}

impl Rotating {
    fn start(threads: &str) -> Rotating {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("app.log");
        let mut filter =
            Filter::start(&["-j", threads, "--output", text(&path)], Stdio::piped(), Stdio::null());
        let stop = Arc::new(AtomicBool::new(false));
        let writer = load(filter.child.stdin.take().expect("a pipe"), &stop);
        let rotating = Rotating { folder, filter, stop, writer };
        rotating.grows();
        rotating
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits until the filter writes to a file with the name `app.log`.
    fn grows(&self) {
        until("the new file grows", || {
            fs::metadata(self.path("app.log")).is_ok_and(|metadata| metadata.len() > 0)
        });
    }

    /// Ends the load and returns all files, oldest first, as one log.
    fn end(self, names: impl Iterator<Item = String>) -> (String, usize) {
        let mut names: Vec<String> = names.collect();
        names.push("app.log".to_owned());
        let paths: Vec<PathBuf> = names.iter().map(|name| self.path(name)).collect();
        self.stop.store(true, Ordering::Relaxed);
        let n_lines = self.writer.join().expect("the writer ends");
        let (status, said) = self.filter.end();
        assert_eq!((status.code(), said.as_str()), (Some(0), ""));
        (paths.iter().map(|path| read(path)).collect(), n_lines)
    }
}

#[test]
fn a_file_that_is_moved_away_loses_and_doubles_no_line() {
    for threads in ["1", "2", "4"] {
        let rotating = Rotating::start(threads);
        for n in 1..=n_cases() {
            fs::rename(rotating.path("app.log"), rotating.path(&format!("app.log.{n}")))
                .expect("it is there");
            rotating.filter.kill("-HUP");
            rotating.grows();
        }
        let (log, n_lines) = rotating.end((1..=n_cases()).map(|n| format!("app.log.{n}")));
        check_load(&log, n_lines);
    }
}

/// Runs logrotate over `app.log` once; `None` if it is not installed.
fn logrotate(folder: &Path, how: &str) -> Option<()> {
    let program = ["/usr/sbin/logrotate", "/usr/bin/logrotate"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    let Some(program) = program else {
        eprintln!("SKIPPED: logrotate");
        return None;
    };
    let (conf, state) = (folder.join("logrotate.conf"), folder.join("logrotate.state"));
    write(
        &conf,
        &format!(
            "{} {{\n rotate 1000\n nocompress\n {how}\n}}\n",
            folder.join("app.log").display()
        ),
    );
    let status = Command::new(program).arg("-f").arg("-s").args([&state, &conf]).status();
    assert!(status.expect("logrotate starts").success());
    Some(())
}

#[test]
fn logrotate_loses_and_doubles_no_line() {
    let rotating = Rotating::start("2");
    let pid = rotating.filter.child.id();
    for how in ["create 0640", "nocreate"] {
        for _ in 0..n_cases() / 2 {
            let how = format!("{how}\n postrotate\n kill -HUP {pid}\n endscript");
            let Some(()) = logrotate(rotating.folder.path(), &how) else { return };
            rotating.grows();
        }
    }
    let n_files = n_cases() / 2 * 2;
    let (log, n_lines) = rotating.end((1..=n_files).rev().map(|n| format!("app.log.{n}")));
    check_load(&log, n_lines);
}

#[test]
fn a_file_that_is_copied_and_truncated_goes_on_at_its_beginning() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("app.log");
    let mut filter = Filter::start(&["--output", text(&path)], Stdio::piped(), Stdio::null());
    let mut whole = String::new();
    for n in 0..5 {
        filter.write(format!("{n} to a{n}@example.com\n").as_bytes());
        let line = format!("{n} to REDACTED-email\n");
        until("the line is written", || read(&path) == line);
        // Nothing is in transit now. What is written between copy and truncation would be lost for
        // every writer.
        let Some(()) = logrotate(folder.path(), "copytruncate") else { return };
        assert_eq!(read(&path), "");
        whole += &read(&folder.path().join("app.log.1"));
    }
    assert_eq!(whole, (0..5).map(|n| format!("{n} to REDACTED-email\n")).collect::<String>());
    assert_eq!(filter.end().0.code(), Some(0));
}

#[test]
fn what_is_open_stays_open_when_rules_are_reloaded() {
    let key = key_lines(6);
    let begin = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n{}\n", key[0], key[1]);
    let end = format!("{}\n{}\n{}\n-----END RSA PRIVATE KEY-----\n", key[2], key[3], key[4]);
    let secret = "Zq7xK29vLmTr4Wp8";
    // What comes before SIGHUP, what comes after it, and what must not come out.
    let cases = [
        (begin, end, vec![key[2].clone(), key[3].clone(), key[4].clone()]),
        ("passwords:\n".to_owned(), format!("  - {secret}\n"), vec![secret.to_owned()]),
        (
            "2026-11-26T10:00:00.000000000Z stdout P mail to bob.bobson@exam\n".to_owned(),
            "2026-11-26T10:00:00.000000001Z stdout F ple.com\n".to_owned(),
            vec!["bobson".to_owned(), "ple.com".to_owned()],
        ),
        (
            "{\"log\":\"key AKIAZ2J4\",\"stream\":\"stdout\",\"time\":\"2026-11-26T10:00:00Z\"}\n".to_owned(),
            "{\"log\":\"XVQ7KD5TNPWE\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-26T10:00:00Z\"}\n".to_owned(),
            vec!["AKIAZ2J4".to_owned(), "XVQ7KD5TNPWE".to_owned()],
        ),
        ("a line that is not ov".to_owned(), "er: carol@example.com\n".to_owned(), vec!["carol".to_owned()]),
    ];
    for (index, (before, after, secrets)) in cases.iter().enumerate() {
        for threads in ["1", "3"] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let (conf, rules) = (folder.path().join("c.toml"), folder.path().join("acme.toml"));
            write(&rules, &rule("acme"));
            write(&conf, "rules = [\"acme.toml\"]\n");
            // Records wait for their rest without a time limit.
            let args = ["-v", "-c", text(&conf), "-j", threads, "--hold", "86400"];
            let mut filter = Filter::start(&args, Stdio::piped(), Stdio::piped());
            filter.write(b"first\n");
            let mut first = [0; 6];
            filter
                .child
                .stdout
                .as_mut()
                .expect("a pipe")
                .read_exact(&mut first)
                .expect("it comes out");
            let n_before = n_read(filter.child.id());
            filter.write(before.as_bytes());
            until("it has read that", || n_read(filter.child.id()) >= n_before + before.len());
            // Other rules in other places, so that the numbers of all remaining rules change.
            write(
                &conf,
                "rules = [\"acme.toml\"]\nexcept = [\"slack-*\", \"stripe-*\", \"adafruit-*\", \"github-*\"]\n",
            );
            write(&rules, &rule("mine"));
            filter.kill("-HUP");
            filter.hears("configuration and rules were reloaded", 1);
            filter.write(format!("{after}acme_abcdefgh mine_abcdefgh\nlast\n").as_bytes());
            drop(filter.child.stdin.take());
            let out = filter.rest();
            let (status, said) = filter.end();
            assert_eq!(status.code(), Some(0), "{index}: {said}");
            for secret in secrets {
                assert!(!out.contains(secret.as_str()), "{index}: {secret} in {out}");
            }
            assert!(out.ends_with("acme_abcdefgh REDACTED-acme\nlast\n"), "{index}: {out}");
            assert_eq!(
                out.lines().count(),
                before.lines().count() + after.lines().count() + 2
                    - usize::from(!before.ends_with('\n'))
            );
        }
    }
}

/// Bytes that a process has read since it was started.
fn n_read(pid: u32) -> usize {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).expect("Linux tells");
    let read = io.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("it is told");
    read.parse().expect("a number")
}

#[test]
fn rules_that_are_wrong_leave_the_old_ones_in_force() {
    for output in [false, true] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (rules, log) = (folder.path().join("acme.toml"), folder.path().join("app.log"));
        write(&rules, &rule("acme"));
        let to_file = ["--output", text(&log)];
        let args = [&["-v", "-r", text(&rules)][..], if output { &to_file } else { &[] }].concat();
        let stdout = folder.path().join("stdout");
        let mut filter = Filter::start(
            &args,
            Stdio::piped(),
            File::create(&stdout).expect("the folder can be written"),
        );
        let written = if output { &log } else { &stdout };
        let mut n_lines = 0;
        let mut last = |filter: &mut Filter| {
            filter.write(b"acme_abcdefgh mine_abcdefgh\n");
            n_lines += 1;
            until("the line is written", || read(written).lines().count() == n_lines);
            read(written).lines().last().expect("a line").to_owned()
        };
        assert_eq!(last(&mut filter), "REDACTED-acme mine_abcdefgh");
        for (n, wrong) in ["[[rule]]\nid = 7\n", "[[rule", "", "x = 1\n"].into_iter().enumerate() {
            write(&rules, wrong);
            if wrong.is_empty() {
                fs::remove_file(&rules).expect("it is there");
            }
            filter.kill("-HUP");
            filter.hears("the old rules and configuration stay", n + 1);
            assert_eq!(last(&mut filter), "REDACTED-acme mine_abcdefgh");
        }
        assert!(filter.said().contains("acme.toml"), "{}", filter.said());
        write(&rules, &rule("mine"));
        filter.kill("-HUP");
        filter.hears("configuration and rules were reloaded", 1);
        assert_eq!(last(&mut filter), "acme_abcdefgh REDACTED-acme");
        let (status, said) = filter.end();
        assert_eq!(status.code(), Some(0));
        // The counts of a reloaded rule continue.
        assert!(said.contains("6  acme"), "{said}");
    }
}

#[test]
fn an_output_that_cannot_be_reopened_stays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (inside, away) = (folder.path().join("logs"), folder.path().join("away"));
    fs::create_dir(&inside).expect("the folder can be made");
    let log = inside.join("app.log");
    let mut filter = Filter::start(&["--output", text(&log)], Stdio::piped(), Stdio::null());
    filter.write(b"one\n");
    until("the line is written", || read(&log) == "one\n");
    fs::rename(&inside, &away).expect("it is there");
    filter.kill("-HUP");
    filter.hears("the old output file stays", 1);
    filter.write(b"two\n");
    until("the line is written", || read(&away.join("app.log")) == "one\ntwo\n");
    fs::create_dir(&inside).expect("the folder can be made");
    filter.kill("-HUP");
    until("the new file is there", || log.exists());
    filter.write(b"three");
    assert_eq!(filter.end().0.code(), Some(0));
    assert_eq!(
        (read(&log).as_str(), read(&away.join("app.log")).as_str()),
        ("three", "one\ntwo\n")
    );
}

#[test]
fn a_last_line_without_end_survives_each_signal_that_drains() {
    for (signal, code) in [("-TERM", 0), ("-HUP", 0), ("-INT", 130)] {
        for threads in ["1", "2"] {
            let (mut ours, theirs) = UnixStream::pair().expect("a socket pair");
            let theirs = OwnedFd::from(theirs);
            let mut filter = Filter::start(&["-j", threads], theirs, Stdio::piped());
            ours.write_all(b"one\nmail to alice@example.com").expect("the filter reads");
            filter.kill(signal);
            assert_eq!(filter.rest(), "one\nmail to REDACTED-email", "{signal}");
            let (status, said) = filter.ended();
            assert_eq!((status.code(), said.as_str()), (Some(code), ""), "{signal}");
        }
    }
}

#[test]
fn when_grace_ends_all_that_was_read_is_written() {
    for threads in ["1", "3"] {
        let args = ["-j", threads, "--grace", "0.05", "--summary", "json"];
        let mut filter = Filter::start(&args, Stdio::piped(), Stdio::piped());
        let stdin = filter.child.stdin.take().expect("a pipe");
        // A writer that never stops; it ends when the filter is gone.
        let writer = thread::spawn(move || {
            let mut stdin = stdin;
            let mut n = 0_usize;
            while stdin.write_all(format!("{n} mail to alice@example.com\n").as_bytes()).is_ok() {
                n += 1;
            }
        });
        let mut stdout = BufReader::new(filter.child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line comes out");
        filter.kill("-TERM");
        let mut out = line;
        stdout.read_to_string(&mut out).expect("the filter writes text");
        writer.join().expect("the writer ends");
        let (status, said) = filter.ended();
        assert_eq!(status.code(), Some(0));
        let summary: serde_json::Value = serde_json::from_str(&said).expect("the summary is JSON");
        assert_eq!(summary["bytes_out"], out.len());
        let n_whole = out.matches('\n').count();
        let whole: String = (0..n_whole).map(|n| format!("{n} mail to REDACTED-email\n")).collect();
        let rest = out.strip_prefix(whole.as_str()).expect("every line that was read is there");
        assert!(
            format!("{n_whole} mail to alice@example.com").starts_with(rest)
                || rest.ends_with("REDACTED-email"),
            "{rest}"
        );
    }
}

#[test]
fn nohup_keeps_sighup_from_ending_it() {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' HUP; exec \"$0\""]).arg(binary());
    let mut filter = Filter::start_as(command, Stdio::piped(), Stdio::piped());
    for _ in 0..3 {
        filter.kill("-HUP");
        filter.write(b"still here\n");
        let mut line = [0; 11];
        filter.child.stdout.as_mut().expect("a pipe").read_exact(&mut line).expect("it comes out");
    }
    assert_eq!(filter.end().0.code(), Some(0));
}

#[test]
fn sighup_does_not_make_a_sigterm_the_second_one() {
    // Unwritten output keeps it from ending: nobody reads the pipe yet, and it holds a third of
    // this.
    let mut filter = Filter::start(&["--grace", "1000"], Stdio::piped(), Stdio::piped());
    let line = b"0123456 mail to alice@example.com\n".repeat(90_000);
    let mut stdin = filter.child.stdin.take().expect("a pipe");
    let n_before = n_read(filter.child.id());
    let writer = thread::spawn(move || stdin.write_all(&line));
    until("it is at work", || n_read(filter.child.id()) > n_before + (1 << 20));
    filter.kill("-HUP");
    until("it was heard", || !filter.has_pending());
    filter.kill("-TERM");
    let out = filter.rest();
    assert_eq!(filter.ended().0.code(), Some(0));
    assert!(out.ends_with("REDACTED-email\n") || writer.join().expect("the writer ends").is_err());
}

#[test]
fn a_busy_filter_quits_on_the_second_sigterm() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (input, out) = (folder.path().join("app.log"), folder.path().join("out"));
    // Nothing but anchors: megabytes of near-misses in one line, which take far longer than this
    // test.
    let line = "key @ ?token= sk- xoxd- \"password\":[ ".repeat(1 << 20);
    write(&input, &line);
    let mut elapsed = Vec::new();
    for threads in ["1", "2"] {
        for _ in 0..5 {
            let args = ["-j", threads, "--grace", "86400", "--output", text(&out)];
            let mut filter =
                Filter::start(&args, File::open(&input).expect("it was written"), Stdio::null());
            until("it has begun", || position(filter.child.id()) > 0);
            filter.kill("-TERM");
            // Two pending signals would be merged into one.
            until("it was heard", || !filter.has_pending());
            assert!(filter.child.try_wait().expect("the child can be asked").is_none());
            let read = position(filter.child.id());
            assert!(read < line.len() as u64, "there is work left");
            let begin = Instant::now();
            filter.kill("-TERM");
            let (status, _) = filter.ended();
            elapsed.push(begin.elapsed());
            assert_eq!((status.code(), status.signal()), (Some(143), None));
            assert!(fs::metadata(&out).map_or(0, |metadata| metadata.len()) < line.len() as u64);
            let _ = fs::remove_file(&out);
        }
    }
    elapsed.sort();
    eprintln!("from the second SIGTERM to the end: {elapsed:?}");
}

/// How far a process has read its standard input.
fn position(pid: u32) -> u64 {
    let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/0")).unwrap_or_default();
    let pos = info.lines().find_map(|line| line.strip_prefix("pos:"));
    pos.map_or(0, |pos| pos.trim().parse().expect("a number"))
}

#[test]
fn sigusr1_tells_the_summary_so_far() {
    for threads in ["1", "2"] {
        let args = ["-j", threads, "--summary", "json"];
        let mut filter = Filter::start(&args, Stdio::piped(), Stdio::piped());
        for n in 1..=3 {
            filter.write(b"mail to alice@example.com\n");
            let mut line = [0; 23];
            filter
                .child
                .stdout
                .as_mut()
                .expect("a pipe")
                .read_exact(&mut line)
                .expect("it comes out");
            filter.kill("-USR1");
            filter.hears("\n", n);
        }
        let (status, said) = filter.end();
        assert_eq!(status.code(), Some(0));
        let told: Vec<serde_json::Value> = said
            .lines()
            .map(|line| serde_json::from_str(line).expect("each line is JSON"))
            .collect();
        let counts: Vec<_> =
            told.iter().map(|one| (one["findings"].as_u64(), one["bytes_out"].as_u64())).collect();
        assert_eq!(counts, [1, 2, 3, 3].map(|n| (Some(n), Some(23 * n))));
    }
}

/// A run by the shell with `redirections`.
fn run(args: &[&str], redirections: &str, input: &Path, output: &Path) -> Option<i32> {
    let script =
        format!("exec \"$0\" \"$@\" <'{}' >'{}' {redirections}", text(input), text(output));
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).arg(binary()).args(args).env_clear();
    let output = command.stderr(Stdio::piped()).output().expect("the shell starts");
    output.status.code()
}

#[test]
fn descriptors_that_are_closed_are_errors_and_never_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [input, stdout, stderr, log] =
        ["in", "out", "err", "app.log"].map(|name| folder.path().join(name));
    let rules = folder.path().join("acme.toml");
    write(&input, "mail to alice@example.com\n");
    write(&rules, &rule("acme"));
    const CLEAN: &str = "mail to REDACTED-email\n";
    for closed in 0..8 {
        let is_closed = |fd: u32| closed & (1 << fd) != 0;
        let mut redirections = String::new();
        if is_closed(2) {
            redirections += " 2>&-";
        } else {
            redirections += &format!(" 2>'{}'", text(&stderr));
        }
        redirections += if is_closed(0) { " <&-" } else { "" };
        redirections += if is_closed(1) { " >&-" } else { "" };
        let check = |args: &[&str], code: i32, out: &str, file: &str| {
            write(&stdout, "");
            write(&stderr, "");
            let _ = fs::remove_file(&log);
            assert_eq!(
                run(args, &redirections, &input, &stdout),
                Some(code),
                "{args:?}{redirections}"
            );
            assert_eq!(
                (read(&stdout).as_str(), read(&log).as_str()),
                (out, file),
                "{args:?}{redirections}"
            );
            let said = read(&stderr);
            let is_told = matches!(code, 3 | 74) && !is_closed(2);
            let what = if code == 3 { "standard input: " } else { "standard output: " };
            assert_eq!(
                said.contains(what) && said.contains("closed"),
                is_told,
                "{args:?}{redirections}: {said}"
            );
        };
        let (no_input, no_output) = (is_closed(0), is_closed(1));
        let code = if no_output {
            74
        } else if no_input {
            3
        } else {
            0
        };
        check(&[], code, if code == 0 { CLEAN } else { "" }, "");
        check(&["-j", "2", "-v"], code, if code == 0 { CLEAN } else { "" }, "");
        // The file gets the lowest free descriptor. It must not be one of the standard ones, and
        // get no message.
        let to_file = ["--output", text(&log), "-v", "--summary", "human", "-r", text(&rules)];
        check(&to_file, if no_input { 3 } else { 0 }, "", if no_input { "" } else { CLEAN });
        check(
            &["config", "path", "-c", "none"],
            if no_output { 74 } else { 0 },
            if no_output { "" } else { "/etc/logscrub/config.toml  (does not exist)\n" },
            "",
        );
        if no_output {
            check(&["--help"], 74, "", "");
            check(&["--version"], 74, "", "");
            check(&["rules", "list"], 74, "", "");
        }
        check(
            &["explain", "-"],
            if no_input {
                3
            } else if no_output {
                74
            } else {
                0
            },
            &if no_input || no_output { String::new() } else { explained(&input) },
            "",
        );
    }
}

/// The output of `explain` for the input.
fn explained(input: &Path) -> String {
    let mut command = Command::new(binary());
    command.args(["explain", "-"]).env_clear().stdin(File::open(input).expect("it was written"));
    String::from_utf8(command.output().expect("the binary starts").stdout).expect("it is text")
}

#[test]
fn an_output_that_is_thrown_away_on_purpose_is_no_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [input, stdout] = ["in", "out"].map(|name| folder.path().join(name));
    write(&input, "mail to alice@example.com\n");
    for redirection in
        [">/dev/null", "1<>/dev/null", "<>/dev/null", "2>/dev/null", ">&2 2>/dev/null"]
    {
        assert_eq!(run(&[], redirection, &input, &stdout), Some(0), "{redirection}");
    }
    // A descriptor that is open for the other direction is as good as closed.
    assert_eq!(run(&[], "1</dev/null", &input, &stdout), Some(74));
    assert_eq!(run(&[], "0>/dev/null", &input, &stdout), Some(3));
}
