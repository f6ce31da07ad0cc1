//! Files and trees, by the rules of fd and ripgrep: hidden files only when asked for, links never
//! followed. Ignore files are not read: a log that git does not want to keep holds secrets as well.

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

/// What is taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) hidden: bool,
    /// Over the path below the root, or the file's name; all when there is none.
    pub(crate) include: Option<GlobSet>,
    pub(crate) exclude: Option<GlobSet>,
    pub(crate) since: Option<SystemTime>,
    pub(crate) until: Option<SystemTime>,
}

impl Filter {
    fn takes(&self, below: &Path, changed: i128) -> bool {
        let is_in = |globs: &GlobSet| {
            globs.is_match(below) || below.file_name().is_some_and(|name| globs.is_match(name))
        };
        self.include.as_ref().is_none_or(is_in)
            && !self.exclude.as_ref().is_some_and(is_in)
            && self.since.is_none_or(|since| changed >= since_1970(since))
            && self.until.is_none_or(|until| changed < since_1970(until))
    }
}

/// Nanoseconds.
fn since_1970(time: SystemTime) -> i128 {
    let nanoseconds = |time: Duration| i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
    let elapsed = time.duration_since(SystemTime::UNIX_EPOCH);
    elapsed.map_or_else(|before| -nanoseconds(before.duration()), nanoseconds)
}

/// When a file was changed last, in nanoseconds since 1970.
pub(crate) fn changed(metadata: &Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}

/// A regular file. A tree may have millions, so no more is kept of each than what must be known
/// before it is opened.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// Where in the path its place in the output begins: below the root's folder, so that a tree
    /// keeps its name.
    place: usize,
    pub(crate) len: u64,
    /// As [`changed`] says.
    pub(crate) changed: i128,
}

impl Found {
    /// Its place in the output.
    pub(crate) fn place(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path.as_os_str().as_bytes()[self.place..]))
    }

    /// From now on its place is that below `folder`, or its whole path when it lies elsewhere.
    pub(crate) fn lies_below(&mut self, folder: &Path) {
        let below = self.path.strip_prefix(folder).unwrap_or(&self.path);
        self.place = self.path.as_os_str().len() - below.as_os_str().len();
    }
}

/// What a walk came upon.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub(crate) files: Vec<Found>,
    /// What is no file that can be read, with the reason.
    pub(crate) skipped: Vec<(PathBuf, Passed)>,
}

/// Why something is passed over.
#[derive(Debug)]
pub(crate) enum Passed {
    /// It is no file and no folder: the name of what it is.
    Special(&'static str),
    /// It cannot be read, so what is in it is not known.
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

/// Tells what is to be passed over without a word.
pub(crate) type IsOurs<'f> = &'f dyn Fn(&Path, FileType) -> bool;

/// Walks `root` in order of names.
pub(crate) fn walk(root: &Path, filter: &Filter, is_ours: IsOurs<'_>) -> Walked {
    let mut walk = Walk { root, filter, is_ours, walked: Walked::default() };
    // A root that is a link is what the user named; links below are not followed.
    walk.come_upon(root.to_owned(), fs::metadata(root).map(|metadata| Seen::new(&metadata)));
    walk.walked
}

struct Walk<'w> {
    root: &'w Path,
    filter: &'w Filter,
    is_ours: IsOurs<'w>,
    walked: Walked,
}

/// What is known of a path.
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

impl Walk<'_> {
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
        let tell = |entry: &DirEntry| entry.metadata().map(|metadata| Seen::new(&metadata));
        let entries = match entries(path, tell) {
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

/// Shows every file below `folder` to `each`, hidden ones too. What cannot be read is passed over.
pub(crate) fn files(folder: &Path, each: &mut dyn FnMut(PathBuf)) {
    for (path, kind) in entries(folder, DirEntry::file_type).unwrap_or_default() {
        match kind {
            Ok(kind) if kind.is_dir() => files(&path, each),
            Ok(kind) if kind.is_file() => each(path),
            _ => {}
        }
    }
}

/// What lies in a folder, in order of names, each with what `tell` says of it. Asked while the
/// folder is open, the system need not look for its path.
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
