//! The command line.
//!
//! From the top down: `args` declares what can be typed; `resolve` makes `settings` from it, the
//! environment and the configuration files, by the declarations in `flags`; each verb has a file.
//! `terminal` and `mask` print.
//!
//! This module is not part of the library's interface. Only the program, the plugin of Fluent Bit
//! and the tests use its public items.

mod args;
mod batch;
mod config;
mod cost;
#[cfg(feature = "msgpack")]
mod embedded;
mod explain;
mod filter;
#[cfg(feature = "forward")]
mod forward;
mod import;
mod manual;
mod rules;

mod flags;
mod form;
mod mask;
mod named_input;
mod resolve;
mod rule_text;
mod settings;
mod terminal;

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use clap::{
    FromArgMatches as _,
    error::{ContextKind, ContextValue, ErrorKind},
};

#[cfg(feature = "msgpack")]
pub use self::embedded::{Scrubbers, scrubbers};
use self::{
    args::{Args, Verb},
    config::Config,
    filter::Start,
    mask::masked,
    resolve::{Environment, Typed},
    settings::Color,
    terminal::Terminal,
};
use crate::{error::Error, rules::RuleSet, sink, source::stdin};

/// Checks the standard descriptors. To be called before the standard library opens `/dev/null` in
/// place of closed ones; without the call they count as open.
pub fn remember_closed_descriptors() {
    stdin::remember_closed();
    sink::remember_closed();
}

/// Every verb with its flags.
#[must_use]
pub fn command() -> clap::Command {
    args::command()
}

/// Runs what was typed; the exit code says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    terminal::install_panic_hook();
    let environment = match Environment::read() {
        Ok(environment) => environment,
        Err(error) => return Terminal::plain().end(Err(error)),
    };
    let terminal = Terminal::new(Color::Auto, &environment);
    let parsed = command().try_get_matches().and_then(|matches| {
        let args = Args::from_arg_matches(&matches)?;
        Ok((args, matches))
    });
    let (args, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return terminal.end(answer(error, terminal)),
    };
    let typed = match Typed::new(&matches) {
        Ok(typed) => typed,
        Err(error) => return terminal.end(Err(error)),
    };
    let color = match typed.text("color") {
        Some("always") => Color::Always,
        Some("never") => Color::Never,
        _ => Color::Auto,
    };
    let terminal = Terminal::new(color, &environment).quiet(typed.count("quiet"));
    terminal.end(run(args, &typed, &environment, terminal))
}

/// What clap answers instead of running: help on standard output, or an error in the arguments.
fn answer(mut error: clap::Error, terminal: Terminal) -> Result<u8, Error> {
    remove_value_tip(&mut error);
    let text = error.render().ansi().to_string();
    if !error.use_stderr() {
        return terminal.out().text(&text);
    }
    // Colour codes would divide a secret, so a masked message is printed without colour.
    let plain = error.render().to_string();
    let safe = masked(&plain);
    let text = if safe == plain { text } else { safe };
    let name = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "",
        _ => "logscrub: ",
    };
    terminal.say(&format!("{name}{text}"));
    Ok(2)
}

/// Removes the tip "to pass '--x' as a value, use '-- --x'". Hardly any file is called like a flag,
/// and masking takes `pass '--x'` for a password, so that an innocent word would be hidden.
fn remove_value_tip(error: &mut clap::Error) {
    let Some(ContextValue::StyledStrs(mut tips)) = error.remove(ContextKind::Suggested) else {
        return;
    };
    tips.retain(|tip| !tip.to_string().starts_with("to pass "));
    if !tips.is_empty() {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
}

fn run(
    args: Args,
    typed: &Typed,
    environment: &Environment,
    terminal: Terminal,
) -> Result<u8, Error> {
    // These must work with a broken configuration, too.
    if typed.has("version") {
        return terminal.out().text(&version(environment)?);
    }
    match &args.verb {
        Some(Verb::Completions { shell }) => {
            return terminal.out().bytes(&manual::completions(*shell, command()));
        }
        Some(Verb::Man) => return terminal.out().bytes(&manual::page(command())),
        Some(Verb::Config(Config::Check { file })) => return resolve::check(file).map(|()| 0),
        Some(Verb::Config(Config::Path)) => {
            return config::paths(&environment.files(typed.config()), &mut terminal.out());
        }
        None if args.files.is_empty() && io::stdin().is_terminal() => {
            return Err(no_input(terminal));
        }
        _ => {}
    }
    let settings = resolve::resolve(typed, environment)?;
    let terminal = Terminal::new(settings.color, environment).quiet(settings.quiet);
    match args.verb {
        None => {
            let start = Start { files: &args.files, typed, settings: &settings };
            filter::run(&start, terminal)
        }
        Some(Verb::Explain(explain)) => explain::run(&explain, &settings, terminal),
        Some(Verb::Batch(batch)) => batch::run(&batch, &settings, terminal),
        #[cfg(feature = "forward")]
        Some(Verb::Forward(forward)) => forward::run(&forward, typed, &settings),
        Some(Verb::Rules(rules)) => rules::run(&rules, &settings, &mut terminal.out()),
        Some(Verb::Config(Config::Show { json })) => {
            config::show(&settings, json.into(), &mut terminal.out())
        }
        Some(
            Verb::Config(Config::Check { .. } | Config::Path)
            | Verb::Completions { .. }
            | Verb::Man,
        ) => {
            unreachable!("answered before the settings are resolved")
        }
    }
}

fn version(environment: &Environment) -> Result<String, Error> {
    let (version, n_rules) = (env!("CARGO_PKG_VERSION"), RuleSet::embedded().rules().len());
    let cpu = resolve::cpu(environment)?;
    Ok(format!("logscrub {version} ({n_rules} rules, cpu {cpu})\n"))
}

/// The filter without an input: the short help, and below it, where it is seen, what is missing.
fn no_input(terminal: Terminal) -> Error {
    if terminal.quiet < 2 {
        terminal.say(&format!("{}\n", command().render_help().ansi()));
    }
    Error::usage("standard input is a terminal")
        .hint("name a file, as in `logscrub app.log`, or `-` to read the terminal")
}
