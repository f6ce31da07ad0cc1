//! A batch run: rewrites many files with several threads. Each file appears whole or not at all,
//! and each finished file gets a line in the manifest.
//!
//! Threads take files in order. One large file at a time is scrubbed by all threads together; small
//! files are scrubbed one per thread. One large file and many small ones therefore keep all cores
//! busy, and memory does not grow with the number of large files.

use std::{
    fs::{self, File, Metadata},
    io::{self, IoSlice, Read, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    chunks::CompressionPool,
    codecs::Codec,
    digest::Digest,
    failure, formats,
    limits::{Expansion, ExpansionBudget},
    manifest::{Manifest, ManifestEntry},
    metadata::Unexamined,
    rewrite::{EntryContext, Rewriter, ThreadState},
};
use crate::{
    error::Error,
    rules::RuleSet,
    scrub::Scrubber,
    sink::file::{self, NewFile},
    source::tree::{self, Found},
    tally::{Day, Tally},
};

/// Files of at least this size are scrubbed by all threads.
const LARGE: u64 = 4 << 20;

/// The most files, and the most bytes of files, that are written but not yet synced.
const MOST_PENDING: usize = 2048;
const MOST_PENDING_BYTES: u64 = 256 << 20;

/// How often finished files are synced and recorded at least. A kill repeats at most this much
/// work.
const COMMIT_EVERY: Duration = Duration::from_secs(1);

/// Where clean files are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// To this directory, by their path below the root.
    Mirror(PathBuf),
    /// In place of the original. With a suffix, the original is kept under its name plus the
    /// suffix.
    InPlace(Option<String>),
    /// Nowhere: only count.
    Nowhere,
}

/// Settings of a run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) target: Target,
    pub(crate) depth: u32,
    /// About how many bytes all threads together may take.
    pub(crate) memory: u64,
    pub(crate) expansion: Expansion,
    pub(crate) recompress: Option<(&'static dyn Codec, u32)>,
    /// Whether files that cannot be examined are copied unchanged.
    pub(crate) copies_unexamined: bool,
    pub(crate) n_threads: usize,
    pub(crate) max_record: usize,
    /// The digest of rules and settings.
    pub(crate) digest: String,
    /// Set to stop the run: no file is started any more, and unfinished ones are abandoned.
    pub(crate) stop: Arc<AtomicBool>,
}

impl Options {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// How many threads fit into the memory.
    pub(super) fn threads(&self) -> usize {
        self.n_threads.min(usize::try_from(self.memory >> 26).unwrap_or(1)).max(1)
    }

    fn share(&self) -> u64 {
        self.memory / self.threads() as u64
    }

    /// The place of a file, by its name in the manifest.
    pub(super) fn place(&self, name: &str) -> EntryContext {
        EntryContext::new(name.to_owned(), self.depth, self.share() / 2)
    }

    fn unexamined(&self) -> Unexamined {
        if self.copies_unexamined || matches!(self.target, Target::InPlace(_)) {
            return Unexamined::Keep;
        }
        Unexamined::Leave
    }
}

/// What the rewriters of all files have in common.
#[derive(Clone, Copy)]
pub(super) struct RewriterFactory<'r> {
    pub(super) options: &'r Options,
    pub(super) scrubber: &'r Scrubber,
    pub(super) packers: &'r CompressionPool,
}

impl<'r> RewriterFactory<'r> {
    /// A rewriter for a file of `n_bytes`, which buffers entries in `folder`.
    pub(super) fn rewriter(
        self,
        own: &'r mut ThreadState,
        folder: &'r Path,
        n_bytes: u64,
    ) -> Rewriter<'r> {
        let options = self.options;
        // Findings in the metadata of a file that failed do not belong to this one.
        own.texts.take_findings();
        let stop = Arc::clone(&options.stop);
        Rewriter {
            formats: &formats::ALL,
            scrubber: self.scrubber,
            max_record: options.max_record,
            n_threads: if n_bytes >= LARGE { options.threads() } else { 1 },
            packers: self.packers,
            own,
            recompress: options.recompress,
            unexamined: options.unexamined(),
            folder,
            spool_memory: usize::try_from(options.share() / 16).unwrap_or(usize::MAX),
            budget: Arc::new(ExpansionBudget::new(options.expansion, n_bytes, stop)),
            tally: Tally::default(),
            left: Vec::new(),
            n_guarded: 0,
        }
    }
}

/// Observes the progress of a run.
pub(crate) trait Watch: Sync {
    /// A file was started.
    fn begin(&self, name: &str);
    /// This many more bytes of files were read.
    fn advance(&self, n_bytes: u64);
    /// A file is finished, with this many findings.
    fn end(&self, name: &str, n_findings: u64);
}

/// Result of a run.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) n_done: u64,
    /// Files that an earlier run finished.
    pub(crate) n_before: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// Files and entries that could not be examined, with the reason.
    pub(crate) unexamined: Vec<(String, String)>,
    /// How many of those were withheld because the verification found a record broken.
    pub(crate) n_guarded: u64,
    pub(crate) tally: Tally,
    /// Files with findings, and their number.
    pub(crate) files: Vec<(String, u64)>,
    /// Files that were not finished because the run was stopped.
    pub(crate) n_left: u64,
}

/// Rewrites `files`. There is no manifest if nothing is written.
pub(crate) fn run(
    files: &[Found],
    options: &Options,
    scrubber: &Scrubber,
    manifest: Option<&Manifest>,
    watch: &dyn Watch,
) -> Result<Summary, Error> {
    let n_threads = options.threads();
    let run = BatchRun {
        files,
        options,
        scrubber,
        packers: CompressionPool::start(n_threads),
        next: AtomicUsize::new(0),
        large: Mutex::new(()),
        manifest,
        shared: Mutex::new(RunState::default()),
        watch,
    };
    thread::scope(|scope| {
        let (over, is_over) = channel::<()>();
        let run = &run;
        // Without this thread, lines are committed by their number only.
        let commit = thread::Builder::new().name("commit".to_owned());
        let _ = commit.spawn_scoped(scope, move || run.commit_regularly(&is_over));
        thread::scope(|scope| {
            for _ in 1..n_threads.min(files.len()) {
                // If the system allows no more threads, the existing ones do the work.
                let _ = thread::Builder::new()
                    .name("batch".to_owned())
                    .spawn_scoped(scope, || run.work());
            }
            run.work();
        });
        drop(over);
    });
    let failure = run.shared().failure.take();
    // Finished files count even if the run fails.
    let committed = run.commit_pending();
    failure.map_or(committed, Err)?;
    let RunState { mut summary, n_handled, .. } =
        run.shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.files.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    summary.unexamined.sort();
    summary.n_left = files.len() as u64 - n_handled;
    Ok(summary)
}

struct BatchRun<'r> {
    files: &'r [Found],
    options: &'r Options,
    scrubber: &'r Scrubber,
    packers: CompressionPool,
    next: AtomicUsize,
    large: Mutex<()>,
    manifest: Option<&'r Manifest>,
    shared: Mutex<RunState>,
    watch: &'r dyn Watch,
}

#[derive(Default)]
struct RunState {
    /// Lines of files that are written but not yet synced.
    pending: Vec<ManifestEntry>,
    n_pending: u64,
    summary: Summary,
    /// Files that the run has dealt with, whatever the result.
    n_handled: u64,
    failure: Option<Error>,
}

impl RunState {
    /// Adds `line`, and returns the lines to commit now, if enough are pending.
    fn due(&mut self, line: ManifestEntry) -> Vec<ManifestEntry> {
        self.n_pending += line.bytes_after;
        self.pending.push(line);
        if self.pending.len() < MOST_PENDING && self.n_pending < MOST_PENDING_BYTES {
            return Vec::new();
        }
        self.take_pending()
    }

    fn take_pending(&mut self) -> Vec<ManifestEntry> {
        self.n_pending = 0;
        std::mem::take(&mut self.pending)
    }
}

/// Result for one file.
enum FileResult {
    Done(Box<ManifestEntry>, Tally),
    /// The reason, and the number of its texts that verification withheld.
    Unexamined(String, u64),
    /// The run was stopped before the file was finished.
    Stopped,
}

impl BatchRun<'_> {
    fn shared(&self) -> MutexGuard<'_, RunState> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rewriters(&self) -> RewriterFactory<'_> {
        RewriterFactory { options: self.options, scrubber: self.scrubber, packers: &self.packers }
    }

    fn work(&self) {
        let mut own = ThreadState::new(self.scrubber);
        while let Some(found) = self.files.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if self.options.is_stopped() || self.shared().failure.is_some() {
                return;
            }
            if let Err(error) = self.one(found, &mut own) {
                self.shared().failure.get_or_insert(error);
                return;
            }
        }
    }

    /// Syncs the written files and then appends their lines. Other threads continue meanwhile.
    fn commit(&self, lines: Vec<ManifestEntry>) -> Result<(), Error> {
        let Some(manifest) = self.manifest.filter(|_| !lines.is_empty()) else { return Ok(()) };
        if let Target::Mirror(folder) = &self.options.target {
            // One call for many files: waiting for each would take longer than writing it.
            let synced = File::open(folder)
                .and_then(|folder| rustix::fs::syncfs(folder).map_err(io::Error::from));
            synced.map_err(|error| Error::output(&folder.display().to_string(), error))?;
        }
        manifest.append(&lines)?;
        manifest.sync()
    }

    /// Commits everything that is finished.
    fn commit_pending(&self) -> Result<(), Error> {
        let lines = self.shared().take_pending();
        self.commit(lines)?;
        // In place, lines were appended one by one.
        self.manifest.map_or(Ok(()), Manifest::sync)
    }

    /// Commits at intervals until the run is over.
    fn commit_regularly(&self, is_over: &Receiver<()>) {
        while is_over.recv_timeout(COMMIT_EVERY) == Err(RecvTimeoutError::Timeout) {
            if let Err(error) = self.commit_pending() {
                self.shared().failure.get_or_insert(error);
                return;
            }
        }
    }

    fn one(&self, found: &Found, own: &mut ThreadState) -> Result<(), Error> {
        let name = own.names.of(found.place());
        if self.was_done(found, &name) {
            self.watch.advance(found.len);
            self.shared().n_handled += 1;
            return Ok(());
        }
        let _alone =
            (found.len >= LARGE).then(|| self.large.lock().unwrap_or_else(PoisonError::into_inner));
        self.watch.begin(&name);
        let outcome = self.rewrite(found, &name, own)?;
        let n_findings = match outcome {
            FileResult::Stopped => return Ok(()),
            FileResult::Unexamined(reason, n_guarded) => {
                let summary = &mut self.shared().summary;
                summary.n_guarded += n_guarded;
                summary.unexamined.push((name.clone(), reason));
                0
            }
            FileResult::Done(line, tally) => self.done(*line, &tally)?,
        };
        self.shared().n_handled += 1;
        self.watch.end(&name, n_findings);
        Ok(())
    }

    /// Accounts for a finished file. Returns its number of findings.
    fn done(&self, line: ManifestEntry, tally: &Tally) -> Result<u64, Error> {
        let n_findings = tally.findings();
        let mut shared = self.shared();
        shared.summary.take(&line, tally);
        // In place, each file is synced already; its line only has to survive this process.
        let lines = if matches!(self.options.target, Target::InPlace(_)) {
            if let Some(manifest) = self.manifest {
                manifest.append(&[line])?;
            }
            Vec::new()
        } else {
            shared.due(line)
        };
        drop(shared);
        self.commit(lines)?;
        Ok(n_findings)
    }

    /// Whether an earlier run finished this file with the same rules, and it has not changed since.
    fn was_done(&self, found: &Found, name: &str) -> bool {
        let Some(line) = self.manifest.and_then(|manifest| manifest.get(name)) else {
            return false;
        };
        let size = if matches!(self.options.target, Target::InPlace(_)) {
            line.bytes_after
        } else {
            line.bytes_before
        };
        let is_there = match &self.options.target {
            Target::Mirror(folder) => fs::metadata(folder.join(found.place()))
                .is_ok_and(|there| there.len() == line.bytes_after),
            _ => true,
        };
        let is_same = line.rules == self.options.digest
            && found.len == size
            && found.changed.to_string() == line.changed;
        if is_same && is_there {
            let summary = &mut self.shared().summary;
            summary.n_before += 1;
            summary.n_guarded += line.n_guarded;
            summary.unexamined.extend(line.unexamined.iter().cloned());
        }
        is_same && is_there
    }

    fn rewrite(
        &self,
        found: &Found,
        name: &str,
        own: &mut ThreadState,
    ) -> Result<FileResult, Error> {
        let begin = Instant::now();
        let (original, metadata) = match open(&found.path) {
            Ok(opened) => opened,
            Err(reason) => return Ok(FileResult::Unexamined(reason, 0)),
        };
        let target = self.target_of(found);
        let temporary = std::env::temp_dir();
        let folder = target
            .as_deref()
            .and_then(Path::parent)
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(&temporary);
        let wtr = target.as_deref().map(|target| fresh(target, folder)).transpose()?;
        let mut wtr = DigestWriter { wtr, digest: Digest::default() };
        let mut rewriter = self.rewriters().rewriter(own, folder, metadata.len());
        let budget = Arc::clone(&rewriter.budget);
        let mut rdr = DigestReader::new(&original, metadata.len(), &budget, self.watch);
        let result =
            rewriter.file(&mut rdr, &self.options.place(name), &mut wtr).and_then(|()| rdr.whole());
        if budget.was_stopped() {
            return Ok(FileResult::Stopped);
        }
        let blake3_before = match result {
            Ok(digest) if !has_changed(&original, &metadata) => digest,
            Ok(_) => {
                return Ok(FileResult::Unexamined("changed while it was read".to_owned(), 0));
            }
            Err(error) => {
                let reason = failure::reason(error).map_err(failure::fatal)?;
                self.copy_unexamined(&metadata, &original, target.as_deref())?;
                return Ok(FileResult::Unexamined(reason, rewriter.n_guarded));
            }
        };
        let Rewriter { mut tally, left, n_guarded, .. } = rewriter;
        give_years(&mut tally, &metadata);
        let blake3_after = wtr.digest.digits_or(&rdr.digest, &blake3_before);
        let mut line = ManifestEntry {
            bytes_after: wtr.digest.len(),
            blake3_after,
            blake3_before,
            unexamined: left,
            n_guarded,
            ..self.line(name, &metadata, &tally)
        };
        if let Some(fresh) = wtr.wtr {
            let is_changed =
                tally.findings() > 0 || tally.incomplete() > 0 || self.options.recompress.is_some();
            if !self.publish(fresh, &found.path, (&original, &metadata), is_changed)? {
                (line.bytes_after, line.blake3_after) =
                    (line.bytes_before, line.blake3_before.clone());
            }
        }
        line.seconds = (begin.elapsed().as_secs_f64() * 1e6).round() / 1e6;
        Ok(FileResult::Done(Box::new(line), tally))
    }

    /// The line of a file, without its sizes and digests.
    fn line(&self, name: &str, metadata: &Metadata, tally: &Tally) -> ManifestEntry {
        ManifestEntry {
            path: name.to_owned(),
            bytes_before: metadata.len(),
            changed: tree::changed(metadata).to_string(),
            records: tally.records_in,
            findings: by_rule(self.scrubber.rules(), tally),
            withheld: tally.incomplete(),
            rules: self.options.digest.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..ManifestEntry::default()
        }
    }

    /// Moves the new file to its place; in place of an original only if something changed. Returns
    /// whether it did.
    fn publish(
        &self,
        fresh: NewFile,
        path: &Path,
        (original, metadata): (&File, &Metadata),
        is_changed: bool,
    ) -> Result<bool, Error> {
        let Target::InPlace(backup) = &self.options.target else {
            fresh.copy_metadata(original, metadata)?;
            fresh.publish()?;
            return Ok(true);
        };
        if !is_changed {
            return Ok(false);
        }
        fresh.copy_metadata(original, metadata)?;
        fresh.sync()?;
        if let Some(suffix) = backup {
            keep(path, suffix)?;
        }
        fresh.publish()?;
        file::sync_folder_of(path)?;
        Ok(true)
    }

    /// Copies a file that cannot be examined, if that is wanted.
    fn copy_unexamined(
        &self,
        metadata: &Metadata,
        mut original: &File,
        target: Option<&Path>,
    ) -> Result<(), Error> {
        let (Target::Mirror(_), true, Some(target)) =
            (&self.options.target, self.options.copies_unexamined, target)
        else {
            return Ok(());
        };
        let mut fresh = NewFile::new(target)?;
        let copied =
            original.seek(SeekFrom::Start(0)).and_then(|_| io::copy(&mut original, &mut fresh));
        match copied.map_err(failure::reason) {
            Ok(_) => {
                fresh.copy_metadata(original, metadata)?;
                fresh.publish()
            }
            // It cannot be read, which was reported before.
            Err(Ok(_)) => Ok(()),
            Err(Err(error)) => Err(failure::fatal(error)),
        }
    }

    fn target_of(&self, found: &Found) -> Option<PathBuf> {
        match &self.options.target {
            Target::Mirror(folder) => Some(folder.join(found.place())),
            Target::InPlace(_) => Some(found.path.clone()),
            Target::Nowhere => None,
        }
    }
}

impl Summary {
    fn take(&mut self, line: &ManifestEntry, tally: &Tally) {
        self.n_done += 1;
        self.bytes_in += line.bytes_before;
        self.bytes_out += line.bytes_after;
        self.n_guarded += line.n_guarded;
        self.unexamined.extend(line.unexamined.iter().cloned());
        if tally.findings() > 0 {
            self.files.push((line.path.clone(), tally.findings()));
        }
        self.tally.merge(tally);
    }
}

/// Assigns a year to days without one: the latest that is not after the modification time of the
/// file.
fn give_years(tally: &mut Tally, metadata: &Metadata) {
    let last = u64::try_from(metadata.mtime() / 86_400).ok().and_then(Day::of_1970);
    let (Some(last), false) = (last, tally.by_day.is_empty()) else { return };
    for (day, n_findings) in std::mem::take(&mut tally.by_day) {
        *tally.by_day.entry(day.before(last)).or_default() += n_findings;
    }
}

/// Opens a file, or returns the reason why it cannot be read.
fn open(path: &Path) -> Result<(File, Metadata), String> {
    match File::open(path).and_then(|file| file.metadata().map(|metadata| (file, metadata))) {
        Ok((_, metadata)) if !metadata.is_file() => Err("no longer a regular file".to_owned()),
        opened => opened.map_err(|error| format!("cannot be read: {error}")),
    }
}

/// Creates the new file for `target`, and `folder` if necessary.
fn fresh(target: &Path, folder: &Path) -> Result<NewFile, Error> {
    // Most directories exist already.
    NewFile::new(target).or_else(|_| {
        fs::create_dir_all(folder)
            .map_err(|error| Error::output(&folder.display().to_string(), error))?;
        NewFile::new(target)
    })
}

/// Links the original to a backup name. An existing backup is kept: it is older, and so the
/// original.
fn keep(path: &Path, suffix: &str) -> Result<(), Error> {
    let mut backup = path.as_os_str().to_owned();
    backup.push(suffix);
    match fs::hard_link(path, &backup) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::output(&Path::new(&backup).display().to_string(), error))
        }
        _ => Ok(()),
    }
}

fn has_changed(file: &File, before: &Metadata) -> bool {
    !file
        .metadata()
        .is_ok_and(|now| now.len() == before.len() && tree::changed(&now) == tree::changed(before))
}

fn by_rule(rules: &RuleSet, tally: &Tally) -> serde_json::Map<String, serde_json::Value> {
    if tally.findings() == 0 {
        return serde_json::Map::new();
    }
    let found = rules.iter().filter(|(id, _)| tally.of(*id) > 0);
    found.map(|(id, rule)| (rule.id().to_owned(), tally.of(id).into())).collect()
}

/// A file that is read, with the digest of everything that was read in order.
struct DigestReader<'f> {
    file: &'f File,
    /// The size when the file was opened. Whether it has grown is checked once at the end, which
    /// saves a read of 0 bytes for each file.
    len: u64,
    digest: Digest,
    at: u64,
    budget: &'f ExpansionBudget,
    watch: &'f dyn Watch,
}

impl<'f> DigestReader<'f> {
    fn new(
        file: &'f File,
        len: u64,
        budget: &'f ExpansionBudget,
        watch: &'f dyn Watch,
    ) -> DigestReader<'f> {
        if len >= LARGE {
            file::read_ahead(file);
        }
        DigestReader { file, len, digest: Digest::default(), at: 0, budget, watch }
    }

    /// The digest of the whole file. Parts that were not read in order are read now.
    fn whole(&mut self) -> io::Result<String> {
        if self.digest.len() < self.len {
            self.file.seek(SeekFrom::Start(self.digest.len()))?;
            let mut space = vec![0; 128 << 10];
            loop {
                self.budget.go_on()?;
                let n_bytes = (&mut self.file).read(&mut space)?;
                if n_bytes == 0 {
                    break;
                }
                self.digest.update(&space[..n_bytes]);
            }
        }
        Ok(self.digest.digits())
    }
}

impl Read for DigestReader<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        // Files of /proc and /sys claim to be empty but are not.
        if self.at >= self.len && self.len > 0 {
            return Ok(0);
        }
        self.budget.go_on()?;
        let n_bytes = self.file.read(space)?;
        let (known, end) = (self.digest.len(), self.at + n_bytes as u64);
        if self.at <= known && end > known {
            let n_known = usize::try_from(known - self.at).unwrap_or(usize::MAX);
            self.digest.update(&space[n_known..n_bytes]);
            self.watch.advance(end - known);
        }
        self.at = end;
        Ok(n_bytes)
    }
}

impl Seek for DigestReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

/// The file that is written, if any, with its digest.
struct DigestWriter {
    wtr: Option<NewFile>,
    digest: Digest,
}

impl Write for DigestWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, runs: &[IoSlice<'_>]) -> io::Result<usize> {
        let n_bytes = runs.iter().map(|run| run.len()).sum();
        let mut left = self.wtr.as_mut().map_or(Ok(n_bytes), |wtr| wtr.write_vectored(runs))?;
        let n_written = left;
        for run in runs {
            let n_bytes = run.len().min(left);
            self.digest.update(&run[..n_bytes]);
            left -= n_bytes;
        }
        Ok(n_written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
