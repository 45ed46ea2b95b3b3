//! LQ reduction of long rows to short ones.

use std::ops::Range;

use rayon::prelude::*;

use super::vectors::{AddScaled, Dot};
use crate::kernels::{Kernel, dispatch, slabs};

/// The factor $L$ of $M = L Q^T$: a matrix whose rows have the same inner products as those of $M$,
/// with at most as many columns as rows.
///
/// Long rows are divided among threads. Each part is reduced separately; the factors of the parts
/// are then concatenated and reduced again.
pub(super) fn lq_reduction(rows: &[Vec<f64>], dim: usize) -> Vec<Vec<f64>> {
    if dim <= rows.len() {
        return rows.to_vec();
    }
    let reduce = |features| dispatch(Householder { rows, features });
    let parts = slabs(dim, MIN_PART_FEATURES.max(2 * rows.len()), MAX_PARTS);
    let mut parts: Vec<_> = parts.into_par_iter().map(reduce).collect();
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let of_row = |row: usize| -> Vec<&[f64]> { parts.iter().map(|part| &part[row][..]).collect() };
    let stacked: Vec<Vec<f64>> = (0..rows.len()).map(|row| of_row(row).concat()).collect();
    dispatch(Householder {
        rows: &stacked,
        features: 0..stacked[0].len(),
    })
}

/// Smallest number of features for a separate thread.
const MIN_PART_FEATURES: usize = 1024;
const MAX_PARTS: usize = 16;
/// Number of features per panel: a panel of a hundred rows fits in the second-level cache.
const PANEL: usize = 64;

/// Computes the factor $L$ for a range of features. Householder reflections, applied panel by
/// panel, leave non-zero entries only in the first $k + 1$ columns of row $k$.
struct Householder<'a> {
    rows: &'a [Vec<f64>],
    features: Range<usize>,
}

impl Kernel for Householder<'_> {
    type Output = Vec<Vec<f64>>;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> Vec<Vec<f64>> {
        let Self { rows, features } = self;
        let mut factor = vec![vec![0.0; rows.len()]; rows.len()];
        let mut panel = vec![[0.0; PANEL]; rows.len()];
        for start in features.clone().step_by(PANEL) {
            let depth = PANEL.min(features.end - start);
            for (entries, row) in panel.iter_mut().zip(rows) {
                *entries = [0.0; PANEL];
                entries[..depth].copy_from_slice(&row[start..][..depth]);
            }
            for axis in 0..rows.len() {
                let (head, tail) = panel.split_at_mut(axis + 1);
                let below = &head[axis];
                let square = Dot(below, below).run::<FUSED>();
                if square == 0.0 {
                    continue;
                }
                let entry = factor[axis][axis];
                let image = -(entry * entry + square).sqrt().copysign(entry);
                let top = entry - image;
                let scale = 2.0 / (top * top + square);
                factor[axis][axis] = image;
                for (row, entries) in tail.iter_mut().zip(&mut factor[axis + 1..]) {
                    let along = scale * (top * entries[axis] + Dot(below, row).run::<FUSED>());
                    entries[axis] -= along * top;
                    AddScaled(row, -along, below).run::<FUSED>();
                }
            }
        }
        factor
    }
}
