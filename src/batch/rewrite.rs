//! One file or entry: what it is, layer by layer, down to the text, and the same layers around the
//! clean text.

use std::{
    io::{self, BufRead, BufReader, Cursor, IoSlice, Read, Seek, Write},
    path::Path,
    sync::{Arc, PoisonError},
};

use super::{
    chunks::Packers,
    codecs,
    content::{self, Kind, Packed},
    file_names::Names,
    formats::{tar, zip},
    limits::{Budget, Metered, Stoppable, refuse},
    metadata::{Headers, Texts},
    temporary::Spool,
};
use crate::{error::Error, scrub::Scrubber, stream, tally::Tally};

/// Reads of compressed data.
const READ: usize = 128 << 10;

/// Texts that are shorter than the sample get a buffer of this size: to clear a large one would
/// cost more than to scrub them.
const SMALL_BLOCK: usize = 2 * content::SAMPLE;

/// What becomes of an entry that cannot be examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unexamined {
    /// It is not in the output.
    Leave,
    /// It stays in its archive as it was.
    Keep,
}

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

/// How files are rewritten.
pub(super) struct Rewriter<'r> {
    /// Forked for each text that has no idle one.
    pub(super) scrubber: &'r Scrubber,
    pub(super) max_record: usize,
    /// How many threads scrub one text.
    pub(super) n_threads: usize,
    pub(super) packers: &'r Packers,
    pub(super) own: &'r mut Own,
    pub(super) recompress: Option<(Packed, u32)>,
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
    /// Rewrites a file. Its archive directory is read where it lies.
    pub(super) fn file(
        &mut self,
        mut file: impl Read + Seek + Send,
        place: &Place,
        wtr: &mut (dyn Write + Send),
    ) -> io::Result<()> {
        let head = head_of(&mut file)?;
        match content::of(&head) {
            Kind::Zip => {
                file.rewind()?;
                zip::rewrite(self, &mut file, &place.deeper(false)?, wtr)
            }
            kind => self.open(kind, head, Box::new(file), place, wtr),
        }
    }

    /// Rewrites what can be read once.
    pub(super) fn stream(
        &mut self,
        mut rdr: Box<dyn Read + Send + '_>,
        place: &Place,
        wtr: &mut (dyn Write + Send),
    ) -> io::Result<()> {
        let head = head_of(&mut rdr)?;
        self.open(content::of(&head), head, rdr, place, wtr)
    }

    /// Rewrites what begins with `head` and goes on with `rest`.
    fn open(
        &mut self,
        kind: Kind,
        head: Vec<u8>,
        rest: Box<dyn Read + Send + '_>,
        place: &Place,
        wtr: &mut (dyn Write + Send),
    ) -> io::Result<()> {
        let whole = Cursor::new(head.clone()).chain(rest);
        let buffered = |whole| BufReader::with_capacity(READ, whole);
        match kind {
            Kind::Text => {
                let size = if head.len() < content::SAMPLE { SMALL_BLOCK } else { stream::BLOCK };
                self.text(whole, size, place, wtr)
            }
            Kind::Packed(packed) => {
                self.packed(packed, &head, Box::new(buffered(whole)), &place.deeper(true)?, wtr)
            }
            Kind::Tar => tar::rewrite(self, &mut buffered(whole), &place.deeper(false)?, wtr),
            Kind::Zip => {
                let place = place.deeper(false)?;
                let mut spool = self.spool();
                io::copy(&mut buffered(whole), &mut spool)?;
                spool.rewind()?;
                zip::rewrite(self, &mut spool, &place, wtr)
            }
            Kind::Foreign(what) => Err(refuse(what)),
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
        let cut = stream::Cut { size, max_record: self.max_record, n_threads: self.n_threads };
        let result = stream::carry(rdr, &place.name, cut, &mut scrubber, |runs| {
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

    fn packed(
        &mut self,
        packed: Packed,
        head: &[u8],
        rdr: Box<dyn BufRead + Send + '_>,
        place: &Place,
        wtr: &mut (dyn Write + Send),
    ) -> io::Result<()> {
        let headers = Headers::new(self.scrubber, self.unexamined);
        let notes = headers.notes();
        let opened = codecs::open(packed, head, rdr, place.memory, headers)?;
        let (to, level) = self.recompress.unwrap_or((packed, opened.level));
        // What stands at the head of a member belongs to its format.
        let heads = if to == packed { opened.heads } else { codecs::Heads::default() };
        let mut packing = codecs::packing(to, level, heads, wtr, self.packers);
        let text = Metered { rdr: opened.text, budget: Arc::clone(&self.budget) };
        self.stream(
            Box::new(text),
            &Place { memory: place.memory / 2, ..place.clone() },
            &mut packing,
        )?;
        packing.finish()?;
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

/// Why something could not be examined, in words that hold nothing of it; an error that is no such
/// reason comes back.
pub(super) fn reason(error: io::Error) -> io::Result<String> {
    let Some(inner) = error.get_ref() else { return Ok(in_words(&error)) };
    let Some(ours) = inner.downcast_ref::<Error>() else { return Ok(in_words(&error)) };
    if ours.exit_code() != 3 {
        return Err(error);
    }
    let beneath =
        std::error::Error::source(ours).and_then(|source| source.downcast_ref::<io::Error>());
    match beneath {
        // What was read failed beneath the text.
        Some(beneath) if beneath.get_ref().is_some_and(|inner| inner.is::<Error>()) => {
            let inner = beneath
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<Error>())
                .expect("it was looked at");
            if inner.exit_code() == 3 { Ok(inner.to_string()) } else { Err(error) }
        }
        Some(beneath) => Ok(in_words(beneath)),
        None => Ok(ours.to_string().rsplit(": ").next().unwrap_or_default().to_owned()),
    }
}

fn in_words(error: &io::Error) -> String {
    match error.get_ref() {
        Some(inner) if inner.is::<super::limits::Refusal>() => inner.to_string(),
        _ if error.raw_os_error().is_some() => format!("cannot be read: {error}"),
        _ if error.kind() == io::ErrorKind::UnexpectedEof => "truncated".to_owned(),
        // The decoders of zstd and xz say it in their own words and nothing else tells it.
        Some(inner) if inner.to_string().to_lowercase().contains("memory") => {
            "its window takes more than --memory allows".to_owned()
        }
        _ => format!("corrupt: {error}"),
    }
}
