//! Claims that rest on one value a seed: what they have in common.

use std::collections::BTreeMap;

use super::{Cell, Claim, Counted, SEEDS_NEEDED, Unit, Verdict};
use crate::stats::{mean, mean_interval, sign_test, wilcoxon_signed_rank};

/// What was measured in a cell of the design, by seed.
pub(super) type BySeed = BTreeMap<u64, Vec<f64>>;

/// What is said beside the numbers where cells have fewer seeds than [`needed`].
pub(super) fn shown_only() -> String {
    format!(
        "Cells with fewer than {SEEDS_NEEDED} seeds are shown and take no part: a seed that is in some cells only would \
         stand for others than the rest."
    )
}

/// The number of seeds that a cell needs to take part in a verdict, from those of all cells:
/// [`SEEDS_NEEDED`] where one cell has as many. Where none has, all take part, and the verdict is
/// inconclusive anyway.
pub(super) fn needed(seeds: impl IntoIterator<Item = usize>) -> usize {
    if seeds.into_iter().any(|n| n >= SEEDS_NEEDED) {
        SEEDS_NEEDED
    } else {
        0
    }
}

/// A claim in words.
pub(super) struct Words {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) statement: String,
    /// What one value is.
    pub(super) value: String,
    pub(super) measure: &'static str,
    pub(super) unit: Unit,
}

/// A claim about values that lie on one side of zero: each seed gives their mean over its cells.
///
/// `shown` turns a value into the claim's unit.
pub(super) fn claim(
    words: Words,
    cells: &[(String, BySeed)],
    shown: impl Fn(f64) -> f64 + Copy,
) -> Claim {
    let needed = needed(cells.iter().map(|(_, by_seed)| by_seed.len()));
    let mut by_seed = BySeed::new();
    for (seed, values) in cells
        .iter()
        .filter(|(_, cell)| cell.len() >= needed)
        .flat_map(|(_, cell)| cell)
    {
        by_seed.entry(*seed).or_default().extend(mean(values));
    }
    let one_a_seed = per_seed(&by_seed);
    let left_out = cells.iter().any(|(_, cell)| cell.len() < needed);
    Claim {
        id: words.id,
        name: words.name,
        statement: words.statement,
        test: format!(
            "{}, averaged over cells: one value a seed; interval: Student's t; p: Wilcoxon's signed-rank test, beside it \
             the sign test",
            words.value
        ),
        verdict: Verdict::Inconclusive,
        reason: None,
        caveat: None,
        n: one_a_seed.len(),
        counted: Counted::Seeds,
        measure: words.measure,
        unit: words.unit,
        effect: mean(&one_a_seed).map(shown),
        interval: mean_interval(&one_a_seed).map(|bounds| bounds.map(shown)),
        p: wilcoxon_signed_rank(&one_a_seed),
        p_holm: None,
        p_sign: sign_test(&one_a_seed),
        notes: left_out.then(shown_only).into_iter().collect(),
        cells: cells
            .iter()
            .map(|(label, by_seed)| cell(label.clone(), &per_seed(by_seed), shown))
            .collect(),
    }
}

/// The mean of each seed's values.
pub(super) fn per_seed(by_seed: &BySeed) -> Vec<f64> {
    by_seed.values().filter_map(|values| mean(values)).collect()
}

/// A row of a claim's table, from one value a seed.
pub(super) fn cell(label: String, values: &[f64], shown: impl Fn(f64) -> f64) -> Cell {
    Cell {
        label,
        n: values.len(),
        effect: mean(values).map(&shown),
        interval: mean_interval(values).map(|bounds| bounds.map(&shown)),
    }
}

/// A mean log ratio as a difference in percent; capped where the number would say nothing and
/// overflow.
pub(super) fn in_percent(log_ratio: f64) -> f64 {
    100.0 * log_ratio.min(100.0).exp_m1()
}
