//! The finished runs in a folder.

use std::path::Path;

use super::files::list;
use super::run::RunFolder;
use crate::error::RecordError;
use crate::record::run::RunRecord;

/// Finished runs with their folders.
pub type FoundRuns = Vec<(RunFolder, RunRecord)>;

/// The finished runs in the folders directly below `folder`, sorted by id.
///
/// # Errors
///
/// [`RecordError::Read`] if the folder cannot be listed, [`RecordError::Malformed`] if a summary is
/// damaged or its metrics are incomplete.
pub fn find_runs(folder: &Path) -> Result<FoundRuns, RecordError> {
    let (runs, damaged) = find_undamaged_runs(folder)?;
    damaged.into_iter().next().map_or(Ok(runs), Err)
}

/// Like [`find_runs`], but returns the errors of damaged runs together with the undamaged runs.
///
/// # Errors
///
/// [`RecordError::Read`] if the folder cannot be listed.
pub fn find_undamaged_runs(folder: &Path) -> Result<(FoundRuns, Vec<RecordError>), RecordError> {
    let (mut runs, mut damaged) = (Vec::new(), Vec::new());
    for path in list(folder)? {
        if !path.is_dir() {
            continue;
        }
        let run = RunFolder::new(path);
        match run.whole_record() {
            Ok(record) => runs.extend(record.map(|record| (run, record))),
            Err(error @ RecordError::Malformed { .. }) => damaged.push(error),
            Err(error) => return Err(error),
        }
    }
    runs.sort_by(|a, b| a.1.id.cmp(&b.1.id));
    Ok((runs, damaged))
}
