//! Finding the files of a data set.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::cifar;
use super::layout::{Layout, layout};
use super::roots::{DATA_DIR, distinct, roots, split};
use super::spelling::{locate, plain_or_gzip};
use crate::catalogue::source::Source;
use crate::error::DataError;

/// Finds the files of a data set, in the order in which they are read.
///
/// A folder may hold them in a folder of the data set's name (CIFAR-100's is `cifar-100` for both
/// kinds of label), as torchvision lays them out, or itself; each file may be plain or end in
/// `.gz`, and the files of MNIST may have a dot in their names, as 7-Zip writes them, or lie in
/// folders of their names. CIFAR may still be in its archive, and where a folder does not hold the
/// binary version, that for Python is looked for, in folders named after CIFAR too, and then an
/// archive of either version under any name. The folders are those of `data_dirs`, then those of
/// `MEMDIL_DATA_DIR` from the environment (several are separated as those of `PATH`), then `data`
/// and the one of Debian's packages; the first that holds all files is read. A user's own file is
/// looked for under its path as it is, then in `data_dirs` and in `MEMDIL_DATA_DIR`. The embedded
/// images have no file.
///
/// # Errors
/// [`DataError::NotFound`] with the folders searched if none holds all files,
/// [`DataError::NpzNotFound`] for a user's own file.
pub fn find(source: &Source, data_dirs: &[PathBuf]) -> Result<Vec<PathBuf>, DataError> {
    if let Some(path) = source.npz() {
        return find_npz(path, data_dirs, env::var_os(DATA_DIR).as_deref());
    }
    match layout(source) {
        Some(layout) => find_in(source, &layout, &roots(data_dirs)),
        None => Ok(Vec::new()),
    }
}

fn find_npz(
    path: &Path,
    data_dirs: &[PathBuf],
    from_env: Option<&OsStr>,
) -> Result<Vec<PathBuf>, DataError> {
    let mut places = vec![path.to_owned()];
    let folders = data_dirs.iter().cloned().chain(split(from_env));
    // An absolute path is the same in every folder.
    places.extend(folders.map(|folder| folder.join(path)));
    let places = distinct(places);
    match places.iter().find(|place| place.is_file()) {
        Some(place) => Ok(vec![place.clone()]),
        None => Err(DataError::NpzNotFound {
            path: path.to_owned(),
            tried: listed(&places),
        }),
    }
}

/// The folders in which the files of a data set are looked for, in order; the first that holds all
/// of them is read.
///
/// None for the embedded images and for a user's own file.
pub fn folders(source: &Source, data_dirs: &[PathBuf]) -> Vec<PathBuf> {
    let layout = layout(source).unwrap_or_default();
    let roots = roots(data_dirs);
    (roots.iter())
        .flat_map(|root| folders_in(source, &layout, root))
        .collect()
}

/// What an error says of [`folders`]: `a, data, /usr/share/datasets (or in mnist, MNIST/raw there)`.
pub(crate) fn searched(source: &Source, roots: &[PathBuf]) -> String {
    let mut below = layout(source).unwrap_or_default().folders.to_vec();
    below.retain(|name| !name.is_empty());
    format!("{} (or in {} there)", listed(roots), below.join(", "))
}

fn listed(paths: &[PathBuf]) -> String {
    let shown = |path: &PathBuf| path.display().to_string();
    paths.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn folders_in(source: &Source, layout: &Layout, root: &Path) -> Vec<PathBuf> {
    let folder = |name: &&str| match *name {
        "" => (!is_of_another(root, source)).then(|| root.to_owned()),
        name => Some(root.join(name)),
    };
    layout.folders.iter().filter_map(folder).collect()
}

fn find_in(source: &Source, layout: &Layout, roots: &[PathBuf]) -> Result<Vec<PathBuf>, DataError> {
    for root in roots {
        let folders = folders_in(source, layout, root);
        if let Some(files) = folders.iter().find_map(|folder| in_folder(folder, layout)) {
            return Ok(files);
        }
        if let Some(version) = &layout.python
            && let Some(files) = cifar::find(root, &folders, version)
        {
            return Ok(files);
        }
    }
    let mut files = layout.files.join(", ");
    if let Some(archive) = layout.archive {
        files = format!("{archive}.gz or {files}");
    } else {
        files += " (each plain or .gz)";
    }
    if let Some(version) = &layout.python {
        files += &format!(", or the version for Python, {}.gz", version.archive);
    }
    Err(DataError::NotFound {
        name: source.name().to_owned(),
        files,
        searched: searched(source, roots),
    })
}

/// The files that a folder holds, or their archive.
fn in_folder(folder: &Path, layout: &Layout) -> Option<Vec<PathBuf>> {
    let files = layout.files.iter().map(|name| locate(folder, name));
    files.collect::<Option<Vec<PathBuf>>>().or_else(|| {
        let archive = layout.archive?;
        plain_or_gzip(folder, archive).map(|archive| vec![archive])
    })
}

/// MNIST and Fashion-MNIST name their files alike, so the one's folder is not searched for the
/// other.
fn is_of_another(root: &Path, source: &Source) -> bool {
    let other: &[&str] = match source {
        Source::Mnist => &["fashion-mnist", "FashionMNIST/raw"],
        Source::FashionMnist => &["mnist", "MNIST/raw"],
        _ => &[],
    };
    other.iter().any(|folder| root.ends_with(folder))
}

#[cfg(test)]
mod tests;
