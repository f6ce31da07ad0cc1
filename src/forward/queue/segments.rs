//! The files of the disk queue.
//!
//! A segment (`<number in hex>.seg`) is a sequence of entries: length of the rest without the chunk
//! id's length, CRC-32 of everything behind it, length of the chunk id, chunk id, message. An entry
//! that is incomplete or has a wrong checksum was never acknowledged to its sender; the segment
//! ends before it. `cursor` holds the position up to which everything was delivered, and `lock`
//! keeps other processes out.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Length, checksum, length of the chunk id.
const HEADER: usize = 12;

/// A position in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

impl Position {
    pub(super) fn next_segment(self) -> Position {
        Position { segment: self.segment + 1, offset: 0 }
    }
}

/// The directory of the queue, locked against other processes.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Creates the directory if necessary and locks it.
    pub(super) fn open(path: &Path) -> io::Result<Directory> {
        fs::create_dir_all(path)?;
        let lock = private_file().create(true).truncate(false).open(path.join("lock"))?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| io::Error::other("in use by another process"))?;
        Ok(Directory { path: path.to_owned(), _lock: lock })
    }

    fn segment_path(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:016x}.seg"))
    }

    /// The numbers of all segments, ascending.
    fn segments(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".seg"));
            numbers.extend(number.and_then(|number| u64::from_str_radix(number, 16).ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The size of all segments together.
    pub(super) fn n_bytes(&self) -> io::Result<u64> {
        let mut n_bytes = 0;
        for number in self.segments()? {
            n_bytes += fs::metadata(self.segment_path(number))?.len();
        }
        Ok(n_bytes)
    }

    /// Creates a segment for writing.
    pub(super) fn create_segment(&self, number: u64) -> io::Result<File> {
        let path = self.segment_path(number);
        let file = private_file().create(true).truncate(true).open(path)?;
        self.sync()?;
        Ok(file)
    }

    /// Opens a segment for reading from `position` on.
    pub(super) fn open_segment(&self, position: Position) -> io::Result<File> {
        let mut file = File::open(self.segment_path(position.segment))?;
        file.seek(SeekFrom::Start(position.offset))?;
        Ok(file)
    }

    /// Removes a segment and returns its size; `None` if it was removed before.
    pub(super) fn remove_segment(&self, number: u64) -> io::Result<Option<u64>> {
        let path = self.segment_path(number);
        let n_bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        match fs::remove_file(&path) {
            Ok(()) => Ok(Some(n_bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes segments before `cursor`, truncates the last segment after its last whole entry, and
    /// opens it for appending.
    pub(super) fn recover(&self, cursor: Position) -> io::Result<(File, Position)> {
        let mut segments = self.segments()?;
        for number in segments.iter().filter(|number| **number < cursor.segment) {
            fs::remove_file(self.segment_path(*number))?;
        }
        segments.retain(|number| *number >= cursor.segment);
        let segment = segments.last().copied().unwrap_or(cursor.segment);
        let path = self.segment_path(segment);
        let mut file = private_file().create(true).truncate(false).read(true).open(path)?;
        let mut offset = 0;
        while let Some(entry) = read_entry(&mut file)? {
            offset += entry.n_bytes;
        }
        file.set_len(offset)?;
        file.seek(SeekFrom::Start(offset))?;
        file.sync_all()?;
        self.sync()?;
        Ok((file, Position { segment, offset }))
    }

    /// The position up to which everything was delivered.
    pub(super) fn cursor(&self) -> io::Result<Position> {
        let text = match fs::read_to_string(self.path.join("cursor")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Position::default());
            }
            Err(error) => return Err(error),
        };
        let position = text.trim().split_once(' ').and_then(|(segment, offset)| {
            Some(Position { segment: segment.parse().ok()?, offset: offset.parse().ok()? })
        });
        position.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "malformed cursor file"))
    }

    /// Replaces the cursor atomically.
    pub(super) fn write_cursor(&self, position: Position) -> io::Result<()> {
        let new = self.path.join("cursor.new");
        let mut file = private_file().create(true).truncate(true).open(&new)?;
        file.write_all(format!("{} {}\n", position.segment, position.offset).as_bytes())?;
        file.sync_data()?;
        fs::rename(new, self.path.join("cursor"))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// Options for a writable file that only its owner may read.
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// A queued message.
pub(super) struct QueueEntry {
    pub(super) chunk_id: Vec<u8>,
    pub(super) message: Vec<u8>,
    /// The size of the whole entry in its segment.
    pub(super) n_bytes: u64,
}

pub(super) fn write_entry(chunk_id: &[u8], message: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&((chunk_id.len() + message.len()) as u32).to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(chunk_id.len() as u32).to_be_bytes());
    out.extend_from_slice(chunk_id);
    out.extend_from_slice(message);
    let checksum = crc32fast::hash(&out[start + 8..]);
    out[start + 4..start + 8].copy_from_slice(&checksum.to_be_bytes());
}

/// Reads the entry at the current position; `None` if there is no whole and valid one.
pub(super) fn read_entry(file: &mut File) -> io::Result<Option<QueueEntry>> {
    let mut header = [0; HEADER];
    if !fill(file, &mut header)? {
        return Ok(None);
    }
    let (length, checksum) = (number(&header, 0) as usize, number(&header, 4));
    let id_length = number(&header, 8) as usize;
    let n_available = file.metadata()?.len().saturating_sub(file.stream_position()?);
    if id_length > length || n_available < length as u64 {
        return Ok(None);
    }
    let mut bytes = vec![0; length];
    if !fill(file, &mut bytes)? {
        return Ok(None);
    }
    let mut hash = crc32fast::Hasher::new();
    hash.update(&header[8..]);
    hash.update(&bytes);
    if hash.finalize() != checksum {
        return Ok(None);
    }
    let message = bytes.split_off(id_length);
    Ok(Some(QueueEntry { chunk_id: bytes, message, n_bytes: (HEADER + length) as u64 }))
}

fn number(header: &[u8; HEADER], at: usize) -> u32 {
    u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

/// Fills `bytes` and returns whether the file held enough.
fn fill(file: &mut File, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_temporary() -> (tempfile::TempDir, Directory) {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let directory = Directory::open(temporary.path()).expect("it can be used");
        (temporary, directory)
    }

    fn write_segment(directory: &Directory, bytes: &[u8]) {
        directory
            .create_segment(0)
            .and_then(|mut file| file.write_all(bytes))
            .expect("it is written");
    }

    fn open_first(directory: &Directory) -> File {
        directory.open_segment(Position::default()).expect("it is there")
    }

    #[test]
    fn entries_are_read_back_and_incomplete_ones_are_truncated() {
        let (_temporary, directory) = open_temporary();
        let mut bytes = Vec::new();
        write_entry(b"\xa2id", b"message", &mut bytes);
        let whole = bytes.len() as u64;
        write_entry(b"\xa2id", b"another", &mut bytes);
        for cut in
            [bytes.len(), bytes.len() - 1, bytes.len() - 10, whole as usize + 3, whole as usize]
        {
            write_segment(&directory, &bytes[..cut]);
            let (_, end) = directory.recover(Position::default()).expect("it is read");
            let expected = if cut == bytes.len() { cut as u64 } else { whole };
            assert_eq!(end, Position { segment: 0, offset: expected }, "cut at {cut}");
        }
        let mut file = open_first(&directory);
        let entry = read_entry(&mut file).expect("it is read").expect("it is whole");
        assert_eq!(
            (entry.chunk_id.as_slice(), entry.message.as_slice()),
            (&b"\xa2id"[..], &b"message"[..])
        );
        assert!(read_entry(&mut file).expect("it is read").is_none());
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let (_temporary, directory) = open_temporary();
        let mut bytes = Vec::new();
        write_entry(b"\xa2id", b"message", &mut bytes);
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            write_segment(&directory, &bytes);
            let entry = read_entry(&mut open_first(&directory));
            assert!(entry.expect("it is read").is_none(), "byte {at}");
        }
    }

    #[test]
    fn the_cursor_is_written_and_the_directory_is_exclusive() {
        let (temporary, directory) = open_temporary();
        assert_eq!(directory.cursor().expect("none yet"), Position::default());
        let position = Position { segment: 3, offset: 17 };
        directory.write_cursor(position).expect("it is written");
        assert_eq!(directory.cursor().expect("it is read"), position);
        assert!(Directory::open(temporary.path()).is_err(), "it is in use");
    }
}
