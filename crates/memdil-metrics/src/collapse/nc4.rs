//! NC4: agreement of the classifier with the nearest class mean.

use ndarray::{ArrayView1, ArrayView2};

use super::frames::check_classifier;
use crate::error::{Counted, MetricsError, Subject, finite};
use crate::input::{check_samples, to_f64, vector_to_f64};
use crate::kernels::Real;
use crate::label::Label;
use crate::linalg::{dot, norm};
use crate::passes::{Moments, Wanted, in_memory};

/// Length of the mean logit vector; 0 if the bias cancels the contribution of the mean feature.
///
/// $$\Vert W \mu_G + b \Vert_2, \qquad \mu_G = \frac{1}{n} \sum_i h_i$$
///
/// Source: Zhu et al. 2021, where it is numbered NC4.
///
/// # Shapes
/// `features` (samples x features), `classifier` $W$ (classes x features) and `bias` $b$ (classes)
/// give one number, reduced over samples.
///
/// # Errors
/// No samples, no classes, mismatched shapes, non-finite input, values outside the range of `f64`.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let features = array![[1.0, 0.0], [3.0, 2.0]]; // mean (2, 1)
/// let classifier = array![[1.0, 0.0], [0.0, 1.0]];
/// let bias = array![-2.0, 2.0]; // mean logits (0, 3)
/// let found = memdil_metrics::bias_collapse(features.view(), classifier.view(), bias.view())?;
/// assert!((found - 3.0).abs() < 1e-12);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
#[doc(alias = "Wh_b_relation_metric")]
#[doc(alias = "compute_Wh_b_relation")]
pub fn bias_collapse<T: Real, W: Real>(
    features: ArrayView2<'_, T>,
    classifier: ArrayView2<'_, W>,
    bias: ArrayView1<'_, W>,
) -> Result<f64, MetricsError> {
    let (samples, dim) = features.dim();
    let (classes, columns) = classifier.dim();
    check_samples(Subject::Classifier, classes)?;
    check_samples(Subject::Features, samples)?;
    Counted::Columns.check(Subject::Features, dim, Subject::Classifier, columns)?;
    Moments::of(features, &vec![0_u8; samples], None, 1)?.bias_collapse(classifier, bias)
}

impl Moments {
    /// See [`bias_collapse`].
    ///
    /// # Errors
    /// Mismatched shapes, non-finite input, values outside the range of `f64`.
    pub fn bias_collapse<W: Real>(
        &self,
        classifier: ArrayView2<'_, W>,
        bias: ArrayView1<'_, W>,
    ) -> Result<f64, MetricsError> {
        let (rows, columns) = classifier.dim();
        Counted::Columns.check(Subject::Features, self.dim(), Subject::Classifier, columns)?;
        Counted::Entries.check(Subject::Bias, bias.len(), Subject::Classifier, rows)?;
        let classifier = to_f64(classifier, Subject::Classifier)?;
        let bias = vector_to_f64(bias, Subject::Bias)?;
        let mean = self.means().global.to_vec();
        let logit = |(row, bias): (ArrayView1<'_, f64>, f64)| dot(&row.to_vec(), &mean) + bias;
        let logits: Vec<f64> = classifier.rows().into_iter().zip(bias).map(logit).collect();
        finite("bias_collapse", norm(&logits))
    }
}

/// Share of samples for which the classifier predicts the class with the nearest mean; 1 means full
/// collapse.
///
/// $$\frac{1}{n} \sum_i [\arg\max_k (W h_i + b)_k = \arg\min_k \Vert h_i - \mu_k \Vert]$$
///
/// Ties are resolved in favour of the lowest class. Source: Papyan et al. 2020.
///
/// # Shapes
/// `features` (samples x features), `labels` (samples), `classifier` $W$ (classes x features) and
/// `bias` $b$ (classes) give one number in $[0, 1]$, the mean over samples. The number of classes
/// is that of the classifier's rows.
///
/// # Errors
/// Fewer than two classes, no samples, mismatched shapes or lengths, a label without a classifier
/// row, a class without samples, non-finite input, class means that coincide, values outside the
/// range of `f64`.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let features = array![[-3.0], [-1.0], [1.0], [3.0]];
/// let classifier = array![[-1.0], [1.0]];
/// // The decision boundary of the classifier is at -2, that of the class means at 0.
/// let bias = array![0.0, 4.0];
/// let found = memdil_metrics::nc4(features.view(), &[0, 0, 1, 1], classifier.view(), bias.view())?;
/// assert_eq!(found, 0.75);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
#[doc(alias = "clf_ncc_agreement")]
pub fn nc4<T: Real, L: Label, W: Real>(
    features: ArrayView2<'_, T>,
    labels: &[L],
    classifier: ArrayView2<'_, W>,
    bias: ArrayView1<'_, W>,
) -> Result<f64, MetricsError> {
    check_classifier(classifier, features.ncols())?;
    let moments = Moments::of(features, labels, None, classifier.nrows())?;
    let wanted = Wanted {
        nc1: true,
        head: Some((classifier, bias)),
        ..Wanted::default()
    };
    in_memory(&moments, (features, labels, None), wanted)?.nc4()
}
