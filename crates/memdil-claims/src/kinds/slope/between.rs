//! The slope of a quantity in $\lambda$ under one setting, minus that under another.

use serde::Deserialize;

use super::regime::{self, check_gradient_norm, is_penalty, measured_slope};
use crate::declaration::conditions::Conditions;
use crate::declaration::effect::Expect;
use crate::declaration::quantity;
use crate::kinds::kind::{Kind, PlannedUnit, Requirement, Units, Values, mismatched_unit};
use crate::runs::finished::FinishedRuns;
use crate::runs::planned::PlannedRuns;
use crate::verdict::Unit;

/// The slope of the logarithm of a quantity in $\log \lambda$ over runs of one setting, minus the
/// same over runs of another. $\lambda$ is the geometric mean of the model's $\lambda_W$ and
/// $\lambda_H$.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlopeDifference {
    /// The quantity, which must be positive.
    pub quantity: String,
    /// Conditions on the runs of interest.
    pub of: Conditions,
    /// Conditions on the runs that they are compared with.
    pub against: Conditions,
    /// A run with a larger norm of the gradient after the last epoch has no value.
    pub largest_gradient_norm: f64,
    /// The expected side of zero.
    pub expect: Expect,
}

impl Kind for SlopeDifference {
    fn check(&self) -> Result<(), String> {
        check_gradient_norm(self.largest_gradient_norm)?;
        quantity::check("quantity", &self.quantity, false)
    }

    fn conditions(&self) -> Vec<(&'static str, &Conditions)> {
        vec![("of", &self.of), ("against", &self.against)]
    }

    fn is_level(&self, key: &str) -> bool {
        is_penalty(key)
    }

    fn requirements(&self) -> Vec<Requirement> {
        let what = format!(
            "slope of log {} in log lambda, minus that of the paired runs",
            self.quantity
        );
        vec![Requirement::new(what, Unit::Exponent, self.expect)]
    }

    fn units(&self, planned: &PlannedRuns<'_>, runs: &[usize]) -> Units {
        let of = regime::levels(planned, &planned.holding(runs, &self.of))?;
        let against = regime::levels(planned, &planned.holding(runs, &self.against))?;
        let free = |key: &str| self.decides(key);
        let mut units = Vec::new();
        for of in of {
            let same = |other: &&Vec<usize>| planned.matches(of[0], other[0], free);
            if let Some(against) = against.iter().find(same) {
                let against = against.clone();
                units.push((of[0], PlannedUnit::Slopes { of, against }));
            }
        }
        Ok(units)
    }

    fn values(&self, unit: &PlannedUnit, runs: &FinishedRuns<'_>) -> Values {
        let PlannedUnit::Slopes { of, against } = unit else {
            return mismatched_unit();
        };
        let slope =
            |levels| measured_slope(runs, levels, &self.quantity, self.largest_gradient_norm);
        Ok(vec![slope(of)? - slope(against)?])
    }
}
