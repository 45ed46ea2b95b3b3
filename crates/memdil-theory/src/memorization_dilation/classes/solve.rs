//! Finding the best symmetric configuration.

use super::cloud::Cloud;
use super::objective::{NoiseFree, Symmetric};
use super::outcome::ClassesOutcome;
use crate::error::{TheoryError, at_least};
use crate::margin::{ConvexMargin, MarginLoss};
use crate::memorization_dilation::setting::MdSetting;
use crate::optimizers::lbfgs::{self, Budget, Lowest, Minimum};
use std::f64::consts::SQRT_2;

/// Projected gradient of the log excess that counts as solved.
const ACCEPTED: f64 = 1e-5;
/// Where noisy features may start: their coordinates along $e_k$ and $e_j$ over $b$.
const SHAPES: [(f64, f64); 4] = [(0.0, 1.0), (0.05, 0.5), (0.3, 0.5), (0.7, 0.2)];

/// Solves the $N$-class model among symmetric configurations.
///
/// $h_k = b e_k + c\sum_{l\ne k}e_l$, $u_{kj} = Ae_k+Be_j+D\sum_l e_l$, all coefficients at least 0
/// (signed: $h_k=b(e_k-1/N)$, $u_{kj}=A(e_k-1/N)+B(e_j-1/N)$), $w_k=\omega(e_k-1/N)$ and a tight
/// constraint. The expectation runs over a fixed rank-one lattice on the sphere, good to about 1e-3
/// on $\rho$ for up to ten classes or so. This project's extension of Nguyen et al., ICLR 2023.
///
/// # Errors
/// A parameter out of range; fewer than two classes; `dim` below `classes`; a measure other than
/// the sphere; [`TheoryError::NoConvergence`].
///
/// # Example
/// ```
/// use memdil_theory::memorization_dilation::classes::{ClassesOutcome, solve};
/// use memdil_theory::{LossKind, MarginLoss, MdSetting};
/// let setting = MdSetting::new(1e-4, 1e-4).noise(0.2, 1.0).dim(3);
/// let loss = MarginLoss::new(LossKind::Ls, 0.1)?;
/// let ClassesOutcome::Solved(found) = solve(&setting, &loss, 3)? else { panic!() };
/// assert!((found.rho - 0.1032).abs() < 5e-4);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn solve(
    setting: &MdSetting,
    loss: &MarginLoss,
    classes: usize,
) -> Result<ClassesOutcome, TheoryError> {
    setting.validate_for(classes)?;
    at_least("dim", setting.dim, classes, "N classes need N directions")?;
    let rough = Symmetric::new(setting, loss, classes, Cloud::rough(classes, setting.dim));
    let infimum = rough.infimum();
    if rough.is_collapsed() {
        let risk = infimum + rough.excess_at_zero();
        return Ok(ClassesOutcome::Collapsed { risk });
    }
    let clean = rough.noise_free();
    if setting.eta <= 0.0 {
        let n = classes as f64;
        let centred = if setting.nonnegative {
            1.0
        } else {
            (n - 1.0) / n
        };
        return Ok(ClassesOutcome::NoiseFree {
            risk: infimum + clean.excess,
            separation: clean.size * SQRT_2,
            feature_sq_norm: clean.size * clean.size * centred,
        });
    }
    // A kink needs more radii.
    let radii = if loss.quadrature_nodes() > 64 { 16 } else { 6 };
    let cloud = Cloud::fine(classes, setting.dim, radii);
    let fine = Symmetric::new(setting, loss, classes, cloud);
    let (rough_iterations, valleys) = valleys(&rough, &clean);
    let mut lowest = Lowest::default();
    let (first_value, first) = &valleys[0];
    for (index, (value, x)) in valleys.iter().take(2).enumerate() {
        // The second valley only counts where it is another one and the rough values leave it open.
        if index == 0 || value <= &(first_value + 0.05) && distance(first, x) > 0.05 {
            let mut x = x.clone();
            let end = descend(&fine, &clean, &mut x, 1e-8);
            lowest.offer(end, x);
        }
    }
    lowest.iterations += rough_iterations;
    let (end, x) = lowest.accept("memorization-dilation for N classes", ACCEPTED)?;
    Ok(ClassesOutcome::Solved(fine.describe(&x, &end)))
}

/// The ends of a rough descent from every shape, the lowest first, with the iterations of all.
fn valleys(rough: &Symmetric<'_>, clean: &NoiseFree) -> (usize, Vec<(f64, Vec<f64>)>) {
    let mut iterations = 0;
    let mut valleys = Vec::with_capacity(SHAPES.len());
    for shape in SHAPES {
        let mut x = start(rough, clean, shape);
        let end = descend(rough, clean, &mut x, 1e-3);
        iterations += end.iterations;
        valleys.push((end.value, x));
    }
    valleys.sort_by(|a, b| a.0.total_cmp(&b.0));
    (iterations, valleys)
}

fn descend(symmetric: &Symmetric<'_>, clean: &NoiseFree, x: &mut [f64], tolerance: f64) -> Minimum {
    let budget = Budget {
        tolerance,
        max_iterations: 400,
        // Of the logarithm: the loss's own rounding over the excess, which the excess without noise
        // bounds from below.
        noise: 1e-14 + 1e-15 / clean.excess,
    };
    let eval = |x: &[f64], gradient: &mut [f64]| symmetric.log_excess(x, gradient);
    lbfgs::minimize(eval, x, &symmetric.lower(), budget)
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

/// The best point of a coarse grid of logits and sizes.
fn start(rough: &Symmetric<'_>, clean: &NoiseFree, shape: (f64, f64)) -> Vec<f64> {
    let mut best = (f64::INFINITY, Vec::new());
    let mut unused = [0.0; 6];
    for factor in [0.6, 1.0, 1.6, 2.4] {
        for shrink in 0..10 {
            let size = clean.size.max(1e-8).ln() + 0.4 - 0.9 * f64::from(shrink);
            let x = rough.point((clean.gap.max(0.05) * factor).ln(), size, shape);
            let count = x.len();
            let value = rough.log_excess(&x, &mut unused[..count]);
            if value < best.0 {
                best = (value, x);
            }
        }
    }
    best.1
}
