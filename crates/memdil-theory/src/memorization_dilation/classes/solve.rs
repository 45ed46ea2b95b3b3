//! Minimisation over symmetric configurations.

use super::cloud::Cloud;
use super::objective::{NoiseFree, Symmetric};
use super::outcome::ClassesOutcome;
use crate::error::{TheoryError, at_least};
use crate::margin::{ConvexMargin, MarginLoss};
use crate::memorization_dilation::setting::MdSetting;
use crate::optimizers::lbfgs::{self, Budget, Lowest, Minimum};
use std::f64::consts::SQRT_2;

/// Largest accepted projected gradient of the log excess.
const ACCEPTED: f64 = 1e-5;
/// Starting points of noisy features: coordinates along $e_k$ and $e_j$, divided by $b$.
const SHAPES: [(f64, f64); 4] = [(0.0, 1.0), (0.05, 0.5), (0.3, 0.5), (0.7, 0.2)];

/// Solves the $N$-class model among symmetric configurations.
///
/// These have the form $h_k = b e_k + c\sum_{l\ne k}e_l$ and
/// $u_{kj} = Ae_k+Be_j+D\sum_{l\ne k,j}e_l$ with coefficients of at least 0 (for signed features:
/// $h_k=b(e_k-1/N)$ and $u_{kj}=A(e_k-1/N)+B(e_j-1/N)$), with $w_k=\omega(e_k-1/N)$ and a tight
/// constraint. Expectations are computed with a fixed rank-one lattice on the sphere, which gives
/// an error of about 1e-3 in $\rho$ for up to about ten classes. This is an extension of Nguyen et
/// al., ICLR 2023, developed in this project.
///
/// # Errors
/// A parameter out of range, fewer than two classes, `dim` below `classes`, a measure other than
/// the sphere, [`TheoryError::NoConvergence`].
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
    at_least(
        "dim",
        setting.dim,
        classes,
        "N classes require N dimensions",
    )?;
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
    // A loss with a kink requires more radii.
    let radii = if loss.quadrature_nodes() > 64 { 16 } else { 6 };
    let cloud = Cloud::fine(classes, setting.dim, radii);
    let fine = Symmetric::new(setting, loss, classes, cloud);
    let (rough_iterations, valleys) = valleys(&rough, &clean);
    let mut lowest = Lowest::default();
    let (first_value, first) = &valleys[0];
    for (index, (value, x)) in valleys.iter().take(2).enumerate() {
        // The second valley is only explored if it differs from the first and their rough values
        // are close.
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

/// The results of a rough descent from each starting shape, lowest first, and the total number of
/// iterations.
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
        // Rounding error of the logarithm: that of the loss divided by the excess, for which the
        // excess without noise is a lower bound.
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

/// The best point of a coarse grid over logits and sizes.
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
