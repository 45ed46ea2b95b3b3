//! Whose run a folder holds.

use memdil_records::{RunFolder, RunRecord, RunSpec};

use crate::error::RunnerError;

/// The finished record in the folder; an error when it, or the beginning of a run, belongs to other
/// settings.
pub(crate) fn finished(run: &RunFolder, spec: &RunSpec) -> Result<Option<RunRecord>, RunnerError> {
    let other = || RunnerError::OtherRun {
        path: run.path().to_owned(),
    };
    match run.record()? {
        Some(record) if record.spec == *spec => {
            run.check_metrics(&record)?;
            Ok(Some(record))
        }
        Some(_) => Err(other()),
        None if run.begun_with()?.is_some_and(|begun| begun != *spec) => Err(other()),
        None => Ok(None),
    }
}
