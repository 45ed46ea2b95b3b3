//! CIFAR as other programs store it: in the Python version, and archives under any name.
//!
//! torchvision stores `cifar-10-python.tar.gz` next to the folder `cifar-10-batches-py`. Keras
//! stores the same content as `cifar-10-batches-py.tar.gz`, as a file without an extension, or in a
//! folder `cifar-10-batches-py-target`; Kaggle stores it in a folder named after the data set.
//! Therefore folders are recognised by their files, and archives by their entries.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tar::Archive;

use super::layout::Version;
use super::spelling::plain_or_gzip;
use crate::formats::pickle;
use crate::formats::unpack::{self, read_full};
use crate::readers::cifar::Labels;

/// Maximum number of files examined in a folder; the folder of a data set has fewer.
const MAX_FILES: usize = 1000;
/// Maximum number of entries examined in an archive; a batch is among the first entries.
const MAX_ENTRIES: usize = 8;
/// Maximum size of a skipped entry; entries before the batches are short text files.
const MAX_SKIPPED_SIZE: u64 = 1 << 20;

/// Finds the Python version in `folders` or in folders below `root` that are named after CIFAR, or
/// otherwise an archive of either version in these folders.
pub(super) fn find(root: &Path, folders: &[PathBuf], version: &Version) -> Option<Vec<PathBuf>> {
    if root.is_file() {
        return is_archive(root, version.labels).then(|| vec![root.to_owned()]);
    }
    let mut folders = folders.to_vec();
    for folder in named_after_cifar(root) {
        folders.extend(named_after_cifar(&folder));
        folders.push(folder);
    }
    let batches = folders.iter().find_map(|folder| batches(folder, version));
    let archive = |folder: &PathBuf| plain_or_gzip(folder, version.archive);
    let named = || folders.iter().find_map(archive);
    let other = || {
        let archives = folders.iter().flat_map(|folder| paths(folder));
        let mut files = archives.filter(|path| path.is_file());
        files.find(|path| is_archive(path, version.labels))
    };
    batches.or_else(|| named().or_else(other).map(|archive| vec![archive]))
}

/// All batches of the Python version, if the folder holds them.
fn batches(folder: &Path, version: &Version) -> Option<Vec<PathBuf>> {
    let files = version.files.iter().map(|name| plain_or_gzip(folder, name));
    let files: Vec<PathBuf> = files.collect::<Option<_>>()?;
    // Many other files are named `train` or `test`, so the content is checked as well.
    let may_be_batch = |path: &PathBuf| {
        let Ok(mut file) = unpack::open(path) else {
            return true;
        };
        let mut start = [0; 3];
        read_full(&mut file.reader, &mut start)
            .is_ok_and(|read| read == 0 || pickle::may_be_pickle(&start[..read]))
    };
    files.iter().all(may_be_batch).then_some(files)
}

/// The folders in a folder whose names contain `cifar`.
fn named_after_cifar(folder: &Path) -> Vec<PathBuf> {
    let is_named = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy());
        name.is_some_and(|name| name.to_ascii_lowercase().contains("cifar"))
    };
    let mut folders = paths(folder);
    folders.retain(|path| is_named(path) && path.is_dir());
    folders
}

/// The sorted content of a folder; empty if the folder cannot be read.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    paths.truncate(MAX_FILES);
    paths
}

/// Whether a file is a tar archive, plain or gzip, with batches of this data set in either version.
fn is_archive(path: &Path, labels: Labels) -> bool {
    let Ok(file) = unpack::open(path) else {
        return false;
    };
    holds_batches(Archive::new(file.reader), labels).unwrap_or(false)
}

fn holds_batches(mut archive: Archive<impl Read>, labels: Labels) -> io::Result<bool> {
    for entry in archive.entries()?.raw(true).take(MAX_ENTRIES) {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path()?.into_owned();
        let number = path.file_name().and_then(|name| labels.number_of(name));
        if number.is_none() {
            if entry.size() > MAX_SKIPPED_SIZE {
                return Ok(false);
            }
            continue;
        }
        if path.extension().is_some() {
            return Ok(entry.size().is_multiple_of(labels.record_len() as u64));
        }
        let mut start = [0; 3];
        let read = read_full(&mut entry, &mut start)?;
        return Ok(pickle::may_be_pickle(&start[..read]));
    }
    Ok(false)
}
