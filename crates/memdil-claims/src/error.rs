//! Errors of claims.

use memdil_records::RecordError;
use memdil_theory::TheoryError;

/// A claim that cannot be read, planned or tested. The message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// A declaration that cannot be used.
    #[error("claim '{id}': {reason}")]
    Declaration {
        /// The id of the claim.
        id: String,
        /// The reason why it cannot be used.
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

    /// True if the user's input is the cause, false for a failure of the machine or of memdil.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Declaration { .. } => true,
            Self::Records(error) => error.is_bad_input(),
            Self::Theory(_) => false,
        }
    }
}
