//! A published file, and its possible names in a folder.

use std::path::{Path, PathBuf};

use super::files::spelled;

/// The description of a published file.
///
/// [`verify_files`](crate::catalogue::verify::verify_files) and the downloader also accept
/// descriptions of other files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedFile<'a> {
    /// The name, without folders.
    pub name: &'a str,
    /// The size in bytes.
    pub bytes: u64,
    /// The SHA-256 in lower-case hexadecimal digits.
    pub sha256: &'a str,
    /// The unpacked files: one for gzip, several for an archive, none if the file is not
    /// compressed.
    pub unpacked: &'a [Unpacked<'a>],
    /// The download addresses, in order of preference.
    pub urls: &'a [&'a str],
}

/// A file inside a compressed file or an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpacked<'a> {
    /// The name, including the folders of the archive.
    pub name: &'a str,
    /// The size in bytes.
    pub bytes: u64,
    /// The SHA-256, if known.
    pub sha256: Option<&'a str>,
}

impl PublishedFile<'_> {
    /// Whether a folder holds the file, as published or completely unpacked.
    pub fn is_in(&self, folder: &Path) -> bool {
        let exists = |file: &Unpacked<'_>| file.path_in(folder).is_some();
        self.packed_path(folder).is_some()
            || !self.unpacked.is_empty() && self.unpacked.iter().all(exists)
    }

    /// The path of the published form in a folder; see [`find`](super::files::find) for other
    /// names.
    pub(crate) fn packed_path(&self, folder: &Path) -> Option<PathBuf> {
        match self.name.strip_suffix(".gz") {
            Some(name) => spelled(folder, name, ".gz"),
            None => spelled(folder, self.name, ""),
        }
    }
}

impl Unpacked<'_> {
    /// The path in a folder, with or without the folders of the archive.
    pub(super) fn path_in(&self, folder: &Path) -> Option<PathBuf> {
        let base = Path::new(self.name).file_name()?.to_str()?;
        spelled(folder, self.name, "").or_else(|| spelled(folder, base, ""))
    }
}
