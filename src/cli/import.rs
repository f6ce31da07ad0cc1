//! `logscrub rules import`: the rules of another scanner as a rule file.
//!
//! The rules go to standard output or a file. What could not be converted goes to standard error,
//! rule by rule, with the share of working rules at the end.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, builder::PossibleValuesParser};

use super::{mask::masked, terminal::Out};
use crate::{
    error::Error,
    rules::import::{Form, Imported},
};

const EXAMPLES: &str = "\
Examples:
  logscrub rules import gitleaks gitleaks.toml > acme.toml
  logscrub rules import kingfisher rules/ --output acme.toml";

/// Convert the rules of another scanner into a rule file
///
/// Prints the rules, and on standard error what could not be converted.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Import {
    /// The scanner: gitleaks, betterleaks, kingfisher or noseyparker
    #[arg(value_name = "SCANNER", value_parser = PossibleValuesParser::new(Form::NAMES))]
    form: String,
    /// Its rule files, or folders of them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Write the rules to this file instead of standard output
    ///
    /// The file is written completely or not at all.
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    output: Option<PathBuf>,
}

pub(super) fn run(import: &Import, out: &mut Out) -> Result<u8, Error> {
    let form = Form::named(&import.form)
        .ok_or_else(|| Error::usage(format!("rules import: unknown scanner {:?}", import.form)))?;
    let mut imported = Imported::default();
    for path in files(form, &import.files)? {
        let text = fs::read_to_string(&path).map_err(|error| Error::unreadable(&path, error))?;
        imported.read(form, &text, &path.display().to_string())?;
    }
    if imported.n_read == 0 {
        let message = format!("rules import: no rule in {}", names(&import.files));
        return Err(Error::usage(message).hint(
            "gitleaks and betterleaks rules are TOML files, kingfisher and noseyparker rules YAML",
        ));
    }
    match &import.output {
        Some(path) => write_whole(path, &imported.text(form))?,
        None => drop(out.text(&imported.text(form))?),
    }
    report(&imported).map_err(|error| Error::output("standard error", error))?;
    Ok(0)
}

/// The files named, and the files of that form in the folders named, in order of their names.
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

fn is_of(form: Form, extension: &OsStr) -> bool {
    if form.is_yaml() { extension == "yml" || extension == "yaml" } else { extension == "toml" }
}

/// Writes and syncs a file beside `path` and renames it, so that no one reads half of it and the
/// old file is not lost.
fn write_whole(path: &Path, text: &str) -> Result<(), Error> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    write_and_rename(Path::new(&beside), path, text)
        .map_err(|error| Error::output(&path.display().to_string(), error))
}

fn write_and_rename(beside: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::create(beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(beside, path)
}

fn report(imported: &Imported) -> io::Result<()> {
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
