//! The filter as a process: when output leaves, and how the filter ends.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    os::unix::process::ExitStatusExt,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

use crate::harness::{binary, logscrub};

const DIRTY: &str =
    "one\nmail to alice@example.com\r\n\npassword=hunter2 and more\nlast without end";
const CLEAN: &str =
    "one\nmail to REDACTED-email\r\n\npassword=REDACTED-password and more\nlast without end";

/// A running filter with both ends of its pipes.
struct Pipe {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Pipe {
    fn start(args: &[&str]) -> Pipe {
        let mut child = Command::new(binary())
            .args(args)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
        Pipe { child, stdin, stdout }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.stdin
            .as_mut()
            .expect("standard input is open")
            .write_all(bytes)
            .expect("the filter reads");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("the filter writes text");
        line
    }

    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("the filter writes text");
        rest
    }

    fn kill(&self, signal: &str) {
        let status = Command::new("kill").arg(signal).arg(self.child.id().to_string()).status();
        assert!(status.expect("kill is installed").success());
    }
}

#[test]
fn each_line_leaves_before_the_next_one_comes() {
    for threads in ["1", "2"] {
        let mut pipe = Pipe::start(&["--threads", threads]);
        for _ in 0..20 {
            pipe.write(b"login of alice@example.com\n");
            assert_eq!(pipe.line(), "login of REDACTED-email\n");
        }
        pipe.write(b"no end");
        drop(pipe.stdin.take());
        assert_eq!(pipe.rest(), "no end");
        assert!(pipe.child.wait().expect("it ends").success());
    }
}

/// A megabyte of log with private keys across the edges of blocks, wherever those are.
fn long_log() -> Vec<u8> {
    let mut log = Vec::new();
    for n in 0..300_usize {
        let key: String = (0..64)
            .map(|at| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[(n * 7 + at * 11) % 32]))
            .collect();
        log.extend_from_slice(format!("{n} GET /index.html 200\r\n\n").repeat(40).as_bytes());
        log.extend_from_slice(b"mail to alice@example.com, password=hunter2\n");
        log.extend_from_slice(b"-----BEGIN RSA PRIVATE KEY-----\n");
        log.extend_from_slice(format!("{key}\n").repeat(40).as_bytes());
        log.extend_from_slice(b"-----END RSA PRIVATE KEY-----\n");
    }
    log.extend_from_slice(b"0123456 ".repeat(200_000).as_slice());
    log.extend_from_slice(b" alice@example.com\nlast without end");
    log
}

#[test]
fn threads_change_neither_the_output_nor_the_counts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("app.log");
    std::fs::write(&path, long_log()).expect("the folder can be written");
    let run = |args: &[&str]| {
        let output = Command::new(binary())
            .args(args)
            .args(["--summary", "json"])
            .env_clear()
            .stdin(File::open(&path).expect("it was written"))
            .output()
            .expect("the binary starts");
        assert_eq!(output.status.code(), Some(0));
        let mut summary: serde_json::Value =
            serde_json::from_slice(&output.stderr).expect("the summary is JSON");
        summary["seconds"] = 0.into();
        (output.stdout, summary)
    };
    let one = run(&["--threads", "1"]);
    assert!(
        memchr::memmem::find(&one.0, b"alice").is_none() && one.1["findings"] == 300 * 42 + 1,
        "{}",
        one.1
    );
    for args in
        [&["-j2"][..], &["-j3"], &["-j8"], &["-j0"], &[], &["-j2", "--max-record", "256KiB"]]
    {
        assert!(run(args) == one, "{args:?}");
    }
    let piped = logscrub().args(["-j", "2"]).stdin(long_log()).run().success();
    assert!(piped.out().as_bytes() == one.0);
}

#[test]
fn threads_end_as_one_does_when_the_output_fails() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("app.log");
    std::fs::write(&path, long_log()).expect("the folder can be written");
    let start = |stdout: Stdio| {
        let mut command = Command::new(binary());
        command
            .args(["--threads", "4"])
            .env_clear()
            .stdin(File::open(&path).expect("it was written"));
        command.stdout(stdout).stderr(Stdio::piped()).spawn().expect("the binary starts")
    };
    let full = File::options().write(true).open("/dev/full").expect("Linux has /dev/full");
    assert_eq!(start(full.into()).wait().expect("it ends").code(), Some(74));
    let mut child = start(Stdio::piped());
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.signal(), output.stderr.len()), (Some(13), 0));
}

#[test]
fn a_number_of_threads_that_is_none_is_refused() {
    for typed in ["many", "-1", "1025", "1.5"] {
        logscrub().args([format!("--threads={typed}").as_str()]).run().code(2).stdout("");
    }
    logscrub()
        .env("LOGSCRUB_THREADS", "many")
        .run()
        .code(2)
        .stderr_has("LOGSCRUB_THREADS: expected a number of threads from 0 to 1024");
}

#[test]
fn a_pipe_fed_byte_by_byte_gives_what_a_file_gives() {
    let mut pipe = Pipe::start(&[]);
    for byte in DIRTY.as_bytes() {
        pipe.write(&[*byte]);
    }
    drop(pipe.stdin.take());
    assert_eq!(pipe.rest(), CLEAN);
    logscrub().stdin(DIRTY).run().success().stdout(CLEAN);
}

#[test]
fn sigterm_drains_what_was_written_and_ends_well() {
    let mut pipe = Pipe::start(&[]);
    // Once a line has come back, the handler is in place.
    pipe.write(b"ready\n");
    assert_eq!(pipe.line(), "ready\n");
    pipe.write(DIRTY.as_bytes());
    pipe.kill("-TERM");
    assert_eq!(pipe.rest(), CLEAN);
    assert_eq!(pipe.child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_second_sigterm_ends_what_the_first_one_drains() {
    // A source that never runs dry, and a grace period longer than any test, so that one signal
    // does not end this.
    let endless = File::open("/dev/zero").expect("Linux has /dev/zero");
    let mut child = Command::new(binary())
        .args(["--grace", "1000"])
        .env_clear()
        .stdin(endless)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // Once there is output, the handler is in place.
    let mut first = [0];
    child
        .stdout
        .as_mut()
        .expect("standard output is a pipe")
        .read_exact(&mut first)
        .expect("zeros come out");
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child can be asked") {
            break status;
        }
        let kill = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status();
        assert!(kill.expect("kill is installed").success());
    };
    assert_eq!(status.code(), Some(143));
}

#[test]
fn sigint_is_the_writers_business_when_input_is_a_pipe() {
    let mut pipe = Pipe::start(&[]);
    pipe.write(b"ready\n");
    assert_eq!(pipe.line(), "ready\n");
    pipe.kill("-INT");
    pipe.write(b"still here\n");
    assert_eq!(pipe.line(), "still here\n");
    drop(pipe.stdin.take());
    assert!(pipe.child.wait().expect("it ends").success());
}

#[test]
fn a_reader_that_closes_ends_it_by_sigpipe_without_a_word() {
    let mut pipe = Pipe::start(&[]);
    let mut stderr = pipe.child.stderr.take().expect("standard error is a pipe");
    let Pipe { mut child, stdin, stdout } = pipe;
    drop(stdout);
    let mut stdin = stdin.expect("standard input is open");
    while stdin.write_all(&[b'\n'; 65536]).is_ok() {}
    assert_eq!(child.wait().expect("it ends").signal(), Some(13));
    let mut said = String::new();
    stderr.read_to_string(&mut said).expect("standard error is text");
    assert_eq!(said, "");
}

#[test]
fn a_full_disk_is_an_error_and_nothing_is_claimed() {
    let full = File::options().write(true).open("/dev/full").expect("Linux has /dev/full");
    let mut child = Command::new(binary())
        .args(["--summary", "json"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    child.stdin.take().expect("a pipe").write_all(DIRTY.as_bytes()).expect("the filter reads");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8(output.stderr).expect("messages are text");
    assert_eq!(output.status.code(), Some(74), "{said}");
    assert!(said.contains("standard output: cannot be written"), "{said}");
    assert!(!said.contains("hunter2") && !said.contains("alice"), "{said}");
    let summary =
        said.lines().find(|line| line.starts_with('{')).expect("the summary is still given");
    let summary: serde_json::Value = serde_json::from_str(summary).expect("it is JSON");
    assert_eq!((&summary["bytes_out"], &summary["records_out"]), (&0.into(), &0.into()));
}

#[test]
fn what_is_no_text_is_refused_before_anything_is_passed() {
    let wide: Vec<u8> = DIRTY.encode_utf16().flat_map(u16::to_le_bytes).collect();
    logscrub().stdin(wide).run().code(3).stdout("").stderr_has("UTF-16LE");
    let mut gzip = Command::new("gzip")
        .arg("-c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip");
    gzip.stdin.take().expect("a pipe").write_all(DIRTY.as_bytes()).expect("gzip reads");
    let packed = gzip.wait_with_output().expect("gzip ends").stdout;
    logscrub().stdin(packed).run().code(3).stdout("").stderr_has("gzip -dc");
}

#[test]
fn a_line_of_any_length_passes_in_bounded_memory() {
    for threads in ["1", "3"] {
        pass_a_long_line(threads);
    }
}

fn pass_a_long_line(threads: &str) {
    const LINE: usize = 64 << 20;
    let mut pipe = Pipe::start(&["--threads", threads]);
    let pid = pipe.child.id();
    let mut stdin = pipe.stdin.take().expect("standard input is open");
    let writer = thread::spawn(move || {
        let chunk = b"alice@example.com and bob ".repeat(4096);
        for _ in 0..LINE / chunk.len() {
            stdin.write_all(&chunk).expect("the filter reads");
        }
        // The line is incomplete, so the filter still runs.
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux tells");
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak is told");
        peak.trim().trim_end_matches(" kB").trim().parse::<usize>().expect("a number")
    });
    let mut n_placeholders = 0;
    let mut out = Vec::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        let n_bytes = pipe.stdout.read(&mut chunk).expect("the filter writes");
        if n_bytes == 0 {
            break;
        }
        out.extend_from_slice(&chunk[..n_bytes]);
        n_placeholders += out.windows(14).filter(|window| window == b"REDACTED-email").count();
        assert!(!out.windows(5).any(|window| window == b"alice"));
        out.drain(..out.len().saturating_sub(13));
    }
    let peak_kib = writer.join().expect("the writer ends");
    let chunk = b"alice@example.com and bob ".len() * 4096;
    assert_eq!(n_placeholders, LINE / chunk * 4096);
    assert!(peak_kib < 64 << 10, "{peak_kib} KiB");
}

#[test]
fn output_is_appended_to_a_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("clean.log");
    std::fs::write(&path, "before\n").expect("the folder can be written");
    logscrub()
        .args(["--output", path.to_str().expect("a plain path")])
        .stdin(DIRTY)
        .run()
        .success()
        .stdout("");
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), format!("before\n{CLEAN}"));
}

#[cfg(debug_assertions)]
#[test]
fn a_fault_inside_withholds_the_record_and_says_so() {
    if std::env::var_os("LOGSCRUB_BIN").is_some() {
        return eprintln!("SKIPPED: a release build takes no faults");
    }
    let run = |action: &str| {
        let fault = logscrub().env("LOGSCRUB_FAULT", "BOOM").args(["--on-error", action]);
        fault.stdin("one\nBOOM with secret hunter2\nthree\n").run()
    };
    run("mask")
        .code(3)
        .stdout("one\nREDACTED-record\nthree\n")
        .stderr_has("src/scrub/engine.rs")
        .stderr_lacks("hunter2");
    run("drop").code(3).stdout("one\nthree\n").stderr_lacks("hunter2");
    run("stop").code(70).stdout("").stderr_lacks("hunter2");
}
