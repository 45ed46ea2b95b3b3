//! The error type of this crate.

use super::occurring::{OccurringLabels, list};
use super::subject::{Counted, Subject};

/// The reason why a quantity cannot be computed.
///
/// Messages name arrays after the function's arguments. Rows, entries and classes are counted
/// from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// An array contains no samples.
    #[error("{}", self.message(&own_name))]
    NoSamples {
        /// The array.
        array: Subject,
    },

    /// The quantity compares classes, but there are fewer than two.
    #[error("classes = {classes} is too small; must be at least 2 to compare classes")]
    TooFewClasses {
        /// The number of classes given.
        classes: usize,
    },

    /// A class has no samples, so its mean is not defined.
    #[error(
        "class {class} of {classes} has no sample: add some, or renumber the classes that do occur"
    )]
    EmptyClass {
        /// The first class without samples.
        class: usize,
        /// The number of classes given.
        classes: usize,
    },

    /// A class has no uncorrupted sample (whose observed label equals the clean label), so its
    /// clean mean is not defined.
    #[error(
        "class {class} has no uncorrupted sample (observed = clean), so its clean mean is not \
         defined"
    )]
    NoCleanSample {
        /// The class.
        class: usize,
    },

    /// A label is not a class number.
    #[error("{}", self.message(&own_name))]
    LabelOutOfRange {
        /// The array.
        array: Subject,
        /// The row.
        row: usize,
        /// The label in that row.
        label: i128,
        /// The number of classes.
        classes: usize,
    },

    /// The class numbers that occur are not exactly 0 to `classes - 1`; see
    /// [`check_class_numbers`](crate::check_class_numbers).
    #[error("{}", self.message(&own_name))]
    ClassNumbers {
        /// The array.
        array: Subject,
        /// The class numbers that occur; its `Display` output includes the remedy.
        labels: Box<OccurringLabels>,
    },

    /// Classes have no test samples, so their test means are not defined.
    #[error("{} no test sample", class_list(classes))]
    NoTestSample {
        /// The classes, in ascending order.
        classes: Vec<usize>,
    },

    /// The rows of an array of logits are probabilities; see
    /// [`looks_like_probabilities`](crate::looks_like_probabilities).
    #[error("{}", self.message(&own_name))]
    Probabilities {
        /// The array.
        array: Subject,
    },

    /// An array requires another array that was not given.
    #[error("{}", self.message(&own_name))]
    GivenAlone {
        /// The array that was given.
        array: Subject,
        /// The missing array.
        needed: Subject,
    },

    /// The numbers of rows and columns of a matrix appear to be swapped.
    #[error("{}", self.message(&own_name))]
    Transposed {
        /// The array.
        array: Subject,
        /// Its number of rows.
        rows: usize,
        /// Its number of columns.
        columns: usize,
    },

    /// Two arguments differ in a dimension that must be equal.
    #[error("{}", self.message(&own_name))]
    LengthMismatch {
        /// The array whose size is wrong.
        array: Subject,
        /// The unit of the sizes.
        unit: Counted,
        /// Its size.
        found: usize,
        /// The array or part that determines the expected size.
        reference: Subject,
        /// The expected size.
        expected: usize,
    },

    /// Clean labels were given for some batches of a measurement but not for others.
    #[error("clean labels were given for some batches only; give them for all batches or for none")]
    SomeCleanLabels,

    /// The input contains a NaN or an infinity.
    #[error("{}", self.message(&own_name))]
    NonFinite {
        /// The array.
        array: Subject,
        /// The row (the entry, for a vector).
        row: usize,
    },

    /// All class means coincide, up to rounding.
    #[error("the class means coincide up to rounding, so the between-class scatter is zero")]
    ZeroScatter,

    /// Two classes have the same mean, up to rounding, so their distance is not a valid divisor.
    #[error("the means of classes {first} and {second} coincide up to rounding")]
    SameMean {
        /// The first class.
        first: usize,
        /// The second class.
        second: usize,
    },

    /// A class mean equals the global mean, up to rounding, so its direction is not defined.
    #[error(
        "the mean of class {class} equals the global mean up to rounding, so its direction is not \
         defined"
    )]
    MeanAtCentre {
        /// The class.
        class: usize,
    },

    /// Two class means are in the same direction from the global mean.
    #[error(
        "the means of classes {first} and {second} are in the same direction from the global mean"
    )]
    SameDirection {
        /// The first class.
        first: usize,
        /// The second class.
        second: usize,
    },

    /// No sample was corrupted into a class.
    #[error(
        "no sample of another class has the label {class}, so its corruption bias is not defined"
    )]
    NoCorruptedSample {
        /// The observed class.
        class: usize,
    },

    /// The quantity requires clean labels, but only observed labels were given.
    #[error("clean labels are required in addition to the observed labels, but were not given")]
    NoCleanLabels,

    /// The second passes to merge are not clones of the same pass.
    #[error(
        "the two passes are not clones of the same pass; request all quantities, clone the pass, \
         then add batches"
    )]
    OtherPass,

    /// A quantity was requested after a batch was added, so that batch would not be counted.
    #[error("a quantity was requested after the first batch; request all quantities before it")]
    AskedLate,

    /// A quantity was not requested from the pass.
    #[error("{quantity} was not collected; request it before the first batch")]
    NotCollected {
        /// The quantity.
        quantity: &'static str,
    },

    /// The two passes received different numbers of samples.
    #[error(
        "the second pass received {found} samples, but the first pass {expected}; add the same \
         batches to both"
    )]
    OtherSamples {
        /// Samples of the second pass.
        found: usize,
        /// Samples of the first pass.
        expected: usize,
    },

    /// An error in the test set that does not name one of its arrays.
    #[error("in the test set: {0}")]
    InTestSet(Box<MetricsError>),

    /// A matrix to be divided by its norm is zero, up to rounding.
    #[error("the norm of {array} is zero up to rounding, so it cannot be normalised")]
    ZeroNorm {
        /// The matrix.
        array: Subject,
    },

    /// A number is outside the range for which the quantity is defined.
    #[error("{name} = {value} is out of range; must be in {allowed}")]
    OutOfRange {
        /// The name of the number.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The allowed range.
        allowed: &'static str,
    },

    /// The inputs are finite, but squaring or summing them leaves the range of `f64`.
    #[error("{quantity} leaves the range of f64; rescale the inputs")]
    Overflow {
        /// The quantity that could not be represented.
        quantity: &'static str,
    },

    /// The features are finite, but a sum over all of them leaves the range of `f64`.
    #[error("{}", self.message(&own_name))]
    SumOverflow {
        /// The first part of the message, which the name of the array completes.
        sum: &'static str,
        /// The array.
        array: Subject,
    },

    /// The orthogonalisation of the class means did not converge.
    #[error("the class means were not orthogonal after {sweeps} Jacobi sweeps")]
    NotConverged {
        /// The number of Jacobi sweeps.
        sweeps: usize,
    },
}

impl MetricsError {
    /// The message with the name of each array replaced by `name(array)`, for example to add the
    /// file that the array was read from.
    ///
    /// ```
    /// use memdil_metrics::{Subject, class_means};
    ///
    /// let error = class_means(ndarray::array![[f64::NAN]].view(), &[0], 1).unwrap_err();
    /// assert_eq!(error.to_string(), "features: row 0 holds a NaN or an infinity");
    /// let message = error.message(&|array: Subject| format!("{array} (h.npy)"));
    /// assert_eq!(message, "features (h.npy): row 0 holds a NaN or an infinity");
    /// ```
    pub fn message(&self, name: &dyn Fn(Subject) -> String) -> String {
        let name = |array: &Subject| name(*array);
        match self {
            Self::NoSamples { array } => {
                name(array) + " has no rows; at least one sample is required"
            }
            Self::LabelOutOfRange {
                array,
                row,
                label,
                classes,
            } => format!(
                "{}: label {label} in row {row} is not a class number; must be in [0, {}]",
                name(array),
                classes.saturating_sub(1)
            ),
            Self::ClassNumbers { array, labels } => format!("{}: {labels}", name(array)),
            Self::Probabilities { array } => {
                name(array)
                    + ": every row is a list of probabilities (each sums to 1); give the values \
                       before the softmax, or np.log(p.astype(float) + 1e-30)"
            }
            Self::GivenAlone { array, needed } => {
                format!("{} requires {}; give both", name(array), name(needed))
            }
            Self::Transposed {
                array,
                rows,
                columns,
            } => format!(
                "{array} looks transposed: it has {rows} rows and {columns} columns; \
                 give its transpose, {array}.T",
                array = name(array)
            ),
            Self::LengthMismatch {
                array,
                unit,
                found,
                reference,
                expected,
            } => format!(
                "{} has {found} {unit}, but {} needs {expected}",
                name(array),
                name(reference)
            ),
            Self::NonFinite { array, row } => {
                name(array) + &format!(": row {row} holds a NaN or an infinity")
            }
            Self::SumOverflow { sum, array } => {
                format!(
                    "{sum} {} leaves the range of f64; rescale the inputs",
                    name(array)
                )
            }
            other => other.to_string(),
        }
    }

    /// True if the error concerns a single metric, so that the inputs are still valid for others.
    pub(crate) fn concerns_one_metric(&self) -> bool {
        match self {
            Self::NoCleanSample { .. }
            | Self::NoTestSample { .. }
            | Self::ZeroScatter
            | Self::SameMean { .. }
            | Self::MeanAtCentre { .. }
            | Self::SameDirection { .. }
            | Self::NoCorruptedSample { .. }
            | Self::ZeroNorm { .. }
            | Self::OutOfRange { .. }
            | Self::Overflow { .. }
            | Self::SumOverflow { .. }
            | Self::NotConverged { .. } => true,
            Self::InTestSet(error) => error.concerns_one_metric(),
            _ => false,
        }
    }

    /// The same error for the test set: with the names of the test arrays, or wrapped in
    /// [`Self::InTestSet`].
    pub(crate) fn in_test_set(mut self) -> Self {
        match &mut self {
            Self::NoSamples { array }
            | Self::NonFinite { array, .. }
            | Self::Probabilities { array }
            | Self::ClassNumbers { array, .. }
            | Self::LabelOutOfRange { array, .. } => *array = array.of_test_set(),
            Self::LengthMismatch {
                array, reference, ..
            } => (*array, *reference) = (array.of_test_set(), reference.of_test_set()),
            _ => return Self::InTestSet(Box::new(self)),
        }
        self
    }
}

fn own_name(array: Subject) -> String {
    array.to_string()
}

/// `class 2 has`, or `classes 0, 2 and 5 have`.
fn class_list(classes: &[usize]) -> String {
    let (noun, verb) = match classes {
        [_] => ("class", "has"),
        _ => ("classes", "have"),
    };
    let numbers = list(classes.iter().map(|&class| class as i128));
    format!("{noun} {numbers} {verb}")
}

/// Returns `value` if it is finite.
pub(crate) fn finite(quantity: &'static str, value: f64) -> Result<f64, MetricsError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(MetricsError::Overflow { quantity })
    }
}
