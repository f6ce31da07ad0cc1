//! Files and directory trees, as fd and ripgrep treat them: hidden files only on request, links are
//! not followed. Ignore files are not read, because logs that git ignores hold secrets as well.

use std::{
    ffi::OsStr,
    fmt,
    fs::{self, DirEntry, FileType, Metadata},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use globset::GlobSet;

/// Which files are selected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) hidden: bool,
    /// Matches the path below the root, or the file name. Without globs, all files match.
    pub(crate) include: Option<GlobSet>,
    pub(crate) exclude: Option<GlobSet>,
    pub(crate) since: Option<SystemTime>,
    pub(crate) until: Option<SystemTime>,
}

impl Filter {
    fn takes(&self, below: &Path, changed: i128) -> bool {
        self.include.as_ref().is_none_or(|globs| is_match(globs, below))
            && !self.exclude.as_ref().is_some_and(|globs| is_match(globs, below))
            && self.since.is_none_or(|since| changed >= since_1970(since))
            && self.until.is_none_or(|until| changed < since_1970(until))
    }
}

/// Whether the globs match the path or the file name.
fn is_match(globs: &GlobSet, path: &Path) -> bool {
    globs.is_match(path) || path.file_name().is_some_and(|name| globs.is_match(name))
}

/// Nanoseconds since 1970.
fn since_1970(time: SystemTime) -> i128 {
    let elapsed = time.duration_since(SystemTime::UNIX_EPOCH);
    elapsed.map_or_else(|before| -nanoseconds(before.duration()), nanoseconds)
}

fn nanoseconds(time: Duration) -> i128 {
    i128::try_from(time.as_nanos()).unwrap_or(i128::MAX)
}

/// The modification time in nanoseconds since 1970.
pub(crate) fn changed(metadata: &Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}

/// A regular file. A tree may have millions, so this holds only what must be known before the file
/// is opened.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// Where in `path` its path in the output begins: below the parent of the root, so that a tree
    /// keeps its name.
    place: usize,
    pub(crate) len: u64,
    /// See [`changed`].
    pub(crate) changed: i128,
}

impl Found {
    /// Its path in the output.
    pub(crate) fn place(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path.as_os_str().as_bytes()[self.place..]))
    }

    /// Makes its path in the output relative to `folder`, or the whole path if it lies elsewhere.
    pub(crate) fn lies_below(&mut self, folder: &Path) {
        let below = self.path.strip_prefix(folder).unwrap_or(&self.path);
        self.place = self.path.as_os_str().len() - below.as_os_str().len();
    }
}

/// The result of a walk.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub(crate) files: Vec<Found>,
    /// Paths that cannot be read as a file, with the reason.
    pub(crate) skipped: Vec<(PathBuf, Passed)>,
}

/// Why a path is skipped.
#[derive(Debug)]
pub(crate) enum Passed {
    /// It is neither a file nor a directory. The string says what it is.
    Special(&'static str),
    /// It cannot be read, so its content is unknown.
    Unreadable(io::Error),
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Passed::Special(name) => f.write_str(name),
            Passed::Unreadable(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

/// Whether a path is skipped silently.
pub(crate) type IsOurs<'f> = &'f dyn Fn(&Path, FileType) -> bool;

/// Walks `root` in the order of names.
pub(crate) fn walk(root: &Path, filter: &Filter, is_ours: IsOurs<'_>) -> Walked {
    let mut walk = TreeWalk { root, filter, is_ours, walked: Walked::default() };
    // The user named the root, so it may be a link. Links below it are not followed.
    walk.come_upon(root.to_owned(), fs::metadata(root).map(|metadata| Seen::new(&metadata)));
    walk.walked
}

struct TreeWalk<'w> {
    root: &'w Path,
    filter: &'w Filter,
    is_ours: IsOurs<'w>,
    walked: Walked,
}

/// What is known about a path.
struct Seen {
    kind: FileType,
    len: u64,
    changed: i128,
}

impl Seen {
    fn new(metadata: &Metadata) -> Seen {
        Seen { kind: metadata.file_type(), len: metadata.len(), changed: changed(metadata) }
    }
}

fn seen(entry: &DirEntry) -> io::Result<Seen> {
    entry.metadata().map(|metadata| Seen::new(&metadata))
}

impl TreeWalk<'_> {
    fn come_upon(&mut self, path: PathBuf, seen: io::Result<Seen>) {
        match seen {
            Ok(seen) if (self.is_ours)(&path, seen.kind) => {}
            Ok(seen) if seen.kind.is_dir() => self.folder(&path),
            Ok(seen) if seen.kind.is_file() => self.file(path, &seen),
            Ok(seen) => self.walked.skipped.push((path, special(seen.kind))),
            Err(error) => self.walked.skipped.push((path, Passed::Unreadable(error))),
        }
    }

    fn folder(&mut self, path: &Path) {
        let entries = match entries(path, seen) {
            Ok(entries) => entries,
            Err(error) => {
                return self.walked.skipped.push((path.to_owned(), Passed::Unreadable(error)));
            }
        };
        for (path, seen) in entries {
            let is_hidden = path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"."));
            if !is_hidden || self.filter.hidden {
                self.come_upon(path, seen);
            }
        }
    }

    fn file(&mut self, path: PathBuf, seen: &Seen) {
        let mut found = Found { path, place: 0, len: seen.len, changed: seen.changed };
        found.lies_below(if found.path == self.root {
            self.root.parent().unwrap_or(self.root)
        } else {
            self.root
        });
        if self.filter.takes(found.place(), seen.changed) {
            self.walked.files.push(found);
        }
    }
}

/// Calls `each` with every file below `folder`, including hidden ones. Unreadable directories are
/// skipped.
pub(crate) fn files(folder: &Path, each: &mut dyn FnMut(PathBuf)) {
    for (path, kind) in entries(folder, DirEntry::file_type).unwrap_or_default() {
        match kind {
            Ok(kind) if kind.is_dir() => files(&path, each),
            Ok(kind) if kind.is_file() => each(path),
            _ => {}
        }
    }
}

/// The entries of a directory in the order of names, each with the result of `tell`. Calling it
/// while the directory is open saves a path lookup.
fn entries<T>(folder: &Path, tell: impl Fn(&DirEntry) -> T) -> io::Result<Vec<(PathBuf, T)>> {
    let entries = fs::read_dir(folder)?;
    let told = entries.map(|entry| entry.map(|entry| (entry.path(), tell(&entry))));
    let mut told = told.collect::<io::Result<Vec<_>>>()?;
    told.sort_unstable_by(|one, other| one.0.as_os_str().cmp(other.0.as_os_str()));
    Ok(told)
}

fn special(kind: FileType) -> Passed {
    Passed::Special(if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_fifo() {
        "a named pipe"
    } else {
        "a device"
    })
}
