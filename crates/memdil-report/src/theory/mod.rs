//! The models of memdil-theory solved and drawn, and fitted to runs.

mod classes;
mod contour;
mod curve;
mod curves;
mod fits;
mod model;
mod phase;

pub use fits::{PanelFit, PredictedRho, fit_runs};
pub(crate) use phase::GridPoint;

use memdil_theory::TheoryError;

use crate::chart::Figure;

/// The solved models.
#[derive(Clone, Debug)]
pub(crate) struct Theory {
    curves: curves::Curves,
    phase: phase::Phase,
    classes: Vec<classes::Classes>,
}

impl Theory {
    pub(crate) fn solve() -> Result<Self, TheoryError> {
        Ok(Self {
            curves: curves::Curves::solve()?,
            phase: phase::Phase::solve()?,
            classes: classes::solve()?,
        })
    }

    /// Rho against weight decay.
    pub(crate) fn by_decay(&self) -> Figure {
        self.curves.by_decay_figure()
    }

    /// Rho against noise.
    pub(crate) fn by_noise(&self) -> Figure {
        self.curves.by_noise_figure()
    }

    /// Label smoothing against cross-entropy over both penalties.
    pub(crate) fn phase(&self) -> Figure {
        self.phase.figure()
    }

    /// More than two classes.
    pub(crate) fn classes(&self) -> Figure {
        classes::figure(&self.classes)
    }

    /// (decay, rho) of label smoothing.
    pub(crate) fn smoothing_by_decay(&self) -> Vec<(f64, f64)> {
        self.curves.smoothing_by_decay()
    }

    /// (decay, rho) of cross-entropy far below any decay in use.
    pub(crate) fn vanishing_decay(&self) -> &[(f64, f64)] {
        &self.curves.vanishing
    }

    /// Every setting of the phase maps at which both losses have a rho, and the largest relative
    /// difference of a ratio when C_MD alone is varied.
    pub(crate) fn grid(&self) -> (&[GridPoint], Option<f64>) {
        (&self.phase.grid, self.phase.deviation)
    }
}
