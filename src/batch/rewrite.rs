//! One file or entry: what it is, layer by layer, down to the text, and the same layers around the
//! clean text.

use std::{
    io::{self, BufRead, BufReader, Cursor, IoSlice, Read, Seek, Write},
    path::Path,
    sync::{Arc, PoisonError},
};

use super::{
    chunks::{Chunks, Heads, Packers},
    codecs::{self, Codec, Compressed},
    content::{self, Content},
    failure::reason,
    file_names::Names,
    limits::{Budget, Metered, Stoppable, refuse},
    metadata::{Headers, Texts, Unexamined},
    temporary::Spool,
};
use crate::{
    error::Error,
    scrub::Scrubber,
    stream::{self, whole_input},
    tally::Tally,
};

/// The buffer for compressed data and archives.
pub(super) const READ_SIZE: usize = 128 << 10;

/// Texts that are shorter than the sample get a buffer of this size: to clear a large one would
/// cost more than to scrub them.
const SMALL_BLOCK: usize = 2 * content::SAMPLE;

/// What a thread keeps from file to file.
pub(super) struct Own {
    pub(super) names: Names,
    /// Looks at the metadata of archives.
    pub(super) texts: Texts,
    /// The memory of a scrubber that has ended a text with nothing open: of a short text to make it
    /// anew is half the work.
    idle: Option<Scrubber>,
}

impl Own {
    pub(super) fn new(scrubber: &Scrubber) -> Own {
        Own { names: Names::new(scrubber), texts: Texts::new(scrubber), idle: None }
    }
}

/// A file that can be read at any position.
pub(super) trait SeekRead: Read + Seek + Send {}

impl<T: Read + Seek + Send> SeekRead for T {}

/// An archive to rewrite.
pub(super) enum ArchiveInput<'a> {
    /// It can be read once.
    Stream(Box<dyn Read + Send + 'a>),
    /// It can be read at any position, and is at its beginning.
    File(&'a mut (dyn SeekRead + 'a)),
}

impl Read for ArchiveInput<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self {
            ArchiveInput::Stream(reader) => reader.read(space),
            ArchiveInput::File(file) => file.read(space),
        }
    }
}

/// An archive format, rewritten entry by entry.
pub(super) trait ArchiveFormat: Sync {
    /// Whether a file that begins with `head` has this format.
    fn matches(&self, head: &[u8]) -> bool;

    /// Writes the archive with clean entries and metadata.
    fn rewrite(
        &self,
        rewriter: &mut Rewriter<'_>,
        input: ArchiveInput<'_>,
        place: &Place,
        wtr: &mut (dyn Write + Send),
    ) -> io::Result<()>;
}

/// What a file or entry is.
enum Kind {
    Compressed(&'static dyn Codec),
    Archive(&'static dyn ArchiveFormat),
    Plain(Content),
}

/// How files are rewritten.
pub(super) struct Rewriter<'r> {
    pub(super) formats: &'static [&'static dyn ArchiveFormat],
    /// Forked for each text that has no idle one.
    pub(super) scrubber: &'r Scrubber,
    pub(super) max_record: usize,
    /// How many threads scrub one text.
    pub(super) n_threads: usize,
    pub(super) packers: &'r Packers,
    pub(super) own: &'r mut Own,
    pub(super) recompress: Option<(&'static dyn Codec, u32)>,
    pub(super) unexamined: Unexamined,
    /// Where entries that do not fit in memory wait, without a name.
    pub(super) folder: &'r Path,
    /// How much of an entry is held in memory.
    pub(super) spool_memory: usize,
    pub(super) budget: Arc<Budget>,
    pub(super) tally: Tally,
    /// Entries that could not be examined, by name, with the reason.
    pub(super) left: Vec<(String, String)>,
    /// Texts that are in no output because a record would have been another one.
    pub(super) n_guarded: u64,
}

/// Where in the nesting something lies.
#[derive(Clone)]
pub(super) struct Place {
    /// How it is called in reports: the file, and `!` before each entry's name.
    pub(super) name: String,
    /// So many more archives may lie inside.
    pub(super) depth: u32,
    /// What the window of a decoder may take here: of several in one another each half of the one
    /// around it.
    pub(super) memory: u64,
    /// Whether it came out of a compressed stream: an archive in it is the same layer.
    is_unpacked: bool,
}

impl Place {
    pub(super) fn new(name: String, depth: u32, memory: u64) -> Place {
        Place { name, depth, memory, is_unpacked: false }
    }

    fn deeper(&self, is_unpacked: bool) -> io::Result<Place> {
        if self.is_unpacked && !is_unpacked {
            return Ok(Place { is_unpacked: false, ..self.clone() });
        }
        let depth = self
            .depth
            .checked_sub(1)
            .ok_or_else(|| refuse("it lies deeper than --depth allows"))?;
        Ok(Place { depth, is_unpacked, ..self.clone() })
    }
}

impl<'r> Rewriter<'r> {
    fn kind(&self, head: &[u8]) -> Kind {
        if let Some(codec) = codecs::matching(head) {
            return Kind::Compressed(codec);
        }
        match self.formats.iter().find(|format| format.matches(head)) {
            Some(format) => Kind::Archive(*format),
            None => Kind::Plain(content::of(head)),
        }
    }

    /// Rewrites a file. An archive in it is read at any position.
    pub(super) fn file(
        &mut self,
        mut file: impl SeekRead,
        place: &Place,
        wtr: &mut (dyn Write + Send),
    ) -> io::Result<()> {
        let head = head_of(&mut file)?;
        match self.kind(&head) {
            Kind::Archive(format) => {
                file.rewind()?;
                let input = ArchiveInput::File(&mut file);
                format.rewrite(self, input, &place.deeper(false)?, wtr)
            }
            kind => self.open(kind, head, Box::new(file), (place, wtr)),
        }
    }

    /// Rewrites a stream, which can be read once.
    pub(super) fn stream(
        &mut self,
        mut rdr: Box<dyn Read + Send + '_>,
        place: &Place,
        wtr: &mut (dyn Write + Send),
    ) -> io::Result<()> {
        let head = head_of(&mut rdr)?;
        self.open(self.kind(&head), head, rdr, (place, wtr))
    }

    /// Rewrites a stream that begins with `head` and continues with `rest`.
    fn open(
        &mut self,
        kind: Kind,
        head: Vec<u8>,
        rest: Box<dyn Read + Send + '_>,
        (place, wtr): (&Place, &mut (dyn Write + Send)),
    ) -> io::Result<()> {
        let whole = Cursor::new(head.clone()).chain(rest);
        match kind {
            Kind::Plain(Content::Text) => {
                let size = if head.len() < content::SAMPLE { SMALL_BLOCK } else { stream::BLOCK };
                self.text(whole, size, place, wtr)
            }
            Kind::Plain(Content::Foreign(what)) => Err(refuse(what)),
            Kind::Compressed(codec) => {
                let reader = Box::new(BufReader::with_capacity(READ_SIZE, whole));
                self.compressed(codec, &head, reader, (&place.deeper(true)?, wtr))
            }
            Kind::Archive(format) => {
                let input = ArchiveInput::Stream(Box::new(whole));
                format.rewrite(self, input, &place.deeper(false)?, wtr)
            }
        }
    }

    fn text(
        &mut self,
        rdr: impl Read + Send,
        size: usize,
        place: &Place,
        wtr: &mut (dyn Write + Send),
    ) -> io::Result<()> {
        let mut scrubber = self.own.idle.take().unwrap_or_else(|| self.scrubber.fork());
        let rdr = Stoppable { rdr, budget: Arc::clone(&self.budget) };
        let mut n_bytes = 0;
        let cut = whole_input::Limits {
            block: size,
            max_record: self.max_record,
            n_threads: self.n_threads,
        };
        let result = whole_input::scrub(rdr, &place.name, cut, &mut scrubber, |runs| {
            n_bytes += runs.iter().map(|run| run.len() as u64).sum::<u64>();
            write_all(wtr, runs).map_err(|error| Error::output(&place.name, error))
        });
        result.map_err(io::Error::other)?;
        let mut tally = std::mem::take(scrubber.tally_mut());
        self.own.idle = Some(scrubber).filter(Scrubber::is_closed);
        if tally.broken > 0 {
            // The filter has nothing but the mask; here the original is kept, and not one byte of
            // it need be lost.
            self.n_guarded += 1;
            let n_broken = tally.broken;
            return Err(refuse(format!(
                "withheld by the guard: {n_broken} records would not be what they were"
            )));
        }
        tally.bytes_out += n_bytes;
        self.tally.merge(&tally);
        Ok(())
    }

    /// An entry of the archive at `place`, by its clean name.
    pub(super) fn entry_of(&self, place: &Place, name: &[u8]) -> Place {
        let name = std::str::from_utf8(name)
            .map_or_else(|_| name.escape_ascii().to_string(), str::to_owned);
        Place { name: format!("{}!{name}", place.name), is_unpacked: false, ..place.clone() }
    }

    /// Takes what was found in metadata into account, and what of it could not be examined.
    pub(super) fn take_metadata(&mut self, place: &Place, unexamined: Vec<String>) {
        self.tally.merge(&self.own.texts.take_findings());
        self.left.extend(unexamined.into_iter().map(|reason| (place.name.clone(), reason)));
    }

    /// Rewrites a compressed stream that begins with `head`.
    fn compressed(
        &mut self,
        codec: &'static dyn Codec,
        head: &[u8],
        reader: Box<dyn BufRead + Send + '_>,
        (place, wtr): (&Place, &mut (dyn Write + Send)),
    ) -> io::Result<()> {
        let headers = Headers::new(self.scrubber, self.unexamined);
        let notes = headers.notes();
        let heads = Heads::default();
        let source = Compressed { reader, memory: place.memory, heads: heads.clone(), headers };
        let text = codec.decoder(source)?;
        let (to, level) = self.recompress.unwrap_or_else(|| (codec, codec.level_of(head)));
        // Headers of members are specific to their format.
        let heads = if to.name() == codec.name() { heads } else { Heads::default() };
        let (pack, chunk_size) = to.encoder();
        let mut chunks = Chunks::new(wtr, self.packers, (pack, level, chunk_size), heads);
        let text = Metered { rdr: text, budget: Arc::clone(&self.budget) };
        let inner = Place { memory: place.memory / 2, ..place.clone() };
        self.stream(Box::new(text), &inner, &mut chunks)?;
        chunks.finish()?;
        let notes = std::mem::take(&mut *notes.lock().unwrap_or_else(PoisonError::into_inner));
        self.tally.merge(&notes.tally);
        self.left.extend(notes.unexamined.into_iter().map(|reason| (place.name.clone(), reason)));
        Ok(())
    }

    /// Room for an entry.
    pub(super) fn spool(&self) -> Spool<'r> {
        Spool::new(self.folder, self.spool_memory)
    }

    /// Rewrites an entry into a spool. `None`: it cannot be examined, which is noted. An output
    /// that cannot be written is an error.
    pub(super) fn entry(
        &mut self,
        rdr: Box<dyn Read + Send + '_>,
        place: &Place,
    ) -> io::Result<Option<Spool<'r>>> {
        let mut spool = self.spool();
        let before = self.tally.clone();
        match self.stream(rdr, place, &mut spool) {
            Ok(()) => {
                spool.rewind()?;
                Ok(Some(spool))
            }
            Err(error) => {
                let reason = reason(error)?;
                self.tally = before;
                self.own.texts.take_findings();
                self.left.push((place.name.clone(), reason));
                Ok(None)
            }
        }
    }
}

/// Writes all runs, by as few calls as the writer can.
fn write_all(wtr: &mut (dyn Write + Send), mut runs: &mut [IoSlice<'_>]) -> io::Result<()> {
    // An empty run would look as if nothing could be written.
    IoSlice::advance_slices(&mut runs, 0);
    while !runs.is_empty() {
        match wtr.write_vectored(runs) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n_bytes) => IoSlice::advance_slices(&mut runs, n_bytes),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn head_of(rdr: &mut (impl Read + ?Sized)) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(content::SAMPLE);
    rdr.take(content::SAMPLE as u64).read_to_end(&mut head)?;
    Ok(head)
}
