//! The solved models.

use memdil_theory::TheoryError;

use super::classes::{self, ClassCurves};
use super::curves::Curves;
use super::jumps::Jumps;
use super::phase::Phase;
use crate::chart::Figure;

/// The solved models.
#[derive(Clone, Debug)]
pub(crate) struct Theory {
    pub(crate) curves: Curves,
    pub(crate) phase: Phase,
    jumps: Jumps,
    classes: Vec<ClassCurves>,
}

impl Theory {
    pub(crate) fn solve() -> Result<Self, TheoryError> {
        Ok(Self {
            curves: Curves::solve()?,
            phase: Phase::solve()?,
            jumps: Jumps::solve()?,
            classes: classes::solve()?,
        })
    }

    /// Rho if unseen features jump.
    pub(crate) fn jumps_figure(&self) -> Figure {
        self.jumps.figure()
    }

    /// Rho with more than two classes.
    pub(crate) fn classes_figure(&self) -> Figure {
        classes::figure(&self.classes)
    }
}
