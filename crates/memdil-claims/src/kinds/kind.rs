//! What every kind of test has to say.

use crate::declaration::conditions::Conditions;
use crate::declaration::effect::{Expect, Scale};
use crate::declaration::quantity;
use crate::runs::finished::FinishedRuns;
use crate::runs::no_value::NoValue;
use crate::runs::planned::PlannedRuns;
use crate::verdict::Unit;

/// Units, each with the run that leads it, or what is wrong with the plan.
pub(crate) type Units = Result<Vec<(usize, PlannedUnit)>, String>;

/// The values of a unit, one for each requirement.
pub(crate) type Values = Result<Vec<f64>, NoValue>;

/// A kind of test with its declared settings.
pub(crate) trait Kind {
    /// What is wrong with the quantities and numbers that it names.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Its conditions on settings, by the names of their keys.
    fn conditions(&self) -> Vec<(&'static str, &Conditions)> {
        Vec::new()
    }

    /// The setting over which a rank correlation is taken.
    fn levels(&self) -> Option<&str> {
        None
    }

    /// What has to hold, the requirement that is shown first; nothing of a test without runs.
    fn requirements(&self) -> Vec<Requirement> {
        Vec::new()
    }

    /// One unit for each run that leads one, or what is wrong with the plan.
    fn units(&self, _planned: &PlannedRuns<'_>, _runs: &[usize]) -> Units {
        Ok(Vec::new())
    }

    /// The values of a unit, one for each requirement.
    fn values(&self, _unit: &PlannedUnit, _runs: &FinishedRuns<'_>) -> Values {
        nothing()
    }

    /// True for settings in which the runs of one unit differ.
    fn decides(&self, key: &str) -> bool {
        let mut conditions = self.conditions().into_iter();
        self.levels() == Some(key) || conditions.any(|(_, conditions)| conditions.decides(key))
    }
}

/// The runs behind one value, as numbers of the plan.
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
        /// Runs that differ in the seed only.
        others: Vec<usize>,
    },
    /// Runs, each with its reference, by increasing level.
    Levels(Vec<(usize, Option<usize>)>),
    Trend(usize),
    Prediction {
        /// Runs of other seeds.
        fit: Vec<usize>,
        /// Runs of this seed.
        test: Vec<usize>,
    },
}

/// A run beside the runs that it is compared with, which are averaged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) of: usize,
    pub(crate) against: Vec<usize>,
}

/// The values of a unit of another kind.
pub(super) fn nothing() -> Values {
    Err("there is nothing to measure".into())
}

/// What has to hold: the mean of its values lies on the expected side of the bound.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Requirement {
    /// What one value is.
    pub(crate) what: String,
    pub(crate) unit: Unit,
    pub(crate) expect: Expect,
    pub(crate) bound: f64,
}

impl Requirement {
    /// True where a value lies on the expected side of the bound.
    pub(crate) fn is_met_by(&self, value: f64) -> bool {
        self.expect.is_side(value, self.bound)
    }

    /// True where it lies on the other side.
    pub(crate) fn is_refuted_by(&self, value: f64) -> bool {
        self.expect.opposite().is_side(value, self.bound)
    }

    /// About zero.
    pub(super) fn new(what: String, unit: Unit, expect: Expect) -> Self {
        Self {
            what,
            unit,
            expect,
            bound: 0.0,
        }
    }

    /// Of the comparison of a quantity, `what` after its scale in words.
    pub(super) fn compared(quantity: &str, scale: Scale, what: &str, expect: Expect) -> Self {
        let words = format!("{} of {what}", scale.word());
        Self::new(words, quantity::unit(quantity, scale), expect)
    }
}

/// Refuses a number out of range.
pub(super) fn number(key: &str, value: f64, valid: bool, range: &str) -> Result<(), String> {
    if valid && value.is_finite() {
        return Ok(());
    }
    Err(format!("{key} = {value}: must be {range}"))
}
