//! Rules about the solved models, where nothing is random.

use serde::Deserialize;

use super::kind::{Kind, number};

/// A rule about the solved models.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exact {
    /// Which.
    pub rule: ExactRule,
    /// Its bound.
    pub bound: f64,
}

/// A rule about the solved models, where nothing is random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExactRule {
    /// rho under label smoothing lies below rho under cross-entropy at every point of a grid with
    /// $\lambda_W / C_{MD}^2 \le$ `bound`.
    LsBelowCe,
    /// The exponent of rho in $\lambda$ under label smoothing is within `bound` (relative) of 1/4.
    LsSlope,
    /// rho under cross-entropy tends to $1 - 1/\sqrt 2$: extrapolated, it ends within `bound`
    /// (relative) of it.
    CeLimit,
    /// Gradient descent on the layer-peeled model ends within `bound` (relative) of the minimum in
    /// closed form.
    DescentReachesMinimum,
}

impl Kind for Exact {
    fn check(&self) -> Result<(), String> {
        number("bound", self.bound, self.bound > 0.0, "above 0 and finite")
    }
}
