//! No verb: standard input to standard output.

use anstream::ColorChoice;

use super::{
    args::Args,
    complain, say,
    settings::{self, Environment, Settings, Summary},
};
use crate::{
    BLOCK,
    error::Error,
    report,
    scrub::Scrubber,
    stream::pipe::{self, End, Options, Reloaded, RequestHandler, Signals},
    tally::Tally,
};

/// Something could not be examined.
pub(super) const UNEXAMINED: u8 = 3;

/// SIGINT ended it.
const INTERRUPTED: u8 = 130;

pub(super) fn run(args: &Args, settings: &Settings, stderr: ColorChoice) -> Result<u8, Error> {
    // First of all, since rules take a while to load and a signal may come meanwhile.
    let signals =
        Signals::install(settings.output.is_some() || settings.reads_files, settings.grace)?;
    let mut scrubber = scrubber(settings)?;
    let options = Options {
        max_record: settings.max_record,
        buffer: BLOCK,
        threads: settings.threads,
        hold: settings.hold,
        output: settings.output.clone(),
        dry_run: settings.dry_run,
    };
    let begin = std::time::Instant::now();
    let mut caller = Terminal { args, settings, stderr, begin };
    let result = pipe::run(&options, &mut scrubber, signals, &mut caller);
    // The reader's end is no time for words.
    if !result.as_ref().is_err_and(Error::is_broken_pipe) {
        summarise(settings, &scrubber, begin.elapsed().as_secs_f64(), stderr);
    }
    Ok(exit_code(settings, scrubber.tally(), result?))
}

fn scrubber(settings: &Settings) -> Result<Scrubber, Error> {
    let mut scrubber = Scrubber::for_cpu(&settings.rules()?, &settings.policy, settings.cpu)?
        .with_format(settings.format);
    if let Some(marker) = &settings.fault {
        scrubber.fail_on(marker.as_bytes());
    }
    Ok(scrubber)
}

/// Answers signals: reads what was typed, the environment and the files anew, and tells on standard
/// error.
struct Terminal<'s> {
    args: &'s Args,
    /// As they were at the start: how many threads there are, the longest record and how the end is
    /// told do not change.
    settings: &'s Settings,
    stderr: ColorChoice,
    begin: std::time::Instant,
}

impl Terminal<'_> {
    fn read(&self) -> Result<Reloaded, Error> {
        let settings = settings::settle(self.args, &Environment::read()?)?;
        let scrubber = scrubber(&settings)?;
        Ok(Reloaded {
            scrubber,
            hold: settings.hold,
            grace: settings.grace,
            output: settings.output,
        })
    }

    /// Says what could not be done on SIGHUP.
    fn tell(&self, what: &str, error: Error) {
        if self.settings.quiet >= 2 {
            return;
        }
        let hint = error.mend().map(str::to_owned);
        let told = Error::usage(format!("SIGHUP: {what}")).because(error);
        complain(&hint.into_iter().fold(told, Error::hint), self.stderr);
    }
}

impl RequestHandler for Terminal<'_> {
    fn reload(&mut self) -> Option<Reloaded> {
        let read = self.read();
        if read.is_ok() && self.settings.verbose {
            say("logscrub: configuration and rules were read anew\n", self.stderr);
        }
        read.map_err(|error| self.tell("the old rules and configuration stay", error)).ok()
    }

    fn reopen_failed(&mut self, error: Error) {
        self.tell("the old output file stays", error);
    }

    fn report(&mut self, scrubber: &Scrubber) {
        let (rules, tally, seconds) =
            (scrubber.rules(), scrubber.tally(), self.begin.elapsed().as_secs_f64());
        let text = match self.settings.summary {
            Summary::Json => format!("{}\n", report::json(rules, tally, seconds)),
            _ => report::human(rules, tally, seconds),
        };
        say(&text, self.stderr);
    }
}

/// Whether something was masked because it could not be examined, or could not be waited for.
fn is_incomplete(tally: &Tally) -> bool {
    tally.incomplete() > 0
}

fn exit_code(settings: &Settings, tally: &Tally, end: End) -> u8 {
    if end == End::Interrupted {
        INTERRUPTED
    } else if is_incomplete(tally) {
        UNEXAMINED
    } else {
        u8::from(settings.fail_on_findings && tally.findings() > 0)
    }
}

fn summarise(settings: &Settings, scrubber: &Scrubber, seconds: f64, stderr: ColorChoice) {
    let tally = scrubber.tally();
    let form = match settings.summary {
        _ if settings.quiet > 0 => Summary::None,
        Summary::Auto if settings.verbose || is_incomplete(tally) => Summary::Human,
        Summary::Auto => Summary::None,
        form => form,
    };
    let text = match form {
        Summary::Human => report::human(scrubber.rules(), tally, seconds),
        Summary::Json => format!("{}\n", report::json(scrubber.rules(), tally, seconds)),
        Summary::Auto | Summary::None => return,
    };
    say(&text, stderr);
}
