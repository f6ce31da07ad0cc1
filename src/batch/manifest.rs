//! The manifest: one line of JSON for each finished file, appended once the file is synced. A later
//! run resumes from it, and `--verify-manifest` checks it. It holds counts and digests, never
//! findings.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::{error::Error, sink::file};

/// The file name in the output directory.
pub(crate) const NAME: &str = "logscrub-manifest.jsonl";

/// A finished file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ManifestEntry {
    /// The path below the directory of the manifest, or an absolute path for files elsewhere,
    /// scrubbed as [`super::file_names`] describes.
    pub(crate) path: String,
    pub(crate) bytes_before: u64,
    pub(crate) blake3_before: String,
    /// The modification time in nanoseconds since 1970.
    pub(crate) changed: String,
    pub(crate) bytes_after: u64,
    pub(crate) blake3_after: String,
    pub(crate) records: u64,
    pub(crate) findings: serde_json::Map<String, serde_json::Value>,
    /// Records that were masked because they could not be examined.
    pub(crate) withheld: u64,
    /// Entries that could not be examined, with the reason.
    pub(crate) unexamined: Vec<(String, String)>,
    /// How many of those were withheld because verification found a record broken.
    #[serde(default)]
    pub(crate) n_guarded: u64,
    /// The digest of rules and settings.
    pub(crate) rules: String,
    pub(crate) version: String,
    pub(crate) seconds: f64,
}

/// The manifest of a run, locked against other runs.
pub(crate) struct Manifest {
    file: Mutex<File>,
    /// Whether there are appended lines that are not synced yet.
    is_dirty: AtomicBool,
    path: PathBuf,
    /// The last line of each path.
    done: HashMap<String, ManifestEntry>,
}

impl Manifest {
    /// Opens or creates the manifest at `path`.
    pub(crate) fn open(path: &Path) -> Result<Manifest, Error> {
        let failed = |error| Error::output(&path.display().to_string(), error);
        let options = OpenOptions::new().read(true).append(true).create(true).clone();
        let mut file = options.open(path).map_err(failed)?;
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(Error::usage(format!("{}: in use by another run", path.display())));
        }
        let (done, n_whole) = read(&file, path)?;
        // A crash can leave an incomplete line. It is removed, so that the next line starts on its
        // own.
        file.set_len(n_whole).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        if n_whole == 0 {
            // The file may be new: syncing its data alone would not persist its name.
            file::sync_folder_of(path)?;
        }
        Ok(Manifest {
            file: Mutex::new(file),
            is_dirty: AtomicBool::new(false),
            path: path.to_owned(),
            done,
        })
    }

    /// The line of a path.
    pub(super) fn get(&self, path: &str) -> Option<&ManifestEntry> {
        self.done.get(path)
    }

    /// All lines, sorted by path.
    pub(super) fn lines(&self) -> Vec<&ManifestEntry> {
        let mut lines: Vec<&ManifestEntry> = self.done.values().collect();
        lines.sort_by(|one, other| one.path.cmp(&other.path));
        lines
    }

    /// The path of the manifest.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of the manifest.
    pub(crate) fn folder(&self) -> &Path {
        folder_of(&self.path)
    }

    /// Appends lines with one write. If that fails halfway, nothing is appended: another thread may
    /// append later, and a partial line in the middle would make the manifest unreadable.
    pub(super) fn append(&self, lines: &[ManifestEntry]) -> Result<(), Error> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line).expect("a line is plain data");
            text.push(b'\n');
        }
        self.is_dirty.store(true, Ordering::Relaxed);
        self.with_file(|file| {
            let n_before = file.metadata()?.len();
            file.write_all(&text).inspect_err(|_| {
                // If this fails too, the partial line is removed when the manifest is opened again.
                let _ = file.set_len(n_before);
            })
        })
    }

    /// Syncs the appended lines.
    pub(super) fn sync(&self) -> Result<(), Error> {
        if !self.is_dirty.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        self.with_file(|file| file.sync_data())
    }

    fn with_file(&self, work: impl FnOnce(&mut File) -> std::io::Result<()>) -> Result<(), Error> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut file).map_err(|error| Error::output(&self.path.display().to_string(), error))
    }
}

/// The directory of a manifest at `path`.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Reads the last line of each path, and the number of bytes in whole lines.
fn read(file: &File, path: &Path) -> Result<(HashMap<String, ManifestEntry>, u64), Error> {
    let mut done = HashMap::new();
    let mut n_whole = 0;
    let mut rdr = BufReader::new(file);
    for number in 1.. {
        let mut line = Vec::new();
        let n_bytes = rdr
            .by_ref()
            .take(64 << 20)
            .read_until(b'\n', &mut line)
            .map_err(|error| Error::unreadable(path, error))?;
        if !line.ends_with(b"\n") {
            break;
        }
        let line: ManifestEntry = serde_json::from_slice(&line).map_err(|_| {
            Error::at(&path.display().to_string(), number, "not a line of a manifest")
        })?;
        done.insert(line.path.clone(), line);
        n_whole += n_bytes as u64;
    }
    Ok((done, n_whole))
}
