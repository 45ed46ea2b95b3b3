//! Errors of the algorithms in f32, against the direct sum in f64.

use memdil_kernels::{Convolution, KernelError};

use crate::values;

type Matrix = Vec<Vec<f64>>;

/// Results per tile and direction, the finite points, and a name. The last point is infinity.
const ALGORITHMS: [(&str, usize, &[f64]); 5] = [
    ("F(2x2), points 0, ±1", 2, &[0.0, 1.0, -1.0]),
    ("F(4x4), points 0, ±1, ±2", 4, &[0.0, 1.0, -1.0, 2.0, -2.0]),
    (
        "F(4x4), points 0, ±1/2, ±1",
        4,
        &[0.0, 0.5, -0.5, 1.0, -1.0],
    ),
    (
        "F(4x4), points 0, ±3/4, ±3/2",
        4,
        &[0.0, 0.75, -0.75, 1.5, -1.5],
    ),
    (
        "F(4x4), points 0, ±5/8, ±3/2",
        4,
        &[0.0, 0.625, -0.625, 1.5, -1.5],
    ),
];

pub(crate) fn run() -> Result<(), KernelError> {
    let sizes = Convolution {
        images: 16,
        height: 8,
        width: 8,
        inputs: 64,
        outputs: 64,
        kernel: 3,
        stride: 1,
        padding: 1,
    };
    let pixels = sizes.images * 64;
    // Images as after a ReLU, and weights of the size that networks start with.
    let x: Vec<f32> = values(pixels * 64, 1)
        .into_iter()
        .map(|x| x.max(0.0))
        .collect();
    let g = values(pixels * 64, 3);
    let w: Vec<f32> = values(9 * 64 * 64, 2)
        .into_iter()
        .map(|w| w / 24.0)
        .collect();
    let [x64, g64, w64] = [&x, &g, &w].map(|v| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>());
    let exact = [
        sizes.forward(&x64, &w64)?,
        sizes.input_gradient(&g64, &w64)?,
        sizes.weight_gradient(&x64, &g64)?,
    ];
    println!(
        "16 images of 8 by 8 pixels, 64 channels: error in f32 over the root mean square of the results"
    );
    println!(
        "| algorithm | forward: rms | largest | images: rms | largest | weights: rms | largest |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let direct = memdil_kernels::Method {
        algorithm: memdil_kernels::Algorithm::Direct,
        ..sizes.method::<f32>()
    };
    let found = [
        sizes.forward_with(direct, &x, &w)?,
        sizes.input_gradient_with(direct, &g, &w)?,
        sizes.weight_gradient_with(direct, &x, &g)?,
    ];
    row("direct", &found, &exact);
    for (name, results, points) in ALGORITHMS {
        let tiles = Tiles::new(&sizes, results, points);
        let found = [
            tiles.product(&x, &w, false),
            tiles.product(&g, &w, true),
            tiles.gradient(&x, &g),
        ];
        row(name, &found, &exact);
    }
    Ok(())
}

fn row(name: &str, found: &[Vec<f32>; 3], exact: &[Vec<f64>; 3]) {
    let columns = found.iter().zip(exact).flat_map(|(found, exact)| {
        let n = exact.len() as f64;
        let size = (exact.iter().map(|e| e * e).sum::<f64>() / n).sqrt();
        let errors = || {
            found
                .iter()
                .zip(exact)
                .map(|(&f, e)| (f64::from(f) - e).abs())
        };
        let rms = (errors().map(|e| e * e).sum::<f64>() / n).sqrt();
        [rms / size, errors().fold(0.0, f64::max) / size]
    });
    let columns: Vec<String> = columns.map(|value| format!("{value:.1e}")).collect();
    println!("| {name} | {} |", columns.join(" | "));
}

/// A plain implementation of F(m x m, 3 x 3) for equal numbers of channels and one pixel of padding.
struct Tiles {
    results: usize,
    size: usize,
    images: usize,
    channels: usize,
    /// Bᵀ, G and Aᵀ.
    values: Matrix,
    weights: Matrix,
    products: Matrix,
}

impl Tiles {
    /// The matrices of Toom and Cook for finite points and infinity.
    fn new(sizes: &Convolution, results: usize, points: &[f64]) -> Self {
        let n = results + 2;
        let mut values = vec![vec![0.0; n]; n];
        let mut weights = vec![vec![0.0; 3]; n];
        let mut products = vec![vec![0.0; n]; results];
        for (i, &p) in points.iter().enumerate() {
            let others = || points[..i].iter().chain(&points[i + 1..]).copied();
            let scale: f64 = others().map(|q| p - q).product();
            values[i] = polynomial(others(), n);
            for (power, weight) in weights[i].iter_mut().enumerate() {
                *weight = p.powi(power as i32) / scale;
            }
            for (power, row) in products.iter_mut().enumerate() {
                row[i] = p.powi(power as i32);
            }
        }
        values[n - 1] = polynomial(points.iter().copied(), n);
        weights[n - 1][2] = 1.0;
        products[results - 1][n - 1] = 1.0;
        Self {
            results,
            size: sizes.height,
            images: sizes.images,
            channels: sizes.inputs,
            values,
            weights,
            products,
        }
    }

    /// The forward pass, or, with the kernel turned, the gradient of the images.
    fn product(&self, x: &[f32], w: &[f32], turned: bool) -> Vec<f32> {
        let (c, n) = (self.channels, self.results + 2);
        let kernels: Vec<Vec<f32>> = (0..c * c)
            .map(|at| {
                let taps: Vec<f32> = (0..9)
                    .map(|tap| match turned {
                        false => w[tap * c * c + at],
                        true => w[(8 - tap) * c * c + at % c * c + at / c],
                    })
                    .collect();
                both(&self.weights, &taps)
            })
            .collect();
        let mut y = vec![0.0; x.len()];
        self.each_tile(|image, top, left| {
            let tiles: Vec<Vec<f32>> = (0..c)
                .map(|channel| both(&self.values, &self.read(x, image, top, left, 1, n, channel)))
                .collect();
            for output in 0..c {
                let mut sums = vec![0.0_f32; n * n];
                for (input, tile) in tiles.iter().enumerate() {
                    for ((sum, &v), &u) in
                        sums.iter_mut().zip(tile).zip(&kernels[input * c + output])
                    {
                        *sum = v.mul_add(u, *sum);
                    }
                }
                let results = both(&self.products, &sums);
                for (at, result) in results.into_iter().enumerate() {
                    let (i, j) = (top + at / self.results, left + at % self.results);
                    y[((image * self.size + i) * self.size + j) * c + output] = result;
                }
            }
        });
        y
    }

    /// The gradient of the weights.
    fn gradient(&self, x: &[f32], g: &[f32]) -> Vec<f32> {
        let (c, n) = (self.channels, self.results + 2);
        let mut sums = vec![vec![0.0_f32; n * n]; c * c];
        let (gradients, kernels) = (transposed(&self.products), transposed(&self.weights));
        self.each_tile(|image, top, left| {
            let tiles =
                |from: &[f32], matrix: &Matrix, border: usize, size: usize| -> Vec<Vec<f32>> {
                    (0..c)
                        .map(|channel| {
                            both(
                                matrix,
                                &self.read(from, image, top, left, border, size, channel),
                            )
                        })
                        .collect()
                };
            let values = tiles(x, &self.values, 1, n);
            let gradients = tiles(g, &gradients, 0, self.results);
            for (at, sums) in sums.iter_mut().enumerate() {
                let (v, g) = (&values[at / c], &gradients[at % c]);
                for ((sum, &v), &g) in sums.iter_mut().zip(v).zip(g) {
                    *sum = v.mul_add(g, *sum);
                }
            }
        });
        let mut gradient = vec![0.0; 9 * c * c];
        for (at, sums) in sums.iter().enumerate() {
            for (tap, value) in both(&kernels, sums).into_iter().enumerate() {
                gradient[tap * c * c + at] = value;
            }
        }
        gradient
    }

    fn each_tile(&self, mut run: impl FnMut(usize, usize, usize)) {
        for image in 0..self.images {
            for top in (0..self.size).step_by(self.results) {
                for left in (0..self.size).step_by(self.results) {
                    run(image, top, left);
                }
            }
        }
    }

    /// A channel of a tile, with zeros outside the image.
    #[allow(clippy::too_many_arguments, reason = "the place of a tile")]
    fn read(
        &self,
        x: &[f32],
        image: usize,
        top: usize,
        left: usize,
        border: usize,
        n: usize,
        channel: usize,
    ) -> Vec<f32> {
        let inside = |at: usize| at.checked_sub(border).filter(|&at| at < self.size);
        let pixel = |at: usize| match (inside(top + at / n), inside(left + at % n)) {
            (Some(i), Some(j)) => {
                x[((image * self.size + i) * self.size + j) * self.channels + channel]
            }
            _ => 0.0,
        };
        (0..n * n).map(pixel).collect()
    }
}

/// The coefficients of the product of (t - q) over all points q.
fn polynomial(points: impl Iterator<Item = f64>, len: usize) -> Vec<f64> {
    let mut coefficients = vec![0.0; len];
    coefficients[0] = 1.0;
    for q in points {
        for power in (0..len).rev() {
            let below = if power > 0 {
                coefficients[power - 1]
            } else {
                0.0
            };
            coefficients[power] = below - q * coefficients[power];
        }
    }
    coefficients
}

fn transposed(matrix: &Matrix) -> Matrix {
    (0..matrix[0].len())
        .map(|j| matrix.iter().map(|row| row[j]).collect())
        .collect()
}

/// M t Mᵀ in f32.
fn both(matrix: &Matrix, tile: &[f32]) -> Vec<f32> {
    let n = matrix[0].len();
    let dot = |row: &[f64], values: &mut dyn Iterator<Item = f32>| {
        row.iter()
            .zip(values)
            .fold(0.0_f32, |sum, (&m, v)| (m as f32).mul_add(v, sum))
    };
    let half: Vec<Vec<f32>> = matrix
        .iter()
        .map(|row| {
            (0..n)
                .map(|j| dot(row, &mut tile.iter().skip(j).step_by(n).copied()))
                .collect()
        })
        .collect();
    let mut whole = Vec::with_capacity(matrix.len() * matrix.len());
    for row in &half {
        whole.extend(matrix.iter().map(|m| dot(m, &mut row.iter().copied())));
    }
    whole
}
