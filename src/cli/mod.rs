//! The command line: args (what was typed) -> settings (what it means) -> one file a verb.
//!
//! Messages go to standard error as `logscrub: error: …` with a `hint:` line; results go to standard output. Neither ever
//! carries a matched value.

mod args;
mod explain;
mod filter;
mod rules;
mod settings;

use std::{
    error::Error as _,
    io::{self, IsTerminal as _, Write},
    process::ExitCode,
};

use anstream::{AutoStream, ColorChoice};
use clap::{CommandFactory as _, Parser as _};

use self::{
    args::{Args, Config, Verb},
    settings::{Environment, Settings},
};
use crate::error::Error;

/// The CPU level of the prefilter.
const CPU_LEVEL: &str = "portable";

/// Runs what was typed, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    install_panic_hook();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let code = u8::from(error.use_stderr()) * 2;
            // Nowhere is left to tell that the message could not be written.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let environment = Environment::read();
    let choice =
        |stream: &dyn Fn() -> bool| color_choice(args.common.color.as_deref(), environment.is_plain(), stream());
    let stderr = choice(&|| io::stderr().is_terminal());
    let stdout = choice(&|| io::stdout().is_terminal());
    match run(&args, &environment, stdout) {
        Ok(code) => ExitCode::from(code),
        Err(error) if error.is_broken_pipe() => die_of_broken_pipe(),
        Err(error) => {
            if args.common.quiet < 2 {
                complain(&error, stderr);
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(args: &Args, environment: &Environment, color: ColorChoice) -> Result<u8, Error> {
    let mut out = Out { stream: AutoStream::new(io::stdout().lock(), color) };
    if args.version {
        let n_rules = settings::settle(args, environment)?.selection.load()?.rules().len();
        let version = env!("CARGO_PKG_VERSION");
        return out.text(&format!("logscrub {version} ({n_rules} rules, cpu {CPU_LEVEL})\n"));
    }
    match &args.verb {
        Some(Verb::Completions { shell }) => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Args::command(), "logscrub", &mut text);
            out.bytes(&text)
        }
        Some(Verb::Man) => out.bytes(&manual()),
        Some(Verb::Config(Config::Check { file })) => settings::check(file).map(|()| 0),
        Some(Verb::Config(Config::Path)) => {
            let files = environment.files(args.common.config.as_deref());
            let lines = files.iter().map(|path| {
                let note = if path.exists() { "" } else { "  (not there)" };
                format!("{}{note}\n", path.display())
            });
            out.text(&lines.collect::<String>())
        }
        Some(Verb::Config(Config::Show { json })) => {
            show_config(&settings::settle(args, environment)?, *json, &mut out)
        }
        Some(Verb::Rules(verb)) => rules::run(verb, &settings::settle(args, environment)?, &mut out),
        Some(Verb::Explain { files, json, show_secrets }) => {
            let settings = settings::settle(args, environment)?;
            explain::run(&settings, files, explain::View::new(*json, *show_secrets)?, &mut out)
        }
        None => {
            drop(out);
            if io::stdin().is_terminal() {
                return Err(Error::usage(format!("standard input is a terminal\n\n{}", Args::command().render_help()))
                    .hint("give it a log: logscrub < app.log"));
            }
            filter::run(&settings::settle(args, environment)?)
        }
    }
}

/// Standard output, with colour where it is wanted.
struct Out {
    stream: AutoStream<io::StdoutLock<'static>>,
}

impl Out {
    fn bytes(&mut self, bytes: &[u8]) -> Result<u8, Error> {
        let written = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
        written.map(|()| 0).map_err(|error| Error::output("standard output", error))
    }

    fn text(&mut self, text: &str) -> Result<u8, Error> {
        self.bytes(text.as_bytes())
    }
}

fn show_config(settings: &Settings, json: bool, out: &mut Out) -> Result<u8, Error> {
    if json {
        let shown = settings.shown.iter().map(|shown| {
            let value = serde_json::to_value(&shown.value).expect("settings are plain data");
            (shown.key.to_owned(), serde_json::json!({ "value": value, "source": shown.source }))
        });
        let object: serde_json::Map<_, _> = shown.collect();
        return out.text(&format!("{}\n", serde_json::Value::from(object)));
    }
    let lines = settings.shown.iter().map(|shown| format!("{} = {}  # {}\n", shown.key, shown.value, shown.source));
    out.text(&lines.collect::<String>())
}

/// The manual page of the program and of each verb, one behind the other.
fn manual() -> Vec<u8> {
    let mut text = Vec::new();
    let command = Args::command().version(env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command).render(&mut text).expect("a vector takes everything");
    text
}

fn color_choice(typed: Option<&str>, is_plain: bool, is_terminal: bool) -> ColorChoice {
    match typed {
        Some("always") => ColorChoice::AlwaysAnsi,
        Some("never") => ColorChoice::Never,
        _ if is_terminal && !is_plain => ColorChoice::AlwaysAnsi,
        _ => ColorChoice::Never,
    }
}

/// `logscrub: error: what: why`, then the mend.
fn complain(error: &Error, color: ColorChoice) {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(beneath) = source {
        message.push_str(&format!(": {beneath}"));
        source = beneath.source();
    }
    let red = anstyle::AnsiColor::Red.on_default().bold();
    let mut text = format!("logscrub: {red}error:{red:#} {message}\n");
    if let Some(hint) = error.mend() {
        let green = anstyle::AnsiColor::Green.on_default();
        text.push_str(&format!("{green}hint:{green:#} {hint}\n"));
    }
    say(&text, color);
}

/// Writes to standard error; when that is closed nobody listens.
fn say(text: &str, color: ColorChoice) {
    let mut stream = AutoStream::new(io::stderr().lock(), color);
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

/// The end that a closed reader brings: by the signal, so that `pipefail` sees it; as PID 1, where it is ignored, by its code.
fn die_of_broken_pipe() -> ExitCode {
    // When the signal cannot be raised, the exit code says the same.
    let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGPIPE);
    ExitCode::from(141)
}

/// Place and version, never the payload: a message of a fault could quote the log.
fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let place =
            info.location().map_or_else(String::new, |at| format!(" at {}:{}:{}", at.file(), at.line(), at.column()));
        let version = env!("CARGO_PKG_VERSION");
        say(
            &format!("logscrub: internal fault{place}, version {version}; this is a bug, please report it\n"),
            ColorChoice::Never,
        );
    }));
}
