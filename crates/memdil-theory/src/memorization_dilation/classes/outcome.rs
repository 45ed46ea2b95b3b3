//! What comes out for $N$ classes.

use crate::margin::MarginLoss;
use crate::memorization_dilation::setting::MdSetting;
use serde::Serialize;

/// What came out for $N$ classes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ClassesOutcome {
    /// The general case.
    Solved(ClassesSolution),
    /// `eta` = 0: no memorization, no dilation.
    NoiseFree {
        /// Minimum of the risk.
        risk: f64,
        /// $\|h_k-h_j\|$.
        separation: f64,
        /// $\|h_k\|^2$.
        feature_sq_norm: f64,
    },
    /// All features and weights are 0.
    Collapsed {
        /// The risk at zero.
        risk: f64,
    },
}

/// A symmetric minimiser.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ClassesSolution {
    /// Minimum of the risk, including the entropy of smoothed targets.
    pub risk: f64,
    /// Dilation $r$.
    pub radius: f64,
    /// $\|h_k-h_j\|$.
    pub separation: f64,
    /// $r/\|h_k-h_j\|$.
    pub rho: f64,
    /// $\|h_k-u_{kj}\|$.
    pub memorization: f64,
    /// $\|h_k\|^2$.
    pub feature_sq_norm: f64,
    /// True minus any other logit of class features.
    pub logit_clean: f64,
    /// Logit of the label minus that of the true class, of noisy features.
    pub logit_noisy: f64,
    /// Relative violation of the constraint.
    pub constraint_residual: f64,
    /// Largest entry of the projected gradient of log(risk - infimum) in scale-free variables.
    pub stationarity: f64,
    /// L-BFGS iterations over all starts.
    pub iterations: usize,
}

/// Loss, setting and outcome as one flat JSON object.
///
/// # Example
/// ```
/// use memdil_theory::memorization_dilation::classes::{ClassesRecord, solve};
/// use memdil_theory::{MarginLoss, MdSetting};
/// let loss = MarginLoss::cross_entropy();
/// let setting = MdSetting::new(5.0, 5.0).noise(0.1, 0.5).dim(3);
/// let record = ClassesRecord::new(loss, setting, 3, solve(&setting, &loss, 3)?);
/// assert!(record.collapsed && record.rho.is_none());
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClassesRecord {
    /// Number of classes.
    pub classes: usize,
    /// The loss, as the keys `loss` and `alpha`.
    #[serde(flatten)]
    pub loss: MarginLoss,
    /// The parameters.
    #[serde(flatten)]
    pub setting: MdSetting,
    /// Whether the optimum is zero.
    pub collapsed: bool,
    /// Minimum of the risk.
    pub risk: f64,
    /// Absent after collapse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub radius: Option<f64>,
    /// 0 after collapse.
    pub separation: f64,
    /// Absent after collapse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rho: Option<f64>,
    /// Absent without noise and after collapse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memorization: Option<f64>,
    /// 0 after collapse.
    pub feature_sq_norm: f64,
    /// Absent without noise and after collapse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraint_residual: Option<f64>,
    /// Absent where a formula was enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<usize>,
}

impl ClassesRecord {
    /// Puts the pieces together.
    pub fn new(
        loss: MarginLoss,
        setting: MdSetting,
        classes: usize,
        outcome: ClassesOutcome,
    ) -> Self {
        let (solution, risk, separation, feature_sq_norm, rho) = match outcome {
            ClassesOutcome::Solved(s) => (
                Some(s),
                s.risk,
                s.separation,
                s.feature_sq_norm,
                Some(s.rho),
            ),
            ClassesOutcome::NoiseFree {
                risk,
                separation,
                feature_sq_norm,
            } => (None, risk, separation, feature_sq_norm, Some(0.0)),
            ClassesOutcome::Collapsed { risk } => (None, risk, 0.0, 0.0, None),
        };
        Self {
            classes,
            loss,
            setting,
            collapsed: rho.is_none(),
            risk,
            radius: rho.map(|rho| rho * separation),
            separation,
            rho,
            memorization: solution.map(|s| s.memorization),
            feature_sq_norm,
            constraint_residual: solution.map(|s| s.constraint_residual),
            iterations: solution.map(|s| s.iterations),
        }
    }
}
