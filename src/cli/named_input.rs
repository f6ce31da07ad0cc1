//! Inputs named on the command line, for verbs that read them to the end.

use std::{fs::File, io::Read, path::Path};

use crate::{
    error::Error,
    source::{input::Place, stdin},
};

/// How messages call it.
pub(super) fn name(path: &Path) -> String {
    Place::new(path).name()
}

/// Opens it; `-` is standard input.
///
/// # Errors
///
/// It cannot be read; the rest of the inputs still can be.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>, Error> {
    match Place::new(path) {
        Place::Stdin => Ok(Box::new(stdin::lock()?)),
        Place::File(path) => match File::open(&path) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => Err(Error::input(&path.display().to_string(), error)),
        },
    }
}
