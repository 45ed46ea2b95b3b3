//! A quantity at the end of training beside its beginning.

use memdil_records::EpochRecord;
use serde::Deserialize;

use super::kind::{Kind, PlannedUnit, Requirement, Units, Values, nothing, number};
use crate::declaration::effect::{Expect, Scale};
use crate::declaration::quantity;
use crate::runs::finished::FinishedRuns;
use crate::runs::planned::PlannedRuns;

/// Along training: the last evaluation against the first from which the trend counts. With a
/// baseline, a second condition: the last value lies on the expected side of the baseline of the
/// same evaluation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trend {
    /// What is compared.
    pub quantity: String,
    /// As a ratio or as a difference.
    pub scale: Scale,
    /// From when.
    pub from: Start,
    /// Another quantity of the same record.
    #[serde(default)]
    pub baseline: Option<String>,
    /// The expected side.
    pub expect: Expect,
}

/// The evaluation from which a trend counts.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// A quantity of the epoch records.
    pub quantity: String,
    /// The trend begins at the first evaluation that reaches this value.
    pub at_least: f64,
}

impl Kind for Trend {
    fn check(&self) -> Result<(), String> {
        quantity::check("quantity", &self.quantity, false)?;
        number("from.at_least", self.from.at_least, true, "finite")?;
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
                "needs two evaluations in a run, and one is planned for seed {seed}"
            ));
        }
        let units = runs.iter().map(|&run| (run, PlannedUnit::Trend(run)));
        Ok(units.collect())
    }

    fn values(&self, unit: &PlannedUnit, runs: &FinishedRuns<'_>) -> Values {
        let PlannedUnit::Trend(run) = unit else {
            return nothing();
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
