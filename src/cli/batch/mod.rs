//! `logscrub batch`: files, trees and archives, copied or in place.

mod args;
mod destination;
mod interrupt;
mod progress;
mod walk;

use std::{
    fs, io,
    num::NonZero,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::Instant,
};

pub(super) use self::args::Batch;
use self::{
    destination::Inputs,
    interrupt::Interrupt,
    progress::{Display, Progress},
};
use super::{
    flags::Effect,
    resolve::shown,
    rule_text,
    settings::{Settings, Summary},
    terminal::{Terminal, UNEXAMINED},
};
use crate::{
    batch::{self, MANIFEST, Manifest, Names, Options, Target},
    error::Error,
    report::{self, batch::Report},
    rules::RuleSet,
    scrub::Scrubber,
    sink::file,
    source::tree::{Passed, Walked},
};

/// `--verify-manifest` failed, or an output was withheld by verification.
const NOT_VERIFIED: u8 = 4;

/// One run.
struct Run<'r> {
    batch: &'r Batch,
    settings: &'r Settings,
    terminal: Terminal,
    rules: RuleSet,
    scrubber: Scrubber,
}

pub(super) fn run(batch: &Batch, settings: &Settings, terminal: Terminal) -> Result<u8, Error> {
    let rules = settings.rules()?;
    let mut scrubber = settings.scrubber()?;
    if batch.report.is_some() || settings.summary == Summary::Json {
        scrubber = scrubber.counting_days();
    }
    let mut names = Names::new(&scrubber);
    let run = Run { batch, settings, terminal, rules, scrubber };
    let result = match &batch.verify_manifest {
        Some(folder) => run.verify(folder),
        None => run.scrub(&mut names),
    };
    // Messages about a file name it, and its name may hold a secret.
    result.map_err(|error| error.in_words(&mut |words| names.shown(words.as_bytes())))
}

impl Run<'_> {
    fn scrub(&self, names: &mut Names) -> Result<u8, Error> {
        let target = self.batch.target(self.settings)?;
        let roots = walk::roots(self.batch, &target)?;
        let interrupt = Interrupt::default();
        let options = self.options(target, interrupt.flag())?;
        let manifest = walk::manifest(self.batch, &roots, &options.target);
        let walked = self.walk(&roots, &options.target, manifest.as_deref())?;
        let manifest = manifest.map(|path| Manifest::open(&path)).transpose()?;
        walk::sweep(&roots, &options.target);
        if manifest.is_some() {
            // If nothing is written, a signal may end the program at once, as it does by default.
            interrupt.install()?;
        }
        let begin = Instant::now();
        let is_hidden = self.settings.quiet > 0 || self.batch.no_progress;
        let display = if is_hidden { Display::Hidden } else { Display::Shown };
        let progress = Progress::new(&walked.files, display, self.terminal);
        let summary = progress.during(|| {
            batch::run(&walked.files, &options, &self.scrubber, manifest.as_ref(), &progress)
        })?;
        let skipped: Vec<(String, String)> = walked
            .skipped
            .iter()
            .map(|(path, why)| (names.shown(path.as_os_str().as_encoded_bytes()), why.to_string()))
            .collect();
        self.report(&Report {
            rules: &self.rules,
            tally: &summary.tally,
            n_done: summary.n_done,
            n_before: summary.n_before,
            bytes_in: summary.bytes_in,
            bytes_out: summary.bytes_out,
            files: &summary.files,
            unexamined: &summary.unexamined,
            skipped: &skipped,
            digest: &options.digest,
            seconds: begin.elapsed().as_secs_f64(),
        })?;
        if summary.n_left > 0 {
            let n_done = summary.n_done + summary.n_before;
            return Ok(self.interrupted(&interrupt, n_done, walked.files.len() as u64));
        }
        Ok(self.exit_code(&summary, &walked.skipped))
    }

    /// The files to scrub; an output among the inputs is an error.
    fn walk(
        &self,
        roots: &[PathBuf],
        target: &Target,
        manifest: Option<&Path>,
    ) -> Result<Walked, Error> {
        let filter = self.batch.filter()?;
        let Target::Mirror(folder) = target else {
            return walk::walk(roots, &filter, target, manifest);
        };
        let inputs = Inputs::new(roots);
        inputs.check_folder(folder)?;
        let walked = walk::walk(roots, &filter, target, manifest)?;
        inputs.check_files(&walked.files, folder)?;
        fs::create_dir_all(folder)
            .map_err(|error| Error::output(&folder.display().to_string(), error))?;
        Ok(walked)
    }

    fn options(&self, target: Target, stop: Arc<AtomicBool>) -> Result<Options, Error> {
        let (batch, settings) = (self.batch, self.settings);
        let n_cores = thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Options {
            target,
            depth: batch.depth(),
            memory: batch.memory()?,
            expansion: batch.expansion()?,
            recompress: batch.recompress()?,
            copies_unexamined: batch.copy_unexamined,
            n_threads: if settings.threads == 0 { n_cores } else { settings.threads },
            max_record: settings.max_record,
            digest: self.digest(),
            stop,
        })
    }

    /// A digest of everything that decides the output: the rules, the settings, and how files are
    /// written.
    fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for rule in self.rules.rules() {
            hasher.update(rule_text::whole(rule).to_string().as_bytes());
        }
        // The source of a setting changes nothing.
        let all = shown::all(self.settings);
        for shown in all.iter().filter(|shown| shown.effect == Effect::Output) {
            hasher.update(format!("{}={}\n", shown.key, shown.value).as_bytes());
        }
        let recompress = &self.batch.recompress;
        hasher.update(format!("{recompress:?} {}", env!("CARGO_PKG_VERSION")).as_bytes());
        hasher.finalize().to_hex().to_string()
    }

    fn report(&self, report: &Report<'_>) -> Result<(), Error> {
        if let Some(path) = &self.batch.report {
            write_page(path, report)?;
        }
        match self.settings.summary {
            Summary::Json => {
                let text = format!("{}\n", report::batch::json(report));
                self.terminal.out().text(&text).map(drop)
            }
            Summary::Auto | Summary::Human if self.settings.quiet == 0 => {
                self.terminal.say(&report::batch::human(report));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn interrupted(&self, interrupt: &Interrupt, n_done: u64, n_files: u64) -> u8 {
        let (name, code) = interrupt.outcome();
        let message = format!("interrupted by {name}: {n_done} of {n_files} files done");
        let error = Error::unexamined(message).hint("run the same command again to continue");
        self.terminal.complain(&error);
        code
    }

    fn exit_code(&self, summary: &batch::Summary, skipped: &[(PathBuf, Passed)]) -> u8 {
        // Links and devices are not logs; a file that could not be read may be one.
        let is_unread = skipped.iter().any(|(_, passed)| matches!(passed, Passed::Unreadable(_)));
        if summary.n_guarded > 0 {
            NOT_VERIFIED
        } else if !summary.unexamined.is_empty() || summary.tally.incomplete() > 0 || is_unread {
            UNEXAMINED
        } else {
            u8::from(self.settings.fail_on_findings && summary.tally.findings() > 0)
        }
    }

    /// `--verify-manifest`.
    fn verify(&self, folder: &Path) -> Result<u8, Error> {
        let options = self.options(Target::Nowhere, Arc::default())?;
        let path = if folder.is_dir() { folder.join(MANIFEST) } else { folder.to_owned() };
        fs::metadata(&path).map_err(|error| Error::unreadable(&path, error))?;
        let (n_files, faults) = batch::verify(&Manifest::open(&path)?, &options, &self.scrubber)?;
        for (path, fault) in &faults {
            let error = Error::unexamined(format!("{}: {fault}", path.escape_debug()));
            self.terminal.complain(&error);
        }
        if faults.is_empty() {
            self.terminal.say(&format!(
                "{n_files} of {n_files} files match the manifest, and nothing was found in them\n"
            ));
            return Ok(0);
        }
        let n_faults = faults.len();
        self.terminal.say(&format!("{n_faults} faults; the manifest lists {n_files} files\n"));
        Ok(NOT_VERIFIED)
    }
}

/// Writes the HTML report completely or not at all.
fn write_page(path: &Path, report: &Report<'_>) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    walk::sweep_folder(folder.unwrap_or(Path::new(".")));
    let mut fresh = file::NewFile::new(path)?;
    io::Write::write_all(&mut fresh, report::html::page(report).as_bytes())
        .map_err(|error| Error::output(&path.display().to_string(), error))?;
    fresh.publish()
}
