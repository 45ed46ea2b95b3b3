//! Transforms of whole tiles: from pixels into a block, and from a block into pixels.

#![allow(
    clippy::needless_range_loop,
    reason = "constant ranges, which the compiler unrolls"
)]

use super::block::BlockLayout;
use super::grid::Part;
use super::transform::{RESULTS, VALUES, result_gradients, results, two_dimensional, values};
use crate::vector::{Vector, width};

/// Writes the transform Bᵀ x B of a tile of values to the row of a block that starts at `to`.
///
/// # Safety
///
/// `source` must be valid for the part of the tile inside its image, `to` for a row of the block, and
/// the processor must support the vector's instructions.
#[inline(always)]
pub(super) unsafe fn transform_values<V: Vector>(
    source: *const V::Scalar,
    part: &Part,
    channels: usize,
    to: *mut V::Scalar,
    layout: BlockLayout,
) {
    let whole = part.rows.len() == VALUES && part.columns.len() == VALUES;
    for channel in (0..channels).step_by(V::LANES) {
        let tile = Tile::<V>::new(source.cast_mut(), part, channels, channel);
        let to = to.wrapping_add(layout.offset::<V>(channel));
        unsafe {
            if whole && tile.count == V::LANES {
                two_dimensional!(values, VALUES, VALUES,
                    (r, c) => V::load(tile.at(r, c)),
                    (i, j, value) => value.store(to.add((i * VALUES + j) * layout.position_stride)));
            } else {
                two_dimensional!(values, VALUES, VALUES,
                    (r, c) => tile.load(r, c),
                    (i, j, value) => value.store(to.add((i * VALUES + j) * layout.position_stride)));
            }
        }
    }
}

/// Writes the transform A g Aᵀ of a tile of gradients of results.
///
/// # Safety
///
/// As for [`transform_values`].
#[inline(always)]
pub(super) unsafe fn transform_gradients<V: Vector>(
    source: *const V::Scalar,
    part: &Part,
    channels: usize,
    to: *mut V::Scalar,
    layout: BlockLayout,
) {
    for channel in (0..channels).step_by(V::LANES) {
        let tile = Tile::<V>::new(source.cast_mut(), part, channels, channel);
        let to = to.wrapping_add(layout.offset::<V>(channel));
        unsafe {
            two_dimensional!(result_gradients, RESULTS, VALUES,
                (r, c) => tile.load(r, c),
                (i, j, value) => value.store(to.add((i * VALUES + j) * layout.position_stride)));
        }
    }
}

/// Writes the results Aᵀ m A of a row of a block that starts at `from`, or adds them to the target.
///
/// # Safety
///
/// As for [`transform_values`], with `target` valid for the part of the tile inside its image.
#[inline(always)]
pub(super) unsafe fn transform_products<V: Vector>(
    from: *const V::Scalar,
    layout: BlockLayout,
    (target, add): (*mut V::Scalar, bool),
    part: &Part,
    channels: usize,
) {
    for channel in (0..channels).step_by(V::LANES) {
        let tile = Tile::<V>::new(target, part, channels, channel);
        let from = from.wrapping_add(layout.offset::<V>(channel));
        unsafe {
            two_dimensional!(results, VALUES, RESULTS,
                (r, c) => V::load(from.add((r * VALUES + c) * layout.position_stride)),
                (i, j, value) => tile.store(i, j, if add { tile.load(i, j).add(value) } else { value }));
        }
    }
}

impl BlockLayout {
    /// Offset of a channel in a row of the block.
    #[inline(always)]
    fn offset<V: Vector>(&self, channel: usize) -> usize {
        channel / width::<V>() * self.panel_stride + channel % width::<V>()
    }
}

/// A vector of channels at each pixel of a tile.
struct Tile<'a, V: Vector> {
    first: *mut V::Scalar,
    part: &'a Part,
    /// Channels of the image.
    channels: usize,
    /// Channels of the vector that exist.
    count: usize,
}

impl<'a, V: Vector> Tile<'a, V> {
    #[inline(always)]
    fn new(image: *mut V::Scalar, part: &'a Part, channels: usize, channel: usize) -> Self {
        Self {
            first: image.wrapping_offset(part.first).wrapping_add(channel),
            part,
            channels,
            count: V::LANES.min(channels - channel),
        }
    }

    #[inline(always)]
    fn at(&self, r: usize, c: usize) -> *mut V::Scalar {
        self.first
            .wrapping_add(r * self.part.row + c * self.channels)
    }

    #[inline(always)]
    fn inside(&self, r: usize, c: usize) -> bool {
        self.part.rows.contains(&r) && self.part.columns.contains(&c)
    }

    /// The values of a pixel; zeros outside the image and beyond the last channel.
    ///
    /// # Safety
    ///
    /// As for [`transform_values`].
    #[inline(always)]
    unsafe fn load(&self, r: usize, c: usize) -> V {
        unsafe {
            if self.inside(r, c) {
                V::load_first(self.at(r, c), self.count)
            } else {
                V::splat(V::Scalar::default())
            }
        }
    }

    /// Stores the values of a pixel, unless it is outside the image.
    ///
    /// # Safety
    ///
    /// As for [`transform_values`].
    #[inline(always)]
    unsafe fn store(&self, r: usize, c: usize, value: V) {
        unsafe {
            if self.inside(r, c) {
                value.store_first(self.at(r, c), self.count);
            }
        }
    }
}
