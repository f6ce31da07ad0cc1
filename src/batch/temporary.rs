//! A buffer for content whose size must be known before it is written: in memory up to a limit,
//! beyond that in an unnamed temporary file.

use std::{
    fs::File,
    io::{self, Cursor, Read, Seek, SeekFrom, Write},
    path::Path,
};

use crate::{error::Error, sink::file};

/// Written first, then read from the beginning.
pub(super) struct EntryBuffer<'p> {
    folder: &'p Path,
    limit: usize,
    memory: Cursor<Vec<u8>>,
    file: Option<File>,
    len: u64,
}

impl<'p> EntryBuffer<'p> {
    /// A buffer that moves to an unnamed file in `folder` when it exceeds `limit` bytes.
    pub(super) fn new(folder: &'p Path, limit: usize) -> EntryBuffer<'p> {
        EntryBuffer { folder, limit, memory: Cursor::new(Vec::new()), file: None, len: 0 }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The content, if it is in memory.
    pub(super) fn in_memory(&self) -> Option<&[u8]> {
        self.file.is_none().then(|| self.memory.get_ref().as_slice())
    }

    /// Moves to the beginning, for reading.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        self.seek(SeekFrom::Start(0)).map(drop)
    }

    fn failed(&self, error: io::Error) -> io::Error {
        io::Error::other(Error::output(
            &format!("a temporary file in {}", self.folder.display()),
            error,
        ))
    }
}

impl Write for EntryBuffer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_none() && self.memory.get_ref().len() + bytes.len() > self.limit {
            let mut file = file::unnamed_file(self.folder).map_err(|error| self.failed(error))?;
            file.write_all(self.memory.get_ref()).map_err(|error| self.failed(error))?;
            self.memory = Cursor::new(Vec::new());
            self.file = Some(file);
        }
        match &mut self.file {
            Some(file) => {
                let written = file.write_all(bytes);
                written.map_err(|error| self.failed(error))?;
            }
            None => self.memory.get_mut().extend_from_slice(bytes),
        }
        self.len += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for EntryBuffer<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.read(space),
            None => self.memory.read(space),
        }
    }
}

impl Seek for EntryBuffer<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.file {
            Some(file) => file.seek(to),
            None => self.memory.seek(to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_from_memory_and_from_a_file_alike() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for limit in [0, 10, 1000] {
            let mut spool = EntryBuffer::new(folder.path(), limit);
            (0..10).for_each(|_| spool.write_all(b"0123456789").expect("there is room"));
            assert_eq!((spool.len(), spool.in_memory().is_some()), (100, limit == 1000));
            spool.rewind().expect("it can be read");
            let mut text = String::new();
            spool.read_to_string(&mut text).expect("it is text");
            assert_eq!(text, "0123456789".repeat(10));
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 0);
    }
}
