//! No verb: standard input to standard output.

use anstream::ColorChoice;

use super::{
    say,
    settings::{Settings, Summary},
};
use crate::{
    BLOCK,
    error::Error,
    report,
    scrub::Scrubber,
    stream::pipe::{self, End, Options},
    tally::Tally,
};

/// Something could not be examined.
pub(super) const UNEXAMINED: u8 = 3;

/// SIGINT ended it.
const INTERRUPTED: u8 = 130;

pub(super) fn run(settings: &Settings, stderr: ColorChoice) -> Result<u8, Error> {
    let rules = settings.rules()?;
    let mut scrubber = Scrubber::for_cpu(&rules, &settings.policy, settings.cpu)?.with_format(settings.format);
    if let Some(marker) = &settings.fault {
        scrubber.fail_on(marker.as_bytes());
    }
    let options = Options {
        max_record: settings.max_record,
        buffer: BLOCK,
        threads: settings.threads,
        hold: settings.hold,
        grace: settings.grace,
        output: settings.output.clone(),
        dry_run: settings.dry_run,
    };
    let begin = std::time::Instant::now();
    let result = pipe::run(&options, &mut scrubber);
    // The reader's end is no time for words.
    if !result.as_ref().is_err_and(Error::is_broken_pipe) {
        summarise(settings, &scrubber, begin.elapsed().as_secs_f64(), stderr);
    }
    Ok(exit_code(settings, scrubber.tally(), result?))
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
