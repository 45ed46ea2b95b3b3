//! Class means: the centre of each class in feature space.

use ndarray::ArrayView2;

use crate::error::{MetricsError, Subject};
use crate::geometry::weighted_mean;
use crate::input::{check_labels, check_samples, first_missing};
use crate::kernels::Real;
use crate::label::{Label, class};
use crate::passes::Moments;
use crate::results::ClassMeans;

/// The mean feature of each class and of all samples.
///
/// $$\mu_k = \frac{1}{n_k} \sum_{i: y_i = k} h_i, \qquad \mu_G = \frac{1}{n} \sum_i h_i$$
///
/// where $n_k$ is the number of samples with the label $k$. Source: Papyan et al. 2020.
///
/// # Shapes
/// `features` (samples x features) and `labels` (samples) give means (classes x features), reduced
/// over samples.
///
/// # Errors
/// No samples, mismatched lengths, a label outside `0..classes`, a class without samples,
/// non-finite features, sums outside the range of `f64`.
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
    let moments = Moments::of(features, labels, None, classes)?;
    Ok(moments.means().clone())
}

/// The mean feature of the uncorrupted samples of each class: those whose observed label equals the
/// clean label.
///
/// $$\nu_k = \mathrm{mean}\lbrace h_i : y_i = c_i = k \rbrace$$
///
/// In the result, `global` is the mean over all uncorrupted samples and `counts` is their number
/// per class. Source: Nguyen et al. 2023.
///
/// # Shapes
/// `features` (samples x features), observed `labels` (samples) and `clean_labels` (samples) give
/// means (classes x features), reduced over the uncorrupted samples.
///
/// # Errors
/// Same as [`class_means`], and a class without an uncorrupted sample.
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
    let reference = (Subject::Features, features.nrows());
    check_samples(Subject::Features, features.nrows())?;
    check_labels(labels, Some(clean_labels), reference, classes)?;
    let samples = labels.iter().zip(clean_labels);
    let uncorrupted = samples.map(|(label, clean)| (label == clean).then(|| class(*label)));
    if let Some(class) = first_missing(uncorrupted, classes) {
        return Err(MetricsError::NoCleanSample { class });
    }
    Moments::with_empty_classes(features, labels, Some(clean_labels), classes)?.uncorrupted_means()
}

impl Moments {
    /// Means of the uncorrupted samples of each class; see
    /// [`uncorrupted_class_means`](crate::uncorrupted_class_means).
    ///
    /// # Errors
    /// The first pass had no clean labels; a class without an uncorrupted sample.
    pub fn uncorrupted_means(&self) -> Result<ClassMeans, MetricsError> {
        let noise = self.noise()?;
        if let Some(class) = noise.uncorrupted.iter().position(|&count| count == 0) {
            return Err(MetricsError::NoCleanSample { class });
        }
        let global = weighted_mean(&noise.uncorrupted_means, &noise.uncorrupted);
        Ok(ClassMeans {
            means: noise.uncorrupted_means.clone(),
            global,
            counts: noise.uncorrupted.clone(),
        })
    }
}
