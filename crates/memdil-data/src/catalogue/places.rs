//! The folders in which published files are looked for, and the one they are downloaded to.

use std::path::{Path, PathBuf};

use super::files;
use super::published::Published;
use super::published_file::PublishedFile;

/// The folders searched, in order: those in which [`load`](crate::load()) looks for the same data
/// set.
pub fn folders(published: Published, data_dirs: &[PathBuf]) -> Vec<PathBuf> {
    files::folders(&published.source(), data_dirs)
}

/// The [`folders`] as an error names them: those that hold folders of data sets, and where in them.
pub fn searched(published: Published, data_dirs: &[PathBuf]) -> String {
    files::searched(&published.source(), &files::roots(data_dirs))
}

/// The folder that downloads go to: the one of the set's name in the first of `data_dirs`, else of
/// `MEMDIL_DATA_DIR` from the environment, else in `data`.
pub fn download_folder(published: Published, data_dirs: &[PathBuf]) -> PathBuf {
    let root = files::roots(data_dirs).swap_remove(0);
    root.join(published.name())
}

/// The folder that holds all files, packed or unpacked; if there is none, the one that holds most.
///
/// Nothing if none of the files is in any of the folders.
pub fn find<'a>(files: &[PublishedFile<'_>], folders: &'a [PathBuf]) -> Option<&'a Path> {
    let count = |folder: &&PathBuf| files.iter().filter(|file| file.is_in(folder)).count();
    // Of folders with equal counts the last one is taken, so the first in this order.
    let best = folders.iter().rev().max_by_key(count);
    best.filter(|folder| count(folder) > 0)
        .map(PathBuf::as_path)
}

/// The files of CIFAR that [`load`](crate::load()) would read, if they are not the published ones of
/// the binary version: those of the version for Python, or an archive of either under another name.
///
/// None where there are neither, and for the other data sets.
pub fn other_form(published: Published, data_dirs: &[PathBuf]) -> Option<Vec<PathBuf>> {
    published.cifar_labels()?;
    let files = files::find(&published.source(), data_dirs).ok()?;
    let folder = files.first().and_then(|path| path.parent());
    let is_published = |folder| (published.files().iter()).any(|file| file.is_in(folder));
    (!folder.is_some_and(is_published)).then_some(files)
}
