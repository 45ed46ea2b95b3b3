//! The errors of all functions.

use super::occurring::{OccurringLabels, list};
use super::subject::{Counted, Subject};

/// Why a quantity has no answer.
///
/// Array names in the messages are those of the function's arguments; rows, entries and classes
/// count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// An array holds no samples.
    #[error("{}", self.message(&own_name))]
    NoSamples {
        /// The array.
        array: Subject,
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
    #[error("{}", self.message(&own_name))]
    LabelOutOfRange {
        /// The array.
        array: Subject,
        /// The row.
        row: usize,
        /// The label found there.
        label: i128,
        /// The number of classes.
        classes: usize,
    },

    /// The class numbers that occur are not 0, 1, 2, ... up to the number of classes; see
    /// [`check_class_numbers`](crate::check_class_numbers).
    #[error("{}", self.message(&own_name))]
    ClassNumbers {
        /// The array.
        array: Subject,
        /// Which class numbers occur; its text has the remedy.
        labels: Box<OccurringLabels>,
    },

    /// Classes have no test sample, so they have no mean in the test set.
    #[error("{} no test sample", class_list(classes))]
    NoTestSample {
        /// The classes, in ascending order.
        classes: Vec<usize>,
    },

    /// Rows given as logits are probabilities; see
    /// [`looks_like_probabilities`](crate::looks_like_probabilities).
    #[error("{}", self.message(&own_name))]
    Probabilities {
        /// The array.
        array: Subject,
    },

    /// An array is of use only beside another one, which was not given.
    #[error("{}", self.message(&own_name))]
    GivenAlone {
        /// The array that was given.
        array: Subject,
        /// The one that is missing.
        needed: Subject,
    },

    /// The rows and columns of a matrix are those of its transpose.
    #[error("{}", self.message(&own_name))]
    Transposed {
        /// The array.
        array: Subject,
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },

    /// Two arguments that must agree in a dimension do not.
    #[error("{}", self.message(&own_name))]
    LengthMismatch {
        /// The array that does not fit.
        array: Subject,
        /// What is counted.
        unit: Counted,
        /// How many it has.
        found: usize,
        /// What it has to fit.
        reference: Subject,
        /// How many it should have.
        expected: usize,
    },

    /// Clean labels came with some batches of one measurement and not with others.
    #[error("clean labels come with some batches and not with others: give them always or never")]
    SomeCleanLabels,

    /// A NaN or an infinity in the input.
    #[error("{}", self.message(&own_name))]
    NonFinite {
        /// The array.
        array: Subject,
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

    /// A quantity was requested after a batch was added, which it would miss.
    #[error("a quantity was asked for after the first batch: ask for all of them before")]
    AskedLate,

    /// A quantity that was not requested of the pass.
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
    #[error("the norm of {array} is zero up to rounding, so nothing can be divided by it")]
    ZeroNorm {
        /// The matrix.
        array: Subject,
    },

    /// A number is outside the range for which the quantity is defined.
    #[error("{name} = {value} is not in {allowed}")]
    OutOfRange {
        /// The array.
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

    /// The features are finite, but a sum over all of them leaves the range of `f64`.
    #[error("{}", self.message(&own_name))]
    SumOverflow {
        /// The sum that could not be represented, up to the name of the array.
        sum: &'static str,
        /// The array.
        array: Subject,
    },

    /// The orthogonalisation of the class means did not settle.
    #[error("the class means were not orthogonal after {sweeps} Jacobi sweeps")]
    NotConverged {
        /// The sweeps spent.
        sweeps: usize,
    },
}

impl MetricsError {
    /// The message, with `name` in the place of the name of each array: to say where it came from.
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
                name(array) + " has no rows: at least one sample is needed"
            }
            Self::LabelOutOfRange {
                array,
                row,
                label,
                classes,
            } => format!(
                "{}: label {label} in row {row} is not a class: they are 0 to {}",
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
                format!("{} needs {}; give that too", name(array), name(needed))
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
                    "{sum} {} leaves the range of f64: rescale the inputs",
                    name(array)
                )
            }
            other => other.to_string(),
        }
    }

    /// True when a quantity has no value for these inputs, which are usable for others.
    pub(crate) fn is_of_one_metric(&self) -> bool {
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
            Self::InTestSet(error) => error.is_of_one_metric(),
            _ => false,
        }
    }

    /// The same of the test set: with the names of its arrays, or saying so.
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

/// Passes `value` on if it is a number.
pub(crate) fn finite(quantity: &'static str, value: f64) -> Result<f64, MetricsError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(MetricsError::Overflow { quantity })
    }
}
