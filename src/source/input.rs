//! One input of the filter: standard input, or a file named on the command line.
//!
//! An input is a descriptor that is read when `poll` says so. Files are opened without blocking,
//! so that a named pipe without a writer does not keep the filter from answering signals: `poll`
//! waits for the writer. Memory maps are not used, since a log may be truncated while it is read.

use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
    io::Errno,
};

use super::stdin;
use crate::error::Error;

/// Where an input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Standard input.
    Stdin,
    /// A file of any kind that can be read from beginning to end.
    File(PathBuf),
}

impl Place {
    /// The same path rules as everywhere: `-` is standard input.
    pub(crate) fn new(path: &Path) -> Place {
        if path == Path::new("-") { Place::Stdin } else { Place::File(path.to_owned()) }
    }

    /// How messages call it.
    pub(crate) fn name(&self) -> String {
        match self {
            Place::Stdin => stdin::NAME.to_owned(),
            Place::File(path) => path.display().to_string(),
        }
    }

    /// The metadata of what is there now.
    pub(crate) fn metadata(&self) -> io::Result<Metadata> {
        match self {
            Place::Stdin => rustix::stdio::stdin()
                .try_clone_to_owned()
                .and_then(|descriptor| File::from(descriptor).metadata()),
            Place::File(path) => std::fs::metadata(path),
        }
    }
}

/// What kind of descriptor an input is, as far as waiting for it is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A regular file: reading never waits.
    Regular,
    Pipe,
    Other,
}

/// An open input.
pub(crate) struct Input {
    file: File,
    kind: Kind,
    name: String,
}

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Something can be read, or the input has ended.
    Readable,
    /// The other descriptor is readable, or time ran out.
    Other,
}

impl Input {
    /// Opens an input.
    ///
    /// # Errors
    ///
    /// It is missing, a folder or may not be read; standard input was closed from the start.
    pub(crate) fn open(place: &Place) -> Result<Input, Error> {
        match place {
            Place::Stdin => {
                stdin::check_open()?;
                Input::stdin()
            }
            Place::File(path) => Input::file(path, place.name()),
        }
    }

    /// Standard input, open or not.
    pub(crate) fn stdin() -> Result<Input, Error> {
        let failed = |error| Error::input(stdin::NAME, error);
        let file = File::from(rustix::stdio::stdin().try_clone_to_owned().map_err(failed)?);
        let kind = file.metadata().map_or(Kind::Other, |metadata| Kind::of(&metadata));
        Ok(Input { file, kind, name: stdin::NAME.to_owned() })
    }

    fn file(path: &Path, name: String) -> Result<Input, Error> {
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::PermissionDenied => Error::input(&name, error)
                .hint("the user that runs logscrub needs permission to read it"),
            _ => Error::input(&name, error),
        };
        // Elsewhere `poll` does not wait for the first writer of a named pipe.
        let nonblocking =
            if cfg!(target_os = "linux") { OFlags::NONBLOCK } else { OFlags::empty() };
        let flags = OFlags::NOCTTY | nonblocking;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path)
            .map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            let error = unreadable(io::ErrorKind::IsADirectory.into());
            return Err(error.hint("`logscrub batch DIR -o OUTPUT` scrubs a whole folder"));
        }
        Ok(Input { file, kind: Kind::of(&metadata), name })
    }

    /// How messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The descriptor.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Whether it is a pipe.
    pub(crate) fn is_pipe(&self) -> bool {
        self.kind == Kind::Pipe
    }

    /// Whether it is a regular file: reading never waits, so there is nothing to poll.
    pub(crate) fn is_file(&self) -> bool {
        self.kind == Kind::Regular
    }

    /// Reads what is there, at most `space` bytes; 0 at the end.
    pub(crate) fn read(&self, space: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::io::read(&self.file, &mut *space) {
                Ok(n_bytes) => return Ok(n_bytes),
                Err(Errno::INTR) => {}
                // Opened without blocking, or another process made the shared descriptor so. If the
                // poll fails, the next read says why.
                Err(Errno::AGAIN) => {
                    let _ = poll(&mut [PollFd::new(&self.file, PollFlags::IN)], None);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether nothing can be read right now.
    pub(crate) fn is_dry(&self) -> bool {
        !self.is_file() && self.wait_for(None, Some(Duration::ZERO)) != Wake::Readable
    }

    /// Waits until something can be read, `other` is readable or `limit` has passed.
    pub(crate) fn wait_for(&self, other: Option<BorrowedFd<'_>>, limit: Option<Duration>) -> Wake {
        let limit = limit.map(|limit| Timespec {
            tv_sec: limit.as_secs().cast_signed(),
            tv_nsec: limit.subsec_nanos().into(),
        });
        let n_fds = 1 + usize::from(other.is_some());
        let own = self.descriptor();
        let mut fds = [
            PollFd::new(&own, PollFlags::IN),
            PollFd::new(other.as_ref().unwrap_or(&own), PollFlags::IN),
        ];
        match poll(&mut fds[..n_fds], limit.as_ref()) {
            Ok(_) if !fds[0].revents().is_empty() => Wake::Readable,
            Ok(_) | Err(Errno::INTR) => Wake::Other,
            // A descriptor that cannot be polled can be read, or the read says why not.
            Err(_) => Wake::Readable,
        }
    }
}

impl Kind {
    fn of(metadata: &Metadata) -> Kind {
        let kind = metadata.file_type();
        if kind.is_file() {
            Kind::Regular
        } else if kind.is_fifo() {
            Kind::Pipe
        } else {
            Kind::Other
        }
    }
}
