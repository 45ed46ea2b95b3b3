//! Access to the rows of a matrix as slices, and their division among threads.

use std::ops::Range;

use ndarray::{ArrayView2, Axis};

/// The rows of a view. Rows that are not contiguous in memory are copied one at a time.
#[derive(Clone, Copy)]
pub(crate) enum Rows<'a, T> {
    Whole(&'a [T], usize),
    Scattered(ArrayView2<'a, T>),
}

impl<'a, T: Copy> Rows<'a, T> {
    pub(crate) fn new(matrix: ArrayView2<'a, T>) -> Self {
        match matrix.to_slice() {
            Some(values) => Self::Whole(values, matrix.ncols()),
            None => Self::Scattered(matrix),
        }
    }

    /// Returns one row, copied to `scratch` if it is not contiguous.
    #[inline(always)]
    pub(crate) fn get<'s>(&self, row: usize, scratch: &'s mut Vec<T>) -> &'s [T]
    where
        'a: 's,
    {
        match self {
            Self::Whole(values, dim) => &values[row * dim..][..*dim],
            Self::Scattered(matrix) => {
                let row = matrix.index_axis_move(Axis(0), row);
                if let Some(values) = row.to_slice() {
                    return values;
                }
                scratch.clear();
                scratch.extend(row.iter().copied());
                scratch
            }
        }
    }
}

impl<T> Rows<'_, T> {
    /// Prefetches entries of a row, if the row exists and the matrix is contiguous.
    #[inline(always)]
    pub(crate) fn prefetch(&self, row: usize, start: usize, count: usize) {
        #[cfg(target_arch = "x86_64")]
        if let Self::Whole(values, dim) = self {
            let from = row * dim + start;
            if let Some(entries) = values.get(from..from + count) {
                for line in entries.chunks(64 / size_of::<T>()) {
                    // SAFETY: the address is inside a slice, and a prefetch is only a hint.
                    #[allow(unsafe_code)]
                    unsafe {
                        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(
                            line.as_ptr().cast(),
                        );
                    }
                }
            }
        }
    }
}

/// Divides `rows` into at most `most` ranges of at least `least` rows.
///
/// The division depends only on these arguments, so sums over the ranges do not depend on the
/// number of threads.
pub(crate) fn slabs(rows: usize, least: usize, most: usize) -> Vec<Range<usize>> {
    let count = (rows / least.max(1)).clamp(1, most.max(1));
    (0..count)
        .map(|slab| slab * rows / count..(slab + 1) * rows / count)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slabs_cover_every_row_exactly_once() {
        for (rows, least, most) in [
            (0, 5, 4),
            (1, 5, 4),
            (9, 5, 4),
            (10, 5, 4),
            (1000, 5, 7),
            (1000, 0, 0),
        ] {
            let found = slabs(rows, least, most);
            assert_eq!(
                found.iter().cloned().flatten().collect::<Vec<_>>(),
                (0..rows).collect::<Vec<_>>()
            );
            assert!(
                found.len() <= most.max(1)
                    && (found.len() == 1 || found.iter().all(|s| s.len() >= least))
            );
        }
    }

    #[test]
    fn rows_are_read_from_any_layout() {
        let matrix = ndarray::array![[1.0_f32, 2.0], [3.0, 4.0], [5.0, 6.0]];
        let mut scratch = Vec::new();
        assert_eq!(Rows::new(matrix.view()).get(1, &mut scratch), [3.0, 4.0]);
        assert_eq!(Rows::new(matrix.t()).get(1, &mut scratch), [2.0, 4.0, 6.0]);
        assert_eq!(
            Rows::new(matrix.slice(ndarray::s![..;2, ..])).get(1, &mut scratch),
            [5.0, 6.0]
        );
    }
}
