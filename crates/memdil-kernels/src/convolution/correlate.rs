//! The weight gradient: for each tap, the product of the transposed images with the gradient of the
//! results.

#![allow(
    clippy::needless_range_loop,
    reason = "indices into register tiles, which iterators keep out of registers"
)]

use super::plan::{GatherPlan, OUTSIDE};
use super::sizes::Convolution;
use crate::tile::{next_tile, with_height};
use crate::vector::{Element, Vector, VectorKernel, width};

/// Rows that are summed in registers before the sum is added to memory.
const ROWS: usize = 512;

/// For each tap, the pairs of rows that it multiplies in a group of images, as offsets in the
/// packed images and in the packed gradients.
pub(super) struct PixelPairs {
    images: usize,
    /// The pairs by block of rows, then by tap.
    blocks: Vec<Vec<Vec<[u32; 2]>>>,
}

impl PixelPairs {
    pub(super) fn new(sizes: &Convolution, images: usize, panel: usize) -> Self {
        let plan = GatherPlan::forward(sizes, images);
        let rows = plan.targets.len();
        let blocks = (0..rows).step_by(ROWS).map(|first| {
            let range = first..rows.min(first + ROWS);
            let tap = |sources: &[usize]| {
                let pairs = range.clone().filter(|&row| sources[row] != OUTSIDE);
                pairs
                    .map(|row| {
                        [
                            sources[row] / sizes.inputs * panel,
                            plan.targets[row] / sizes.outputs * panel,
                        ]
                        .map(|at| at as u32)
                    })
                    .collect()
            };
            plan.taps.iter().map(|t| tap(&t.sources)).collect()
        });
        Self {
            images,
            blocks: blocks.collect(),
        }
    }
}

/// The gradient of the weights between some panels of inputs and some panels of outputs.
pub struct CorrelationTask<'a, T> {
    pub(super) sizes: &'a Convolution,
    pub(super) x: &'a [T],
    pub(super) g: &'a [T],
    /// Number of images in a group.
    pub(super) group: usize,
    /// The pairs of a full group, and of the incomplete last one.
    pub(super) pairs: &'a [PixelPairs; 2],
    pub(super) outputs: (usize, usize),
    pub(super) inputs: (usize, usize),
    /// The sums by panel of outputs, panel of inputs and tap: one row of outputs per input channel.
    pub(super) sums: &'a mut [T],
}

impl<T: Element> VectorKernel<T> for CorrelationTask<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let width = width::<V>();
        let Self {
            sizes,
            x,
            g,
            group,
            pairs,
            outputs,
            inputs,
            sums,
        } = self;
        let (read, written) = (sizes.input_values(), sizes.output_values());
        let (mut packed_x, mut packed_g) = (Vec::new(), Vec::new());
        for (x, g) in x.chunks(group * read).zip(g.chunks(group * written)) {
            let pairs = &pairs[usize::from(x.len() < group * read)];
            let pixels = [x.len() / sizes.inputs, g.len() / sizes.outputs];
            debug_assert_eq!(pairs.images * read, x.len());
            pack(x, sizes.inputs, inputs, width, &mut packed_x);
            pack(g, sizes.outputs, outputs, width, &mut packed_g);
            for block in &pairs.blocks {
                let mut sums = sums.as_mut_ptr();
                for g in packed_g.chunks_exact(pixels[1] * width) {
                    for (i, x) in (inputs.0..inputs.1).zip(packed_x.chunks_exact(pixels[0] * width))
                    {
                        let channels = (sizes.inputs - i * width).min(width);
                        for tap in block {
                            // SAFETY: the pairs are within the packed panels of a group, the rows
                            // within a block of sums.
                            unsafe {
                                add::<V>(x.as_ptr(), g.as_ptr(), tap, channels, sums);
                                sums = sums.add(width * width);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Copies panels of channels in sequence; the columns of a panel beyond the last channel are zero.
#[inline(always)]
fn pack<T: Element>(
    from: &[T],
    channels: usize,
    (first, end): (usize, usize),
    width: usize,
    to: &mut Vec<T>,
) {
    let pixels = from.len() / channels;
    to.resize((end - first) * pixels * width, T::default());
    for (panel, to) in (first..end).zip(to.chunks_exact_mut(pixels * width)) {
        let part = width.min(channels - panel * width);
        for (to, from) in to.chunks_exact_mut(width).zip(from.chunks_exact(channels)) {
            let from = &from[panel * width..][..part];
            if part == width {
                to.copy_from_slice(from);
            } else {
                to[..part].copy_from_slice(from);
            }
        }
    }
}

/// Adds the products of one tap to its block of sums.
///
/// # Safety
///
/// The pointers must be valid for the pairs and a block of sums, and the processor must support the
/// vector's instructions.
#[inline(always)]
unsafe fn add<V: Vector>(
    x: *const V::Scalar,
    g: *const V::Scalar,
    pairs: &[[u32; 2]],
    channels: usize,
    sums: *mut V::Scalar,
) {
    let mut channel = 0;
    while channel < channels {
        let height = next_tile::<V>(channels - channel);
        // SAFETY: upheld by the caller, see `# Safety`; the tile's channels are within the pairs'
        // rows.
        unsafe {
            let (x, sums) = (x.add(channel), sums.add(channel * width::<V>()));
            with_height!(V, height, M => tile::<V, M>(x, g, pairs, sums));
        }
        channel += height;
    }
}

/// The products for a tile of `M` input channels.
///
/// # Safety
///
/// As for [`add`].
#[inline(always)]
unsafe fn tile<V: Vector, const M: usize>(
    x: *const V::Scalar,
    g: *const V::Scalar,
    pairs: &[[u32; 2]],
    sums: *mut V::Scalar,
) {
    unsafe {
        let mut tile = [[V::splat(V::Scalar::default()); 2]; M];
        for &[at_x, at_g] in pairs {
            let (x, g) = (x.add(at_x as usize), g.add(at_g as usize));
            let row = [V::load(g), V::load(g.add(V::LANES))];
            for m in 0..M {
                let factor = V::splat(*x.add(m));
                for v in 0..2 {
                    tile[m][v] = factor.mul_add(row[v], tile[m][v]);
                }
            }
        }
        for m in 0..M {
            for v in 0..2 {
                let at = sums.add(m * width::<V>() + v * V::LANES);
                V::load(at).add(tile[m][v]).store(at);
            }
        }
    }
}
