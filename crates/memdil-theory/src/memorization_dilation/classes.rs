//! The model for $N$ classes: this project's extension; two classes give the model of the paper.
//!
//! $u_{kj}$ are the features of noisy samples of true class $k$ labelled $j$, each ordered pair
//! with noise weight $\eta/(N-1)$:
//! $$\min\; \sum_k E_v\big[l(W(h_k+v),k)+\lambda_H\|h_k+v\|^2\big] + \lambda_W\|W\|_F^2 +
//!   \frac{\eta}{N-1}\sum_{k\ne j}\big[l(Wu_{kj},j)+\lambda_H\|u_{kj}\|^2\big]$$
//! $$\text{s.t. for every } k:\quad \frac{\eta}{N-1}\sum_{j\ne k}\|h_k-u_{kj}\|
//!   \le \frac{C_{MD}\,r}{\frac1{N-1}\sum_{j\ne k}\|h_k-h_j\|}.$$
//! Solved among symmetric configurations, $v$ uniform on the sphere of radius $r$ in $R^P$,
//! $P \ge N$.

mod cloud;
mod objective;

use super::MdSetting;
use crate::error::at_least;
use crate::lbfgs::{self, Budget};
use crate::{ConvexMargin, MarginLoss, Measure, TheoryError};
use cloud::Cloud;
use objective::Symmetric;
use serde::Serialize;

/// What came out for $N$ classes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ClassesOutcome {
    /// The general case.
    Solved(ClassesSolution),
    /// `eta` = 0: no memorization, no dilation.
    NoiseFree {
        /// Minimum of the risk.
        risk: f64,
        /// $\|h_k-h_j\|$.
        separation: f64,
        /// $\|h_k\|^2$.
        feature_sq_norm: f64,
    },
    /// All features and weights are 0.
    Collapsed {
        /// The risk at zero.
        risk: f64,
    },
}

/// A symmetric minimiser.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassesSolution {
    /// Minimum of the risk, including the entropy of smoothed targets.
    pub risk: f64,
    /// Dilation $r$.
    pub radius: f64,
    /// $\|h_k-h_j\|$.
    pub separation: f64,
    /// $r/\|h_k-h_j\|$.
    pub rho: f64,
    /// $\|h_k-u_{kj}\|$.
    pub memorization: f64,
    /// $\|h_k\|^2$.
    pub feature_sq_norm: f64,
    /// True minus any other logit of class features.
    pub logit_clean: f64,
    /// Logit of the label minus that of the true class, of noisy features.
    pub logit_noisy: f64,
    /// Relative violation of the constraint.
    pub constraint_residual: f64,
    /// Largest entry of the projected gradient of log(risk - infimum) in scale-free variables.
    pub stationarity: f64,
    /// L-BFGS iterations over all starts.
    pub iterations: usize,
}

/// Loss, setting and outcome as one flat JSON object.
///
/// # Example
/// ```
/// use memdil_theory::memorization_dilation::classes::{ClassesRecord, solve};
/// use memdil_theory::{MarginLoss, MdSetting, Measure};
/// let loss = MarginLoss::cross_entropy();
/// let setting = MdSetting {
///     lambda_w: 5.0, lambda_h: 5.0, eta: 0.1, c_md: 0.5,
///     measure: Measure::Sphere, dim: 3, nonnegative: true,
/// };
/// let record = ClassesRecord::new(loss, setting, 3, solve(&setting, &loss, 3)?);
/// assert!(record.collapsed && record.rho.is_none());
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClassesRecord {
    /// Number of classes.
    pub classes: usize,
    /// The loss, as the keys `loss` and `alpha`.
    #[serde(flatten)]
    pub loss: MarginLoss,
    /// The parameters.
    #[serde(flatten)]
    pub setting: MdSetting,
    /// Whether the optimum is zero.
    pub collapsed: bool,
    /// Minimum of the risk.
    pub risk: f64,
    /// Absent after collapse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub radius: Option<f64>,
    /// 0 after collapse.
    pub separation: f64,
    /// Absent after collapse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rho: Option<f64>,
    /// Absent without noise and after collapse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memorization: Option<f64>,
    /// 0 after collapse.
    pub feature_sq_norm: f64,
    /// Absent without noise and after collapse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraint_residual: Option<f64>,
    /// Absent where a formula was enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<usize>,
}

impl ClassesRecord {
    /// Puts the pieces together.
    pub fn new(
        loss: MarginLoss,
        setting: MdSetting,
        classes: usize,
        outcome: ClassesOutcome,
    ) -> Self {
        let (solution, risk, separation, feature_sq_norm, rho) = match outcome {
            ClassesOutcome::Solved(s) => (
                Some(s),
                s.risk,
                s.separation,
                s.feature_sq_norm,
                Some(s.rho),
            ),
            ClassesOutcome::NoiseFree {
                risk,
                separation,
                feature_sq_norm,
            } => (None, risk, separation, feature_sq_norm, Some(0.0)),
            ClassesOutcome::Collapsed { risk } => (None, risk, 0.0, 0.0, None),
        };
        Self {
            classes,
            loss,
            setting,
            collapsed: rho.is_none(),
            risk,
            radius: rho.map(|rho| rho * separation),
            separation,
            rho,
            memorization: solution.map(|s| s.memorization),
            feature_sq_norm,
            constraint_residual: solution.map(|s| s.constraint_residual),
            iterations: solution.map(|s| s.iterations),
        }
    }
}

pub(crate) fn only_sphere(setting: &MdSetting) -> Result<(), TheoryError> {
    match setting.measure {
        Measure::Sphere => Ok(()),
        _ => Err(TheoryError::Unsupported {
            what: "a measure other than the sphere for N classes",
            advice: "choose sphere, or two classes",
        }),
    }
}

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
/// use memdil_theory::{LossKind, MarginLoss, MdSetting, Measure};
/// let setting = MdSetting {
///     lambda_w: 1e-4, lambda_h: 1e-4, eta: 0.2, c_md: 1.0,
///     measure: Measure::Sphere, dim: 3, nonnegative: true,
/// };
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
    setting.validate()?;
    only_sphere(setting)?;
    at_least(
        "classes",
        classes,
        2,
        "one class has nothing to separate from",
    )?;
    at_least("dim", setting.dim, classes, "N classes need N directions")?;
    let rough = Symmetric::new(setting, loss, classes, Cloud::rough(classes, setting.dim));
    let infimum = rough.infimum();
    if rough.is_collapsed() {
        let risk = infimum + rough.excess_at_zero();
        return Ok(ClassesOutcome::Collapsed { risk });
    }
    // The risk without noise bounds the risk with it from below.
    let (gap, size, excess) = rough.noise_free();
    if setting.eta <= 0.0 {
        let n = classes as f64;
        return Ok(ClassesOutcome::NoiseFree {
            risk: infimum + excess,
            separation: size * std::f64::consts::SQRT_2,
            feature_sq_norm: size
                * size
                * if setting.nonnegative {
                    1.0
                } else {
                    (n - 1.0) / n
                },
        });
    }
    // A kink needs more radii.
    let radii = if loss.quadrature_nodes() > 64 { 16 } else { 6 };
    let problem = Symmetric::new(
        setting,
        loss,
        classes,
        Cloud::fine(classes, setting.dim, radii),
    );
    let lower = problem.lower();
    let descend = |symmetric: &Symmetric<'_>, x: &mut [f64], tolerance: f64| {
        let budget = Budget {
            tolerance,
            max_iterations: 400,
            // Of the logarithm: the loss's own rounding over the excess.
            noise: 1e-14 + 1e-15 / excess,
        };
        lbfgs::minimize(|x, g| symmetric.log_excess(x, g), x, &lower, budget)
    };
    let mut iterations = 0;
    let mut valleys: Vec<(f64, Vec<f64>)> = Vec::with_capacity(SHAPES.len());
    for shape in SHAPES {
        let mut x = start(&rough, gap, size, shape);
        let end = descend(&rough, &mut x, 1e-3);
        iterations += end.iterations;
        valleys.push((end.value, x));
    }
    valleys.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut best: Option<(lbfgs::Minimum, Vec<f64>)> = None;
    for (value, mut x) in valleys.iter().take(2).cloned() {
        // The second valley only counts where it is another one and the rough values leave it open.
        let other = |(_, first): &(f64, Vec<f64>)| distance(first, &x) > 0.05;
        if best.is_some() && (value > valleys[0].0 + 0.05 || !other(&valleys[0])) {
            continue;
        }
        let end = descend(&problem, &mut x, 1e-8);
        iterations += end.iterations;
        if best.as_ref().is_none_or(|(b, _)| end.value < b.value) {
            best = Some((end, x));
        }
    }
    match best {
        Some((end, x)) if end.residual <= ACCEPTED => Ok(ClassesOutcome::Solved(
            problem.describe(&x, &end, iterations),
        )),
        end => Err(TheoryError::NoConvergence {
            solver: "memorization-dilation for N classes",
            residual: end.map_or(f64::INFINITY, |(e, _)| e.residual),
            tolerance: ACCEPTED,
            iterations,
        }),
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

/// The best point of a coarse grid of logits and sizes.
fn start(rough: &Symmetric<'_>, gap: f64, size: f64, shape: (f64, f64)) -> Vec<f64> {
    let mut best = (f64::INFINITY, Vec::new());
    let mut unused = [0.0; 6];
    for factor in [0.6, 1.0, 1.6, 2.4] {
        for shrink in 0..10 {
            let size = size.max(1e-8).ln() + 0.4 - 0.9 * f64::from(shrink);
            let x = rough.point((gap.max(0.05) * factor).ln(), size, shape);
            let count = x.len();
            let value = rough.log_excess(&x, &mut unused[..count]);
            if value < best.0 {
                best = (value, x);
            }
        }
    }
    best.1
}
