//! The quantities that a claim compares: numbers of the records, and quantities of pairs of runs.

use memdil_records::QUANTITIES;

use super::effect::Scale;
use super::settings::last;
use crate::verdict::Unit;

/// Quantities of a pair of runs: computed on the test samples that both runs classify correctly.
const PAIR_QUANTITIES: [&str; 2] = ["pair.dilation_correct", "pair.rho_correct"];

/// Quantities that are shares, whose differences are in percentage points.
const SHARES: [&str; 7] = [
    "accuracy",
    "validation_accuracy",
    "memorized_as_given",
    "memorized_as_clean",
    "memorized_as_other",
    "ece",
    "nc4",
];

/// Checks that the records have a quantity; `pairs` allows the quantities of pairs of runs too.
pub(crate) fn check(key: &str, path: &str, pairs: bool) -> Result<(), String> {
    if QUANTITIES.contains(&path) || pairs && is_pair_quantity(path) {
        return Ok(());
    }
    if is_pair_quantity(path) {
        return Err(format!(
            "{key}: {path} is defined for paired and non_inferior tests only"
        ));
    }
    let mut known = QUANTITIES.to_vec();
    if pairs {
        known.extend(PAIR_QUANTITIES);
    }
    let far = |name: &&&str| (distance(last(name), last(path)), distance(name, path));
    let near = known.iter().min_by_key(far).copied().unwrap_or_default();
    let all = known.join(", ");
    Err(format!(
        "{key}: no record has a quantity '{path}'; did you mean '{near}'? All: {all}"
    ))
}

/// Edit distance (Levenshtein 1966).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

pub(crate) fn is_pair_quantity(path: &str) -> bool {
    PAIR_QUANTITIES.contains(&path)
}

/// The unit in which a comparison of the quantity is reported.
pub(crate) fn unit(path: &str, scale: Scale) -> Unit {
    match scale {
        Scale::Ratio => Unit::Percent,
        Scale::Difference if SHARES.contains(&last(path)) => Unit::PercentagePoints,
        Scale::Difference => Unit::Difference,
    }
}
