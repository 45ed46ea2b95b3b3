//! What can go wrong, with the place and the remedy.

/// Why a quantity has no answer.
///
/// Array names in the messages are those of the function's arguments; rows, entries and classes
/// count from 0.
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
    #[error(
        "class {class} of {classes} has no sample: add some, or renumber the classes that do occur"
    )]
    EmptyClass {
        /// The first class without samples.
        class: usize,
        /// The number of classes given.
        classes: usize,
    },

    /// A class has no sample whose observed label is its clean label, so its clean mean is not
    /// defined.
    #[error(
        "class {class} has no uncorrupted sample (observed = clean), so its clean mean is not defined"
    )]
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
        label: i128,
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

    /// Clean labels came with some batches of one measurement and not with others.
    #[error("clean labels come with some batches and not with others: give them always or never")]
    SomeCleanLabels,

    /// A NaN or an infinity in the input.
    #[error("{array}: row {row} holds a NaN or an infinity")]
    NonFinite {
        /// Name of the argument.
        array: &'static str,
        /// The row (of a vector: the entry).
        row: usize,
    },

    /// All class means coincide, up to rounding.
    #[error(
        "the class means coincide up to rounding: there is no between-class scatter to compare with"
    )]
    ZeroScatter,

    /// Two classes have the same mean, up to rounding, so nothing can be divided by their distance.
    #[error("the means of classes {first} and {second} coincide up to rounding")]
    SameMean {
        /// One class.
        first: usize,
        /// The other.
        second: usize,
    },

    /// A class mean equals the global mean, up to rounding, so it has no direction from there.
    #[error("the mean of class {class} is the global mean up to rounding, so it has no direction")]
    MeanAtCentre {
        /// The class.
        class: usize,
    },

    /// Two class means lie in the same direction from the global mean.
    #[error(
        "the means of classes {first} and {second} lie in the same direction from the global mean"
    )]
    SameDirection {
        /// One class.
        first: usize,
        /// The other.
        second: usize,
    },

    /// A class has no sample that was corrupted into it.
    #[error(
        "no sample of another class carries the label {class}, so the bias of such samples is not defined"
    )]
    NoCorruptedSample {
        /// The class observed.
        class: usize,
    },

    /// The quantity needs clean labels beside the observed ones.
    #[error("clean labels are needed beside the observed ones, and none were given")]
    NoCleanLabels,

    /// Second passes can be merged only if they collect the same around the same means.
    #[error(
        "the two passes are not clones of one: ask for all quantities, then clone, then add batches"
    )]
    OtherPass,

    /// A quantity was asked for after a batch was added, which it would miss.
    #[error("a quantity was asked for after the first batch: ask for all of them before")]
    AskedLate,

    /// A quantity that the pass was not asked to collect.
    #[error("{quantity} was not collected: ask for it before the first batch")]
    NotCollected {
        /// The quantity.
        quantity: &'static str,
    },

    /// The second pass did not see the samples of the first.
    #[error(
        "the second pass saw {found} samples, the first {expected}: give both the same batches"
    )]
    OtherSamples {
        /// Samples of the second pass.
        found: usize,
        /// Samples of the first pass.
        expected: usize,
    },

    /// Something is wrong with the test set that its arrays' names do not tell.
    #[error("in the test set: {0}")]
    InTestSet(Box<MetricsError>),

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

impl MetricsError {
    /// The same of the test set: with the names of its arrays, or saying so.
    pub(crate) fn in_test_set(mut self) -> Self {
        match &mut self {
            Self::NoSamples { array }
            | Self::NonFinite { array, .. }
            | Self::LabelOutOfRange { array, .. } => {
                *array = test_name(array);
                self
            }
            Self::LengthMismatch {
                array, reference, ..
            } => {
                (*array, *reference) = (test_name(array), test_name(reference));
                self
            }
            _ => Self::InTestSet(Box::new(self)),
        }
    }
}

fn test_name(array: &'static str) -> &'static str {
    match array {
        "features" => "test_features",
        "labels" => "test_labels",
        other => other,
    }
}

/// Passes `value` on if it is a number.
pub(crate) fn finite(quantity: &'static str, value: f64) -> Result<f64, MetricsError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(MetricsError::Overflow { quantity })
    }
}
