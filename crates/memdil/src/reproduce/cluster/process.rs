//! Runs the commands of schedulers.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

/// The standard output of a command. If it fails, the error is the last line of its error output.
pub(super) fn output(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| Failure::inside(format!("cannot start {program}: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.trim().lines().next_back().unwrap_or_default();
    Err(Failure::inside(last.trim_start_matches("error: ")))
}

/// The absolute path of a file, for tasks that may start in any folder.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
