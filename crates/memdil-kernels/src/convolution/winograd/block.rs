//! Transformed values of a block of tiles.

use super::transform::POSITIONS;
use crate::vector::Element;

/// Matrices of transformed values, one for each position: a row per tile, and columns in panels.
///
/// The value of a position, a tile and a column is at `position * position_stride + column / width *
/// panel_stride + tile * width + column % width`.
#[derive(Clone, Copy)]
pub(in crate::convolution) struct BlockLayout {
    pub(in crate::convolution) panels: usize,
    pub(in crate::convolution) panel_stride: usize,
    pub(in crate::convolution) position_stride: usize,
}

impl BlockLayout {
    pub(in crate::convolution) fn new(rows: usize, columns: usize, width: usize) -> Self {
        let panels = columns.div_ceil(width);
        let panel_stride = rows * width;
        Self {
            panels,
            panel_stride,
            // The additional row keeps the positions of a tile in different cache sets.
            position_stride: panels * panel_stride + width,
        }
    }

    /// A layout in which the positions of a panel follow each other, without gaps.
    pub(in crate::convolution) fn by_panel(rows: usize, columns: usize, width: usize) -> Self {
        let position_stride = rows * width;
        Self {
            panels: columns.div_ceil(width),
            panel_stride: POSITIONS * position_stride,
            position_stride,
        }
    }

    pub(in crate::convolution) fn values(&self) -> usize {
        (POSITIONS * self.position_stride).max(self.panels * self.panel_stride)
    }

    pub(in crate::convolution) fn zeros<T: Element>(&self) -> Vec<T> {
        vec![T::default(); self.values()]
    }
}

/// A pointer that several threads use for separate values.
#[derive(Clone, Copy)]
pub(in crate::convolution) struct SharedPointer<T>(pub(in crate::convolution) *mut T);

// SAFETY: users access separate values, or only read.
unsafe impl<T: Send> Send for SharedPointer<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for SharedPointer<T> {}
