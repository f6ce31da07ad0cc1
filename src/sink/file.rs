//! A file that appears whole or not at all: written without a name, synced, then linked to its
//! name.
//!
//! A process that dies leaves nothing behind, because an unnamed file is freed with it. There are
//! two exceptions. If the target exists, the new file gets a temporary name beside it just before
//! the rename. On file systems without unnamed files (NFS, older FUSE, FAT) every file has a
//! temporary name. A kill can leave one behind; the next run removes it ([`sweep`]).

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, Metadata},
    io::{self, IoSlice, Write},
    num::NonZero,
    os::{
        fd::AsRawFd,
        unix::{
            ffi::{OsStrExt, OsStringExt},
            fs::MetadataExt,
        },
    },
    path::{Path, PathBuf},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use rustix::{
    fs::{
        Advice, AtFlags, CWD, FlockOperation, Gid, Mode, OFlags, Timespec, Timestamps, Uid,
        XattrFlags,
    },
    io::Errno,
};

use crate::error::Error;

/// A temporary name consists of this, the process id, a number, and [`TAIL`].
const HEAD: &str = ".logscrub-";
const TAIL: &str = ".passing";

/// The most bytes of extended attributes.
const LONGEST_ATTRIBUTES: usize = 64 << 10;

/// An unnamed file in `folder`.
pub(crate) fn unnamed_file(folder: &Path) -> io::Result<File> {
    match unnamed(folder) {
        Ok(file) => Ok(file),
        Err(error) if is_unknown(error) => {
            let (file, passing) = named(folder)?;
            fs::remove_file(passing).map(|()| file)
        }
        Err(error) => Err(error.into()),
    }
}

fn unnamed(folder: &Path) -> Result<File, Errno> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR).map(File::from)
}

/// Whether the file system does not support unnamed files. Kernels that do not know the flag see a
/// directory opened for writing.
fn is_unknown(error: Errno) -> bool {
    matches!(error, Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL)
}

/// A file in `folder` with a temporary name, locked while it is open so that no other run removes
/// it.
fn named(folder: &Path) -> io::Result<(File, PathBuf)> {
    loop {
        let passing = folder.join(passing_name());
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(CWD, &passing, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => File::from(file),
            Err(Errno::EXIST) => continue,
            Err(error) => return Err(error.into()),
        };
        // Another run may be removing it, or may have done so before it was locked.
        if hold(&file)? && passing.exists() {
            return Ok((file, passing));
        }
    }
}

/// Locks a file with a temporary name. Returns whether other runs see that.
fn hold(file: &File) -> io::Result<bool> {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Ok(false),
        // Without locks, no run removes files.
        Ok(()) | Err(Errno::NOTSUP | Errno::NOLCK | Errno::NOSYS) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Whether this is a temporary name, left by a process that ended before the rename.
pub(crate) fn is_passing(name: &OsStr) -> bool {
    name.as_bytes().starts_with(HEAD.as_bytes()) && name.as_bytes().ends_with(TAIL.as_bytes())
}

/// Removes the temporary file at `path` if its process is gone. Failures are ignored.
pub(crate) fn sweep(path: &Path) {
    if path.file_name().is_some_and(is_passing)
        && File::open(path).is_ok_and(|file| is_abandoned(&file))
    {
        // If the name is gone, its owner has renamed the file.
        let _ = fs::remove_file(path);
    }
}

/// Whether no process holds the lock of a temporary file.
fn is_abandoned(file: &File) -> bool {
    rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// Linking an unnamed file needs /proc.
static CAN_BE_NAMED: LazyLock<bool> = LazyLock::new(|| Path::new("/proc/self/fd").exists());

/// How many bytes are written before the kernel is asked to start writing them to disk. By default
/// it starts when a tenth of the memory is dirty (after 10 s of a run of 25 s), and the end of the
/// run then waits for all of it.
const STRIDE: u64 = 8 << 20;

/// A file that does not have its name yet.
pub(crate) struct NewFile {
    file: File,
    target: PathBuf,
    written: u64,
    /// How many of them the kernel was asked to write.
    handed_over: u64,
    /// The temporary name, if it has one.
    passing: Option<PathBuf>,
}

impl NewFile {
    /// A file that will become `target`. Only its owner can read it until
    /// [`NewFile::copy_metadata`].
    pub(crate) fn new(target: &Path) -> Result<NewFile, Error> {
        match unnamed(folder_of(target)) {
            Ok(file) if *CAN_BE_NAMED => Ok(NewFile::of(file, target, None)),
            Ok(_) => NewFile::named(target),
            Err(error) if is_unknown(error) => NewFile::named(target),
            Err(error) => Err(failed(target, error.into())),
        }
    }

    fn named(target: &Path) -> Result<NewFile, Error> {
        let (file, passing) = named(folder_of(target)).map_err(|error| failed(target, error))?;
        Ok(NewFile::of(file, target, Some(passing)))
    }

    fn of(file: File, target: &Path, passing: Option<PathBuf>) -> NewFile {
        NewFile { file, target: target.to_owned(), written: 0, handed_over: 0, passing }
    }

    /// Asks the kernel to start writing.
    fn hand_over(&mut self) {
        let n_bytes = NonZero::new(self.written - self.handed_over);
        // The advice makes the kernel write dirty pages; only clean ones are dropped from the
        // cache. It may be ignored.
        let _ = rustix::fs::fadvise(&self.file, self.handed_over, n_bytes, Advice::DontNeed);
        self.handed_over = self.written;
    }

    /// Copies mode, owner, times and extended attributes of `original`. The owner is only copied if
    /// permitted.
    pub(crate) fn copy_metadata(&self, original: &File, metadata: &Metadata) -> Result<(), Error> {
        self.try_copy_metadata(original, metadata).map_err(|error| failed(&self.target, error))
    }

    fn try_copy_metadata(&self, original: &File, metadata: &Metadata) -> io::Result<()> {
        let (owner, group) = (Uid::from_raw(metadata.uid()), Gid::from_raw(metadata.gid()));
        match rustix::fs::fchown(&self.file, Some(owner), Some(group)) {
            // Without root privileges the owner cannot be set. The mode then grants others no more
            // than before.
            Ok(()) | Err(Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
        match rustix::fs::fchmod(&self.file, Mode::from_raw_mode(metadata.mode() & 0o7777)) {
            // FAT has modes per mount, not per file.
            Ok(()) | Err(Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
        copy_attributes(original, &self.file)?;
        let last_access = Timespec { tv_sec: metadata.atime(), tv_nsec: metadata.atime_nsec() };
        let last_modification =
            Timespec { tv_sec: metadata.mtime(), tv_nsec: metadata.mtime_nsec() };
        rustix::fs::futimens(&self.file, &Timestamps { last_access, last_modification })
            .map_err(io::Error::from)
    }

    /// Syncs the file.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.file.sync_all().map_err(|error| failed(&self.target, error))
    }

    /// Gives the file its name, replacing an existing file.
    pub(crate) fn publish(mut self) -> Result<(), Error> {
        self.try_publish().map_err(|error| failed(&self.target, error))
    }

    fn try_publish(&mut self) -> io::Result<()> {
        if self.passing.is_none() {
            match link(&self.file, &self.target) {
                Err(Errno::EXIST) => {}
                landed => return landed.map_err(io::Error::from),
            }
            let passing = folder_of(&self.target).join(passing_name());
            // A file without a name cannot be locked by anyone else.
            hold(&self.file)?;
            link(&self.file, &passing)?;
            self.passing = Some(passing);
        }
        if let Some(passing) = &self.passing {
            fs::rename(passing, &self.target)?;
        }
        self.passing = None;
        Ok(())
    }
}

impl Drop for NewFile {
    /// Removes a file that did not get its name.
    fn drop(&mut self) {
        if let Some(passing) = &self.passing {
            // If this fails, the next run removes it.
            let _ = fs::remove_file(passing);
        }
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, runs: &[IoSlice<'_>]) -> io::Result<usize> {
        let n_bytes = match self.file.write_vectored(runs) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(io::Error::other(failed(&self.target, error)));
            }
            written => written?,
        };
        self.written += n_bytes as u64;
        if self.written - self.handed_over >= STRIDE {
            self.hand_over();
        }
        Ok(n_bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Tells the kernel that `file` will be read sequentially.
pub(crate) fn read_ahead(file: &File) {
    // The advice may be ignored.
    let _ = rustix::fs::fadvise(file, 0, None, Advice::Sequential);
}

/// Syncs the directory of `path`.
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
    if is_full {
        failed.hint("free some space and run the same command again: it resumes where it stopped")
    } else {
        failed
    }
}

fn link(file: &File, name: &Path) -> Result<(), Errno> {
    match rustix::fs::linkat(file, "", CWD, name, AtFlags::EMPTY_PATH) {
        // Older kernels permit this only to root. Via /proc everyone may, at the cost of a path
        // lookup.
        Err(Errno::NOENT | Errno::PERM) => {
            rustix::fs::linkat(CWD, open_name(file), CWD, name, AtFlags::SYMLINK_FOLLOW)
        }
        linked => linked,
    }
}

fn open_name(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

fn passing_name() -> OsString {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{HEAD}{}-{number}{TAIL}", std::process::id()).into()
}

fn copy_attributes(from: &File, to: &File) -> io::Result<()> {
    match rustix::fs::flistxattr(from, &mut [0_u8; 0]) {
        Ok(0) | Err(Errno::NOTSUP) => return Ok(()),
        _ => {}
    }
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
            // Labels that the system itself sets.
            Ok(()) | Err(Errno::PERM | Errno::NOTSUP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        fs::read_dir(folder)
            .expect("it is there")
            .map(|entry| entry.expect("an entry").file_name())
            .collect()
    }

    #[test]
    fn a_file_is_there_only_once_it_has_landed_and_replaces_what_was_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let target = folder.path().join("a.log");
        for make in [NewFile::new, NewFile::named] {
            for text in ["one", "two"] {
                let mut fresh = make(&target).expect("the folder can be written");
                fresh.write_all(text.as_bytes()).expect("there is room");
                assert_ne!(fs::read(&target).ok().as_deref(), Some(text.as_bytes()));
                fresh.publish().expect("it lands");
                assert_eq!(fs::read(&target).ok().as_deref(), Some(text.as_bytes()));
            }
            drop(make(&target).expect("the folder can be written"));
            assert_eq!(names(folder.path()), ["a.log"]);
        }
    }

    #[test]
    fn what_a_dead_process_left_is_swept_and_what_is_in_use_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let left = folder.path().join(format!("{HEAD}1-0{TAIL}"));
        fs::File::create(&left).expect("the folder can be written");
        let other = folder.path().join(".logscrub.toml");
        fs::File::create(&other).expect("the folder can be written");
        let used = NewFile::named(&folder.path().join("a.log")).expect("the folder can be written");
        names(folder.path()).iter().for_each(|name| sweep(&folder.path().join(name)));
        assert!(!left.exists() && other.exists());
        used.publish().expect("nobody took its name");
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn a_nameless_file_leaves_no_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (file, passing) = named(folder.path()).expect("the folder can be written");
        drop((unnamed_file(folder.path()).expect("the folder can be written"), file));
        assert_eq!(names(folder.path()), [passing.file_name().expect("it has one")]);
    }
}
