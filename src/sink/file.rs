//! A file that is there whole or not at all: written without a name, made safe on the disk, then
//! given its name.
//!
//! A process that dies leaves nothing behind, because what has no name goes with it. The exception
//! is the moment of a rename: where a file of that name is already there, the new one gets a
//! passing name beside it. So does every file where the file system has none without a name (NFS,
//! older FUSE, FAT). A kill can leave a passing name; the next run takes it away ([`sweep`]).

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

/// A passing name is this, the process, a number, and [`TAIL`].
const HEAD: &str = ".logscrub-";
const TAIL: &str = ".passing";

/// Attributes longer than this are none that a log has.
const LONGEST_ATTRIBUTES: usize = 64 << 10;

/// A file in `folder` without a name: one that never had one, or has lost it.
pub(crate) fn nameless(folder: &Path) -> io::Result<File> {
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

/// Whether a file system has no files without a name; kernels that do not know the flag see a
/// folder opened for writing.
fn is_unknown(error: Errno) -> bool {
    matches!(error, Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL)
}

/// A file in `folder` with a passing name, held for as long as it is open so that nobody takes the
/// name away.
fn named(folder: &Path) -> io::Result<(File, PathBuf)> {
    loop {
        let passing = folder.join(passing_name());
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(CWD, &passing, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => File::from(file),
            Err(Errno::EXIST) => continue,
            Err(error) => return Err(error.into()),
        };
        // Another run may be sweeping it away, or have done so before it was held.
        if hold(&file)? && passing.exists() {
            return Ok((file, passing));
        }
    }
}

/// Tells other runs that the passing name of `file` is in use; answers whether they see that.
fn hold(file: &File) -> io::Result<bool> {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Ok(false),
        // Where there are no locks nobody sweeps.
        Ok(()) | Err(Errno::NOTSUP | Errno::NOLCK | Errno::NOSYS) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Whether a file was on its way when its process ended: a copy whose original is still in place.
pub(crate) fn is_passing(name: &OsStr) -> bool {
    name.as_bytes().starts_with(HEAD.as_bytes()) && name.as_bytes().ends_with(TAIL.as_bytes())
}

/// Takes away what is on its way at `path` and whose process is gone. What cannot be taken away
/// stays.
pub(crate) fn sweep(path: &Path) {
    let is_left =
        |file: &File| rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive).is_ok();
    if path.file_name().is_some_and(is_passing) && File::open(path).is_ok_and(|file| is_left(&file))
    {
        // A name that is gone meanwhile was landed by its owner.
        let _ = fs::remove_file(path);
    }
}

/// A file without a name gets one by way of /proc.
static CAN_BE_NAMED: LazyLock<bool> = LazyLock::new(|| Path::new("/proc/self/fd").exists());

/// So many bytes are handed to the disk while those behind them are still being made. Left to the
/// system, it writes nothing until a tenth of the memory waits (10 s of a run of 25 s passed before
/// the first write), and the end of the run waits for all of it.
const STRIDE: u64 = 8 << 20;

/// A file that has not got its name yet.
pub(crate) struct Fresh {
    file: File,
    target: PathBuf,
    written: u64,
    /// So many of them were handed to the disk.
    handed_over: u64,
    /// The name that it has meanwhile, where it must have one.
    passing: Option<PathBuf>,
}

impl Fresh {
    /// What becomes `target`. Readable by its owner only, until [`Fresh::resemble`] says otherwise.
    pub(crate) fn new(target: &Path) -> Result<Fresh, Error> {
        match unnamed(folder_of(target)) {
            Ok(file) if *CAN_BE_NAMED => Ok(Fresh::of(file, target, None)),
            Ok(_) => Fresh::named(target),
            Err(error) if is_unknown(error) => Fresh::named(target),
            Err(error) => Err(failed(target, error.into())),
        }
    }

    fn named(target: &Path) -> Result<Fresh, Error> {
        let (file, passing) = named(folder_of(target)).map_err(|error| failed(target, error))?;
        Ok(Fresh::of(file, target, Some(passing)))
    }

    fn of(file: File, target: &Path, passing: Option<PathBuf>) -> Fresh {
        Fresh { file, target: target.to_owned(), written: 0, handed_over: 0, passing }
    }

    /// Has the disk begin to write what is not on its way there yet.
    fn hand_over(&mut self) {
        let n_bytes = NonZero::new(self.written - self.handed_over);
        // Pages that are not needed are written; these are, and stay: only what is clean is given
        // up. It is advice, and may be declined.
        let _ = rustix::fs::fadvise(&self.file, self.handed_over, n_bytes, Advice::DontNeed);
        self.handed_over = self.written;
    }

    /// Takes mode, owner, times and, from `original`, extended attributes. The owner is kept where
    /// that is allowed.
    pub(crate) fn resemble(&self, original: &File, metadata: &Metadata) -> Result<(), Error> {
        self.resembling(original, metadata).map_err(|error| failed(&self.target, error))
    }

    fn resembling(&self, original: &File, metadata: &Metadata) -> io::Result<()> {
        let (owner, group) = (Uid::from_raw(metadata.uid()), Gid::from_raw(metadata.gid()));
        match rustix::fs::fchown(&self.file, Some(owner), Some(group)) {
            // Who is not root keeps what can be kept; a mode for others is then no wider than it
            // was.
            Ok(()) | Err(Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
        match rustix::fs::fchmod(&self.file, Mode::from_raw_mode(metadata.mode() & 0o7777)) {
            // FAT has modes by mount and not by file.
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

    /// Makes it safe on the disk.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.file.sync_all().map_err(|error| failed(&self.target, error))
    }

    /// Gives it its name, in place of what has it now.
    pub(crate) fn land(mut self) -> Result<(), Error> {
        self.landing().map_err(|error| failed(&self.target, error))
    }

    fn landing(&mut self) -> io::Result<()> {
        if self.passing.is_none() {
            match link(&self.file, &self.target) {
                Err(Errno::EXIST) => {}
                landed => return landed.map_err(io::Error::from),
            }
            let passing = folder_of(&self.target).join(passing_name());
            // Without a name nobody else can hold it.
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

impl Drop for Fresh {
    /// A file that has not landed goes.
    fn drop(&mut self) {
        if let Some(passing) = &self.passing {
            // What stays is swept by the next run.
            let _ = fs::remove_file(passing);
        }
    }
}

impl Write for Fresh {
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

/// `file` will be read from its beginning to its end.
pub(crate) fn read_ahead(file: &File) {
    // It is advice, and may be declined.
    let _ = rustix::fs::fadvise(file, 0, None, Advice::Sequential);
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
    if is_full {
        failed.hint("make room and run the same command again: it goes on where it was")
    } else {
        failed
    }
}

fn link(file: &File, name: &Path) -> Result<(), Errno> {
    match rustix::fs::linkat(file, "", CWD, name, AtFlags::EMPTY_PATH) {
        // Older kernels allow it to root alone. By way of /proc all may, which takes a look-up of
        // its own.
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
        for make in [Fresh::new, Fresh::named] {
            for text in ["one", "two"] {
                let mut fresh = make(&target).expect("the folder can be written");
                fresh.write_all(text.as_bytes()).expect("there is room");
                assert_ne!(fs::read(&target).ok().as_deref(), Some(text.as_bytes()));
                fresh.land().expect("it lands");
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
        let used = Fresh::named(&folder.path().join("a.log")).expect("the folder can be written");
        names(folder.path()).iter().for_each(|name| sweep(&folder.path().join(name)));
        assert!(!left.exists() && other.exists());
        used.land().expect("nobody took its name");
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn a_nameless_file_leaves_no_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (file, passing) = named(folder.path()).expect("the folder can be written");
        drop((nameless(folder.path()).expect("the folder can be written"), file));
        assert_eq!(names(folder.path()), [passing.file_name().expect("it has one")]);
    }
}
