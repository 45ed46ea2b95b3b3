//! Random features with a known structure, and NC1 computed directly from its definition.

use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis};

/// SplitMix64, a small generator with the same output on all platforms.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((self.uniform() * bound as f64) as usize).min(bound - 1)
    }

    pub(crate) fn matrix(&mut self, rows: usize, columns: usize) -> Array2<f64> {
        Array2::from_shape_simple_fn((rows, columns), || self.normal())
    }

    /// A random rotation (with reflections): the product of `size` Householder reflections.
    pub(crate) fn rotation(&mut self, size: usize) -> Array2<f64> {
        let mut product = Array2::eye(size);
        for _ in 0..size {
            let axis = Array1::from_shape_simple_fn(size, || self.normal());
            let axis = axis.clone() / axis.dot(&axis).sqrt();
            let column = axis.view().insert_axis(Axis(1));
            product = &product - &(2.0 * product.dot(&column).dot(&column.t()));
        }
        product
    }

    pub(crate) fn permutation(&mut self, size: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..size).collect();
        for last in (1..size).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}

/// Unbalanced clusters around random centres, in random order. The centres are shifted from zero.
pub(crate) fn clusters(
    seed: u64,
    classes: usize,
    dim: usize,
    noise: f64,
) -> (Array2<f64>, Vec<u32>) {
    let mut random = Random(seed);
    let centres = random.matrix(classes, dim) * 3.0 + 1.0;
    let mut labels = Vec::new();
    for class in 0..classes {
        labels.extend(std::iter::repeat_n(class as u32, 1 + random.below(12)));
    }
    let order = random.permutation(labels.len());
    let labels: Vec<u32> = order.iter().map(|&row| labels[row]).collect();
    let mut features = random.matrix(labels.len(), dim) * noise;
    for (mut row, &label) in features.rows_mut().into_iter().zip(&labels) {
        row += &centres.row(label as usize);
    }
    (features, labels)
}

/// NC1 by its definition, with both d x d scatter matrices and a pseudo-inverse.
///
/// Eigenvalues of Sigma_B up to `cutoff` times the largest count as zero. Rounding errors are about
/// 1e-16, so the exact value does not matter for well separated data.
pub(crate) fn nc1_naive(
    features: ArrayView2<f64>,
    labels: &[u32],
    classes: usize,
    cutoff: f64,
) -> f64 {
    let (n, dim) = features.dim();
    let mut means = Array2::<f64>::zeros((classes, dim));
    for class in 0..classes {
        let rows: Vec<usize> = (0..n)
            .filter(|&row| labels[row] as usize == class)
            .collect();
        means
            .row_mut(class)
            .assign(&features.select(Axis(0), &rows).mean_axis(Axis(0)).unwrap());
    }
    let residuals = &features
        - &means.select(
            Axis(0),
            &labels.iter().map(|&l| l as usize).collect::<Vec<_>>(),
        );
    let centred = &means - &features.mean_axis(Axis(0)).unwrap();
    let sigma_w = residuals.t().dot(&residuals) / n as f64;
    let sigma_b = centred.t().dot(&centred) / classes as f64;

    let (eigenvalues, vectors) = symmetric_eigen(sigma_b);
    let largest = eigenvalues.iter().fold(0.0_f64, |a, &b| a.max(b));
    let mut inverse = Array2::<f64>::zeros((dim, dim));
    for (index, &eigenvalue) in eigenvalues
        .iter()
        .enumerate()
        .filter(|&(_, &value)| value > cutoff * largest)
    {
        let vector = vectors.column(index).insert_axis(Axis(1));
        inverse = inverse + vector.dot(&vector.t()) / eigenvalue;
    }
    sigma_w.dot(&inverse).diag().sum() / classes as f64
}

/// Cyclic two-sided Jacobi: eigenvalues, and eigenvectors as columns.
fn symmetric_eigen(mut a: Array2<f64>) -> (Vec<f64>, Array2<f64>) {
    let size = a.nrows();
    let mut vectors = Array2::<f64>::eye(size);
    let total: f64 = a.iter().map(|x| x * x).sum();
    loop {
        let off: f64 = a
            .indexed_iter()
            .filter(|((i, j), _)| i != j)
            .map(|(_, x)| x * x)
            .sum();
        if off <= 1e-30 * total {
            return (a.diag().to_vec(), vectors);
        }
        for p in 0..size {
            for q in p + 1..size {
                let (sine, cosine) =
                    (0.5 * (2.0 * a[[p, q]]).atan2(a[[q, q]] - a[[p, p]])).sin_cos();
                turn(a.view_mut(), p, q, sine, cosine);
                turn(a.view_mut().reversed_axes(), p, q, sine, cosine);
                turn(vectors.view_mut(), p, q, sine, cosine);
            }
        }
    }
}

/// Rotates columns `p` and `q` against each other.
fn turn(mut matrix: ArrayViewMut2<f64>, p: usize, q: usize, sine: f64, cosine: f64) {
    for mut row in matrix.rows_mut() {
        let (x, y) = (row[p], row[q]);
        (row[p], row[q]) = (cosine * x - sine * y, sine * x + cosine * y);
    }
}

#[track_caller]
pub(crate) fn assert_close(found: f64, expected: f64, relative: f64) {
    let error = (found - expected).abs();
    assert!(
        error <= relative * expected.abs(),
        "{found} for {expected}: off by {error:e}"
    );
}
