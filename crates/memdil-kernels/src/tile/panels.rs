//! Matrices as the register tiles read them.

use crate::vector::{Element, Vector, width};

/// A cache line or two: what keeps a panel's rows aligned.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct CacheLine<T>([T; LINE]);

const LINE: usize = 16;

/// A matrix cut into panels of `width` columns, each stored row by row:
/// element (i, j) is at `j / width * stride + i * width + j % width`.
///
/// Columns up to the next multiple of `width` exist and are zero. Whichever way a product goes
/// through a matrix in this form, it reads cache lines one after the other.
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

    /// Another number of rows, all of them zeros; nothing happens when there are as many already.
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

    /// Values from a panel to the next.
    pub(crate) fn stride(&self) -> usize {
        stride::<T>(self.rows, self.width)
    }

    pub(crate) fn values(&self) -> &[T] {
        // SAFETY: a line is `LINE` values without padding; the vector holds at least as many as the
        // panels have.
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

    /// Copies a row-major matrix in; its padding is left as it is.
    pub(crate) fn set(&mut self, values: &[T]) {
        let (cols, width, stride) = (self.cols, self.width, self.stride());
        let panels = self.values_mut();
        for (i, row) in values.chunks_exact(cols).enumerate() {
            for (j, part) in row.chunks(width).enumerate() {
                panels[j * stride + i * width..][..part.len()].copy_from_slice(part);
            }
        }
    }

    /// The matrix, row-major.
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

/// Values from a panel of `rows` rows to the next.
///
/// The same rows of panels that lie a power of two apart would all go to the same few places of the
/// caches, so that some space is left between such panels.
pub(crate) fn stride<T>(rows: usize, width: usize) -> usize {
    let values = rows * width;
    if (values * size_of::<T>()).is_multiple_of(4096) {
        values + 8 * width
    } else {
        values
    }
}

/// Writes the transpose of a block of `rows` rows and `width` columns: the first `cols` columns
/// become rows, as wide as a panel, in which zeros follow the `rows` values.
///
/// # Safety
///
/// `from` must be valid for `rows` rows of `width` values, `to` for `cols`, and they must not
/// overlap.
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
            // SAFETY: row r is read only where there is one.
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
