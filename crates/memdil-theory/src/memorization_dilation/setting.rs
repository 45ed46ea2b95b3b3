//! The parameters of one memorization-dilation problem.

use crate::error::{TheoryError, in_unit, positive, two_classes, unsupported};
use crate::measure::FeatureMeasure;
use serde::{Deserialize, Serialize};

/// All parameters except the loss. The field names are the JSON keys.
///
/// ```
/// use memdil_theory::{MdSetting, FeatureMeasure};
///
/// // Non-negative features in two dimensions, with unseen features on a sphere.
/// let setting = MdSetting::new(1e-3, 1e-3).noise(0.1, 0.5);
/// let signed = setting.measure(FeatureMeasure::Ball).dim(4).nonnegative(false);
/// assert_eq!((signed.eta, signed.dim), (0.1, 4));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MdSetting {
    /// Weight decay of the classifier, positive.
    pub lambda_w: f64,
    /// Weight decay of the features, positive.
    pub lambda_h: f64,
    /// Ratio of noisy to clean samples of a class, in [0, 1): $f/(1-f)$ for a corrupted fraction
    /// $f$.
    pub eta: f64,
    /// The memorization-dilation constant $C_{MD}$, positive. The larger it is, the less dilation
    /// memorization causes.
    pub c_md: f64,
    /// Distribution of unseen features around their class feature.
    pub measure: FeatureMeasure,
    /// Feature dimension $P$.
    pub dim: usize,
    /// Whether features are non-negative, as after a ReLU.
    pub nonnegative: bool,
}

impl MdSetting {
    /// Creates a setting with the weight decay of classifier and features, both positive. The
    /// defaults are $\eta = 0$ (no noise), $C_{MD} = 1$ and non-negative features in two
    /// dimensions, with unseen features on a sphere.
    ///
    /// The builder methods do not check their arguments; [`validate`](Self::validate) does, and all
    /// functions that take a setting call it.
    #[must_use]
    pub const fn new(lambda_w: f64, lambda_h: f64) -> Self {
        Self {
            lambda_w,
            lambda_h,
            eta: 0.0,
            c_md: 1.0,
            measure: FeatureMeasure::Sphere,
            dim: 2,
            nonnegative: true,
        }
    }

    /// Sets the weight decay of classifier and features, both positive.
    #[must_use]
    pub const fn weight_decay(mut self, lambda_w: f64, lambda_h: f64) -> Self {
        (self.lambda_w, self.lambda_h) = (lambda_w, lambda_h);
        self
    }

    /// Sets the noise level $\eta$, in [0, 1), and the constant $C_{MD}$, positive.
    #[must_use]
    pub const fn noise(self, eta: f64, c_md: f64) -> Self {
        Self { eta, c_md, ..self }
    }

    /// Sets the distribution of unseen features.
    #[must_use]
    pub const fn measure(self, measure: FeatureMeasure) -> Self {
        Self { measure, ..self }
    }

    /// Sets the feature dimension: at least 2 for non-negative features and for the sphere,
    /// otherwise at least 1.
    #[must_use]
    pub const fn dim(self, dim: usize) -> Self {
        Self { dim, ..self }
    }

    /// Sets whether features are non-negative or signed.
    #[must_use]
    pub const fn nonnegative(mut self, nonnegative: bool) -> Self {
        self.nonnegative = nonnegative;
        self
    }

    /// Checks the range of each parameter.
    ///
    /// # Errors
    /// The first parameter that is NaN, infinite or out of range.
    ///
    /// # Example
    /// ```
    /// use memdil_theory::MdSetting;
    /// let setting = MdSetting::new(1e-3, 1e-3).noise(1.5, 0.5);
    /// let message = setting.validate().unwrap_err().to_string();
    /// assert_eq!(message, "eta = 1.5 is out of range; must be in [0, 1)");
    /// ```
    pub fn validate(&self) -> Result<(), TheoryError> {
        positive("lambda_w", self.lambda_w)?;
        positive("lambda_h", self.lambda_h)?;
        in_unit("eta", self.eta)?;
        positive("c_md", self.c_md)?;
        self.measure.check(self.dim, self.nonnegative)
    }

    /// [`Self::validate`] for $N$ classes, for which only the sphere is supported.
    pub(crate) fn validate_for(&self, classes: usize) -> Result<(), TheoryError> {
        self.validate()?;
        if self.measure != FeatureMeasure::Sphere {
            let advice = "choose the sphere or two classes";
            return unsupported("a measure other than the sphere for N classes", advice);
        }
        two_classes(classes)
    }
}
