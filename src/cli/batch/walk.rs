//! Which files a run of `batch` reads, and what a killed run left behind.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs,
    io::Read as _,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use super::args::Batch;
use crate::{
    batch::{self, MANIFEST, Target},
    error::Error,
    sink::file,
    source::{
        stdin,
        tree::{self, Filter},
    },
};

/// The PATHs typed and those of `--files-from`.
pub(super) fn roots(batch: &Batch, target: &Target) -> Result<Vec<PathBuf>, Error> {
    let mut roots = batch.paths.clone();
    if let Some(list) = &batch.files_from {
        roots.extend(listed(list)?);
    }
    if roots.is_empty() {
        return Err(Error::usage("batch: no PATH").hint("name one: logscrub batch PATH... -o DIR"));
    }
    for root in &mut roots {
        let real = root.canonicalize().map_err(|error| Error::unreadable(root, error))?;
        // In place, a link's target is replaced, not the link. Otherwise the typed path is the
        // place in the output, without `.` and double slashes.
        *root = match target {
            Target::InPlace(_) => real,
            _ => root.components().collect(),
        };
    }
    Ok(roots)
}

fn listed(list: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut bytes = Vec::new();
    let read = if list == Path::new("-") {
        stdin::lock()?.read_to_end(&mut bytes)
    } else {
        fs::File::open(list).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(|error| Error::unreadable(list, error))?;
    let separator = if bytes.contains(&0) { 0 } else { b'\n' };
    let names = bytes.split(|byte| *byte == separator).filter(|name| !name.is_empty());
    Ok(names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect())
}

/// Where the manifest is; none if nothing is written.
pub(super) fn manifest(batch: &Batch, roots: &[PathBuf], target: &Target) -> Option<PathBuf> {
    match target {
        Target::Nowhere => None,
        Target::Mirror(folder) => Some(folder.join(MANIFEST)),
        Target::InPlace(_) => Some(batch.manifest.clone().unwrap_or_else(|| {
            let root = &roots[0];
            if root.is_dir() { root.join(MANIFEST) } else { root.with_file_name(MANIFEST) }
        })),
    }
}

/// The files, each with its place in the output. Two files with the same place are an error, before
/// anything is written.
pub(super) fn walk(
    roots: &[PathBuf],
    filter: &Filter,
    target: &Target,
    manifest: Option<&Path>,
) -> Result<tree::Walked, Error> {
    let mut walked = tree::Walked::default();
    for root in roots {
        let mut one = walk_one(root, filter, target);
        if let (Target::InPlace(_), Some(manifest)) = (target, manifest) {
            let folder = batch::folder_of(manifest).canonicalize().unwrap_or_default();
            one.files.iter_mut().for_each(|found| found.lies_below(&folder));
        } else if let (true, Some(_), Some(folder)) =
            (roots.len() > 1 && root.is_dir(), root.file_name(), root.parent())
        {
            one.files.iter_mut().for_each(|found| found.lies_below(folder));
        }
        walked.files.append(&mut one.files);
        walked.skipped.append(&mut one.skipped);
    }
    if matches!(target, Target::InPlace(_)) {
        // A folder and a file in it may both be named.
        let mut seen = HashSet::new();
        walked.files.retain(|found| seen.insert(found.path.clone()));
    }
    // In one tree, all places differ.
    if roots.len() > 1 {
        refuse_equal_places(&walked)?;
    }
    Ok(walked)
}

fn refuse_equal_places(walked: &tree::Walked) -> Result<(), Error> {
    let mut places = HashSet::new();
    let Some(twice) = walked.files.iter().find(|found| !places.insert(found.place())) else {
        return Ok(());
    };
    let (path, place) = (twice.path.display(), twice.place());
    Err(Error::usage(format!("{path}: two files would become {}", place.display()))
        .hint("run batch once for each of them, with different -o folders"))
}

fn walk_one(root: &Path, filter: &Filter, target: &Target) -> tree::Walked {
    let is_ours = |path: &Path, kind: fs::FileType| {
        let name = path.file_name().unwrap_or_default();
        let is_backup = match target {
            Target::InPlace(Some(suffix)) => name.as_encoded_bytes().ends_with(suffix.as_bytes()),
            _ => false,
        };
        kind.is_file() && (name == MANIFEST || file::is_passing(name) || is_backup)
    };
    tree::walk(root, filter, &is_ours)
}

/// Removes the temporary files of a killed run. The manifest is locked by now.
pub(super) fn sweep(roots: &[PathBuf], target: &Target) {
    match target {
        Target::Nowhere => {}
        Target::Mirror(folder) => tree::files(folder, &mut |path| file::sweep(&path)),
        Target::InPlace(_) => {
            for root in roots {
                match root.parent() {
                    Some(folder) if root.is_file() => sweep_folder(folder),
                    _ => tree::files(root, &mut |path| file::sweep(&path)),
                }
            }
        }
    }
}

/// Removes the temporary files in one folder.
pub(super) fn sweep_folder(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.for_each(|entry| file::sweep(&entry.path()));
}
