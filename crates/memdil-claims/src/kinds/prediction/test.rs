//! The kind of test for out-of-sample predictions of a model.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::competitors::{Competitor, competitors};
use super::model::{PredictedRun, errors, predictions};
use super::notes::{FittedAndTested, notes};
use super::predictor::Predictor;
use crate::declaration::conditions::Conditions;
use crate::declaration::effect::Expect;
use crate::error::ClaimError;
use crate::kinds::kind::{Cell, Kind, PlannedUnit, Requirement, Units, Values, mismatched_unit};
use crate::runs::finished::FinishedRuns;
use crate::runs::no_value::NoValue;
use crate::runs::planned::PlannedRuns;
use crate::verdict::Unit;

/// A model predicts rho (from NC1) of all runs outside `fit`. For each seed its constants are
/// fitted to the `fit` runs of the other seeds. Its mean squared error must be smaller than that of
/// a line in the noise level and that of the mean, both fitted to the same runs, or than that of
/// another model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictionTest {
    /// Conditions on the runs that the constants are fitted to.
    pub fit: Conditions,
    /// The model.
    #[serde(default)]
    pub model: Predictor,
    /// The model to compare with, instead of the line and the mean.
    pub against: Option<Predictor>,
}

impl PredictionTest {
    /// The predictions of the claim's model for a unit; empty if a run is missing.
    pub(crate) fn predicted(
        &self,
        unit: &PlannedUnit,
        runs: &FinishedRuns<'_>,
    ) -> Result<Vec<PredictedRun>, ClaimError> {
        let PlannedUnit::Prediction { fit, test } = unit else {
            return Ok(Vec::new());
        };
        let found = runs.all(fit).and_then(|fit| Ok((fit, runs.all(test)?)));
        let Ok((fit, test)) = found else {
            return Ok(Vec::new());
        };
        let predicted = NoValue::or_undefined(predictions(self.model, &fit, &test))?;
        Ok(predicted.unwrap_or_default())
    }

    /// All models and baselines on the runs of these units; units with a missing run are left out.
    pub(crate) fn competitors(
        units: &[&PlannedUnit],
        runs: &FinishedRuns<'_>,
    ) -> Result<Vec<Competitor>, ClaimError> {
        let mut found: Vec<FittedAndTested<'_, '_>> = Vec::new();
        for unit in units {
            if let PlannedUnit::Prediction { fit, test } = unit
                && let (Ok(_), Ok(_)) = (runs.all(fit), runs.all(test))
            {
                found.push((runs.found(fit), runs.found(test)));
            }
        }
        competitors(&found)
    }
}

impl Kind for PredictionTest {
    fn conditions(&self) -> Vec<(&'static str, &Conditions)> {
        vec![("fit", &self.fit)]
    }

    fn check(&self) -> Result<(), String> {
        if self.against == Some(self.model) {
            return Err("model and against are the same; name two models".to_owned());
        }
        Ok(())
    }

    fn requirements(&self) -> Vec<Requirement> {
        let below = |other: &str| {
            let what = format!("log ratio of the model's mean squared error to that of {other}");
            Requirement::new(what, Unit::Percent, Expect::Below)
        };
        match self.against {
            Some(other) => vec![below(&format!("the {}", other.name()))],
            None => ["a line in the noise level", "the mean of the fitted runs"]
                .map(below)
                .to_vec(),
        }
    }

    /// One unit per seed: its runs outside `fit`, and the `fit` runs of the other seeds.
    fn units(&self, planned: &PlannedRuns<'_>, runs: &[usize]) -> Units {
        let seed_of = |run: usize| planned.specs[run].seed;
        let (fitted, others): (Vec<usize>, Vec<usize>) = runs
            .iter()
            .partition(|run| self.fit.hold(&planned.settings[**run]));
        let seeds: BTreeSet<u64> = others.iter().map(|&run| seed_of(run)).collect();
        let mut units = Vec::new();
        for seed in seeds {
            let (mut fit, mut test) = (fitted.clone(), others.clone());
            fit.retain(|&run| seed_of(run) != seed);
            test.retain(|&run| seed_of(run) == seed);
            units.push((test[0], PlannedUnit::Prediction { fit, test }));
        }
        Ok(units)
    }

    /// Log ratios of the model's error to those of the two baselines, or to that of the other model.
    fn values(&self, unit: &PlannedUnit, runs: &FinishedRuns<'_>) -> Values {
        let PlannedUnit::Prediction { fit, test } = unit else {
            return mismatched_unit();
        };
        // A seed has a value only if all its runs exist: a mean error over fewer runs would not be
        // comparable with those of the other seeds.
        let fit = runs
            .all(fit)
            .map_err(|reason| format!("a run that the constants are fitted to: {reason}"))?;
        let test = runs.all(test)?;
        let own = errors(self.model, &fit, &test)?;
        let others = match self.against {
            Some(other) => vec![errors(other, &fit, &test)?.model],
            None => vec![own.line, own.mean],
        };
        let ratios = others.into_iter().map(|other| (own.model / other).ln());
        let ratios: Vec<f64> = ratios.collect();
        if ratios.iter().any(|ratio| !ratio.is_finite()) {
            return Err("an error is zero".into());
        }
        Ok(ratios)
    }

    fn notes(&self, cells: &[Cell], runs: &FinishedRuns<'_>) -> Result<Vec<String>, ClaimError> {
        let mut units = Vec::new();
        for unit in cells.iter().flat_map(|cell| cell.units.values()) {
            if let PlannedUnit::Prediction { fit, test } = unit {
                units.push((runs.found(fit), runs.found(test)));
            }
        }
        notes(self.model, &units)
    }
}
