//! The theory section: the models of memdil-theory solved, drawn, and laid over the runs.

mod classes;
mod contour;
mod curve;
mod curves;
mod fits;
mod model;
mod overlay;
mod phase;
mod practice;

pub use fits::{PanelFit, PredictedRho, fit_runs};
pub(crate) use practice::Practice;

use memdil_claims::{Claim, Rule};

use crate::ReportError;
use crate::chart::Figure;
use crate::exact;
use crate::runs::Run;
use crate::table::Table;

/// Everything that is solved for the section.
#[derive(Clone, Debug)]
pub(crate) struct Theory<'a> {
    curves: curves::Curves,
    phase: phase::Phase,
    classes: Vec<classes::Classes>,
    /// One entry a panel of runs.
    pub(crate) practice: Vec<Practice<'a>>,
}

impl<'a> Theory<'a> {
    pub(crate) fn new(runs: &'a [Run]) -> Result<Self, ReportError> {
        Ok(Self {
            curves: curves::Curves::solve()?,
            phase: phase::Phase::solve()?,
            classes: classes::solve()?,
            practice: practice::practice(runs)?,
        })
    }

    pub(crate) fn figures(&self) -> Vec<Figure> {
        let mut figures = vec![
            self.curves.by_decay_figure(),
            self.curves.by_noise_figure(),
            self.phase.figure(),
            classes::figure(&self.classes),
        ];
        figures.extend(overlay::figure(&self.practice));
        figures
    }

    /// The constants fitted to each panel of runs; `None` without one.
    pub(crate) fn fits(&self) -> Option<Table> {
        (!self.practice.is_empty()).then(|| overlay::table(&self.practice))
    }

    /// The outcome of a rule.
    pub(crate) fn claim(&self, rule: Rule, bound: f64) -> Claim {
        match rule {
            Rule::LsSlope => exact::quarter_power(&self.curves.smoothing_by_decay(), bound),
            Rule::CeLimit => exact::cross_entropy_limit(&self.curves.vanishing, bound),
            // The other rule is about another model.
            Rule::LsBelowCe | Rule::DescentReachesMinimum => {
                exact::smoothing_below_cross_entropy(&self.phase.grid, bound, self.phase.deviation)
            }
        }
    }
}
