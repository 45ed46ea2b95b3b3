//! The input arrays of a measurement.

use ndarray::{ArrayView1, ArrayView2};

use crate::error::{Counted, MetricsError, Subject};

/// Builder that computes all metrics for which the arrays are given.
///
/// Call [`Measure::new`], add the available arrays, and call [`run`](Self::run). Metrics that
/// require a missing array are omitted. The element types are `T` for features, `W` for the last
/// layer and logits, and `L` for labels.
#[derive(Clone, Copy, Debug)]
pub struct Measure<'a, T, W, L> {
    /// Features $h_i$, samples x features.
    pub(super) features: ArrayView2<'a, T>,
    /// Training labels $y_i$.
    pub(super) labels: &'a [L],
    /// Number of classes $K$.
    pub(super) classes: usize,
    /// Clean labels $c_i$.
    pub(super) clean_labels: Option<&'a [L]>,
    /// Weights $W$ of the last layer, classes x features.
    pub(super) classifier: Option<ArrayView2<'a, W>>,
    /// Bias $b$ of the last layer.
    pub(super) bias: Option<ArrayView1<'a, W>>,
    /// Logits $z_i$, samples x classes.
    pub(super) logits: Option<ArrayView2<'a, W>>,
    /// Features of unseen samples; always given together with their labels.
    pub(super) test_features: Option<ArrayView2<'a, T>>,
    /// Labels of unseen samples.
    pub(super) test_labels: Option<&'a [L]>,
    /// Logits of unseen samples.
    pub(super) test_logits: Option<ArrayView2<'a, W>>,
    /// Whether to compute the metrics of each class.
    pub(super) per_class: bool,
}

impl<'a, T, W, L> Measure<'a, T, W, L> {
    /// Starts with features (samples x features), labels (samples) and the number of classes.
    ///
    /// If neither a last layer nor logits are added, their type must be specified:
    /// `Measure::<_, f32, _>::new(..)`.
    pub fn new(features: ArrayView2<'a, T>, labels: &'a [L], classes: usize) -> Self {
        Self {
            features,
            labels,
            classes,
            clean_labels: None,
            classifier: None,
            bias: None,
            logits: None,
            test_features: None,
            test_labels: None,
            test_logits: None,
            per_class: false,
        }
    }

    /// Adds the labels without noise (samples).
    #[must_use]
    pub fn clean_labels(mut self, clean_labels: &'a [L]) -> Self {
        self.clean_labels = Some(clean_labels);
        self
    }

    /// Adds the weights of the last layer, classes x features.
    #[must_use]
    pub fn classifier(mut self, classifier: ArrayView2<'a, W>) -> Self {
        self.classifier = Some(classifier);
        self
    }

    /// Adds the bias of the last layer (classes), which also requires the weights. Use zeros for a
    /// layer without bias.
    #[must_use]
    pub fn bias(mut self, bias: ArrayView1<'a, W>) -> Self {
        self.bias = Some(bias);
        self
    }

    /// Adds logits, samples x classes. They are ignored if both classifier and bias are given;
    /// the logits are then computed from them.
    #[must_use]
    pub fn logits(mut self, logits: ArrayView2<'a, W>) -> Self {
        self.logits = Some(logits);
        self
    }

    /// Adds features (test samples x features) and labels (test samples) of unseen samples.
    #[must_use]
    pub fn test(mut self, features: ArrayView2<'a, T>, labels: &'a [L]) -> Self {
        self.test_features = Some(features);
        self.test_labels = Some(labels);
        self
    }

    /// Adds labels (test samples) of unseen samples for which only logits are available, not
    /// features.
    #[must_use]
    pub fn test_labels(mut self, labels: &'a [L]) -> Self {
        self.test_labels = Some(labels);
        self
    }

    /// Adds logits of unseen samples (test samples x classes); see [`logits`](Self::logits). They
    /// require the labels of these samples but not the features.
    #[must_use]
    pub fn test_logits(mut self, logits: ArrayView2<'a, W>) -> Self {
        self.test_logits = Some(logits);
        self
    }

    /// Adds the metrics of each class, [`Metrics::per_class`](crate::Metrics::per_class), which
    /// takes a third pass over the features.
    #[must_use]
    pub fn per_class(mut self) -> Self {
        self.per_class = true;
        self
    }

    /// The last layer, if both classifier and bias are given.
    pub(super) fn head(&self) -> Option<(ArrayView2<'a, W>, ArrayView1<'a, W>)> {
        self.classifier.zip(self.bias)
    }

    /// Checks the shapes that the passes do not check, and arrays that require a missing array.
    pub(super) fn check(&self) -> Result<(), MetricsError> {
        let (samples, dim) = self.features.dim();
        if let Some(classifier) = self.classifier {
            let (rows, columns) = classifier.dim();
            if rows == dim && columns != rows {
                return Err(MetricsError::Transposed {
                    array: Subject::Classifier,
                    rows,
                    columns,
                });
            }
            let reference = Subject::NumberOfClasses;
            Counted::Rows.check(Subject::Classifier, rows, reference, self.classes)?;
            Counted::Columns.check(Subject::Features, dim, Subject::Classifier, columns)?;
        }
        let alone = |array, needed| Err(MetricsError::GivenAlone { array, needed });
        if self.bias.is_some() && self.classifier.is_none() {
            return alone(Subject::Bias, Subject::Classifier);
        }
        if let Some(logits) = self.logits {
            Counted::Rows.check(Subject::Logits, logits.nrows(), Subject::Features, samples)?;
        }
        match (self.test_features, self.test_logits, self.test_labels) {
            (None, Some(_), None) => alone(Subject::TestLogits, Subject::TestLabels),
            (None, None, Some(_)) => alone(Subject::TestLabels, Subject::TestFeatures),
            (Some(features), logits, _) => {
                let (needed, columns) = features.dim();
                let reference = Subject::TestFeatures;
                Counted::Columns.check(reference, columns, Subject::Features, dim)?;
                let found = logits.map_or(needed, |logits| logits.nrows());
                Counted::Rows.check(Subject::TestLogits, found, reference, needed)
            }
            (None, ..) => Ok(()),
        }
    }
}
