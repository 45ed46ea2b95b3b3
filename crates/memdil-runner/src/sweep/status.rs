//! The state of every run of a manifest.

use std::path::Path;

use memdil_records::{ManifestLine, RecordError, RunFolder, Status};

use crate::error::RunnerError;

/// How many runs of a manifest are in which state.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct SweepStatus {
    /// Runs of the manifest.
    pub runs: usize,
    /// Completed ones.
    pub completed: usize,
    /// Recorded as diverged.
    pub diverged: usize,
    /// Begun and not finished.
    pub begun: usize,
    /// Not begun.
    pub missing: usize,
    /// Those whose record cannot be read, and why.
    pub damaged: Vec<String>,
}

/// The state of every run of a manifest below `out`.
///
/// # Errors
///
/// [`RunnerError::Record`] when a folder cannot be read.
pub fn status(lines: &[ManifestLine], out: &Path) -> Result<SweepStatus, RunnerError> {
    let mut status = SweepStatus {
        runs: lines.len(),
        ..SweepStatus::default()
    };
    for line in lines {
        let folder = RunFolder::new(out.join(&line.id));
        let state = match folder.whole_record() {
            Ok(record) => record.map(|record| record.status),
            Err(error @ RecordError::Malformed { .. }) => {
                status.damaged.push(error.to_string());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        *match state {
            Some(Status::Completed) => &mut status.completed,
            Some(Status::Diverged) => &mut status.diverged,
            None if folder.path().exists() => &mut status.begun,
            None => &mut status.missing,
        } += 1;
    }
    Ok(status)
}
