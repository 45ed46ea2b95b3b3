//! The losses that the device's kernels implement.

use super::arguments::Settings;

/// A loss of logits and labels, averaged over a batch; the formulas are in memdil-losses.
#[derive(Clone, Debug, PartialEq)]
pub enum DeviceLoss {
    /// Cross-entropy with targets smoothed by alpha; 0 is plain cross-entropy.
    Smoothed {
        /// Smoothing degree.
        alpha: f64,
    },
    /// Label relaxation.
    Relaxed {
        /// Relaxation degree.
        alpha: f64,
    },
    /// Mean squared error.
    Squared,
    /// Focal loss.
    Focal {
        /// Focusing exponent.
        gamma: f64,
    },
    /// Generalised cross-entropy.
    Generalized {
        /// Exponent.
        q: f64,
    },
    /// Symmetric cross-entropy.
    Symmetric {
        /// Weight of cross-entropy.
        alpha: f64,
        /// Weight of reverse cross-entropy.
        beta: f64,
    },
    /// Forward correction.
    Forward {
        /// Probability that a class (row) is labelled as another (column), (classes, classes)
        /// row-major.
        transition: Vec<f64>,
    },
}

impl DeviceLoss {
    pub(super) fn settings(&self, settings: Settings) -> Settings {
        let (loss, loss_a, loss_b) = match *self {
            Self::Smoothed { alpha } => (0, alpha, 0.0),
            Self::Relaxed { alpha } => (1, alpha, 0.0),
            Self::Squared => (2, 0.0, 0.0),
            Self::Focal { gamma } => (3, gamma, 0.0),
            Self::Generalized { q } => (4, q, 0.0),
            Self::Symmetric { alpha, beta } => (5, alpha, beta),
            Self::Forward { .. } => (6, 0.0, 0.0),
        };
        Settings {
            loss,
            loss_a,
            loss_b,
            ..settings
        }
    }
}
