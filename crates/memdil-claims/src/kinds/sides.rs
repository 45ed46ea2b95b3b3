//! The two sides of a comparison of runs.

use memdil_metrics::{correct, dilation, rho};
use memdil_records::{Snapshot, SnapshotPart};
use ndarray::Axis;

use super::kind::{Pair, Requirement};
use crate::declaration::conditions::Conditions;
use crate::declaration::effect::{Expect, Scale};
use crate::declaration::quantity;
use crate::runs::finished::{FinishedRuns, Run};
use crate::runs::no_value::NoValue;
use crate::runs::planned::PlannedRuns;
use crate::stats::mean;

/// The quantity that is compared, and the conditions on the runs of both sides.
pub(super) struct Sides<'a> {
    quantity: &'a str,
    scale: Scale,
    of: &'a Conditions,
    against: &'a Conditions,
}

impl<'a> Sides<'a> {
    pub(super) fn new(
        quantity: &'a str,
        scale: Scale,
        of: &'a Conditions,
        against: &'a Conditions,
    ) -> Self {
        Self {
            quantity,
            scale,
            of,
            against,
        }
    }

    pub(super) fn conditions(&self) -> Vec<(&'static str, &'a Conditions)> {
        vec![("of", self.of), ("against", self.against)]
    }

    /// Checks the quantity; `pairs` allows the quantities of pairs of runs too.
    pub(super) fn check(&self, pairs: bool) -> Result<(), String> {
        quantity::check("quantity", self.quantity, pairs)
    }

    /// A requirement with the bound zero. Its description is the quantity, followed by `what`.
    pub(super) fn requirement(&self, what: &str, expect: Expect) -> Requirement {
        let what = format!("{} {what}", self.quantity);
        Requirement::compared(self.quantity, self.scale, &what, expect)
    }

    /// The runs of the `of` side, each with all runs of the `against` side that agree with it in
    /// the settings that the conditions do not determine.
    pub(super) fn pairs(&self, planned: &PlannedRuns<'_>, runs: &[usize]) -> Vec<Pair> {
        let candidates = planned.holding(runs, self.against);
        let free = |key: &str| self.of.decides(key) || self.against.decides(key);
        let mut pairs = Vec::new();
        for of in planned.holding(runs, self.of) {
            let partner = |&other: &usize| other != of && planned.matches(of, other, free);
            let against: Vec<usize> = candidates.iter().copied().filter(partner).collect();
            if !against.is_empty() {
                pairs.push(Pair { of, against });
            }
        }
        pairs
    }

    pub(super) fn difference(&self, pair: &Pair, runs: &FinishedRuns<'_>) -> Result<f64, NoValue> {
        let (quantity, scale) = (self.quantity, self.scale);
        if quantity::is_pair_quantity(quantity) {
            let both = [runs.get(pair.of)?, runs.get(pair.against[0])?];
            let [of, against] = pair_values(quantity, both)?;
            return Ok(scale.of(quantity, of)? - scale.of(quantity, against)?);
        }
        let value = |run: usize| scale.of(quantity, runs.get(run)?.last(quantity)?);
        let of = value(pair.of)?;
        let against: Result<Vec<f64>, String> =
            pair.against.iter().map(|&run| value(run)).collect();
        Ok(of - mean(&against?).ok_or("not run")?)
    }
}

/// The values of a pair quantity for both runs, computed on the test samples that both classify
/// correctly.
fn pair_values(path: &str, [of, against]: [&Run<'_>; 2]) -> Result<[f64; 2], NoValue> {
    let classes = of.classes();
    let (of, against) = (of.snapshot()?, against.snapshot()?);
    let (Some(Snapshot { test: of, .. }), Some(Snapshot { test: against, .. })) = (of, against)
    else {
        return Err("the features of a run were not kept".into());
    };
    if of.labels != against.labels {
        return Err("the runs of a pair have different test samples".into());
    }
    if of.logits.ncols() != classes {
        return Err(format!("{path} is not defined for latent classes").into());
    }
    let labels = of.labels.to_vec();
    let undefined = |reason| format!("{path} is not defined: {reason}");
    let mut both = correct(of.logits.view(), &labels).map_err(undefined)?;
    let right = correct(against.logits.view(), &labels).map_err(undefined)?;
    both.retain(|row| right.binary_search(row).is_ok());
    let labels: Vec<u32> = both.iter().map(|&row| labels[row]).collect();
    let value = |part: &SnapshotPart| {
        let features = part.features.select(Axis(0), &both);
        let found = match path {
            "pair.rho_correct" => rho(features.view(), &labels, classes),
            _ => dilation(features.view(), &labels, classes),
        };
        found.map_err(undefined)
    };
    Ok([value(&of)?, value(&against)?])
}
