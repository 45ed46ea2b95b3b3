//! The parameters of one memorization-dilation problem.

use crate::error::{in_unit, positive};
use crate::{Measure, TheoryError};
use serde::{Deserialize, Serialize};

/// Everything but the loss; the names are the JSON keys.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MdSetting {
    /// Weight decay of the classifier, positive.
    pub lambda_w: f64,
    /// Weight decay of the features, positive.
    pub lambda_h: f64,
    /// Ratio of noisy to clean samples of a class, $f/(1-f)$ for a corrupted fraction $f$; in [0,
    /// 1).
    pub eta: f64,
    /// The memorization-dilation constant $C_{MD}$, positive: large means that memorising is cheap.
    pub c_md: f64,
    /// How unseen features spread around their class feature.
    pub measure: Measure,
    /// Feature dimension $P$.
    pub dim: usize,
    /// Whether features are non-negative (they come out of a ReLU).
    pub nonnegative: bool,
}

impl MdSetting {
    /// Checks every number against its range.
    ///
    /// # Errors
    /// The first parameter that is NaN, infinite or out of range, by name.
    ///
    /// # Example
    /// ```
    /// use memdil_theory::{MdSetting, Measure};
    /// let setting = MdSetting {
    ///     lambda_w: 1e-3, lambda_h: 1e-3, eta: 1.5, c_md: 0.5,
    ///     measure: Measure::Sphere, dim: 2, nonnegative: true,
    /// };
    /// let message = setting.validate().unwrap_err().to_string();
    /// assert_eq!(message, "eta = 1.5 is not allowed: eta must be in [0, 1)");
    /// ```
    pub fn validate(&self) -> Result<(), TheoryError> {
        positive("lambda_w", self.lambda_w)?;
        positive("lambda_h", self.lambda_h)?;
        in_unit("eta", self.eta)?;
        positive("c_md", self.c_md)?;
        self.measure.check(self.dim, self.nonnegative)
    }
}
