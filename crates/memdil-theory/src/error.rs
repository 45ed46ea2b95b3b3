//! The one error type of this crate.

/// Everything that can go wrong here; each message names the offending value and what is allowed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TheoryError {
    /// A number lies outside its range, or is NaN or infinite.
    #[error("{name} = {value} is not allowed: {name} must be {range}")]
    Parameter {
        /// Name of the parameter, as in the command line and in JSON.
        name: &'static str,
        /// The value given.
        value: f64,
        /// The range in words, such as `in (0, 1)`.
        range: &'static str,
    },
    /// A count or dimension is too small.
    #[error("{name} = {value} is too small: {name} must be at least {min} ({why})")]
    Size {
        /// Name of the parameter.
        name: &'static str,
        /// The value given.
        value: usize,
        /// Smallest allowed value.
        min: usize,
        /// What the bound depends on.
        why: &'static str,
    },
    /// Two arrays, or an array and a setting, disagree in length.
    #[error("{name} has length {actual}, expected {expected}")]
    Length {
        /// Name of the array.
        name: &'static str,
        /// Length given.
        actual: usize,
        /// Length needed.
        expected: usize,
    },
    /// A combination that has no meaning or no formula here.
    #[error("{what}: {advice}")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
        /// What to do instead.
        advice: &'static str,
    },
    /// A solver stopped without reaching its tolerance.
    #[error(
        "{solver} did not converge: residual {residual:e} after {iterations} iterations, \
         tolerance {tolerance:e}"
    )]
    NoConvergence {
        /// Which solver.
        solver: &'static str,
        /// Its residual (projected gradient) where it stopped.
        residual: f64,
        /// The residual it should have reached.
        tolerance: f64,
        /// Iterations spent.
        iterations: usize,
    },
    /// The rows of a fit cannot determine its parameters.
    #[error("cannot fit C_MD: {reason}")]
    Fit {
        /// What is wrong with the rows.
        reason: String,
    },
    /// The loss refused its input.
    #[error(transparent)]
    Loss(#[from] memdil_losses::LossError),
}

impl TheoryError {
    /// True when a parameter is at fault, false when a solver did not reach its tolerance.
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

/// Half-open unit interval, the range of `alpha` and of `eta`.
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
    let why = "one class has nothing to separate from";
    at_least("classes", classes, 2, why)
}

pub(crate) fn some_dimension(dim: usize) -> Result<(), TheoryError> {
    let why = "features live in at least one dimension";
    at_least("dim", dim, 1, why)
}

pub(crate) fn unsupported<T>(what: &'static str, advice: &'static str) -> Result<T, TheoryError> {
    Err(TheoryError::Unsupported { what, advice })
}
