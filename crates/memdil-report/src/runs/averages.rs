//! Averages over runs.

use std::collections::BTreeMap;

use memdil_claims::SEEDS_NEEDED;
use memdil_claims::stats::{self, mean_interval};

use super::groups::{losses, with_loss};
use super::quantity::Quantity;
use super::run::Run;
use crate::text::{joined, number};

/// The mean; `None` without values.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    stats::mean(&values.into_iter().collect::<Vec<_>>())
}

/// The mean of a quantity over the runs that have it.
pub(crate) fn mean_of(runs: &[&Run], quantity: Quantity) -> Option<f64> {
    mean(runs.iter().filter_map(|run| run.value(quantity)))
}

/// The mean of a quantity for each loss, as `CE 0.42, LS 0.21`.
pub(crate) fn means_by_loss(
    runs: &[&Run],
    quantity: Quantity,
    format: impl Fn(f64) -> String,
) -> String {
    let mut means = Vec::new();
    for loss in losses(runs) {
        if let Some(value) = mean_of(&with_loss(runs, loss), quantity) {
            means.push(format!("{loss} {}", format(value)));
        }
    }
    if means.is_empty() {
        return "not measured".to_owned();
    }
    joined(means, ", ")
}

/// The mean over seeds, and its 95% interval if there are as many seeds as a verdict needs. Several
/// values of a seed (losses that differ in a parameter) are averaged first.
pub(crate) fn summary(
    values: impl IntoIterator<Item = (u64, f64)>,
) -> Option<(f64, Option<[f64; 2]>)> {
    let mut seeds: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (seed, value) in values {
        seeds.entry(seed).or_default().push(value);
    }
    let values: Vec<f64> = seeds.into_values().filter_map(mean).collect();
    let interval = mean_interval(&values).filter(|_| values.len() >= SEEDS_NEEDED);
    Some((stats::mean(&values)?, interval))
}

/// Compares runs with their partners: seeds with the differences of a quantity or, with `ratio`,
/// the logarithms of its ratios.
pub(crate) fn compared(pairs: &[(&Run, &Run)], quantity: Quantity, ratio: bool) -> Vec<(u64, f64)> {
    let mut compared = Vec::new();
    for (run, partner) in pairs {
        if let (Some(own), Some(base)) = (run.value(quantity), partner.value(quantity)) {
            let value = if ratio { (own / base).ln() } else { own - base };
            compared.push((run.seed(), value));
        }
    }
    compared.retain(|(_, value)| value.is_finite());
    compared
}

/// R² of pairs (measured, predicted) relative to the mean of the measured values; `None` if these
/// do not vary.
pub(crate) fn r_squared(pairs: &[(f64, f64)]) -> Option<f64> {
    let centre = mean(pairs.iter().map(|(measured, _)| *measured))?;
    let (mut rest, mut all) = (0.0, 0.0);
    for (measured, predicted) in pairs {
        rest += (measured - predicted) * (measured - predicted);
        all += (measured - centre) * (measured - centre);
    }
    (all > 0.0).then(|| 1.0 - rest / all)
}

/// The formatted number, or `undefined` if it is missing.
pub(crate) fn or_undefined(value: Option<f64>) -> String {
    value.map_or_else(|| "undefined".to_owned(), number)
}
