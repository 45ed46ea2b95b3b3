//! The folders that are searched for published files, and the download folder.

use std::path::{Path, PathBuf};

use super::files;
use super::published::Published;
use super::published_file::PublishedFile;

/// The folders that [`load`](crate::load()) searches for the data set, in order.
pub fn folders(published: Published, data_dirs: &[PathBuf]) -> Vec<PathBuf> {
    files::folders(&published.source(), data_dirs)
}

/// A summary of [`folders`] for messages: the parent folders and the subfolders searched in them.
pub fn searched(published: Published, data_dirs: &[PathBuf]) -> String {
    files::searched(&published.source(), &files::roots(data_dirs))
}

/// The download folder, named after the data set. Its parent is the first of `data_dirs`, otherwise
/// the first folder of the environment variable `MEMDIL_DATA_DIR`, otherwise `data`.
pub fn download_folder(published: Published, data_dirs: &[PathBuf]) -> PathBuf {
    let root = files::roots(data_dirs).swap_remove(0);
    root.join(published.name())
}

/// The first folder that holds the most files, packed or unpacked; usually all of them.
///
/// `None` if none of the folders holds any of the files.
pub fn find<'a>(files: &[PublishedFile<'_>], folders: &'a [PathBuf]) -> Option<&'a Path> {
    let count = |folder: &&PathBuf| files.iter().filter(|file| file.is_in(folder)).count();
    // `max_by_key` returns the last maximum, so the iteration is reversed to find the first one.
    let best = folders.iter().rev().max_by_key(count);
    best.filter(|folder| count(folder) > 0)
        .map(PathBuf::as_path)
}

/// The files of CIFAR that [`load`](crate::load()) would read, if they are in another form than the
/// published binary version: the Python version, or an archive of either version under another
/// name.
///
/// `None` if there are no such files, and for the other data sets.
pub fn other_form(published: Published, data_dirs: &[PathBuf]) -> Option<Vec<PathBuf>> {
    published.cifar_labels()?;
    let files = files::find(&published.source(), data_dirs).ok()?;
    let folder = files.first().and_then(|path| path.parent());
    let is_published = |folder| (published.files().iter()).any(|file| file.is_in(folder));
    (!folder.is_some_and(is_published)).then_some(files)
}
