//! The memorization-dilation model out of sample, beside two baselines that know no model.

use std::collections::BTreeMap;

use memdil_losses::Loss;
use memdil_records::RunSpec;
use memdil_theory::fit::{FitRow, fit_line};
use memdil_theory::memorization_dilation::solve;
use memdil_theory::{LossKind, MarginLoss, MdSetting, TheoryError};

use crate::finished::Run;
use crate::measure::Values;
use crate::stats::{mean, mean_interval, t_test};
use crate::text::{count, number, p_value};
use crate::{ClaimError, SEEDS_NEEDED};

/// Mean squared errors of rho (from NC1) over the runs of a seed.
#[derive(Clone, Copy, Debug)]
struct Errors {
    model: f64,
    line: f64,
    mean: f64,
}

/// A run as the model sees it.
#[derive(Clone, Debug)]
struct Point {
    seed: u64,
    specified: Loss,
    loss: MarginLoss,
    /// Requested noise.
    level: f64,
    lambda: f64,
    row: FitRow,
}

impl Point {
    fn new(run: &Run<'_>) -> Result<Self, String> {
        let record = run.record();
        let spec = &record.spec;
        if spec.data.classes.len() != 2 {
            return Err("rho from NC1 is defined for two classes".to_owned());
        }
        let share = record.realised_noise;
        let separation = run.last("test.separation")?;
        let memorization = if share > 0.0 {
            run.last("memorization_mean")?
        } else {
            0.0
        };
        Ok(Self {
            seed: spec.seed,
            specified: spec.loss.clone(),
            loss: margin_loss(spec)?,
            level: record.requested_noise,
            lambda: lambda(spec).ok_or("the model needs a coupled weight decay above zero")?,
            row: FitRow {
                eta: share / (1.0 - share),
                memorization,
                separation,
                radius: run.last("test.rho_nc1")? * separation,
                group: None,
            },
        })
    }

    fn rho(&self) -> f64 {
        self.row.radius / self.row.separation
    }
}

/// The loss as the model knows it.
fn margin_loss(spec: &RunSpec) -> Result<MarginLoss, String> {
    let alpha = spec.loss.alpha().unwrap_or(0.0);
    let loss = match spec.loss.short_name() {
        "CE" => return Ok(MarginLoss::cross_entropy()),
        "LS" => MarginLoss::new(LossKind::Ls, alpha),
        "LR" => MarginLoss::new(LossKind::Lr, alpha),
        other => return Err(format!("the model does not know the loss {other}")),
    };
    loss.map_err(|error| error.to_string())
}

/// The optimiser adds half its decay times the squared weights to a mean over samples, the model
/// $\lambda$ times the squared weights to a sum over classes.
fn lambda(spec: &RunSpec) -> Option<f64> {
    let decay = spec
        .optimizer
        .coupled_weight_decay()
        .filter(|decay| *decay > 0.0)?;
    Some(0.5 * spec.data.classes.len() as f64 * decay)
}

/// Log ratios of the model's error to those of the two baselines.
pub(crate) fn values(fit: &[&Run<'_>], test: &[&Run<'_>]) -> Result<Values, ClaimError> {
    Ok(errors(fit, test)?.and_then(|errors| {
        let ratio = |baseline: f64| (errors.model / baseline).ln();
        let values = vec![ratio(errors.line), ratio(errors.mean)];
        let defined = values.iter().all(|value| value.is_finite());
        defined
            .then_some(values)
            .ok_or_else(|| "an error is zero".to_owned())
    }))
}

/// A run that the model was not fitted to, with what the model and its baselines say of it.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictedRun {
    /// Its seed.
    pub seed: u64,
    /// Its loss.
    pub loss: Loss,
    /// Requested noise.
    pub level: f64,
    /// Measured rho, from NC1.
    pub measured: f64,
    /// Rho of the solved model, with the constants fitted to runs of the other seeds.
    pub model: f64,
    /// A line in the noise level through the fitted runs.
    pub line: f64,
    /// The mean of the fitted runs.
    pub mean: f64,
}

/// The predictions for the runs of one panel.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelPredictions {
    /// Data set, and what tells the panel apart from others.
    pub panel: String,
    /// By cell, then seed.
    pub runs: Vec<PredictedRun>,
}

/// What the model and its baselines say of the tested runs of a seed, or why they say nothing.
pub(crate) fn predictions(
    fit: &[&Run<'_>],
    test: &[&Run<'_>],
) -> Result<Result<Vec<PredictedRun>, String>, ClaimError> {
    let points = |runs: &[&Run<'_>]| {
        runs.iter()
            .map(|run| Point::new(run))
            .collect::<Result<Vec<_>, _>>()
    };
    let (fitted, tested) = match (points(fit), points(test)) {
        (Ok(fitted), Ok(tested)) if !fitted.is_empty() && !tested.is_empty() => (fitted, tested),
        (Err(reason), _) | (_, Err(reason)) => return Ok(Err(reason)),
        _ => return Ok(Err("not run".to_owned())),
    };
    let rows: Vec<FitRow> = fitted.iter().map(|point| point.row).collect();
    let constants = match fit_line(&rows) {
        Ok(constants) => constants,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let levels: Vec<(f64, f64)> = fitted
        .iter()
        .map(|point| (point.level, point.rho()))
        .collect();
    let Some((slope, intercept)) = line(&levels) else {
        return Ok(Err("the fitted runs have one noise level".to_owned()));
    };
    let centre = mean(&levels.iter().map(|(_, rho)| *rho).collect::<Vec<_>>()).unwrap_or_default();
    let mut predicted = Vec::new();
    for point in tested {
        let Some(rho) = predict(&point, constants.c_md)? else {
            return Ok(Err("the model predicts total collapse".to_owned()));
        };
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
    Ok(Ok(predicted))
}

fn errors(fit: &[&Run<'_>], test: &[&Run<'_>]) -> Result<Result<Errors, String>, ClaimError> {
    let of = |runs: Vec<PredictedRun>| {
        let error = |predicted: fn(&PredictedRun) -> f64| {
            let squares = runs
                .iter()
                .map(|run| (run.measured - predicted(run)).powi(2));
            mean(&squares.collect::<Vec<_>>()).unwrap_or_default()
        };
        Errors {
            model: error(|run| run.model),
            line: error(|run| run.line),
            mean: error(|run| run.mean),
        }
    };
    Ok(predictions(fit, test)?.map(of))
}

/// Rho of the solved model; `None` after total collapse.
fn predict(point: &Point, c_md: f64) -> Result<Option<f64>, TheoryError> {
    if point.row.eta <= 0.0 {
        return Ok(Some(0.0));
    }
    let setting = MdSetting::new(point.lambda, point.lambda).noise(point.row.eta, c_md);
    Ok(solve(&setting, &point.loss)?.rho())
}

/// Slope and intercept of the least-squares line.
fn line(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let (x, y): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let (centre_x, centre_y) = (mean(&x)?, mean(&y)?);
    let xx: f64 = x.iter().map(|x| (x - centre_x).powi(2)).sum();
    let xy: f64 = points
        .iter()
        .map(|(x, y)| (x - centre_x) * (y - centre_y))
        .sum();
    (xx > 0.0).then(|| (xy / xx, centre_y - xy / xx * centre_x))
}

/// R² out of sample, and C_MD fitted to each loss alone, in words.
pub(crate) fn notes(units: &[(Vec<&Run<'_>>, Vec<&Run<'_>>)]) -> Result<Vec<String>, ClaimError> {
    let mut all = Vec::new();
    for (fit, test) in units {
        all.extend(errors(fit, test)?.ok());
    }
    let mut notes = Vec::new();
    let total = |part: fn(&Errors) -> f64| mean(&all.iter().map(part).collect::<Vec<_>>());
    if let (Some(model), Some(line), Some(centre)) =
        (total(|e| e.model), total(|e| e.line), total(|e| e.mean))
    {
        notes.push(format!(
            "R² out of sample, with the mean of the fitted runs in the denominator: {} for the model, {} for a line in \
             the noise level.",
            number(1.0 - model / centre),
            number(1.0 - line / centre)
        ));
    }
    let constants = constants(units);
    let base = constants.get("CE");
    for (loss, seeds) in &constants {
        let fitted: Vec<f64> = seeds.values().flatten().copied().collect();
        let Some(centre) = mean(&fitted) else {
            continue;
        };
        let mut note = format!(
            "C_MD fitted to {loss} alone, mean over {}: {}",
            count(fitted.len(), "seed", "seeds"),
            number(centre)
        );
        if fitted.len() < seeds.len() {
            note += &format!(" ({} have no positive slope)", seeds.len() - fitted.len());
        }
        if let Some(base) = base.filter(|_| loss != "CE") {
            note += &equality(seeds, base);
        }
        notes.push(note + ".");
    }
    Ok(notes)
}

/// C_MD by loss and seed; `None` where dilation does not grow.
fn constants(
    units: &[(Vec<&Run<'_>>, Vec<&Run<'_>>)],
) -> BTreeMap<String, BTreeMap<u64, Option<f64>>> {
    let mut rows: BTreeMap<String, BTreeMap<u64, BTreeMap<u64, FitRow>>> = BTreeMap::new();
    let runs = units.iter().flat_map(|(fit, test)| fit.iter().chain(test));
    for point in runs.filter_map(|run| Point::new(run).ok()) {
        // A run is fitted to for several seeds, and is one row.
        let of_seed = rows
            .entry(point.specified.label())
            .or_default()
            .entry(point.seed)
            .or_default();
        of_seed.insert(point.level.to_bits(), point.row);
    }
    let fit = |rows: BTreeMap<u64, FitRow>| {
        let rows: Vec<FitRow> = rows.into_values().collect();
        fit_line(&rows).ok().map(|fitted| fitted.c_md)
    };
    let of_loss = |seeds: BTreeMap<u64, BTreeMap<u64, FitRow>>| {
        seeds
            .into_iter()
            .map(|(seed, rows)| (seed, fit(rows)))
            .collect()
    };
    rows.into_iter()
        .map(|(loss, seeds)| (loss, of_loss(seeds)))
        .collect()
}

/// The ratio of the constants of a loss to those of cross-entropy, paired over seeds.
fn equality(own: &BTreeMap<u64, Option<f64>>, base: &BTreeMap<u64, Option<f64>>) -> String {
    let ratio = |(seed, own): (&u64, &Option<f64>)| Some(((*own)? / (*base.get(seed)?)?).ln());
    let ratios: Vec<f64> = own.iter().filter_map(ratio).collect();
    match (mean(&ratios), mean_interval(&ratios), t_test(&ratios, 0.0)) {
        (Some(centre), Some([low, high]), Some(p)) if ratios.len() >= SEEDS_NEEDED => format!(
            "; over that of CE, {}: {} [{}, {}], p {} for equality",
            count(ratios.len(), "seed", "seeds"),
            number(centre.exp()),
            number(low.exp()),
            number(high.exp()),
            p_value(p)
        ),
        _ => String::new(),
    }
}
