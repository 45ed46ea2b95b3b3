//! Orthogonalisation of the rows of a matrix, with its singular values as lengths.

use ndarray::Array2;
use rayon::prelude::*;

use super::jacobi::rotate_all;
use super::lq::lq_reduction;
use super::vectors::{AddScaled, Dot, add_scaled, combination, dot, rows_of};
use crate::error::MetricsError;
use crate::kernels::{Kernel, dispatch};

/// Maximum number of sweeps of [`orthogonal_rows`]. Six to ten are usual, thirty if the lengths
/// differ by many orders of magnitude.
pub(crate) const MAX_SWEEPS: usize = 100;

/// Orthogonal rows with the same span as the rows of `matrix`, longest first. They are $U^T M$ for
/// $M = U S V^T$, so their squared lengths are the non-zero eigenvalues of $M M^T$ and of $M^T M$.
///
/// The rows are reduced to triangular form, $M = L Q^T$ (an LQ reduction by Householder panels,
/// then Gram-Schmidt with pivoting). The columns of $L$ are then rotated against each other until
/// they are orthogonal (one-sided Jacobi, Hestenes 1958) and equal those of $U S$. The pivoting
/// reduces the number of rotations (Drmac and Veselic 2008). $M M^T$ and $M^T M$ are not formed,
/// because that would square the condition number: if the singular values span six orders of
/// magnitude, NC1 from the eigenvectors of $M M^T$ has four correct digits, and this method gives
/// nine.
///
/// Rows whose squared length is at most `cutoff` times the largest are omitted.
pub(crate) fn orthogonal_rows(
    matrix: &Array2<f64>,
    cutoff: f64,
    max_sweeps: usize,
) -> Result<Vec<Vec<f64>>, MetricsError> {
    let rows = rows_of(matrix);
    let mut columns = pivoted_gram_schmidt(&lq_reduction(&rows, matrix.ncols()));
    rotate_all(&mut columns, matrix.ncols().max(rows.len()), max_sweeps)?;

    let mut columns: Vec<(f64, Vec<f64>)> = columns
        .into_iter()
        .map(|column| (dot(&column, &column), column))
        .collect();
    columns.sort_by(|a, b| b.0.total_cmp(&a.0));
    let least = columns.first().map_or(0.0, |(largest, _)| cutoff * largest);
    columns.retain(|&(square, _)| square > least);
    // The columns divided by their lengths are those of U; U^T M follows from the rows themselves.
    let turned = columns.par_iter().map(|(square, column)| {
        let turn: Vec<f64> = column.iter().map(|value| value / square.sqrt()).collect();
        combination(&turn, &rows)
    });
    let mut turned: Vec<Vec<f64>> = turned.collect();
    clean_short_rows(&mut turned);
    Ok(turned)
}

/// Removes from each row the rounding errors along rows that are more than a thousand times longer.
/// The rows must be sorted, longest first.
fn clean_short_rows(rows: &mut [Vec<f64>]) {
    for index in 1..rows.len() {
        let (longer, rest) = rows.split_at_mut(index);
        let square = dot(&rest[0], &rest[0]);
        for row in longer {
            let length = dot(row, row);
            if length <= 1e6 * square {
                break;
            }
            let along = dot(row, &rest[0]) / length;
            add_scaled(&mut rest[0], -along, row);
        }
    }
}

/// Coordinates of the rows in an orthonormal basis of their span, axis by axis, by Gram-Schmidt
/// with pivoting: each axis is the direction of the longest remainder.
fn pivoted_gram_schmidt(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let dim = rows.first().map_or(0, Vec::len);
    let mut axes = Vec::new();
    let mut rest = rows.to_vec();
    let mut squares: Vec<f64> = rest.iter().map(|row| dot(row, row)).collect();
    for _ in 0..rows.len().min(dim) {
        let Some(longest) = (0..rows.len()).max_by(|&a, &b| squares[a].total_cmp(&squares[b]))
        else {
            break;
        };
        let length = squares[longest].sqrt();
        if length == 0.0 {
            break;
        }
        let mut axis = std::mem::take(&mut rest[longest]);
        axis.iter_mut().for_each(|value| *value /= length);
        squares[longest] = 0.0;
        let mut coordinates = vec![0.0; rows.len()];
        for ((row, square), coordinate) in rest.iter_mut().zip(&mut squares).zip(&mut coordinates) {
            // Rows that became axes are empty.
            if !row.is_empty() {
                (*coordinate, *square) = dispatch(Deflate(row, &axis));
            }
        }
        coordinates[longest] = length;
        axes.push(coordinates);
    }
    axes
}

/// Removes the component along an axis from a row; returns the component and the squared length of
/// the remainder.
struct Deflate<'a>(&'a mut [f64], &'a [f64]);

impl Kernel for Deflate<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> (f64, f64) {
        let Self(row, axis) = self;
        let along = Dot(row, axis).run::<FUSED>();
        AddScaled(row, -along, axis).run::<FUSED>();
        (along, Dot(row, row).run::<FUSED>())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::linalg::norm;

    fn squares(matrix: &Array2<f64>) -> Vec<f64> {
        let rows = orthogonal_rows(matrix, 0.0, MAX_SWEEPS).unwrap();
        // Rows of rounding noise are excluded, because their directions are arbitrary.
        for (i, a) in rows.iter().take(3).enumerate() {
            for b in &rows[..i] {
                assert!(dot(a, b).abs() <= 1e-13 * norm(a) * norm(b), "{a:?} {b:?}");
            }
        }
        rows.iter().map(|row| dot(row, row)).collect()
    }

    #[test]
    fn row_lengths_are_the_singular_values() {
        // [[2, 2], [-1, 1]] has singular values 2 sqrt 2 and sqrt 2; [[3, 0], [4, 5]] has sqrt 45
        // and sqrt 5.
        for (rows, expected) in [
            (array![[2.0, 2.0], [-1.0, 1.0]], [8.0, 2.0]),
            (array![[3.0, 0.0], [4.0, 5.0]], [45.0, 5.0]),
        ] {
            for (found, expected) in squares(&rows).iter().zip(expected) {
                assert!((found - expected).abs() < 1e-13, "{found} for {expected}");
            }
        }
    }

    #[test]
    fn rows_keep_their_span() {
        let matrix = array![[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 3.0]];
        let rows = orthogonal_rows(&matrix, 1e-12, MAX_SWEEPS).unwrap();
        assert_eq!(rows.len(), 2);
        // 5 + 20 along (1, 2, 0), 9 along the third axis.
        assert!(
            (dot(&rows[0], &rows[0]) - 25.0).abs() < 1e-13
                && (dot(&rows[1], &rows[1]) - 9.0).abs() < 1e-13
        );
        assert!((rows[0][1] - 2.0 * rows[0][0]).abs() < 1e-14 && rows[0][2].abs() < 1e-14);
    }

    #[test]
    fn rows_beyond_the_rank_are_rounding_noise() {
        let matrix = Array2::from_shape_fn((12, 3), |(i, j)| {
            ((i * i * 7 + j * i + 3 * j) % 11) as f64 - 5.0
        });
        let total: f64 = matrix.iter().map(|value| value * value).sum();
        assert_eq!(
            orthogonal_rows(&matrix, 1e-28, MAX_SWEEPS).unwrap().len(),
            3
        );
        let squares = squares(&matrix);
        assert!(
            squares[3..].iter().all(|&s| s < 1e-28 * total) && squares[2] > 1e-3 * total,
            "{squares:?}"
        );
        assert!((squares.iter().sum::<f64>() / total - 1.0).abs() < 1e-14);
    }

    #[test]
    fn too_few_sweeps_are_an_error() {
        let matrix = array![[1.0, 0.0], [1.0, 1.0]];
        assert_eq!(
            orthogonal_rows(&matrix, 0.0, 1),
            Err(MetricsError::NotConverged { sweeps: 1 })
        );
    }
}
