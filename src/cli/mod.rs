//! The command line: args (what was typed) -> settings (what it means) -> one file a verb.
//!
//! Messages go to standard error as `logscrub: error: …` with a `hint:` line; results go to
//! standard output. Neither ever carries a matched value.

mod allow;
mod args;
mod batch;
mod cost;
mod destination;
mod explain;
mod filter;
#[cfg(feature = "forward")]
mod forward;
#[cfg(feature = "msgpack")]
mod host;
mod import;
mod mask;
mod rules;
mod settings;

use std::{
    error::Error as _,
    io::{self, IsTerminal as _, Write},
    path::PathBuf,
    process::ExitCode,
};

use anstream::{AutoStream, ColorChoice};
use clap::{CommandFactory as _, Parser as _, error::ErrorKind};

use self::{
    args::{Args, Config, Verb},
    mask::masked,
    settings::{Environment, Settings},
};
use crate::{error::Error, rules::RuleSet, sink, source::stdin};

#[cfg(feature = "msgpack")]
pub use self::host::{Scrubbers, scrubbers};

/// When each stream is written in colour.
#[derive(Clone, Copy)]
struct Colors {
    stdout: ColorChoice,
    stderr: ColorChoice,
}

impl Colors {
    fn new(choice: Option<&str>, environment: &Environment) -> Colors {
        let of = |is_terminal| color_choice(choice, environment.is_plain(), is_terminal);
        Colors { stdout: of(io::stdout().is_terminal()), stderr: of(io::stderr().is_terminal()) }
    }
}

/// Looks at the standard descriptors. To be called before the standard library opens `/dev/null` in
/// place of those that are closed; what is never called tells of none.
#[doc(hidden)]
pub fn remember_closed_descriptors() {
    stdin::remember_closed();
    sink::remember_closed();
}

/// Every verb with its flags, for tests that go through all of them.
#[doc(hidden)]
#[must_use]
pub fn command() -> clap::Command {
    Args::command()
}

/// Runs what was typed, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    install_panic_hook();
    let environment = match Environment::read() {
        Ok(environment) => environment,
        Err(error) => return end(Err(error), 0, ColorChoice::Never),
    };
    let mut colors = Colors::new(None, &environment);
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return end(answer(&error, colors), 0, colors.stderr),
    };
    colors = Colors::new(args.common.color.as_deref(), &environment);
    let result = run(&args, &environment, &mut colors);
    end(result, args.common.quiet, colors.stderr)
}

fn end(result: Result<u8, Error>, quiet: u8, stderr: ColorChoice) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) if error.is_broken_pipe() => die_of_broken_pipe(),
        Err(error) => {
            if quiet < 2 {
                complain(&error, stderr);
            }
            ExitCode::from(error.exit_code())
        }
    }
}

/// What clap answers in our place: help on standard output, or what was wrong with the arguments.
fn answer(error: &clap::Error, colors: Colors) -> Result<u8, Error> {
    let text = error.render().ansi().to_string();
    if !error.use_stderr() {
        return Out::new(colors.stdout).text(&text);
    }
    // Colour codes would part a secret, so what is masked is told without colour.
    let plain = error.render().to_string();
    let safe = masked(&plain);
    let text = if safe == plain { text } else { safe };
    let name = if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        ""
    } else {
        "logscrub: "
    };
    say(&format!("{name}{text}"), colors.stderr);
    Ok(2)
}

fn run(args: &Args, environment: &Environment, colors: &mut Colors) -> Result<u8, Error> {
    if args.version {
        let (version, n_rules) = (env!("CARGO_PKG_VERSION"), RuleSet::embedded().rules().len());
        let cpu = settings::cpu(environment)?;
        return Out::new(colors.stdout)
            .text(&format!("logscrub {version} ({n_rules} rules, cpu {cpu})\n"));
    }
    let verb = match &args.verb {
        // These must help also where the configuration is broken.
        Some(Verb::Completions { shell }) => {
            return Out::new(colors.stdout).bytes(&completions(*shell));
        }
        Some(Verb::Man) => return Out::new(colors.stdout).bytes(&manual()),
        Some(Verb::Config(Config::Check { file })) => return settings::check(file).map(|()| 0),
        Some(Verb::Config(Config::Path)) => {
            return show_paths(args, environment, &mut Out::new(colors.stdout));
        }
        None if io::stdin().is_terminal() => {
            return Err(no_input(args.common.quiet, colors.stderr));
        }
        verb => verb,
    };
    let settings = match verb {
        // Flags of the filter that batch has too are typed behind the verb.
        Some(Verb::Batch(batch)) => {
            settings::settle(&Args { filter: batch.as_filter(), ..args.clone() }, environment)?
        }
        _ => settings::settle(args, environment)?,
    };
    *colors = Colors::new(Some(&settings.color), environment);
    let Some(verb) = verb else { return filter::run(args, &settings, colors.stderr) };
    let mut out = Out::new(colors.stdout);
    match verb {
        Verb::Batch(batch) => batch::run(batch, &settings, &mut out, colors.stderr),
        Verb::Config(Config::Show { json }) => show_config(&settings, *json, &mut out),
        Verb::Rules(verb) => rules::run(verb, &settings, &mut out),
        Verb::Explain { files, json, why, show_secrets } => {
            let question =
                explain::Question { view: explain::View::new(*json, *show_secrets)?, why: *why };
            explain::run(&settings, files, question, &mut out, |error| {
                if settings.quiet < 2 {
                    complain(error, colors.stderr);
                }
            })
        }
        #[cfg(feature = "forward")]
        Verb::Forward(verb) => {
            drop(out);
            forward::run(args, verb, &settings)
        }
        Verb::Config(Config::Check { .. } | Config::Path)
        | Verb::Completions { .. }
        | Verb::Man => {
            unreachable!("answered before the settings are read")
        }
    }
}

/// A filter with nothing to filter: the short help, and what is missing below it, where the eye is.
fn no_input(quiet: u8, stderr: ColorChoice) -> Error {
    if quiet < 2 {
        say(&format!("{}\n", Args::command().render_help().ansi()), stderr);
    }
    Error::usage("standard input is a terminal").hint("give it a log: logscrub < app.log")
}

/// Standard output, with colour where it is wanted.
struct Out {
    stream: AutoStream<io::StdoutLock<'static>>,
}

impl Out {
    fn new(color: ColorChoice) -> Out {
        Out { stream: AutoStream::new(io::stdout().lock(), color) }
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<u8, Error> {
        sink::check_open()?;
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
            let value = serde_json::to_value(told(&shown.value)).expect("settings are plain data");
            (
                masked(&shown.key),
                serde_json::json!({ "value": value, "source": masked(&shown.source) }),
            )
        });
        let object: serde_json::Map<_, _> = shown.collect();
        return out.text(&format!("{}\n", serde_json::Value::from(object)));
    }
    let line = |shown: &settings::Shown| {
        format!("{} = {}  # {}\n", masked(&shown.key), told(&shown.value), masked(&shown.source))
    };
    out.text(&settings.shown.iter().map(line).collect::<String>())
}

/// A value of the configuration without what the rules find in its texts.
fn told(value: &toml::Value) -> toml::Value {
    match value {
        toml::Value::String(text) => masked(text).into(),
        toml::Value::Array(items) => items.iter().map(told).collect::<Vec<_>>().into(),
        toml::Value::Table(table) => table
            .iter()
            .map(|(key, item)| (masked(key), told(item)))
            .collect::<toml::Table>()
            .into(),
        other => other.clone(),
    }
}

fn show_paths(args: &Args, environment: &Environment, out: &mut Out) -> Result<u8, Error> {
    let line = |path: &PathBuf| {
        let note = match path.try_exists() {
            Ok(true) => "",
            Ok(false) => "  (not there)",
            Err(_) => "  (cannot be read)",
        };
        format!("{}{note}\n", masked(&path.display().to_string()))
    };
    out.text(&environment.files(args.common.config.as_deref()).iter().map(line).collect::<String>())
}

fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "logscrub", &mut text);
    text
}

/// The manual page: the program, then each verb in a section of its own.
fn manual() -> Vec<u8> {
    let command = Args::command().version(env!("CARGO_PKG_VERSION"));
    let mut text = Vec::new();
    let whole = "a vector takes everything";
    let page = clap_mangen::Man::new(command.clone());
    page.render_title(&mut text).expect(whole);
    page.render_name_section(&mut text).expect(whole);
    page.render_synopsis_section(&mut text).expect(whole);
    page.render_description_section(&mut text).expect(whole);
    page.render_options_section(&mut text).expect(whole);
    manual_of_verbs(&command, "logscrub", &mut text);
    page.render_extra_section(&mut text).expect(whole);
    text
}

/// Verbs that do something, with their own flags; those of the program hold for them too and are
/// not told again.
fn manual_of_verbs(command: &clap::Command, path: &str, text: &mut Vec<u8>) {
    for verb in command.get_subcommands() {
        let path = format!("{path} {}", verb.get_name());
        if verb.has_subcommands() {
            manual_of_verbs(verb, &path, text);
            continue;
        }
        text.extend_from_slice(format!(".SH {}\n", path.to_uppercase()).as_bytes());
        let page = clap_mangen::Man::new(verb.clone().bin_name(&path).disable_help_flag(true));
        let mut sections = Vec::new();
        let whole = "a vector takes everything";
        page.render_synopsis_section(&mut sections).expect(whole);
        page.render_description_section(&mut sections).expect(whole);
        if verb.get_arguments().next().is_some() {
            page.render_options_section(&mut sections).expect(whole);
        }
        let sections = String::from_utf8(sections).expect("the help is text");
        text.extend_from_slice(sections.replace(".SH ", ".SS ").as_bytes());
    }
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
    let message = masked(&message);
    let red = anstyle::AnsiColor::Red.on_default().bold();
    let mut text = format!("logscrub: {red}error:{red:#} {message}\n");
    if let Some(hint) = error.mend() {
        let green = anstyle::AnsiColor::Green.on_default();
        text.push_str(&format!("{green}hint:{green:#} {}\n", masked(hint)));
    }
    say(&text, color);
}

/// Writes to standard error; when that is closed nobody listens.
fn say(text: &str, color: ColorChoice) {
    let mut stream = AutoStream::new(io::stderr().lock(), color);
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

/// The end that a closed reader brings: by the signal, so that `pipefail` sees it; as PID 1 by its
/// code. There the kernel drops a signal that has no handler, and the emulation, left alive, ends
/// in an abort that is dropped too and a trap that is not.
fn die_of_broken_pipe() -> ExitCode {
    if std::process::id() != 1 {
        // When the signal cannot be raised, the exit code says the same.
        let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGPIPE);
    }
    ExitCode::from(141)
}

/// Place and version, never the payload: a message of a fault could quote the log.
fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |at| {
            format!(" at {}:{}:{}", at.file(), at.line(), at.column())
        });
        let version = env!("CARGO_PKG_VERSION");
        say(
            &format!(
                "logscrub: internal fault{place}, version {version}; this is a bug, please report it\n"
            ),
            ColorChoice::Never,
        );
    }));
}
