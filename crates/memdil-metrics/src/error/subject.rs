//! The arrays that errors refer to, and the units of their sizes.

use std::fmt;

/// Declares an enum with a name for each variant, which [`fmt::Display`] prints.
macro_rules! named {
    ($(#[$outer:meta])* $type:ident { $($(#[$inner:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$inner])* $variant,)*
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $name,)*
                })
            }
        }
    };
}

named! {
    /// The array or part of a measurement that an error refers to.
    ///
    /// [`fmt::Display`] prints the name of the function's argument.
    Subject {
        /// Features, samples x features.
        Features = "features",
        /// Labels used for training.
        Labels = "labels",
        /// Labels without noise.
        CleanLabels = "clean_labels",
        /// Weights of the last layer, classes x features.
        Classifier = "classifier",
        /// Bias of the last layer.
        Bias = "bias",
        /// Logits, samples x classes.
        Logits = "logits",
        /// Features of unseen samples.
        TestFeatures = "test_features",
        /// Labels of unseen samples.
        TestLabels = "test_labels",
        /// Logits of unseen samples.
        TestLogits = "test_logits",
        /// One score per sample.
        Scores = "scores",
        /// Samples that the scores should rank first.
        Positives = "positives",
        /// Minority classes.
        Minority = "minority",
        /// Class means passed as an argument.
        Means = "means",
        /// Class means computed from the features.
        ClassMeans = "class means",
        /// Product of the classifier and the class means.
        ClassifierTimesMeans = "classifier times class means",
        /// The number of classes.
        NumberOfClasses = "the number of classes",
        /// All training samples.
        TrainingSet = "the training set",
        /// All unseen samples.
        TestSet = "the test set",
        /// The first pass over the same features.
        FirstPass = "the first pass",
        /// The collector that a batch is added to.
        Collector = "the collector",
        /// The collector that another collector is merged into.
        ThisCollector = "this one",
        /// The collector that is merged into another collector.
        OtherCollector = "the other collector",
    }
}

named! {
    /// The unit in which two sizes are compared.
    Counted {
        /// Rows of a matrix.
        Rows = "rows",
        /// Columns of a matrix.
        Columns = "columns",
        /// Entries of a vector.
        Entries = "entries",
        /// Classes.
        Classes = "classes",
    }
}

impl Subject {
    /// The corresponding array of the test set, or the same subject if there is none.
    pub(crate) fn of_test_set(self) -> Self {
        match self {
            Self::Features => Self::TestFeatures,
            Self::Labels => Self::TestLabels,
            Self::Logits => Self::TestLogits,
            other => other,
        }
    }
}
