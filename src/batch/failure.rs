//! Sorts errors into reasons, which concern one file or entry, and failures, which end the run.

use std::io;

use super::limits::Refusal;
use crate::error::Error;

/// Why something could not be examined, in words that hold nothing of it; an error that is no such
/// reason comes back.
pub(super) fn reason(error: io::Error) -> io::Result<String> {
    let Some(inner) = error.get_ref() else { return Ok(in_words(&error)) };
    let Some(ours) = inner.downcast_ref::<Error>() else { return Ok(in_words(&error)) };
    if ours.exit_code() != 3 {
        return Err(error);
    }
    let beneath =
        std::error::Error::source(ours).and_then(|source| source.downcast_ref::<io::Error>());
    match beneath {
        // What was read failed beneath the text.
        Some(beneath) if beneath.get_ref().is_some_and(|inner| inner.is::<Error>()) => {
            let inner = beneath
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<Error>())
                .expect("it was looked at");
            if inner.exit_code() == 3 { Ok(inner.to_string()) } else { Err(error) }
        }
        Some(beneath) => Ok(in_words(beneath)),
        None => Ok(ours.to_string().rsplit(": ").next().unwrap_or_default().to_owned()),
    }
}

fn in_words(error: &io::Error) -> String {
    match error.get_ref() {
        Some(inner) if inner.is::<Refusal>() => inner.to_string(),
        _ if error.raw_os_error().is_some() => format!("cannot be read: {error}"),
        _ if error.kind() == io::ErrorKind::UnexpectedEof => "truncated".to_owned(),
        // The decoders of zstd and xz say it in their own words and nothing else tells it.
        Some(inner) if inner.to_string().to_lowercase().contains("memory") => {
            "its window takes more than --memory allows".to_owned()
        }
        _ => format!("corrupt: {error}"),
    }
}

/// The error that ends the run, taken out of what carried it.
pub(super) fn fatal(error: io::Error) -> Error {
    let mut error = error;
    while let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        let is_carried = std::error::Error::source(inner)
            .and_then(|source| source.downcast_ref::<io::Error>())
            .is_some_and(|source| source.get_ref().is_some_and(|inner| inner.is::<Error>()));
        let inner = error
            .into_inner()
            .and_then(|inner| inner.downcast::<Error>().ok())
            .expect("it was looked at");
        if !is_carried {
            return *inner;
        }
        error = *inner
            .into_source()
            .and_then(|source| source.downcast::<io::Error>().ok())
            .expect("it was looked at");
    }
    Error::output("output", error)
}
