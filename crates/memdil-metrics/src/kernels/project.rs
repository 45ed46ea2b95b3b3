//! Products of many centred rows with a few vectors: the bulk of the second pass.
//!
//! For $n$ rows of $d$ features and $m$ vectors this takes $2 n d m$ operations on $n d$ numbers,
//! each of which is read once. There are two layouts:
//!
//! - [`Few`], for up to one or two dozen vectors: all sums stay in registers while a row is read,
//!   and the speed is limited by memory bandwidth.
//! - [`Lines`], for more vectors: the vectors are packed in lines, and one step of the inner loop
//!   multiplies one feature of [`TILE`] rows by a whole line. It updates twelve vector registers of
//!   sums with two loads of vectors and six of rows.

use super::centre::Centred;
use super::dispatch::{Kernel, dispatch};
use super::few::{Few, ProjectFew, max_vectors};
use super::lines::{DEPTH, Lines};
use super::real::Real;
use super::tile::TILE;

/// Number of rows centred at a time; a multiple of [`TILE`].
pub(crate) const BLOCK: usize = 16 * TILE;

/// Vectors, packed in the order in which the products read them.
#[derive(Clone, Debug)]
pub(crate) enum Projector<C: Real> {
    Few(Few<C>),
    Many(Lines<C>),
}

/// Buffers that a thread reuses between blocks.
#[derive(Default)]
pub(crate) struct Scratch<T, C> {
    pub(crate) row: Vec<T>,
    centred: Vec<C>,
}

impl<C: Real> Projector<C> {
    /// Packs vectors of `dim` entries.
    pub(crate) fn new(vectors: &[Vec<f64>], dim: usize) -> Self {
        if vectors.len() <= max_vectors(dim) {
            Self::Few(Few::new(vectors, dim))
        } else {
            Self::Many(Lines::new(vectors, dim))
        }
    }

    /// Number of entries per row of products; entries after the last vector are zero.
    pub(crate) fn stride(&self) -> usize {
        match self {
            Self::Few(few) => few.stride(),
            Self::Many(lines) => lines.stride(),
        }
    }

    /// Products of centred rows, at most [`BLOCK`] of them, with all vectors.
    ///
    /// `out` receives one row of [`stride`](Self::stride) products per row.
    pub(crate) fn project<T: Real + Into<C>, F: Fn(usize) -> usize>(
        &self,
        centred: Centred<'_, '_, T, C, F>,
        scratch: &mut Scratch<T, C>,
        out: &mut Vec<C>,
    ) {
        match self {
            Self::Few(few) => dispatch(ProjectFew {
                few,
                centred,
                scratch: &mut scratch.row,
                out,
            }),
            Self::Many(lines) => dispatch(Project {
                lines,
                centred,
                scratch,
                out,
            }),
        }
    }
}

struct Project<'a, 'r, T, C: Real, F> {
    lines: &'a Lines<C>,
    centred: Centred<'a, 'r, T, C, F>,
    scratch: &'a mut Scratch<T, C>,
    out: &'a mut Vec<C>,
}

impl<T: Real + Into<C>, C: Real, F: Fn(usize) -> usize> Kernel for Project<'_, '_, T, C, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Scratch { row: copy, centred } = self.scratch;
        let (block, lines) = (self.centred, self.lines);
        let (count, end) = (block.range.len(), block.range.end);
        let padded = count.next_multiple_of(TILE);
        self.out.clear();
        self.out.resize(padded * lines.stride(), C::ZERO);
        // Padding rows keep old values; their products are removed at the end.
        centred.resize(padded * DEPTH.min(lines.dim), C::ZERO);
        for start in (0..lines.dim).step_by(DEPTH) {
            let depth = DEPTH.min(lines.dim - start);
            for (index, row) in block.range.clone().enumerate() {
                let values = &block.rows.get(row, copy)[start..][..depth];
                let (high, low) = block.point(row, start, depth);
                for (((slot, &value), &high), &low) in centred[index * depth..]
                    .iter_mut()
                    .zip(values)
                    .zip(high)
                    .zip(low)
                {
                    let value: C = value.into();
                    *slot = (value - high) - low;
                }
            }
            let ahead = |tile: usize| {
                for row in end + tile * TILE..end + (tile + 1) * TILE {
                    block.rows.prefetch(row, start, depth);
                }
            };
            lines.add_chunk::<FUSED>(start, centred, depth, self.out, ahead);
        }
        self.out.truncate(count * lines.stride());
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::kernels::centre::Centre;
    use crate::kernels::rows::Rows;

    fn check<C: Real>(tolerance: f64)
    where
        f32: Into<C>,
    {
        for (count, dim, width) in [
            (1, 1, 1),
            (5, 3, 7),
            (6, 256, 8),
            (3, 30, 12),
            (5, 37, 13),
            (6, 70, 21),
            (4, 20, 25),
            (7, 257, 17),
            (96, 600, 33),
        ] {
            let number = |i: usize, j: usize| ((i * 37 + j * 101) % 97) as f32 / 97.0 - 0.4;
            let rows = Array2::from_shape_fn((count + 2, dim), |(i, j)| number(i, j));
            let vectors: Vec<Vec<f64>> = (0..width)
                .map(|v| (0..dim).map(|j| f64::from(number(j, v + 5))).collect())
                .collect();
            let points: Vec<(f64, f64)> = (0..2 * dim)
                .map(|i| (f64::from(number(i, 9)), 1e-9))
                .collect();
            let projector = Projector::<C>::new(&vectors, dim);
            let centres = Centre::new(dim, points.iter().copied());
            let (mut scratch, mut out, mut again) = (Scratch::default(), Vec::new(), Vec::new());
            let block = Centred {
                rows: Rows::new(rows.view()),
                range: 2..2 + count,
                centre_of: |row| row % 2,
                centres: &centres,
            };
            projector.project(block, &mut scratch, &mut out);
            assert_eq!(out.len(), count * projector.stride());
            let centred = |row: usize, j: usize| {
                let (base, offset) = points[row % 2 * dim + j];
                f64::from(rows[[row, j]]) - base - offset
            };
            let padded: Vec<C> = (2..count + 2)
                .flat_map(|row| {
                    (0..dim + 3)
                        .map(move |j| C::from_f64(if j < dim { centred(row, j) } else { 7.0 }))
                })
                .collect();
            let lines = Lines::<C>::new(&vectors, dim);
            lines.multiply(&padded, dim + 3, &mut again);
            for row in 0..count {
                for lane in 0..lines.stride() {
                    let expected: f64 = vectors
                        .get(lane)
                        .map_or(0.0, |v| (0..dim).map(|j| centred(row + 2, j) * v[j]).sum());
                    let found =
                        (lane < projector.stride()).then(|| out[row * projector.stride() + lane]);
                    for found in found
                        .into_iter()
                        .chain([again[row * lines.stride() + lane]])
                    {
                        let error = found.into() - expected;
                        assert!(
                            error.abs() < tolerance,
                            "{count} {dim} {width}: off by {error}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn products_equal_a_direct_sum() {
        check::<f32>(1e-4);
        check::<f64>(1e-12);
    }
}
