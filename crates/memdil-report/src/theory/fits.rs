//! Fits C_MD to a folder of runs and predicts their relative dilation.

use std::path::Path;

use memdil_theory::fit::{Bootstrap, Fit, FitRow, fit};
use memdil_theory::{MarginLoss, MdSetting, TheoryError};
use rayon::prelude::*;
use serde::Serialize;

use super::model::{margin_loss, rho, setting};
use crate::error::ReportError;
use crate::runs::{Level, Panel, Quantity, Run, at_level, distinct, levels, mean, read_folder};
use crate::text::when;

/// The maximum number of classes for which the model of N classes is accurate.
const MOST_CLASSES: usize = 10;

/// The memorization-dilation model fitted to the runs of one data set, class selection and network.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PanelFit {
    /// Data set, classes and network.
    pub panel: String,
    /// The fitted line, serialized as the keys `c_md`, `c_md_low`, `c_md_high`, `rho_0`,
    /// `r_squared`, `rows` and `units`.
    #[serde(flatten)]
    pub fit: Option<Fit>,
    /// The reason why there is no fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The predicted relative dilation for each loss and noise level, including `rho_0`.
    pub predicted: Vec<PredictedRho>,
}

/// The prediction for a loss at a noise level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PredictedRho {
    /// Loss with its parameter.
    pub loss: String,
    /// Requested noise level of the runs.
    pub eta: f64,
    /// Relative dilation.
    pub rho: f64,
}

/// Fits $\rho = \rho_0 + \eta\nu/C_{MD}$ to each panel of runs in a folder, with a bootstrap
/// interval over seeds, and predicts every loss. Runs with latent noise classes are excluded
/// because the model describes noise between the same classes only.
///
/// # Errors
///
/// - [`ReportError::NoFolder`] or [`ReportError::NoRuns`] if there is nothing to fit.
/// - [`ReportError::Records`] if a run is damaged.
/// - [`ReportError::Theory`] if a model cannot be solved.
pub fn fit_runs(folder: &Path) -> Result<Vec<PanelFit>, ReportError> {
    let runs = read_folder(folder, &[])?.runs;
    let mut usable: Vec<&Run> = runs.iter().collect();
    usable.retain(|run| run.record.spec.noise.split().is_none() && row(run).is_some());
    usable.retain(|run| loss_of(run).is_some());
    let keys = distinct(usable.iter().map(|run| (run.panel(), Level(decay(run)))));
    let mut fits = Vec::new();
    for (panel, decay_here) in &keys {
        let mut here = usable.clone();
        here.retain(|run| run.panel() == *panel && Level(decay(run)) == *decay_here);
        // C_MD cannot be fitted without noise.
        if here.iter().all(|run| run.eta() <= 0.0) {
            continue;
        }
        let several = keys.iter().filter(|(other, _)| other == panel).count() > 1;
        let label = panel.to_string() + &when(several, format!(", decay {decay_here}"));
        fits.push(panel_fit(label, panel, decay_here.0, &here)?);
    }
    Ok(fits)
}

/// The weight decay of a run. A decoupled decay counts as zero because, unlike the decay of the
/// model, it is not a penalty added to the loss.
fn decay(run: &Run) -> f64 {
    let optimizer = &run.record.spec.optimizer;
    optimizer.coupled_weight_decay().unwrap_or(0.0)
}

fn loss_of(run: &Run) -> Option<MarginLoss> {
    let alpha = run.alpha().unwrap_or(0.0);
    margin_loss(run.loss(), alpha).ok().flatten()
}

/// The values of a run that enter the fit; `None` if one was not measured.
fn row(run: &Run) -> Option<FitRow> {
    let (last, test) = (run.last()?, run.test()?);
    // Without corrupted samples, memorization is zero.
    let nothing = last.memorization_sum.filter(|sum| *sum <= 0.0);
    let memorization = run.value(Quantity::Memorization).or(nothing.map(|_| 0.0))?;
    let share = run.record.realised_noise;
    let row = FitRow {
        eta: share / (1.0 - share),
        memorization,
        separation: test.separation.filter(|s| *s > 0.0)?,
        radius: test.radius?,
        group: Some(run.seed()),
    };
    let mut values = [row.eta, row.memorization, row.separation, row.radius].into_iter();
    values.all(|v| v.is_finite() && v >= 0.0).then_some(row)
}

fn panel_fit(
    label: String,
    panel: &Panel,
    decay: f64,
    runs: &[&Run],
) -> Result<PanelFit, TheoryError> {
    let rows: Vec<FitRow> = runs.iter().filter_map(|run| row(run)).collect();
    // A failed fit is a result about the runs, not an error of the program.
    let fitted = match levels(runs).len() {
        // At a single requested level the realised noise varies only by chance.
        1 => Err("all runs have the same noise level".to_owned()),
        _ => fit(&rows, Bootstrap::default()).map_err(|error| error.to_string()),
    };
    let predicted = match &fitted {
        Ok(fit) => predict(panel.classes.len(), fit, decay, runs)?,
        Err(_) => Vec::new(),
    };
    Ok(PanelFit {
        panel: label,
        fit: fitted.as_ref().ok().copied(),
        reason: fitted.err(),
        predicted,
    })
}

/// Rho of every loss at the mean realised noise of each level.
///
/// The optimiser adds decay/2 times the squared weights to a mean over samples; the model adds
/// $\lambda$ times the squared weights to a sum over classes.
fn predict(
    classes: usize,
    fit: &Fit,
    decay: f64,
    runs: &[&Run],
) -> Result<Vec<PredictedRho>, TheoryError> {
    if decay <= 0.0 || !(2..=MOST_CLASSES).contains(&classes) {
        return Ok(Vec::new());
    }
    let base = setting(0.0, fit.c_md, 0.5 * classes as f64 * decay, classes);
    let losses = distinct(runs.iter().map(|run| (run.loss(), run.loss_label())));
    let mut cells = Vec::new();
    for level in levels(runs) {
        let here = at_level(runs, level);
        let etas = here.iter().filter_map(|run| Some(row(run)?.eta));
        let Some(eta) = mean(etas).filter(|eta| level.0 > 0.0 && *eta > 0.0 && *eta < 1.0) else {
            continue;
        };
        for (_, label) in &losses {
            let known = runs.iter().find(|run| run.loss_label() == *label);
            if let Some(loss) = known.and_then(|run| loss_of(run)) {
                cells.push((level, label, base.noise(eta, base.c_md), loss));
            }
        }
    }
    let solve = |(level, label, setting, loss): (Level, &String, MdSetting, MarginLoss)| {
        let rho = rho(&setting, &loss, classes)?;
        Ok(rho.map(|rho| PredictedRho {
            loss: label.clone(),
            eta: level.0,
            rho: fit.rho_0 + rho,
        }))
    };
    let solved: Vec<_> = cells
        .into_par_iter()
        .map(solve)
        .collect::<Result<_, TheoryError>>()?;
    Ok(solved.into_iter().flatten().collect())
}
