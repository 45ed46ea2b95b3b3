//! The folders that are searched for data sets.

use std::collections::HashSet;
use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;

/// Debian's folder for data sets, with a subfolder per data set.
pub(super) const DEBIAN: &str = "/usr/share/datasets";

/// The environment variable that lists folders of data sets.
pub(super) const DATA_DIR: &str = "MEMDIL_DATA_DIR";

/// The folders that hold the folders of data sets: first the given ones, then the defaults. Never
/// empty.
pub(crate) fn roots(data_dirs: &[PathBuf]) -> Vec<PathBuf> {
    roots_or(data_dirs, env::var_os(DATA_DIR).as_deref())
}

pub(super) fn roots_or(data_dirs: &[PathBuf], from_env: Option<&OsStr>) -> Vec<PathBuf> {
    let known = ["data", DEBIAN].map(PathBuf::from);
    let given = data_dirs.iter().cloned().chain(split(from_env));
    distinct(given.chain(known).collect())
}

/// Splits a list of folders that are separated as in `PATH`.
pub(super) fn split(variable: Option<&OsStr>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = variable.into_iter().flat_map(env::split_paths).collect();
    folders.retain(|folder| !folder.as_os_str().is_empty());
    folders
}

/// Removes repeated paths.
pub(super) fn distinct(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    paths
}
