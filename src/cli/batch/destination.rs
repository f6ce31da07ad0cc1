//! Refuses an output folder among the inputs: the next run would read the output as input, and an
//! original could be replaced although that was not asked for.
//!
//! The output folder must not be an input folder or be inside one. It may contain the inputs, if no
//! output file is written into an input folder or over an input file. Folders are compared by
//! device and inode, so links, `..` and letter case make no difference. Two mounts of one folder
//! are recognised only at their roots.

use std::{
    collections::{HashMap, HashSet},
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::{error::Error, source::tree::Found};

/// Device and inode.
type Id = (u64, u64);

/// What a run reads.
pub(super) struct Inputs<'r> {
    folders: HashMap<Id, &'r Path>,
    /// The folder and the name of each single file, both as typed and with links resolved.
    files: HashSet<(Id, OsString)>,
}

impl<'r> Inputs<'r> {
    pub(super) fn new(roots: &'r [PathBuf]) -> Inputs<'r> {
        let mut inputs = Inputs { folders: HashMap::new(), files: HashSet::new() };
        for root in roots {
            if root.is_dir() {
                inputs.folders.extend(id(root).map(|id| (id, root.as_path())));
                continue;
            }
            for path in [root.clone()].into_iter().chain(root.canonicalize()) {
                let (folder, name) = (id(&real(&folder_of(&path))), path.file_name());
                inputs.files.extend(folder.zip(name.map(OsString::from)));
            }
        }
        inputs
    }

    /// Checks the output folder, before it is created.
    pub(super) fn check_folder(&self, output: &Path) -> Result<(), Error> {
        let real = real(output);
        if let Some(root) = self.holding(&real) {
            let words =
                format!("the output {} is inside the input {}", output.display(), root.display());
            return Err(refused(words));
        }
        // Also if the path continues after the name of a single file.
        let is_file = |path: &Path| {
            id(&folder_of(path)).is_some_and(|id| self.files.contains(&(id, name_of(path))))
        };
        match real.ancestors().find(|path| path.is_file() && is_file(path)) {
            Some(_) => Err(refused(format!("the output {} is an input", output.display()))),
            None => Ok(()),
        }
    }

    /// Checks the place of each file in the output.
    pub(super) fn check_files(&self, files: &[Found], output: &Path) -> Result<(), Error> {
        let mut outside = HashSet::from([output.to_owned()]);
        let mut last: Option<(PathBuf, Option<Id>)> = None;
        for found in files {
            let target = output.join(found.place());
            let folder = folder_of(&target);
            // Files come folder by folder.
            if last.as_ref().is_none_or(|(last, _)| *last != folder) {
                if let Some(root) = self.holds(&folder, &mut outside) {
                    let (target, root) = (target.display(), root.display());
                    return Err(refused(format!(
                        "{}: its output {target} is inside the input {root}",
                        found.path.display()
                    )));
                }
                let id = if self.files.is_empty() { None } else { id(&folder) };
                last = Some((folder, id));
            }
            let id = last.as_ref().and_then(|(_, id)| *id);
            if id.is_some_and(|id| self.files.contains(&(id, name_of(&target)))) {
                let words = format!(
                    "{}: its output would replace the input {}",
                    found.path.display(),
                    target.display()
                );
                return Err(refused(words));
            }
        }
        Ok(())
    }

    /// The input folder that contains `folder`, which may not exist yet. `outside` has folders that
    /// are known to be in none.
    fn holds(&self, folder: &Path, outside: &mut HashSet<PathBuf>) -> Option<&'r Path> {
        if outside.contains(folder) {
            return None;
        }
        let held = match fs::symlink_metadata(folder) {
            Ok(metadata) if metadata.is_symlink() => self.holding(&real(folder)),
            Ok(metadata) => match self.folders.get(&(metadata.dev(), metadata.ino())) {
                Some(root) => Some(*root),
                None => folder.parent().and_then(|above| self.holds(above, outside)),
            },
            Err(_) => folder.parent().and_then(|above| self.holds(above, outside)),
        };
        if held.is_none() {
            outside.insert(folder.to_owned());
        }
        held
    }

    /// The input folder that a path without links is, or is inside.
    fn holding(&self, real: &Path) -> Option<&'r Path> {
        real.ancestors().filter_map(id).find_map(|id| self.folders.get(&id).copied())
    }
}

fn refused(words: String) -> Error {
    Error::usage(words).hint(
        "choose a folder outside the input, or replace the files with --in-place (--backup SUFFIX keeps \
         the originals)",
    )
}

fn id(path: &Path) -> Option<Id> {
    fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
        .to_owned()
}

fn name_of(path: &Path) -> OsString {
    path.file_name().unwrap_or_default().to_owned()
}

/// The path without links and `..`, also for the part that does not exist yet.
fn real(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_: io::Error| path.to_owned());
    for there in whole.ancestors() {
        let Ok(mut real) = there.canonicalize() else { continue };
        for component in whole.strip_prefix(there).unwrap_or(Path::new("")).components() {
            match component {
                std::path::Component::ParentDir => drop(real.pop()),
                component => real.push(component),
            }
        }
        return real;
    }
    whole
}
