//! A file that is there whole or not at all: written without a name, made safe on the disk, then given its name.
//!
//! A process that dies leaves nothing behind, because what has no name goes with it. The exception is the moment of a rename: where a file
//! of that name is already there, the new one gets a passing name beside it, which a kill can leave; [`is_passing`] knows such names.

use std::{
    ffi::{OsStr, OsString},
    fs::{File, Metadata},
    io::{self, Write},
    os::{
        fd::AsRawFd,
        unix::{
            ffi::{OsStrExt, OsStringExt},
            fs::MetadataExt,
        },
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use rustix::{
    fs::{AtFlags, CWD, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags},
    io::Errno,
};

use crate::error::Error;

/// A passing name is this, the process, a number, and [`TAIL`].
const HEAD: &str = ".logscrub-";
const TAIL: &str = ".passing";

/// Attributes longer than this are none that a log has.
const LONGEST_ATTRIBUTES: usize = 64 << 10;

/// A file in `folder` without a name.
pub(crate) fn nameless(folder: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR).map(File::from).map_err(io::Error::from)
}

/// Whether a file was on its way when its process ended: a whole copy whose original is still in place.
pub(crate) fn is_passing(name: &OsStr) -> bool {
    name.as_bytes().starts_with(HEAD.as_bytes()) && name.as_bytes().ends_with(TAIL.as_bytes())
}

/// A file that has not got its name yet.
pub(crate) struct Fresh {
    file: File,
    target: PathBuf,
}

impl Fresh {
    /// What becomes `target`. Readable by its owner only, until [`Fresh::resemble`] says otherwise.
    pub(crate) fn new(target: &Path) -> Result<Fresh, Error> {
        let file = nameless(folder_of(target)).map_err(|error| failed(target, error))?;
        Ok(Fresh { file, target: target.to_owned() })
    }

    /// Takes mode, owner, times and, from `original`, extended attributes. The owner is kept where that is allowed.
    pub(crate) fn resemble(&self, original: &File, metadata: &Metadata) -> Result<(), Error> {
        self.resembling(original, metadata).map_err(|error| failed(&self.target, error))
    }

    fn resembling(&self, original: &File, metadata: &Metadata) -> io::Result<()> {
        let (owner, group) = (Uid::from_raw(metadata.uid()), Gid::from_raw(metadata.gid()));
        match rustix::fs::fchown(&self.file, Some(owner), Some(group)) {
            // Who is not root keeps what can be kept; a mode for others is then no wider than it was.
            Ok(()) | Err(Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
        rustix::fs::fchmod(&self.file, Mode::from_raw_mode(metadata.mode() & 0o7777))?;
        copy_attributes(original, &self.file)?;
        let last_access = Timespec { tv_sec: metadata.atime(), tv_nsec: metadata.atime_nsec() };
        let last_modification = Timespec { tv_sec: metadata.mtime(), tv_nsec: metadata.mtime_nsec() };
        rustix::fs::futimens(&self.file, &Timestamps { last_access, last_modification }).map_err(io::Error::from)
    }

    /// Makes it safe on the disk.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.file.sync_all().map_err(|error| failed(&self.target, error))
    }

    /// Gives it its name, in place of what has it now.
    pub(crate) fn land(self) -> Result<(), Error> {
        let landed = match link(&self.file, &self.target) {
            Err(Errno::EXIST) => self.replace(),
            landed => landed.map_err(io::Error::from),
        };
        landed.map_err(|error| failed(&self.target, error))
    }

    fn replace(&self) -> io::Result<()> {
        let passing = folder_of(&self.target).join(passing_name());
        link(&self.file, &passing)?;
        std::fs::rename(&passing, &self.target).inspect_err(|_| {
            let _ = std::fs::remove_file(&passing);
        })
    }
}

impl Write for Fresh {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| io::Error::other(failed(&self.target, error)))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes the names in the folder of `path` safe on the disk.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), Error> {
    let folder = folder_of(path);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(folder, error))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn failed(path: &Path, error: io::Error) -> Error {
    let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let failed = Error::output(&path.display().to_string(), error);
    if is_full { failed.hint("make room and run the same command again: it goes on where it was") } else { failed }
}

fn link(file: &File, name: &Path) -> Result<(), Errno> {
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(CWD, open, CWD, name, AtFlags::SYMLINK_FOLLOW)
}

fn passing_name() -> OsString {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{HEAD}{}-{number}{TAIL}", std::process::id()).into()
}

fn copy_attributes(from: &File, to: &File) -> io::Result<()> {
    let mut names = vec![0; LONGEST_ATTRIBUTES];
    let n_bytes = match rustix::fs::flistxattr(from, &mut names[..]) {
        Ok(n_bytes) => n_bytes,
        Err(Errno::NOTSUP) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for name in names[..n_bytes].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = OsString::from_vec(name.to_vec());
        let mut value = vec![0; LONGEST_ATTRIBUTES];
        let n_bytes = rustix::fs::fgetxattr(from, &name, &mut value[..])?;
        match rustix::fs::fsetxattr(to, &name, &value[..n_bytes], XattrFlags::empty()) {
            // Labels that the system itself gives.
            Ok(()) | Err(Errno::PERM | Errno::NOTSUP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_only_once_it_has_landed_and_replaces_what_was_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let target = folder.path().join("a.log");
        for text in ["one", "two"] {
            let mut fresh = Fresh::new(&target).expect("the folder can be written");
            fresh.write_all(text.as_bytes()).expect("there is room");
            assert_ne!(std::fs::read(&target).ok().as_deref(), Some(text.as_bytes()));
            fresh.land().expect("it lands");
            assert_eq!(std::fs::read(&target).ok().as_deref(), Some(text.as_bytes()));
        }
        drop(Fresh::new(&target).expect("the folder can be written"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 1);
    }

    #[test]
    fn passing_names_are_known() {
        assert!(is_passing(&passing_name()));
        assert!(!is_passing(OsStr::new(".logscrub.toml")));
    }
}
