//! Minority collapse: the classifier rows of small classes turn towards each other.

use ndarray::ArrayView2;

use crate::error::{MetricsError, Subject};
use crate::geometry::angle;
use crate::input::{check_two_classes, to_f64};
use crate::kernels::Real;
use crate::linalg::{norm, rows_of};

/// Mean angle in degrees between the classifier rows of all pairs of minority classes.
///
/// $$\mathop{\mathrm{mean}}_{j < k} \arccos \frac{W_j \cdot W_k}{\Vert W_j \Vert \Vert W_k \Vert}$$
///
/// over the minority classes $j$ and $k$. At full collapse with balanced classes, the angle is
/// $\arccos(-1 / (K-1))$. If the majority classes have enough times as many samples, the rows of
/// the minority classes are equal and the angle is 0 (minority collapse). Source: Fang et al. 2021.
///
/// # Shapes
/// `classifier` $W$ (classes x features) and at least two `minority` classes give one number
/// between 0 and 180.
///
/// # Errors
/// Fewer than two minority classes, a class without a classifier row, a row that is zero,
/// non-finite weights.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let classifier = array![[1.0, 0.0], [0.0, 2.0], [0.0, 0.5]];
/// assert!(memdil_metrics::minority_angle(classifier.view(), &[1, 2])?.abs() < 1e-12);
/// assert!((memdil_metrics::minority_angle(classifier.view(), &[0, 1, 2])? - 60.0).abs() < 1e-12);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn minority_angle<T: Real>(
    classifier: ArrayView2<'_, T>,
    minority: &[usize],
) -> Result<f64, MetricsError> {
    let array = Subject::Classifier;
    check_two_classes(minority.len())?;
    let rows = rows_of(&to_f64(classifier, array)?);
    let direction = |(index, &class): (usize, &usize)| {
        let row = rows.get(class).ok_or(MetricsError::LabelOutOfRange {
            array: Subject::Minority,
            row: index,
            label: class as i128,
            classes: rows.len(),
        })?;
        let length = norm(row);
        if length == 0.0 {
            return Err(MetricsError::ZeroNorm { array });
        }
        Ok(row.iter().map(|value| value / length).collect())
    };
    let directions = minority.iter().enumerate().map(direction);
    let directions: Vec<Vec<f64>> = directions.collect::<Result<_, _>>()?;
    let (mut sum, mut pairs) = (0.0, 0);
    for (index, a) in directions.iter().enumerate() {
        for b in &directions[..index] {
            sum += angle(a, b);
            pairs += 1;
        }
    }
    Ok(sum / f64::from(pairs))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn rows_of_a_simplex_have_its_angle() {
        let simplex = Array2::from_shape_fn((4, 4), |(i, j)| if i == j { 3.0_f32 } else { -1.0 });
        let expected = (-1.0_f64 / 3.0).acos().to_degrees();
        for minority in [&[2, 3][..], &[0, 1, 2, 3]] {
            let found = minority_angle(simplex.view(), minority).unwrap();
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
    }

    #[test]
    fn invalid_minorities_are_errors() {
        let classifier = array![[1.0, 0.0], [0.0, 0.0], [f64::NAN, 1.0]];
        let finite = classifier.slice(ndarray::s![..2, ..]);
        let text = |minority: &[usize]| minority_angle(finite, minority).unwrap_err().to_string();
        assert!(text(&[0]).contains("must be at least 2"), "{}", text(&[0]));
        assert!(text(&[0, 2]).contains("minority"), "{}", text(&[0, 2]));
        assert!(text(&[0, 1]).contains("norm"), "{}", text(&[0, 1]));
        let error = minority_angle(classifier.view(), &[0, 2]).unwrap_err();
        assert!(matches!(error, MetricsError::NonFinite { row: 2, .. }));
    }
}
