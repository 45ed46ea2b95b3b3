//! The tiles of a batch of images.

use std::ops::Range;

use super::transform::{RESULTS, VALUES};
use crate::convolution::sizes::Convolution;

/// Rows, columns and channels of the images on one side of a convolution.
#[derive(Clone, Copy)]
pub(in crate::convolution) struct Images {
    pub(in crate::convolution) height: usize,
    pub(in crate::convolution) width: usize,
    pub(in crate::convolution) channels: usize,
}

impl Images {
    /// Values of an image.
    pub(in crate::convolution) fn values(&self) -> usize {
        self.height * self.width * self.channels
    }
}

/// The tiles of a convolution: each computes [`RESULTS`] by [`RESULTS`] results from [`VALUES`] by
/// [`VALUES`] values, of which the outer ones overlap with those of neighbouring tiles.
#[derive(Clone, Copy)]
pub(in crate::convolution) struct TileGrid {
    pub(in crate::convolution) from: Images,
    pub(in crate::convolution) to: Images,
    /// Rows and columns between the first value that a tile reads and its first result; negative if
    /// the values start after the results.
    padding: isize,
    /// Rows and columns of tiles in an image.
    rows: usize,
    columns: usize,
    /// Number of tiles in the batch.
    pub(in crate::convolution) tiles: usize,
}

/// The part of a tile that is inside its image.
pub(in crate::convolution) struct Part {
    /// Offset of the first value, which may be outside the image.
    pub(in crate::convolution) first: isize,
    /// Rows and columns inside the image.
    pub(in crate::convolution) rows: Range<usize>,
    pub(in crate::convolution) columns: Range<usize>,
    /// Number of values between two rows of the image.
    pub(in crate::convolution) row: usize,
}

impl TileGrid {
    /// The tiles of the forward pass.
    pub(in crate::convolution) fn forward(sizes: &Convolution) -> Self {
        let (from, to) = images(sizes);
        Self::new(sizes.images, from, to, sizes.padding as isize)
    }

    /// The tiles of the gradient of the images, which is a convolution of the gradient of the
    /// results with the kernel turned by 180 degrees.
    pub(in crate::convolution) fn input_gradient(sizes: &Convolution) -> Self {
        let (to, from) = images(sizes);
        Self::new(sizes.images, from, to, 2 - sizes.padding as isize)
    }

    fn new(images: usize, from: Images, to: Images, padding: isize) -> Self {
        let (rows, columns) = (to.height.div_ceil(RESULTS), to.width.div_ceil(RESULTS));
        Self {
            from,
            to,
            padding,
            rows,
            columns,
            tiles: images * rows * columns,
        }
    }

    /// The values that a tile reads.
    #[inline(always)]
    pub(in crate::convolution) fn values(&self, tile: usize) -> Part {
        part::<VALUES>(self.from, self.place(tile), self.padding)
    }

    /// The results of a tile.
    #[inline(always)]
    pub(in crate::convolution) fn results(&self, tile: usize) -> Part {
        part::<RESULTS>(self.to, self.place(tile), 0)
    }

    /// Image, row and column of the first result of a tile.
    #[inline(always)]
    fn place(&self, tile: usize) -> [usize; 3] {
        let (row, column) = (tile / self.columns, tile % self.columns);
        [row / self.rows, row % self.rows * RESULTS, column * RESULTS]
    }
}

/// The images that the forward pass reads, and those that it writes.
fn images(sizes: &Convolution) -> (Images, Images) {
    let (height, width) = sizes.output_size();
    let from = Images {
        height: sizes.height,
        width: sizes.width,
        channels: sizes.inputs,
    };
    let to = Images {
        height,
        width,
        channels: sizes.outputs,
    };
    (from, to)
}

#[inline(always)]
fn part<const N: usize>(images: Images, [image, top, left]: [usize; 3], padding: isize) -> Part {
    let (top, left) = (top as isize - padding, left as isize - padding);
    let inside = |first: isize, size: usize| {
        let clamp = |at: isize| at.clamp(0, N as isize) as usize;
        clamp(-first)..clamp(size as isize - first)
    };
    let row = images.width * images.channels;
    let start = (image * images.height * row) as isize;
    Part {
        first: start + top * row as isize + left * images.channels as isize,
        rows: inside(top, images.height),
        columns: inside(left, images.width),
        row,
    }
}
