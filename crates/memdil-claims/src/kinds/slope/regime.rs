//! Runs that differ only in the $\lambda$ of the memorization-dilation model.

use std::collections::BTreeSet;

use memdil_records::{ClassifierSpec, ModelSpec};
use memdil_theory::MdSetting;

use crate::declaration::settings::shown;
use crate::kinds::constants::{eta, line};
use crate::kinds::kind::check_range;
use crate::runs::finished::{FinishedRuns, Run};
use crate::runs::planned::PlannedRuns;
use crate::text::count;

/// The settings that determine $\lambda$.
const PENALTIES: [&str; 2] = [
    "training.feature_decay",
    "optimizer.classifier_weight_decay",
];

/// The length of training may follow $\lambda$: the weaker a penalty, the longer it takes to act.
const EPOCHS: &str = "training.epochs";

/// The number of values of $\lambda$ that a slope needs.
const LEVELS_NEEDED: usize = 4;

/// True for settings that may differ between the runs of a slope.
pub(super) fn follows_lambda(key: &str) -> bool {
    PENALTIES.contains(&key) || key == EPOCHS
}

/// Runs of one seed that differ only in $\lambda$ and in the number of epochs.
pub(super) type OverLambda = Vec<usize>;

/// Groups the runs by seed and by all settings except $\lambda$ and epochs. All groups must have the same values
/// of $\lambda$.
pub(super) fn over_lambda(
    planned: &PlannedRuns<'_>,
    runs: &[usize],
) -> Result<Vec<OverLambda>, String> {
    let mut groups: Vec<OverLambda> = Vec::new();
    for &run in runs {
        let same = |group: &&mut OverLambda| planned.matches(group[0], run, follows_lambda);
        match groups.iter_mut().find(same) {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    let lambdas = |group: &OverLambda| -> BTreeSet<[String; 2]> {
        let of = |run: &usize| PENALTIES.map(|key| shown(planned.setting(*run, key)));
        group.iter().map(of).collect()
    };
    let first = groups.first().map(lambdas).unwrap_or_default();
    let settings = PENALTIES.join(" and ");
    if let Some(other) = groups.iter().find(|group| lambdas(group) != first) {
        let seed = planned.specs[other[0]].seed;
        return Err(format!(
            "some runs of seed {seed} have other values of {settings} than the runs of other seeds or settings"
        ));
    }
    if first.len() < LEVELS_NEEDED {
        let found = count(first.len(), "value", "values");
        return Err(format!(
            "{found} of {settings} planned; a slope needs {LEVELS_NEEDED}"
        ));
    }
    Ok(groups)
}

pub(super) fn check_largest_gradient(largest: f64) -> Result<(), String> {
    check_range(
        "largest_gradient_over_decay",
        largest,
        largest > 0.0,
        "above 0 and finite",
    )
}

/// The problem of the model for the penalties and the noise of a run, with $C_{MD} = 1$.
///
/// Training minimises the mean loss over samples, plus half the feature decay times the mean of the
/// squared features, plus half the classifier's weight decay times its squared weights. Multiplied
/// by $2(1+\eta)$, this is the risk of the model without dilation, because the model weighs the clean
/// samples of a class by 1 and its noisy ones by $\eta$.
pub(super) fn setting(run: &Run<'_>) -> Result<MdSetting, String> {
    let spec = &run.record().spec;
    let ModelSpec::Mlp(mlp) = &spec.model else {
        return Err("the model needs a multilayer perceptron".to_owned());
    };
    if spec.network_classes() != 2 || mlp.classifier != ClassifierSpec::Learned {
        return Err("the model has two classes and a learned classifier".to_owned());
    }
    let decay = spec.optimizer.coupled_classifier_weight_decay();
    let (classifier, features) = (decay.unwrap_or_default(), spec.training.feature_decay);
    if classifier <= 0.0 || features <= 0.0 {
        return Err(
            "the model needs a feature decay and a coupled weight decay of the classifier"
                .to_owned(),
        );
    }
    let eta = eta(run);
    if eta >= 1.0 {
        return Err("the model needs more clean than noisy samples".to_owned());
    }
    let setting = MdSetting::new(classifier * (1.0 + eta), 0.5 * features);
    Ok(setting.noise(eta, 1.0).dim(mlp.features.unwrap_or(2)))
}

/// $\log \sqrt{\lambda_W \lambda_H}$
pub(super) fn log_lambda(setting: &MdSetting) -> f64 {
    0.5 * (setting.lambda_w * setting.lambda_h).ln()
}

/// A positive quantity after the last epoch of a run whose gradient is small there.
pub(super) fn positive_value(run: &Run<'_>, quantity: &str, largest: f64) -> Result<f64, String> {
    if run.last("gradient_over_decay")? > largest {
        return Err(format!("gradient_over_decay is above {largest}"));
    }
    let value = run.last(quantity)?;
    if value <= 0.0 {
        return Err(format!("{quantity} is zero and has no logarithm"));
    }
    Ok(value)
}

/// The slope of the logarithm of a quantity in $\log \lambda$ over the runs of a seed.
pub(super) fn measured_slope(
    runs: &FinishedRuns<'_>,
    group: &OverLambda,
    quantity: &str,
    largest: f64,
) -> Result<f64, String> {
    let mut points = Vec::new();
    for run in runs.all(group)? {
        let value = positive_value(run, quantity, largest)?;
        points.push((log_lambda(&setting(run)?), value.ln()));
    }
    slope(&points)
}

/// The slope of the least-squares line through the points.
pub(super) fn slope(points: &[(f64, f64)]) -> Result<f64, String> {
    let (x, y): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let (slope, _) = line(&x, &y).ok_or("all runs have the same lambda")?;
    Ok(slope)
}
