//! The change of a quantity from some point of training to its end.

use memdil_records::EpochRecord;
use serde::Deserialize;

use super::kind::{Kind, PlannedUnit, Requirement, Units, Values, check_range, mismatched_unit};
use crate::declaration::effect::{Expect, Scale};
use crate::declaration::quantity;
use crate::runs::finished::FinishedRuns;
use crate::runs::planned::PlannedRuns;

/// Compares the last evaluation of a run with the evaluation at which the trend starts. A baseline
/// adds a second condition: the last value is on the expected side of the baseline at the same
/// evaluation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trend {
    /// The quantity that is compared.
    pub quantity: String,
    /// The scale of the comparison.
    pub scale: Scale,
    /// The start of the trend.
    pub from: Start,
    /// Another quantity of the same record, with which the last value is compared.
    #[serde(default)]
    pub baseline: Option<String>,
    /// The expected direction.
    pub expect: Expect,
}

/// The evaluation at which a trend starts.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// A quantity of the epoch records.
    pub quantity: String,
    /// The trend starts at the first evaluation at which the quantity reaches this value.
    pub at_least: f64,
}

impl Kind for Trend {
    fn check(&self) -> Result<(), String> {
        quantity::check("quantity", &self.quantity, false)?;
        check_range("from.at_least", self.from.at_least, true, "finite")?;
        quantity::check("from.quantity", &self.from.quantity, false)?;
        match &self.baseline {
            Some(baseline) => quantity::check("baseline", baseline, false),
            None => Ok(()),
        }
    }

    fn requirements(&self) -> Vec<Requirement> {
        let (quantity, from) = (&self.quantity, &self.from);
        let start = format!(
            "the last {quantity} to that of the first evaluation with {} of at least {}",
            from.quantity, from.at_least
        );
        let baseline = self.baseline.iter();
        let beyond = baseline.map(|baseline| format!("the last {quantity} to {baseline}"));
        std::iter::once(start)
            .chain(beyond)
            .map(|what| Requirement::compared(quantity, self.scale, &what, self.expect))
            .collect()
    }

    fn units(&self, planned: &PlannedRuns<'_>, runs: &[usize]) -> Units {
        let mut specs = runs.iter().map(|&run| planned.specs[run]);
        if let Some(spec) = specs.find(|spec| spec.training.evaluations() < 2) {
            let seed = spec.seed;
            return Err(format!(
                "a trend needs at least two evaluations per run, but fewer are planned for seed {seed}; \
                 add epochs to training.evaluate_at"
            ));
        }
        let units = runs.iter().map(|&run| (run, PlannedUnit::Trend(run)));
        Ok(units.collect())
    }

    fn values(&self, unit: &PlannedUnit, runs: &FinishedRuns<'_>) -> Values {
        let PlannedUnit::Trend(run) = unit else {
            return mismatched_unit();
        };
        let epochs = runs.get(*run)?.epochs()?;
        let Some(last) = epochs.last() else {
            return Err("the epochs were not kept".into());
        };
        let Start { quantity, at_least } = &self.from;
        let reached = |epoch: &&EpochRecord| epoch.quantity(quantity) >= Some(*at_least);
        let Some(first) = epochs.iter().find(reached) else {
            return Err(format!("{quantity} never reached {at_least}").into());
        };
        if first.epoch == last.epoch {
            return Err(format!("{quantity} reached {at_least} in the last epoch only").into());
        }
        let end = self.scaled(last, &self.quantity)?;
        let mut values = vec![end - self.scaled(first, &self.quantity)?];
        if let Some(baseline) = &self.baseline {
            values.push(end - self.scaled(last, baseline)?);
        }
        Ok(values)
    }
}

impl Trend {
    fn scaled(&self, epoch: &EpochRecord, path: &str) -> Result<f64, String> {
        let value = epoch.quantity(path);
        let value = value.ok_or_else(|| format!("{path} is not recorded or not defined"))?;
        self.scale.of(path, value)
    }
}
