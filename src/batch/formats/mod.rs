//! Archive formats, one folder or file each. A new one implements [`ArchiveFormat`] and is listed
//! in [`ALL`].

mod tar;
mod zip;

use super::rewrite::ArchiveFormat;

/// All formats.
pub(super) const ALL: [&dyn ArchiveFormat; 2] = [&zip::Zip, &tar::Tar];
