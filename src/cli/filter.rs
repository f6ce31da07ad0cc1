//! No verb: files, or standard input, to standard output.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Command;

use super::{
    args,
    resolve::{self, Environment, Typed},
    settings::{Settings, Summary},
    terminal::{Terminal, UNEXAMINED},
};
use crate::{
    BLOCK,
    error::Error,
    report,
    scrub::Scrubber,
    source::input::Place,
    stream::pipe::{self, Answers, End, Hangup, Options, Reloaded, RequestHandler, Signals},
};

/// SIGINT ended the filter.
const INTERRUPTED: u8 = 130;

/// What the filter was started with.
pub(super) struct Start<'s> {
    pub(super) files: &'s [PathBuf],
    pub(super) typed: &'s Typed,
    pub(super) settings: &'s Settings,
}

pub(super) fn run(start: &Start<'_>, terminal: Terminal) -> Result<u8, Error> {
    let Start { files, settings, .. } = start;
    let inputs: Vec<Place> = match files {
        [] => vec![Place::Stdin],
        files => files.iter().map(|file| Place::new(file)).collect(),
    };
    // Before the rules, which take a while to load: a signal may come meanwhile.
    let reloads = settings.output.is_some() || settings.reads_files;
    let signals = Signals::install(Answers {
        hangup: if reloads { Hangup::Reloads } else { Hangup::Ends },
        reads_only_stdin: inputs == [Place::Stdin],
        grace: settings.grace,
    })?;
    let mut scrubber = settings.scrubber()?;
    let options = Options {
        inputs,
        max_record: settings.max_record,
        buffer: BLOCK,
        threads: settings.threads,
        hold: settings.hold,
        output: settings.output.clone(),
        dry_run: settings.dry_run,
    };
    let mut session = Session { start, terminal, begin: Instant::now(), n_failed: 0 };
    let result = pipe::run(&options, &mut scrubber, signals, &mut session);
    // After the reader has exited, nothing is printed.
    if !result.as_ref().is_err_and(Error::is_broken_pipe) {
        session.summarise(&scrubber);
    }
    Ok(session.exit_code(&scrubber, result?))
}

/// Answers signals: resolves the settings anew and prints on standard error.
struct Session<'s> {
    /// With the settings of the start: the number of threads, the longest record and the form of
    /// the summary do not change.
    start: &'s Start<'s>,
    terminal: Terminal,
    begin: Instant,
    /// Inputs that could not be read or examined.
    n_failed: u64,
}

impl Session<'_> {
    fn resolve_again(&self) -> Result<Reloaded, Error> {
        let settings = resolve::resolve(self.start.typed, &Environment::read()?)?;
        let scrubber = settings.scrubber()?;
        Ok(Reloaded {
            scrubber,
            hold: settings.hold,
            grace: settings.grace,
            output: settings.output,
        })
    }

    /// Prints what failed after SIGHUP.
    fn reload_failed(&self, consequence: &str, error: Error) {
        let hint = error.fix().map(str::to_owned);
        let failed = Error::usage(format!("SIGHUP: {consequence}")).because(error);
        self.terminal.complain(&hint.into_iter().fold(failed, Error::hint));
    }

    fn summary(&self, form: Summary, scrubber: &Scrubber) -> String {
        let (rules, tally) = (scrubber.rules(), scrubber.tally());
        let seconds = self.begin.elapsed().as_secs_f64();
        match form {
            Summary::Json => format!("{}\n", report::json(rules, tally, seconds)),
            _ => report::human(rules, tally, seconds),
        }
    }

    fn summarise(&self, scrubber: &Scrubber) {
        let settings = self.start.settings;
        let is_worth_telling = settings.verbose || scrubber.tally().incomplete() > 0;
        match settings.summary {
            _ if settings.quiet > 0 => {}
            Summary::None => {}
            Summary::Auto if !is_worth_telling => {}
            form => self.terminal.say(&self.summary(form, scrubber)),
        }
    }

    fn exit_code(&self, scrubber: &Scrubber, end: End) -> u8 {
        let tally = scrubber.tally();
        if end == End::Interrupted {
            INTERRUPTED
        } else if self.n_failed > 0 || tally.incomplete() > 0 {
            UNEXAMINED
        } else {
            u8::from(self.start.settings.fail_on_findings && tally.findings() > 0)
        }
    }

    /// The verb that a missing file was probably meant to be.
    fn nearest_verb(&self) -> Option<String> {
        let [file, ..] = self.start.files else { return None };
        let is_missing = matches!(Path::try_exists(file), Ok(false));
        let word = file.to_str().filter(|_| is_missing)?;
        let command = args::command();
        let verbs = command.get_subcommands().map(Command::get_name);
        let nearest = verbs.map(|verb| (strsim::damerau_levenshtein(word, verb), verb)).min()?;
        (nearest.0 <= 2).then(|| nearest.1.to_owned())
    }
}

impl RequestHandler for Session<'_> {
    fn reload(&mut self) -> Option<Reloaded> {
        let reloaded = self.resolve_again();
        if reloaded.is_ok() && self.start.settings.verbose {
            self.terminal.say("logscrub: configuration and rules were reloaded\n");
        }
        let failed = |error| self.reload_failed("the old rules and configuration stay", error);
        reloaded.map_err(failed).ok()
    }

    fn reopen_failed(&mut self, error: Error) {
        self.reload_failed("the old output file stays", error);
    }

    fn input_failed(&mut self, error: Error) {
        self.n_failed += 1;
        // Only the first word can have been meant as a verb.
        let error = match self.nearest_verb() {
            Some(verb) if self.n_failed == 1 && error.fix().is_none() => {
                error.hint(format!("did you mean the command `logscrub {verb}`?"))
            }
            _ => error,
        };
        self.terminal.complain(&error);
    }

    fn report(&mut self, scrubber: &Scrubber) {
        self.terminal.say(&self.summary(self.start.settings.summary, scrubber));
    }
}
