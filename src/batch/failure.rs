//! Sorts errors into reasons, which concern one file or entry, and failures, which end the run.

use std::io;

use super::limits::RefusalReason;
use crate::error::Error;

/// The reason why content could not be examined, without any of the content. Other errors are
/// returned as they are.
pub(super) fn reason(error: io::Error) -> io::Result<String> {
    let Some(inner) = error.get_ref() else { return Ok(in_words(&error)) };
    let Some(ours) = inner.downcast_ref::<Error>() else { return Ok(in_words(&error)) };
    if ours.exit_code() != 3 {
        return Err(error);
    }
    let beneath =
        std::error::Error::source(ours).and_then(|source| source.downcast_ref::<io::Error>());
    match beneath {
        // Reading failed in a layer below the text.
        Some(beneath) if beneath.get_ref().is_some_and(|inner| inner.is::<Error>()) => {
            let inner = beneath
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<Error>())
                .expect("the type was checked");
            if inner.exit_code() == 3 { Ok(inner.to_string()) } else { Err(error) }
        }
        Some(beneath) => Ok(in_words(beneath)),
        None => Ok(ours.to_string().rsplit(": ").next().unwrap_or_default().to_owned()),
    }
}

fn in_words(error: &io::Error) -> String {
    match error.get_ref() {
        Some(inner) if inner.is::<RefusalReason>() => inner.to_string(),
        _ if error.raw_os_error().is_some() => format!("cannot be read: {error}"),
        _ if error.kind() == io::ErrorKind::UnexpectedEof => "truncated".to_owned(),
        // Only the message of the zstd and xz decoders reveals this cause.
        Some(inner) if inner.to_string().to_lowercase().contains("memory") => {
            "the window needs more memory than --memory allows".to_owned()
        }
        _ => format!("corrupt: {error}"),
    }
}

/// The error that ends the run, unwrapped from the I/O errors that carried it.
pub(super) fn fatal(error: io::Error) -> Error {
    let mut error = error;
    while let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        let is_carried = std::error::Error::source(inner)
            .and_then(|source| source.downcast_ref::<io::Error>())
            .is_some_and(|source| source.get_ref().is_some_and(|inner| inner.is::<Error>()));
        let inner = error
            .into_inner()
            .and_then(|inner| inner.downcast::<Error>().ok())
            .expect("the type was checked");
        if !is_carried {
            return *inner;
        }
        error = *inner
            .into_source()
            .and_then(|source| source.downcast::<io::Error>().ok())
            .expect("the type was checked");
    }
    Error::output("output", error)
}
