//! What a claim compares: numbers of the records, and those that two runs have together.

use memdil_metrics::{correct, dilation, rho};
use memdil_records::{QUANTITIES, Snapshot};
use ndarray::Axis;

use crate::finished::Run;
use crate::{ClaimError, Expect, Scale, Unit};

/// Quantities of the test samples that both runs of a pair predict right, around their class means.
const OF_PAIRS: [&str; 2] = ["pair.dilation_correct", "pair.rho_correct"];

/// Names of quantities that are shares: their differences are percentage points.
const SHARES: [&str; 7] = [
    "accuracy",
    "validation_accuracy",
    "memorized_as_given",
    "memorized_as_clean",
    "memorized_as_other",
    "ece",
    "nc4",
];

/// Refuses a quantity that no record has.
pub(crate) fn check(claim: &str, key: &str, path: &str, pairs: bool) -> Result<(), ClaimError> {
    if QUANTITIES.contains(&path) || pairs && OF_PAIRS.contains(&path) {
        return Ok(());
    }
    if OF_PAIRS.contains(&path) {
        let reason = format!("{key}: {path} is known to paired and non_inferior tests only");
        return Err(ClaimError::declaration(claim, reason));
    }
    let wanted = path.rsplit('.').next().unwrap_or(path);
    let mut known = QUANTITIES.to_vec();
    if pairs {
        known.extend(OF_PAIRS);
    }
    let near = known.iter().min_by_key(|name| {
        let last = name.rsplit('.').next().unwrap_or(name);
        (distance(last, wanted), distance(name, path))
    });
    let near = near.copied().unwrap_or_default();
    Err(ClaimError::declaration(
        claim,
        format!(
            "{key}: no record has a quantity '{path}'; did you mean '{near}'? All: {}",
            known.join(", ")
        ),
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

pub(crate) fn is_of_pairs(path: &str) -> bool {
    OF_PAIRS.contains(&path)
}

/// The unit of a comparison.
pub(crate) fn unit(path: &str, scale: Scale) -> Unit {
    let name = path.rsplit('.').next().unwrap_or(path);
    match scale {
        Scale::Ratio => Unit::Percent,
        Scale::Difference if SHARES.contains(&name) => Unit::PercentagePoints,
        Scale::Difference => Unit::Difference,
    }
}

impl Scale {
    /// A value whose differences are compared.
    pub(crate) fn of(self, quantity: &str, value: f64) -> Result<f64, String> {
        match self {
            Self::Difference => Ok(value),
            Self::Ratio if value > 0.0 => Ok(value.ln()),
            Self::Ratio => Err(format!("{quantity} is zero and has no logarithm")),
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ratio => "log ratio",
            Self::Difference => "difference",
        }
    }
}

impl Expect {
    /// True where a value lies on this side of a bound.
    pub(crate) fn is_side(self, value: f64, bound: f64) -> bool {
        (value - bound) * self.sign() > 0.0
    }
}

/// A quantity of the test samples that both runs predict right: of the one and of the other.
pub(crate) fn of_pair(
    path: &str,
    runs: [&Run<'_>; 2],
    classes: usize,
) -> Result<Result<[f64; 2], String>, ClaimError> {
    let [Some(of), Some(against)] = [runs[0].snapshot()?, runs[1].snapshot()?] else {
        return Ok(Err("the features of a run were not kept".to_owned()));
    };
    if of.test.labels != against.test.labels {
        return Ok(Err(
            "the runs of a pair have different test samples".to_owned()
        ));
    }
    if of.test.logits.ncols() != classes {
        return Ok(Err(format!("{path} is not defined for latent classes")));
    }
    let labels = of.test.labels.to_vec();
    let right = |snapshot: &Snapshot| {
        let found = correct(snapshot.test.logits.view(), &labels);
        found.map_err(|reason| format!("{path} is not defined: {reason}"))
    };
    let both: Vec<usize> = match (right(&of), right(&against)) {
        (Ok(a), Ok(b)) => a
            .into_iter()
            .filter(|row| b.binary_search(row).is_ok())
            .collect(),
        (Err(reason), _) | (_, Err(reason)) => return Ok(Err(reason)),
    };
    let value = |snapshot: &Snapshot| {
        let features = snapshot.test.features.select(Axis(0), &both);
        let labels: Vec<u32> = both.iter().map(|&row| labels[row]).collect();
        let found = match path {
            "pair.rho_correct" => rho(features.view(), &labels, classes),
            _ => dilation(features.view(), &labels, classes),
        };
        found.map_err(|reason| format!("{path} is not defined: {reason}"))
    };
    Ok(value(&of).and_then(|a| Ok([a, value(&against)?])))
}
