//! The error type of this crate.

/// An error of this crate. Messages state the invalid value and the allowed values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TheoryError {
    /// A number is out of range, NaN or infinite.
    #[error("{name} = {value} is out of range; must be {range}")]
    Parameter {
        /// Name of the parameter, as on the command line and in JSON.
        name: &'static str,
        /// The given value.
        value: f64,
        /// The allowed range, such as `in (0, 1)`.
        range: &'static str,
    },
    /// A count or dimension is too small.
    #[error("{name} = {value} is too small; must be at least {min}: {why}")]
    Size {
        /// Name of the parameter.
        name: &'static str,
        /// The given value.
        value: usize,
        /// Smallest allowed value.
        min: usize,
        /// The reason for the bound.
        why: &'static str,
    },
    /// The length of an array does not match that of another array or a setting.
    #[error("{name} has length {actual}, expected {expected}")]
    Length {
        /// Name of the array.
        name: &'static str,
        /// The given length.
        actual: usize,
        /// The required length.
        expected: usize,
    },
    /// A combination of arguments that is undefined or not supported.
    #[error("{what}: {advice}")]
    Unsupported {
        /// The requested combination.
        what: &'static str,
        /// The reason or the remedy.
        advice: &'static str,
    },
    /// A solver stopped without reaching its tolerance.
    #[error(
        "{solver} did not converge: residual {residual:e} after {iterations} iterations, \
         tolerance {tolerance:e}"
    )]
    NoConvergence {
        /// Name of the solver.
        solver: &'static str,
        /// Final residual (projected gradient).
        residual: f64,
        /// Required residual.
        tolerance: f64,
        /// Number of iterations.
        iterations: usize,
    },
    /// The rows do not determine the parameters of a fit.
    #[error("cannot fit C_MD: {reason}")]
    Fit {
        /// The problem with the rows.
        reason: String,
    },
    /// An error of the loss function.
    #[error(transparent)]
    Loss(#[from] memdil_losses::LossError),
}

impl TheoryError {
    /// Returns true if an input is invalid, and false if a solver did not converge.
    pub const fn is_bad_input(&self) -> bool {
        !matches!(self, Self::NoConvergence { .. })
    }
}

pub(crate) fn parameter(
    name: &'static str,
    value: f64,
    valid: bool,
    range: &'static str,
) -> Result<(), TheoryError> {
    if valid {
        Ok(())
    } else {
        Err(TheoryError::Parameter { name, value, range })
    }
}

pub(crate) fn positive(name: &'static str, value: f64) -> Result<(), TheoryError> {
    let valid = value > 0.0 && value.is_finite();
    parameter(name, value, valid, "positive and finite")
}

pub(crate) fn not_negative(name: &'static str, value: f64) -> Result<(), TheoryError> {
    let valid = value >= 0.0 && value.is_finite();
    parameter(name, value, valid, "at least 0 and finite")
}

/// Checks that a number is in [0, 1), the range of `alpha` and `eta`.
pub(crate) fn in_unit(name: &'static str, value: f64) -> Result<(), TheoryError> {
    parameter(name, value, (0.0..1.0).contains(&value), "in [0, 1)")
}

pub(crate) fn at_least(
    name: &'static str,
    value: usize,
    min: usize,
    why: &'static str,
) -> Result<(), TheoryError> {
    if value < min {
        return Err(TheoryError::Size {
            name,
            value,
            min,
            why,
        });
    }
    Ok(())
}

pub(crate) fn two_classes(classes: usize) -> Result<(), TheoryError> {
    let why = "a single class cannot be separated from others";
    at_least("classes", classes, 2, why)
}

pub(crate) fn some_dimension(dim: usize) -> Result<(), TheoryError> {
    let why = "features have at least one dimension";
    at_least("dim", dim, 1, why)
}

pub(crate) fn unsupported<T>(what: &'static str, advice: &'static str) -> Result<T, TheoryError> {
    Err(TheoryError::Unsupported { what, advice })
}
