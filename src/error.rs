//! One opaque error for the two ends of the program.
//!
//! The middle (frame, scan, redact) cannot fail; what can is reading rules and settings at one end
//! and moving bytes at the other. `Display` says only its own level, with the place and the mend;
//! `source()` carries the rest. No constructor takes bytes of a log, so no error can quote one.

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
    /// A rule file, a configuration file or a flag says something that cannot be: exit 2, nothing
    /// was read.
    pub fn usage(message: impl Into<String>) -> Error {
        Error::new(Kind::Usage, message)
    }

    /// The same with the place it was found at, `file:line: message`.
    pub fn at(file: &str, line: usize, message: impl fmt::Display) -> Error {
        Error::usage(format!("{file}:{line}: {message}"))
    }

    /// A file named on the command line cannot be read.
    pub fn unreadable(path: &Path, source: io::Error) -> Error {
        Error::usage(format!("{}: cannot be read", path.display())).because(source)
    }

    /// The source failed while it was read: exit 3.
    pub fn input(name: &str, source: io::Error) -> Error {
        Error::new(Kind::Input, format!("{name}: cannot be read any further")).because(source)
    }

    /// The input is nothing that can be examined as text: exit 3.
    pub fn unexamined(message: impl Into<String>) -> Error {
        Error::new(Kind::Unexamined, message)
    }

    /// An internal fault under `--on-error stop`: exit 70.
    pub fn fault() -> Error {
        Error::new(Kind::Fault, "a record could not be examined; the stream was closed before it")
            .hint("--on-error mask replaces such a record, --on-error drop leaves it out")
    }

    /// A stream is used on after its input was refused or a record could not be examined: exit 3.
    pub(crate) fn stopped(name: &str) -> Error {
        Error::unexamined(format!("{name}: nothing more is scrubbed after an earlier error"))
    }

    /// The sink refused bytes: exit 74, or SIGPIPE when the reader has gone.
    pub fn output(name: &str, source: io::Error) -> Error {
        let kind =
            if source.kind() == io::ErrorKind::BrokenPipe { Kind::Pipe } else { Kind::Output };
        Error::new(kind, format!("{name}: cannot be written")).because(source)
    }

    fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), hint: None, source: None }
    }

    /// Adds the mend, shown on a line of its own.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what lies beneath.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.source = Some(source.into());
        self
    }

    /// The same with its message and its mend as `words` writes them.
    pub(crate) fn in_words(mut self, words: &mut dyn FnMut(&str) -> String) -> Error {
        self.message = words(&self.message);
        self.hint = self.hint.map(|hint| words(&hint));
        self
    }

    /// The mend, where one is known.
    #[must_use]
    pub fn mend(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Whether the reader downstream has closed the pipe: not a fault to report, but SIGPIPE to
    /// raise.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        self.kind == Kind::Pipe
    }

    /// What lies beneath, taken out.
    pub(crate) fn into_source(self) -> Option<Box<dyn std::error::Error + Send + Sync>> {
        self.source
    }

    /// The kind that an `io::Error` around this one has.
    pub(crate) fn io_kind(&self) -> io::ErrorKind {
        let beneath = self.source.as_deref().and_then(|source| source.downcast_ref::<io::Error>());
        beneath.map_or(io::ErrorKind::InvalidData, io::Error::kind)
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
