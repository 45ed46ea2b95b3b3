//! The gradient of a convolution's weights: for every tap, the product of the transposed images
//! with the results' gradient.

#![allow(
    clippy::needless_range_loop,
    reason = "indices into register tiles, which iterators keep out of registers"
)]

use rayon::prelude::*;

use super::plan::{OUTSIDE, Plan};
use super::{Convolution, GROUP_BYTES};
use crate::tile::next_tile;
use crate::vector::{Kernel, Vector, width};
use crate::{Element, Instructions};

/// Rows that are summed in registers before the sum meets memory.
const ROWS: usize = 512;

pub(super) fn run<T: Element>(
    sizes: &Convolution,
    instructions: Instructions,
    x: &[T],
    g: &[T],
) -> Vec<T> {
    let panel = T::panel_width(instructions);
    let Convolution {
        kernel,
        inputs,
        outputs,
        images,
        ..
    } = *sizes;
    let (input_panels, output_panels) = (inputs.div_ceil(panel), outputs.div_ceil(panel));
    let group = (GROUP_BYTES / (sizes.input_values() * size_of::<T>())).clamp(1, images);
    let pairs = [group, images % group].map(|images| Pairs::new(sizes, images, panel));
    // Every task packs what it reads, so that few large ones are best; their number changes no sum.
    let tasks = 2 * rayon::current_num_threads();
    let outputs_at_once = output_panels.div_ceil(tasks);
    let inputs_at_once = input_panels.div_ceil((tasks / output_panels).max(1));
    let grid: Vec<_> = (0..output_panels)
        .step_by(outputs_at_once)
        .flat_map(|o| {
            (0..input_panels)
                .step_by(inputs_at_once)
                .map(move |i| (o, i))
        })
        .collect();
    let parts: Vec<_> = grid
        .into_par_iter()
        .map(|(o, i)| {
            let outputs = (o, output_panels.min(o + outputs_at_once));
            let inputs = (i, input_panels.min(i + inputs_at_once));
            let values =
                (outputs.1 - outputs.0) * (inputs.1 - inputs.0) * kernel * kernel * panel * panel;
            let mut sums = vec![T::default(); values];
            let task = Task {
                sizes,
                x,
                g,
                group,
                pairs: &pairs,
                outputs,
                inputs,
                sums: &mut sums,
            };
            T::weight_gradient(instructions, task);
            (outputs, inputs, sums)
        })
        .collect();
    let mut gradient = vec![T::default(); kernel * kernel * inputs * outputs];
    for ((first_output, end), (first_input, last), sums) in parts {
        let mut blocks = sums.chunks_exact(panel * panel);
        for o in first_output..end {
            for i in first_input..last {
                for (tap, block) in (0..kernel * kernel).zip(&mut blocks) {
                    let wanted = panel.min(outputs - o * panel);
                    for (channel, row) in block
                        .chunks_exact(panel)
                        .take(inputs - i * panel)
                        .enumerate()
                    {
                        let at = (tap * inputs + i * panel + channel) * outputs + o * panel;
                        gradient[at..][..wanted].copy_from_slice(&row[..wanted]);
                    }
                }
            }
        }
    }
    gradient
}

/// For every tap, the rows of a group of images that it multiplies: where they stand in packed
/// images and in packed gradients.
struct Pairs {
    images: usize,
    /// Blocks of rows, in each the pairs of every tap.
    blocks: Vec<Vec<Vec<[u32; 2]>>>,
}

impl Pairs {
    fn new(sizes: &Convolution, images: usize, panel: usize) -> Self {
        let plan = Plan::forward(sizes, images);
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

/// The gradient of some panels of inputs by some panels of outputs.
pub struct Task<'a, T> {
    sizes: &'a Convolution,
    x: &'a [T],
    g: &'a [T],
    /// Images of a group.
    group: usize,
    /// Of a whole group, and of the last one.
    pairs: &'a [Pairs; 2],
    outputs: (usize, usize),
    inputs: (usize, usize),
    /// For every panel of outputs, every panel of inputs and every tap: a row of the panel for each
    /// channel.
    sums: &'a mut [T],
}

impl<T: Element> Kernel<T> for Task<'_, T> {
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
                            // SAFETY: the pairs lie within a group's packed panels, the rows within
                            // a block of sums.
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

/// Copies panels of channels, one after the other; what a panel has beyond the channels is zero.
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
/// The pointers must be valid for the pairs, and the processor must have the vector's instructions.
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
        // SAFETY: the caller's.
        unsafe {
            let (x, sums) = (x.add(channel), sums.add(channel * width::<V>()));
            match height {
                8 if V::ROWS == 8 => tile::<V, 8>(x, g, pairs, sums),
                7 if V::ROWS == 8 => tile::<V, 7>(x, g, pairs, sums),
                6 => tile::<V, 6>(x, g, pairs, sums),
                5 => tile::<V, 5>(x, g, pairs, sums),
                4 => tile::<V, 4>(x, g, pairs, sums),
                3 => tile::<V, 3>(x, g, pairs, sums),
                2 => tile::<V, 2>(x, g, pairs, sums),
                _ => tile::<V, 1>(x, g, pairs, sums),
            }
        }
        channel += height;
    }
}

#[inline(always)]
unsafe fn tile<V: Vector, const M: usize>(
    x: *const V::Scalar,
    g: *const V::Scalar,
    pairs: &[[u32; 2]],
    sums: *mut V::Scalar,
) {
    // SAFETY: the caller's.
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
