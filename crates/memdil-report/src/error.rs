//! What can go wrong between a folder of runs and a report.

use std::path::PathBuf;

use memdil_claims::ClaimError;
use memdil_records::RecordError;
use memdil_theory::TheoryError;

/// A report that cannot be made: one line that says what, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The folder of runs does not exist.
    #[error("{} is not a folder: give the one that holds the runs, which `memdil sweep run --out` wrote", path.display())]
    NoFolder {
        /// The path that was given.
        path: PathBuf,
    },
    /// The folder holds no finished run.
    #[error("no finished run in {}: a run is finished when its folder holds summary.json", path.display())]
    NoRuns {
        /// The folder searched.
        path: PathBuf,
    },
    /// A page in the output folder that is no report.
    #[error("{} exists but was not written by memdil report: choose another folder for --out", path.display())]
    OtherPage {
        /// The page.
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
    /// An experiment file's `[report]` table is wrong.
    #[error("[report]: {reason}")]
    Page {
        /// The fault.
        reason: String,
    },
    /// A run that cannot be read, or a file that cannot be written.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// A figure that cannot be made a PNG.
    #[error("figure {name} cannot be drawn as PNG: {source}")]
    Figure {
        /// Stem of its file.
        name: String,
        /// The reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A claim that cannot be tested.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// A model that could not be solved.
    #[error("theory section: {0}")]
    Theory(#[from] TheoryError),
}

impl ReportError {
    /// True when the cause is what the user gave (folders, files), false when the machine failed.
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
