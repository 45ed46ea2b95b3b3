//! Comparisons of paired runs of the same seed: superiority and non-inferiority.

use serde::Deserialize;

use super::kind::{Kind, PlannedUnit, Requirement, Units, Values, check_range, mismatched_unit};
use super::sides::Sides;
use crate::declaration::conditions::Conditions;
use crate::declaration::effect::{Expect, Scale};
use crate::runs::finished::FinishedRuns;
use crate::runs::planned::PlannedRuns;

/// Compares runs `of` one setting with runs `against` another that are equal in all other settings
/// and in the seed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paired {
    /// The quantity that is compared.
    pub quantity: String,
    /// The scale of the comparison.
    pub scale: Scale,
    /// Conditions on the runs of interest.
    pub of: Conditions,
    /// Conditions on the runs that they are compared with.
    pub against: Conditions,
    /// The expected side of the margin.
    pub expect: Expect,
    /// The effect must exceed this margin, in units of the scale.
    #[serde(default)]
    pub margin: f64,
}

/// A comparison as in [`Paired`]. The claim is that the runs `of` one setting are worse than the
/// runs `against` the other by less than the margin.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NonInferior {
    /// The quantity that is compared.
    pub quantity: String,
    /// The scale of the comparison.
    pub scale: Scale,
    /// Conditions on the runs of interest.
    pub of: Conditions,
    /// Conditions on the runs that they are compared with.
    pub against: Conditions,
    /// The direction in which the quantity improves.
    pub better: Expect,
    /// The largest tolerable loss, positive, in units of the scale.
    pub margin: f64,
}

/// A comparison of pairs of runs with a bound.
pub(super) trait ComparesPairs {
    fn sides(&self) -> Sides<'_>;

    /// The expected side, and the bound.
    fn bounded(&self) -> (Expect, f64);

    fn check_margin(&self) -> Result<(), String>;
}

impl ComparesPairs for Paired {
    fn sides(&self) -> Sides<'_> {
        Sides::new(&self.quantity, self.scale, &self.of, &self.against)
    }

    fn bounded(&self) -> (Expect, f64) {
        (self.expect, self.margin * self.expect.sign())
    }

    fn check_margin(&self) -> Result<(), String> {
        let valid = self.margin >= 0.0;
        check_range("margin", self.margin, valid, "at least 0 and finite")
    }
}

impl ComparesPairs for NonInferior {
    fn sides(&self) -> Sides<'_> {
        Sides::new(&self.quantity, self.scale, &self.of, &self.against)
    }

    fn bounded(&self) -> (Expect, f64) {
        (self.better, -self.margin * self.better.sign())
    }

    fn check_margin(&self) -> Result<(), String> {
        let valid = self.margin > 0.0;
        check_range("margin", self.margin, valid, "above 0 and finite")
    }
}

impl<T: ComparesPairs> Kind for T {
    fn check(&self) -> Result<(), String> {
        self.check_margin()?;
        self.sides().check(true)
    }

    fn conditions(&self) -> Vec<(&'static str, &Conditions)> {
        self.sides().conditions()
    }

    fn requirements(&self) -> Vec<Requirement> {
        let (expect, bound) = self.bounded();
        let mut requirement = self.sides().requirement("between paired runs", expect);
        requirement.bound = bound;
        vec![requirement]
    }

    fn units(&self, planned: &PlannedRuns<'_>, runs: &[usize]) -> Units {
        let pairs = self.sides().pairs(planned, runs).into_iter();
        Ok(pairs
            .map(|pair| (pair.of, PlannedUnit::Pair(pair)))
            .collect())
    }

    fn values(&self, unit: &PlannedUnit, runs: &FinishedRuns<'_>) -> Values {
        match unit {
            PlannedUnit::Pair(pair) => Ok(vec![self.sides().difference(pair, runs)?]),
            _ => mismatched_unit(),
        }
    }
}
