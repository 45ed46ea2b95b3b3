//! Solutions of the model.

use super::setting::MdSetting;
use crate::jumps::JumpDilation;
use crate::margin::MarginLoss;
use serde::Serialize;
use serde_with::skip_serializing_none;

/// The optimum in plane coordinates: $x$ is along $w_1-w_2$, and $y$ is orthogonal to it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Plane {
    /// $\omega = \lVert w_1-w_2 \rVert$.
    pub omega: f64,
    /// $h_1 = (d, m)$ and $h_2 = (-d, m)$.
    pub d: f64,
    /// The coordinate $m$ of $h_1$ and $h_2$; 0 for signed features.
    pub m: f64,
    /// $u_1 = (\xi, \mu)$ and $u_2 = (-\xi, \mu)$.
    pub xi: f64,
    /// The coordinate $\mu$ of $u_1$ and $u_2$; 0 for signed features.
    pub mu: f64,
}

/// A minimiser with memorization and dilation. The names of serialised fields are the JSON keys.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MdSolution {
    /// Minimum of the risk, including the entropy of smoothed targets.
    pub risk: f64,
    /// Dilation: the radius $r$; for jumps, the root mean square distance of unseen features from
    /// the mean of their class.
    pub radius: f64,
    /// $\lVert h_1-h_2 \rVert$.
    pub separation: f64,
    /// Relative dilation $\rho = r/\lVert h_1-h_2 \rVert$; for jumps, the radius over the distance
    /// of the means of the unseen classes.
    pub rho: f64,
    /// NC1 of the unseen features, the dilation that a test set measures: $2\rho^2E[t^2]$, for
    /// jumps as in [`JumpDilation`].
    pub nc1: f64,
    /// The parts of the dilation; `None` except for jumps.
    pub jumps: Option<JumpDilation>,
    /// Memorization $\nu = \lVert h_1-u_2 \rVert$: the distance of noisy samples from the feature
    /// of their true class.
    pub memorization: f64,
    /// Margin of the class features.
    pub logit_clean: f64,
    /// Margin of the noisy features with respect to their label.
    pub logit_noisy: f64,
    /// Relative violation of the memorization-dilation constraint by [`Self::plane`].
    pub constraint_residual: f64,
    /// Largest entry of the projected gradient of log(risk - infimum) in scale-free variables.
    pub stationarity: f64,
    /// Total number of Newton iterations.
    pub iterations: usize,
    /// Risk above its infimum, computed without cancellation.
    #[serde(skip)]
    pub excess: f64,
    /// The optimum in plane coordinates.
    #[serde(skip)]
    pub plane: Plane,
    /// The variables of the solver, as a starting point for a neighbouring problem.
    #[serde(skip)]
    pub(crate) point: [f64; 5],
}

/// The outcome of a memorization-dilation problem.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum MdOutcome {
    /// A minimiser with memorization and dilation.
    Solved(MdSolution),
    /// The problem has no noise (`eta` = 0), so there is no dilation and $\rho = 0$.
    NoiseFree {
        /// Minimum of the risk.
        risk: f64,
        /// $\lVert h_1-h_2 \rVert$.
        separation: f64,
        /// Margin of the class features.
        logit_clean: f64,
    },
    /// Total collapse: weight decay is so strong that all features and weights are 0. $\rho$ is not
    /// defined.
    Collapsed {
        /// The risk at zero, $2(1+\eta) l(0)$.
        risk: f64,
    },
}

impl MdOutcome {
    /// Relative dilation: `None` after total collapse, 0 without noise.
    pub const fn rho(&self) -> Option<f64> {
        match self {
            Self::Solved(solution) => Some(solution.rho),
            Self::NoiseFree { .. } => Some(0.0),
            Self::Collapsed { .. } => None,
        }
    }

    /// Minimum of the risk.
    pub const fn risk(&self) -> f64 {
        match self {
            Self::Solved(MdSolution { risk, .. })
            | Self::NoiseFree { risk, .. }
            | Self::Collapsed { risk } => *risk,
        }
    }

    /// The solution; `None` without noise and after total collapse.
    pub const fn solution(&self) -> Option<&MdSolution> {
        match self {
            Self::Solved(solution) => Some(solution),
            _ => None,
        }
    }
}

/// Loss, setting and outcome, serialised as one flat JSON object.
///
/// # Example
/// ```
/// use memdil_theory::{MarginLoss, MdRecord, MdSetting, memorization_dilation::solve};
/// let loss = MarginLoss::cross_entropy();
/// let setting = MdSetting::new(5.0, 5.0).noise(0.1, 0.5);
/// let record = MdRecord::new(loss, setting, solve(&setting, &loss)?);
/// assert!(record.collapsed && record.rho.is_none());
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MdRecord {
    /// Number of classes; absent for the two-class model of the paper.
    pub classes: Option<usize>,
    /// The loss, serialised as the keys `loss` and `alpha`.
    #[serde(flatten)]
    pub loss: MarginLoss,
    /// The parameters of the model.
    #[serde(flatten)]
    pub setting: MdSetting,
    /// Whether the optimum is zero (total collapse).
    pub collapsed: bool,
    /// Minimum of the risk.
    pub risk: f64,
    /// Dilation, the radius $r$; absent after collapse.
    pub radius: Option<f64>,
    /// Distance between class features; 0 after collapse.
    pub separation: f64,
    /// Relative dilation; absent after collapse.
    pub rho: Option<f64>,
    /// NC1 of the unseen features; absent without noise, after collapse and for $N$ classes.
    pub nc1: Option<f64>,
    /// Share of unseen samples that are displaced; absent except for jumps.
    pub moved_share: Option<f64>,
    /// Share of unseen samples on the side of the other class; absent except for jumps.
    pub wrong_side: Option<f64>,
    /// Memorization $\nu$; absent without noise and after collapse.
    pub memorization: Option<f64>,
    /// Margin of the class features; 0 after collapse, absent for $N$ classes.
    pub logit_clean: Option<f64>,
    /// Margin of the noisy features; 0 after collapse, absent without noise and for $N$ classes.
    pub logit_noisy: Option<f64>,
    /// Squared norm of the class features; 0 after collapse, absent for the two-class model of the
    /// paper.
    pub feature_sq_norm: Option<f64>,
    /// Relative violation of the constraint; absent without noise and after collapse.
    pub constraint_residual: Option<f64>,
    /// Total number of iterations; absent if no solver was required.
    pub iterations: Option<usize>,
}

impl MdRecord {
    /// Creates the record of a problem with two classes.
    pub fn new(loss: MarginLoss, setting: MdSetting, outcome: MdOutcome) -> Self {
        match outcome {
            MdOutcome::Solved(s) => Self {
                nc1: Some(s.nc1),
                moved_share: s.jumps.map(|jumps| jumps.moved),
                wrong_side: s.jumps.map(|jumps| jumps.wrong_side),
                radius: Some(s.radius),
                memorization: Some(s.memorization),
                logit_clean: Some(s.logit_clean),
                logit_noisy: Some(s.logit_noisy),
                constraint_residual: Some(s.constraint_residual),
                iterations: Some(s.iterations),
                ..Self::at(loss, setting, s.risk, s.separation, Some(s.rho))
            },
            MdOutcome::NoiseFree {
                risk,
                separation,
                logit_clean,
            } => Self {
                logit_clean: Some(logit_clean),
                ..Self::at(loss, setting, risk, separation, Some(0.0))
            },
            MdOutcome::Collapsed { risk } => Self {
                logit_clean: Some(0.0),
                logit_noisy: Some(0.0),
                ..Self::at(loss, setting, risk, 0.0, None)
            },
        }
    }

    /// Creates a record with the fields that all outcomes share; `rho` is `None` after collapse.
    pub(super) fn at(
        loss: MarginLoss,
        setting: MdSetting,
        risk: f64,
        separation: f64,
        rho: Option<f64>,
    ) -> Self {
        Self {
            classes: None,
            loss,
            setting,
            collapsed: rho.is_none(),
            risk,
            radius: rho.map(|rho| rho * separation),
            separation,
            rho,
            nc1: None,
            moved_share: None,
            wrong_side: None,
            memorization: None,
            logit_clean: None,
            logit_noisy: None,
            feature_sq_norm: None,
            constraint_residual: None,
            iterations: None,
        }
    }
}
