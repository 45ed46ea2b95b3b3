//! Distributions of unseen features around their class feature.

use crate::error::{TheoryError, at_least, some_dimension};
use serde::{Deserialize, Serialize};

/// The distribution $\mu_r$ of the deviation $v$ of an unseen feature from its class feature.
///
/// All distributions except [`Self::Jumps`] are symmetric. $r$ is the radius, $P$ is the feature dimension, and
/// $t = \langle v, w\rangle / (r \lVert w \rVert)$ is the relative deviation along $w = w_1 - w_2$,
/// the only direction that affects the margin. Source: Nguyen et al., ICLR 2023, for a measure of
/// radius $r$ around the class feature; the five choices were made in this project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureMeasure {
    /// Uniform on the sphere of radius $r$: $t$ has density $\propto (1-t^2)^{(P-3)/2}$.
    Sphere,
    /// Uniform in the ball of radius $r$: $t$ has density $\propto (1-t^2)^{(P-1)/2}$.
    Ball,
    /// The two points $\pm r w / \lVert w \rVert$.
    TwoPoint,
    /// Gaussian with $E \lVert v \rVert^2 = r^2$: $t \sim N(0, 1/P)$.
    Gaussian,
    /// A share of the unseen features lies on the segment to the noisy samples of the class, the
    /// others at the class feature; see [`Jumps`](crate::Jumps).
    Jumps,
}

impl FeatureMeasure {
    /// $\kappa = E \lVert v \rVert^2 / r^2$, which is $P/(P+2)$ for the ball and 1 otherwise; `None`
    /// for jumps, which have no radius.
    ///
    /// ```
    /// use memdil_theory::FeatureMeasure;
    /// assert_eq!(FeatureMeasure::Ball.kappa(2), Some(0.5));
    /// ```
    pub fn kappa(self, dim: usize) -> Option<f64> {
        let p = dim as f64;
        match self {
            Self::Ball => Some(p / (p + 2.0)),
            Self::Jumps => None,
            _ => Some(1.0),
        }
    }

    /// $E[t^2]$, the relative variance in the direction of $w$, for example $1/P$ on the sphere;
    /// `None` for jumps.
    ///
    /// ```
    /// use memdil_theory::FeatureMeasure;
    /// assert_eq!(FeatureMeasure::Sphere.margin_variance(4), Some(0.25));
    /// ```
    pub fn margin_variance(self, dim: usize) -> Option<f64> {
        let p = dim as f64;
        match self {
            Self::Sphere | Self::Gaussian => Some(1.0 / p),
            Self::Ball => Some(1.0 / (p + 2.0)),
            Self::TwoPoint => Some(1.0),
            Self::Jumps => None,
        }
    }

    /// Returns true if the support of the deviation along $w$ extends exactly to $\pm r$.
    pub const fn is_bounded(self) -> bool {
        !matches!(self, Self::Gaussian | Self::Jumps)
    }

    pub(crate) fn check(self, dim: usize, nonnegative: bool) -> Result<(), TheoryError> {
        if nonnegative {
            let why = "two classes with non-negative features require two dimensions";
            at_least("dim", dim, 2, why)?;
        }
        match self {
            Self::Sphere => at_least("dim", dim, 2, "use the two-point measure in one dimension"),
            _ => some_dimension(dim),
        }
    }
}
