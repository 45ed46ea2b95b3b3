//! The difference between a paired effect within some settings and the same effect beyond them.

use serde::Deserialize;

use super::kind::{Kind, Pair, PlannedUnit, Requirement, Units, Values, mismatched_unit};
use super::sides::Sides;
use crate::declaration::conditions::Conditions;
use crate::declaration::effect::{Expect, Scale};
use crate::runs::finished::FinishedRuns;
use crate::runs::planned::PlannedRuns;

/// A paired effect in runs `within` some settings, minus the same effect in runs `beyond` them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interaction {
    /// The quantity that is compared.
    pub quantity: String,
    /// The scale of the comparison.
    pub scale: Scale,
    /// Conditions on the runs of interest.
    pub of: Conditions,
    /// Conditions on the runs that they are compared with.
    pub against: Conditions,
    /// Conditions on the pairs whose effect should exceed the effect `beyond`.
    pub within: Conditions,
    /// Conditions on the pairs whose effect is subtracted.
    pub beyond: Conditions,
    /// The expected side of zero.
    pub expect: Expect,
}

impl Interaction {
    fn sides(&self) -> Sides<'_> {
        Sides::new(&self.quantity, self.scale, &self.of, &self.against)
    }
}

impl Kind for Interaction {
    fn check(&self) -> Result<(), String> {
        self.sides().check(false)
    }

    fn conditions(&self) -> Vec<(&'static str, &Conditions)> {
        let mut conditions = self.sides().conditions();
        conditions.extend([("within", &self.within), ("beyond", &self.beyond)]);
        conditions
    }

    fn requirements(&self) -> Vec<Requirement> {
        let what = "between paired runs, minus the same elsewhere";
        vec![self.sides().requirement(what, self.expect)]
    }

    /// The pairs within the settings, each with the matching pair beyond them.
    fn units(&self, planned: &PlannedRuns<'_>, runs: &[usize]) -> Units {
        let sides = self.sides();
        let inside = sides.pairs(planned, &planned.holding(runs, &self.within));
        let outside = sides.pairs(planned, &planned.holding(runs, &self.beyond));
        let free = |key: &str| self.within.decides(key) || self.beyond.decides(key);
        let mut units = Vec::new();
        for within in inside {
            let same = |other: &&Pair| planned.matches(within.of, other.of, free);
            if let Some(beyond) = outside.iter().find(same).cloned() {
                units.push((within.of, PlannedUnit::Interaction { within, beyond }));
            }
        }
        Ok(units)
    }

    fn values(&self, unit: &PlannedUnit, runs: &FinishedRuns<'_>) -> Values {
        let PlannedUnit::Interaction { within, beyond } = unit else {
            return mismatched_unit();
        };
        let sides = self.sides();
        let difference = sides.difference(within, runs)? - sides.difference(beyond, runs)?;
        Ok(vec![difference])
    }
}
