//! The errors of this crate.

use std::path::PathBuf;

use memdil_claims::ClaimError;
use memdil_records::RecordError;
use memdil_theory::TheoryError;

/// The reason why a report cannot be written. Each message is one line with the place, the fault
/// and, if there is one, the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The folder of runs does not exist.
    #[error("{}: is not a folder; give the folder of runs that `memdil sweep run --out` wrote", path.display())]
    NoFolder {
        /// The path that was given.
        path: PathBuf,
    },
    /// The folder contains no finished run.
    #[error("{}: contains no finished run; a run is finished when its folder has a summary.json", path.display())]
    NoRuns {
        /// The folder that was searched.
        path: PathBuf,
    },
    /// The output folder contains a file that is not part of a report.
    #[error("{}: was not written by memdil report; choose another folder for --out", path.display())]
    OtherPage {
        /// The file.
        path: PathBuf,
    },
    /// The file of reference values cannot be used.
    #[error("reference file {}: {reason}", path.display())]
    Reference {
        /// The file.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// The `[report]` table of an experiment file is invalid.
    #[error("[report]: {reason}")]
    Page {
        /// The fault.
        reason: String,
    },
    /// A run cannot be read, or a file cannot be written.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// A figure cannot be rendered as PNG.
    #[error("figure {name}: cannot be rendered as PNG: {source}")]
    Figure {
        /// Stem of the file name of the figure.
        name: String,
        /// The reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A claim cannot be tested.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// A model could not be solved.
    #[error("theory section: {0}")]
    Theory(#[from] TheoryError),
}

impl ReportError {
    /// True if the cause is the user's input (folders, files), false for an internal failure.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Records(error) => error.is_bad_input(),
            Self::Claim(error) => error.is_bad_input(),
            Self::Theory(_) | Self::Figure { .. } => false,
            Self::NoFolder { .. }
            | Self::NoRuns { .. }
            | Self::OtherPage { .. }
            | Self::Page { .. }
            | Self::Reference { .. } => true,
        }
    }
}
