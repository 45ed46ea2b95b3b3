//! Memorization: how the network treats samples with a corrupted label.

use ndarray::ArrayView2;

use crate::error::{Counted, MetricsError, Subject};
use crate::input::check_samples;
use crate::kernels::Real;
use crate::label::Label;
use crate::passes::{Moments, Predictions, Wanted, in_memory};
use crate::results::{Memorization, MemorizedFraction};

/// Distances of the corrupted samples from the mean of the uncorrupted samples of their true class.
///
/// $$S_k = \sum_{i: c_i = k, y_i \ne k} \Vert h_i - \nu_k \Vert, \qquad
///   \nu_k = \mathrm{mean}\lbrace h_i : y_i = c_i = k \rbrace$$
///
/// for observed labels $y$ and clean labels $c$. The distance of a sample is large if the network
/// moves it to the class of its wrong label, and small if the network treats it as a member of its
/// true class. Source: Nguyen et al. 2023.
///
/// # Shapes
/// `features` (samples x features), observed `labels` (samples) and `clean_labels` (samples) give
/// sums and counts (classes), reduced over the corrupted samples.
///
/// # Errors
/// No samples, mismatched lengths, a label outside `0..classes`, a class with corrupted samples but
/// no uncorrupted ones, non-finite features, values outside the range of `f64`.
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
pub fn memorization<T: Real, L: Label>(
    features: ArrayView2<'_, T>,
    labels: &[L],
    clean_labels: &[L],
    classes: usize,
) -> Result<Memorization, MetricsError> {
    let moments = Moments::with_empty_classes(features, labels, Some(clean_labels), classes)?;
    let wanted = Wanted::<T> {
        memorization: true,
        ..Wanted::default()
    };
    in_memory(&moments, (features, labels, Some(clean_labels)), wanted)?.memorization()
}

/// Distances of the corrupted samples from the mean of unseen samples of their true class.
///
/// Same as [`memorization`], except that $\nu_k$ is the mean of the test features of class $k$,
/// that is, of samples that the network cannot have memorised. Source: Nguyen et al. 2023.
///
/// # Shapes
/// `features` (samples x features), observed `labels` (samples), `clean_labels` (samples),
/// `test_features` (test samples x features) and `test_labels` (test samples) give sums and counts
/// (classes), reduced over the corrupted samples.
///
/// # Errors
/// No samples, mismatched shapes or lengths, a label outside `0..classes`, a class with corrupted
/// samples but no test samples, non-finite features, values outside the range of `f64`.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let (features, test) = (array![[0.0], [9.0], [4.0]], array![[1.0], [8.0]]);
/// let train = (features.view(), &[0, 1, 1][..], &[0, 1, 0][..]);
/// let found = memdil_metrics::memorization_test(train, (test.view(), &[0, 1]), 2)?;
/// assert_eq!((found.sum, found.mean), (3.0, Some(3.0))); // from 1 to 4
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn memorization_test<T: Real, L: Label>(
    (features, labels, clean_labels): (ArrayView2<'_, T>, &[L], &[L]),
    (test_features, test_labels): (ArrayView2<'_, T>, &[L]),
    classes: usize,
) -> Result<Memorization, MetricsError> {
    let (columns, dim) = (test_features.ncols(), features.ncols());
    Counted::Columns.check(Subject::TestFeatures, columns, Subject::Features, dim)?;
    let test = Moments::with_empty_classes(test_features, test_labels, None, classes)
        .map_err(MetricsError::in_test_set)?;
    let moments = Moments::with_empty_classes(features, labels, Some(clean_labels), classes)?;
    let wanted = Wanted::<T> {
        test: Some(&test),
        ..Wanted::default()
    };
    in_memory(&moments, (features, labels, Some(clean_labels)), wanted)?.memorization_test()
}

/// Shares of the corrupted samples that are predicted as the given label, as the clean label, and
/// as another class.
///
/// $$\mathrm{as\ given} = \frac{|\lbrace i : y_i \ne c_i, \arg\max_k z_{ik} = y_i \rbrace|}
///   {|\lbrace i : y_i \ne c_i \rbrace|}$$
///
/// and likewise for the other shares, with observed labels $y$, clean labels $c$ and logits $z$.
/// Ties are resolved in favour of the lowest class. The result is `None` if no sample is corrupted.
/// Source: Liu et al. 2020 (early-learning regularization).
///
/// # Shapes
/// `logits` (samples x classes), observed `labels` (samples) and `clean_labels` (samples) give
/// three shares, reduced over corrupted samples.
///
/// # Errors
/// No samples, mismatched lengths, a label without a logit, non-finite logits.
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
pub fn memorized_fraction<T: Real, L: Label>(
    logits: ArrayView2<'_, T>,
    labels: &[L],
    clean_labels: &[L],
) -> Result<Option<MemorizedFraction>, MetricsError> {
    check_samples(Subject::Logits, logits.nrows())?;
    let found = Predictions::of(logits, labels, Some(clean_labels), logits.ncols())?;
    Ok(found.memorized_fraction())
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn distances_are_summed_per_clean_class() {
        // Clean means: 1 for class 0, 10 for class 1. Class 2 has no uncorrupted samples and needs
        // none.
        let features = array![[0.0], [2.0], [10.0], [4.0], [-2.0], [9.0]];
        let (observed, clean) = ([0, 0, 1, 1, 2, 0], [0, 0, 1, 0, 0, 1]);
        let found = memorization(features.view(), &observed, &clean, 3).unwrap();
        assert_eq!(found.per_class, [6.0, 1.0, 0.0]);
        assert_eq!(found.counts, [2, 1, 0]);
        assert_eq!((found.sum, found.mean), (7.0, Some(7.0 / 3.0)));
    }

    #[test]
    fn mean_is_absent_without_corrupted_samples() {
        let features = array![[0.0], [2.0]];
        let found = memorization(features.view(), &[0, 1], &[0, 1], 2).unwrap();
        assert_eq!(
            found,
            Memorization {
                sum: 0.0,
                mean: None,
                per_class: vec![0.0; 2],
                counts: vec![0; 2]
            }
        );
        assert_eq!(
            memorized_fraction(features.view(), &[0, 0], &[0, 0]).unwrap(),
            None
        );
    }

    #[test]
    fn predictions_are_divided_into_three_shares() {
        let logits = array![
            [0.0, 5.0, 0.0, 0.0],
            [0.0, 0.0, 5.0, 0.0],
            [5.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 5.0]
        ];
        let shares = memorized_fraction(logits.view(), &[1, 1, 1, 3], &[0, 0, 0, 3])
            .unwrap()
            .unwrap();
        let third = 1.0 / 3.0;
        assert_eq!(
            shares,
            MemorizedFraction {
                as_given: third,
                as_clean: third,
                as_other: third
            }
        );
    }
}
