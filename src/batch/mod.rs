//! Batch: files and trees of logs, compressed and archived, rewritten in the formats they came in.
//!
//! A file is told by its content ([`kind`]), opened layer by layer ([`codec`], [`tar`], [`zip`]),
//! its text goes through the same scrubber as the filter's, and the same layers are put around it
//! again ([`rewrite`]). Nothing in an archive is ever unpacked to a place that the archive names. A
//! file becomes visible when it is whole, and not before ([`crate::sink::file`]).
//!
//! What cannot be examined is in no output and is told with its reason.

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
