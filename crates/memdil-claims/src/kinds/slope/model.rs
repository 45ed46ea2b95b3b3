//! The slope of a quantity in $\lambda$ against that of the solved model.

use std::collections::BTreeMap;

use memdil_losses::Loss;
use memdil_theory::fit::{Constants, fit_line};
use memdil_theory::memorization_dilation::solve;
use serde::Deserialize;

use super::regime::{
    check_largest_gradient, follows_lambda, log_lambda, over_lambda, positive_value, setting, slope,
};
use crate::SEEDS_NEEDED;
use crate::declaration::conditions::Conditions;
use crate::declaration::effect::Expect;
use crate::declaration::quantity;
use crate::error::ClaimError;
use crate::kinds::constants::{fit_row, margin_loss};
use crate::kinds::kind::{
    Cell, Kind, MISMATCHED_UNIT, PlannedUnit, Requirement, Units, Values, check_range,
};
use crate::runs::finished::FinishedRuns;
use crate::runs::no_value::NoValue;
use crate::runs::planned::PlannedRuns;
use crate::stats::{mean, mean_interval};
use crate::text::number;
use crate::verdict::Unit;

/// The slope of the logarithm of a relative dilation in $\log \lambda$ minus that of the
/// memorization-dilation model, solved for the penalties and the realised noise of the same runs.
/// $\lambda$ is the geometric mean of the model's $\lambda_W$ and $\lambda_H$. The constant
/// $C_{MD}$ is fitted to the `fit` runs of the other seeds. The claim is that both slopes are equal
/// up to the margin. The dilation of clean networks, $\rho_0$ of the fit, is not part of the model's
/// slope; the notes have the slope with it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSlope {
    /// The relative dilation: `test.rho_nc1`, `test.rho` or `test.rho_correct`.
    pub quantity: String,
    /// Conditions on the runs that $C_{MD}$ is fitted to.
    pub fit: Conditions,
    /// The largest difference of the slopes that counts as equal, positive.
    pub margin: f64,
    /// A run with a larger `gradient_over_decay` after the last epoch has no value.
    pub largest_gradient_over_decay: f64,
}

/// A run beside the model, solved for its penalties and its noise.
#[derive(Clone, Debug, PartialEq)]
pub struct SolvedRun {
    /// The seed of the run.
    pub seed: u64,
    /// The loss of the run.
    pub loss: Loss,
    /// The requested noise level.
    pub level: f64,
    /// The model's $\lambda_H$.
    pub lambda_h: f64,
    log_lambda: f64,
    /// The relative dilation of the run.
    pub measured: f64,
    /// Rho of the solved model.
    pub model: f64,
    /// The share of misclassified test samples.
    pub test_error: f64,
}

/// The runs of one panel of a slope test.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelSlopes {
    /// The data set, and the settings that distinguish the panel.
    pub panel: String,
    /// The quantity that is compared with rho of the model.
    pub quantity: String,
    /// The runs, ordered by cell, then by seed.
    pub runs: Vec<SolvedRun>,
}

/// The slopes of a seed.
struct Slopes {
    measured: f64,
    model: f64,
    /// The slope of $\rho_0 + \rho$; `None` if it is not positive everywhere.
    with_rho_0: Option<f64>,
    c_md: f64,
}

impl Kind for ModelSlope {
    fn check(&self) -> Result<(), String> {
        check_range(
            "margin",
            self.margin,
            self.margin > 0.0,
            "above 0 and finite",
        )?;
        check_largest_gradient(self.largest_gradient_over_decay)?;
        quantity::check("quantity", &self.quantity, false)?;
        let relative = ["test.rho_nc1", "test.rho", "test.rho_correct"];
        if relative.contains(&self.quantity.as_str()) {
            return Ok(());
        }
        Err(format!(
            "quantity: {} is not a relative dilation; choose one of {}",
            self.quantity,
            relative.join(", ")
        ))
    }

    fn conditions(&self) -> Vec<(&'static str, &Conditions)> {
        vec![("fit", &self.fit)]
    }

    /// The conditions of `fit` choose runs for the constant, not sides of a comparison.
    fn decides(&self, key: &str) -> bool {
        follows_lambda(key)
    }

    fn is_level(&self, key: &str) -> bool {
        follows_lambda(key)
    }

    fn requirements(&self) -> Vec<Requirement> {
        let quantity = &self.quantity;
        let bounds = [(Expect::Above, -self.margin), (Expect::Below, self.margin)];
        let within = bounds.map(|(expect, bound)| {
            let what = format!(
                "slope of log {quantity} in log lambda, minus that of the solved model, {} {bound}",
                expect.word()
            );
            Requirement {
                bound,
                ..Requirement::new(what, Unit::Exponent, expect)
            }
        });
        within.to_vec()
    }

    /// One unit per seed and setting. The constants are fitted to runs that differ from it only in
    /// seed, loss, noise, lambda, and the settings that `fit` chooses.
    fn units(&self, planned: &PlannedRuns<'_>, runs: &[usize]) -> Units {
        let fitted = planned.holding(&planned.all(), &self.fit);
        let free = |key: &str| {
            let varies = key.starts_with("loss.") || key.starts_with("noise.");
            varies || follows_lambda(key) || self.fit.decides(key)
        };
        let mut units = Vec::new();
        for levels in over_lambda(planned, runs)? {
            let first = levels[0];
            let mut fit = fitted.clone();
            fit.retain(|&run| {
                planned.specs[run].seed != planned.specs[first].seed
                    && planned.agree(run, first, free)
            });
            units.push((first, PlannedUnit::ModelSlope { fit, levels }));
        }
        Ok(units)
    }

    fn values(&self, unit: &PlannedUnit, runs: &FinishedRuns<'_>) -> Values {
        let slopes = self.slopes(unit, runs)?;
        Ok(vec![slopes.measured - slopes.model; 2])
    }

    /// For each cell its slopes, then the constant, and the states in which the runs ended.
    fn notes(&self, cells: &[Cell], runs: &FinishedRuns<'_>) -> Result<Vec<String>, ClaimError> {
        let mut notes = Vec::new();
        let mut constants = BTreeMap::new();
        for cell in cells {
            let mut slopes = Vec::new();
            for (seed, unit) in &cell.units {
                if let Some(found) = NoValue::or_undefined(self.slopes(unit, runs))? {
                    constants.insert(*seed, found.c_md);
                    slopes.push(found);
                }
            }
            let of = |part: fn(&Slopes) -> f64| slopes.iter().map(part).collect::<Vec<f64>>();
            let (measured, model) = (of(|s| s.measured), of(|s| s.model));
            if let (Some(measured), Some(model)) = (with_interval(&measured), with_range(&model)) {
                notes.push(format!(
                    "{}: measured slope {measured}, model {model}.",
                    cell.label
                ));
            }
            let with_rho_0: Vec<f64> = slopes.iter().filter_map(|s| s.with_rho_0).collect();
            if let Some(with_rho_0) = with_range(&with_rho_0) {
                notes.push(format!(
                    "With the fitted rho of clean networks added, the model's slope is {with_rho_0}."
                ));
            }
        }
        let constants: Vec<f64> = constants.into_values().collect();
        notes.extend(with_range(&constants).map(|c_md| format!("C_MD: {c_md}.")));
        notes.extend(final_states(cells, runs));
        Ok(notes)
    }
}

impl ModelSlope {
    fn slopes(&self, unit: &PlannedUnit, runs: &FinishedRuns<'_>) -> Result<Slopes, NoValue> {
        let (constants, solved) = self.solved(unit, runs)?;
        let of = |rho: &dyn Fn(&SolvedRun) -> f64| {
            let point = |run: &SolvedRun| (run.log_lambda, rho(run).ln());
            slope(&solved.iter().map(point).collect::<Vec<_>>())
        };
        let rho_0 = constants.rho_0;
        // A negative rho_0 can outweigh rho of the model.
        let positive = solved.iter().all(|run| rho_0 + run.model > 0.0);
        Ok(Slopes {
            measured: of(&|run| run.measured)?,
            model: of(&|run| run.model)?,
            with_rho_0: match positive {
                true => Some(of(&|run| rho_0 + run.model)?),
                false => None,
            },
            c_md: constants.c_md,
        })
    }

    /// The fitted constants, and the runs of a unit beside the solved model.
    pub(crate) fn solved(
        &self,
        unit: &PlannedUnit,
        runs: &FinishedRuns<'_>,
    ) -> Result<(Constants, Vec<SolvedRun>), NoValue> {
        let PlannedUnit::ModelSlope { fit, levels } = unit else {
            return Err(MISMATCHED_UNIT.into());
        };
        let value = |run| positive_value(run, &self.quantity, self.largest_gradient_over_decay);
        let mut rows = Vec::new();
        for run in runs
            .all(fit)
            .map_err(|reason| format!("a run that the constant is fitted to: {reason}"))?
        {
            if value(run).is_ok() {
                rows.push(fit_row(run, &self.quantity)?);
            }
        }
        let constants = fit_line(&rows).map_err(|error| error.to_string())?;
        let mut solved = Vec::new();
        for run in runs.all(levels)? {
            let spec = &run.record().spec;
            let setting = setting(run)?;
            let setting = setting.noise(setting.eta, constants.c_md);
            let solution = solve(&setting, &margin_loss(spec)?).map_err(ClaimError::from)?;
            let rho = solution.rho().filter(|rho| *rho > 0.0);
            solved.push(SolvedRun {
                seed: spec.seed,
                loss: spec.loss.clone(),
                level: run.record().requested_noise,
                lambda_h: setting.lambda_h,
                log_lambda: log_lambda(&setting),
                measured: value(run)?,
                model: rho.ok_or("rho of the solved model is zero or not defined")?,
                test_error: 1.0 - run.last("test.accuracy")?,
            });
        }
        Ok((constants, solved))
    }
}

/// The memorised shares and the gradients of the runs of a panel.
fn final_states(cells: &[Cell], runs: &FinishedRuns<'_>) -> Option<String> {
    let mut all = Vec::new();
    for unit in cells.iter().flat_map(|cell| cell.units.values()) {
        if let PlannedUnit::ModelSlope { levels, .. } = unit {
            all.extend(runs.found(levels));
        }
    }
    let of = |quantity: &str| {
        let values = all.iter().filter_map(|run| run.last(quantity).ok());
        values.collect::<Vec<f64>>()
    };
    let largest = |quantity: &str| of(quantity).into_iter().reduce(f64::max);
    let shares = of("memorized_as_given");
    Some(format!(
        "Memorised share: {} on average, {} at least; gradient_norm: {} at most, gradient_over_decay: {} at most.",
        number(mean(&shares)?),
        number(shares.iter().copied().reduce(f64::min)?),
        number(largest("gradient_norm")?),
        number(largest("gradient_over_decay")?)
    ))
}

/// The mean, with its 95% interval if there are enough seeds.
fn with_interval(values: &[f64]) -> Option<String> {
    let centre = number(mean(values)?);
    let enough = values.len() >= SEEDS_NEEDED;
    Some(match mean_interval(values).filter(|_| enough) {
        Some([low, high]) => format!("{centre} [{}, {}]", number(low), number(high)),
        None => centre,
    })
}

/// The mean and the range of estimates that share most of their data, for which there is no
/// interval.
fn with_range(values: &[f64]) -> Option<String> {
    let least = values.iter().copied().reduce(f64::min)?;
    let most = values.iter().copied().reduce(f64::max)?;
    Some(format!(
        "{} (from {} to {} over seeds)",
        number(mean(values)?),
        number(least),
        number(most)
    ))
}
