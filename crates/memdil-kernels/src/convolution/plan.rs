//! Which rows a product gathers: offsets, the same for every group of images.

use super::Convolution;

/// The source of a tap that falls on the padding.
pub(super) const OUTSIDE: usize = usize::MAX;

/// Rows that are computed together, for some images that lie one after the other.
pub(super) struct Plan {
    /// Offset of each row's result.
    pub(super) targets: Vec<usize>,
    /// The taps that any of the rows has.
    pub(super) taps: Vec<Tap>,
}

/// A tap of the kernel.
pub(super) struct Tap {
    /// Which one, counted row by row.
    pub(super) index: usize,
    /// Of each row, the offset of what it is multiplied with, or [`OUTSIDE`].
    pub(super) sources: Vec<usize>,
}

/// A row before sorting: image, pixel of the result, pixel under each tap.
struct Row {
    target: usize,
    sources: Vec<usize>,
}

impl Plan {
    /// Every pixel of the result.
    pub(super) fn forward(sizes: &Convolution, images: usize) -> Self {
        let (height, width) = sizes.output_size();
        let taps: Vec<usize> = (0..sizes.kernel * sizes.kernel).collect();
        let mut rows = Vec::with_capacity(images * height * width);
        for image in 0..images {
            for (y, x) in pixels(height, width) {
                let source = |tap: &usize| {
                    let (u, v) = (tap / sizes.kernel, tap % sizes.kernel);
                    let (y, x) = (y * sizes.stride + u, x * sizes.stride + v);
                    let inside = |at: usize, size: usize| {
                        (sizes.padding..size + sizes.padding).contains(&at)
                    };
                    if !inside(y, sizes.height) || !inside(x, sizes.width) {
                        return OUTSIDE;
                    }
                    let pixel = (y - sizes.padding) * sizes.width + x - sizes.padding;
                    image * sizes.input_values() + pixel * sizes.inputs
                };
                let target = ((image * height + y) * width + x) * sizes.outputs;
                rows.push(Row {
                    target,
                    sources: taps.iter().map(source).collect(),
                });
            }
        }
        Self::new(taps, rows)
    }

    /// Every pixel of the images, those that have the same taps together: with stride s, every
    /// s-th.
    pub(super) fn input_gradient(sizes: &Convolution, images: usize) -> Vec<Self> {
        let Convolution {
            kernel,
            stride,
            padding,
            ..
        } = *sizes;
        let (height, width) = sizes.output_size();
        pixels(stride, stride)
            .map(|(phase_y, phase_x)| {
                let fits = |tap: &usize| {
                    let (u, v) = (tap / kernel, tap % kernel);
                    (phase_y + padding + stride * kernel - u).is_multiple_of(stride)
                        && (phase_x + padding + stride * kernel - v).is_multiple_of(stride)
                };
                let taps: Vec<usize> = (0..kernel * kernel).filter(fits).collect();
                let mut rows = Vec::new();
                for image in 0..images {
                    for y in (phase_y..sizes.height).step_by(stride) {
                        for x in (phase_x..sizes.width).step_by(stride) {
                            let source = |tap: &usize| {
                                let (u, v) = (tap / kernel, tap % kernel);
                                let result = |at: usize, tap: usize, size: usize| {
                                    (at + padding)
                                        .checked_sub(tap)
                                        .map(|at| at / stride)
                                        .filter(|&at| at < size)
                                };
                                let pixel = (result(y, u, height), result(x, v, width));
                                let (Some(y), Some(x)) = pixel else {
                                    return OUTSIDE;
                                };
                                ((image * height + y) * width + x) * sizes.outputs
                            };
                            let target =
                                image * sizes.input_values() + (y * sizes.width + x) * sizes.inputs;
                            rows.push(Row {
                                target,
                                sources: taps.iter().map(source).collect(),
                            });
                        }
                    }
                }
                Self::new(taps, rows)
            })
            .collect()
    }

    /// Sorts rows by the taps that they lack: a tile of rows that all lack one leaves it out.
    fn new(taps: Vec<usize>, mut rows: Vec<Row>) -> Self {
        rows.sort_by_cached_key(|row| {
            row.sources
                .iter()
                .map(|&source| source == OUTSIDE)
                .collect::<Vec<_>>()
        });
        let targets = rows.iter().map(|row| row.target).collect();
        let sources = |at: usize| rows.iter().map(|row| row.sources[at]).collect();
        let taps = taps
            .iter()
            .enumerate()
            .map(|(at, &index)| Tap {
                index,
                sources: sources(at),
            })
            .collect();
        Self { targets, taps }
    }
}

fn pixels(height: usize, width: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..height).flat_map(move |y| (0..width).map(move |x| (y, x)))
}
