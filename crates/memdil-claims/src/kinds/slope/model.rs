//! The slope of a quantity in $\lambda$ against that of the solved model.

use std::collections::BTreeMap;

use memdil_losses::Loss;
use memdil_theory::fit::{FitRow, fit_line};
use memdil_theory::memorization_dilation::solve;
use serde::Deserialize;

use super::regime::{
    self, check_gradient_norm, eta, is_penalty, log_lambda, positive_value, setting, slope,
};
use crate::SEEDS_NEEDED;
use crate::declaration::conditions::Conditions;
use crate::declaration::effect::Expect;
use crate::declaration::quantity;
use crate::error::ClaimError;
use crate::kinds::kind::{Kind, PlannedUnit, Requirement, Units, Values, is_in_range};
use crate::kinds::prediction::model::margin_loss;
use crate::panels::Panel;
use crate::runs::finished::{FinishedRuns, Run};
use crate::runs::no_value::NoValue;
use crate::runs::planned::PlannedRuns;
use crate::stats::{mean, mean_interval};
use crate::text::number;
use crate::verdict::Unit;

/// The slope of the logarithm of a relative dilation in $\log \lambda$ minus that of the
/// memorization-dilation model, solved for the penalties and the realised noise of the same runs.
/// $\lambda$ is the geometric mean of the model's $\lambda_W$ and $\lambda_H$. The constant
/// $C_{MD}$ is fitted to the `fit` runs of the other seeds. The claim is that both slopes are equal
/// up to the margin.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSlope {
    /// The relative dilation: `test.rho_nc1`, `test.rho` or `test.rho_correct`.
    pub quantity: String,
    /// Conditions on the runs that $C_{MD}$ is fitted to.
    pub fit: Conditions,
    /// The largest difference of the slopes that counts as equal, positive.
    pub margin: f64,
    /// A run with a larger norm of the gradient after the last epoch has no value.
    pub largest_gradient_norm: f64,
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
    pub lambda: f64,
    log_lambda: f64,
    /// The relative dilation of the run.
    pub measured: f64,
    /// Rho of the solved model.
    pub model: f64,
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
    c_md: f64,
}

impl Kind for ModelSlope {
    fn check(&self) -> Result<(), String> {
        is_in_range(
            "margin",
            self.margin,
            self.margin > 0.0,
            "above 0 and finite",
        )?;
        check_gradient_norm(self.largest_gradient_norm)?;
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
        is_penalty(key)
    }

    fn is_level(&self, key: &str) -> bool {
        is_penalty(key)
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

    fn units(&self, planned: &PlannedRuns<'_>, runs: &[usize]) -> Units {
        let seed_of = |run: usize| planned.specs[run].seed;
        let fitted = planned.holding(&planned.all(), &self.fit);
        let mut units = Vec::new();
        for levels in regime::levels(planned, runs)? {
            let mut fit = fitted.clone();
            fit.retain(|&run| seed_of(run) != seed_of(levels[0]));
            units.push((levels[0], PlannedUnit::ModelSlope { fit, levels }));
        }
        Ok(units)
    }

    fn values(&self, unit: &PlannedUnit, runs: &FinishedRuns<'_>) -> Values {
        let slopes = self.slopes(unit, runs)?;
        Ok(vec![slopes.measured - slopes.model; 2])
    }

    /// For each cell the two slopes, and the states of the runs that they are computed from.
    fn notes(&self, panel: &Panel, runs: &FinishedRuns<'_>) -> Result<Vec<String>, ClaimError> {
        let mut notes = Vec::new();
        let mut constants = BTreeMap::new();
        for cell in &panel.cells {
            let (mut measured, mut model) = (Vec::new(), Vec::new());
            for (seed, unit) in &cell.units {
                if let Some(slopes) = NoValue::or_undefined(self.slopes(unit, runs))? {
                    measured.push(slopes.measured);
                    model.push(slopes.model);
                    constants.insert(*seed, slopes.c_md);
                }
            }
            if let (Some(measured), Some(model)) = (with_interval(&measured), with_interval(&model))
            {
                notes.push(format!(
                    "{}: measured {measured}, model {model}.",
                    cell.label
                ));
            }
        }
        let constants: Vec<f64> = constants.into_values().collect();
        if let Some(c_md) = with_interval(&constants) {
            notes.push(format!("C_MD: {c_md}."));
        }
        notes.extend(states(panel, runs));
        Ok(notes)
    }
}

impl ModelSlope {
    fn slopes(&self, unit: &PlannedUnit, runs: &FinishedRuns<'_>) -> Result<Slopes, NoValue> {
        let (c_md, solved) = self.solved(unit, runs)?;
        let of = |rho: fn(&SolvedRun) -> f64| {
            let point = |run: &SolvedRun| (run.log_lambda, rho(run).ln());
            slope(&solved.iter().map(point).collect::<Vec<_>>())
        };
        Ok(Slopes {
            measured: of(|run| run.measured)?,
            model: of(|run| run.model)?,
            c_md,
        })
    }

    /// $C_{MD}$, and the runs of a unit beside the solved model.
    pub(crate) fn solved(
        &self,
        unit: &PlannedUnit,
        runs: &FinishedRuns<'_>,
    ) -> Result<(f64, Vec<SolvedRun>), NoValue> {
        let PlannedUnit::ModelSlope { fit, levels } = unit else {
            return Err("the unit belongs to another kind of test".into());
        };
        let fitted = runs
            .all(fit)
            .map_err(|reason| format!("a run that the constant is fitted to: {reason}"))?;
        let rows: Result<Vec<FitRow>, String> = fitted.iter().map(|run| self.row(run)).collect();
        let c_md = fit_line(&rows?).map_err(|error| error.to_string())?.c_md;
        let mut solved = Vec::new();
        for run in runs.all(levels)? {
            let spec = &run.record().spec;
            let setting = setting(run)?.noise(eta(run), c_md);
            let solution = solve(&setting, &margin_loss(spec)?).map_err(ClaimError::from)?;
            solved.push(SolvedRun {
                seed: spec.seed,
                loss: spec.loss.clone(),
                level: run.record().requested_noise,
                lambda: setting.lambda_h,
                log_lambda: log_lambda(&setting),
                measured: positive_value(run, &self.quantity, self.largest_gradient_norm)?,
                model: solution.rho().ok_or("the model predicts total collapse")?,
            });
        }
        Ok((c_md, solved))
    }

    fn row(&self, run: &Run<'_>) -> Result<FitRow, String> {
        let separation = run.last("test.separation")?;
        let eta = eta(run);
        Ok(FitRow {
            eta,
            memorization: match eta > 0.0 {
                true => run.last("memorization_mean")?,
                false => 0.0,
            },
            separation,
            radius: run.last(&self.quantity)? * separation,
            group: None,
        })
    }
}

/// The largest norm of the gradient and the smallest memorised share of the runs of a panel.
fn states(panel: &Panel, runs: &FinishedRuns<'_>) -> Option<String> {
    let mut all = Vec::new();
    for unit in panel.units() {
        if let PlannedUnit::ModelSlope { levels, .. } = unit {
            all.extend(runs.found(levels));
        }
    }
    let of = |quantity: &str| {
        all.iter()
            .filter_map(|run| run.last(quantity).ok())
            .collect::<Vec<f64>>()
    };
    let norm = of("gradient_norm").into_iter().reduce(f64::max)?;
    let shares = of("memorized_as_given");
    let share = shares.iter().copied().reduce(f64::min)?;
    Some(format!(
        "Memorised share: {} on average, {} at least; norm of the gradient: {} at most.",
        number(mean(&shares)?),
        number(share),
        number(norm)
    ))
}

/// The mean, with its 95% interval if there are enough seeds.
fn with_interval(values: &[f64]) -> Option<String> {
    let centre = mean(values)?;
    Some(
        match mean_interval(values).filter(|_| values.len() >= SEEDS_NEEDED) {
            Some([low, high]) => format!("{} [{}, {}]", number(centre), number(low), number(high)),
            None => number(centre),
        },
    )
}
