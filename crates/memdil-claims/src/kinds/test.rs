//! All kinds of tests.

use serde::Deserialize;

use super::dose::Dose;
use super::exact::Exact;
use super::interaction::Interaction;
use super::kind::Kind;
use super::paired::{NonInferior, Paired};
use super::prediction::PredictionTest;
use super::trend::Trend;
use super::within_run::WithinRun;

/// A kind of test. All but `exact` reduce the runs to one value per seed, averaged over the cells
/// of a panel, and compare the values with a bound (zero unless a margin is declared) by Student's
/// t test.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "test", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Test {
    /// Runs of one setting beside runs of another.
    Paired(Paired),
    /// The claim is that runs are not worse than others by more than a margin.
    NonInferior(NonInferior),
    /// A paired effect in runs within some settings, minus the same effect beyond them.
    Interaction(Interaction),
    /// Correlation of the increments of a dose with those of a response, along training.
    WithinRun(WithinRun),
    /// Correlation of a dose with a response, over the values of a setting.
    Dose(Dose),
    /// The end of training against its beginning.
    Trend(Trend),
    /// The memorization-dilation model beside two baselines, out of sample.
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
            Self::Prediction(test) => test,
            Self::Exact(test) => test,
        }
    }
    /// What the effect is, in a word or two.
    pub(crate) fn measure(&self) -> &'static str {
        match self {
            Self::Paired(_) | Self::NonInferior(_) => "difference",
            Self::Interaction(_) => "difference of differences",
            Self::WithinRun(_) => "own minus other seeds",
            Self::Dose(_) => "rank correlation",
            Self::Trend(_) => "change",
            Self::Prediction(_) => "error over the baseline's",
            Self::Exact(_) => "at worst",
        }
    }

    /// Why there may be no unit.
    pub(crate) fn unpaired(&self) -> &'static str {
        match self {
            Self::Paired(_) | Self::NonInferior(_) => {
                "no planned run has a partner that differs in the compared settings only"
            }
            Self::Interaction(_) => "no planned pair of runs within has a pair beyond",
            Self::WithinRun(_) => "no planned run has a reference and two other seeds",
            Self::Dose(_) => "no planned seed has all values of the setting",
            Self::Prediction(_) => "no planned run is left to predict",
            Self::Trend(_) | Self::Exact(_) => "there are no planned runs",
        }
    }
}
