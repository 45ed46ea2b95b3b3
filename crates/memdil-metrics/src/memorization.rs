//! Memorization: what the network did to the samples whose label was corrupted.

use ndarray::ArrayView2;

use crate::MetricsError;
use crate::accuracy::argmax;
use crate::class_means::Centres;
use crate::error::finite;
use crate::input::{Real, check_labels, check_samples, for_each_row};
use crate::linalg::norm;

/// How far corrupted samples lie from where their true class does; see [`memorization`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Memorization {
    /// Sum of the distances over all corrupted samples; 0 without any.
    pub sum: f64,
    /// Mean distance over all corrupted samples; `None` without any.
    pub mean: Option<f64>,
    /// Sum of the distances by clean class; 0 for a class without corrupted samples.
    pub per_class: Vec<f64>,
    /// Corrupted samples by clean class.
    pub counts: Vec<usize>,
}

/// Distance of the corrupted samples from the mean of the uncorrupted samples of their true class.
///
/// $$\mathrm{memorization}_k = \sum_{i: c_i = k, y_i \ne k} \Vert h_i - \nu_k \Vert, \qquad
///   \nu_k = \mathrm{mean}\lbrace h_i : y_i = c_i = k \rbrace$$
///
/// for observed labels $y$ and clean labels $c$. Large where the network carries a sample to the class it was
/// wrongly given, near 0 where it treats it as what it is. Source: Nguyen et al. 2023.
///
/// # Shapes
/// `features` (samples x features), `observed` and `clean` (samples) to sums and counts (classes), reduced over the
/// corrupted samples.
///
/// # Errors
/// No samples, lengths that differ, a label outside `0..classes`, a class that has corrupted samples but no
/// uncorrupted one, non-finite features, values beyond the range of `f64`.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let features = array![[0.0, 0.0], [0.0, 2.0], [9.0, 0.0], [3.0, 5.0]];
/// let found = memdil_metrics::memorization(features.view(), &[0, 0, 1, 1], &[0, 0, 1, 0], 2)?;
/// assert!((found.sum - 5.0).abs() < 1e-12); // from (0, 1) to (3, 5)
/// assert_eq!(found.counts, [1, 0]);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn memorization<T: Real>(
    features: ArrayView2<'_, T>,
    observed: &[u32],
    clean: &[u32],
    classes: usize,
) -> Result<Memorization, MetricsError> {
    check_samples("features", features.nrows())?;
    check_labels("observed", observed, "features", features.nrows(), classes)?;
    check_labels("clean", clean, "features", features.nrows(), classes)?;
    let class_if =
        |corrupted: bool| move |row: usize| ((observed[row] != clean[row]) == corrupted).then_some(clean[row] as usize);

    let mut counts = vec![0_usize; classes];
    for class in (0..clean.len()).filter_map(class_if(true)) {
        counts[class] += 1;
    }
    let centres = Centres::gather(features, classes, class_if(false))?;
    if let Some(class) = (0..classes).find(|&class| counts[class] > 0 && centres.counts[class] == 0) {
        return Err(MetricsError::NoCleanSample { class });
    }
    let mut per_class = vec![0.0; classes];
    centres.for_each_residual(features, class_if(true), |class, residual| per_class[class] += norm(residual))?;

    let sum = finite("memorization", per_class.iter().sum())?;
    let corrupted: usize = counts.iter().sum();
    let mean = (corrupted > 0).then(|| sum / corrupted as f64);
    Ok(Memorization { sum, mean, per_class, counts })
}

/// What the network predicts for corrupted samples; the three shares add up to 1. See [`memorized_fraction`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MemorizedFraction {
    /// Share predicted as the wrong label they were given: memorised.
    pub as_given: f64,
    /// Share predicted as their clean label: the noise was seen through.
    pub as_clean: f64,
    /// Share predicted as neither.
    pub as_other: f64,
}

/// Of the corrupted samples, the shares predicted as the given label, as the clean label, and as neither.
///
/// $$\mathrm{as\ given} = \frac{|\lbrace i : y_i \ne c_i, \arg\max_k z_{ik} = y_i \rbrace|}
///   {|\lbrace i : y_i \ne c_i \rbrace|}$$
///
/// and so on, for observed labels $y$, clean labels $c$ and logits $z$ (ties go to the lowest class).
/// `None` when no sample is corrupted. Source: Liu et al. 2020 (early-learning regularization).
///
/// # Shapes
/// `logits` (samples x classes), `observed` and `clean` (samples) to three shares, reduced over corrupted samples.
///
/// # Errors
/// No samples, lengths that differ, a label without a logit, non-finite logits.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let logits = array![[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [9.0, 0.0, 0.0]];
/// let shares = memdil_metrics::memorized_fraction(logits.view(), &[0, 1, 1], &[0, 0, 0])?;
/// let shares = shares.expect("two samples are corrupted");
/// assert_eq!((shares.as_given, shares.as_clean, shares.as_other), (0.5, 0.5, 0.0));
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn memorized_fraction<T: Real>(
    logits: ArrayView2<'_, T>,
    observed: &[u32],
    clean: &[u32],
) -> Result<Option<MemorizedFraction>, MetricsError> {
    check_samples("logits", logits.nrows())?;
    check_labels("observed", observed, "logits", logits.nrows(), logits.ncols())?;
    check_labels("clean", clean, "logits", logits.nrows(), logits.ncols())?;
    let (mut given, mut seen_through, mut other) = (0_usize, 0_usize, 0_usize);
    for_each_row(logits, "logits", |row, values| {
        if observed[row] == clean[row] {
            return;
        }
        let predicted = argmax(values);
        if predicted == observed[row] as usize {
            given += 1;
        } else if predicted == clean[row] as usize {
            seen_through += 1;
        } else {
            other += 1;
        }
    })?;
    let corrupted = given + seen_through + other;
    let share = |count: usize| count as f64 / corrupted as f64;
    Ok((corrupted > 0).then(|| MemorizedFraction {
        as_given: share(given),
        as_clean: share(seen_through),
        as_other: share(other),
    }))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn distances_count_under_the_clean_class() {
        // Clean means: class 0 at 1, class 1 at 10, class 2 untouched and without uncorrupted samples.
        let features = array![[0.0], [2.0], [10.0], [4.0], [-2.0], [9.0]];
        let (observed, clean) = ([0, 0, 1, 1, 2, 0], [0, 0, 1, 0, 0, 1]);
        let found = memorization(features.view(), &observed, &clean, 3).unwrap();
        assert_eq!(found.per_class, [6.0, 1.0, 0.0]);
        assert_eq!(found.counts, [2, 1, 0]);
        assert_eq!((found.sum, found.mean), (7.0, Some(7.0 / 3.0)));
    }

    #[test]
    fn without_corruption_there_is_no_mean() {
        let features = array![[0.0], [2.0]];
        let found = memorization(features.view(), &[0, 1], &[0, 1], 2).unwrap();
        assert_eq!(found, Memorization { sum: 0.0, mean: None, per_class: vec![0.0; 2], counts: vec![0; 2] });
        assert_eq!(memorized_fraction(features.view(), &[0, 0], &[0, 0]).unwrap(), None);
    }

    #[test]
    fn predictions_split_three_ways() {
        let logits = array![[0.0, 5.0, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0], [5.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 5.0]];
        let shares = memorized_fraction(logits.view(), &[1, 1, 1, 3], &[0, 0, 0, 3]).unwrap().unwrap();
        let third = 1.0 / 3.0;
        assert_eq!(shares, MemorizedFraction { as_given: third, as_clean: third, as_other: third });
    }
}
