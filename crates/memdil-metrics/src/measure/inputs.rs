//! The arrays to measure.

use ndarray::{ArrayView1, ArrayView2};

use crate::MetricsError;
use crate::input::check_length;

/// What to measure: features `T`, last layer and logits `W`, labels `L`.
///
/// Start with [`Inputs::new`] and add what there is. Metrics that need an array that is not given
/// are left out.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Inputs<'a, T, W, L> {
    /// Features $h_i$, samples x features.
    pub features: ArrayView2<'a, T>,
    /// Labels trained on, $y_i$.
    pub labels: &'a [L],
    /// Number of classes $K$.
    pub classes: usize,
    /// Clean labels $c_i$.
    pub clean_labels: Option<&'a [L]>,
    /// Weights $W$ of the last layer, classes x features.
    pub classifier: Option<ArrayView2<'a, W>>,
    /// Bias $b$ of the last layer; zeros for a layer without one.
    pub bias: Option<ArrayView1<'a, W>>,
    /// Logits $z_i$, samples x classes. They serve where classifier and bias are not both given;
    /// where they are, logits are computed from these and the ones here are not read.
    pub logits: Option<ArrayView2<'a, W>>,
    /// Features of unseen samples.
    pub test_features: Option<ArrayView2<'a, T>>,
    /// Their labels.
    pub test_labels: Option<&'a [L]>,
    /// Their logits, as [`logits`](Self::logits); with `test_labels` they are of use without
    /// `test_features` too.
    pub test_logits: Option<ArrayView2<'a, W>>,
}

impl<'a, T, W, L> Inputs<'a, T, W, L> {
    /// Features (samples x features), labels (samples) and the number of classes.
    ///
    /// Where neither a last layer nor logits follow, name their type:
    /// `Inputs::<_, f32, _>::new(..)`.
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
    pub fn clean_labels(self, clean_labels: &'a [L]) -> Self {
        let clean_labels = Some(clean_labels);
        Self {
            clean_labels,
            ..self
        }
    }

    /// With the weights of the last layer, classes x features.
    #[must_use]
    pub fn classifier(self, classifier: ArrayView2<'a, W>) -> Self {
        let classifier = Some(classifier);
        Self { classifier, ..self }
    }

    /// With the bias of the last layer.
    #[must_use]
    pub fn bias(self, bias: ArrayView1<'a, W>) -> Self {
        let bias = Some(bias);
        Self { bias, ..self }
    }

    /// With logits, samples x classes.
    #[must_use]
    pub fn logits(self, logits: ArrayView2<'a, W>) -> Self {
        let logits = Some(logits);
        Self { logits, ..self }
    }

    /// With features and labels of unseen samples.
    #[must_use]
    pub fn test(self, features: ArrayView2<'a, T>, labels: &'a [L]) -> Self {
        let (test_features, test_labels) = (Some(features), Some(labels));
        Self {
            test_features,
            test_labels,
            ..self
        }
    }

    /// With logits of the unseen samples.
    #[must_use]
    pub fn test_logits(self, logits: ArrayView2<'a, W>) -> Self {
        let test_logits = Some(logits);
        Self {
            test_logits,
            ..self
        }
    }

    /// The last layer, where both parts of it are given.
    pub(super) fn head(&self) -> Option<(ArrayView2<'a, W>, ArrayView1<'a, W>)> {
        self.classifier.zip(self.bias)
    }

    /// The shapes that the single passes do not check, and arrays that come without the other one
    /// that they need.
    pub(super) fn check(&self) -> Result<(), MetricsError> {
        if let Some(classifier) = self.classifier {
            let (rows, columns) = classifier.dim();
            if rows == self.features.ncols() && columns != rows {
                let array = "classifier";
                return Err(MetricsError::Transposed {
                    array,
                    rows,
                    columns,
                });
            }
            check_length(
                "classifier",
                "rows",
                rows,
                "the number of classes",
                self.classes,
            )?;
            let dim = self.features.ncols();
            check_length("features", "columns", dim, "classifier", columns)?;
        }
        if let Some(logits) = self.logits {
            let (rows, samples) = (logits.nrows(), self.features.nrows());
            check_length("logits", "rows", rows, "features", samples)?;
        }
        match (self.test_features, self.test_logits, self.test_labels) {
            (Some(_), _, None) => Err(alone("test_features", "test_labels")),
            (None, Some(_), None) => Err(alone("test_logits", "test_labels")),
            (None, None, Some(_)) => Err(alone("test_labels", "test_features")),
            (Some(features), logits, Some(_)) => {
                let (columns, dim) = (features.ncols(), self.features.ncols());
                check_length("test_features", "columns", columns, "features", dim)?;
                let (found, needed) = (logits.map(|logits| logits.nrows()), features.nrows());
                let found = found.unwrap_or(needed);
                check_length("test_logits", "rows", found, "test_features", needed)
            }
            (None, ..) => Ok(()),
        }
    }
}

fn alone(array: &'static str, needed: &'static str) -> MetricsError {
    MetricsError::GivenAlone { array, needed }
}
