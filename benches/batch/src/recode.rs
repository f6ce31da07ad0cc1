//! Decompresses the files of a tree and compresses them again, and does nothing else: `recode
//! THREADS FROM TO`.
//!
//! It uses the same codecs, levels, chunks and number of threads as `logscrub batch`, and one
//! `syncfs` at the end: the least that redaction could cost. A zip archive comes out without its
//! directory, because nobody reads the output.

use std::{
    collections::VecDeque,
    env,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

/// The size of the text in a gzip member and in a zstd frame.
const MEMBER: usize = 1 << 20;
const FRAME: usize = 4 << 20;

/// Chunks of one file in progress, for each thread.
const CHUNKS_PER_THREAD: usize = 2;

type Pack = fn(&[u8]) -> io::Result<Vec<u8>>;

struct Job {
    text: Vec<u8>,
    pack: Pack,
    done: Sender<io::Result<Vec<u8>>>,
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [n_threads, from, to] = <[String; 3]>::try_from(arguments).expect("usage: recode THREADS FROM TO");
    let n_threads: usize = n_threads.parse().expect("a number of threads");
    let (from, to) = (Path::new(&from), Path::new(&to));
    let mut files = Vec::new();
    walk(from, &mut files)?;
    let (jobs, queue) = channel::<Job>();
    let queue = Mutex::new(queue);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(|| serve(&queue));
        }
        let readers: Vec<_> = (0..n_threads)
            .map(|_| {
                let (jobs, files, next) = (jobs.clone(), &files, &next);
                scope.spawn(move || -> io::Result<()> {
                    while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        recode(file, &to.join(file.strip_prefix(from).expect("it lies below")), &jobs, n_threads)?;
                    }
                    Ok(())
                })
            })
            .collect();
        drop(jobs);
        readers.into_iter().try_for_each(|reader| reader.join().expect("a reader does not panic"))
    })?;
    Ok(rustix::fs::syncfs(File::open(to)?)?)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() { walk(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// Compresses jobs until no more can come.
fn serve(queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // The receiver may have failed and gone.
        let _ = job.done.send((job.pack)(&job.text));
    }
}

fn recode(from: &Path, to: &Path, jobs: &Sender<Job>, n_threads: usize) -> io::Result<()> {
    fs::create_dir_all(to.parent().expect("it lies in a folder"))?;
    let mut rdr = BufReader::with_capacity(128 << 10, File::open(from)?);
    let mut wtr = BufWriter::with_capacity(128 << 10, File::create(to)?);
    let mut head = Vec::new();
    Read::by_ref(&mut rdr).take(4).read_to_end(&mut head)?;
    let mut file = io::Cursor::new(head.clone()).chain(rdr);
    match head.as_slice() {
        [0x1f, 0x8b, ..] => {
            let text = flate2::read::MultiGzDecoder::new(file);
            chunks(text, &mut wtr, (member, MEMBER), jobs, n_threads)?;
        }
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let text = zstd::stream::read::Decoder::new(file)?;
            chunks(text, &mut wtr, (frame, FRAME), jobs, n_threads)?;
        }
        b"PK\x03\x04" => entries(&mut file, &mut wtr)?,
        _ => copy(&mut file, &mut wtr)?,
    }
    wtr.flush()
}

/// Copies through a buffer: the kernel's copy inside one file system would not move the bytes that
/// redaction has to move.
fn copy(rdr: &mut impl Read, wtr: &mut impl Write) -> io::Result<()> {
    let mut space = vec![0; 256 << 10];
    loop {
        match rdr.read(&mut space)? {
            0 => return Ok(()),
            n_bytes => wtr.write_all(&space[..n_bytes])?,
        }
    }
}

fn chunks(
    mut text: impl Read,
    wtr: &mut impl Write,
    (pack, size): (Pack, usize),
    jobs: &Sender<Job>,
    n_threads: usize,
) -> io::Result<()> {
    let mut on_the_way: VecDeque<Receiver<io::Result<Vec<u8>>>> = VecDeque::new();
    loop {
        let mut chunk = Vec::with_capacity(size);
        text.by_ref().take(size as u64).read_to_end(&mut chunk)?;
        let is_last = chunk.len() < size;
        let (done, packed) = channel();
        jobs.send(Job { text: chunk, pack, done }).map_err(io::Error::other)?;
        on_the_way.push_back(packed);
        while on_the_way.len() > CHUNKS_PER_THREAD * n_threads || (is_last && !on_the_way.is_empty()) {
            let oldest = on_the_way.pop_front().expect("there is one");
            wtr.write_all(&oldest.recv().map_err(io::Error::other)??)?;
        }
        if is_last {
            return Ok(());
        }
    }
}

fn member(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut packed = vec![0; compressor.gzip_compress_bound(text.len())];
    let n_bytes = compressor.gzip_compress(text, &mut packed).map_err(io::Error::other)?;
    packed.truncate(n_bytes);
    Ok(packed)
}

fn frame(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(3)?;
    compressor.include_checksum(true)?;
    compressor.compress(text)
}

/// Reads entry by entry. The harness writes sizes into the local headers.
fn entries(rdr: &mut impl Read, wtr: &mut impl Write) -> io::Result<()> {
    loop {
        let mut head = [0; 30];
        rdr.read_exact(&mut head[..4])?;
        if head[..4] != *b"PK\x03\x04" {
            return Ok(());
        }
        rdr.read_exact(&mut head[4..])?;
        let u16_at = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
        let n_packed = u32::from_le_bytes([head[18], head[19], head[20], head[21]]);
        let mut names = vec![0; u16_at(26) + u16_at(28)];
        rdr.read_exact(&mut names)?;
        let mut text = Vec::new();
        flate2::read::DeflateDecoder::new(Read::take(&mut *rdr, n_packed.into())).read_to_end(&mut text)?;
        let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
        let mut packed = vec![0; compressor.deflate_compress_bound(text.len())];
        let n_bytes = compressor.deflate_compress(&text, &mut packed).map_err(io::Error::other)?;
        wtr.write_all(&[&head[..], &names, &packed[..n_bytes]].concat())?;
    }
}
