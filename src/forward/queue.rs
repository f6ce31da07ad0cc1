//! The spool: messages on disk between their senders and the next hop.
//!
//! A message is appended to the newest segment and synced, together with all others that came
//! meanwhile; then it is acknowledged. The segments are read in order and handed to the next hop;
//! what it has acknowledged is remembered in `cursor`, and a segment that is done is removed. After
//! a kill the reading goes on at the cursor, so a few messages may be passed on twice and none is
//! lost.
//!
//! A segment is entries of a length, a CRC-32 of the rest, the length of the name, the name and the
//! message. An entry that is not whole is what a kill left of one that nobody was told of; the
//! segment ends before it.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::{
    client::{Job, Jobs},
    shutdown::Shutdown,
};
use crate::{error::Error, report::prometheus::Metrics};

/// A segment that is longer gets no more entries.
const SEGMENT: u64 = 16 << 20;

/// Length, checksum, length of the name.
const HEAD: usize = 12;

/// So many messages are synced together.
const BATCH: usize = 1024;

/// So many are on their way to the next hop.
const WINDOW: usize = 128;

/// The cursor is written that often at most, so a kill makes no more than what passes in that time
/// pass twice.
const REMEMBER: Duration = Duration::from_millis(200);

/// A place in the spool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    segment: u64,
    offset: u64,
}

/// A folder of segments.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Nobody else may use the folder while this is open.
    _lock: File,
}

impl Folder {
    fn open(path: &Path) -> io::Result<Folder> {
        fs::create_dir_all(path)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| io::Error::other("another process uses it"))?;
        Ok(Folder { path: path.to_owned(), _lock: lock })
    }

    fn segment(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:016x}.seg"))
    }

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

    fn cursor(&self) -> io::Result<Place> {
        let text = match fs::read_to_string(self.path.join("cursor")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::default()),
            Err(error) => return Err(error),
        };
        let place = text.trim().split_once(' ').and_then(|(segment, offset)| {
            Some(Place { segment: segment.parse().ok()?, offset: offset.parse().ok()? })
        });
        place.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the cursor cannot be read"))
    }

    fn remember(&self, place: Place) -> io::Result<()> {
        let new = self.path.join("cursor.new");
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
        file.write_all(format!("{} {}\n", place.segment, place.offset).as_bytes())?;
        file.sync_data()?;
        fs::rename(new, self.path.join("cursor"))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// How far the spool has been written and synced.
type Written = watch::Sender<Place>;

/// A spool that runs.
pub(crate) struct Spool {
    jobs: Jobs,
}

impl Spool {
    /// Opens the spool in `path` and begins to pass on, by `next`, what is in it.
    pub(crate) fn start(
        path: &Path,
        limit: u64,
        next: Jobs,
        metrics: Metrics,
        shutdown: &Shutdown,
    ) -> Result<Spool, Error> {
        let failed = |error| {
            Error::usage(format!("--spool {}: cannot be used", path.display())).because(error)
        };
        let folder = Arc::new(Folder::open(path).map_err(failed)?);
        let cursor = folder.cursor().map_err(failed)?;
        let (file, end) = recover(&folder, cursor).map_err(failed)?;
        let (jobs, queue) = mpsc::unbounded_channel();
        let written = watch::Sender::new(end);
        let room = Arc::new(Notify::new());
        let level = level(&folder).map_err(failed)?;
        metrics.spooled_bytes.set(level);
        let (reader, seen) = (Arc::clone(&folder), written.subscribe());
        let writer = Writer {
            folder,
            file,
            end,
            written,
            room: Arc::clone(&room),
            limit,
            metrics: metrics.clone(),
        };
        shutdown.spawn(writer.run(queue));
        shutdown.spawn(
            Passer { folder: reader, next, metrics, room, place: cursor, done: cursor }.run(seen),
        );
        Ok(Spool { jobs })
    }

    pub(crate) fn jobs(&self) -> Jobs {
        self.jobs.clone()
    }
}

/// The bytes of all segments.
fn level(folder: &Folder) -> io::Result<i64> {
    let mut n_bytes = 0;
    for number in folder.segments()? {
        n_bytes += fs::metadata(folder.segment(number))?.len().cast_signed();
    }
    Ok(n_bytes)
}

/// Cuts the last segment behind its last whole entry and opens it; segments before the cursor are
/// removed.
fn recover(folder: &Folder, cursor: Place) -> io::Result<(File, Place)> {
    let mut segments = folder.segments()?;
    for number in segments.iter().filter(|number| **number < cursor.segment) {
        fs::remove_file(folder.segment(*number))?;
    }
    segments.retain(|number| *number >= cursor.segment);
    let number = segments.last().copied().unwrap_or(cursor.segment);
    let path = folder.segment(number);
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(&path)?;
    let mut end = 0;
    while let Some(entry) = read_entry(&mut file)? {
        end += entry.length;
    }
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    file.sync_all()?;
    folder.sync()?;
    Ok((file, Place { segment: number, offset: end }))
}

/// A message as it was spooled.
struct Entry {
    chunk: Vec<u8>,
    bytes: Vec<u8>,
    /// In the segment.
    length: u64,
}

fn write_entry(chunk: &[u8], bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&((chunk.len() + bytes.len()) as u32).to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(chunk.len() as u32).to_be_bytes());
    out.extend_from_slice(chunk);
    out.extend_from_slice(bytes);
    let sum = crc32fast::hash(&out[start + 8..]);
    out[start + 4..start + 8].copy_from_slice(&sum.to_be_bytes());
}

/// Reads the entry that begins here; `None` when there is no whole one.
fn read_entry(file: &mut File) -> io::Result<Option<Entry>> {
    let mut head = [0; HEAD];
    if !fill(file, &mut head)? {
        return Ok(None);
    }
    let number =
        |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (length, sum, n_chunk) = (number(0) as usize, number(4), number(8) as usize);
    let is_there = file.metadata()?.len().saturating_sub(file.stream_position()?) >= length as u64;
    if n_chunk > length || !is_there {
        return Ok(None);
    }
    let mut bytes = vec![0; length];
    if !fill(file, &mut bytes)? {
        return Ok(None);
    }
    let mut hash = crc32fast::Hasher::new();
    hash.update(&head[8..]);
    hash.update(&bytes);
    if hash.finalize() != sum {
        return Ok(None);
    }
    let message = bytes.split_off(n_chunk);
    Ok(Some(Entry { chunk: bytes, bytes: message, length: (HEAD + length) as u64 }))
}

/// Fills `bytes`; answers whether there was enough.
fn fill(file: &mut File, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Appends what comes in.
struct Writer {
    folder: Arc<Folder>,
    file: File,
    end: Place,
    written: Written,
    room: Arc<Notify>,
    limit: u64,
    metrics: Metrics,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Job>) {
        let mut batch: Vec<Job> = Vec::new();
        while queue.recv_many(&mut batch, BATCH).await > 0 {
            while self.metrics.spooled_bytes.get().cast_unsigned() >= self.limit {
                tracing::warn!("the spool is full; senders wait");
                self.room.notified().await;
            }
            while let Err(error) = tokio::task::block_in_place(|| self.append(&batch)) {
                tracing::error!(%error, "the spool could not be written; it is tried again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            for job in batch.drain(..) {
                // A sender that has gone asks nobody.
                let _ = job.done.send(());
            }
        }
    }

    fn append(&mut self, batch: &[Job]) -> io::Result<()> {
        if self.end.offset >= SEGMENT {
            self.begin_segment()?;
        }
        let mut bytes = Vec::new();
        batch.iter().for_each(|job| write_entry(&job.chunk, &job.bytes, &mut bytes));
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // A second try must not stand behind half of the first.
            self.file.set_len(self.end.offset)?;
            self.file.seek(SeekFrom::Start(self.end.offset))?;
            return Err(error);
        }
        self.end.offset += bytes.len() as u64;
        self.metrics.spooled_bytes.inc_by(bytes.len() as i64);
        self.written.send_replace(self.end);
        Ok(())
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        let number = self.end.segment + 1;
        let path = self.folder.segment(number);
        self.file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
        self.folder.sync()?;
        self.end = Place { segment: number, offset: 0 };
        Ok(())
    }
}

/// Passes on what was written.
struct Passer {
    folder: Arc<Folder>,
    next: Jobs,
    metrics: Metrics,
    room: Arc<Notify>,
    /// What is read next.
    place: Place,
    /// Everything before this was acknowledged.
    done: Place,
}

impl Passer {
    async fn run(mut self, mut written: watch::Receiver<Place>) {
        let mut waiting: VecDeque<(oneshot::Receiver<()>, Place)> = VecDeque::new();
        let mut file: Option<(u64, File)> = None;
        let mut remembered = Instant::now();
        let mut is_over = false;
        loop {
            let end = *written.borrow_and_update();
            while waiting.len() < WINDOW && self.place < end {
                match tokio::task::block_in_place(|| self.read(&mut file, end)) {
                    Ok(Some(entry)) => waiting.push_back((self.hand_on(entry), self.place)),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::error!(%error, "the spool could not be read; it is tried again");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        break;
                    }
                }
            }
            if is_over && waiting.is_empty() && self.place >= end {
                return;
            }
            tokio::select! {
                done = first(&mut waiting), if !waiting.is_empty() => match (done, waiting.pop_front()) {
                    (Ok(()), Some((_, place))) => self.finish(place, &mut remembered, waiting.is_empty()),
                    _ => return,
                },
                changed = written.changed(), if !is_over => is_over = changed.is_err(),
            }
        }
    }

    /// The next entry; `None` where a segment ends and another one begins.
    fn read(&mut self, file: &mut Option<(u64, File)>, end: Place) -> io::Result<Option<Entry>> {
        if file.as_ref().is_none_or(|(number, _)| *number != self.place.segment) {
            let mut opened = match File::open(self.folder.segment(self.place.segment)) {
                // It was done and removed before the cursor was written.
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound
                        && self.place.segment < end.segment =>
                {
                    self.place = Place { segment: self.place.segment + 1, offset: 0 };
                    return Ok(None);
                }
                opened => opened?,
            };
            opened.seek(SeekFrom::Start(self.place.offset))?;
            *file = Some((self.place.segment, opened));
        }
        let Some((_, opened)) = file else { return Ok(None) };
        let entry = read_entry(opened)?;
        match &entry {
            Some(entry) => self.place.offset += entry.length,
            None if self.place.segment < end.segment => {
                if opened.metadata()?.len() > self.place.offset {
                    tracing::error!(
                        segment = self.place.segment,
                        "the rest of a segment of the spool cannot be read"
                    );
                }
                self.place = Place { segment: self.place.segment + 1, offset: 0 };
            }
            None => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "an entry that was written is not whole",
                ));
            }
        }
        Ok(entry)
    }

    fn hand_on(&self, entry: Entry) -> oneshot::Receiver<()> {
        let (done, receiver) = oneshot::channel();
        let job = Job {
            bytes: entry.bytes.into(),
            chunk: entry.chunk,
            is_kept: false,
            done,
            share: None,
            came: Instant::now(),
        };
        // The link lasts as long as this end of it.
        let _ = self.next.send(job);
        receiver
    }

    /// Everything before `place` was acknowledged.
    fn finish(&mut self, place: Place, remembered: &mut Instant, is_last: bool) {
        let is_next_segment = place.segment > self.done.segment;
        if is_last || is_next_segment || remembered.elapsed() >= REMEMBER {
            *remembered = Instant::now();
            if let Err(error) = tokio::task::block_in_place(|| self.folder.remember(place)) {
                tracing::error!(%error, "the cursor of the spool could not be written");
                return;
            }
        }
        for number in self.done.segment..place.segment {
            self.remove(number);
        }
        self.done = place;
    }

    fn remove(&self, number: u64) {
        let path = self.folder.segment(number);
        let length = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        match fs::remove_file(&path) {
            Ok(()) => {
                self.metrics.spooled_bytes.dec_by(length.cast_signed());
                self.room.notify_one();
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::error!(%error, "a segment of the spool could not be removed"),
        }
    }
}

async fn first(
    waiting: &mut VecDeque<(oneshot::Receiver<()>, Place)>,
) -> Result<(), oneshot::error::RecvError> {
    match waiting.front_mut() {
        Some((first, _)) => first.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_half_a_one_is_cut_off() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = Folder::open(folder.path()).expect("it can be used");
        let mut bytes = Vec::new();
        write_entry(b"\xa2id", b"message", &mut bytes);
        let whole = bytes.len() as u64;
        write_entry(b"\xa2id", b"another", &mut bytes);
        for cut in
            [bytes.len(), bytes.len() - 1, bytes.len() - 10, whole as usize + 3, whole as usize]
        {
            fs::File::create(folder.segment(0))
                .and_then(|mut file| file.write_all(&bytes[..cut]))
                .expect("it is written");
            let (_, end) = recover(&folder, Place::default()).expect("it is read");
            let expected = if cut == bytes.len() { cut as u64 } else { whole };
            assert_eq!(end, Place { segment: 0, offset: expected }, "cut at {cut}");
        }
        let mut file = File::open(folder.segment(0)).expect("it is there");
        let entry = read_entry(&mut file).expect("it is read").expect("it is whole");
        assert_eq!(
            (entry.chunk.as_slice(), entry.bytes.as_slice()),
            (&b"\xa2id"[..], &b"message"[..])
        );
        assert!(read_entry(&mut file).expect("it is read").is_none());
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = Folder::open(folder.path()).expect("it can be used");
        let mut bytes = Vec::new();
        write_entry(b"\xa2id", b"message", &mut bytes);
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            fs::File::create(folder.segment(0))
                .and_then(|mut file| file.write_all(&bytes))
                .expect("it is written");
            let mut file = File::open(folder.segment(0)).expect("it is there");
            assert!(read_entry(&mut file).expect("it is read").is_none(), "byte {at}");
        }
    }

    #[test]
    fn the_cursor_is_remembered_and_the_folder_is_one_s_own() {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let folder = Folder::open(temporary.path()).expect("it can be used");
        assert_eq!(folder.cursor().expect("none yet"), Place::default());
        let place = Place { segment: 3, offset: 17 };
        folder.remember(place).expect("it is written");
        assert_eq!(folder.cursor().expect("it is read"), place);
        assert!(Folder::open(temporary.path()).is_err(), "somebody uses it");
    }
}
