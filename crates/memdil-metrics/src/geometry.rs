//! Distances and directions between class means.

use ndarray::{Array1, Array2};
use rayon::prelude::*;

use crate::error::MetricsError;
use crate::kernels::squared_distance;
use crate::linalg::{MAX_SWEEPS, dot, max_abs, norm, orthogonal_rows, rows_of};

/// The mean over all samples, computed from the class means.
pub(crate) fn weighted_mean(means: &Array2<f64>, counts: &[usize]) -> Array1<f64> {
    let mut sum = Array1::zeros(means.ncols());
    for (mean, &count) in means.rows().into_iter().zip(counts) {
        sum.scaled_add(count as f64, &mean);
    }
    sum / counts.iter().sum::<usize>() as f64
}

/// Squared distances of all pairs of rows with $j < i$, as (i, j, square).
pub(crate) fn pair_distances(rows: &Array2<f64>) -> Vec<(usize, usize, f64)> {
    let rows = rows_of(rows);
    let of_row = |i: usize| {
        (0..i)
            .map(|j| (i, j, squared_distance(&rows[i], &rows[j])))
            .collect::<Vec<_>>()
    };
    let all = (0..rows.len()).into_par_iter();
    all.flat_map_iter(of_row).collect()
}

/// Mean distance over all pairs of rows. Requires at least two rows.
pub(crate) fn mean_pair_distance(rows: &Array2<f64>) -> f64 {
    let distances = pair_distances(rows);
    let sum: f64 = distances.iter().map(|(_, _, square)| square.sqrt()).sum();
    sum / distances.len() as f64
}

/// The angle in degrees between two unit vectors. Unlike the arc cosine, this formula is accurate
/// for all angles.
pub(crate) fn angle(a: &[f64], b: &[f64]) -> f64 {
    let opposite: Vec<f64> = b.iter().map(|value| -value).collect();
    let (difference, sum) = (squared_distance(a, b), squared_distance(a, &opposite));
    2.0 * difference.sqrt().atan2(sum.sqrt()).to_degrees()
}

/// The between-class subspace: unit vectors $q_j$ and squared lengths $\lambda_j$ with
/// $K \Sigma_B = \sum_j \lambda_j q_j q_j^T$.
pub(crate) fn between_class_directions(
    centred: &Array2<f64>,
) -> Result<(Vec<Vec<f64>>, Vec<f64>), MetricsError> {
    let scale = max_abs(centred);
    let longest_side = centred.nrows().max(centred.ncols()) as f64;
    let mut vectors = orthogonal_rows(&(centred / scale), longest_side * f64::EPSILON, MAX_SWEEPS)?;
    let squares = vectors
        .iter()
        .map(|vector| dot(vector, vector) * scale * scale)
        .collect();
    for vector in &mut vectors {
        let length = norm(vector);
        vector.iter_mut().for_each(|value| *value /= length);
    }
    Ok((vectors, squares))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn number_of_directions_is_the_rank_of_the_means() {
        let rank = |centred: Array2<f64>| between_class_directions(&centred).unwrap().0.len();
        assert_eq!(rank(array![[1.0, 0.0], [-1.0, 0.0]]), 1);
        assert_eq!(rank(array![[0.1, 0.3], [0.2, 0.6], [-0.3, -0.9]]), 1);
        assert_eq!(
            rank(array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, -1.0, 0.0]]),
            2
        );
        assert_eq!(rank(array![[0.3], [0.4], [-0.7], [0.1], [-0.1]]), 1);
    }
}
