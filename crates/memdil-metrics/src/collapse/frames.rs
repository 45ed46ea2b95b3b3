//! Distances of matrices from a simplex equiangular tight frame (ETF) or an orthogonal frame.

use ndarray::{Array2, ArrayView2};

use crate::error::{Counted, MetricsError, Subject};
use crate::input::{check_two_classes, to_f64};
use crate::kernels::Real;
use crate::linalg::scaled_to_one;

/// Declares functions of features, labels and the number of classes. Each calls the method of the
/// same name of [`Moments`](crate::Moments) and requires at least two classes.
macro_rules! of_class_means {
    ($($(#[$doc:meta])* fn $name:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name<T: $crate::kernels::Real, L: $crate::label::Label>(
            features: ndarray::ArrayView2<'_, T>,
            labels: &[L],
            classes: usize,
        ) -> Result<f64, $crate::error::MetricsError> {
            $crate::input::check_two_classes(classes)?;
            $crate::passes::Moments::of(features, labels, None, classes)?.$name()
        }
    )*};
}
pub(super) use of_class_means;

/// Checks that a classifier has at least two classes and matches the feature dimension.
pub(super) fn check_classifier<W: Real>(
    classifier: ArrayView2<'_, W>,
    dim: usize,
) -> Result<(), MetricsError> {
    let (classes, columns) = classifier.dim();
    check_two_classes(classes)?;
    Counted::Columns.check(Subject::Features, dim, Subject::Classifier, columns)
}

/// The classifier, scaled so that its largest absolute entry is 1.
pub(super) fn scaled_classifier<W: Real>(
    classifier: ArrayView2<'_, W>,
) -> Result<Array2<f64>, MetricsError> {
    let array = Subject::Classifier;
    scaled_to_one(to_f64(classifier, array)?, array)
}

/// The number of pairs of classes.
pub(super) fn pairs(classes: usize) -> f64 {
    classes as f64 * (classes as f64 - 1.0) / 2.0
}

/// Standard deviation of the row lengths, divided by their mean. At least one row must be non-zero.
pub(super) fn spread_of_lengths(rows: &Array2<f64>) -> f64 {
    let lengths = rows.rows().into_iter().map(|row| row.dot(&row).sqrt());
    let lengths: Vec<f64> = lengths.collect();
    let count = lengths.len() as f64;
    let mean = lengths.iter().sum::<f64>() / count;
    let squares: f64 = lengths.iter().map(|length| (length - mean).powi(2)).sum();
    (squares / count).sqrt() / mean
}

/// $\Vert A / \Vert A \Vert_F - (I - J/K) / \sqrt{K-1} \Vert_F$ for a non-zero $K \times K$ matrix
/// $A$, $K \ge 2$.
pub(super) fn distance_to_etf(matrix: &Array2<f64>) -> f64 {
    let classes = matrix.nrows() as f64;
    let length = (classes - 1.0).sqrt();
    let (on, off) = ((1.0 - 1.0 / classes) / length, -1.0 / classes / length);
    distance_to_frame(matrix, on, off)
}

/// Distance of a matrix, scaled to norm 1, from the matrix with the entries `on` and `off` on and
/// off the diagonal.
pub(super) fn distance_to_frame(matrix: &Array2<f64>, on: f64, off: f64) -> f64 {
    let norm = frobenius(matrix);
    let squares = matrix.indexed_iter().map(|((i, j), value)| {
        let target = if i == j { on } else { off };
        (value / norm - target).powi(2)
    });
    squares.sum::<f64>().sqrt()
}

pub(super) fn frobenius(matrix: &Array2<f64>) -> f64 {
    matrix.iter().map(|value| value * value).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn negative_etf_has_distance_two() {
        let etf = array![[-0.5, 0.5], [0.5, -0.5]];
        assert!((distance_to_etf(&etf) - 2.0).abs() < 1e-15);
    }
}
