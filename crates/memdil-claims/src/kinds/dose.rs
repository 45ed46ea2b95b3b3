//! Correlation of a dose with a response over the values of a setting.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::kind::{Kind, PlannedUnit, Requirement, Units, Values, mismatched_unit};
use crate::declaration::conditions::Conditions;
use crate::declaration::effect::{Expect, Scale};
use crate::declaration::quantity;
use crate::declaration::settings::shown;
use crate::runs::finished::FinishedRuns;
use crate::runs::planned::PlannedRuns;
use crate::stats::spearman;
use crate::verdict::Unit;

/// Spearman's correlation of a dose with a response over the values of a setting (at least five).
/// If a reference is declared, the response is compared with that of the reference run.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dose {
    /// The setting that varies.
    pub over: String,
    /// The quantity that may drive the response.
    pub dose: String,
    /// The quantity that responds; it must be positive for ratios.
    pub response: String,
    /// The scale of the comparison with the reference; default: a ratio.
    #[serde(default)]
    pub scale: Scale,
    /// The settings in which the reference run differs.
    #[serde(default)]
    pub reference: Conditions,
    /// The expected side.
    pub expect: Expect,
}

/// The number of values of a setting that a rank correlation needs.
const LEVELS_NEEDED: usize = 5;

/// Runs, each with its reference run if one is declared.
type Levels = Vec<(usize, Option<usize>)>;

impl Kind for Dose {
    fn check(&self) -> Result<(), String> {
        quantity::check("dose", &self.dose, false)?;
        quantity::check("response", &self.response, false)
    }

    fn conditions(&self) -> Vec<(&'static str, &Conditions)> {
        vec![("reference", &self.reference)]
    }

    fn is_level(&self, key: &str) -> bool {
        key == self.over
    }

    fn requirements(&self) -> Vec<Requirement> {
        let (over, dose, response) = (&self.over, &self.dose, &self.response);
        let compared = match self.reference.is_empty() {
            true => response.clone(),
            false => format!(
                "the {} of {response} to the reference run's",
                self.scale.word()
            ),
        };
        let what = format!("rank correlation over {over} of {dose} with {compared}");
        vec![Requirement::new(what, Unit::RankCorrelation, self.expect)]
    }

    fn units(&self, planned: &PlannedRuns<'_>, runs: &[usize]) -> Units {
        let mut levels: BTreeSet<String> = BTreeSet::new();
        let mut units: Vec<(usize, Levels)> = Vec::new();
        for &run in runs {
            let mut reference = None;
            if !self.reference.is_empty() {
                reference = planned.reference(run, &self.reference);
                if reference.is_none() {
                    continue;
                }
            }
            levels.insert(shown(planned.setting(run, &self.over)));
            let unit = units
                .iter_mut()
                .find(|(first, _)| planned.matches(*first, run, |key| key == self.over));
            match unit {
                Some((_, runs)) => runs.push((run, reference)),
                None => units.push((run, vec![(run, reference)])),
            }
        }
        if levels.len() < LEVELS_NEEDED {
            return Err(self.too_few(planned, levels.len()));
        }
        let number = |run: usize| {
            planned
                .setting(run, &self.over)
                .as_f64()
                .unwrap_or_default()
        };
        let mut complete = Vec::new();
        for (first, mut runs) in units {
            if runs.len() >= LEVELS_NEEDED {
                runs.sort_by(|a, b| number(a.0).total_cmp(&number(b.0)));
                complete.push((first, PlannedUnit::Levels(runs)));
            }
        }
        Ok(complete)
    }

    fn values(&self, unit: &PlannedUnit, runs: &FinishedRuns<'_>) -> Values {
        let PlannedUnit::Levels(levels) = unit else {
            return mismatched_unit();
        };
        let (dose, response) = (&self.dose, &self.response);
        let scaled = |run: usize| self.scale.of(response, runs.get(run)?.last(response)?);
        let (mut doses, mut responses) = (Vec::new(), Vec::new());
        for &(run, reference) in levels {
            doses.push(runs.get(run)?.last(dose)?);
            responses.push(scaled(run)? - reference.map_or(Ok(0.0), scaled)?);
        }
        let correlation = spearman(&doses, &responses);
        let same = || format!("{dose} or {response} is the same at all levels");
        Ok(vec![correlation.ok_or_else(same)?])
    }
}

impl Dose {
    fn too_few(&self, planned: &PlannedRuns<'_>, levels: usize) -> String {
        let over = &self.over;
        if !planned
            .settings
            .iter()
            .any(|settings| settings.0.contains_key(over))
        {
            return format!("over: no run has a setting '{over}'");
        }
        format!(
            "over: {over} has {levels} values in the planned runs with a reference; at least {LEVELS_NEEDED} are needed"
        )
    }
}
