//! The errors for which the program ends with status 2.

use memdil_data::DataError;
use memdil_runner::RunnerError;
use memdil_theory::TheoryError;

/// Bad input from outside, in one line: what, where, what to do.
#[derive(Debug)]
pub(crate) struct BadInput(pub(crate) String);

impl std::fmt::Display for BadInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}

/// Whether an error is the fault of the input.
pub(crate) fn is_bad_input(error: &anyhow::Error) -> bool {
    if error.is::<BadInput>() {
        return true;
    }
    if let Some(error) = error.downcast_ref::<DataError>() {
        return error.is_bad_input();
    }
    if let Some(error) = error.downcast_ref::<RunnerError>() {
        return error.is_bad_input();
    }
    if let Some(error) = error.downcast_ref::<memdil_records::RecordError>() {
        return error.is_bad_input();
    }
    if let Some(error) = error.downcast_ref::<TheoryError>() {
        return error.is_bad_input();
    }
    error
        .downcast_ref::<memdil_report::ReportError>()
        .is_some_and(|e| e.is_bad_input())
}
