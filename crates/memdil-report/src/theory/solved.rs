//! The solved models.

use memdil_theory::TheoryError;

use super::classes::{self, ClassCurves};
use super::curves::Curves;
use super::phase::Phase;
use crate::chart::Figure;

/// The solved models.
#[derive(Clone, Debug)]
pub(crate) struct Theory {
    pub(crate) curves: Curves,
    pub(crate) phase: Phase,
    classes: Vec<ClassCurves>,
}

impl Theory {
    pub(crate) fn solve() -> Result<Self, TheoryError> {
        Ok(Self {
            curves: Curves::solve()?,
            phase: Phase::solve()?,
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
    pub(crate) fn by_penalties(&self) -> Figure {
        self.phase.figure()
    }

    /// More than two classes.
    pub(crate) fn by_classes(&self) -> Figure {
        classes::figure(&self.classes)
    }
}
