//! Out-of-sample predictions of the memorization-dilation model and of two baselines.

use memdil_losses::Loss;
use memdil_records::RunSpec;
use memdil_theory::fit::{FitRow, fit_line};
use memdil_theory::memorization_dilation::solve;
use memdil_theory::{MarginLoss, MdSetting};

use crate::error::ClaimError;
use crate::kinds::constants::{fit_row, line, margin_loss};
use crate::runs::finished::Run;
use crate::runs::no_value::NoValue;
use crate::stats::mean;

/// Mean squared prediction errors of rho (from NC1) over the runs of a seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct SquaredErrors {
    pub(super) model: f64,
    pub(super) line: f64,
    pub(super) mean: f64,
}

/// A run in the variables of the model.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) seed: u64,
    pub(super) specified: Loss,
    loss: MarginLoss,
    /// The requested noise level.
    pub(super) level: f64,
    lambda: f64,
    pub(super) row: FitRow,
}

impl Point {
    pub(super) fn new(run: &Run<'_>) -> Result<Self, String> {
        let record = run.record();
        let spec = &record.spec;
        if spec.data.classes.len() != 2 {
            return Err("rho from NC1 is defined for two classes".to_owned());
        }
        Ok(Self {
            seed: spec.seed,
            specified: spec.loss.clone(),
            loss: margin_loss(spec)?,
            level: record.requested_noise,
            lambda: lambda(spec).ok_or("the model needs a coupled weight decay above zero")?,
            row: fit_row(run, "test.rho_nc1")?,
        })
    }

    fn rho(&self) -> f64 {
        self.row.radius / self.row.separation
    }
}

/// The model's $\lambda$. The optimiser adds half its weight decay times the squared weights to a
/// mean over samples; the model adds $\lambda$ times the squared weights to a sum over classes.
fn lambda(spec: &RunSpec) -> Option<f64> {
    let decay = spec
        .optimizer
        .coupled_weight_decay()
        .filter(|decay| *decay > 0.0)?;
    Some(0.5 * spec.data.classes.len() as f64 * decay)
}

/// A run that the model was not fitted to, with the predictions of the model and its baselines.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictedRun {
    /// The seed of the run.
    pub seed: u64,
    /// The loss of the run.
    pub loss: Loss,
    /// The requested noise level.
    pub level: f64,
    /// Measured rho, from NC1.
    pub measured: f64,
    /// The model's prediction, with the constants fitted to runs of the other seeds.
    pub model: f64,
    /// The prediction of the least-squares line in the noise level through the fitted runs.
    pub line: f64,
    /// The mean of the fitted runs.
    pub mean: f64,
}

/// The predictions for the runs of one panel.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelPredictions {
    /// The data set, and the settings that distinguish the panel.
    pub panel: String,
    /// The runs, ordered by cell, then by seed.
    pub runs: Vec<PredictedRun>,
}

fn points(runs: &[&Run<'_>]) -> Result<Vec<Point>, String> {
    runs.iter().map(|run| Point::new(run)).collect()
}

/// The predictions of the model and its baselines for the tested runs of a seed.
pub(crate) fn predictions(
    fit: &[&Run<'_>],
    test: &[&Run<'_>],
) -> Result<Vec<PredictedRun>, NoValue> {
    let (fitted, tested) = (points(fit)?, points(test)?);
    if fitted.is_empty() || tested.is_empty() {
        return Err("not run".into());
    }
    let rows: Vec<FitRow> = fitted.iter().map(|point| point.row).collect();
    let constants = fit_line(&rows).map_err(|error| error.to_string())?;
    let (levels, rhos): (Vec<f64>, Vec<f64>) = fitted
        .iter()
        .map(|point| (point.level, point.rho()))
        .unzip();
    let line = line(&levels, &rhos).ok_or("the fitted runs have one noise level")?;
    let (slope, intercept) = line;
    let centre = mean(&rhos).unwrap_or_default();
    let mut predicted = Vec::new();
    for point in tested {
        let rho = predict(&point, constants.c_md)?;
        let rho = rho.ok_or("the model predicts total collapse")?;
        predicted.push(PredictedRun {
            seed: point.seed,
            measured: point.rho(),
            model: constants.rho_0 + rho,
            line: intercept + slope * point.level,
            mean: centre,
            level: point.level,
            loss: point.specified,
        });
    }
    Ok(predicted)
}

pub(super) fn errors(fit: &[&Run<'_>], test: &[&Run<'_>]) -> Result<SquaredErrors, NoValue> {
    let runs = predictions(fit, test)?;
    let error = |predicted: fn(&PredictedRun) -> f64| {
        let square = |run: &PredictedRun| (run.measured - predicted(run)).powi(2);
        mean(&runs.iter().map(square).collect::<Vec<_>>()).unwrap_or_default()
    };
    Ok(SquaredErrors {
        model: error(|run| run.model),
        line: error(|run| run.line),
        mean: error(|run| run.mean),
    })
}

/// Rho of the solved model; `None` if its solution is total collapse.
fn predict(point: &Point, c_md: f64) -> Result<Option<f64>, ClaimError> {
    if point.row.eta <= 0.0 {
        return Ok(Some(0.0));
    }
    let setting = MdSetting::new(point.lambda, point.lambda).noise(point.row.eta, c_md);
    Ok(solve(&setting, &point.loss)?.rho())
}
