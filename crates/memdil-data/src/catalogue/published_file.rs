//! A file as it is published, and the names under which it may lie in a folder.

use std::path::{Path, PathBuf};

use super::files::spelled;

/// A file as it is published.
///
/// Another file is described in the same way, for [`verify_files`](crate::catalogue::verify::verify_files) and
/// the downloader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedFile<'a> {
    /// Its name, without folders.
    pub name: &'a str,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hexadecimal digits.
    pub sha256: &'a str,
    /// What it unpacks to: one file for gzip, several for an archive, none if it is read as it is.
    pub unpacked: &'a [Unpacked<'a>],
    /// Where it can be downloaded, the first choice first.
    pub urls: &'a [&'a str],
}

/// A file that lies inside a packed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpacked<'a> {
    /// Its name, with the folders of the archive.
    pub name: &'a str,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, where one is known.
    pub sha256: Option<&'a str>,
}

impl PublishedFile<'_> {
    /// Whether it is in a folder, as published or wholly unpacked.
    pub fn is_in(&self, folder: &Path) -> bool {
        let is_there = |file: &Unpacked<'_>| file.path_in(folder).is_some();
        self.packed_path(folder).is_some()
            || !self.unpacked.is_empty() && self.unpacked.iter().all(is_there)
    }

    /// Where it lies in a folder as published; see [`find`](super::files::find) for other names of it.
    pub(crate) fn packed_path(&self, folder: &Path) -> Option<PathBuf> {
        match self.name.strip_suffix(".gz") {
            Some(name) => spelled(folder, name, ".gz"),
            None => spelled(folder, self.name, ""),
        }
    }
}

impl Unpacked<'_> {
    /// Where it lies in a folder: under its name with the archive's folders, or without them.
    pub(super) fn path_in(&self, folder: &Path) -> Option<PathBuf> {
        let base = Path::new(self.name).file_name()?.to_str()?;
        spelled(folder, self.name, "").or_else(|| spelled(folder, base, ""))
    }
}
