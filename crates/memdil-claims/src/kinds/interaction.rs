//! A paired effect within some settings beside the same effect elsewhere.

use serde::Deserialize;

use super::kind::{Kind, Pair, PlannedUnit, Requirement, Units, Values, nothing};
use super::sides::Sides;
use crate::declaration::conditions::Conditions;
use crate::declaration::effect::{Expect, Scale};
use crate::runs::finished::FinishedRuns;
use crate::runs::planned::PlannedRuns;

/// A paired effect in runs `within` some settings, minus the same effect in runs `beyond` them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interaction {
    /// What is compared.
    pub quantity: String,
    /// As a ratio or as a difference.
    pub scale: Scale,
    /// The runs compared.
    pub of: Conditions,
    /// The runs that they are compared with.
    pub against: Conditions,
    /// Where the effect should be on the expected side of the effect `beyond`.
    pub within: Conditions,
    /// The settings of comparison.
    pub beyond: Conditions,
    /// The expected side.
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

    /// Pairs within some settings, each with the pair beyond them.
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
            return nothing();
        };
        let sides = self.sides();
        let difference = sides.difference(within, runs)? - sides.difference(beyond, runs)?;
        Ok(vec![difference])
    }
}
