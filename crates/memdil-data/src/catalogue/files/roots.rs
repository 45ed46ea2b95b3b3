//! The folders in which data sets are looked for.

use std::collections::HashSet;
use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;

/// Where Debian puts data sets, each in a folder of its name.
pub(super) const DEBIAN: &str = "/usr/share/datasets";

/// The environment's own folders of data sets, one or several.
pub(super) const DATA_DIR: &str = "MEMDIL_DATA_DIR";

/// The folders given, then those known, which hold the folders of the data sets; never none.
pub(crate) fn roots(data_dirs: &[PathBuf]) -> Vec<PathBuf> {
    roots_or(data_dirs, env::var_os(DATA_DIR).as_deref())
}

pub(super) fn roots_or(data_dirs: &[PathBuf], from_env: Option<&OsStr>) -> Vec<PathBuf> {
    let known = ["data", DEBIAN].map(PathBuf::from);
    let given = data_dirs.iter().cloned().chain(split(from_env));
    distinct(given.chain(known).collect())
}

/// The folders in a variable that names several as `PATH` does.
pub(super) fn split(variable: Option<&OsStr>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = variable.into_iter().flat_map(env::split_paths).collect();
    folders.retain(|folder| !folder.as_os_str().is_empty());
    folders
}

/// The paths without those that were there before.
pub(super) fn distinct(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    paths
}
