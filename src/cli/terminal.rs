//! Standard output and standard error: colour, messages, and the end of the program.
//!
//! Messages go to standard error as `logscrub: error: …`, with a `hint:` line; results go to
//! standard output. Neither carries a matched value.

use std::{
    error::Error as _,
    io::{self, IsTerminal as _, Write},
    process::ExitCode,
};

use anstream::{AutoStream, ColorChoice};
use anstyle::AnsiColor;

use super::{mask::masked, resolve::Environment, settings::Color};
use crate::{error::Error, sink};

/// The exit code if some input could not be read or examined.
pub(super) const UNEXAMINED: u8 = 3;

/// How messages are printed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminal {
    stdout: ColorChoice,
    stderr: ColorChoice,
    /// How often `--quiet` was typed.
    pub(super) quiet: u8,
}

impl Terminal {
    pub(super) fn new(color: Color, environment: &Environment) -> Terminal {
        let choice = |is_terminal| match color {
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Auto if is_terminal && !environment.is_plain() => ColorChoice::AlwaysAnsi,
            Color::Auto | Color::Never => ColorChoice::Never,
        };
        let (stdout, stderr) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Terminal { stdout: choice(stdout), stderr: choice(stderr), quiet: 0 }
    }

    /// Without colour, for what goes wrong before anything is known.
    pub(super) fn plain() -> Terminal {
        Terminal { stdout: ColorChoice::Never, stderr: ColorChoice::Never, quiet: 0 }
    }

    pub(super) fn quiet(mut self, quiet: u8) -> Terminal {
        self.quiet = quiet;
        self
    }

    /// Standard output.
    pub(super) fn out(self) -> Out {
        Out { stream: AutoStream::new(io::stdout().lock(), self.stdout) }
    }

    /// Writes to standard error. If that is closed, nobody reads it.
    pub(super) fn say(self, text: &str) {
        let mut stream = AutoStream::new(io::stderr().lock(), self.stderr);
        let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    }

    /// Prints `logscrub: error: what: cause` and the hint, unless errors are hidden.
    pub(super) fn complain(self, error: &Error) {
        if self.quiet >= 2 {
            return;
        }
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(&format!(": {error}"));
            cause = error.source();
        }
        let red = AnsiColor::Red.on_default().bold();
        let mut text = format!("logscrub: {red}error:{red:#} {}\n", masked(&message));
        if let Some(hint) = error.fix() {
            let green = AnsiColor::Green.on_default();
            text.push_str(&format!("{green}hint:{green:#} {}\n", masked(hint)));
        }
        self.say(&text);
    }

    /// The exit code of a result; an error is printed.
    pub(super) fn end(self, result: Result<u8, Error>) -> ExitCode {
        match result {
            Ok(code) => ExitCode::from(code),
            Err(error) if error.is_broken_pipe() => die_of_broken_pipe(),
            Err(error) => {
                self.complain(&error);
                ExitCode::from(error.exit_code())
            }
        }
    }
}

/// Standard output, with colour where it is wanted.
pub(super) struct Out {
    stream: AutoStream<io::StdoutLock<'static>>,
}

impl Out {
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<u8, Error> {
        sink::check_open()?;
        let written = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
        written.map(|()| 0).map_err(|error| Error::output("standard output", error))
    }

    pub(super) fn text(&mut self, text: &str) -> Result<u8, Error> {
        self.bytes(text.as_bytes())
    }
}

/// Ends as a closed reader ends a program: by the signal, so that `pipefail` sees it; as PID 1 by
/// its exit code. There the kernel drops a signal that has no handler, and the emulation then ends
/// in an abort that is dropped too and a trap that is not.
fn die_of_broken_pipe() -> ExitCode {
    if std::process::id() != 1 {
        // If the signal cannot be raised, the exit code says the same.
        let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGPIPE);
    }
    ExitCode::from(141)
}

/// Prints place and version of a panic, never its message, which could quote the log.
pub(super) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |at| {
            format!(" at {}:{}:{}", at.file(), at.line(), at.column())
        });
        let version = env!("CARGO_PKG_VERSION");
        Terminal::plain().say(&format!(
            "logscrub: internal fault{place}, version {version}; this is a bug, please report it\n"
        ));
    }));
}
