//! Vectors packed in lines for products with tiles of rows.

use super::dispatch::{Kernel, dispatch};
use super::real::Real;
use super::tile::TILE;

/// Number of features processed at a time: a line of vectors then takes 32 KiB, a block 192 KiB.
/// The fastest of the values from 128 to 1024.
pub(super) const DEPTH: usize = 512;

/// Vectors in lines of `C::WIDTH`.
#[derive(Clone, Debug)]
pub(crate) struct Lines<C: Real> {
    pub(super) dim: usize,
    lines: usize,
    /// Whether the last line is at most half full, so that only its first half is multiplied.
    half: bool,
    /// Entries of the vectors of a line, indexed by (chunk of [`DEPTH`] features, line, feature).
    packed: Vec<C::Lanes>,
}

impl<C: Real> Lines<C> {
    /// Packs vectors of `dim` entries.
    pub(crate) fn new(vectors: &[Vec<f64>], dim: usize) -> Self {
        let lines = vectors.len().div_ceil(C::WIDTH);
        let mut packed = Vec::with_capacity(lines * dim);
        for start in (0..dim).step_by(DEPTH) {
            for line in vectors.chunks(C::WIDTH) {
                for feature in start..dim.min(start + DEPTH) {
                    let mut lanes = C::ZEROS;
                    for (lane, vector) in lanes.as_mut().iter_mut().zip(line) {
                        *lane = C::from_f64(vector[feature]);
                    }
                    packed.push(lanes);
                }
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

    /// Number of entries per row of products; entries after the last vector are zero.
    pub(crate) fn stride(&self) -> usize {
        self.lines * C::WIDTH
    }

    /// Products of `rows` with all vectors. Rows are `stride` entries apart.
    pub(crate) fn multiply(&self, rows: &[C], stride: usize, out: &mut Vec<C>) {
        dispatch(Multiply {
            lines: self,
            rows,
            stride,
            out,
        });
    }

    /// Adds the products of up to [`DEPTH`] features from `start`. `ahead` is called with the index
    /// of each tile, to prefetch the next rows.
    #[inline(always)]
    pub(super) fn add_chunk<const FUSED: bool>(
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
                    C::add_tile::<true, FUSED>(rows, vectors, out, width);
                } else {
                    C::add_tile::<false, FUSED>(rows, vectors, out, width);
                }
            }
        }
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
        let (lines, stride) = (self.lines, self.stride);
        let count = self.rows.len() / stride;
        let padded = count.next_multiple_of(TILE);
        self.out.clear();
        self.out.resize(padded * lines.stride(), C::ZERO);
        // Complete tiles first, then the remaining rows, padded with zero rows.
        let whole = count / TILE * TILE;
        let mut full = self.rows[whole * stride..].to_vec();
        full.resize((padded - whole) * stride, C::ZERO);
        for start in (0..lines.dim).step_by(DEPTH) {
            let (head, tail) = self.out.split_at_mut(whole * lines.stride());
            lines.add_chunk::<FUSED>(start, &self.rows[start..], stride, head, |_| ());
            if !full.is_empty() {
                lines.add_chunk::<FUSED>(start, &full[start..], stride, tail, |_| ());
            }
        }
        self.out.truncate(count * lines.stride());
    }
}
