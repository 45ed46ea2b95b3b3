//! The status of the runs of a manifest.

use std::path::Path;

use memdil_records::{ManifestLine, RecordError, RunFolder, Status};

use crate::error::RunnerError;

/// The numbers of runs of a manifest by state.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct SweepStatus {
    /// Runs in the manifest.
    pub runs: usize,
    /// Completed runs.
    pub completed: usize,
    /// Runs that diverged.
    pub diverged: usize,
    /// Runs that were started and are not finished.
    pub begun: usize,
    /// Runs that were not started.
    pub missing: usize,
    /// The error messages of runs whose record is damaged.
    pub damaged: Vec<String>,
}

/// Counts the runs of a manifest by state; `out` contains their folders.
///
/// # Errors
///
/// [`RunnerError::Record`] if a folder cannot be read.
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
