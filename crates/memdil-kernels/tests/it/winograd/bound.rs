//! The error bound of the fast convolution.

use memdil_kernels::Convolution;

/// The finite points of the interpolation; the sixth point is infinity.
const POINTS: [f64; 5] = [0.0, 0.625, -0.625, 1.5, -1.5];

/// Roundings on the longest path through a one-dimensional transform, from a value to a result.
///
/// A multiplication and addition that is not fused rounds its product twice. The coefficients of G
/// are rounded twice: to f64 once or twice, and then to f32, where the first roundings are so small
/// that they count as one.
mod roundings {
    /// $B^\top x$: two multiplications with additions.
    pub(super) const VALUES: usize = 4;
    /// $G w$: a rounded coefficient, its product, and two additions.
    pub(super) const WEIGHTS: usize = 5;
    /// $A^\top m$: an addition, a product, and two additions.
    pub(super) const RESULTS: usize = 4;
    /// $A g$: two multiplications with additions.
    pub(super) const RESULT_GRADIENTS: usize = 4;
    /// $G^\top u$: an addition, a rounded coefficient, its product, and two additions.
    pub(super) const WEIGHT_GRADIENTS: usize = 6;
}

/// Fewest terms of a sum that are added before the rest of the sum, except in its last block.
const BLOCK: usize = 64;

/// The bounds of all elements of the result, and of both gradients, up to the factor $\gamma_N$,
/// with the number N of roundings of each pass.
pub(super) struct Bounds {
    pub(super) forward: (Vec<f64>, usize),
    pub(super) input_gradient: (Vec<f64>, usize),
    pub(super) weight_gradient: (Vec<f64>, usize),
}

impl Bounds {
    /// The bounds for absolute values of images, weights and gradients of the result.
    pub(super) fn new(c: &Convolution, [x, w, g]: [&[f64]; 3]) -> Self {
        let (height, width) = c.output_size();
        let from = Images {
            values: x,
            height: c.height,
            width: c.width,
            channels: c.inputs,
        };
        let to = Images {
            values: g,
            height,
            width,
            channels: c.outputs,
        };
        let grid = Grid::new(c.images, &to);
        let padding = c.padding as isize;
        let kernels = |input, output| {
            let tap = |u: usize, v: usize| w[((u * 3 + v) * c.inputs + input) * c.outputs + output];
            std::array::from_fn(|u| std::array::from_fn(|v| tap(u, v)))
        };
        let turned = |output, input| {
            let mut kernel: [[f64; 3]; 3] = kernels(input, output);
            kernel.reverse();
            for row in &mut kernel {
                row.reverse();
            }
            kernel
        };
        let products = 1 + 2 * (roundings::VALUES + roundings::WEIGHTS + roundings::RESULTS);
        let gradients = 1 + 2 * (roundings::VALUES + roundings::RESULT_GRADIENTS);
        Self {
            forward: (
                results(&grid, &from, &to, padding, kernels),
                products + sum(c.inputs),
            ),
            input_gradient: (
                results(&Grid::new(c.images, &from), &to, &from, 2 - padding, turned),
                products + sum(c.outputs),
            ),
            weight_gradient: (
                weight_gradient(&grid, &from, &to, padding),
                gradients + sum(grid.tiles) + 2 * roundings::WEIGHT_GRADIENTS,
            ),
        }
    }
}

/// $\gamma_N = N u / (1 - N u)$. The factor covers the rounding errors of the bound itself.
pub(super) fn gamma(roundings: usize, unit: f64) -> f64 {
    let product = roundings as f64 * unit;
    product / (1.0 - product) * (1.0 + 1e-9)
}

/// Roundings of a sum in blocks.
fn sum(terms: usize) -> usize {
    terms + terms.div_ceil(BLOCK)
}

/// Images (n, height, width, channels).
struct Images<'a> {
    values: &'a [f64],
    height: usize,
    width: usize,
    channels: usize,
}

impl Images<'_> {
    /// A value, zero outside the image.
    fn get(&self, image: usize, row: isize, column: isize, channel: usize) -> f64 {
        let inside = |at: isize, size: usize| at >= 0 && at < size as isize;
        if !inside(row, self.height) || !inside(column, self.width) {
            return 0.0;
        }
        let row = image * self.height + row as usize;
        self.values[(row * self.width + column as usize) * self.channels + channel]
    }
}

/// The tiles of 4 by 4 results of a batch of images.
struct Grid {
    rows: usize,
    columns: usize,
    tiles: usize,
}

impl Grid {
    fn new(images: usize, to: &Images) -> Self {
        let (rows, columns) = (to.height.div_ceil(4), to.width.div_ceil(4));
        Self {
            rows,
            columns,
            tiles: images * rows * columns,
        }
    }

    /// Image, and row and column of the first result.
    fn place(&self, tile: usize) -> [usize; 3] {
        let row = tile / self.columns;
        [
            row / self.rows,
            row % self.rows * 4,
            tile % self.columns * 4,
        ]
    }

    /// The transforms of all tiles: (tiles, 36, channels).
    fn transformed<const N: usize>(
        &self,
        matrix: &[[f64; N]; 6],
        images: &Images,
        padding: isize,
    ) -> Vec<f64> {
        let mut transformed = vec![0.0; self.tiles * 36 * images.channels];
        for tile in 0..self.tiles {
            let [image, top, left] = self.place(tile);
            let (top, left) = (top as isize - padding, left as isize - padding);
            for channel in 0..images.channels {
                let value = |r, c| images.get(image, top + r as isize, left + c as isize, channel);
                let values = std::array::from_fn(|r| std::array::from_fn(|c| value(r, c)));
                for (position, value) in two_dimensional(matrix, &values)
                    .as_flattened()
                    .iter()
                    .enumerate()
                {
                    transformed[(tile * 36 + position) * images.channels + channel] = *value;
                }
            }
        }
        transformed
    }
}

/// $|A^\top| [\sum_c (|G| |w| |G|^\top) \odot (|B^\top| |x| |B|)] |A|$.
fn results(
    grid: &Grid,
    from: &Images,
    to: &Images,
    padding: isize,
    kernel: impl Fn(usize, usize) -> [[f64; 3]; 3],
) -> Vec<f64> {
    let values = grid.transformed(&values_matrix(), from, padding);
    let mut weights = vec![0.0; 36 * from.channels * to.channels];
    for (c, o) in (0..from.channels).flat_map(|c| (0..to.channels).map(move |o| (c, o))) {
        let transformed = two_dimensional(&weights_matrix(), &kernel(c, o));
        for (position, value) in transformed.as_flattened().iter().enumerate() {
            weights[(position * from.channels + c) * to.channels + o] = *value;
        }
    }
    let mut results = vec![0.0; to.values.len()];
    let matrix = transposed(&results_matrix());
    for tile in 0..grid.tiles {
        let mut products = vec![[[0.0; 6]; 6]; to.channels];
        for at in 0..36 * from.channels {
            let (position, value) = (at / from.channels, values[tile * 36 * from.channels + at]);
            let row = &weights[at * to.channels..][..to.channels];
            for (product, weight) in products.iter_mut().zip(row) {
                product[position / 6][position % 6] += value * weight;
            }
        }
        let [image, top, left] = grid.place(tile);
        for (o, product) in products.iter().enumerate() {
            let result = two_dimensional(&matrix, product);
            for (r, values) in result.iter().enumerate().take(to.height - top) {
                let start = (image * to.height + top + r) * to.width + left;
                for (c, value) in values.iter().enumerate().take(to.width - left) {
                    results[(start + c) * to.channels + o] = *value;
                }
            }
        }
    }
    results
}

/// $|G^\top| [\sum_t (|B^\top| |x| |B|) \odot (|A| |g| |A|^\top)] |G|$ over all tiles t.
fn weight_gradient(grid: &Grid, from: &Images, to: &Images, padding: isize) -> Vec<f64> {
    let values = grid.transformed(&values_matrix(), from, padding);
    let gradients = grid.transformed(&results_matrix(), to, 0);
    let (inputs, outputs) = (from.channels, to.channels);
    let mut sums = vec![[[0.0; 6]; 6]; inputs * outputs];
    for at in 0..grid.tiles * 36 {
        let position = at % 36;
        for (i, value) in values[at * inputs..][..inputs].iter().enumerate() {
            let gradients = &gradients[at * outputs..][..outputs];
            for (sum, gradient) in sums[i * outputs..].iter_mut().zip(gradients) {
                sum[position / 6][position % 6] += value * gradient;
            }
        }
    }
    let matrix = transposed(&weights_matrix());
    let mut result = vec![0.0; 9 * sums.len()];
    for (at, sum) in sums.iter().enumerate() {
        let kernel = two_dimensional(&matrix, sum);
        for (tap, value) in kernel.as_flattened().iter().enumerate() {
            result[tap * sums.len() + at] = *value;
        }
    }
    result
}

/// $|B^\top|$: the coefficients of the product of $x - q$ over all finite points q but the row's,
/// lowest power first.
fn values_matrix() -> [[f64; 6]; 6] {
    std::array::from_fn(|row| {
        let mut coefficients = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        for (_, q) in others(row) {
            let mut shifted = [0.0; 6];
            shifted[1..].copy_from_slice(&coefficients[..5]);
            coefficients = std::array::from_fn(|at| shifted[at] - q * coefficients[at]);
        }
        coefficients.map(f64::abs)
    })
}

/// $|G|$: the powers of a point, divided by the product of its differences from the others.
fn weights_matrix() -> [[f64; 3]; 6] {
    std::array::from_fn(|row| match POINTS.get(row) {
        None => [0.0, 0.0, 1.0],
        Some(p) => {
            let divisor: f64 = others(row).map(|(_, q)| p - q).product();
            [1.0, *p, p * p].map(|power| (power / divisor).abs())
        }
    })
}

/// $|A|$: the powers of a point.
fn results_matrix() -> [[f64; 4]; 6] {
    std::array::from_fn(|row| match POINTS.get(row) {
        None => [0.0, 0.0, 0.0, 1.0],
        Some(p) => [1.0, *p, p * p, p * p * p].map(f64::abs),
    })
}

/// The finite points but one.
fn others(row: usize) -> impl Iterator<Item = (usize, f64)> {
    let points = POINTS.into_iter().enumerate();
    points.filter(move |(at, _)| *at != row)
}

fn transposed<const R: usize, const C: usize>(matrix: &[[f64; C]; R]) -> [[f64; R]; C] {
    std::array::from_fn(|c| std::array::from_fn(|r| matrix[r][c]))
}

/// $M t M^\top$.
fn two_dimensional<const I: usize, const O: usize>(
    matrix: &[[f64; I]; O],
    tile: &[[f64; I]; I],
) -> [[f64; O]; O] {
    let dot = |a: &[f64; I], b: &[f64; I]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let columns = transposed(tile);
    let half: [[f64; I]; O] =
        std::array::from_fn(|r| std::array::from_fn(|c| dot(&matrix[r], &columns[c])));
    std::array::from_fn(|r| std::array::from_fn(|c| dot(&half[r], &matrix[c])))
}
