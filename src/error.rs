//! One opaque error for the two ends of the program.
//!
//! The engine between them cannot fail. Errors come from reading rules and settings at one end, and
//! from moving bytes at the other. `Display` names the object and says what happened to it;
//! `source()` carries the cause, and [`Error::fix`] what the user can do. No constructor takes
//! bytes of a log, so no error can quote one.

use std::{fmt, io, path::Path};

/// What went wrong, for people; [`Error::exit_code`] for programs.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Usage,
    Input,
    Unexamined,
    Fault,
    Output,
    Pipe,
}

impl Error {
    /// A rule file, a configuration file or a flag is wrong: exit 2, nothing was read.
    pub fn usage(message: impl Into<String>) -> Error {
        Error::new(Kind::Usage, message)
    }

    /// The same with the place of the error, `file:line: message`.
    pub fn at(file: &str, line: usize, message: impl fmt::Display) -> Error {
        Error::usage(format!("{file}:{line}: {message}"))
    }

    /// A rule file or a configuration file cannot be read: exit 2.
    pub fn unreadable(path: &Path, source: io::Error) -> Error {
        Error::usage(format!("{}: cannot be read", path.display())).because(source)
    }

    /// An input cannot be opened, or not be read to its end: exit 3.
    pub fn input(name: &str, source: io::Error) -> Error {
        Error::new(Kind::Input, format!("{name}: cannot be read")).because(source)
    }

    /// An input cannot be examined as text: exit 3.
    pub fn unexamined(message: impl Into<String>) -> Error {
        Error::new(Kind::Unexamined, message)
    }

    /// An internal fault under `--on-error stop`: exit 70.
    pub fn fault() -> Error {
        Error::new(Kind::Fault, "a record could not be examined; the output ends before it")
            .hint("--on-error mask replaces such a record, --on-error drop removes it")
    }

    /// A stream was used after its input was refused or a record could not be examined: exit 3.
    pub(crate) fn stopped(name: &str) -> Error {
        Error::unexamined(format!("{name}: nothing more is scrubbed after an earlier error"))
    }

    /// The output cannot be written: exit 74, or SIGPIPE if its reader has exited.
    pub fn output(name: &str, source: io::Error) -> Error {
        let kind =
            if source.kind() == io::ErrorKind::BrokenPipe { Kind::Pipe } else { Kind::Output };
        Error::new(kind, format!("{name}: cannot be written")).because(source)
    }

    fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), hint: None, source: None }
    }

    /// Adds what the user can do about it, shown on a line of its own.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.source = Some(source.into());
        self
    }

    /// The same with its message and its hint rewritten by `words`.
    pub(crate) fn in_words(mut self, words: &mut dyn FnMut(&str) -> String) -> Error {
        self.message = words(&self.message);
        self.hint = self.hint.map(|hint| words(&hint));
        self
    }

    /// What the user can do about it, if that is known.
    #[must_use]
    pub fn fix(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Whether the reader of the output has closed the pipe: raise SIGPIPE rather than report it.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        self.kind == Kind::Pipe
    }

    /// The cause.
    pub(crate) fn into_source(self) -> Option<Box<dyn std::error::Error + Send + Sync>> {
        self.source
    }

    /// The kind of an `io::Error` that wraps this one.
    pub(crate) fn io_kind(&self) -> io::ErrorKind {
        let cause = self.source.as_deref().and_then(|source| source.downcast_ref::<io::Error>());
        cause.map_or(io::ErrorKind::InvalidData, io::Error::kind)
    }

    /// The same with the place where it was found in front of the message.
    pub(crate) fn found_at(mut self, place: impl fmt::Display) -> Error {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Whether one input could not be read or examined; others still can be.
    pub(crate) fn is_about_input(&self) -> bool {
        matches!(self.kind, Kind::Input | Kind::Unexamined)
    }

    /// The exit code of the command line.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Usage => 2,
            Kind::Input | Kind::Unexamined => 3,
            Kind::Fault => 70,
            Kind::Output => 74,
            Kind::Pipe => 141,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
