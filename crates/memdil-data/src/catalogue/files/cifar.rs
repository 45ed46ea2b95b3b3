//! CIFAR as other programs leave it on disk: in the version for Python, and archives under any name.
//!
//! torchvision keeps `cifar-10-python.tar.gz` and the folder `cifar-10-batches-py` beside it, Keras
//! the same content as `cifar-10-batches-py.tar.gz`, as a file without an ending, or in a folder
//! `cifar-10-batches-py-target`, and Kaggle in a folder of the data set's name. So folders are
//! recognised by the files in them, and archives by their entries.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tar::Archive;

use super::layout::Version;
use super::spelling::plain_or_gzip;
use crate::formats::pickle;
use crate::formats::unpack::{self, read_full};
use crate::readers::cifar::Labels;

/// Folders with more files than this are not those of a data set; the first ones are looked at.
const MOST_FILES: usize = 1000;
/// Entries of an archive that are looked at; the batches come among the first.
const MOST_ENTRIES: usize = 8;
/// Entries that are skipped are short texts.
const LONGEST_SKIPPED: u64 = 1 << 20;

/// Finds the version for Python in `folders` or in folders below `root` that are named after CIFAR,
/// else an archive of either version there.
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

/// All batches of the version for Python, if the folder holds them.
fn batches(folder: &Path, version: &Version) -> Option<Vec<PathBuf>> {
    let files = version.files.iter().map(|name| plain_or_gzip(folder, name));
    let files: Vec<PathBuf> = files.collect::<Option<_>>()?;
    // `train` and `test` are names of many things.
    let may_be = |path: &PathBuf| {
        let Ok(mut file) = unpack::open(path) else {
            return true;
        };
        let mut start = [0; 3];
        read_full(&mut file.reader, &mut start)
            .is_ok_and(|read| read == 0 || pickle::may_begin(&start[..read]))
    };
    files.iter().all(may_be).then_some(files)
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

/// What is in a folder, by name; nothing if it cannot be read.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    paths.truncate(MOST_FILES);
    paths
}

/// Whether a file is a tar archive, plain or gzip, that holds batches of this data set in either
/// version.
fn is_archive(path: &Path, labels: Labels) -> bool {
    let Ok(file) = unpack::open(path) else {
        return false;
    };
    holds_batches(Archive::new(file.reader), labels).unwrap_or(false)
}

fn holds_batches(mut archive: Archive<impl Read>, labels: Labels) -> io::Result<bool> {
    for entry in archive.entries()?.raw(true).take(MOST_ENTRIES) {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path()?.into_owned();
        let number = path.file_name().and_then(|name| labels.number_of(name));
        if number.is_none() {
            if entry.size() > LONGEST_SKIPPED {
                return Ok(false);
            }
            continue;
        }
        if path.extension().is_some() {
            return Ok(entry.size().is_multiple_of(labels.record_len() as u64));
        }
        let mut start = [0; 3];
        let read = read_full(&mut entry, &mut start)?;
        return Ok(pickle::may_begin(&start[..read]));
    }
    Ok(false)
}
