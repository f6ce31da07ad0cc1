//! The manifest: one line of JSON for each file that is done, appended once the file is safe. It is
//! what a later run goes on from, and what is checked by `--verify-manifest`. Counts and digests
//! only: nothing that was found.

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

/// Its name in the folder of the output.
pub(crate) const NAME: &str = "logscrub-manifest.jsonl";

/// A file that is done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Below the folder of the manifest, or from the root of the file system for what lies
    /// elsewhere; as [`super::file_names`] says.
    pub(crate) path: String,
    pub(crate) bytes_before: u64,
    pub(crate) blake3_before: String,
    /// When the file was changed last, in nanoseconds since 1970.
    pub(crate) changed: String,
    pub(crate) bytes_after: u64,
    pub(crate) blake3_after: String,
    pub(crate) records: u64,
    pub(crate) findings: serde_json::Map<String, serde_json::Value>,
    /// Records that were masked because they could not be examined.
    pub(crate) withheld: u64,
    /// Entries that could not be examined, with the reason.
    pub(crate) unexamined: Vec<(String, String)>,
    /// How many of those the guard withheld.
    #[serde(default)]
    pub(crate) n_guarded: u64,
    /// The digest of rules and settings.
    pub(crate) rules: String,
    pub(crate) version: String,
    pub(crate) seconds: f64,
}

/// The manifest of a run, held by it alone.
pub(crate) struct Manifest {
    file: Mutex<File>,
    /// Whether lines were appended that are not synced yet.
    is_dirty: AtomicBool,
    path: PathBuf,
    /// The last line of each path.
    done: HashMap<String, Line>,
}

impl Manifest {
    /// Opens or makes the manifest at `path`.
    pub(crate) fn open(path: &Path) -> Result<Manifest, Error> {
        let failed = |error| Error::output(&path.display().to_string(), error);
        let options = OpenOptions::new().read(true).append(true).create(true).clone();
        let mut file = options.open(path).map_err(failed)?;
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(Error::usage(format!("{}: another run is at work here", path.display())));
        }
        let (done, n_whole) = read(&file, path)?;
        // A line that was cut off is no line; what is appended must not go on in it.
        file.set_len(n_whole).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        if n_whole == 0 {
            // The file may be new: a sync of its data alone would not keep its name.
            file::sync_folder_of(path)?;
        }
        Ok(Manifest {
            file: Mutex::new(file),
            is_dirty: AtomicBool::new(false),
            path: path.to_owned(),
            done,
        })
    }

    /// What is known of a path.
    pub(super) fn get(&self, path: &str) -> Option<&Line> {
        self.done.get(path)
    }

    /// All lines, in order of paths.
    pub(super) fn lines(&self) -> Vec<&Line> {
        let mut lines: Vec<&Line> = self.done.values().collect();
        lines.sort_by(|one, other| one.path.cmp(&other.path));
        lines
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder it lies in.
    pub(crate) fn folder(&self) -> &Path {
        folder_of(&self.path)
    }

    /// Appends lines, all in one write. Where that fails halfway nothing is appended: another
    /// thread may append once there is room again, and half a line in the middle would make the
    /// manifest unreadable.
    pub(super) fn append(&self, lines: &[Line]) -> Result<(), Error> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line).expect("a line is plain data");
            text.push(b'\n');
        }
        self.is_dirty.store(true, Ordering::Relaxed);
        self.with_file(|file| {
            let n_before = file.metadata()?.len();
            file.write_all(&text).inspect_err(|_| {
                // Half a line at the end is cut off when the manifest is opened again.
                let _ = file.set_len(n_before);
            })
        })
    }

    /// Makes what was appended safe on the disk.
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

/// The folder that a manifest at `path` lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The last line of each path, and how many bytes are whole lines.
fn read(file: &File, path: &Path) -> Result<(HashMap<String, Line>, u64), Error> {
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
        let line: Line = serde_json::from_slice(&line).map_err(|_| {
            Error::at(&path.display().to_string(), number, "not a line of a manifest")
        })?;
        done.insert(line.path.clone(), line);
        n_whole += n_bytes as u64;
    }
    Ok((done, n_whole))
}
