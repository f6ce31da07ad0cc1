//! zip and jar, by the directory at the end: stored, deflated and zstd entries, zip64. Names,
//! attributes, times and the order of entries stay. Duplicate names stay too, which is why the
//! directory is read here and not by the `zip` crate: that keeps the last one of each.
//!
//! What the directory does not list (bytes before, between and behind entries) could not be
//! examined: bytes before the first entry and entries that share bytes are refused; gaps are not
//! written, and reported when something is in them.
//!
//! Names, comments and extra fields are looked at like the text of the entries.

use std::io::{self, BufReader, Read, SeekFrom, Write};

use flate2::bufread::DeflateDecoder;

use crate::batch::{
    codecs, failure,
    limits::{Metered, refuse},
    metadata::{Headers, Unexamined, Verdict},
    renames::Renames,
    rewrite::{ArchiveFormat, ArchiveInput, Place, READ_SIZE, Rewriter, SeekRead},
    temporary::Spool,
};

mod extra;

const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const LOCAL: u32 = 0x0403_4b50;

/// The extra field that holds what does not fit in 32 bits.
const ZIP_64: u16 = 1;

/// The directory is held in memory: so many bytes at most.
const LONGEST_DIRECTORY: u64 = 64 << 20;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const ZSTD: u16 = 93;

/// The target of a symbolic link is no longer.
const LONGEST_TARGET: u64 = 64 << 10;

/// Entries of up to so many bytes are deflated whole by libdeflate.
const WHOLE: u64 = 16 << 20;

/// One entry as the directory tells it.
struct Entry {
    /// The fixed part of its line in the directory.
    fixed: [u8; 46],
    name: Vec<u8>,
    /// Its name as it is written.
    new_name: Vec<u8>,
    extra: Vec<u8>,
    comment: Vec<u8>,
    packed: u64,
    size: u64,
    offset: u64,
}

impl Entry {
    fn method(&self) -> u16 {
        u16_at(&self.fixed, 10)
    }

    /// Whether sizes and checksum must follow the data: a password is tested against the time
    /// there, and against the checksum elsewhere.
    fn has_descriptor(&self) -> bool {
        self.is_encrypted() && u16_at(&self.fixed, 8) & 8 != 0
    }

    fn is_encrypted(&self) -> bool {
        u16_at(&self.fixed, 8) & 1 != 0
    }

    /// Whether its data is the target of a symbolic link: made on Unix, with that mode.
    fn is_symbolic_link(&self) -> bool {
        self.fixed[5] == 3 && u16_at(&self.fixed, 40) & 0o170_000 == 0o120_000
    }

    fn crc(&self) -> u32 {
        u32_at(&self.fixed, 16)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

fn wrong() -> io::Error {
    refuse("corrupt: the directory of a zip archive cannot be read")
}

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
        place: &Place,
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
    place: &Place,
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

/// The directory of an archive.
struct Directory {
    entries: Vec<Entry>,
    comment: Vec<u8>,
    /// Where it begins and ends.
    from: u64,
    to: u64,
    /// Where the records of the archive's end begin.
    end: u64,
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
    // Names without findings come first: no other entry is to become one of them.
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

/// A comment that placeholders have made too long is left out.
fn fitting(comment: Vec<u8>) -> Vec<u8> {
    if comment.len() > usize::from(u16::MAX) { Vec::new() } else { comment }
}

/// Bytes that belong to no entry: what was deleted, a signature, or something hidden. Zeros and the
/// descriptor behind an entry's data are nothing.
fn check_gaps(
    archive: &mut (dyn SeekRead + '_),
    mut ends: Vec<(u64, u64, &Entry)>,
    directory: &Directory,
    unexamined: &mut Vec<String>,
) -> io::Result<()> {
    ends.sort_unstable_by_key(|(from, _, _)| *from);
    let mut gaps = Vec::new();
    for (index, (_, to, entry)) in ends.iter().enumerate() {
        let next = ends.get(index + 1).map_or(directory.from, |(from, _, _)| *from);
        gaps.push((*to, next, (u16_at(&entry.fixed, 8) & 8 != 0).then_some(*entry)));
    }
    gaps.push((directory.to, directory.end, None));
    let mut space = vec![0; 64 << 10];
    for (mut from, to, entry) in gaps {
        while from < to {
            archive.seek(SeekFrom::Start(from))?;
            let n_most = usize::try_from(to - from).unwrap_or(usize::MAX).min(space.len());
            archive.read_exact(&mut space[..n_most])?;
            let bytes = &space[..n_most];
            let is_descriptor = entry.is_some_and(|entry| is_descriptor(bytes, entry));
            if !is_descriptor && bytes.iter().any(|byte| *byte != 0) {
                let note = "bytes of the zip archive that belong to no entry".to_owned();
                unexamined.push(note);
                return Ok(());
            }
            from += n_most as u64;
        }
    }
    Ok(())
}

/// What may follow an entry's data: its checksum and sizes, of 32 or 64 bits, with a magic number
/// or without.
fn is_descriptor(bytes: &[u8], entry: &Entry) -> bool {
    let magic = DESCRIPTOR.to_le_bytes();
    let bytes = bytes.strip_prefix(&magic[..]).unwrap_or(bytes);
    let Some(sizes) = bytes.strip_prefix(&entry.crc().to_le_bytes()[..]) else { return false };
    match sizes.len() {
        8 => {
            (u64::from(u32_at(sizes, 0)), u64::from(u32_at(sizes, 4))) == (entry.packed, entry.size)
        }
        16 => (u64_at(sizes, 0), u64_at(sizes, 8)) == (entry.packed, entry.size),
        _ => false,
    }
}

fn directory(archive: &mut (dyn SeekRead + '_)) -> io::Result<Directory> {
    let length = archive.seek(SeekFrom::End(0))?;
    let n_tail = length.min((1 << 16) + 22);
    archive.seek(SeekFrom::Start(length - n_tail))?;
    let mut tail = Vec::new();
    archive.take(n_tail).read_to_end(&mut tail)?;
    // The last end whose comment reaches to the end of the file.
    let is_end = |at: &usize| {
        tail.len() >= at + 22
            && u32_at(&tail, *at) == END
            && at + 22 + usize::from(u16_at(&tail, at + 20)) == tail.len()
    };
    let end_at = (0..tail.len().saturating_sub(21))
        .rev()
        .find(is_end)
        .ok_or_else(|| refuse("truncated: a zip archive without its end"))?;
    let end = &tail[end_at..];
    if u16_at(end, 4) != 0 || u16_at(end, 6) != 0 {
        return Err(refuse("a zip archive in parts"));
    }
    let mut found =
        (u64::from(u16_at(end, 10)), u64::from(u32_at(end, 12)), u64::from(u32_at(end, 16)));
    let mut end_offset = length - n_tail + end_at as u64;
    if end_at >= 20 && u32_at(&tail, end_at - 20) == LOCATOR_64 {
        let at = u64_at(&tail, end_at - 12);
        found = end_64(archive, at)?;
        // The record and its locator: nothing else lies between them and the end.
        if at.checked_add(56 + 20) != Some(end_offset) {
            return Err(refuse("a zip archive with something in its end"));
        }
        end_offset = at;
    }
    let (n_entries, n_bytes, offset) = found;
    if n_bytes > LONGEST_DIRECTORY || offset.checked_add(n_bytes).is_none_or(|end| end > end_offset)
    {
        return Err(wrong());
    }
    archive.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    archive.take(n_bytes).read_to_end(&mut bytes)?;
    let mut rest = bytes.as_slice();
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let entry;
        (entry, rest) = line(rest)?;
        entries.push(entry);
    }
    if entries.len() as u64 != n_entries {
        return Err(wrong());
    }
    Ok(Directory {
        entries,
        comment: end[22..].to_vec(),
        from: offset,
        to: offset + n_bytes,
        end: end_offset,
    })
}

fn end_64(archive: &mut (dyn SeekRead + '_), at: u64) -> io::Result<(u64, u64, u64)> {
    archive.seek(SeekFrom::Start(at))?;
    let mut end = [0; 56];
    archive.read_exact(&mut end).map_err(|_| wrong())?;
    if u32_at(&end, 0) != END_64 || u64_at(&end, 4) != 44 {
        return Err(wrong());
    }
    Ok((u64_at(&end, 32), u64_at(&end, 40), u64_at(&end, 48)))
}

/// The first line of a directory, and what follows it.
fn line(bytes: &[u8]) -> io::Result<(Entry, &[u8])> {
    let fixed: [u8; 46] =
        bytes.get(..46).and_then(|fixed| fixed.try_into().ok()).ok_or_else(wrong)?;
    if u32_at(&fixed, 0) != CENTRAL {
        return Err(wrong());
    }
    let lengths = [28, 30, 32].map(|at| usize::from(u16_at(&fixed, at)));
    let name_end = 46 + lengths[0];
    let extra_end = name_end + lengths[1];
    let end = extra_end + lengths[2];
    if bytes.len() < end {
        return Err(wrong());
    }
    let mut entry = Entry {
        fixed,
        name: bytes[46..name_end].to_vec(),
        new_name: bytes[46..name_end].to_vec(),
        extra: bytes[name_end..extra_end].to_vec(),
        comment: bytes[extra_end..end].to_vec(),
        packed: u32_at(&fixed, 20).into(),
        size: u32_at(&fixed, 24).into(),
        offset: u32_at(&fixed, 42).into(),
    };
    widen(&mut entry)?;
    Ok((entry, &bytes[end..]))
}

/// Takes what does not fit in 32 bits from the extra field, in the order of the format.
fn widen(entry: &mut Entry) -> io::Result<()> {
    let Some(mut wide) = field(&entry.extra, ZIP_64).map(<[u8]>::to_vec) else { return Ok(()) };
    for number in [&mut entry.size, &mut entry.packed, &mut entry.offset] {
        if *number == u64::from(u32::MAX) {
            if wide.len() < 8 {
                return Err(wrong());
            }
            *number = u64_at(&wide, 0);
            wide.drain(..8);
        }
    }
    Ok(())
}

/// The fields of an extra part: id, and all its bytes with the head. What is no field ends them.
fn fields(mut extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let n_bytes = 4 + usize::from(u16_at(extra.get(..4)?, 2));
        let field = extra.get(..n_bytes)?;
        extra = &extra[n_bytes..];
        Some((u16_at(field, 0), field))
    })
}

fn field(extra: &[u8], id: u16) -> Option<&[u8]> {
    fields(extra).find(|(found, _)| *found == id).map(|(_, field)| &field[4..])
}

/// Entries that share bytes multiply them; what stands before the first one is a program or
/// something hidden.
fn check_places(entries: &[Entry]) -> io::Result<()> {
    let mut places: Vec<(u64, u64)> =
        entries.iter().map(|entry| (entry.offset, entry.packed)).collect();
    places.sort_unstable();
    if places.first().is_some_and(|(offset, _)| *offset != 0) {
        return Err(refuse("something stands before the first entry of the zip archive"));
    }
    let overlap = places
        .windows(2)
        .any(|pair| pair[0].0.saturating_add(30).saturating_add(pair[0].1) > pair[1].0);
    if overlap { Err(refuse("entries of the zip archive share bytes")) } else { Ok(()) }
}

/// The data of an entry as it is written.
struct Written<'p> {
    data: Spool<'p>,
    size: u64,
    crc: u32,
    /// The local header's extra part.
    extra: Vec<u8>,
}

/// The clean data, packed as it was; `None`: the entry is left out.
fn entry_data<'r>(
    rewriter: &mut Rewriter<'r>,
    archive: &mut (dyn SeekRead + '_),
    entry: &Entry,
    place: &Place,
    (renames, extra): (&mut Renames, Vec<u8>),
) -> io::Result<Option<Written<'r>>> {
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
    Ok(Some(Written { data, size: entry.size, crc: entry.crc(), extra }))
}

/// The target of a link, which follows what it leads to.
fn symbolic_link<'r>(
    rewriter: &mut Rewriter<'r>,
    archive: &mut (dyn SeekRead + '_),
    entry: &Entry,
    place: &Place,
    renames: &mut Renames,
) -> io::Result<Option<Spool<'r>>> {
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

/// Goes to where the entry's data begins; answers the local header's extra part.
fn enter(archive: &mut (dyn SeekRead + '_), entry: &Entry) -> io::Result<Vec<u8>> {
    archive.seek(SeekFrom::Start(entry.offset))?;
    let mut local = [0; 30];
    archive.read_exact(&mut local)?;
    let (n_name, n_extra) = (usize::from(u16_at(&local, 26)), usize::from(u16_at(&local, 28)));
    let mut rest = vec![0; n_name + n_extra];
    archive.read_exact(&mut rest)?;
    // Two names are two answers to what the entry is.
    if u32_at(&local, 0) != LOCAL || rest[..n_name] != entry.name {
        return Err(refuse("corrupt: an entry of a zip archive is not where the directory says"));
    }
    Ok(rest.split_off(n_name))
}

fn refusal(entry: &Entry) -> Option<String> {
    if entry.is_encrypted() {
        return Some("encrypted".to_owned());
    }
    (![STORED, DEFLATED, ZSTD].contains(&entry.method()))
        .then(|| format!("a zip entry of method {}", entry.method()))
}

fn unpacked<'a>(
    rewriter: &Rewriter<'_>,
    archive: &'a mut (dyn SeekRead + '_),
    entry: &Entry,
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
    let checked = Checked {
        rdr: text,
        crc: libdeflater::Crc::new(),
        size: 0,
        expected: (entry.size, entry.crc()),
    };
    Ok(Box::new(Metered { rdr: checked, budget: rewriter.budget.clone() }))
}

/// What must come out of an entry is known.
struct Checked<R> {
    rdr: R,
    crc: libdeflater::Crc,
    size: u64,
    expected: (u64, u32),
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.rdr.read(space)?;
        self.crc.update(&space[..n_bytes]);
        self.size += n_bytes as u64;
        let is_over = n_bytes == 0 && !space.is_empty();
        if is_over && (self.size, self.crc.sum()) != self.expected {
            return Err(refuse("corrupt: size or checksum of a zip entry is wrong"));
        }
        Ok(n_bytes)
    }
}

fn pack<'r>(
    rewriter: &Rewriter<'r>,
    method: u16,
    mut clean: Spool<'r>,
    extra: Vec<u8>,
) -> io::Result<Written<'r>> {
    let size = clean.len();
    if method == STORED {
        let crc = crc_of(&mut clean)?;
        return Ok(Written { data: clean, size, crc, extra });
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
    Ok(Written { data, size, crc, extra })
}

fn crc_of(spool: &mut Spool<'_>) -> io::Result<u32> {
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

/// A number in 32 bits, or the mark that it stands in the extra field.
fn narrow(number: u64, wide: &mut Vec<u8>) -> [u8; 4] {
    match u32::try_from(number) {
        Ok(number) if number != u32::MAX => number.to_le_bytes(),
        _ => {
            wide.extend_from_slice(&number.to_le_bytes());
            u32::MAX.to_le_bytes()
        }
    }
}

fn with_wide(extra: &[u8], wide: &[u8]) -> io::Result<Vec<u8>> {
    let mut whole = Vec::new();
    if !wide.is_empty() {
        whole.extend_from_slice(&ZIP_64.to_le_bytes());
        whole.extend_from_slice(&u16::try_from(wide.len()).unwrap_or(0).to_le_bytes());
        whole.extend_from_slice(wide);
    }
    whole.extend_from_slice(extra);
    if whole.len() > usize::from(u16::MAX) { Err(wrong()) } else { Ok(whole) }
}

/// What follows the data of an entry that says so: nothing, but for encrypted ones, whose first
/// bytes were made for it.
fn descriptor(entry: &Entry, written: &Written<'_>) -> Vec<u8> {
    if !entry.has_descriptor() {
        return Vec::new();
    }
    let mut wide = Vec::new();
    let sizes = [written.data.len(), written.size];
    let narrow = sizes.map(|size| narrow(size, &mut wide));
    let mut out = [DESCRIPTOR.to_le_bytes(), written.crc.to_le_bytes()].concat();
    match wide.is_empty() {
        true => narrow.iter().for_each(|size| out.extend_from_slice(size)),
        false => sizes.iter().for_each(|size| out.extend_from_slice(&size.to_le_bytes())),
    }
    out
}

/// The local header of an entry, and its line in the directory. Sizes stand before the data.
fn headers(entry: &Entry, written: &Written<'_>, at: u64) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut fixed = entry.fixed;
    let flags = if entry.has_descriptor() { u16_at(&fixed, 8) } else { u16_at(&fixed, 8) & !8 };
    fixed[8..10].copy_from_slice(&flags.to_le_bytes());
    fixed[16..20].copy_from_slice(&written.crc.to_le_bytes());
    let mut wide = Vec::new();
    let size = narrow(written.size, &mut wide);
    let packed = narrow(written.data.len(), &mut wide);
    if !wide.is_empty() {
        // In a local header both stand there or none does.
        wide = [written.size.to_le_bytes(), written.data.len().to_le_bytes()].concat();
    }
    let is_wide = !wide.is_empty();
    let sizes = if is_wide { [u32::MAX.to_le_bytes(); 2] } else { [packed, size] };
    fixed[20..24].copy_from_slice(&sizes[0]);
    fixed[24..28].copy_from_slice(&sizes[1]);
    let local_extra = with_wide(&written.extra, &wide)?;
    let mut local = LOCAL.to_le_bytes().to_vec();
    local.extend_from_slice(&fixed[6..28]);
    let n_name = u16::try_from(entry.new_name.len()).map_err(|_| wrong())?;
    fixed[28..30].copy_from_slice(&n_name.to_le_bytes());
    local.extend_from_slice(&fixed[28..30]);
    local.extend_from_slice(&u16::try_from(local_extra.len()).unwrap_or(0).to_le_bytes());
    local.extend_from_slice(&entry.new_name);
    local.extend_from_slice(&local_extra);
    fixed[42..46].copy_from_slice(&narrow(at, &mut wide));
    let extra = with_wide(&entry.extra, &wide)?;
    fixed[30..32].copy_from_slice(&u16::try_from(extra.len()).unwrap_or(0).to_le_bytes());
    let n_comment = u16::try_from(entry.comment.len()).map_err(|_| wrong())?;
    fixed[32..34].copy_from_slice(&n_comment.to_le_bytes());
    Ok((local, [&fixed[..], &entry.new_name, &extra, &entry.comment].concat()))
}

/// The end of the archive, in the wide form where a number asks for it.
fn end(n_entries: u64, n_bytes: u64, at: u64, comment: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let fits = n_entries < u64::from(u16::MAX)
        && n_bytes < u64::from(u32::MAX)
        && at < u64::from(u32::MAX);
    if !fits {
        out.extend_from_slice(&END_64.to_le_bytes());
        out.extend_from_slice(&44_u64.to_le_bytes());
        out.extend_from_slice(&[45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        [n_entries, n_entries, n_bytes, at]
            .iter()
            .for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
        out.extend_from_slice(&LOCATOR_64.to_le_bytes());
        out.extend_from_slice(&0_u32.to_le_bytes());
        out.extend_from_slice(&(at + n_bytes).to_le_bytes());
        out.extend_from_slice(&1_u32.to_le_bytes());
    }
    let count = u16::try_from(n_entries).unwrap_or(u16::MAX).to_le_bytes();
    out.extend_from_slice(&END.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&[count, count].concat());
    [n_bytes, at].iter().for_each(|number| {
        out.extend_from_slice(&u32::try_from(*number).unwrap_or(u32::MAX).to_le_bytes());
    });
    out.extend_from_slice(&u16::try_from(comment.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(&comment[..comment.len().min(usize::from(u16::MAX))]);
    out
}
