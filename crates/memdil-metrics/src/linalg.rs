//! The little linear algebra that the metrics need.

use std::ops::Range;

use ndarray::Array2;
use rayon::prelude::*;

use crate::MetricsError;
use crate::kernels::{Kernel, dispatch, slabs};

/// Inner product.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    dispatch(Dot(a, b))
}

struct Dot<'a>(&'a [f64], &'a [f64]);

impl Kernel for Dot<'_> {
    type Output = f64;

    /// Sixteen independent partial sums, which the compiler turns into vector instructions.
    #[inline(always)]
    fn run<const FUSED: bool>(self) -> f64 {
        let (a_blocks, a_rest) = self.0.as_chunks::<16>();
        let (b_blocks, b_rest) = self.1.as_chunks::<16>();
        let mut lanes = [0.0; 16];
        for (x, y) in a_blocks.iter().zip(b_blocks) {
            for lane in 0..16 {
                lanes[lane] += x[lane] * y[lane];
            }
        }
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                lanes[lane] += lanes[lane + half];
            }
        }
        let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
        lanes[0] + rest
    }
}

/// Inner product of `vector` with the difference `a - b`.
pub(crate) fn dot_difference(vector: &[f64], a: &[f64], b: &[f64]) -> f64 {
    dispatch(DotDifference { vector, a, b })
}

struct DotDifference<'a> {
    vector: &'a [f64],
    a: &'a [f64],
    b: &'a [f64],
}

impl Kernel for DotDifference<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> f64 {
        let (blocks, vector_rest) = self.vector.as_chunks::<8>();
        let (a_blocks, a_rest) = self.a.as_chunks::<8>();
        let (b_blocks, b_rest) = self.b.as_chunks::<8>();
        let mut lanes = [0.0; 8];
        for ((v, x), y) in blocks.iter().zip(a_blocks).zip(b_blocks) {
            for lane in 0..8 {
                lanes[lane] += v[lane] * (x[lane] - y[lane]);
            }
        }
        let rest: f64 = vector_rest
            .iter()
            .zip(a_rest)
            .zip(b_rest)
            .map(|((v, x), y)| v * (x - y))
            .sum();
        lanes.iter().sum::<f64>() + rest
    }
}

/// Rows as vectors.
pub(crate) fn rows_of(matrix: &Array2<f64>) -> Vec<Vec<f64>> {
    matrix.rows().into_iter().map(|row| row.to_vec()).collect()
}

/// `sum += factor * vector`.
fn add_scaled(sum: &mut [f64], factor: f64, vector: &[f64]) {
    dispatch(AddScaled(sum, factor, vector));
}

struct AddScaled<'a>(&'a mut [f64], f64, &'a [f64]);

impl Kernel for AddScaled<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self(sum, factor, vector) = self;
        for (sum, value) in sum.iter_mut().zip(vector) {
            *sum += factor * value;
        }
    }
}

pub(crate) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// Largest absolute entry; 0 for an empty matrix.
pub(crate) fn max_abs(matrix: &Array2<f64>) -> f64 {
    matrix
        .iter()
        .fold(0.0, |largest, value| value.abs().max(largest))
}

/// Divides by the largest absolute entry, so that squares neither overflow nor vanish. Refuses a
/// zero matrix.
pub(crate) fn scale_to_one(
    matrix: &mut Array2<f64>,
    array: &'static str,
) -> Result<(), MetricsError> {
    let scale = max_abs(matrix);
    if scale == 0.0 {
        return Err(MetricsError::ZeroNorm { array });
    }
    matrix.mapv_inplace(|value| value / scale);
    Ok(())
}

/// Sweeps after which [`orthogonal_rows`] gives up; six to ten are usual, thirty if lengths differ
/// by many orders.
pub(crate) const MAX_SWEEPS: usize = 100;

/// Orthogonal rows that span what the rows of `matrix` span, longest first: $U^T M$ for
/// $M = U S V^T$, so that their squared lengths are the non-zero eigenvalues of $M M^T$ and of
/// $M^T M$.
///
/// Rows are reduced to triangular form, $M = L Q^T$ (Gram-Schmidt with pivoting), then the columns
/// of $L$ are rotated against each other until orthogonal (one-sided Jacobi, Hestenes 1958): they
/// are those of $U S$ then. The pivoting leaves few rotations to do (Drmac and Veselic 2008).
/// Neither product of $M$ with itself is formed, because that would square its condition: where the
/// singular values span six orders of magnitude, an NC1 taken from the eigenvectors of $M M^T$ has
/// four digits, this one nine.
///
/// Rows whose squared length is at most `cutoff` times the largest are left out.
pub(crate) fn orthogonal_rows(
    matrix: &Array2<f64>,
    cutoff: f64,
    max_sweeps: usize,
) -> Result<Vec<Vec<f64>>, MetricsError> {
    let rows = rows_of(matrix);
    let mut columns = triangular(&short(&rows, matrix.ncols()));
    rotate_all(&mut columns, matrix.ncols().max(rows.len()), max_sweeps)?;

    let mut columns: Vec<(f64, Vec<f64>)> = columns
        .into_iter()
        .map(|column| (dot(&column, &column), column))
        .collect();
    columns.sort_by(|a, b| b.0.total_cmp(&a.0));
    let least = columns.first().map_or(0.0, |(largest, _)| cutoff * largest);
    columns.retain(|&(square, _)| square > least);
    let turned = columns.par_iter().map(|(square, column)| {
        let turn: Vec<f64> = column.iter().map(|value| value / square.sqrt()).collect();
        combination(&turn, &rows)
    });
    let mut turned: Vec<Vec<f64>> = turned.collect();
    clean_short_rows(&mut turned);
    Ok(turned)
}

/// $\sum_k f_k r_k$ of rows, four at a time so that the sum is read and written less often.
fn combination(factors: &[f64], rows: &[Vec<f64>]) -> Vec<f64> {
    let mut sum = vec![0.0; rows.first().map_or(0, Vec::len)];
    let (blocks, rest) = factors.as_chunks::<4>();
    for (factors, rows) in blocks.iter().zip(rows.as_chunks::<4>().0) {
        dispatch(AddFour(
            &mut sum,
            *factors,
            rows.each_ref().map(|row| row.as_slice()),
        ));
    }
    for (&factor, row) in rest.iter().zip(&rows[rows.len() - rest.len()..]) {
        add_scaled(&mut sum, factor, row);
    }
    sum
}

struct AddFour<'a>(&'a mut [f64], [f64; 4], [&'a [f64]; 4]);

impl Kernel for AddFour<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self(sum, [f, g, h, i], rows) = self;
        let [a, b, c, d] = rows.map(|row| &row[..sum.len()]);
        for index in 0..sum.len() {
            sum[index] += (f * a[index] + g * b[index]) + (h * c[index] + i * d[index]);
        }
    }
}

/// Takes out of each row what rounding left in it of rows more than a thousand times as long
/// (longest first).
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

/// Rows with the same inner products, no longer than there are rows: the triangular factor of the
/// transposed matrix.
fn short(rows: &[Vec<f64>], dim: usize) -> Vec<Vec<f64>> {
    if dim <= rows.len() {
        return rows.to_vec();
    }
    let parts = slabs(dim, FEATURES_A_PART.max(2 * rows.len()), MOST_PARTS);
    let mut parts: Vec<_> = parts
        .into_par_iter()
        .map(|features| dispatch(Reflect { rows, features }))
        .collect();
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let stacked: Vec<Vec<f64>> = (0..rows.len())
        .map(|row| {
            parts
                .iter()
                .flat_map(|part| part[row].iter().copied())
                .collect()
        })
        .collect();
    dispatch(Reflect {
        rows: &stacked,
        features: 0..stacked[0].len(),
    })
}

/// Features worth a thread.
const FEATURES_A_PART: usize = 1024;
const MOST_PARTS: usize = 16;
/// Features reflected at once: this much of a hundred rows stays in the second-level cache.
const CHUNK: usize = 64;

/// Householder reflections of the features in a range, a chunk at a time, until row $k$ has entries
/// in the first $k + 1$ only.
struct Reflect<'a> {
    rows: &'a [Vec<f64>],
    features: Range<usize>,
}

impl Kernel for Reflect<'_> {
    type Output = Vec<Vec<f64>>;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> Vec<Vec<f64>> {
        let Self { rows, features } = self;
        let mut short = vec![vec![0.0; rows.len()]; rows.len()];
        let mut chunk = vec![[0.0; CHUNK]; rows.len()];
        for start in features.clone().step_by(CHUNK) {
            let depth = CHUNK.min(features.end - start);
            for (entries, row) in chunk.iter_mut().zip(rows) {
                *entries = [0.0; CHUNK];
                entries[..depth].copy_from_slice(&row[start..][..depth]);
            }
            for axis in 0..rows.len() {
                let (head, tail) = chunk.split_at_mut(axis + 1);
                let below = &head[axis];
                let square = Dot(below, below).run::<FUSED>();
                if square == 0.0 {
                    continue;
                }
                let entry = short[axis][axis];
                let image = -(entry * entry + square).sqrt().copysign(entry);
                let top = entry - image;
                let scale = 2.0 / (top * top + square);
                short[axis][axis] = image;
                for (row, short) in tail.iter_mut().zip(&mut short[axis + 1..]) {
                    let along = scale * (top * short[axis] + Dot(below, row).run::<FUSED>());
                    short[axis] -= along * top;
                    AddScaled(row, -along, below).run::<FUSED>();
                }
            }
        }
        short
    }
}

/// Coordinates of the rows in an orthonormal basis made of them, axis by axis: Gram-Schmidt, at
/// each step along the longest remainder.
fn triangular(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
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
                (*coordinate, *square) = dispatch(TakeOut(row, &axis));
            }
        }
        coordinates[longest] = length;
        axes.push(coordinates);
    }
    axes
}

/// Takes the part along an axis out of a row: the part, and the square of what is left.
struct TakeOut<'a>(&'a mut [f64], &'a [f64]);

impl Kernel for TakeOut<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> (f64, f64) {
        let Self(row, axis) = self;
        let along = Dot(row, axis).run::<FUSED>();
        AddScaled(row, -along, axis).run::<FUSED>();
        (along, Dot(row, row).run::<FUSED>())
    }
}

/// Rotates vectors against each other until they are orthogonal. `longest_side`: of the matrix that
/// they stand for.
fn rotate_all(
    vectors: &mut [Vec<f64>],
    longest_side: usize,
    max_sweeps: usize,
) -> Result<(), MetricsError> {
    let longest_side = longest_side as f64;
    let total: f64 = vectors.iter().map(|v| dot(v, v)).sum();
    // Below this squared length a vector is rounding noise: its direction means nothing and would
    // never settle.
    let noise = (longest_side * f64::EPSILON).powi(2) * total;
    let tolerance = 8.0 * longest_side.sqrt() * f64::EPSILON;
    for _ in 0..max_sweeps {
        if dispatch(Sweep {
            vectors,
            noise,
            tolerance,
        }) == 0
        {
            return Ok(());
        }
    }
    Err(MetricsError::NotConverged { sweeps: max_sweeps })
}

/// Rotates every pair of vectors that is not orthogonal; how many there were.
struct Sweep<'a> {
    vectors: &'a mut [Vec<f64>],
    noise: f64,
    tolerance: f64,
}

impl Kernel for Sweep<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> usize {
        let Self {
            vectors,
            noise,
            tolerance,
        } = self;
        let mut squares: Vec<f64> = vectors
            .iter()
            .map(|vector| Dot(vector, vector).run::<FUSED>())
            .collect();
        let mut turned = 0;
        for p in 1..vectors.len() {
            let (head, tail) = vectors.split_at_mut(p);
            let (head_squares, tail_squares) = squares.split_at_mut(p);
            let (a, aa) = (&mut head[p - 1], &mut head_squares[p - 1]);
            for (b, bb) in tail.iter_mut().zip(tail_squares) {
                let ab = Dot(a, b).run::<FUSED>();
                if aa.min(*bb) <= noise || ab.abs() <= tolerance * (*aa * *bb).sqrt() {
                    continue;
                }
                turned += 1;
                let zeta = (*bb - *aa) / (2.0 * ab);
                let tangent = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
                let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
                let sine = cosine * tangent;
                for (x, y) in a.iter_mut().zip(b.iter_mut()) {
                    (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
                }
                (*aa, *bb) = (*aa - tangent * ab, *bb + tangent * ab);
            }
        }
        turned
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn squares(matrix: &Array2<f64>) -> Vec<f64> {
        let rows = orthogonal_rows(matrix, 0.0, MAX_SWEEPS).unwrap();
        // Rows of rounding noise have no direction.
        for (i, a) in rows.iter().take(3).enumerate() {
            for b in &rows[..i] {
                assert!(dot(a, b).abs() <= 1e-13 * norm(a) * norm(b), "{a:?} {b:?}");
            }
        }
        rows.iter().map(|row| dot(row, row)).collect()
    }

    #[test]
    fn dot_adds_blocks_and_rest() {
        let a: Vec<f64> = (1..=19).map(f64::from).collect();
        assert!((dot(&a, &a) - 2470.0).abs() < 1e-12);
        assert!((norm(&[3.0, 4.0]) - 5.0).abs() < 1e-15);
    }

    #[test]
    fn products_with_differences() {
        let a: Vec<f64> = (1..=11).map(f64::from).collect();
        let b: Vec<f64> = (1..=11).map(|i| f64::from(i) - 2.0).collect();
        assert!((crate::kernels::squared_distance(&a, &b) - 44.0).abs() < 1e-12);
        assert!((dot_difference(&a, &a, &b) - 132.0).abs() < 1e-12);
    }

    #[test]
    fn orthogonal_rows_carry_the_singular_values() {
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
    fn rows_stay_in_the_span_they_came_from() {
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
    fn more_vectors_than_dimensions_leave_rounding_noise_only() {
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
    fn giving_up_is_an_error() {
        let matrix = array![[1.0, 0.0], [1.0, 1.0]];
        assert_eq!(
            orthogonal_rows(&matrix, 0.0, 1),
            Err(MetricsError::NotConverged { sweeps: 1 })
        );
    }
}
