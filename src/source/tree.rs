//! Files and trees, by the rules of fd and ripgrep: hidden files only when asked for, links never followed. Ignore files are not read: a
//! log that git does not want to keep holds secrets as well.

use std::{
    ffi::OsStr,
    fmt,
    fs::{self, Metadata},
    io,
    os::unix::{ffi::OsStrExt, fs::FileTypeExt},
    path::{Path, PathBuf},
    time::SystemTime,
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
    fn takes(&self, below: &Path, metadata: &Metadata) -> bool {
        let is_in =
            |globs: &GlobSet| globs.is_match(below) || below.file_name().is_some_and(|name| globs.is_match(name));
        let changed = metadata.modified().ok();
        self.include.as_ref().is_none_or(is_in)
            && !self.exclude.as_ref().is_some_and(is_in)
            && self.since.is_none_or(|since| changed.is_some_and(|changed| changed >= since))
            && self.until.is_none_or(|until| changed.is_some_and(|changed| changed < until))
    }
}

/// A regular file.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// Below the folder of the root, so that a tree keeps its name.
    pub(crate) below: PathBuf,
    pub(crate) metadata: Metadata,
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
pub(crate) type IsOurs<'f> = &'f dyn Fn(&Path, &Metadata) -> bool;

/// Walks `root` in order of names.
pub(crate) fn walk(root: &Path, filter: &Filter, is_ours: IsOurs<'_>) -> Walked {
    let mut walked = Walked::default();
    // A root that is a link is what the user named; links below are not followed.
    match fs::metadata(root) {
        Ok(metadata) if is_ours(root, &metadata) => {}
        Ok(metadata) if metadata.is_dir() => folder(root, root, filter, is_ours, &mut walked),
        Ok(metadata) if metadata.is_file() => {
            let below = PathBuf::from(root.file_name().unwrap_or(OsStr::new("file")));
            take(root.to_owned(), below, metadata, filter, &mut walked);
        }
        Ok(metadata) => walked.skipped.push((root.to_owned(), special(&metadata))),
        Err(error) => walked.skipped.push((root.to_owned(), Passed::Unreadable(error))),
    }
    walked
}

/// Shows every file below `folder` to `each`, hidden ones too. What cannot be read is passed over.
pub(crate) fn files(folder: &Path, each: &mut dyn FnMut(PathBuf)) {
    for path in entries(folder).unwrap_or_default() {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => files(&path, each),
            Ok(metadata) if metadata.is_file() => each(path),
            _ => {}
        }
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?;
    let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort_unstable();
    Ok(paths)
}

fn folder(path: &Path, root: &Path, filter: &Filter, is_ours: IsOurs<'_>, walked: &mut Walked) {
    let paths = match entries(path) {
        Ok(paths) => paths,
        Err(error) => return walked.skipped.push((path.to_owned(), Passed::Unreadable(error))),
    };
    for path in paths {
        let is_hidden = path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"."));
        if is_hidden && !filter.hidden {
            continue;
        }
        match fs::symlink_metadata(&path) {
            Ok(metadata) if is_ours(&path, &metadata) => {}
            Ok(metadata) if metadata.is_dir() => folder(&path, root, filter, is_ours, walked),
            Ok(metadata) if metadata.is_file() => {
                let below = path.strip_prefix(root).unwrap_or(&path).to_owned();
                take(path, below, metadata, filter, walked);
            }
            Ok(metadata) => walked.skipped.push((path, special(&metadata))),
            Err(error) => walked.skipped.push((path, Passed::Unreadable(error))),
        }
    }
}

fn take(path: PathBuf, below: PathBuf, metadata: Metadata, filter: &Filter, walked: &mut Walked) {
    if filter.takes(&below, &metadata) {
        walked.files.push(Found { path, below, metadata });
    }
}

fn special(metadata: &Metadata) -> Passed {
    let kind = metadata.file_type();
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
