//! Matrices in the layout that the register tiles read.

use crate::vector::{Element, Vector, width};

/// One or two cache lines of values, which align the storage.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct CacheLine<T>([T; LINE]);

const LINE: usize = 16;

/// A matrix split into panels of `width` columns, each stored row by row:
/// element (i, j) is at `j / width * stride + i * width + j % width`.
///
/// The columns up to the next multiple of `width` exist and are zero. Products along rows and along
/// columns both read whole cache lines in sequence.
#[derive(Clone, Debug)]
pub(crate) struct Panels<T> {
    lines: Vec<CacheLine<T>>,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) width: usize,
}

impl<T: Element> Panels<T> {
    pub(crate) fn zeros(rows: usize, cols: usize, width: usize) -> Self {
        let mut panels = Self {
            lines: Vec::new(),
            rows: 0,
            cols,
            width,
        };
        panels.set_rows(rows);
        panels
    }

    /// Changes the number of rows and zeroes all values; does nothing if the number is the same.
    pub(crate) fn set_rows(&mut self, rows: usize) {
        if rows != self.rows {
            self.rows = rows;
            self.lines.clear();
            self.lines.resize(
                (self.panels() * self.stride()).div_ceil(LINE),
                CacheLine([T::default(); LINE]),
            );
        }
    }

    pub(crate) fn panels(&self) -> usize {
        self.cols.div_ceil(self.width)
    }

    /// Number of values between the starts of consecutive panels.
    pub(crate) fn stride(&self) -> usize {
        stride::<T>(self.rows, self.width)
    }

    pub(crate) fn values(&self) -> &[T] {
        // SAFETY: a line is `LINE` values without padding, and the vector holds at least as many
        // values as the panels.
        unsafe {
            std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.panels() * self.stride())
        }
    }

    pub(crate) fn values_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `values`; the borrow is unique.
        unsafe {
            std::slice::from_raw_parts_mut(
                self.lines.as_mut_ptr().cast(),
                self.panels() * self.stride(),
            )
        }
    }

    /// Copies a row-major matrix into the panels; the padding is unchanged.
    pub(crate) fn set(&mut self, values: &[T]) {
        let (cols, width, stride) = (self.cols, self.width, self.stride());
        let panels = self.values_mut();
        for (i, row) in values.chunks_exact(cols).enumerate() {
            for (j, part) in row.chunks(width).enumerate() {
                panels[j * stride + i * width..][..part.len()].copy_from_slice(part);
            }
        }
    }

    /// Copies the matrix into row-major order.
    pub(crate) fn to_rows(&self) -> Vec<T> {
        let mut rows = Vec::with_capacity(self.rows * self.cols);
        for i in 0..self.rows {
            for (j, panel) in self.values().chunks_exact(self.stride()).enumerate() {
                let part = self.width.min(self.cols - j * self.width);
                rows.extend_from_slice(&panel[i * self.width..][..part]);
            }
        }
        rows
    }
}

/// Number of values between the starts of consecutive panels of `rows` rows.
///
/// Rows whose addresses differ by a multiple of 4096 bytes compete for the same cache sets, so
/// panels of such a size are padded.
pub(crate) fn stride<T>(rows: usize, width: usize) -> usize {
    let values = rows * width;
    if (values * size_of::<T>()).is_multiple_of(4096) {
        values + 8 * width
    } else {
        values
    }
}

/// Writes the transpose of a block of `rows` rows and `width` columns: each of the first `cols`
/// columns becomes a row as wide as a panel, padded with zeros.
///
/// # Safety
///
/// `from` must be valid for `rows` rows of `width` values, `to` for `cols` rows of `width` values,
/// and they must not overlap.
#[inline(always)]
pub(crate) unsafe fn transpose<V: Vector>(
    from: *const V::Scalar,
    rows: usize,
    to: *mut V::Scalar,
    cols: usize,
) {
    let width = width::<V>();
    for c in 0..cols {
        for r in 0..width {
            // SAFETY: upheld by the caller, see `# Safety`; row r is read only if it exists.
            unsafe {
                *to.add(c * width + r) = if r < rows {
                    *from.add(r * width + c)
                } else {
                    V::Scalar::default()
                };
            }
        }
    }
}
