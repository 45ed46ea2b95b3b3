//! The slope of a quantity in $\lambda$ under one setting, minus that under another.

use serde::Deserialize;

use super::regime::{
    OverLambda, check_largest_gradient, follows_lambda, measured_slope, over_lambda,
};
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
    /// A run with a larger `gradient_over_decay` after the last epoch has no value.
    pub largest_gradient_over_decay: f64,
    /// The expected side of zero.
    pub expect: Expect,
}

impl Kind for SlopeDifference {
    fn check(&self) -> Result<(), String> {
        check_largest_gradient(self.largest_gradient_over_decay)?;
        quantity::check("quantity", &self.quantity, false)
    }

    fn conditions(&self) -> Vec<(&'static str, &Conditions)> {
        vec![("of", &self.of), ("against", &self.against)]
    }

    fn is_level(&self, key: &str) -> bool {
        follows_lambda(key)
    }

    fn requirements(&self) -> Vec<Requirement> {
        let what = format!(
            "slope of log {} in log lambda, minus that of the paired runs",
            self.quantity
        );
        vec![Requirement::new(what, Unit::Exponent, self.expect)]
    }

    fn units(&self, planned: &PlannedRuns<'_>, runs: &[usize]) -> Units {
        let mut both = planned.holding(runs, &self.of);
        both.extend(planned.holding(runs, &self.against));
        // Grouped together, so that both sides have the same values of lambda.
        let groups = over_lambda(planned, &both)?.into_iter();
        let (of, against): (Vec<OverLambda>, Vec<OverLambda>) =
            groups.partition(|group| self.of.hold(&planned.settings[group[0]]));
        let free = |key: &str| self.decides(key);
        let mut units = Vec::new();
        for of in of {
            let same = |other: &&OverLambda| planned.matches(of[0], other[0], free);
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
        let slope = |group| {
            let largest = self.largest_gradient_over_decay;
            measured_slope(runs, group, &self.quantity, largest)
        };
        Ok(vec![slope(of)? - slope(against)?])
    }
}
