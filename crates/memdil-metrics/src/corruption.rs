//! Corruption bias: the offset of mislabelled samples from the mean of their given class towards
//! the other classes.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::error::{MetricsError, Subject, finite};
use crate::input::{check_samples, check_two_classes};
use crate::kernels::Real;
use crate::label::Label;
use crate::linalg::{dot_difference, rows_of};
use crate::passes::Moments;

/// Offset of the samples corrupted into a class from the mean of that class, along the directions
/// to the other class means.
///
/// $$\left\langle \mathrm{mean}\lbrace h_i : y_i = k, c_i \ne k \rbrace - \mu_k,
///   \frac{\mu_j - \mu_k}{\Vert \mu_j - \mu_k \Vert} \right\rangle$$
///
/// for observed labels $y$ and clean labels $c$. The value is large if the network places the
/// samples mislabelled as $k$ near class $j$, and 0 if it has memorised their labels. Source: the
/// code of Nguyen et al. 2023.
///
/// # Shapes
/// `features` (samples x features), observed `labels` (samples) and `clean_labels` (samples) give a
/// table (classes x (classes - 1)): row $k$ contains the other classes $j$ in ascending order.
///
/// # Errors
/// Fewer than two classes, no samples, mismatched lengths, a label outside `0..classes`, a class
/// without samples, a class into which no sample was corrupted, two class means that coincide,
/// non-finite features, values outside the range of `f64`.
///
/// # Examples
/// ```
/// use ndarray::array;
/// // Label 0 has a sample of class 1 at 3, so mu_0 = 1; label 1 has a sample of class 0 at 8, so
/// // mu_1 = 9.
/// let features = array![[0.0], [0.0], [3.0], [8.0], [10.0]];
/// let found = memdil_metrics::corruption_bias(features.view(), &[0, 0, 0, 1, 1], &[0, 0, 1, 0, 1], 2)?;
/// assert_eq!(found, array![[2.0], [1.0]]);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn corruption_bias<T: Real, L: Label>(
    features: ArrayView2<'_, T>,
    labels: &[L],
    clean_labels: &[L],
    classes: usize,
) -> Result<Array2<f64>, MetricsError> {
    check_two_classes(classes)?;
    check_samples(Subject::Features, features.nrows())?;
    Moments::of(features, labels, Some(clean_labels), classes)?.corruption_bias()
}

impl Moments {
    /// See [`corruption_bias`].
    ///
    /// # Errors
    /// The first pass had no clean labels, fewer than two classes, a class into which no sample was
    /// corrupted, two class means that coincide, values outside the range of `f64`.
    pub fn corruption_bias(&self) -> Result<Array2<f64>, MetricsError> {
        let noise = self.noise()?;
        check_two_classes(self.classes())?;
        if let Some(class) = noise.corrupted.iter().position(|&count| count == 0) {
            return Err(MetricsError::NoCorruptedSample { class });
        }
        let means = rows_of(self.relative_means());
        let shifts = rows_of(&noise.corrupted_shift);
        let pairs: Vec<(usize, usize, f64)> = self.distinct_pairs()?;
        let project = |&(i, j, square): &(usize, usize, f64)| {
            let towards = |from: usize, to: usize| {
                dot_difference(&shifts[from], &means[to], &means[from]) / square.sqrt()
            };
            (i, j, towards(i, j), towards(j, i))
        };
        let mut table = Array2::zeros((self.classes(), self.classes() - 1));
        for (i, j, forth, back) in pairs.par_iter().map(project).collect::<Vec<_>>() {
            (table[[i, j]], table[[j, i - 1]]) = (forth, back);
        }
        finite("corruption_bias", table.sum())?;
        Ok(table)
    }
}
