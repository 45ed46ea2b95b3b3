//! The interface of a kind of test.

use std::collections::BTreeMap;

use crate::declaration::conditions::Conditions;
use crate::declaration::effect::{Expect, Scale};
use crate::declaration::quantity;
use crate::error::ClaimError;
use crate::runs::finished::FinishedRuns;
use crate::runs::no_value::NoValue;
use crate::runs::planned::PlannedRuns;
use crate::verdict::Unit;

/// Units, each with its leading run, or the reason why the plan cannot be tested.
pub(crate) type Units = Result<Vec<(usize, PlannedUnit)>, String>;

/// The values of a unit, one per requirement.
pub(crate) type Values = Result<Vec<f64>, NoValue>;

/// A kind of test with its declared settings.
pub(crate) trait Kind {
    /// Checks the declared quantities and numbers.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// The conditions on settings, by the names of their keys.
    fn conditions(&self) -> Vec<(&'static str, &Conditions)> {
        Vec::new()
    }

    /// True for settings over which a correlation or a slope is computed.
    fn is_level(&self, _key: &str) -> bool {
        false
    }

    /// The requirements that must hold; the first one is the main effect. Empty for a test without
    /// runs.
    fn requirements(&self) -> Vec<Requirement> {
        Vec::new()
    }

    /// The units, or the reason why the plan cannot be tested.
    fn units(&self, _planned: &PlannedRuns<'_>, _runs: &[usize]) -> Units {
        Ok(Vec::new())
    }

    /// The values of a unit, one per requirement.
    fn values(&self, _unit: &PlannedUnit, _runs: &FinishedRuns<'_>) -> Values {
        mismatched_unit()
    }

    /// Remarks on the values of the cells of a panel.
    fn notes(&self, _cells: &[Cell], _runs: &FinishedRuns<'_>) -> Result<Vec<String>, ClaimError> {
        Ok(Vec::new())
    }

    /// True for settings in which the runs of one unit differ.
    fn decides(&self, key: &str) -> bool {
        let mut conditions = self.conditions().into_iter();
        self.is_level(key) || conditions.any(|(_, conditions)| conditions.decides(key))
    }
}

/// The runs that yield one value, as indices into the plan.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PlannedUnit {
    Pair(Pair),
    Interaction {
        within: Pair,
        beyond: Pair,
    },
    Course {
        run: usize,
        reference: usize,
        /// Runs that differ only in the seed.
        others: Vec<usize>,
    },
    /// Runs by increasing level, each with its reference run if one is declared.
    Levels(Vec<(usize, Option<usize>)>),
    Trend(usize),
    /// Runs that differ only in lambda, and such runs of another setting.
    Slopes {
        of: Vec<usize>,
        against: Vec<usize>,
    },
    ModelSlope {
        /// The runs of other seeds that the constant is fitted to.
        fit: Vec<usize>,
        /// Runs that differ only in lambda.
        levels: Vec<usize>,
    },
    Prediction {
        /// The runs of other seeds that the constants are fitted to.
        fit: Vec<usize>,
        /// The runs of this seed that are predicted.
        test: Vec<usize>,
    },
}

/// Units that differ only in the seed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cell {
    pub(crate) label: String,
    pub(crate) units: BTreeMap<u64, PlannedUnit>,
}

/// A run, and the runs whose average it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) of: usize,
    pub(crate) against: Vec<usize>,
}

/// The reason for a unit that another kind of test planned.
pub(super) const MISMATCHED_UNIT: &str = "the unit belongs to another kind of test";

pub(super) fn mismatched_unit() -> Values {
    Err(MISMATCHED_UNIT.into())
}

/// A requirement: the mean of its values is on the expected side of the bound.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Requirement {
    /// A description of one value.
    pub(crate) measure: String,
    pub(crate) unit: Unit,
    pub(crate) expect: Expect,
    pub(crate) bound: f64,
}

impl Requirement {
    /// True if `value` is on the expected side of the bound.
    pub(crate) fn is_met_by(&self, value: f64) -> bool {
        self.expect.is_satisfied_by(value, self.bound)
    }

    /// True if `value` is on the opposite side of the bound.
    pub(crate) fn is_refuted_by(&self, value: f64) -> bool {
        self.expect.opposite().is_satisfied_by(value, self.bound)
    }

    /// A requirement with the bound zero.
    pub(super) fn new(measure: String, unit: Unit, expect: Expect) -> Self {
        Self {
            measure,
            unit,
            expect,
            bound: 0.0,
        }
    }

    /// A requirement on the comparison of a quantity. Its description is the name of the scale,
    /// followed by `what`.
    pub(super) fn compared(quantity: &str, scale: Scale, what: &str, expect: Expect) -> Self {
        let measure = format!("{} of {what}", scale.word());
        Self::new(measure, quantity::unit(quantity, scale), expect)
    }
}

/// Checks that a number is finite and in its range.
pub(super) fn check_range(key: &str, value: f64, valid: bool, range: &str) -> Result<(), String> {
    if valid && value.is_finite() {
        return Ok(());
    }
    Err(format!("{key} = {value}: must be {range}"))
}
