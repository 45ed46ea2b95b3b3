//! The workspace: its root, its files, and the cargo that builds it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::json;
use crate::process::output;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    // Read at run time: with a shared target directory, this program may have been built in another
    // checkout.
    let own =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&own)
        .parent()
        .unwrap_or(Path::new("."))
        .to_owned()
}

/// The cargo that runs this task. The variables that describe the package xtask are removed: build
/// scripts that watch them would run again, and much of the workspace would be recompiled.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// The output of `cargo metadata`: the packages of a workspace and their dependencies, as JSON.
pub(crate) fn metadata(root: &Path) -> Result<String, Failure> {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--no-deps"]);
    output(command.current_dir(root))
}

/// The target directory of cargo.
pub(crate) fn target_directory() -> Result<PathBuf, Failure> {
    json::text(&metadata(&root())?, "target_directory")
        .map(json::path)
        .ok_or_else(|| Failure::internal("cargo metadata: contains no target directory"))
}

pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|e| Failure::internal(format!("cannot read {}: {e}", path.display())))
}

/// All files below a folder with one of the extensions, sorted.
pub(crate) fn find(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |e| Failure::internal(format!("cannot read {}: {e}", folder.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            found.extend(find(&path, extensions)?);
        } else if path
            .extension()
            .is_some_and(|e| extensions.iter().any(|x| e == *x))
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
