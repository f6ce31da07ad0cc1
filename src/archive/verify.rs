//! `--verify-manifest`: every file that the manifest calls done is there with its digest, and nothing is found in it any more.

use std::{
    fs::File,
    io::{self, Read, Seek},
    path::Path,
};

use super::{
    Manifest, Options,
    chunks::Packers,
    manifest::{self, Line},
    mirror::{Hashed, fatal},
    rewrite::{self, Place},
};
use crate::{error::Error, scrub::Scrubber};

/// Checks every line; answers how many there are, and each fault: the path and what is wrong.
pub(crate) fn verify(
    manifest: &Manifest,
    options: &Options,
    scrubber: &Scrubber,
) -> Result<(u64, Vec<(String, String)>), Error> {
    let packers = Packers::start(options.threads());
    let mut faults = Vec::new();
    let lines = manifest.lines();
    for line in &lines {
        if let Some(fault) = check(line, manifest.folder(), options, scrubber, &packers)? {
            faults.push((line.path.clone(), fault));
        }
    }
    Ok((lines.len() as u64, faults))
}

fn check(
    line: &Line,
    folder: &Path,
    options: &Options,
    scrubber: &Scrubber,
    packers: &Packers,
) -> Result<Option<String>, Error> {
    let Some(below) = manifest::path_of(&line.path) else { return Ok(Some("not a path".to_owned())) };
    let path = folder.join(below);
    let digest = File::open(&path).and_then(digest_of);
    let mut file = match digest {
        Err(error) => return Ok(Some(format!("cannot be read: {error}"))),
        Ok((_, digest)) if digest != line.blake3_after => return Ok(Some("its digest is another one".to_owned())),
        Ok((file, _)) => file,
    };
    let temporary = std::env::temp_dir();
    let mut rewriter = options.rewriter(scrubber, packers, &temporary, line.bytes_after);
    let mut nowhere = Hashed::<io::Sink>::new(None);
    let place = Place::new(line.path.clone(), options.depth);
    if let Err(error) = file.rewind().and_then(|()| rewriter.file(&mut file, &place, &mut nowhere)) {
        return rewrite::reason(error).map(Some).map_err(fatal);
    }
    Ok(match rewriter.tally.findings() {
        0 if rewriter.left.len() > line.unexamined.len() => Some("an entry cannot be examined".to_owned()),
        // A record that a runtime cut and never ended is incomplete every time it is read.
        0 if rewriter.tally.incomplete() > line.withheld => Some("a record cannot be examined".to_owned()),
        0 => None,
        n_findings => Some(format!("{n_findings} findings")),
    })
}

fn digest_of(mut file: File) -> io::Result<(File, String)> {
    let mut hasher = blake3::Hasher::new();
    let mut space = vec![0; 128 << 10];
    loop {
        let n_bytes = file.read(&mut space)?;
        if n_bytes == 0 {
            return Ok((file, hasher.finalize().to_hex().to_string()));
        }
        hasher.update(&space[..n_bytes]);
    }
}
