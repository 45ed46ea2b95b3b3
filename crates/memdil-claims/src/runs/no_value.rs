//! The reasons why a unit has no value.

use crate::error::ClaimError;

/// The reason why a unit has no value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoValue {
    /// A run is missing, or the quantity is not defined for it.
    #[error("{0}")]
    Undefined(String),
    /// A run cannot be read, or the model cannot be solved.
    #[error(transparent)]
    Failed(#[from] ClaimError),
}

impl NoValue {
    /// Turns an undefined value into `None`.
    pub(crate) fn or_undefined<T>(found: Result<T, Self>) -> Result<Option<T>, ClaimError> {
        match found {
            Ok(value) => Ok(Some(value)),
            Err(Self::Undefined(_)) => Ok(None),
            Err(Self::Failed(error)) => Err(error),
        }
    }
}

impl From<String> for NoValue {
    fn from(reason: String) -> Self {
        Self::Undefined(reason)
    }
}

impl From<&str> for NoValue {
    fn from(reason: &str) -> Self {
        Self::Undefined(reason.to_owned())
    }
}
