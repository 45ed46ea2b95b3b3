//! The possible names of a file in a folder.

use std::path::{Path, PathBuf};

/// The path of a file with exactly this name in a folder, plain or otherwise as `.gz`.
pub(super) fn plain_or_gzip(folder: &Path, name: &str) -> Option<PathBuf> {
    [folder.join(name), folder.join(format!("{name}.gz"))]
        .into_iter()
        .find(|path| path.is_file())
}

/// The path of a file in a folder under any known name, plain or otherwise as `.gz`; see
/// [`spelled`].
pub(super) fn locate(folder: &Path, name: &str) -> Option<PathBuf> {
    spelled(folder, name, "").or_else(|| spelled(folder, name, ".gz"))
}

/// The path of a file in a folder: under its name and ending, under the name that 7-Zip gives to
/// the files of MNIST (`train-images.idx3-ubyte`), or in a subfolder with one of these names, as
/// distributed by Kaggle.
pub(crate) fn spelled(folder: &Path, name: &str, ending: &str) -> Option<PathBuf> {
    let names = [name.to_owned(), name.replace("-idx", ".idx")];
    let files = names.each_ref().map(|name| format!("{name}{ending}"));
    let folders = [
        folder.to_owned(),
        folder.join(&names[0]),
        folder.join(&names[1]),
    ];
    let mut paths = (folders.iter()).flat_map(|folder| files.iter().map(|file| folder.join(file)));
    paths.find(|path| path.is_file())
}
