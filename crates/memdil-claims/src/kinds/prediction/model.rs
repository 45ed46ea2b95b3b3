//! Out-of-sample predictions of models and of baselines.

use memdil_losses::Loss;
use memdil_records::RunSpec;
use memdil_theory::fit::{FitRow, fit_line};

use super::predictor::{Predictor, RunSetting};
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

/// A run in the variables of the models.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) seed: u64,
    pub(super) specified: Loss,
    /// The requested noise level.
    pub(super) level: f64,
    run: RunSetting,
    /// Share of the test samples that are classified wrongly.
    wrong: f64,
    pub(super) row: FitRow,
}

impl Point {
    pub(super) fn new(run: &Run<'_>) -> Result<Self, String> {
        let record = run.record();
        let spec = &record.spec;
        let classes = spec.data.classes.len();
        if classes != 2 {
            return Err("rho from NC1 is defined for two classes".to_owned());
        }
        let row = fit_row(run, "test.rho_nc1")?;
        let per_nc1 = run.last("test.rho_nc1")?.powi(2) / run.last("test.dilation")?;
        if !per_nc1.is_finite() {
            return Err("NC1 of the test features is zero".to_owned());
        }
        Ok(Self {
            seed: spec.seed,
            specified: spec.loss.clone(),
            level: record.requested_noise,
            run: RunSetting {
                loss: margin_loss(spec)?,
                lambda: lambda(spec).ok_or("the model needs a coupled weight decay above zero")?,
                eta: row.eta,
                per_nc1,
            },
            wrong: 1.0 - run.last("test.accuracy")?,
            row,
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

/// A run that the models were not fitted to, with their predictions and those of the baselines.
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
    /// The prediction of the claim's model, with the constants fitted to runs of the other seeds.
    pub model: f64,
    /// The prediction of the least-squares line in the noise level through the fitted runs.
    pub line: f64,
    /// The mean of the fitted runs.
    pub mean: f64,
    /// Rho of two points of which the measured share of test samples is exchanged: not a
    /// prediction, because it needs the test labels.
    pub error_formula: f64,
}

/// The fitted constants.
struct Fitted {
    predictor: Predictor,
    rho_0: f64,
    constant: f64,
    /// Slope and intercept of rho in the noise level.
    line: (f64, f64),
    centre: f64,
}

impl Fitted {
    fn new(predictor: Predictor, points: &[Point]) -> Result<Self, NoValue> {
        let (levels, rhos): (Vec<f64>, Vec<f64>) = points
            .iter()
            .map(|point| (point.level, point.rho()))
            .unzip();
        let line = line(&levels, &rhos).ok_or("the fitted runs have one noise level")?;
        let (rho_0, constant) = if predictor == Predictor::MemorizationDilation {
            let rows: Vec<FitRow> = points.iter().map(|point| point.row).collect();
            let constants = fit_line(&rows).map_err(|error| error.to_string())?;
            (constants.rho_0, constants.c_md)
        } else {
            let clean = points.iter().filter(|point| point.row.eta <= 0.0);
            let clean: Vec<f64> = clean.map(Point::rho).collect();
            let rho_0 = mean(&clean).ok_or("no fitted run is without noise")?;
            let constant = predictor.constant(&noisy_cells(points), rho_0);
            let constant = constant.map_err(ClaimError::from)?;
            let missing = "no constant gives the model the rho of the fitted runs";
            (rho_0, constant.ok_or(missing)?)
        };
        Ok(Self {
            predictor,
            rho_0,
            constant,
            line,
            centre: mean(&rhos).unwrap_or_default(),
        })
    }

    fn predict(&self, point: &Point) -> Result<PredictedRun, NoValue> {
        let rho = self.predictor.rho(&point.run, self.constant, self.rho_0);
        let rho = rho.map_err(ClaimError::from)?;
        let (slope, intercept) = self.line;
        let e = point.wrong;
        Ok(PredictedRun {
            seed: point.seed,
            loss: point.specified.clone(),
            level: point.level,
            measured: point.rho(),
            model: rho.ok_or("the model predicts total collapse")?,
            line: intercept + slope * point.level,
            mean: self.centre,
            error_formula: (point.run.per_nc1 * 2.0 * e * (1.0 - e)).sqrt() / (1.0 - 2.0 * e).abs(),
        })
    }
}

/// The cells of the fitted runs with noise: the runs' common settings with their mean noise,
/// and their mean rho.
fn noisy_cells(points: &[Point]) -> Vec<(RunSetting, f64)> {
    let mut cells: Vec<Vec<&Point>> = Vec::new();
    for point in points.iter().filter(|point| point.row.eta > 0.0) {
        let same = |cell: &&mut Vec<&Point>| {
            cell[0].specified == point.specified && cell[0].level.to_bits() == point.level.to_bits()
        };
        match cells.iter_mut().find(same) {
            Some(cell) => cell.push(point),
            None => cells.push(vec![point]),
        }
    }
    let of_cell = |cell: Vec<&Point>| {
        let average = |value: fn(&Point) -> f64| {
            mean(&cell.iter().map(|point| value(point)).collect::<Vec<_>>()).unwrap_or_default()
        };
        let eta = average(|point| point.row.eta);
        (RunSetting { eta, ..cell[0].run }, average(Point::rho))
    };
    cells.into_iter().map(of_cell).collect()
}

/// The predictions of a model and of the baselines for the tested runs of a seed.
pub(crate) fn predictions(
    predictor: Predictor,
    fit: &[&Run<'_>],
    test: &[&Run<'_>],
) -> Result<Vec<PredictedRun>, NoValue> {
    let points = |runs: &[&Run<'_>]| runs.iter().map(|run| Point::new(run)).collect();
    let (fitted, tested): (Result<Vec<Point>, String>, Result<Vec<Point>, String>) =
        (points(fit), points(test));
    let (fitted, tested) = (fitted?, tested?);
    if fitted.is_empty() || tested.is_empty() {
        return Err("not run".into());
    }
    let fitted = Fitted::new(predictor, &fitted)?;
    tested.iter().map(|point| fitted.predict(point)).collect()
}

pub(super) fn errors(
    predictor: Predictor,
    fit: &[&Run<'_>],
    test: &[&Run<'_>],
) -> Result<SquaredErrors, NoValue> {
    let runs = predictions(predictor, fit, test)?;
    Ok(SquaredErrors {
        model: squared(&runs, |run| run.model),
        line: squared(&runs, |run| run.line),
        mean: squared(&runs, |run| run.mean),
    })
}

/// The mean squared error of a prediction.
pub(super) fn squared(runs: &[PredictedRun], predicted: fn(&PredictedRun) -> f64) -> f64 {
    let square = |run: &PredictedRun| (run.measured - predicted(run)).powi(2);
    mean(&runs.iter().map(square).collect::<Vec<_>>()).unwrap_or_default()
}
