//! `logscrub batch`: files and trees, mirrored or in place.

use std::{
    collections::HashSet,
    fs,
    io::{self, IsTerminal as _, Read as _},
    num::NonZero,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use anstream::ColorChoice;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use super::{
    Out,
    args::Batch,
    complain,
    destination::Inputs,
    say,
    settings::{self, Settings},
};
use crate::{
    batch::{
        self, Expansion, MANIFEST, Manifest, Names, Options, Target, Watch,
        codecs::{self, Codec},
    },
    error::Error,
    report::{self, batch::Report},
    rules::RuleSet,
    scrub::Scrubber,
    sink::file,
    source::{
        stdin,
        tree::{self, Filter, Found, Passed},
    },
    tally::Day,
};

/// `--verify-manifest` failed, or the guard withheld an output.
const NOT_VERIFIED: u8 = 4;

/// Something could not be examined.
const UNEXAMINED: u8 = 3;

/// Where nobody watches, progress is a line every so often.
const LINE_EVERY: Duration = Duration::from_secs(30);

pub(super) fn run(
    batch: &Batch,
    settings: &Settings,
    out: &mut Out,
    stderr: ColorChoice,
) -> Result<u8, Error> {
    let rules = settings.rules()?;
    let mut scrubber =
        Scrubber::for_cpu(&rules, &settings.policy, settings.cpu)?.with_format(settings.format);
    if let Some(marker) = &settings.fault {
        scrubber.fail_on(marker.as_bytes());
    }
    if batch.report.is_some() || settings.summary == settings::Summary::Json {
        scrubber = scrubber.counting_days();
    }
    let mut names = Names::new(&scrubber);
    // What is told of a file names it, and its name may hold a secret.
    work(batch, settings, &rules, &scrubber, &mut names, out, stderr)
        .map_err(|error| error.in_words(&mut |words| names.shown(words.as_bytes())))
}

fn work(
    batch: &Batch,
    settings: &Settings,
    rules: &RuleSet,
    scrubber: &Scrubber,
    names: &mut Names,
    out: &mut Out,
    stderr: ColorChoice,
) -> Result<u8, Error> {
    if let Some(folder) = &batch.verify_manifest {
        let options = options(batch, settings, rules, (Target::Nowhere, Arc::default()))?;
        return verify(folder, &options, scrubber, stderr);
    }
    let target = target(batch)?;
    let roots = roots(batch, &target)?;
    let stop = Stop::default();
    let options = options(batch, settings, rules, (target, Arc::clone(&stop.is_asked)))?;
    let filter = filter(batch)?;
    let inputs = Inputs::new(&roots);
    if let Target::Mirror(folder) = &options.target {
        inputs.check_folder(folder)?;
    }
    let manifest = manifest_path(batch, &roots, &options.target);
    let walked = walk(&roots, &filter, &options.target, manifest.as_deref())?;
    if let Target::Mirror(folder) = &options.target {
        inputs.check_files(&walked.files, folder)?;
        fs::create_dir_all(folder)
            .map_err(|error| Error::output(&folder.display().to_string(), error))?;
    }
    let manifest = manifest.map(|path| Manifest::open(&path)).transpose()?;
    sweep(&roots, &options.target);
    if manifest.is_some() {
        // Where nothing is written a signal may end the program at once, as it does by default.
        stop.on_signals()?;
    }
    let begin = Instant::now();
    let progress = Progress::new(&walked.files, settings.quiet > 0 || batch.no_progress, stderr);
    let summary = progress
        .during(|| batch::run(&walked.files, &options, scrubber, manifest.as_ref(), &progress))?;
    let skipped = walked.skipped.iter();
    let skipped: Vec<(String, String)> = skipped
        .map(|(path, reason)| {
            (names.shown(path.as_os_str().as_encoded_bytes()), reason.to_string())
        })
        .collect();
    let report = Report {
        rules,
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
    };
    tell(batch, settings, &report, out, stderr)?;
    if summary.n_left > 0 {
        let signal = stop.signal.load(Ordering::Relaxed);
        let name = if signal == SIGINT as usize { "SIGINT" } else { "SIGTERM" };
        let (n_done, n_files) = (summary.n_done + summary.n_before, walked.files.len());
        if settings.quiet < 2 {
            let words = format!(
                "interrupted by {name}: {n_done} of {n_files} files done; run again to go on"
            );
            complain(&Error::unexamined(words), stderr);
        }
        return Ok(u8::try_from(128 + signal).unwrap_or(u8::MAX));
    }
    Ok(code(settings, &summary, &walked.skipped))
}

/// SIGINT and SIGTERM end a run after what is finished; the second of either ends it at once.
#[derive(Default)]
struct Stop {
    is_asked: Arc<AtomicBool>,
    /// Which signal asked.
    signal: Arc<AtomicUsize>,
}

impl Stop {
    fn on_signals(&self) -> Result<(), Error> {
        for signal in [SIGINT, SIGTERM] {
            if is_ignored(signal) {
                continue;
            }
            let failed = |error: io::Error| Error::input("signals", error);
            // The second signal finds the flag set by the first and quits at once.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&self.is_asked))
                .map_err(failed)?;
            flag::register_usize(signal, Arc::clone(&self.signal), signal.unsigned_abs() as usize)
                .map_err(failed)?;
            flag::register(signal, Arc::clone(&self.is_asked)).map_err(failed)?;
        }
        Ok(())
    }
}

/// Whether the program was started with `signal` ignored, as a shell does with SIGINT for jobs in
/// the background. Where the system does not say, it was not.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

fn code(settings: &Settings, summary: &batch::Summary, skipped: &[(PathBuf, Passed)]) -> u8 {
    // Links and devices are no logs; what could not be read may be one.
    let is_unread = skipped.iter().any(|(_, passed)| matches!(passed, Passed::Unreadable(_)));
    if summary.n_guarded > 0 {
        NOT_VERIFIED
    } else if !summary.unexamined.is_empty() || summary.tally.incomplete() > 0 || is_unread {
        UNEXAMINED
    } else {
        u8::from(settings.fail_on_findings && summary.tally.findings() > 0)
    }
}

fn tell(
    batch: &Batch,
    settings: &Settings,
    report: &Report<'_>,
    out: &mut Out,
    stderr: ColorChoice,
) -> Result<(), Error> {
    use settings::Summary;
    if let Some(path) = &batch.report {
        sweep_folder(
            path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")),
        );
        let mut fresh = file::NewFile::new(path)?;
        let written = io::Write::write_all(&mut fresh, report::html::page(report).as_bytes());
        written.map_err(|error| Error::output(&path.display().to_string(), error))?;
        fresh.publish()?;
    }
    match settings.summary {
        Summary::Json => out.text(&format!("{}\n", report::batch::json(report))).map(drop),
        Summary::Auto | Summary::Human if settings.quiet == 0 => {
            say(&report::batch::human(report), stderr);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn verify(
    folder: &Path,
    options: &Options,
    scrubber: &Scrubber,
    stderr: ColorChoice,
) -> Result<u8, Error> {
    let path = if folder.is_dir() { folder.join(MANIFEST) } else { folder.to_owned() };
    fs::metadata(&path).map_err(|error| Error::unreadable(&path, error))?;
    let (n_files, faults) = batch::verify(&Manifest::open(&path)?, options, scrubber)?;
    for (path, fault) in &faults {
        complain(&Error::unexamined(format!("{}: {fault}", path.escape_debug())), stderr);
    }
    let words = if faults.is_empty() {
        format!(
            "{n_files} of {n_files} files are as the manifest says, with nothing to find in them\n"
        )
    } else {
        format!("{} faults; the manifest has {n_files} files\n", faults.len())
    };
    say(&words, stderr);
    Ok(if faults.is_empty() { 0 } else { NOT_VERIFIED })
}

fn roots(batch: &Batch, target: &Target) -> Result<Vec<PathBuf>, Error> {
    let mut roots = batch.paths.clone();
    if let Some(list) = &batch.files_from {
        let mut bytes = Vec::new();
        let read = if list == Path::new("-") {
            stdin::lock()?.read_to_end(&mut bytes)
        } else {
            fs::File::open(list).and_then(|mut file| file.read_to_end(&mut bytes))
        };
        read.map_err(|error| Error::unreadable(list, error))?;
        let separator = if bytes.contains(&0) { 0 } else { b'\n' };
        let names = bytes.split(|byte| *byte == separator).filter(|name| !name.is_empty());
        roots.extend(names.map(|name| {
            PathBuf::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name))
        }));
    }
    if roots.is_empty() {
        return Err(Error::usage("batch: no PATH").hint("logscrub batch PATH... -o DIR"));
    }
    for root in &mut roots {
        let real = root.canonicalize().map_err(|error| Error::unreadable(root, error))?;
        // In place of what a link means, not of the link. Otherwise as it was typed, but for what
        // means nothing: what follows it is the place in the output.
        *root =
            if matches!(target, Target::InPlace(_)) { real } else { root.components().collect() };
    }
    Ok(roots)
}

/// Takes away what a run that was killed left on its way. The manifest is ours by now.
fn sweep(roots: &[PathBuf], target: &Target) {
    match target {
        Target::Nowhere => {}
        Target::Mirror(folder) => tree::files(folder, &mut |path| file::sweep(&path)),
        Target::InPlace(_) => {
            for root in roots {
                match root.parent() {
                    Some(folder) if root.is_file() => sweep_folder(folder),
                    _ => tree::files(root, &mut |path| file::sweep(&path)),
                }
            }
        }
    }
}

fn sweep_folder(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.for_each(|entry| file::sweep(&entry.path()));
}

fn target(batch: &Batch) -> Result<Target, Error> {
    match (&batch.output, batch.in_place, batch.dry_run) {
        (Some(folder), _, _) => Ok(Target::Mirror(folder.clone())),
        (None, true, _) => match batch.backup.as_deref() {
            Some(suffix) if suffix.is_empty() || suffix.contains('/') => {
                Err(Error::usage("--backup: the suffix is empty or holds a slash"))
            }
            suffix => Ok(Target::InPlace(suffix.map(str::to_owned))),
        },
        (None, false, true) => Ok(Target::Nowhere),
        (None, false, false) => Err(Error::usage("batch: nowhere to write")
            .hint("-o DIR mirrors, --in-place replaces, --dry-run only counts")),
    }
}

fn options(
    batch: &Batch,
    settings: &Settings,
    rules: &RuleSet,
    (target, stop): (Target, Arc<AtomicBool>),
) -> Result<Options, Error> {
    let memory = batch.memory.as_deref().map_or(Some(512 << 20), settings::parse_size);
    let memory = memory.filter(|memory| *memory >= 64 << 20);
    let n_cores = thread::available_parallelism().map_or(1, NonZero::get);
    Ok(Options {
        target,
        depth: batch.depth.unwrap_or(3),
        memory: memory.ok_or_else(|| Error::usage("--memory: not a size of at least 64MiB"))?,
        expansion: expansion(&batch.max_expansion)?,
        recompress: batch.recompress.as_deref().map(recompress).transpose()?,
        copies_unexamined: batch.copy_unexamined,
        n_threads: if settings.threads == 0 { n_cores } else { settings.threads },
        max_record: settings.max_record,
        digest: digest(batch, settings, rules),
        stop,
    })
}

/// What decides what comes out: the rules with all that they are, the settings, and how files are
/// written.
fn digest(batch: &Batch, settings: &Settings, rules: &RuleSet) -> String {
    let mut hasher = blake3::Hasher::new();
    for rule in rules.rules() {
        hasher.update(super::rules::whole(rule).to_string().as_bytes());
    }
    // Where a key was said, how many threads there are and how it is told change nothing.
    let decides = |key: &str| {
        !["threads", "output", "summary", "grace", "color", "fail-on-findings", "idle-timeout"]
            .contains(&key)
    };
    for shown in settings.shown.iter().filter(|shown| decides(&shown.key)) {
        hasher.update(format!("{}={}\n", shown.key, shown.value).as_bytes());
    }
    hasher.update(format!("{:?} {}", batch.recompress, env!("CARGO_PKG_VERSION")).as_bytes());
    hasher.finalize().to_hex().to_string()
}

fn expansion(typed: &[String]) -> Result<Expansion, Error> {
    let mut expansion = Expansion::default();
    for text in typed {
        match text.parse() {
            Ok(ratio) => expansion.ratio = ratio,
            Err(_) => {
                expansion.absolute = settings::parse_size(text).ok_or_else(|| {
                    Error::usage("--max-expansion: neither a number of times nor a size")
                        .hint("1000 or 50GiB")
                })?;
            }
        }
    }
    Ok(expansion)
}

fn recompress(typed: &str) -> Result<(&'static dyn Codec, u32), Error> {
    let (name, level) =
        typed.split_once(':').map_or((typed, None), |(name, level)| (name, Some(level)));
    let codec = codecs::named(name).ok_or_else(|| {
        let known = codecs::ALL.map(Codec::name).join(", ");
        Error::usage("--recompress: no such format").hint(format!("one of {known}"))
    })?;
    let Some(level) = level else { return Ok((codec, codec.default_level())) };
    let levels = codec.levels();
    let level = level.parse().ok().filter(|level| levels.contains(level)).ok_or_else(|| {
        let (first, last) = (levels.start(), levels.end());
        Error::usage(format!("--recompress: {name} has the levels {first} to {last}"))
    })?;
    Ok((codec, level))
}

fn filter(batch: &Batch) -> Result<Filter, Error> {
    Ok(Filter {
        hidden: batch.hidden,
        include: globs("--include", &batch.include)?,
        exclude: globs("--exclude", &batch.exclude)?,
        since: batch.since.as_deref().map(|text| time("--since", text)).transpose()?,
        until: batch.until.as_deref().map(|text| time("--until", text)).transpose()?,
    })
}

fn globs(flag: &str, typed: &[String]) -> Result<Option<GlobSet>, Error> {
    if typed.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    for text in typed {
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        set.add(glob.map_err(|error| Error::usage(format!("{flag}: {error}")))?);
    }
    set.build().map(Some).map_err(|error| Error::usage(format!("{flag}: {error}")))
}

/// A day, a moment, or an age.
fn time(flag: &str, text: &str) -> Result<SystemTime, Error> {
    let wrong = || {
        Error::usage(format!("{flag}: not a time"))
            .hint("2026-01-31, 2026-01-31T12:00:00Z or an age such as 7d")
    };
    let age = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let seconds = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)]
            .into_iter()
            .find(|(name, _)| *name == unit)?;
        SystemTime::now()
            .checked_sub(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds.1)?))
    };
    moment(text)
        .map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .or_else(age)
        .ok_or_else(wrong)
}

/// Seconds since 1970 of `2026-01-31` or `2026-01-31T12:00:00Z`.
fn moment(text: &str) -> Option<u64> {
    let (day, clock) = text.split_once('T').map_or((text, None), |(day, clock)| (day, Some(clock)));
    let mut parts = day.splitn(3, '-').map(|part| part.parse::<u16>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let days = Day { year, month, day }.since_1970();
    let seconds = match clock {
        None => 0,
        Some(clock) => {
            let mut parts =
                clock.strip_suffix('Z')?.splitn(3, ':').map(|part| part.parse::<u64>().ok());
            parts.next()?? * 3600 + parts.next()?? * 60 + parts.next()??
        }
    };
    u64::try_from(days).ok().map(|days| days * 86_400 + seconds)
}

fn manifest_path(batch: &Batch, roots: &[PathBuf], target: &Target) -> Option<PathBuf> {
    match target {
        Target::Nowhere => None,
        Target::Mirror(folder) => Some(folder.join(MANIFEST)),
        Target::InPlace(_) => Some(batch.manifest.clone().unwrap_or_else(|| {
            let root = &roots[0];
            if root.is_dir() { root.join(MANIFEST) } else { root.with_file_name(MANIFEST) }
        })),
    }
}

/// The files, each with its place in the output; two with one place are refused before anything is
/// written.
fn walk(
    roots: &[PathBuf],
    filter: &Filter,
    target: &Target,
    manifest: Option<&Path>,
) -> Result<tree::Walked, Error> {
    let mut walked = tree::Walked::default();
    for root in roots {
        let mut one = walk_one(root, filter, target);
        if let (Target::InPlace(_), Some(manifest)) = (target, manifest) {
            let folder = batch::folder_of(manifest).canonicalize().unwrap_or_default();
            one.files.iter_mut().for_each(|found| found.lies_below(&folder));
        } else if let (true, Some(_), Some(folder)) =
            (roots.len() > 1 && root.is_dir(), root.file_name(), root.parent())
        {
            one.files.iter_mut().for_each(|found| found.lies_below(folder));
        }
        walked.files.append(&mut one.files);
        walked.skipped.append(&mut one.skipped);
    }
    if matches!(target, Target::InPlace(_)) {
        // A folder and a file in it are no contradiction.
        let mut seen = HashSet::new();
        walked.files.retain(|found| seen.insert(found.path.clone()));
    }
    let mut places = HashSet::new();
    // In one tree all have places of their own.
    if roots.len() > 1
        && let Some(twice) = walked.files.iter().find(|found| !places.insert(found.place()))
    {
        return Err(Error::usage(format!(
            "{}: two files would become {}",
            twice.path.display(),
            twice.place().display()
        ))
        .hint("run batch once for each of them, with an -o of its own"));
    }
    Ok(walked)
}

fn walk_one(root: &Path, filter: &Filter, target: &Target) -> tree::Walked {
    let is_backup = |name: &std::ffi::OsStr| match target {
        Target::InPlace(Some(suffix)) => name.as_encoded_bytes().ends_with(suffix.as_bytes()),
        _ => false,
    };
    let is_ours = |path: &Path, kind: fs::FileType| {
        let name = path.file_name().unwrap_or_default();
        kind.is_file() && (name == MANIFEST || file::is_passing(name) || is_backup(name))
    };
    tree::walk(root, filter, &is_ours)
}

/// What is being done, for whoever watches.
struct Progress {
    bar: Option<ProgressBar>,
    is_quiet: bool,
    n_bytes: AtomicU64,
    n_files: AtomicU64,
    n_findings: AtomicU64,
    total_files: u64,
    total_bytes: u64,
    current: Mutex<Vec<String>>,
    stderr: ColorChoice,
}

impl Progress {
    fn new(files: &[Found], is_quiet: bool, stderr: ColorChoice) -> Progress {
        let total_bytes = files.iter().map(|found| found.len).sum();
        let bar = (!is_quiet && io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(total_bytes);
            let form = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} eta {eta} {msg}";
            bar.set_style(ProgressStyle::with_template(form).expect("the template is sound"));
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Progress {
            bar,
            is_quiet,
            n_bytes: AtomicU64::new(0),
            n_files: AtomicU64::new(0),
            n_findings: AtomicU64::new(0),
            total_files: files.len() as u64,
            total_bytes,
            current: Mutex::new(Vec::new()),
            stderr,
        }
    }

    /// Tells while `work` lasts.
    fn during<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        if self.is_quiet || self.bar.is_some() {
            let done = work();
            self.bar.iter().for_each(ProgressBar::finish_and_clear);
            return done;
        }
        let (is_over, over) = std::sync::mpsc::channel::<()>();
        thread::scope(|scope| {
            let teller = move || {
                while over.recv_timeout(LINE_EVERY)
                    == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
                {
                    say(&format!("{}\n", self.line()), self.stderr);
                }
            };
            // Without the teller nothing is told, and the work is done all the same.
            let _ = thread::Builder::new().name("progress".to_owned()).spawn_scoped(scope, teller);
            let done = work();
            drop(is_over);
            done
        })
    }

    fn line(&self) -> String {
        let [bytes, files, findings] = [&self.n_bytes, &self.n_files, &self.n_findings]
            .map(|count| count.load(Ordering::Relaxed));
        let (bytes, total) = (report::bytes(bytes as f64), report::bytes(self.total_bytes as f64));
        format!("{files} of {} files, {bytes} of {total}, {findings} findings", self.total_files)
    }

    fn show(&self, change: impl FnOnce(&mut Vec<String>)) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut current);
        if let Some(bar) = &self.bar {
            let names: Vec<String> =
                current.iter().take(2).map(|name| name.escape_debug().to_string()).collect();
            let (files, findings) =
                (self.n_files.load(Ordering::Relaxed), self.n_findings.load(Ordering::Relaxed));
            bar.set_message(format!(
                "{files}/{} files {findings} findings {}",
                self.total_files,
                names.join(" ")
            ));
        }
    }
}

impl Watch for Progress {
    fn begin(&self, name: &str) {
        self.show(|current| current.push(name.to_owned()));
    }

    fn advance(&self, n_bytes: u64) {
        self.n_bytes.fetch_add(n_bytes, Ordering::Relaxed);
        self.bar.iter().for_each(|bar| bar.inc(n_bytes));
    }

    fn end(&self, name: &str, n_findings: u64) {
        self.n_files.fetch_add(1, Ordering::Relaxed);
        self.n_findings.fetch_add(n_findings, Ordering::Relaxed);
        self.show(|current| current.retain(|other| other != name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_are_seconds_since_1970() {
        assert_eq!(moment("1970-01-01"), Some(0));
        assert_eq!(moment("2000-03-01"), Some(951_868_800));
        assert_eq!(moment("2026-11-26T00:00:01Z"), Some(1_795_651_201));
        for text in ["2026", "2026-13-01", "2026-01-01T1", "-1-1-1", ""] {
            assert_eq!(moment(text), None, "{text}");
        }
        assert!(
            time("--since", "7d").is_ok()
                && time("--since", "7y").is_err()
                && time("--since", "é").is_err()
        );
    }

    #[test]
    fn levels_are_those_of_the_format() {
        for (typed, expected) in
            [("zstd:9", ("zstd", 9)), ("lz4", ("lz4", 0)), ("zstd", ("zstd", 3))]
        {
            let (codec, level) = recompress(typed).expect(typed);
            assert_eq!((codec.name(), level), expected);
        }
        assert!(recompress("zstd:23").is_err() && recompress("rar").is_err());
    }
}
