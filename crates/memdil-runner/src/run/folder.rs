//! Checks the run in a folder against a specification.

use memdil_records::{RunFolder, RunRecord, RunSpec};

use crate::error::RunnerError;

/// The record of the finished run in the folder; `None` if the run is not finished. A finished or
/// started run with other settings is an error.
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
