//! What can go wrong, with the place and the remedy.

/// Why a quantity has no answer.
///
/// Array names in the messages are those of the function's arguments; rows, entries and classes count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// An array holds no samples.
    #[error("{array} has no rows: at least one sample is needed")]
    NoSamples {
        /// Name of the argument.
        array: &'static str,
    },

    /// The quantity compares classes and there are fewer than two.
    #[error("{classes} class(es) given: at least 2 are needed to compare classes")]
    TooFewClasses {
        /// The number of classes given.
        classes: usize,
    },

    /// A class has no sample, so it has no mean.
    #[error("class {class} of {classes} has no sample: add some, or renumber the classes that do occur")]
    EmptyClass {
        /// The first class without samples.
        class: usize,
        /// The number of classes given.
        classes: usize,
    },

    /// A class has no sample whose observed label is its clean label, so its clean mean is not defined.
    #[error("class {class} has no uncorrupted sample (observed = clean), so its clean mean is not defined")]
    NoCleanSample {
        /// The class.
        class: usize,
    },

    /// A label names a class that does not exist.
    #[error("{array}: label {label} in row {row} is not in 0..{classes}")]
    LabelOutOfRange {
        /// Name of the argument.
        array: &'static str,
        /// The row.
        row: usize,
        /// The label found there.
        label: u32,
        /// The number of classes.
        classes: usize,
    },

    /// Two arguments that must agree in a dimension do not.
    #[error("{array} has {found} {unit}, but {reference} needs {expected}")]
    LengthMismatch {
        /// Name of the argument that does not fit.
        array: &'static str,
        /// What is counted.
        unit: &'static str,
        /// How many it has.
        found: usize,
        /// Name of the argument it has to fit.
        reference: &'static str,
        /// How many it should have.
        expected: usize,
    },

    /// A NaN or an infinity in the input.
    #[error("{array}: row {row} holds a NaN or an infinity")]
    NonFinite {
        /// Name of the argument.
        array: &'static str,
        /// The row (of a vector: the entry).
        row: usize,
    },

    /// All class means coincide, up to rounding.
    #[error("the class means coincide up to rounding: there is no between-class scatter to compare with")]
    ZeroScatter,

    /// A matrix that has to be divided by its norm is zero, up to rounding.
    #[error("{array} is zero up to rounding, so it cannot be normalised")]
    ZeroNorm {
        /// The matrix.
        array: &'static str,
    },

    /// A number is outside the range for which the quantity is defined.
    #[error("{name} = {value} is not in {allowed}")]
    OutOfRange {
        /// Name of the argument.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The allowed values.
        allowed: &'static str,
    },

    /// The inputs are finite, but squaring or summing them leaves the range of `f64`.
    #[error("{quantity} leaves the range of f64: rescale the inputs")]
    Overflow {
        /// The quantity that could not be represented.
        quantity: &'static str,
    },

    /// The orthogonalisation of the class means did not settle.
    #[error("the class means were not orthogonal after {sweeps} Jacobi sweeps")]
    NotConverged {
        /// The sweeps spent.
        sweeps: usize,
    },
}

/// Passes `value` on if it is a number.
pub(crate) fn finite(quantity: &'static str, value: f64) -> Result<f64, MetricsError> {
    if value.is_finite() { Ok(value) } else { Err(MetricsError::Overflow { quantity }) }
}
