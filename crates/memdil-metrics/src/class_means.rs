//! Class means: where each class lies in feature space.

use ndarray::{Array1, Array2, ArrayView2};

use crate::input::{Label, Real, check_labels, check_samples, class, first_empty_class};
use crate::{FirstPass, MetricsError, Moments};

/// The mean of every class and of all samples.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ClassMeans {
    /// Class means, classes x features: row $k$ is $\mu_k$.
    pub means: Array2<f64>,
    /// Mean over all samples counted, $\mu_G$ (not the mean of the class means, unless classes are
    /// balanced).
    pub global: Array1<f64>,
    /// Samples of each class.
    pub counts: Vec<usize>,
}

/// The mean feature of every class, and of all samples.
///
/// $$\mu_k = \frac{1}{n_k} \sum_{i: y_i = k} h_i, \qquad \mu_G = \frac{1}{n} \sum_i h_i$$
///
/// with the counts $n_k$ of the labels given. Source: Papyan et al. 2020.
///
/// # Shapes
/// `features` (samples x features), `labels` (samples) to means (classes x features), reduced over
/// samples.
///
/// # Errors
/// No samples, lengths that differ, a label outside `0..classes`, a class without samples,
/// non-finite features, sums beyond the range of `f64`.
///
/// # Examples
/// ```
/// use ndarray::{array, aview1};
/// let features = array![[0.0, 1.0], [2.0, 1.0], [7.0, 4.0]];
/// let found = memdil_metrics::class_means(features.view(), &[0, 0, 1], 2)?;
/// assert_eq!(found.means, array![[1.0, 1.0], [7.0, 4.0]]);
/// assert_eq!(found.global, aview1(&[3.0, 2.0]));
/// assert_eq!(found.counts, [2, 1]);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn class_means<T: Real, L: Label>(
    features: ArrayView2<'_, T>,
    labels: &[L],
    classes: usize,
) -> Result<ClassMeans, MetricsError> {
    Ok(Moments::of(features, labels, None, classes)?
        .means()
        .clone())
}

/// The mean feature of the uncorrupted samples of every class: those whose observed label is the
/// clean one.
///
/// $$\nu_k = \mathrm{mean}\lbrace h_i : y_i = c_i = k \rbrace$$
///
/// Here `global` is the mean over all uncorrupted samples and `counts` their number. Source: Nguyen
/// et al. 2023.
///
/// # Shapes
/// `features` (samples x features), `labels` as observed and `clean_labels` (samples) to means
/// (classes x features), reduced over the uncorrupted samples.
///
/// # Errors
/// As [`class_means`], and a class without an uncorrupted sample.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let features = array![[0.0], [2.0], [9.0], [5.0]];
/// let clean = memdil_metrics::uncorrupted_class_means(features.view(), &[0, 0, 1, 1], &[0, 0, 1, 0], 2)?;
/// assert_eq!(clean.means, array![[1.0], [9.0]]);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn uncorrupted_class_means<T: Real, L: Label>(
    features: ArrayView2<'_, T>,
    labels: &[L],
    clean_labels: &[L],
    classes: usize,
) -> Result<ClassMeans, MetricsError> {
    check_samples("features", features.nrows())?;
    check_labels("labels", labels, "features", features.nrows(), classes)?;
    check_labels(
        "clean_labels",
        clean_labels,
        "features",
        features.nrows(),
        classes,
    )?;
    let uncorrupted = labels
        .iter()
        .zip(clean_labels)
        .map(|(a, b)| (a == b).then(|| class(*a)));
    if let Some(class) = first_empty_class(uncorrupted, classes) {
        return Err(MetricsError::NoCleanSample { class });
    }
    let mut pass = FirstPass::new(classes, features.ncols())?;
    pass.add(features, labels, Some(clean_labels))?;
    pass.finish()?.uncorrupted_means()
}
