//! `logscrub rules import`: the rules of another scanner as a rule file of ours.
//!
//! The rules go to standard output or a file; what could not be carried over goes to standard
//! error, rule by rule, with the share that works at the end.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{Out, mask::masked};
use crate::{
    error::Error,
    rules::import::{Form, Imported},
};

pub(super) fn run(
    form: &str,
    paths: &[PathBuf],
    output: Option<&Path>,
    out: &mut Out,
) -> Result<u8, Error> {
    let form = Form::named(form)
        .ok_or_else(|| Error::usage(format!("rules import: unknown form {form:?}")))?;
    let mut imported = Imported::default();
    for path in files(form, paths)? {
        let text = fs::read_to_string(&path).map_err(|error| Error::unreadable(&path, error))?;
        imported.read(form, &text, &path.display().to_string())?;
    }
    if imported.n_read == 0 {
        return Err(Error::usage(format!("rules import: no rule in {}", names(paths)))
            .hint("is it a file of that scanner? gitleaks and betterleaks are TOML, kingfisher and noseyparker YAML"));
    }
    match output {
        Some(path) => keep(path, &imported.text(form))?,
        None => drop(out.text(&imported.text(form))?),
    }
    tell(&imported).map_err(|error| Error::output("standard error", error))?;
    Ok(0)
}

/// The files named, and of the folders named the files of that form, by name.
fn files(form: Form, paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in fs::read_dir(path).map_err(|error| Error::unreadable(path, error))? {
            inside.push(entry.map_err(|error| Error::unreadable(path, error))?.path());
        }
        inside.retain(|file| file.extension().is_some_and(|extension| is_of(form, extension)));
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

fn is_of(form: Form, extension: &std::ffi::OsStr) -> bool {
    if form.is_yaml() { extension == "yml" || extension == "yaml" } else { extension == "toml" }
}

/// Written and synced beside its place and moved there, so that nobody reads half of it and no old
/// file is lost.
fn keep(path: &Path, text: &str) -> Result<(), Error> {
    let name = path.display().to_string();
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let write = || {
        let mut file = fs::File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| Error::output(&name, error))
}

fn tell(imported: &Imported) -> io::Result<()> {
    let mut report = String::new();
    for (rule, note) in &imported.notes {
        report.push_str(&format!("{rule}: {note}\n"));
    }
    let Imported { n_read, n_working, .. } = imported;
    let share = 100.0 * *n_working as f64 / *n_read as f64;
    report.push_str(&format!(
        "{n_working} of {n_read} rules with a regular expression work ({share:.1} %)\n"
    ));
    io::stderr().lock().write_all(masked(&report).as_bytes())
}

fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
