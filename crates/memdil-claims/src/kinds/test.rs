//! The enum of all kinds of tests.

use serde::Deserialize;

use super::dose::Dose;
use super::exact::Exact;
use super::interaction::Interaction;
use super::kind::Kind;
use super::paired::{NonInferior, Paired};
use super::prediction::PredictionTest;
use super::slope::{ModelSlope, SlopeDifference};
use super::trend::Trend;
use super::within_run::WithinRun;

/// A kind of test. All kinds except `exact` reduce the runs to one value per seed, averaged over
/// the cells of a panel, and compare these values with a bound (zero unless a margin is declared)
/// by Student's t test.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "test", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Test {
    /// Runs of one setting are compared with paired runs of another.
    Paired(Paired),
    /// Runs of one setting are worse than paired runs of another by less than a margin.
    NonInferior(NonInferior),
    /// A paired effect in runs within some settings, minus the same effect beyond them.
    Interaction(Interaction),
    /// Correlation of the increments of a dose with those of a response during training.
    WithinRun(WithinRun),
    /// Correlation of a dose with a response, over the values of a setting.
    Dose(Dose),
    /// The value at the end of training is compared with an earlier one.
    Trend(Trend),
    /// The slope of a relative dilation in lambda equals that of the solved model.
    ModelSlope(ModelSlope),
    /// The slope of a quantity in lambda under one setting, minus that under another.
    SlopeDifference(SlopeDifference),
    /// Out-of-sample predictions of a model against two baselines or another model.
    Prediction(PredictionTest),
    /// A rule about the solved models.
    Exact(Exact),
}

impl Test {
    pub(crate) fn kind(&self) -> &dyn Kind {
        match self {
            Self::Paired(test) => test,
            Self::NonInferior(test) => test,
            Self::Interaction(test) => test,
            Self::WithinRun(test) => test,
            Self::Dose(test) => test,
            Self::Trend(test) => test,
            Self::ModelSlope(test) => test,
            Self::SlopeDifference(test) => test,
            Self::Prediction(test) => test,
            Self::Exact(test) => test,
        }
    }

    /// A short name of the effect.
    pub(crate) fn measure(&self) -> &'static str {
        match self {
            Self::Paired(_) | Self::NonInferior(_) => "difference",
            Self::Interaction(_) => "difference of differences",
            Self::WithinRun(_) => "own minus other seeds",
            Self::Dose(_) => "rank correlation",
            Self::Trend(_) => "change",
            Self::ModelSlope(_) => "slope minus the model's",
            Self::SlopeDifference(_) => "difference of slopes",
            Self::Prediction(_) => "error over the baseline's",
            Self::Exact(_) => "at worst",
        }
    }

    /// The reason that is reported if the plan contains no unit for the test.
    pub(crate) fn unpaired(&self) -> &'static str {
        match self {
            Self::Paired(_) | Self::NonInferior(_) => {
                "no planned run has a partner that differs in the compared settings only"
            }
            Self::Interaction(_) => "no planned pair of runs 'within' has a matching pair 'beyond'",
            Self::WithinRun(_) => "no planned run has a reference and two other seeds",
            Self::Dose(_) => "no planned seed has all values of the setting",
            Self::Prediction(_) => "all planned runs are fitted to; none is left to predict",
            Self::SlopeDifference(_) => "no planned runs 'of' have matching runs 'against'",
            Self::Trend(_) | Self::ModelSlope(_) | Self::Exact(_) => "no run is planned",
        }
    }
}
