//! Noise that depends on the margins of a network (PMD, Zhang et al. 2021).

use std::path::Path;

use ndarray::{ArrayView1, ArrayView2};

use super::from_file::check_clean_labels;
use super::kinds::PmdType;
use super::per_sample::select;
use crate::error::{DataError, NoiseError};
use crate::formats::arrays::{Array, ArrayFile, Role};
use crate::random::{Stream, stream, unit_f64};

/// The settings of the noise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings<'a> {
    pub(super) eta: f64,
    pub(super) logits: &'a Path,
    pub(super) column: Option<&'a str>,
    pub(super) pmd_type: PmdType,
    pub(super) exact_count: bool,
}

/// The observed labels, and the flip probability of each sample.
pub(super) fn corrupt(
    settings: Settings<'_>,
    clean: &[u32],
    classes: usize,
    seed: u64,
) -> Result<(Vec<u32>, Vec<f64>), DataError> {
    let Settings {
        eta, exact_count, ..
    } = settings;
    let array = logits(settings.logits, settings.column, clean)?;
    check_shape(&array, clean.len(), classes)?;
    let logits = array.matrix::<f64>()?;
    check_finite(&array, logits.view())?;
    check_logits(&array, logits.view())?;
    let samples = logits.rows().into_iter().zip(clean);
    let (levels, runners_up): (Vec<f64>, Vec<u32>) = samples
        .map(|(logits, &label)| level(logits, label, settings.pmd_type))
        .unzip();
    let flips = Flips::new(levels);
    let highest = flips.check_reachable(eta)?;

    let mut rng = stream(seed, Stream::Noise);
    let u: Vec<f64> = clean.iter().map(|_| unit_f64(&mut rng)).collect();
    let selected = select(eta, exact_count, (clean.len(), highest), |eta| {
        let probabilities = flips.probabilities(eta);
        u.iter().zip(probabilities).map(|(u, p)| *u < p).collect()
    });
    let observed = (0..clean.len())
        .map(|i| if selected[i] { runners_up[i] } else { clean[i] })
        .collect();
    Ok((observed, flips.probabilities(eta)))
}

/// The array of logits of a file. If the file also holds clean labels, they must be those of the
/// samples; otherwise a wrong order would not be detected.
fn logits(path: &Path, column: Option<&str>, clean: &[u32]) -> Result<Array, DataError> {
    let file = ArrayFile::open(path)?;
    let Some(column) = column else {
        let array = file.require(Role::Logits)?;
        if file.is_archive()
            && array.shape().first() == Some(&clean.len())
            && let Some(labels) = file.named(Role::CleanLabels)?
        {
            let found = labels.class_numbers()?;
            if found.len() == clean.len() {
                check_clean_labels(path, &found, clean, "")?;
            }
        }
        return Ok(array);
    };
    let array = file.array(column)?.ok_or_else(|| file.lacks(column, ""))?;
    match file.is_archive() {
        true => Ok(array),
        false => Err(array.error("holds one array without a name; omit `column`".to_owned())),
    }
}

fn check_shape(logits: &Array, n: usize, classes: usize) -> Result<(), DataError> {
    let (rows, columns) = logits.matrix_shape()?;
    if rows != n {
        return Err(logits.error(format!(
            "holds logits of {rows} samples, but the training set has {n}; save one row for each training sample, \
             including those held out for validation, in the order of the data set"
        )));
    }
    if columns != classes {
        return Err(logits.error(format!(
            "has {columns} columns, but there are {classes} classes; save the logits of a network for these classes"
        )));
    }
    Ok(())
}

fn check_finite(array: &Array, logits: ArrayView2<'_, f64>) -> Result<(), DataError> {
    match logits.indexed_iter().find(|(_, logit)| !logit.is_finite()) {
        None => Ok(()),
        Some(((row, column), logit)) => Err(array.error(format!(
            "the logit in row {row}, column {column} is {logit}; save finite logits, before any softmax"
        ))),
    }
}

/// Refuses probabilities, whose softmax would be nearly uniform.
fn check_logits(array: &Array, logits: ArrayView2<'_, f64>) -> Result<(), DataError> {
    let is_distribution = |row: ArrayView1<'_, f64>| {
        row.iter().all(|&value| value >= 0.0) && (row.sum() - 1.0).abs() < 1e-3
    };
    if logits.rows().into_iter().all(is_distribution) {
        return Err(array.error(
            "holds probabilities, not logits; save the logits, or the logarithms of the probabilities"
                .to_owned(),
        ));
    }
    Ok(())
}

/// $\tau(m)$ of a sample, proportional to its flip probability, and the most probable other class,
/// the first one in case of a tie.
///
/// $\tau$ is computed from $d = 1 - m$, which remains exact if the network is nearly certain.
fn level(logits: ArrayView1<'_, f64>, label: u32, pmd_type: PmdType) -> (f64, u32) {
    let others = (0_u32..).zip(logits).filter(|(k, _)| *k != label);
    let (mut runner_up, mut second) = (label, f64::NEG_INFINITY);
    for (k, &logit) in others.clone() {
        if logit > second {
            (runner_up, second) = (k, logit);
        }
    }
    let own = logits[label as usize];
    if own <= second {
        return (of_one_minus_margin(1.0, pmd_type), runner_up);
    }
    let odds = |logit: f64| libm::exp(logit - own);
    let rest: f64 = others.map(|(_, &logit)| odds(logit)).sum();
    let one_minus_margin = (rest + odds(second)) / (1.0 + rest);
    (of_one_minus_margin(one_minus_margin, pmd_type), runner_up)
}

/// $\tau(1 - d)$.
fn of_one_minus_margin(d: f64, pmd_type: PmdType) -> f64 {
    match pmd_type {
        PmdType::I => d * (2.0 - d) / 2.0,
        PmdType::II => d * (3.0 - d * (3.0 - d)),
        PmdType::III => d * (6.0 - d * (4.0 - d)) / 3.0,
    }
}

/// Flip probabilities $\min(1, f \tau_i)$ for any mean.
struct Flips {
    /// $\tau_i$ of each sample.
    levels: Vec<f64>,
    /// The positive levels, from the highest to the lowest.
    sorted: Vec<f64>,
    /// The sum of the sorted levels from each position on.
    sums: Vec<f64>,
}

impl Flips {
    fn new(levels: Vec<f64>) -> Self {
        let mut sorted: Vec<f64> = levels.iter().copied().filter(|&l| l > 0.0).collect();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let mut sums = sorted.clone();
        let mut sum = 0.0;
        for level in sums.iter_mut().rev() {
            sum += *level;
            *level = sum;
        }
        Self {
            levels,
            sorted,
            sums,
        }
    }

    /// The highest mean that the probabilities can have: the share of positive levels.
    fn check_reachable(&self, eta: f64) -> Result<f64, NoiseError> {
        let (n, positive) = (self.levels.len(), self.sorted.len());
        let reachable = positive as f64 / n as f64;
        match eta <= reachable {
            true => Ok(reachable),
            false => Err(NoiseError::Unreachable {
                eta,
                certain: n - positive,
                n,
                reachable,
            }),
        }
    }

    /// The flip probabilities whose mean is `eta`, which must be reachable.
    fn probabilities(&self, eta: f64) -> Vec<f64> {
        let factor = self.factor(eta);
        let probability = |&level: &f64| match level > 0.0 {
            true => (factor * level).min(1.0),
            false => 0.0,
        };
        self.levels.iter().map(probability).collect()
    }

    /// The factor f for which the probabilities sum to $\eta n$. If the highest j levels have
    /// probability 1, it is $\eta n - j$ over the sum of the others; the correct j is the smallest
    /// for which the next level has a probability of at most 1.
    fn factor(&self, eta: f64) -> f64 {
        let total = eta * self.levels.len() as f64;
        for (certain, (&level, &sum)) in self.sorted.iter().zip(&self.sums).enumerate() {
            let factor = (total - certain as f64) / sum;
            if factor * level <= 1.0 {
                return factor;
            }
        }
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests;
