//! Rewrites one file or entry: opens it layer by layer down to the text, and puts the same layers
//! around the clean text.

use std::{
    io::{self, BufRead, BufReader, Cursor, IoSlice, Read, Seek, Write},
    path::Path,
    sync::{Arc, PoisonError},
};

use super::{
    chunks::{ChunkHeaders, ChunkWriter, CompressionPool},
    codecs::{self, Codec, Compressed},
    content::{self, Content},
    failure::reason,
    file_names::Names,
    limits::{BudgetedReader, ExpansionBudget, StoppableReader, refuse},
    metadata::{Headers, MetadataScrubber, Unexamined},
    temporary::EntryBuffer,
};
use crate::{
    error::Error,
    scrub::Scrubber,
    stream::{
        self,
        whole_input::{self, Limits, NamedReader},
    },
    tally::Tally,
};

/// The buffer for compressed data and archives.
pub(super) const READ_SIZE: usize = 128 << 10;

/// The buffer for texts shorter than the sample. Clearing a large buffer would cost more than
/// scrubbing them.
const SMALL_BLOCK: usize = 2 * content::SAMPLE;

/// State that a thread keeps from file to file.
pub(super) struct ThreadState {
    pub(super) names: Names,
    /// Scrubs the metadata of archives.
    pub(super) texts: MetadataScrubber,
    /// A scrubber that ended a text with no open state. Creating one is half the work for a short
    /// text.
    idle: Option<Scrubber>,
}

impl ThreadState {
    pub(super) fn new(scrubber: &Scrubber) -> ThreadState {
        ThreadState {
            names: Names::new(scrubber),
            texts: MetadataScrubber::new(scrubber),
            idle: None,
        }
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
        place: &EntryContext,
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
    /// Forked for each text, unless one is idle.
    pub(super) scrubber: &'r Scrubber,
    pub(super) max_record: usize,
    /// How many threads scrub one text.
    pub(super) n_threads: usize,
    pub(super) packers: &'r CompressionPool,
    pub(super) own: &'r mut ThreadState,
    pub(super) recompress: Option<(&'static dyn Codec, u32)>,
    pub(super) unexamined: Unexamined,
    /// Where entries that do not fit into memory are buffered, in unnamed files.
    pub(super) folder: &'r Path,
    /// The most bytes of an entry in memory.
    pub(super) spool_memory: usize,
    pub(super) budget: Arc<ExpansionBudget>,
    pub(super) tally: Tally,
    /// Entries that could not be examined, by name, with the reason.
    pub(super) left: Vec<(String, String)>,
    /// How many texts were withheld because verification found a record broken.
    pub(super) n_guarded: u64,
}

/// The position of a file or entry in the nesting of archives.
#[derive(Clone)]
pub(super) struct EntryContext {
    /// The name in reports: the file, then `!` and the name of each entry.
    pub(super) name: String,
    /// How many more levels of archives may follow.
    pub(super) depth: u32,
    /// The most bytes of a decoder's window. Nested decoders get half of the enclosing one's limit.
    pub(super) memory: u64,
    /// Whether this is the content of a compressed stream. An archive in it counts as the same
    /// level.
    is_unpacked: bool,
}

impl EntryContext {
    pub(super) fn new(name: String, depth: u32, memory: u64) -> EntryContext {
        EntryContext { name, depth, memory, is_unpacked: false }
    }

    /// The context of an archive's content.
    fn in_archive(&self) -> io::Result<EntryContext> {
        if self.is_unpacked {
            return Ok(EntryContext { is_unpacked: false, ..self.clone() });
        }
        self.deeper()
    }

    /// The context of a compressed stream's content.
    fn in_compressed(&self) -> io::Result<EntryContext> {
        Ok(EntryContext { is_unpacked: true, ..self.deeper()? })
    }

    fn deeper(&self) -> io::Result<EntryContext> {
        let depth =
            self.depth.checked_sub(1).ok_or_else(|| refuse("nested deeper than --depth allows"))?;
        Ok(EntryContext { depth, is_unpacked: false, ..self.clone() })
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
        place: &EntryContext,
        wtr: &mut (dyn Write + Send),
    ) -> io::Result<()> {
        let head = head_of(&mut file)?;
        match self.kind(&head) {
            Kind::Archive(format) => {
                file.rewind()?;
                let input = ArchiveInput::File(&mut file);
                format.rewrite(self, input, &place.in_archive()?, wtr)
            }
            kind => self.open(kind, head, Box::new(file), (place, wtr)),
        }
    }

    /// Rewrites a stream, which can be read once.
    pub(super) fn stream(
        &mut self,
        mut rdr: Box<dyn Read + Send + '_>,
        place: &EntryContext,
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
        (place, wtr): (&EntryContext, &mut (dyn Write + Send)),
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
                self.compressed(codec, &head, reader, (&place.in_compressed()?, wtr))
            }
            Kind::Archive(format) => {
                let input = ArchiveInput::Stream(Box::new(whole));
                format.rewrite(self, input, &place.in_archive()?, wtr)
            }
        }
    }

    fn text(
        &mut self,
        rdr: impl Read + Send,
        size: usize,
        place: &EntryContext,
        wtr: &mut (dyn Write + Send),
    ) -> io::Result<()> {
        let mut scrubber = self.own.idle.take().unwrap_or_else(|| self.scrubber.fork());
        let rdr = StoppableReader { rdr, budget: Arc::clone(&self.budget) };
        let mut n_bytes = 0;
        let limits = Limits { block: size, max_record: self.max_record, n_threads: self.n_threads };
        let input = NamedReader { reader: rdr, name: &place.name };
        let result = whole_input::scrub(input, limits, &mut scrubber, |runs| {
            n_bytes += runs.iter().map(|run| run.len() as u64).sum::<u64>();
            write_all(wtr, runs).map_err(|error| Error::output(&place.name, error))
        });
        result.map_err(io::Error::other)?;
        let mut tally = std::mem::take(scrubber.tally_mut());
        self.own.idle = Some(scrubber).filter(Scrubber::is_closed);
        if tally.broken > 0 {
            // The filter can only mask such a record. Here the original still exists, so the whole
            // text is withheld and nothing is lost.
            self.n_guarded += 1;
            let n_broken = tally.broken;
            return Err(refuse(format!(
                "withheld by verification: scrubbing would break {n_broken} records"
            )));
        }
        tally.bytes_out += n_bytes;
        self.tally.merge(&tally);
        Ok(())
    }

    /// The place of an entry, by its clean name.
    pub(super) fn entry_of(&self, place: &EntryContext, name: &[u8]) -> EntryContext {
        let name = std::str::from_utf8(name)
            .map_or_else(|_| name.escape_ascii().to_string(), str::to_owned);
        EntryContext { name: format!("{}!{name}", place.name), is_unpacked: false, ..place.clone() }
    }

    /// Adds the findings in metadata to the tally, and the reasons why metadata could not be
    /// examined.
    pub(super) fn take_metadata(&mut self, place: &EntryContext, unexamined: Vec<String>) {
        self.tally.merge(&self.own.texts.take_findings());
        self.left.extend(unexamined.into_iter().map(|reason| (place.name.clone(), reason)));
    }

    /// Rewrites a compressed stream that begins with `head`.
    fn compressed(
        &mut self,
        codec: &'static dyn Codec,
        head: &[u8],
        reader: Box<dyn BufRead + Send + '_>,
        (place, wtr): (&EntryContext, &mut (dyn Write + Send)),
    ) -> io::Result<()> {
        let headers = Headers::new(self.scrubber, self.unexamined);
        let notes = headers.notes();
        let heads = ChunkHeaders::default();
        let source = Compressed { reader, memory: place.memory, heads: heads.clone(), headers };
        let text = codec.decoder(source)?;
        let (to, level) = self.recompress.unwrap_or_else(|| (codec, codec.level_of(head)));
        // Headers of members are specific to their format.
        let heads = if to.name() == codec.name() { heads } else { ChunkHeaders::default() };
        let (pack, chunk_size) = to.encoder();
        let mut chunks = ChunkWriter::new(wtr, self.packers, (pack, level, chunk_size), heads);
        let text = BudgetedReader { rdr: text, budget: Arc::clone(&self.budget) };
        let inner = EntryContext { memory: place.memory / 2, ..place.clone() };
        self.stream(Box::new(text), &inner, &mut chunks)?;
        chunks.finish()?;
        let notes = std::mem::take(&mut *notes.lock().unwrap_or_else(PoisonError::into_inner));
        self.tally.merge(&notes.tally);
        self.left.extend(notes.unexamined.into_iter().map(|reason| (place.name.clone(), reason)));
        Ok(())
    }

    /// A buffer for an entry.
    pub(super) fn spool(&self) -> EntryBuffer<'r> {
        EntryBuffer::new(self.folder, self.spool_memory)
    }

    /// Rewrites an entry into a buffer. `None` if it cannot be examined, which is recorded. Fails
    /// if the output cannot be written.
    pub(super) fn entry(
        &mut self,
        rdr: Box<dyn Read + Send + '_>,
        place: &EntryContext,
    ) -> io::Result<Option<EntryBuffer<'r>>> {
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

/// Writes all slices with as few calls as the writer allows.
fn write_all(wtr: &mut (dyn Write + Send), mut runs: &mut [IoSlice<'_>]) -> io::Result<()> {
    // A leading empty slice would make the writer return 0.
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
