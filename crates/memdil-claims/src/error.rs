//! What can be wrong with a claim.

use memdil_records::RecordError;
use memdil_theory::TheoryError;

/// A claim that cannot be read, planned or tested: one line that says what, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// A declaration that cannot be used.
    #[error("claim '{id}': {reason}")]
    Declaration {
        /// The claim.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A run that cannot be read.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// The model could not be solved.
    #[error("prediction: {0}")]
    Theory(#[from] TheoryError),
}

impl ClaimError {
    pub(crate) fn declaration(id: &str, reason: impl Into<String>) -> Self {
        Self::Declaration {
            id: id.to_owned(),
            reason: reason.into(),
        }
    }

    /// True when the cause is what the user gave, false when the machine failed.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Declaration { .. } => true,
            Self::Records(error) => error.is_bad_input(),
            Self::Theory(_) => false,
        }
    }
}
