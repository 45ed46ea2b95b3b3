//! C_MD of a folder of runs, for programs rather than readers.

use std::path::Path;

use memdil_records::SearchFolder;
use memdil_theory::fit::Fit;
use serde::Serialize;

use super::practice::practice;
use crate::ReportError;
use crate::runs::read_runs;

/// What the memorization-dilation model makes of the runs of one data set, class selection and
/// network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PanelFit {
    /// Data set, classes and network.
    pub panel: String,
    /// The fitted line, as the keys `c_md`, `c_md_low`, `c_md_high`, `rho_0`, `r_squared`, `rows`,
    /// `units`.
    #[serde(flatten)]
    pub fit: Option<Fit>,
    /// Why there is no fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The model's relative dilation for every loss, `rho_0` included.
    pub predicted: Vec<PredictedRho>,
}

/// A prediction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PredictedRho {
    /// Loss with its parameter.
    pub loss: String,
    /// Requested noise level of the runs.
    pub eta: f64,
    /// Relative dilation.
    pub rho: f64,
}

/// Fits $\rho = \rho_0 + \eta\nu/C_{MD}$ to every panel of runs in a folder, with an interval that
/// resamples seeds, and predicts every loss.
///
/// # Errors
///
/// [`ReportError::NoFolder`] or [`ReportError::NoRuns`], [`ReportError::Records`] when a run is
/// damaged,
/// [`ReportError::Theory`] when a model cannot be solved.
pub fn fit_runs(folder: &Path) -> Result<Vec<PanelFit>, ReportError> {
    let runs = read_runs(folder, &[], &SearchFolder::new(folder).find()?)?;
    let panels = practice(&runs)?;
    Ok(panels
        .iter()
        .map(|practice| {
            let predicted = practice.at_levels.iter().flat_map(|(level, rhos)| {
                rhos.iter().map(|(loss, rho)| PredictedRho {
                    loss: loss.clone(),
                    eta: level.0,
                    rho: *rho,
                })
            });
            PanelFit {
                panel: practice.panel.to_string(),
                fit: practice.fit.as_ref().ok().copied(),
                reason: practice.fit.as_ref().err().cloned(),
                predicted: predicted.collect(),
            }
        })
        .collect())
}
