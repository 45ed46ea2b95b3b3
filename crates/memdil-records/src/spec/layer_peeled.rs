//! The layer-peeled experiment: unconstrained features trained by gradient descent.

use memdil_losses::Loss;
use serde::{Deserialize, Serialize};

use crate::error::RecordError;
use crate::range::{at_least_one, below_one, check, positive};

/// All settings that determine the result of training unconstrained features.
///
/// For $N$ classes of $n$ samples, the classifier $W$ and the features $H$ are trained by
/// full-batch gradient descent with momentum on
/// $$\frac{1}{Nn}\sum_{k,i} l(Wh_{k,i}, k) + \lambda_W \lVert W \rVert_F^2 +
///   \frac{\lambda_H}{Nn} \lVert H \rVert_F^2.$$
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerPeeledSpec {
    /// Number of classes $N$, at least 2.
    pub classes: usize,
    /// Number of samples per class $n$, at least 1.
    pub samples_per_class: usize,
    /// Feature dimension $P$, at least 1.
    pub dim: usize,
    /// Cross-entropy or label smoothing.
    pub loss: Loss,
    /// Weight decay of the classifier, positive.
    pub lambda_w: f64,
    /// Weight decay of the features, positive.
    pub lambda_h: f64,
    /// Whether features are non-negative.
    pub nonnegative: bool,
    /// Seeds the initial weights and features.
    pub seed: u64,
    /// Learning rate in balanced variables. The weights have $\sqrt{\lambda_H/\lambda_W}$ times
    /// this rate, the features $Nn\sqrt{\lambda_W/\lambda_H}$ times.
    pub learning_rate: f64,
    /// Momentum, in `[0, 1)`.
    pub momentum: f64,
    /// Maximum number of steps.
    pub steps: usize,
    /// Training ends when [`LayerPeeledEnd::residual`](crate::LayerPeeledEnd::residual) is at
    /// most this value.
    pub tolerance: f64,
}

impl LayerPeeledSpec {
    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// [`RecordError::OutOfRange`] that names the first setting out of its range, or the error of
    /// the loss crate.
    pub fn validate(&self) -> Result<(), RecordError> {
        check(self.classes >= 2, "classes", self.classes, "at least 2")?;
        at_least_one("samples_per_class", self.samples_per_class)?;
        at_least_one("dim", self.dim)?;
        let known = matches!(
            self.loss,
            Loss::CrossEntropy {} | Loss::LabelSmoothing { .. }
        );
        let range = "cross_entropy or label_smoothing, the losses with a known minimum";
        check(known, "loss", self.loss.short_name(), range)?;
        self.loss.validate()?;
        positive("lambda_w", self.lambda_w)?;
        positive("lambda_h", self.lambda_h)?;
        positive("learning_rate", self.learning_rate)?;
        below_one("momentum", self.momentum)?;
        at_least_one("steps", self.steps)?;
        positive("tolerance", self.tolerance)
    }

    /// Whether the dimension is large enough for the minimiser, so that a closed form exists:
    /// $P \ge N$ for the orthogonal frame of non-negative features, $P \ge N - 1$ for the
    /// simplex of signed features.
    pub fn frame_fits(&self) -> bool {
        let needed = self.classes - usize::from(!self.nonnegative);
        self.dim >= needed
    }
}
