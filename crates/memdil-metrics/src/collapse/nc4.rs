//! NC4: the classifier decides as the nearest class mean does.

use ndarray::{ArrayView1, ArrayView2};

use crate::error::finite;
use crate::input::{
    Label, Real, check_length, check_samples, check_two_classes, to_f64, vector_to_f64,
};
use crate::linalg::{dot, norm};
use crate::second_pass::{Wanted, in_memory};
use crate::{FirstPass, MetricsError, Moments};

/// Length of the mean logit vector: 0 when the bias cancels what the mean feature contributes.
///
/// $$\Vert W \mu_G + b \Vert_2, \qquad \mu_G = \frac{1}{n} \sum_i h_i$$
///
/// Source: Zhu et al. 2021, where it is numbered NC4.
///
/// # Shapes
/// `classifier` $W$ (classes x features), `bias` $b$ (classes), `features` (samples x features) to
/// one number, reduced over samples.
///
/// # Errors
/// No samples, no classes, shapes that differ, non-finite input, values beyond the range of `f64`.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let features = array![[1.0, 0.0], [3.0, 2.0]]; // mean (2, 1)
/// let classifier = array![[1.0, 0.0], [0.0, 1.0]];
/// let bias = array![-2.0, 2.0]; // mean logits (0, 3)
/// let found = memdil_metrics::bias_collapse(classifier.view(), bias.view(), features.view())?;
/// assert!((found - 3.0).abs() < 1e-12);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn bias_collapse<W: Real, T: Real>(
    classifier: ArrayView2<'_, W>,
    bias: ArrayView1<'_, W>,
    features: ArrayView2<'_, T>,
) -> Result<f64, MetricsError> {
    check_samples("classifier", classifier.nrows())?;
    check_samples("features", features.nrows())?;
    check_length(
        "features",
        "columns",
        features.ncols(),
        "classifier",
        classifier.ncols(),
    )?;
    let mut pass = FirstPass::new(1, features.ncols())?;
    pass.add(features, &vec![0_u8; features.nrows()], None)?;
    pass.finish()?.bias_collapse(classifier, bias)
}

impl Moments {
    /// See [`bias_collapse`].
    ///
    /// # Errors
    /// Shapes that differ, non-finite input, values beyond the range of `f64`.
    pub fn bias_collapse<W: Real>(
        &self,
        classifier: ArrayView2<'_, W>,
        bias: ArrayView1<'_, W>,
    ) -> Result<f64, MetricsError> {
        check_length(
            "features",
            "columns",
            self.dim(),
            "classifier",
            classifier.ncols(),
        )?;
        check_length(
            "bias",
            "entries",
            bias.len(),
            "classifier",
            classifier.nrows(),
        )?;
        let (classifier, bias) = (
            to_f64(classifier, "classifier")?,
            vector_to_f64(bias, "bias")?,
        );
        let mean = self.means().global.to_vec();
        let logit = |(row, bias): (ArrayView1<'_, f64>, f64)| dot(&row.to_vec(), &mean) + bias;
        let logits: Vec<f64> = classifier.rows().into_iter().zip(bias).map(logit).collect();
        finite("bias_collapse", norm(&logits))
    }
}

/// Share of samples for which the classifier chooses the class whose mean is nearest; 1 is full
/// collapse.
///
/// $$\frac{1}{n} \sum_i [\arg\max_k (W h_i + b)_k = \arg\min_k \Vert h_i - \mu_k \Vert]$$
///
/// with ties decided for the lowest class. Source: Papyan et al. 2020.
///
/// # Shapes
/// `classifier` $W$ (classes x features), `bias` $b$ (classes), `features` (samples x features),
/// `labels` (samples) to one number in $[0, 1]$, the mean over samples. The classifier's rows set
/// the number of classes.
///
/// # Errors
/// Fewer than two classes, no samples, shapes or lengths that differ, a label without a classifier
/// row, a class without samples, non-finite input, class means that coincide, values beyond the
/// range of `f64`.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let features = array![[-3.0], [-1.0], [1.0], [3.0]];
/// let classifier = array![[-1.0], [1.0]];
/// // The classifier's border is at -2, that of the means at 0.
/// let found = memdil_metrics::nc4(classifier.view(), array![0.0, 4.0].view(), features.view(), &[0, 0, 1, 1])?;
/// assert_eq!(found, 0.75);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn nc4<W: Real, T: Real, L: Label>(
    classifier: ArrayView2<'_, W>,
    bias: ArrayView1<'_, W>,
    features: ArrayView2<'_, T>,
    labels: &[L],
) -> Result<f64, MetricsError> {
    check_two_classes(classifier.nrows())?;
    check_length(
        "features",
        "columns",
        features.ncols(),
        "classifier",
        classifier.ncols(),
    )?;
    let moments = Moments::of(features, labels, None, classifier.nrows())?;
    let wanted = Wanted {
        nc1: true,
        head: Some((classifier, bias)),
        ..Wanted::default()
    };
    in_memory(&moments, (features, labels, None), wanted)?.nc4()
}
