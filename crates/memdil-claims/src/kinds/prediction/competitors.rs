//! Comparison of all models and baselines on the same runs.

use std::collections::BTreeMap;

use super::model::{PredictedRun, predictions, squared};
use super::notes::FittedAndTested;
use super::predictor::Predictor;
use crate::error::ClaimError;
use crate::runs::no_value::NoValue;

/// The out-of-sample error of a model or a baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Competitor {
    /// The name of the model or the baseline.
    pub name: &'static str,
    /// By seed: logarithm of the mean squared error over that of a line in the noise level.
    pub over_line: BTreeMap<u64, f64>,
}

/// The predictions for the runs of one panel.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelPredictions {
    /// The model of the claim.
    pub model: &'static str,
    /// The data set.
    pub source: String,
    /// The data set, and the settings that distinguish the panel.
    pub panel: String,
    /// The runs with the predictions of the claim's model, ordered by cell, then by seed.
    pub runs: Vec<PredictedRun>,
    /// All models and baselines, always in the same order.
    pub competitors: Vec<Competitor>,
}

/// All models and baselines on the runs of a panel. A seed for which a model has no value is left
/// out for this model.
pub(super) fn competitors(
    units: &[FittedAndTested<'_, '_>],
) -> Result<Vec<Competitor>, ClaimError> {
    type Value = fn(&PredictedRun) -> f64;
    let models = Predictor::ALL.map(|model| (model.name(), model, (|run| run.model) as Value));
    // A baseline does not depend on the model.
    let baselines: [(&str, Predictor, Value); 2] = [
        ("mean of the fitted runs", Predictor::JumpsRelative, |run| {
            run.mean
        }),
        ("measured test error", Predictor::JumpsRelative, |run| {
            run.error_formula
        }),
    ];
    let mut all = Vec::new();
    for (name, model, value) in models.into_iter().chain(baselines) {
        let mut over_line = BTreeMap::new();
        for (fit, test) in units {
            let runs = NoValue::or_undefined(predictions(model, fit, test))?.unwrap_or_default();
            let ratio = (squared(&runs, value) / squared(&runs, |run| run.line)).ln();
            if let Some(first) = runs.first()
                && ratio.is_finite()
            {
                over_line.insert(first.seed, ratio);
            }
        }
        all.push(Competitor { name, over_line });
    }
    Ok(all)
}
