//! Which rows a product gathers: offsets, the same for every group of images.
//!
//! With stride s and padding p, a convolution is a sum of matrix products, one per tap (u, v) of
//! the kernel:
//!
//! ```text
//! y[i, j] = sum over (u, v) of x[s i + u - p, s j + v - p] W[u, v]
//! ```
//!
//! A pixel is a row of channels, and W[u, v] a matrix (inputs, outputs). The row that is gathered
//! for a pixel of the result and a tap is a pixel of the image, or [`OUTSIDE`] on the padding:
//!
//! ```text
//!   . . . . .      kernel 3, stride 1, padding 1: for the first pixel of the result, the taps of
//!   . a b c        the first row and the first column are outside. All pixels of a border lack
//!   . d e f        the same taps; sorted by the taps that they lack, they fill whole tiles, which
//!   .              leave these taps out.
//! ```
//!
//! The gradient of a pixel (a, b) of the image collects what it has contributed to. From
//! a = s i + u - p follows i = (a + p - u) / s, where s must divide a + p - u:
//!
//! ```text
//! dx[a, b] = sum over (u, v) of dy[(a + p - u) / s, (b + p - v) / s] W[u, v]^T
//! ```
//!
//! Which taps divide depends on (a mod s, b mod s) alone, the phase: each phase has its own plan,
//! with about 1 / s^2 of the taps.

use super::sizes::Convolution;

/// The source of a tap that falls on the padding.
pub(super) const OUTSIDE: usize = usize::MAX;

/// Rows that are computed together, for some images that lie one after the other.
pub(super) struct GatherPlan {
    /// Offset of each row's result.
    pub(super) targets: Vec<usize>,
    /// The taps that some of the rows have.
    pub(super) taps: Vec<Tap>,
}

/// A tap of the kernel.
pub(super) struct Tap {
    /// Which one, counted row by row.
    pub(super) index: usize,
    /// For each row of the product, the offset of the row that is gathered, or [`OUTSIDE`].
    pub(super) sources: Vec<usize>,
}

/// A row before sorting: image, pixel of the result, pixel under each tap.
struct GatheredRow {
    target: usize,
    sources: Vec<usize>,
}

/// Pixels of the images or of the results.
#[derive(Clone, Copy)]
struct Grid {
    height: usize,
    width: usize,
    channels: usize,
}

impl Grid {
    /// Offset of a pixel of an image of a group.
    fn offset(self, image: usize, (y, x): (usize, usize)) -> usize {
        ((image * self.height + y) * self.width + x) * self.channels
    }

    /// A pixel where both coordinates are inside.
    fn pixel(self, y: Option<usize>, x: Option<usize>) -> Option<(usize, usize)> {
        let (y, x) = (y?, x?);
        (y < self.height && x < self.width).then_some((y, x))
    }
}

/// Those of the images, and of the results.
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
    /// Every pixel of the result.
    pub(super) fn forward(sizes: &Convolution, images: usize) -> Self {
        let (from, to) = grids(sizes);
        let taps = (0..sizes.kernel * sizes.kernel).collect();
        let under = |at: usize, tap: usize| (at * sizes.stride + tap).checked_sub(sizes.padding);
        let source = |tap: usize, (y, x): (usize, usize)| {
            from.pixel(under(y, tap / sizes.kernel), under(x, tap % sizes.kernel))
        };
        Self::new(images, (from, to), taps, &pixels(to, (0, 0), 1), source)
    }

    /// Every pixel of the images, those of a phase together.
    pub(super) fn input_gradient(sizes: &Convolution, images: usize) -> Vec<Self> {
        let (to, from) = grids(sizes);
        let (kernel, stride) = (sizes.kernel, sizes.stride);
        let phases = (0..stride).flat_map(|y| (0..stride).map(move |x| (y, x)));
        // Only where the stride divides the numerator: other taps are not of the phase.
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

    /// Gathers rows for some pixels, `source` of each tap, and sorts them by the taps that they
    /// lack: a tile of rows that all lack one leaves it out.
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
            let lacking = row.sources.iter().map(|&source| source == OUTSIDE);
            lacking.collect::<Vec<_>>()
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

/// Every `step`-th pixel of a grid, row by row.
fn pixels(grid: Grid, (y, x): (usize, usize), step: usize) -> Vec<(usize, usize)> {
    let columns = move |y| (x..grid.width).step_by(step).map(move |x| (y, x));
    (y..grid.height).step_by(step).flat_map(columns).collect()
}
