//! The rows that a product gathers, as offsets that are the same for every group of images.
//!
//! With stride s and padding p, a convolution is a sum of matrix products, one per tap (u, v) of
//! the kernel:
//!
//! ```text
//! y[i, j] = sum over (u, v) of x[s i + u - p, s j + v - p] W[u, v]
//! ```
//!
//! A pixel is a row of channels, and W[u, v] a matrix (inputs, outputs). For a pixel of the result
//! and a tap, the product reads a pixel of the image, or zeros if the source is [`OUTSIDE`]:
//!
//! ```text
//!   . . . . .      kernel 3, stride 1, padding 1: for the first pixel of the result, the taps of
//!   . a b c        the first row and the first column are outside. All pixels of a border miss
//!   . d e f        the same taps; sorted by the taps that they miss, they fill whole tiles, which
//!   .              skip these taps.
//! ```
//!
//! The gradient of a pixel (a, b) of the image is a sum over the results that read the pixel.
//! Solving a = s i + u - p for the row i of a result gives i = (a + p - u) / s, and the tap
//! contributes only if s divides a + p - u:
//!
//! ```text
//! dx[a, b] = sum over (u, v) of dy[(a + p - u) / s, (b + p - v) / s] W[u, v]^T
//! ```
//!
//! The taps that contribute depend only on the phase (a mod s, b mod s), so each phase has its own
//! plan, with about 1 / s^2 of the taps.

use super::sizes::Convolution;

/// The source offset of a tap that falls on the padding.
pub(super) const OUTSIDE: usize = usize::MAX;

/// Rows that are computed together, for a group of consecutive images.
pub(super) struct GatherPlan {
    /// Offset of each row's result.
    pub(super) targets: Vec<usize>,
    /// The taps that contribute to the rows.
    pub(super) taps: Vec<Tap>,
}

/// A tap of the kernel.
pub(super) struct Tap {
    /// Index in the kernel, row-major.
    pub(super) index: usize,
    /// Offset of the gathered row for each row of the product, or [`OUTSIDE`].
    pub(super) sources: Vec<usize>,
}

/// A row before sorting: the offset of its result, and the source offset of each tap.
struct GatheredRow {
    target: usize,
    sources: Vec<usize>,
}

/// The grid of pixels of the images or of the results.
#[derive(Clone, Copy)]
struct Grid {
    height: usize,
    width: usize,
    channels: usize,
}

impl Grid {
    /// Offset of a pixel in a group of images.
    fn offset(self, image: usize, (y, x): (usize, usize)) -> usize {
        ((image * self.height + y) * self.width + x) * self.channels
    }

    /// The pixel, if both coordinates are inside the grid.
    fn pixel(self, y: Option<usize>, x: Option<usize>) -> Option<(usize, usize)> {
        let (y, x) = (y?, x?);
        (y < self.height && x < self.width).then_some((y, x))
    }
}

/// The grids of the images and of the results.
fn grids(sizes: &Convolution) -> (Grid, Grid) {
    let images = Grid {
        height: sizes.height,
        width: sizes.width,
        channels: sizes.inputs,
    };
    let (height, width) = sizes.output_size();
    let channels = sizes.outputs;
    let results = Grid {
        height,
        width,
        channels,
    };
    (images, results)
}

impl GatherPlan {
    /// The plan of the forward pass: one row per pixel of the results.
    pub(super) fn forward(sizes: &Convolution, images: usize) -> Self {
        let (from, to) = grids(sizes);
        let taps = (0..sizes.kernel * sizes.kernel).collect();
        let under = |at: usize, tap: usize| (at * sizes.stride + tap).checked_sub(sizes.padding);
        let source = |tap: usize, (y, x): (usize, usize)| {
            from.pixel(under(y, tap / sizes.kernel), under(x, tap % sizes.kernel))
        };
        Self::new(images, (from, to), taps, &pixels(to, (0, 0), 1), source)
    }

    /// The plans of the gradient of the images, one per phase: one row per pixel of the images.
    pub(super) fn input_gradient(sizes: &Convolution, images: usize) -> Vec<Self> {
        let (to, from) = grids(sizes);
        let (kernel, stride) = (sizes.kernel, sizes.stride);
        let phases = (0..stride).flat_map(|y| (0..stride).map(move |x| (y, x)));
        // The division is exact, because the taps below are those for which `divides` holds.
        let result = |at: usize, tap: usize| Some((at + sizes.padding).checked_sub(tap)? / stride);
        let source = |tap: usize, (y, x): (usize, usize)| {
            from.pixel(result(y, tap / kernel), result(x, tap % kernel))
        };
        let divides = |phase: usize, tap: usize| {
            (phase + sizes.padding + stride * kernel - tap).is_multiple_of(stride)
        };
        let of_phase = |(y, x): (usize, usize)| {
            let taps = (0..kernel * kernel)
                .filter(|tap| divides(y, tap / kernel) && divides(x, tap % kernel));
            Self::new(
                images,
                (from, to),
                taps.collect(),
                &pixels(to, (y, x), stride),
                source,
            )
        };
        phases.map(of_phase).collect()
    }

    /// Builds a row per image and pixel, where `source(tap, pixel)` is the pixel to gather, and
    /// sorts the rows by the taps that they miss, so that a tile can skip a tap that all its rows
    /// miss.
    fn new(
        images: usize,
        (from, to): (Grid, Grid),
        taps: Vec<usize>,
        pixels: &[(usize, usize)],
        source: impl Fn(usize, (usize, usize)) -> Option<(usize, usize)>,
    ) -> Self {
        let mut rows = Vec::with_capacity(images * pixels.len());
        for image in 0..images {
            for &pixel in pixels {
                let offset = |&tap| match source(tap, pixel) {
                    Some(pixel) => from.offset(image, pixel),
                    None => OUTSIDE,
                };
                rows.push(GatheredRow {
                    target: to.offset(image, pixel),
                    sources: taps.iter().map(offset).collect(),
                });
            }
        }
        rows.sort_by_cached_key(|row| {
            let missing = row.sources.iter().map(|&source| source == OUTSIDE);
            missing.collect::<Vec<_>>()
        });
        let tap = |(at, index): (usize, usize)| Tap {
            index,
            sources: rows.iter().map(|row| row.sources[at]).collect(),
        };
        Self {
            targets: rows.iter().map(|row| row.target).collect(),
            taps: taps.into_iter().enumerate().map(tap).collect(),
        }
    }
}

/// Every `step`-th pixel of a grid in both directions, starting at (y, x), in row-major order.
fn pixels(grid: Grid, (y, x): (usize, usize), step: usize) -> Vec<(usize, usize)> {
    let columns = move |y| (x..grid.width).step_by(step).map(move |x| (y, x));
    (y..grid.height).step_by(step).flat_map(columns).collect()
}
