//! Runs that differ only in the $\lambda$ of the memorization-dilation model.

use memdil_records::ModelSpec;
use memdil_theory::MdSetting;

use crate::kinds::kind::is_in_range;
use crate::kinds::prediction::model::line;
use crate::runs::finished::{FinishedRuns, Run};
use crate::runs::planned::PlannedRuns;

/// The settings that determine $\lambda$.
const PENALTIES: [&str; 2] = [
    "training.feature_decay",
    "optimizer.classifier_weight_decay",
];

/// The number of values of $\lambda$ that a slope needs.
const LEVELS_NEEDED: usize = 4;

pub(super) fn is_penalty(key: &str) -> bool {
    PENALTIES.contains(&key)
}

/// Runs of one seed that differ only in $\lambda$.
pub(super) type Levels = Vec<usize>;

/// The runs by seed and by all settings except $\lambda$.
pub(super) fn levels(planned: &PlannedRuns<'_>, runs: &[usize]) -> Result<Vec<Levels>, String> {
    let mut all: Vec<Levels> = Vec::new();
    for &run in runs {
        let same = |levels: &&mut Levels| planned.matches(levels[0], run, is_penalty);
        match all.iter_mut().find(same) {
            Some(levels) => levels.push(run),
            None => all.push(vec![run]),
        }
    }
    let most = all.iter().map(Vec::len).max().unwrap_or_default();
    if most < LEVELS_NEEDED {
        let settings = PENALTIES.join(" and ");
        return Err(format!(
            "{most} values of {settings} are planned; a slope needs {LEVELS_NEEDED}"
        ));
    }
    all.retain(|levels| levels.len() == most);
    Ok(all)
}

pub(super) fn check_gradient_norm(largest: f64) -> Result<(), String> {
    let valid = largest > 0.0;
    is_in_range(
        "largest_gradient_norm",
        largest,
        valid,
        "above 0 and finite",
    )
}

/// The problem of the model that the training of a run minimises, without noise and constant.
///
/// Training minimises the mean loss over samples, plus $\lambda_h/2$ times the mean of the squared
/// features, plus half the classifier's weight decay times its squared weights. The model's risk is
/// $2(1+\eta)$ times the mean over samples, because its clean samples of a class have the weight 1
/// and its noisy ones $\eta$.
pub(super) fn setting(run: &Run<'_>) -> Result<MdSetting, String> {
    let spec = &run.record().spec;
    if spec.data.classes.len() != 2 {
        return Err("the model has two classes".to_owned());
    }
    let decay = spec.optimizer.coupled_classifier_weight_decay();
    let penalties = [decay.unwrap_or(0.0), spec.training.feature_decay];
    let [classifier, features] = penalties;
    if penalties.iter().any(|decay| *decay <= 0.0) {
        return Err(
            "the model needs a feature decay and a coupled weight decay of the classifier"
                .to_owned(),
        );
    }
    let ModelSpec::Mlp(mlp) = &spec.model else {
        return Err("the model needs a multilayer perceptron".to_owned());
    };
    let lambda_w = classifier * (1.0 + eta(run));
    Ok(MdSetting::new(lambda_w, 0.5 * features).dim(mlp.features.unwrap_or(2)))
}

/// Noisy over clean samples.
pub(super) fn eta(run: &Run<'_>) -> f64 {
    let share = run.record().realised_noise;
    share / (1.0 - share)
}

/// A positive quantity after the last epoch of a run that ended near a minimum.
pub(super) fn positive_value(run: &Run<'_>, quantity: &str, largest: f64) -> Result<f64, String> {
    if run.last("gradient_norm")? > largest {
        return Err(format!("the norm of the gradient is above {largest}"));
    }
    let value = run.last(quantity)?;
    if value <= 0.0 {
        return Err(format!("{quantity} is zero and has no logarithm"));
    }
    Ok(value)
}

/// $\log \sqrt{\lambda_W \lambda_H}$
pub(super) fn log_lambda(setting: &MdSetting) -> f64 {
    0.5 * (setting.lambda_w * setting.lambda_h).ln()
}

/// The slope of the least-squares line through the points.
pub(super) fn slope(points: &[(f64, f64)]) -> Result<f64, String> {
    let (x, y): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let (slope, _) = line(&x, &y).ok_or("all runs have the same lambda")?;
    Ok(slope)
}

/// The slope of the logarithm of a quantity in $\log \lambda$ over the runs of a seed.
pub(super) fn measured_slope(
    runs: &FinishedRuns<'_>,
    levels: &Levels,
    quantity: &str,
    largest: f64,
) -> Result<f64, String> {
    let mut points = Vec::new();
    for run in runs.all(levels)? {
        let value = positive_value(run, quantity, largest)?;
        points.push((log_lambda(&setting(run)?), value.ln()));
    }
    slope(&points)
}
