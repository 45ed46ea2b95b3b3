//! Class means: where each class lies in feature space.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::MetricsError;
use crate::input::{Real, check_labels, check_samples, first_empty_class, for_each_row};
use crate::linalg::max_abs;

/// The mean of every class and of all samples.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ClassMeans {
    /// Class means, classes x features: row $k$ is $\mu_k$.
    pub means: Array2<f64>,
    /// Mean over all samples counted, $\mu_G$ (not the mean of the class means, unless classes are balanced).
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
/// `features` (samples x features), `labels` (samples) to means (classes x features), reduced over samples.
///
/// # Errors
/// No samples, lengths that differ, a label outside `0..classes`, a class without samples, non-finite features,
/// sums beyond the range of `f64`.
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
pub fn class_means<T: Real>(
    features: ArrayView2<'_, T>,
    labels: &[u32],
    classes: usize,
) -> Result<ClassMeans, MetricsError> {
    Centres::of_classes(features, labels, classes)?.absolute()
}

/// The mean feature of the uncorrupted samples of every class: those whose observed label is the clean one.
///
/// $$\nu_k = \mathrm{mean}\lbrace h_i : y_i = c_i = k \rbrace$$
///
/// Here `global` is the mean over all uncorrupted samples and `counts` their number. Source: Nguyen et al. 2023.
///
/// # Shapes
/// `features` (samples x features), `observed` and `clean` (samples) to means (classes x features), reduced over
/// the uncorrupted samples.
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
pub fn uncorrupted_class_means<T: Real>(
    features: ArrayView2<'_, T>,
    observed: &[u32],
    clean: &[u32],
    classes: usize,
) -> Result<ClassMeans, MetricsError> {
    check_samples("features", features.nrows())?;
    check_labels("observed", observed, "features", features.nrows(), classes)?;
    check_labels("clean", clean, "features", features.nrows(), classes)?;
    let class_of = |row: usize| (observed[row] == clean[row]).then_some(clean[row] as usize);
    if let Some(class) = first_empty_class((0..clean.len()).map(class_of), classes) {
        return Err(MetricsError::NoCleanSample { class });
    }
    Centres::gather(features, classes, class_of)?.absolute()
}

/// Class means relative to the first row of the features.
///
/// Features after a ReLU sit far from the origin compared with their spread. Sums of differences to one of
/// the samples keep the digits that sums of the features lose, and when all features are equal
/// the class means are equal to the last bit.
pub(crate) struct Centres {
    origin: Vec<f64>,
    /// Class mean minus origin, classes x features; a class without samples has 0.
    offsets: Array2<f64>,
    /// Mean of all samples counted, minus origin.
    global: Vec<f64>,
    pub(crate) counts: Vec<usize>,
    /// Largest distance of any sample from the origin in any feature: the scale of rounding errors.
    span: f64,
}

impl Centres {
    /// Means by label; every class must have a sample.
    pub(crate) fn of_classes<T: Real>(
        features: ArrayView2<'_, T>,
        labels: &[u32],
        classes: usize,
    ) -> Result<Self, MetricsError> {
        check_samples("features", features.nrows())?;
        check_labels("labels", labels, "features", features.nrows(), classes)?;
        let class_of = |row: usize| Some(labels[row] as usize);
        if let Some(class) = first_empty_class((0..labels.len()).map(class_of), classes) {
            return Err(MetricsError::EmptyClass { class, classes });
        }
        Self::gather(features, classes, class_of)
    }

    /// Means over the rows that `class_of` assigns to a class below `classes`; rows with `None` do not count.
    pub(crate) fn gather<T: Real>(
        features: ArrayView2<'_, T>,
        classes: usize,
        class_of: impl Fn(usize) -> Option<usize>,
    ) -> Result<Self, MetricsError> {
        let dim = features.ncols();
        let mut origin = vec![0.0; dim];
        let mut offsets = Array2::<f64>::zeros((classes, dim));
        let mut counts = vec![0_usize; classes];
        let mut span = 0.0_f64;
        for_each_row(features, "features", |row, values| {
            if row == 0 {
                origin.copy_from_slice(values);
            }
            if let Some(class) = class_of(row) {
                counts[class] += 1;
                for ((sum, value), start) in offsets.row_mut(class).iter_mut().zip(values).zip(&origin) {
                    let difference = value - start;
                    *sum += difference;
                    span = span.max(difference.abs());
                }
            }
        })?;

        let total = counts.iter().sum::<usize>().max(1) as f64;
        let global: Vec<f64> = offsets.sum_axis(Axis(0)).iter().map(|sum| sum / total).collect();
        for (mut sums, &count) in offsets.rows_mut().into_iter().zip(&counts) {
            sums.mapv_inplace(|sum| sum / count.max(1) as f64);
        }
        if span.is_finite() && offsets.iter().chain(&global).all(|value| value.is_finite()) {
            Ok(Self { origin, offsets, global, counts, span })
        } else {
            Err(MetricsError::Overflow { quantity: "the sum of the features" })
        }
    }

    /// Samples counted.
    pub(crate) fn samples(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Rows $m_k = \mu_k - \mu_G$; an error if they are all zero up to the rounding of sums of this many samples.
    pub(crate) fn centred(&self) -> Result<Array2<f64>, MetricsError> {
        let global = Array1::from(self.global.clone());
        let centred = &self.offsets - &global;
        let rounding = f64::EPSILON * (self.samples() as f64).sqrt() * self.span;
        if max_abs(&centred) <= rounding { Err(MetricsError::ZeroScatter) } else { Ok(centred) }
    }

    /// The mean of all samples, $\mu_G$.
    pub(crate) fn global_mean(&self) -> Vec<f64> {
        self.global.iter().zip(&self.origin).map(|(offset, start)| offset + start).collect()
    }

    fn absolute(self) -> Result<ClassMeans, MetricsError> {
        let global = Array1::from(self.global_mean());
        let means = self.offsets + Array1::from(self.origin);
        if means.iter().chain(&global).all(|value| value.is_finite()) {
            Ok(ClassMeans { means, global, counts: self.counts })
        } else {
            Err(MetricsError::Overflow { quantity: "a class mean" })
        }
    }

    /// Shows $h_i - \mu_k$ to `visit` as `(k, residual)` for every row that `class_of` assigns to a class $k$.
    pub(crate) fn for_each_residual<T: Real>(
        &self,
        features: ArrayView2<'_, T>,
        class_of: impl Fn(usize) -> Option<usize>,
        mut visit: impl FnMut(usize, &[f64]),
    ) -> Result<(), MetricsError> {
        let mut residual = vec![0.0; self.origin.len()];
        for_each_row(features, "features", |row, values| {
            let Some(class) = class_of(row) else { return };
            let offsets = self.offsets.row(class);
            for (((slot, value), start), offset) in residual.iter_mut().zip(values).zip(&self.origin).zip(offsets) {
                *slot = (value - start) - offset;
            }
            visit(class, &residual);
        })
    }
}
