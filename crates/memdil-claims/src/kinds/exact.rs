//! Rules about the solved models. They involve no randomness, so no statistical test.

use serde::Deserialize;

use super::kind::{Kind, check_range};

/// A rule about the solved models, with its bound.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exact {
    /// The rule.
    pub rule: ExactRule,
    /// The bound of the rule; its meaning depends on the rule.
    pub bound: f64,
}

/// A rule about the solved models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExactRule {
    /// rho under label smoothing is below rho under cross-entropy at every point of a grid with
    /// $\lambda_W / C_{MD}^2 \le$ `bound`.
    LsBelowCe,
    /// The exponent of rho in $\lambda$ under label smoothing is within `bound` (relative) of 1/4.
    LsSlope,
    /// rho under cross-entropy tends to $1 - 1/\sqrt 2$: the extrapolated limit is within `bound`
    /// (relative) of this value.
    CeLimit,
    /// Gradient descent on the layer-peeled model converges to within `bound` (relative) of the
    /// closed-form minimum.
    DescentReachesMinimum,
}

impl Kind for Exact {
    fn check(&self) -> Result<(), String> {
        check_range("bound", self.bound, self.bound > 0.0, "above 0 and finite")
    }
}
