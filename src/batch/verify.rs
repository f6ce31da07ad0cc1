//! `--verify-manifest`: checks that every file in the manifest exists with its digest, contains no
//! findings any more, and that there are no other files beside them.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Seek},
    path::{Path, PathBuf},
};

use super::{
    chunks::CompressionPool,
    digest::Digest,
    failure,
    file_names::{self, Names},
    manifest::{Manifest, ManifestEntry},
    rewrite::ThreadState,
    run::{Options, RewriterFactory},
};
use crate::{error::Error, scrub::Scrubber, source::tree};

/// Checks every line and every file. Returns the number of lines, and the path and reason of every
/// fault.
pub(crate) fn verify(
    manifest: &Manifest,
    options: &Options,
    scrubber: &Scrubber,
) -> Result<(u64, Vec<(String, String)>), Error> {
    let mut own = ThreadState::new(scrubber);
    let mut there = files(manifest, &mut own.names);
    let packers = CompressionPool::start(options.threads());
    let rewriters = RewriterFactory { options, scrubber, packers: &packers };
    let mut faults = Vec::new();
    let lines = manifest.lines();
    for line in &lines {
        // Files that were scrubbed in place can be outside the directory. Then their name is an
        // absolute path.
        let elsewhere = file_names::path_of(&line.path).filter(|path| path.is_absolute());
        let fault = match there.remove(&line.path).or(elsewhere) {
            Some(path) => check(line, &path, rewriters, &mut own)?,
            None => Some("missing".to_owned()),
        };
        faults.extend(fault.map(|fault| (line.path.clone(), fault)));
    }
    let mut others: Vec<String> = there.into_keys().collect();
    others.sort();
    faults.extend(others.into_iter().map(|name| (name, "not in the manifest".to_owned())));
    Ok((lines.len() as u64, faults))
}

/// The files below the directory of the manifest, by their names in it.
fn files(manifest: &Manifest, names: &mut Names) -> HashMap<String, PathBuf> {
    let mut there = HashMap::new();
    tree::files(manifest.folder(), &mut |path| {
        if path.file_name() != manifest.path().file_name()
            || path.parent() != Some(manifest.folder())
        {
            there.insert(names.of(path.strip_prefix(manifest.folder()).unwrap_or(&path)), path);
        }
    });
    there
}

fn check(
    line: &ManifestEntry,
    path: &Path,
    rewriters: RewriterFactory<'_>,
    own: &mut ThreadState,
) -> Result<Option<String>, Error> {
    let digest = File::open(path).and_then(digest_of);
    let mut file = match digest {
        Err(error) => return Ok(Some(format!("cannot be read: {error}"))),
        Ok((_, digest)) if digest != line.blake3_after => {
            return Ok(Some("the digest differs".to_owned()));
        }
        Ok((file, _)) => file,
    };
    let temporary = std::env::temp_dir();
    let mut rewriter = rewriters.rewriter(own, &temporary, line.bytes_after);
    let place = rewriters.options.place(&line.path);
    if let Err(error) =
        file.rewind().and_then(|()| rewriter.file(&mut file, &place, &mut io::sink()))
    {
        return failure::reason(error).map(Some).map_err(failure::fatal);
    }
    Ok(match rewriter.tally.findings() {
        0 if rewriter.left.len() > line.unexamined.len() => {
            Some("an entry cannot be examined".to_owned())
        }
        // A partial record without its end is incomplete at every reading.
        0 if rewriter.tally.incomplete() > line.withheld => {
            Some("a record cannot be examined".to_owned())
        }
        0 => None,
        n_findings => Some(format!("{n_findings} findings")),
    })
}

fn digest_of(mut file: File) -> io::Result<(File, String)> {
    let mut digest = Digest::default();
    let mut space = vec![0; 128 << 10];
    loop {
        let n_bytes = file.read(&mut space)?;
        if n_bytes == 0 {
            return Ok((file, digest.digits()));
        }
        digest.update(&space[..n_bytes]);
    }
}
