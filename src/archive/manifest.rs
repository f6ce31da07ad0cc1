//! The manifest: one line of JSON for each file that is done, appended once the file is safe. It is what a later run goes on from, and what
//! is checked by `--verify-manifest`. Counts and digests only: nothing that was found.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::{File, Metadata, OpenOptions},
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::MetadataExt,
    },
    path::{Path, PathBuf},
};

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Its name in the folder of the output.
pub(crate) const NAME: &str = "logscrub-manifest.jsonl";

/// A file that is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Below the root; a name that is no text stands in hexadecimal behind `hex:`.
    pub(crate) path: String,
    pub(crate) bytes_before: u64,
    pub(crate) blake3_before: String,
    /// When the file was changed last, in nanoseconds.
    pub(crate) changed: String,
    pub(crate) bytes_after: u64,
    pub(crate) blake3_after: String,
    pub(crate) records: u64,
    pub(crate) findings: serde_json::Map<String, serde_json::Value>,
    /// Records that were masked because they could not be examined.
    pub(crate) withheld: u64,
    /// Entries that could not be examined, with the reason.
    pub(crate) unexamined: Vec<(String, String)>,
    /// The digest of rules and settings.
    pub(crate) rules: String,
    pub(crate) version: String,
    pub(crate) seconds: f64,
}

/// When a file was changed last.
pub(super) fn changed(metadata: &Metadata) -> String {
    (i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())).to_string()
}

/// A path as the manifest writes it.
pub(super) fn text_of(path: &Path) -> String {
    match path.to_str() {
        Some(text) if !text.starts_with("hex:") => text.to_owned(),
        _ => path.as_os_str().as_bytes().iter().fold("hex:".to_owned(), |text, byte| format!("{text}{byte:02x}")),
    }
}

/// The path that the manifest means.
pub(super) fn path_of(text: &str) -> Option<PathBuf> {
    let Some(digits) = text.strip_prefix("hex:") else { return Some(text.into()) };
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    bytes.map(|bytes| OsString::from_vec(bytes).into())
}

/// The manifest of a run, held by it alone.
pub(crate) struct Manifest {
    file: File,
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
        Ok(Manifest { file, path: path.to_owned(), done })
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

    /// The folder it lies in.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Appends lines, all in one write.
    pub(super) fn append(&mut self, lines: &[Line]) -> Result<(), Error> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line).expect("a line is plain data");
            text.push(b'\n');
        }
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        written.map_err(|error| Error::output(&self.path.display().to_string(), error))
    }
}

/// The last line of each path, and how many bytes are whole lines.
fn read(file: &File, path: &Path) -> Result<(HashMap<String, Line>, u64), Error> {
    let mut done = HashMap::new();
    let mut n_whole = 0;
    let mut rdr = BufReader::new(file);
    for number in 1.. {
        let mut line = Vec::new();
        let n_bytes =
            rdr.by_ref().take(64 << 20).read_until(b'\n', &mut line).map_err(|error| Error::unreadable(path, error))?;
        if !line.ends_with(b"\n") {
            break;
        }
        let line: Line = serde_json::from_slice(&line)
            .map_err(|_| Error::at(&path.display().to_string(), number, "not a line of a manifest"))?;
        done.insert(line.path.clone(), line);
        n_whole += n_bytes as u64;
    }
    Ok((done, n_whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_text_come_back() {
        for bytes in [&b"a/b.log"[..], b"caf\xe9.log", b"hex:61", b""] {
            let path = PathBuf::from(OsString::from_vec(bytes.to_vec()));
            assert_eq!(path_of(&text_of(&path)), Some(path));
        }
    }
}
