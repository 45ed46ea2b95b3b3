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

/// Finds the files of a data set, in reading order.
///
/// The search covers the folders of `data_dirs`, then those of the environment variable
/// `MEMDIL_DATA_DIR` (separated as in `PATH`), then `data` and the folder of Debian's packages. The
/// first folder that holds all files is used. In each of them, the files may be
///
/// - in a subfolder named after the data set (`cifar-100` for both kinds of CIFAR-100 labels),
/// - in the subfolder that torchvision uses, or
/// - directly in the folder.
///
/// Each file may be plain or end in `.gz`. The files of MNIST may have a dot in their names, as
/// written by 7-Zip, or be in folders of the same names. CIFAR may be in its archive; if a folder
/// does not hold the binary version, the Python version is searched for, also in folders named
/// after CIFAR, and then an archive of either version under any name.
///
/// The user's own file is searched for at its path itself, then in `data_dirs` and in
/// `MEMDIL_DATA_DIR`. The embedded images have no files.
///
/// # Errors
/// [`DataError::NotFound`] with the folders searched if none of them holds all files, or
/// [`DataError::NpzNotFound`] for the user's own file.
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
    let mut paths = vec![path.to_owned()];
    let folders = data_dirs.iter().cloned().chain(split(from_env));
    // Joining a folder and an absolute path returns the absolute path, hence `distinct`.
    paths.extend(folders.map(|folder| folder.join(path)));
    let paths = distinct(paths);
    match paths.iter().find(|path| path.is_file()) {
        Some(found) => Ok(vec![found.clone()]),
        None => Err(DataError::NpzNotFound {
            path: path.to_owned(),
            tried: listed(&paths),
        }),
    }
}

/// The folders searched for the files of a data set, in order; the first one that holds all files
/// is used.
///
/// Empty for the embedded images and for the user's own file.
pub fn folders(source: &Source, data_dirs: &[PathBuf]) -> Vec<PathBuf> {
    let layout = layout(source).unwrap_or_default();
    let roots = roots(data_dirs);
    (roots.iter())
        .flat_map(|root| folders_in(source, &layout, root))
        .collect()
}

/// A summary of [`folders`] for messages: `a, data, /usr/share/datasets (or in mnist, MNIST/raw
/// there)`.
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
        files += &format!(", or the Python version, {}.gz", version.archive);
    }
    Err(DataError::NotFound {
        name: source.name().to_owned(),
        files,
        searched: searched(source, roots),
    })
}

/// The files in a folder, or their archive.
fn in_folder(folder: &Path, layout: &Layout) -> Option<Vec<PathBuf>> {
    let files = layout.files.iter().map(|name| locate(folder, name));
    files.collect::<Option<Vec<PathBuf>>>().or_else(|| {
        let archive = layout.archive?;
        plain_or_gzip(folder, archive).map(|archive| vec![archive])
    })
}

/// Whether a folder belongs to another data set with the same file names: MNIST and Fashion-MNIST.
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
