//! The plane onto which features are projected for drawing.

use ndarray::{Array1, Array2, ArrayView2, Axis};

/// Rounds of the subspace iteration, which separate directions whose variances differ by a tenth to
/// an accuracy of a millionth.
const ROUNDS: usize = 150;

/// Two features unchanged, or the first two principal components of any other number of features.
pub(super) struct Plane {
    centre: Array1<f64>,
    /// Orthonormal columns, or zero columns if the features span fewer dimensions; `None` for two
    /// features, which are drawn unchanged.
    directions: Option<Array2<f64>>,
    /// Share of the variance that the plane shows.
    pub(super) share: f64,
}

impl Plane {
    /// The plane of these features, samples x features.
    pub(super) fn of(features: ArrayView2<'_, f64>) -> Self {
        let dim = features.ncols();
        let centre = features
            .mean_axis(Axis(0))
            .unwrap_or_else(|| Array1::zeros(dim));
        if dim == 2 {
            return Self {
                centre,
                directions: None,
                share: 1.0,
            };
        }
        let centred = &features - &centre;
        let total: f64 = centred.iter().map(|v| v * v).sum();
        // An arbitrary start whose columns are linearly independent.
        let mut directions =
            Array2::from_shape_fn((dim, 2), |(i, k)| (1.0 + i as f64 * (1.7 + k as f64)).sin());
        orthonormalize(&mut directions);
        for _ in 0..ROUNDS {
            directions = centred.t().dot(&centred.dot(&directions));
            orthonormalize(&mut directions);
        }
        for mut direction in directions.columns_mut() {
            let largest = direction
                .iter()
                .copied()
                .fold(0.0_f64, |a, b| if b.abs() > a.abs() { b } else { a });
            direction *= if largest < 0.0 { -1.0 } else { 1.0 };
        }
        let shown: f64 = centred.dot(&directions).iter().map(|v| v * v).sum();
        let share = if total > 0.0 {
            (shown / total).min(1.0)
        } else {
            1.0
        };
        Self {
            centre,
            directions: Some(directions),
            share,
        }
    }

    /// The coordinates of features in the plane, samples x 2.
    pub(super) fn project(&self, features: ArrayView2<'_, f64>) -> Array2<f64> {
        match &self.directions {
            None => features.to_owned(),
            Some(directions) => (&features - &self.centre).dot(directions),
        }
    }
}

/// Gram-Schmidt on two columns; a column that depends on the other becomes zero.
fn orthonormalize(columns: &mut Array2<f64>) {
    let scale = columns.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
    let (mut first, mut second) = columns.multi_slice_mut((ndarray::s![.., 0], ndarray::s![.., 1]));
    normalize(&mut first, 0.0);
    // Two passes make the columns orthogonal up to rounding.
    for _ in 0..2 {
        let along: f64 = first.dot(&second);
        second.scaled_add(-along, &first);
    }
    normalize(&mut second, 1e-12 * scale);
}

fn normalize(vector: &mut ndarray::ArrayViewMut1<'_, f64>, least: f64) {
    let length = vector.dot(vector).sqrt();
    *vector *= if length > least { 1.0 / length } else { 0.0 };
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn two_features_are_unchanged() {
        let features = array![[1.0, 2.0], [3.0, -4.0]];
        let plane = Plane::of(features.view());
        assert_eq!(
            (plane.project(features.view()), plane.share),
            (features, 1.0)
        );
    }

    #[test]
    fn the_plane_contains_the_directions_of_largest_variance() {
        // Variances 16, 9 and 1 along three orthogonal axes in five dimensions.
        let axes = array![
            [0.6, 0.0, 0.8, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0, 0.0],
            [-0.8, 0.0, 0.6, 0.0, 0.0]
        ];
        let signs = array![
            [4.0, 3.0, 1.0],
            [-4.0, 3.0, -1.0],
            [4.0, -3.0, -1.0],
            [-4.0, -3.0, 1.0]
        ];
        let features = signs.dot(&axes) + 10.0;
        let plane = Plane::of(features.view());
        assert!((plane.share - 25.0 / 26.0).abs() < 1e-12, "{}", plane.share);
        let found = plane.project(features.view());
        for (found, signs) in found.rows().into_iter().zip(signs.rows()) {
            assert!(
                (found[0] - signs[0]).abs() < 1e-9 && (found[1] - signs[1]).abs() < 1e-9,
                "{found} for {signs}"
            );
        }
    }

    #[test]
    fn degenerate_features_have_a_plane() {
        let line = array![[0.0, 0.0, 0.0], [3.0, 0.0, 4.0]];
        let found = Plane::of(line.view()).project(line.view());
        let expected = array![[-2.5, 0.0], [2.5, 0.0]];
        assert!(
            (&found - &expected).iter().all(|d| d.abs() < 1e-9),
            "{found}"
        );
        for features in [
            array![[1.0], [3.0]],
            array![[7.0, 7.0, 7.0], [7.0, 7.0, 7.0]],
        ] {
            let plane = Plane::of(features.view());
            let found = plane.project(features.view());
            assert!(
                found.dim() == (2, 2)
                    && found.iter().all(|v| v.is_finite())
                    && (plane.share - 1.0).abs() < 1e-12,
                "{found}"
            );
        }
    }
}
