//! Runs the program with arguments, input and environment, and checks its output.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
};

/// The program under test: `LOGSCRUB_BIN`, or the one that was built with the tests.
pub(crate) fn binary() -> PathBuf {
    env::var_os("LOGSCRUB_BIN").map_or_else(|| env!("CARGO_BIN_EXE_logscrub").into(), PathBuf::from)
}

/// A run that is being prepared.
pub(crate) fn logscrub() -> Run {
    let mut command = Command::new(binary());
    command.env_clear();
    Run { command, stdin: Vec::new() }
}

pub(crate) struct Run {
    command: Command,
    stdin: Vec<u8>,
}

impl Run {
    pub(crate) fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Run {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Run {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Run {
        self.stdin = bytes.into();
        self
    }

    pub(crate) fn run(mut self) -> Ran {
        let pipes =
            self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().expect("the binary starts");
        let mut stdin = child.stdin.take().expect("standard input is a pipe");
        let input = self.stdin;
        // A program that refuses its input closes the pipe, which is not a failure of the test.
        let writer = thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().expect("it ends");
        writer.join().expect("the writer ends");
        Ran { output }
    }
}

/// The result of a run.
pub(crate) struct Ran {
    output: Output,
}

impl Ran {
    pub(crate) fn bytes(self) -> Vec<u8> {
        self.output.stdout
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).expect("standard output is text")
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8(self.output.stderr.clone()).expect("standard error is text")
    }

    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Ran {
        assert_eq!(self.output.status.code(), Some(code), "{}", self.err());
        self
    }

    #[track_caller]
    pub(crate) fn success(self) -> Ran {
        self.code(0)
    }

    #[track_caller]
    pub(crate) fn stdout(self, expected: &str) -> Ran {
        assert_eq!(self.out(), expected);
        self
    }

    #[track_caller]
    pub(crate) fn stdout_has(self, part: &str) -> Ran {
        assert!(self.out().contains(part), "{part:?} is not in {}", self.out());
        self
    }

    #[track_caller]
    pub(crate) fn stderr_has(self, part: &str) -> Ran {
        assert!(self.err().contains(part), "{part:?} is not in {}", self.err());
        self
    }

    #[track_caller]
    pub(crate) fn stderr_lacks(self, part: &str) -> Ran {
        assert!(!self.err().contains(part), "{part:?} is in {}", self.err());
        self
    }
}

/// Checks that a generated file of the repository is up to date. Under `LOGSCRUB_BLESS`, which
/// `tests/bless` sets, it writes the file.
#[track_caller]
pub(crate) fn assert_current(path: &str, generated: &[u8]) {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let committed = fs::read(&full).unwrap_or_default();
    if committed != generated && env::var_os("LOGSCRUB_BLESS").is_some() {
        return fs::write(&full, generated).expect("the file can be written");
    }
    assert!(committed == generated, "{path} is not current: run tests/bless");
}

/// Gives `read` bytes at a time.
pub(crate) struct Slow<'b> {
    pub(crate) rest: &'b [u8],
    pub(crate) read: usize,
}

impl std::io::Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n_bytes = self.read.min(out.len()).min(self.rest.len());
        out[..n_bytes].copy_from_slice(&self.rest[..n_bytes]);
        self.rest = &self.rest[n_bytes..];
        Ok(n_bytes)
    }
}
