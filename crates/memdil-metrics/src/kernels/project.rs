//! Products of many centred rows with a few vectors: the bulk of the second pass.
//!
//! With $n$ rows of $d$ features and $m$ vectors this is $2 n d m$ operations on $n d$ numbers read
//! once. Two layouts:
//!
//! - up to a dozen or two ([`few`]): all sums stay in registers while one row streams by, which the
//!   memory limits;
//! - more: vectors are packed in lines, and one step of the inner loop takes one feature of
//!   [`TILE`] rows to a whole line, twelve vector registers of sums for two loads of vectors and
//!   six of rows.

use super::few::{self, Few};
use super::{Kernel, Rows, dispatch};
use crate::input::Real;

/// Rows multiplied at once.
pub(crate) const TILE: usize = 6;
/// Rows centred before they are multiplied; a multiple of [`TILE`].
pub(crate) const BLOCK: usize = 16 * TILE;
/// Features of a block at a time: a line of vectors then takes 32 KiB, a block 192 KiB. Of 128 to
/// 1024 the fastest.
const DEPTH: usize = 512;

/// Vectors in the order in which the products need them.
#[derive(Clone, Debug)]
pub(crate) enum Projector<C: Real> {
    Few(Few<C>),
    Many(Lines<C>),
}

impl<C: Real> Projector<C> {
    /// Packs vectors, each of `dim` entries.
    pub(crate) fn new(vectors: &[Vec<f64>], dim: usize) -> Self {
        if vectors.len() <= few::most(dim) {
            Self::Few(Few::new(vectors, dim))
        } else {
            Self::Many(Lines::new(vectors, dim))
        }
    }

    /// Entries of a row of products; those past the last vector are zero.
    pub(crate) fn stride(&self) -> usize {
        match self {
            Self::Few(few) => few.stride(),
            Self::Many(lines) => lines.stride(),
        }
    }

    /// Products of the rows from `first` on, `count` of them at most [`BLOCK`], less a centre each,
    /// with all vectors.
    ///
    /// `out` gets a row of [`stride`](Self::stride) products for each row.
    pub(crate) fn project<T: Real + Into<C>>(
        &self,
        rows: Rows<'_, T>,
        (first, count): (usize, usize),
        centre_of: impl Fn(usize) -> usize,
        centres: &Centre<C>,
        scratch: &mut Scratch<T, C>,
        out: &mut Vec<C>,
    ) {
        match self {
            Self::Few(few) => few.project(
                rows,
                first..first + count,
                centre_of,
                centres,
                &mut scratch.row,
                out,
            ),
            Self::Many(lines) => dispatch(Project {
                lines,
                rows,
                first,
                count,
                centre_of,
                centres,
                scratch,
                out,
            }),
        }
    }
}

/// Vectors in lines of `C::WIDTH`.
#[derive(Clone, Debug)]
pub(crate) struct Lines<C: Real> {
    dim: usize,
    lines: usize,
    /// Whether the last line is at most half full: then only its first half is multiplied.
    half: bool,
    /// By chunk of [`DEPTH`] features, line, feature: the entries of the line's vectors.
    packed: Vec<C::Lanes>,
}

impl<C: Real> Lines<C> {
    /// Packs vectors, each of `dim` entries.
    pub(crate) fn new(vectors: &[Vec<f64>], dim: usize) -> Self {
        let lines = vectors.len().div_ceil(C::WIDTH);
        let mut packed = Vec::with_capacity(lines * dim);
        for start in (0..dim).step_by(DEPTH) {
            for line in 0..lines {
                packed.extend((start..dim.min(start + DEPTH)).map(|feature| {
                    let mut lanes = C::ZEROS;
                    for (lane, vector) in lanes.as_mut().iter_mut().zip(&vectors[line * C::WIDTH..])
                    {
                        *lane = C::from_f64(vector[feature]);
                    }
                    lanes
                }));
            }
        }
        let half = (1..=C::WIDTH / 2).contains(&(vectors.len() % C::WIDTH));
        Self {
            dim,
            lines,
            half,
            packed,
        }
    }

    /// Entries of a row of products; those past the last vector are zero.
    pub(crate) fn stride(&self) -> usize {
        self.lines * C::WIDTH
    }

    /// Products of `rows`, each of the first entries of a line of `stride` numbers, with all
    /// vectors.
    pub(crate) fn multiply(&self, rows: &[C], stride: usize, out: &mut Vec<C>) {
        dispatch(Multiply {
            lines: self,
            rows,
            stride,
            out,
        });
    }

    /// `ahead` is told of each tile, to fetch what will be needed next.
    #[inline(always)]
    fn add_chunk<const FUSED: bool>(
        &self,
        start: usize,
        rows: &[C],
        stride: usize,
        out: &mut [C],
        ahead: impl Fn(usize),
    ) {
        let depth = DEPTH.min(self.dim - start);
        let width = self.stride();
        for line in 0..self.lines {
            let vectors = &self.packed[start * self.lines + line * depth..][..depth];
            for (tile, out) in out.chunks_exact_mut(TILE * width).enumerate() {
                if line == 0 {
                    ahead(tile);
                }
                let rows: [&[C]; TILE] =
                    std::array::from_fn(|row| &rows[(tile * TILE + row) * stride..][..depth]);
                let out = &mut out[line * C::WIDTH..];
                if self.half && line + 1 == self.lines {
                    C::add_half_tile::<FUSED>(rows, vectors, out, width);
                } else {
                    C::add_tile::<FUSED>(rows, vectors, out, width);
                }
            }
        }
    }
}

/// Adds the products of [`TILE`] rows with the first `USED` vectors of a line to rows of `out`,
/// `stride` apart.
///
/// Plain indices over arrays of known size: so the compiler keeps all sums in registers.
#[inline(always)]
pub(crate) fn add_tile<C: Real, const WIDTH: usize, const USED: usize, const FUSED: bool>(
    rows: [&[C]; TILE],
    vectors: &[[C; WIDTH]],
    out: &mut [C],
    stride: usize,
) {
    let mut sums = [[C::ZERO; USED]; TILE];
    let depth = vectors.len();
    // Written out, so that the compiler sees every length and drops the checks from the loop.
    let [a, b, c, d, e, f] = rows;
    let rows = [
        &a[..depth],
        &b[..depth],
        &c[..depth],
        &d[..depth],
        &e[..depth],
        &f[..depth],
    ];
    for feature in 0..depth {
        let line = vectors[feature];
        for row in 0..TILE {
            let value = rows[row][feature];
            for lane in 0..USED {
                let sum = sums[row][lane];
                sums[row][lane] = if FUSED {
                    value.mul_add(line[lane], sum)
                } else {
                    value * line[lane] + sum
                };
            }
        }
    }
    for row in 0..TILE {
        let out = &mut out[row * stride..][..USED];
        for lane in 0..USED {
            out[lane] = out[lane] + sums[row][lane];
        }
    }
}

/// Points to subtract from rows, each as a sum of two numbers: subtracting one after the other
/// keeps the digits that a single number of the type would lose.
#[derive(Clone, Debug)]
pub(crate) struct Centre<C> {
    pub(super) dim: usize,
    pub(super) high: Vec<C>,
    pub(super) low: Vec<C>,
}

impl<C: Real> Centre<C> {
    /// Points as (base, offset): their sum is meant, as exactly as two numbers of type `C` can hold
    /// it.
    pub(crate) fn new(dim: usize, points: impl Iterator<Item = (f64, f64)>) -> Self {
        let (high, low) = points
            .map(|(base, offset)| {
                let sum = base + offset;
                let high = C::from_f64(sum);
                let wide: f64 = high.into();
                // What the rounding of the sum lost, and what that of `high` did (Knuth's two-sum).
                let part = sum - base;
                let lost = (base - (sum - part)) + (offset - part);
                (high, C::from_f64((sum - wide) + lost))
            })
            .unzip();
        Self { dim, high, low }
    }
}

/// Memory that a thread keeps from block to block.
#[derive(Default)]
pub(crate) struct Scratch<T, C> {
    pub(crate) row: Vec<T>,
    centred: Vec<C>,
}

struct Project<'a, 'r, T, C: Real, F> {
    lines: &'a Lines<C>,
    rows: Rows<'r, T>,
    first: usize,
    count: usize,
    centre_of: F,
    centres: &'a Centre<C>,
    scratch: &'a mut Scratch<T, C>,
    out: &'a mut Vec<C>,
}

impl<T: Real + Into<C>, C: Real, F: Fn(usize) -> usize> Kernel for Project<'_, '_, T, C, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self {
            lines,
            rows,
            first,
            count,
            centre_of,
            centres,
            scratch,
            out,
        } = self;
        let Scratch {
            row: scratch,
            centred,
        } = scratch;
        let padded = count.next_multiple_of(TILE);
        out.clear();
        out.resize(padded * lines.stride(), C::ZERO);
        // Rows below the last one hold what they held before: their products are cut off.
        centred.resize(padded * DEPTH.min(lines.dim), C::ZERO);
        for start in (0..lines.dim).step_by(DEPTH) {
            let depth = DEPTH.min(lines.dim - start);
            for row in 0..count {
                let values = &rows.get(first + row, scratch)[start..][..depth];
                let from = centre_of(first + row) * centres.dim + start;
                let (high, low) = (
                    &centres.high[from..][..depth],
                    &centres.low[from..][..depth],
                );
                for (((slot, &value), &high), &low) in centred[row * depth..]
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
                for row in first + count + tile * TILE..first + count + (tile + 1) * TILE {
                    rows.prefetch(row, start, depth);
                }
            };
            lines.add_chunk::<FUSED>(start, centred, depth, out, ahead);
        }
        out.truncate(count * lines.stride());
    }
}

struct Multiply<'a, C: Real> {
    lines: &'a Lines<C>,
    rows: &'a [C],
    stride: usize,
    out: &'a mut Vec<C>,
}

impl<C: Real> Kernel for Multiply<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self {
            lines,
            rows,
            stride,
            out,
        } = self;
        let count = rows.len() / stride;
        let padded = count.next_multiple_of(TILE);
        let mut full = vec![C::ZERO; (padded - count) * stride];
        out.clear();
        out.resize(padded * lines.stride(), C::ZERO);
        // Tiles of whole rows first, then the last rows with zero rows below them.
        let whole = count / TILE * TILE;
        full.splice(0..0, rows[whole * stride..].iter().copied());
        for start in (0..lines.dim).step_by(DEPTH) {
            let (head, tail) = out.split_at_mut(whole * lines.stride());
            lines.add_chunk::<FUSED>(start, &rows[start..], stride, head, |_| ());
            if !full.is_empty() {
                lines.add_chunk::<FUSED>(start, &full[start..], stride, tail, |_| ());
            }
        }
        out.truncate(count * lines.stride());
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

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
            projector.project(
                Rows::new(rows.view()),
                (2, count),
                |row| row % 2,
                &centres,
                &mut scratch,
                &mut out,
            );
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
    fn products_by_hand() {
        check::<f32>(1e-4);
        check::<f64>(1e-12);
    }

    #[test]
    fn centres_keep_digits_beyond_their_type() {
        let centre = Centre::<f32>::new(1, [(100.0, 1e-6)].into_iter());
        let left = (100.000_01_f32 - centre.high[0]) - centre.low[0];
        assert!((f64::from(left) - (f64::from(100.000_01_f32) - 100.000_001)).abs() < 1e-12);
        let centre = Centre::<f64>::new(1, [(1.0, 1e-20)].into_iter());
        assert!((centre.low[0] - 1e-20).abs() < 1e-34);
    }
}
