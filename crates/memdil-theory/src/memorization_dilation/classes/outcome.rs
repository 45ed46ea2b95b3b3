//! What comes out for $N$ classes.

use crate::margin::MarginLoss;
use crate::memorization_dilation::setting::MdSetting;
use crate::memorization_dilation::solution::MdRecord;

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

impl MdRecord {
    /// The record of a problem of $N$ classes.
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
