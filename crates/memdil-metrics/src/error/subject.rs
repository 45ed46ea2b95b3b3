//! The arrays that errors name, and what is counted of them.

use std::fmt;

/// Declares an enum of things that messages name.
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
    /// What an error is about, or what an array has to fit: an array, or a part of the measurement.
    ///
    /// As text an array has the name of the argument.
    Subject {
        /// Features, samples x features.
        Features = "features",
        /// Labels as trained on.
        Labels = "labels",
        /// Labels before noise.
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
        /// Class means given as an argument.
        Means = "means",
        /// Class means computed from the features.
        ClassMeans = "class means",
        /// The product of classifier and class means.
        ClassifierTimesMeans = "classifier times class means",
        /// The number of classes.
        NumberOfClasses = "the number of classes",
        /// All samples trained on.
        TrainingSet = "the training set",
        /// All unseen samples.
        TestSet = "the test set",
        /// The first pass over the same features.
        FirstPass = "the first pass",
        /// The collector that a batch is added to.
        Collector = "the collector",
        /// The collector that another one is merged into.
        ThisCollector = "this one",
        /// The collector that is merged into another one.
        OtherCollector = "the other collector",
    }
}

named! {
    /// What is counted where two lengths differ.
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
