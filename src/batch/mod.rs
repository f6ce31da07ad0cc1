//! Batch mode: rewrites files and trees of logs, compressed and archived, in their own formats.
//!
//! The format of a file is recognized by its content. Layers are opened one by one ([`codecs`],
//! [`formats`]), the text goes through the same scrubber as in the filter, and the same layers are
//! put around it again ([`rewrite`]). Nothing in an archive is ever unpacked to a path that the
//! archive names. A file appears only when it is complete ([`crate::sink::file`]).
//!
//! Content that cannot be examined is left out of the output and reported with its reason.
//!
//! [`run`] drives the threads, [`manifest`] records finished files, and [`verify`] checks them
//! later.

mod chunks;
pub(crate) mod codecs;
mod content;
mod digest;
mod failure;
mod file_names;
mod formats;
mod limits;
mod manifest;
mod metadata;
mod renames;
mod rewrite;
mod run;
mod temporary;
mod verify;

pub(crate) use self::{
    file_names::Names,
    limits::Expansion,
    manifest::{Manifest, NAME as MANIFEST, folder_of},
    run::{Options, Summary, Target, Watch, run},
    verify::verify,
};
