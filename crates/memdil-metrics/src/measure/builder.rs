//! The arrays to measure.

use ndarray::{ArrayView1, ArrayView2};

use crate::error::{Counted, MetricsError, Subject};

/// Measures everything that the arrays allow: features `T`, last layer and logits `W`, labels `L`.
///
/// Start with [`Measure::new`], add the arrays that there are, and [`run`](Self::run). Metrics that
/// need an array that is not given are left out.
#[derive(Clone, Copy, Debug)]
pub struct Measure<'a, T, W, L> {
    /// Features $h_i$, samples x features.
    pub(super) features: ArrayView2<'a, T>,
    /// Labels trained on, $y_i$.
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
    /// Features of unseen samples, never without their labels.
    pub(super) test_features: Option<ArrayView2<'a, T>>,
    /// Labels of unseen samples.
    pub(super) test_labels: Option<&'a [L]>,
    /// Logits of unseen samples.
    pub(super) test_logits: Option<ArrayView2<'a, W>>,
}

impl<'a, T, W, L> Measure<'a, T, W, L> {
    /// Features (samples x features), labels (samples) and the number of classes.
    ///
    /// Where neither a last layer nor logits follow, name their type:
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
        }
    }

    /// With the labels before noise.
    #[must_use]
    pub fn clean_labels(mut self, clean_labels: &'a [L]) -> Self {
        self.clean_labels = Some(clean_labels);
        self
    }

    /// With the weights of the last layer, classes x features.
    #[must_use]
    pub fn classifier(mut self, classifier: ArrayView2<'a, W>) -> Self {
        self.classifier = Some(classifier);
        self
    }

    /// With the bias of the last layer, which needs its weights too; zeros for a layer without one.
    #[must_use]
    pub fn bias(mut self, bias: ArrayView1<'a, W>) -> Self {
        self.bias = Some(bias);
        self
    }

    /// With logits, samples x classes. Where classifier and bias are both given, logits are computed
    /// from these, and the ones here are not read.
    #[must_use]
    pub fn logits(mut self, logits: ArrayView2<'a, W>) -> Self {
        self.logits = Some(logits);
        self
    }

    /// With features and labels of unseen samples.
    #[must_use]
    pub fn test(mut self, features: ArrayView2<'a, T>, labels: &'a [L]) -> Self {
        self.test_features = Some(features);
        self.test_labels = Some(labels);
        self
    }

    /// With labels of unseen samples whose logits, but not their features, are known.
    #[must_use]
    pub fn test_labels(mut self, labels: &'a [L]) -> Self {
        self.test_labels = Some(labels);
        self
    }

    /// With logits of the unseen samples, as [`logits`](Self::logits); their labels are needed too,
    /// their features are not.
    #[must_use]
    pub fn test_logits(mut self, logits: ArrayView2<'a, W>) -> Self {
        self.test_logits = Some(logits);
        self
    }

    /// The last layer, where both parts of it are given.
    pub(super) fn head(&self) -> Option<(ArrayView2<'a, W>, ArrayView1<'a, W>)> {
        self.classifier.zip(self.bias)
    }

    /// The shapes that the single passes do not check, and arrays that come without the other one
    /// that they need.
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
