//! zip and jar, read by the directory at the end: stored, deflated and zstd entries, zip64.
//!
//! Names, attributes, times and the order of entries stay. Duplicate names stay too; the `zip`
//! crate keeps only the last one of each, so the directory is read here. Names, comments and extra
//! fields are scrubbed like the text of entries.
//!
//! Bytes that the directory does not list cannot be examined. Bytes before the first entry and
//! overlapping entries are refused. Gaps are not written, and are reported if there is something in
//! them.

use std::io::{self, BufReader, Read, Write};

use flate2::bufread::DeflateDecoder;

use self::{
    directory::{
        Directory, END, LOCAL, ZipEntry, check_gaps, check_places, directory, enter, wrong,
    },
    headers::{EntryToWrite, descriptor, end, headers},
};
use crate::batch::{
    codecs, failure,
    limits::{BudgetedReader, refuse},
    metadata::{Headers, Unexamined, Verdict},
    renames::Renames,
    rewrite::{ArchiveFormat, ArchiveInput, EntryContext, READ_SIZE, Rewriter, SeekRead},
    temporary::EntryBuffer,
};

mod directory;
mod extra;
mod headers;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const ZSTD: u16 = 93;

/// The longest target of a symbolic link.
const LONGEST_TARGET: u64 = 64 << 10;

/// Entries up to this size are deflated as a whole by libdeflate.
const WHOLE: u64 = 16 << 20;

/// The zip format.
pub(in crate::batch) struct Zip;

impl ArchiveFormat for Zip {
    /// By the first entry, or the end of an empty archive.
    fn matches(&self, head: &[u8]) -> bool {
        head.starts_with(&LOCAL.to_le_bytes()) || head.starts_with(&END.to_le_bytes())
    }

    /// The directory is at the end, so a stream is spooled first.
    fn rewrite(
        &self,
        rewriter: &mut Rewriter<'_>,
        input: ArchiveInput<'_>,
        place: &EntryContext,
        wtr: &mut (dyn Write + Send),
    ) -> io::Result<()> {
        match input {
            ArchiveInput::File(archive) => rewrite(rewriter, archive, place, wtr),
            ArchiveInput::Stream(reader) => {
                let mut spool = rewriter.spool();
                io::copy(&mut BufReader::with_capacity(READ_SIZE, reader), &mut spool)?;
                spool.rewind()?;
                rewrite(rewriter, &mut spool, place, wtr)
            }
        }
    }
}

/// Rewrites an archive.
fn rewrite(
    rewriter: &mut Rewriter<'_>,
    archive: &mut (dyn SeekRead + '_),
    place: &EntryContext,
    wtr: &mut (dyn Write + Send),
) -> io::Result<()> {
    let mut directory = directory(archive)?;
    check_places(&directory.entries)?;
    let mut unexamined = Vec::new();
    let mut renames = Renames::default();
    clean_directory(rewriter, &mut directory, &mut renames, &mut unexamined)?;
    let mut ends = Vec::new();
    let mut at = 0;
    let mut lines = Vec::new();
    let mut n_entries = 0_u64;
    for entry in &directory.entries {
        let entry_place = rewriter.entry_of(place, &entry.new_name);
        let local = enter(archive, entry)?;
        ends.push((entry.offset, archive.stream_position()? + entry.packed, entry));
        let extra = extra::clean(
            &local,
            entry,
            &mut rewriter.own.texts,
            (rewriter.unexamined, &mut unexamined),
        );
        rewriter.take_metadata(place, Vec::new());
        let written = entry_data(rewriter, archive, entry, &entry_place, (&mut renames, extra))?;
        let Some(mut written) = written else { continue };
        let (local, line) = headers(entry, &written, at)?;
        wtr.write_all(&local)?;
        io::copy(&mut written.data, wtr)?;
        let descriptor = descriptor(entry, &written);
        wtr.write_all(&descriptor)?;
        at += local.len() as u64 + written.data.len() + descriptor.len() as u64;
        lines.extend_from_slice(&line);
        n_entries += 1;
    }
    check_gaps(archive, ends, &directory, &mut unexamined)?;
    rewriter.take_metadata(place, unexamined);
    wtr.write_all(&lines)?;
    wtr.write_all(&end(n_entries, lines.len() as u64, at, &directory.comment))
}

/// Cleans names, comments and extra fields.
fn clean_directory(
    rewriter: &mut Rewriter<'_>,
    directory: &mut Directory,
    renames: &mut Renames,
    unexamined: &mut Vec<String>,
) -> io::Result<()> {
    let policy = rewriter.unexamined;
    let texts = &mut rewriter.own.texts;
    // Names without findings first: no other entry may be renamed to one of them.
    for entry in &directory.entries {
        renames.keep(texts, &entry.name);
    }
    for entry in &mut directory.entries {
        if let Some(new) = renames.entry(texts, &entry.name)? {
            u16::try_from(new.len()).map_err(|_| wrong())?;
            entry.new_name = new;
        }
        entry.extra = extra::clean(&entry.extra, entry, texts, (policy, unexamined));
        let verdict = texts.comment(&entry.comment);
        let is_changed = verdict != Verdict::Clean;
        let comment = verdict.applied(&entry.comment, policy, unexamined, || {
            "the comment of a zip entry".to_owned()
        });
        if is_changed {
            entry.comment = fitting(comment.unwrap_or_default());
        }
    }
    let verdict = texts.comment(&directory.comment);
    let comment = verdict.applied(&directory.comment, policy, unexamined, || {
        "the comment of the zip archive".to_owned()
    });
    directory.comment = fitting(comment.unwrap_or_default());
    Ok(())
}

/// Drops a comment that placeholders have made too long.
fn fitting(comment: Vec<u8>) -> Vec<u8> {
    if comment.len() > usize::from(u16::MAX) { Vec::new() } else { comment }
}

/// The clean data, compressed as before; `None` if the entry is left out.
fn entry_data<'r>(
    rewriter: &mut Rewriter<'r>,
    archive: &mut (dyn SeekRead + '_),
    entry: &ZipEntry,
    place: &EntryContext,
    (renames, extra): (&mut Renames, Vec<u8>),
) -> io::Result<Option<EntryToWrite<'r>>> {
    let clean = match refusal(entry) {
        Some(reason) => {
            rewriter.left.push((place.name.clone(), reason));
            None
        }
        None if entry.is_symbolic_link() && entry.size <= LONGEST_TARGET => {
            symbolic_link(rewriter, archive, entry, place, renames)?
        }
        None => {
            let text = unpacked(rewriter, archive, entry, place.memory)?;
            rewriter.entry(text, place)?
        }
    };
    if let Some(clean) = clean {
        return pack(rewriter, entry.method(), clean, extra).map(Some);
    }
    if rewriter.unexamined == Unexamined::Leave {
        return Ok(None);
    }
    enter(archive, entry)?;
    let mut data = rewriter.spool();
    if io::copy(&mut archive.take(entry.packed), &mut data)? != entry.packed {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    data.rewind()?;
    Ok(Some(EntryToWrite { data, size: entry.size, crc: entry.crc(), extra }))
}

/// The target of a symbolic link, renamed like the entry it refers to.
fn symbolic_link<'r>(
    rewriter: &mut Rewriter<'r>,
    archive: &mut (dyn SeekRead + '_),
    entry: &ZipEntry,
    place: &EntryContext,
    renames: &mut Renames,
) -> io::Result<Option<EntryBuffer<'r>>> {
    let mut target = Vec::new();
    let text = unpacked(rewriter, archive, entry, place.memory)?;
    if let Err(error) = text.take(LONGEST_TARGET + 1).read_to_end(&mut target) {
        let reason = failure::reason(error)?;
        rewriter.left.push((place.name.clone(), reason));
        return Ok(None);
    }
    if let Some(new) = renames.symbolic_link(&mut rewriter.own.texts, &entry.name, &target)? {
        target = new;
    }
    rewriter.take_metadata(place, Vec::new());
    let mut spool = rewriter.spool();
    spool.write_all(&target)?;
    spool.rewind()?;
    Ok(Some(spool))
}

fn refusal(entry: &ZipEntry) -> Option<String> {
    if entry.is_encrypted() {
        return Some("encrypted".to_owned());
    }
    (![STORED, DEFLATED, ZSTD].contains(&entry.method()))
        .then(|| format!("a zip entry of method {}", entry.method()))
}

fn unpacked<'a>(
    rewriter: &Rewriter<'_>,
    archive: &'a mut (dyn SeekRead + '_),
    entry: &ZipEntry,
    memory: u64,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    let packed = BufReader::new(archive.take(entry.packed));
    let text: Box<dyn Read + Send + 'a> = match entry.method() {
        DEFLATED => Box::new(DeflateDecoder::new(packed)),
        ZSTD => {
            let headers = Headers::new(rewriter.scrubber, Unexamined::Leave);
            Box::new(codecs::zstd_frames(packed, memory, headers))
        }
        _ => Box::new(packed),
    };
    let checked = ChecksumReader {
        rdr: text,
        crc: libdeflater::Crc::new(),
        size: 0,
        expected: (entry.size, entry.crc()),
    };
    Ok(Box::new(BudgetedReader { rdr: checked, budget: rewriter.budget.clone() }))
}

/// Checks the size and checksum of decompressed data.
struct ChecksumReader<R> {
    rdr: R,
    crc: libdeflater::Crc,
    size: u64,
    expected: (u64, u32),
}

impl<R: Read> Read for ChecksumReader<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.rdr.read(space)?;
        self.crc.update(&space[..n_bytes]);
        self.size += n_bytes as u64;
        let is_over = n_bytes == 0 && !space.is_empty();
        if is_over && (self.size, self.crc.sum()) != self.expected {
            return Err(refuse("corrupt: wrong size or checksum of a zip entry"));
        }
        Ok(n_bytes)
    }
}

fn pack<'r>(
    rewriter: &Rewriter<'r>,
    method: u16,
    mut clean: EntryBuffer<'r>,
    extra: Vec<u8>,
) -> io::Result<EntryToWrite<'r>> {
    let size = clean.len();
    if method == STORED {
        let crc = crc_of(&mut clean)?;
        return Ok(EntryToWrite { data: clean, size, crc, extra });
    }
    let mut data = rewriter.spool();
    let whole = clean.in_memory().filter(|_| size <= WHOLE);
    let crc = match (method, whole) {
        (DEFLATED, Some(text)) => {
            data.write_all(&codecs::deflate(text, 6)?)?;
            libdeflater::crc32(text)
        }
        (DEFLATED, None) => {
            let mut encoder =
                flate2::write::DeflateEncoder::new(&mut data, flate2::Compression::new(6));
            io::copy(&mut clean, &mut encoder)?;
            encoder.finish()?;
            crc_of(&mut clean)?
        }
        _ => {
            let mut encoder = zstd::stream::write::Encoder::new(&mut data, 3)?;
            io::copy(&mut clean, &mut encoder)?;
            encoder.finish()?;
            crc_of(&mut clean)?
        }
    };
    data.rewind()?;
    Ok(EntryToWrite { data, size, crc, extra })
}

fn crc_of(spool: &mut EntryBuffer<'_>) -> io::Result<u32> {
    spool.rewind()?;
    let mut crc = libdeflater::Crc::new();
    let mut space = vec![0; 64 << 10];
    loop {
        let n_bytes = spool.read(&mut space)?;
        if n_bytes == 0 {
            spool.rewind()?;
            return Ok(crc.sum());
        }
        crc.update(&space[..n_bytes]);
    }
}
