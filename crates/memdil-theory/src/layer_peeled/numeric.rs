//! Numerical minimisation of the layer-peeled model for any loss.

use super::closed_form::LpmSetting;
use crate::error::{TheoryError, at_least, positive, some_dimension, two_classes};
use crate::optimizers::lbfgs::{self, Budget, Lowest, Minimum};
use memdil_losses::Loss;
use ndarray::{Array2, ArrayView2};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Dimensions and weight decay of a layer-peeled problem.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LpmProblem {
    /// Number of classes $N$, at least 2.
    pub classes: usize,
    /// Number of samples per class $n$, at least 1.
    pub samples: usize,
    /// Feature dimension $P$, at least 1.
    pub dim: usize,
    /// Weight decay of the classifier, positive.
    pub lambda_w: f64,
    /// Weight decay of the features, positive.
    pub lambda_h: f64,
    /// Whether features are non-negative.
    pub nonnegative: bool,
}

/// Random starting points and stopping criteria of the descent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DescentOptions {
    /// Number of random starting points, at least 1; the best result is returned.
    pub starts: usize,
    /// Seed of the starting points.
    pub seed: u64,
    /// Tolerance for the largest entry of the projected gradient, relative to
    /// $\sqrt{\lambda_W\lambda_H}$.
    pub tolerance: f64,
    /// Maximum number of iterations per starting point.
    pub max_iterations: usize,
}

impl Default for DescentOptions {
    /// Three starting points with seed 0, a tolerance of 1e-6 and up to 5000 iterations each.
    fn default() -> Self {
        Self {
            starts: 3,
            seed: 0,
            tolerance: 1e-6,
            max_iterations: 5000,
        }
    }
}

/// The best minimum found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LpmMinimum {
    /// Value of the objective.
    pub objective: f64,
    /// $W$, (N, P).
    pub weights: Array2<f64>,
    /// $H$, (P, N n), with columns ordered by class.
    pub features: Array2<f64>,
    /// Logit of the true class minus that of another class, averaged over samples and other
    /// classes.
    pub logit_gap: f64,
    /// Mean of $\lVert h_{k,i} \rVert^2$.
    pub feature_sq_norm: f64,
    /// Mean of $\lVert w_k \rVert^2$.
    pub weight_row_sq_norm: f64,
    /// Largest entry of the projected gradient, divided by $\sqrt{\lambda_W\lambda_H}$.
    pub residual: f64,
    /// Total number of iterations over all starting points.
    pub iterations: usize,
}

impl LpmProblem {
    /// Creates a problem with the classes, the weight decay and the feature sign of a setting. The
    /// smoothing parameter is part of the loss instead.
    pub const fn new(setting: &LpmSetting, samples: usize, dim: usize) -> Self {
        Self {
            classes: setting.classes,
            samples,
            dim,
            lambda_w: setting.lambda_w,
            lambda_h: setting.lambda_h,
            nonnegative: setting.nonnegative,
        }
    }

    fn validate(&self) -> Result<(), TheoryError> {
        two_classes(self.classes)?;
        at_least("samples", self.samples, 1, "each class requires a sample")?;
        some_dimension(self.dim)?;
        positive("lambda_w", self.lambda_w)?;
        positive("lambda_h", self.lambda_h)
    }

    /// The class of each column of $H$.
    pub fn labels(&self) -> Vec<u32> {
        (0..self.classes as u32)
            .flat_map(|k| std::iter::repeat_n(k, self.samples))
            .collect()
    }
}

/// Value of the layer-peeled objective and its gradients with respect to $W$ and $H$.
///
/// $$\nabla_W = G^\top H^\top + 2\lambda_W W, \qquad
///   \nabla_H = W^\top G^\top + \tfrac{2\lambda_H}{Nn} H$$
///
/// where $G$ is the gradient of the mean loss with respect to the (N n, N) logits. Source: Nguyen
/// et al., ICLR 2023.
///
/// # Shapes
/// $W$ is (N, P), and $H$ is (P, N n) with columns ordered by class; the gradients have the same
/// shapes. The loss is a mean over samples (for squared error, also over classes).
///
/// # Errors
/// Shapes that do not match the problem, a parameter out of range, an error of the loss.
///
/// # Example
/// ```
/// use memdil_losses::Loss;
/// use memdil_theory::layer_peeled::LpmSetting;
/// use memdil_theory::layer_peeled::numeric::{LpmProblem, objective};
/// use ndarray::Array2;
/// let problem = LpmProblem::new(&LpmSetting::new(2, 0.1, 0.1), 3, 2);
/// let zeros = (Array2::zeros((2, 2)), Array2::zeros((2, 6)));
/// let (value, ..) = objective(&problem, &Loss::CrossEntropy {}, zeros.0.view(), zeros.1.view())?;
/// assert!((value - 2f64.ln()).abs() < 1e-15);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn objective(
    problem: &LpmProblem,
    loss: &Loss,
    weights: ArrayView2<'_, f64>,
    features: ArrayView2<'_, f64>,
) -> Result<(f64, Array2<f64>, Array2<f64>), TheoryError> {
    problem.validate()?;
    let columns = problem.classes * problem.samples;
    for (name, actual, expected) in [
        ("rows of weights", weights.nrows(), problem.classes),
        ("columns of weights", weights.ncols(), problem.dim),
        ("rows of features", features.nrows(), problem.dim),
        ("columns of features", features.ncols(), columns),
    ] {
        if actual != expected {
            return Err(TheoryError::Length {
                name,
                actual,
                expected,
            });
        }
    }
    let logits = features.t().dot(&weights.t());
    let (value, pull) = loss.value_and_gradient(logits.view(), &problem.labels())?;
    let decay_h = problem.lambda_h / columns as f64;
    let square = |a: ArrayView2<'_, f64>| a.iter().map(|v| v * v).sum::<f64>();
    let total = value + problem.lambda_w * square(weights) + decay_h * square(features);
    let in_weights = pull.t().dot(&features.t()) + &weights * (2.0 * problem.lambda_w);
    let in_features = weights.t().dot(&pull.t()) + &features * (2.0 * decay_h);
    Ok((total, in_weights, in_features))
}

/// Minimises the layer-peeled objective from random starting points.
///
/// Uses projected L-BFGS in scaled variables $\tilde W$ and $\tilde H$ with equal weight decay,
/// $W = a \tilde W$ and $H = \sqrt{Nn} \tilde H/a$ with $a = (\lambda_H/\lambda_W)^{1/4}$. For
/// signed features of sufficient dimension, the problem has no spurious local minima. For
/// non-negative features with as many dimensions as classes, the descent may end at a saddle point
/// with zero features for a class: with $N = 30$, $\alpha = 0.1$ and a weight decay of 1e-4, all
/// starting points end 5e-4 above the minimum. Six additional dimensions avoid this for all $N$ up
/// to 40.
///
/// # Errors
/// A parameter out of range, or [`TheoryError::NoConvergence`] if the best result misses the
/// tolerance.
///
/// # Example
/// ```
/// use memdil_losses::Loss;
/// use memdil_theory::layer_peeled::LpmSetting;
/// use memdil_theory::layer_peeled::numeric::{DescentOptions, LpmProblem, minimize};
/// let problem = LpmProblem::new(&LpmSetting::new(3, 1e-2, 1e-2), 2, 4);
/// let found = minimize(&problem, &Loss::LabelRelaxation { alpha: 0.1 }, DescentOptions::default())?;
/// assert!(found.objective < 3f64.ln());
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn minimize(
    problem: &LpmProblem,
    loss: &Loss,
    search: DescentOptions,
) -> Result<LpmMinimum, TheoryError> {
    problem.validate()?;
    at_least(
        "starts",
        search.starts,
        1,
        "the descent requires a starting point",
    )?;
    // Check the parameters of the loss once, so that only overflow can fail during the descent.
    loss.value(Array2::zeros((1, problem.classes)).view(), &[0])?;
    let scaled = Scaled::new(problem);
    let decay = (problem.lambda_w * problem.lambda_h).sqrt();
    let budget = Budget {
        tolerance: search.tolerance * decay,
        max_iterations: search.max_iterations,
        noise: 1e-14,
    };
    let lower = scaled.lower();
    let mut rng = ChaCha8Rng::seed_from_u64(search.seed);
    let mut lowest = Lowest::default();
    for _ in 0..search.starts {
        let mut x = scaled.random_start(&mut rng);
        let eval = |x: &[f64], gradient: &mut [f64]| scaled.evaluate(loss, x, gradient);
        let mut end = lbfgs::minimize(eval, &mut x, &lower, budget);
        end.residual /= decay;
        lowest.offer(end, x);
    }
    let (end, x) = lowest.accept("layer-peeled", search.tolerance)?;
    Ok(describe(problem, end, scaled.unpack(&x)))
}

/// The problem as a function of one vector of scaled variables: $\tilde W$ followed by $\tilde H$,
/// both in row-major order.
struct Scaled<'a> {
    problem: &'a LpmProblem,
    /// Number of columns of $H$.
    columns: usize,
    /// The factor $a$ in $W = a \tilde W$.
    weight_scale: f64,
    /// The factor $\sqrt{Nn}/a$ in $H = \sqrt{Nn} \tilde H/a$.
    feature_scale: f64,
}

impl<'a> Scaled<'a> {
    fn new(problem: &'a LpmProblem) -> Self {
        let columns = problem.classes * problem.samples;
        let weight_scale = (problem.lambda_h / problem.lambda_w).powf(0.25);
        Self {
            problem,
            columns,
            weight_scale,
            feature_scale: (columns as f64).sqrt() / weight_scale,
        }
    }

    /// Number of entries of $\tilde W$, which precede those of $\tilde H$.
    fn split(&self) -> usize {
        self.problem.classes * self.problem.dim
    }

    fn lower(&self) -> Vec<f64> {
        let free = f64::NEG_INFINITY;
        let mut lower = vec![free; self.split() + self.problem.dim * self.columns];
        if self.problem.nonnegative {
            lower[self.split()..].fill(0.0);
        }
        lower
    }

    fn random_start(&self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let mut unit = || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let mut x = vec![0.0; self.split() + self.problem.dim * self.columns];
        let (weights, features) = x.split_at_mut(self.split());
        weights.fill_with(|| 2.0 * unit() - 1.0);
        for value in features {
            *value = if self.problem.nonnegative {
                unit()
            } else {
                2.0 * unit() - 1.0
            };
            *value /= (self.columns as f64).sqrt();
        }
        x
    }

    /// $W$ and $H$.
    fn unpack(&self, x: &[f64]) -> (Array2<f64>, Array2<f64>) {
        let (dim, split) = (self.problem.dim, self.split());
        let weights = Array2::from_shape_fn((self.problem.classes, dim), |(i, j)| {
            x[i * dim + j] * self.weight_scale
        });
        let features = Array2::from_shape_fn((dim, self.columns), |(i, j)| {
            x[split + i * self.columns + j] * self.feature_scale
        });
        (weights, features)
    }

    /// The objective and its gradient.
    fn evaluate(&self, loss: &Loss, x: &[f64], gradient: &mut [f64]) -> f64 {
        let (weights, features) = self.unpack(x);
        // Only overflow can fail here; with an infinite value, the line search reduces the step.
        let Ok((value, in_weights, in_features)) =
            objective(self.problem, loss, weights.view(), features.view())
        else {
            return f64::INFINITY;
        };
        let (weight_part, feature_part) = gradient.split_at_mut(self.split());
        for (g, entry) in weight_part.iter_mut().zip(&in_weights) {
            *g = entry * self.weight_scale;
        }
        for (g, entry) in feature_part.iter_mut().zip(&in_features) {
            *g = entry * self.feature_scale;
        }
        value
    }
}

fn describe(
    problem: &LpmProblem,
    end: Minimum,
    (weights, features): (Array2<f64>, Array2<f64>),
) -> LpmMinimum {
    let n = problem.classes as f64;
    let logits = weights.dot(&features);
    let columns = logits.ncols() as f64;
    let gaps = problem.labels().into_iter().enumerate().map(|(i, k)| {
        let column = logits.column(i);
        (column[k as usize] * n - column.sum()) / (n - 1.0)
    });
    LpmMinimum {
        objective: end.value,
        logit_gap: gaps.sum::<f64>() / columns,
        feature_sq_norm: features.iter().map(|v| v * v).sum::<f64>() / columns,
        weight_row_sq_norm: weights.iter().map(|v| v * v).sum::<f64>() / n,
        weights,
        features,
        residual: end.residual,
        iterations: end.iterations,
    }
}
