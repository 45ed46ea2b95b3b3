//! The arrays that errors name, and what is counted of them.

use std::fmt;

/// What an error is about, or what an array has to fit: an array, or a part of the measurement.
///
/// As text it is the name of the argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// Features, samples x features.
    Features,
    /// Labels as trained on.
    Labels,
    /// Labels before noise.
    CleanLabels,
    /// Weights of the last layer, classes x features.
    Classifier,
    /// Bias of the last layer.
    Bias,
    /// Logits, samples x classes.
    Logits,
    /// Features of unseen samples.
    TestFeatures,
    /// Labels of unseen samples.
    TestLabels,
    /// Logits of unseen samples.
    TestLogits,
    /// Class means given as an argument.
    Means,
    /// Class means computed from the features.
    ClassMeans,
    /// The product of classifier and class means.
    ClassifierTimesMeans,
    /// The number of classes.
    NumberOfClasses,
    /// All samples trained on.
    TrainingSet,
    /// All unseen samples.
    TestSet,
    /// The first pass over the same features.
    FirstPass,
    /// The collector that a batch is added to.
    Collector,
    /// The collector that another one is merged into.
    ThisCollector,
    /// The collector that is merged into another one.
    OtherCollector,
}

impl Subject {
    /// The same array of the test set, if there is one.
    pub(crate) fn of_test_set(self) -> Self {
        match self {
            Self::Features => Self::TestFeatures,
            Self::Labels => Self::TestLabels,
            Self::Logits => Self::TestLogits,
            other => other,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Features => "features",
            Self::Labels => "labels",
            Self::CleanLabels => "clean_labels",
            Self::Classifier => "classifier",
            Self::Bias => "bias",
            Self::Logits => "logits",
            Self::TestFeatures => "test_features",
            Self::TestLabels => "test_labels",
            Self::TestLogits => "test_logits",
            Self::Means => "means",
            Self::ClassMeans => "class means",
            Self::ClassifierTimesMeans => "classifier times class means",
            Self::NumberOfClasses => "the number of classes",
            Self::TrainingSet => "the training set",
            Self::TestSet => "the test set",
            Self::FirstPass => "the first pass",
            Self::Collector => "the collector",
            Self::ThisCollector => "this one",
            Self::OtherCollector => "the other collector",
        })
    }
}

/// What is counted where two lengths differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Counted {
    /// Rows of a matrix.
    Rows,
    /// Columns of a matrix.
    Columns,
    /// Entries of a vector.
    Entries,
    /// Classes.
    Classes,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rows => "rows",
            Self::Columns => "columns",
            Self::Entries => "entries",
            Self::Classes => "classes",
        })
    }
}
