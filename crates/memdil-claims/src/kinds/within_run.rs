//! Correlation of a dose with a response during training.

use memdil_records::EpochRecord;
use serde::Deserialize;

use super::kind::{Kind, PlannedUnit, Requirement, Units, Values, mismatched_unit};
use crate::declaration::conditions::Conditions;
use crate::declaration::effect::{Expect, Scale};
use crate::declaration::quantity;
use crate::runs::finished::FinishedRuns;
use crate::runs::planned::PlannedRuns;
use crate::stats::{mean, spearman};
use crate::verdict::Unit;

/// Spearman's correlation of the increments of a dose with those of a response during training,
/// minus the mean of the same correlation with the doses of the other seeds. The response is the
/// log ratio (or the difference) to the response of a reference run at the same epoch. A second
/// condition: from the evaluation with the smallest dose to the last evaluation, the response
/// itself moves in the expected direction.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithinRun {
    /// The quantity that may drive the response.
    pub dose: String,
    /// The quantity that responds; it must be positive for ratios.
    pub response: String,
    /// The scale of the comparison with the reference; default: a ratio.
    #[serde(default)]
    pub scale: Scale,
    /// The settings in which the reference run differs.
    pub reference: Conditions,
    /// The expected side.
    pub expect: Expect,
}

/// The number of increments that a course needs; it needs one more evaluation than increments.
const INCREMENTS: usize = 12;
/// The number of other seeds that the control of a course needs.
const OTHERS: usize = 2;

impl Kind for WithinRun {
    fn check(&self) -> Result<(), String> {
        quantity::check("dose", &self.dose, false)?;
        quantity::check("response", &self.response, false)
    }

    fn conditions(&self) -> Vec<(&'static str, &Conditions)> {
        vec![("reference", &self.reference)]
    }

    fn requirements(&self) -> Vec<Requirement> {
        let (dose, response, scale) = (&self.dose, &self.response, self.scale);
        let follows = format!(
            "rank correlation of the increments of {dose} with those of the {} of {response} to the reference run's, minus \
             its mean with the {dose} of other seeds",
            scale.word()
        );
        let moves = format!("the last {response} to that at the evaluation with the least {dose}");
        vec![
            Requirement::new(follows, Unit::RankCorrelation, self.expect),
            Requirement::compared(response, scale, &moves, self.expect),
        ]
    }

    /// The runs, each with its reference and the matching runs of other seeds.
    fn units(&self, planned: &PlannedRuns<'_>, runs: &[usize]) -> Units {
        let mut units = Vec::new();
        for &run in runs {
            let needed = INCREMENTS + 1;
            let evaluations = planned.specs[run].training.evaluations();
            if evaluations < needed {
                return Err(format!(
                    "needs {needed} evaluations per run, but {evaluations} are planned; add epochs to \
                     training.evaluate_at"
                ));
            }
            let others = planned.other_seeds(run, runs);
            let reference = planned.reference(run, &self.reference);
            if let Some(reference) = reference.filter(|_| others.len() >= OTHERS) {
                let course = PlannedUnit::Course {
                    run,
                    reference,
                    others,
                };
                units.push((run, course));
            }
        }
        Ok(units)
    }

    fn values(&self, unit: &PlannedUnit, runs: &FinishedRuns<'_>) -> Values {
        let PlannedUnit::Course {
            run,
            reference,
            others,
        } = unit
        else {
            return mismatched_unit();
        };
        let (dose, response) = (&self.dose, &self.response);
        let own = runs.get(*run)?.epochs()?;
        let reference = runs.get(*reference);
        let clean = reference
            .map_err(|reason| format!("the reference run: {reason}"))?
            .epochs()?;
        let relative = self.relative_course(own, clean);
        let with_own = self.increments(own, &relative).ok_or_else(|| {
            format!(
                "fewer than {INCREMENTS} increments of {dose} and {response} are recorded, or one of them is constant"
            )
        })?;
        let mut with_others = Vec::new();
        for &other in others {
            if let Ok(other) = runs.get(other) {
                with_others.extend(self.increments(other.epochs()?, &relative));
            }
        }
        if with_others.len() < OTHERS {
            let reason = format!("fewer than {OTHERS} other seeds to compare with");
            return Err(reason.into());
        }
        let (Some(control), Some(rise)) = (mean(&with_others), self.rise(own)) else {
            return Err(format!("{dose} or {response} is not defined").into());
        };
        Ok(vec![with_own - control, rise])
    }
}

impl WithinRun {
    /// The response on its scale; `None` if it is not defined.
    fn scaled(&self, epoch: &EpochRecord) -> Option<f64> {
        let value = epoch.quantity(&self.response)?;
        self.scale.of(&self.response, value).ok()
    }

    /// The response of a run relative to its reference, for the epochs at which both have one.
    fn relative_course(&self, own: &[EpochRecord], clean: &[EpochRecord]) -> Vec<(usize, f64)> {
        let compared = |epoch: &EpochRecord| {
            let same = clean.iter().find(|other| other.epoch == epoch.epoch)?;
            Some((epoch.epoch, self.scaled(epoch)? - self.scaled(same)?))
        };
        own.iter().filter_map(compared).collect()
    }

    /// The rank correlation of the increments of the dose with those of a course.
    fn increments(&self, epochs: &[EpochRecord], course: &[(usize, f64)]) -> Option<f64> {
        let point = |&(number, response): &(usize, f64)| {
            let epoch = epochs.iter().find(|epoch| epoch.epoch == number)?;
            Some((epoch.quantity(&self.dose)?, response))
        };
        let points: Vec<(f64, f64)> = course.iter().filter_map(point).collect();
        let steps = points
            .windows(2)
            .map(|pair| (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1));
        let (doses, responses): (Vec<f64>, Vec<f64>) = steps.unzip();
        if doses.len() < INCREMENTS {
            return None;
        }
        spearman(&doses, &responses)
    }

    /// The last response minus the response at the smallest dose.
    fn rise(&self, epochs: &[EpochRecord]) -> Option<f64> {
        let point = |epoch: &EpochRecord| Some((epoch.quantity(&self.dose)?, self.scaled(epoch)?));
        let points: Vec<(f64, f64)> = epochs.iter().filter_map(point).collect();
        let (_, last) = points.last()?;
        let (_, least) = points.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
        Some(last - least)
    }
}
