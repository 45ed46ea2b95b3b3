//! The result of training unconstrained features.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::run::Provenance;
use crate::spec::layer_peeled::LayerPeeledSpec;

/// The outcome of training unconstrained features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerPeeledStatus {
    /// The residual reached the tolerance.
    Converged,
    /// The maximum number of steps was taken before the residual reached the tolerance.
    OutOfSteps,
    /// The objective became NaN or infinite.
    Diverged,
}

/// Properties of the weights and features at the end of training. Quantities that are not defined
/// at zero are omitted if the solution is zero.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerPeeledEnd {
    /// Largest entry of the projected gradient in balanced variables, over
    /// $\sqrt{\lambda_W\lambda_H}$.
    pub residual: f64,
    /// Value of the objective.
    pub objective: f64,
    /// Whether weights and features are all zero ([`LayerPeeledEnd::ZERO`]).
    pub collapsed: bool,
    /// Mean over samples and wrong classes of (true logit) - (wrong logit).
    pub logit_gap: f64,
    /// Largest minus smallest of these gaps.
    pub logit_gap_spread: f64,
    /// Mean of $\lVert h_{k,i} \rVert^2$.
    pub feature_sq_norm: f64,
    /// Mean of $\lVert w_k \rVert^2$.
    pub weight_row_sq_norm: f64,
    /// NC1 of the features.
    pub nc1: Option<f64>,
    /// Smallest and largest cosine between the feature means of two classes.
    pub feature_cosines: Option<[f64; 2]>,
    /// Largest minus smallest norm of the feature means, over their mean norm.
    pub feature_norm_spread: Option<f64>,
    /// Largest distance between $w_k$ and $h_k - h_G$, both scaled to length one; $h_G$ is the
    /// global mean.
    pub nc3_plus: Option<f64>,
}

/// One finished training of unconstrained features.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerPeeledRecord {
    /// The version of this format; readers refuse other versions.
    pub format: u32,
    /// The specification.
    pub spec: LayerPeeledSpec,
    /// The outcome.
    pub status: LayerPeeledStatus,
    /// The number of steps taken.
    pub steps: usize,
    /// The properties of the solution; omitted if the training diverged.
    pub end: Option<LayerPeeledEnd>,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// The program and machine.
    pub provenance: Provenance,
}

impl LayerPeeledEnd {
    /// Mean squared norms up to this value count as zero.
    pub const ZERO: f64 = 1e-12;
}

impl LayerPeeledRecord {
    /// The format this crate writes and reads.
    pub const FORMAT: u32 = 1;
}
