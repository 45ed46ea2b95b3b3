//! Solutions of the model for $N$ classes.

use crate::margin::MarginLoss;
use crate::memorization_dilation::setting::MdSetting;
use crate::memorization_dilation::solution::MdRecord;

/// The outcome of a problem with $N$ classes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ClassesOutcome {
    /// A minimiser with memorization and dilation.
    Solved(ClassesSolution),
    /// The problem has no noise (`eta` = 0), so there is neither memorization nor dilation.
    NoiseFree {
        /// Minimum of the risk.
        risk: f64,
        /// $\lVert h_k-h_j \rVert$.
        separation: f64,
        /// $\lVert h_k \rVert^2$.
        feature_sq_norm: f64,
    },
    /// Total collapse: all features and weights are 0.
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
    /// $\lVert h_k-h_j \rVert$.
    pub separation: f64,
    /// Relative dilation $r/\lVert h_k-h_j \rVert$.
    pub rho: f64,
    /// Memorization $\lVert h_k-u_{kj} \rVert$.
    pub memorization: f64,
    /// $\lVert h_k \rVert^2$.
    pub feature_sq_norm: f64,
    /// Logit of the true class minus any other logit, for class features.
    pub logit_clean: f64,
    /// Logit of the label minus that of the true class, for noisy features.
    pub logit_noisy: f64,
    /// Relative violation of the constraint.
    pub constraint_residual: f64,
    /// Largest entry of the projected gradient of log(risk - infimum) in scale-free variables.
    pub stationarity: f64,
    /// Total number of L-BFGS iterations.
    pub iterations: usize,
}

impl MdRecord {
    /// Creates the record of a problem with $N$ classes.
    ///
    /// # Example
    /// ```
    /// use memdil_theory::memorization_dilation::classes::solve;
    /// use memdil_theory::{MarginLoss, MdRecord, MdSetting};
    /// let loss = MarginLoss::cross_entropy();
    /// let setting = MdSetting::new(5.0, 5.0).noise(0.1, 0.5).dim(3);
    /// let record = MdRecord::of_classes(loss, setting, 3, solve(&setting, &loss, 3)?);
    /// assert!(record.collapsed && record.rho.is_none());
    /// # Ok::<(), memdil_theory::TheoryError>(())
    /// ```
    pub fn of_classes(
        loss: MarginLoss,
        setting: MdSetting,
        classes: usize,
        outcome: ClassesOutcome,
    ) -> Self {
        let mut record = match outcome {
            ClassesOutcome::Solved(s) => Self {
                memorization: Some(s.memorization),
                feature_sq_norm: Some(s.feature_sq_norm),
                constraint_residual: Some(s.constraint_residual),
                iterations: Some(s.iterations),
                ..Self::at(loss, setting, s.risk, s.separation, Some(s.rho))
            },
            ClassesOutcome::NoiseFree {
                risk,
                separation,
                feature_sq_norm,
            } => Self {
                feature_sq_norm: Some(feature_sq_norm),
                ..Self::at(loss, setting, risk, separation, Some(0.0))
            },
            ClassesOutcome::Collapsed { risk } => Self {
                feature_sq_norm: Some(0.0),
                ..Self::at(loss, setting, risk, 0.0, None)
            },
        };
        record.classes = Some(classes);
        record
    }
}
