//! Global minimisation of the reduced problem.

use super::collapse::{decay_slope, is_collapsed, noise_free};
use super::coordinates::{in_margins, in_ratios, stretched};
use super::reduced::Reduced;
use super::setting::MdSetting;
use super::solution::{MdOutcome, MdSolution, Plane};
use super::starts::starts;
use crate::error::TheoryError;
use crate::jumps::{JumpDilation, Jumps};
use crate::margin::ConvexMargin;
use crate::measure::FeatureMeasure;
use crate::optimizers::newton::{self, NewtonEnd};

/// Tolerance of Newton's method for the projected gradient of the log excess.
const TOLERANCE: f64 = 1e-10;
/// The same for jumps, whose risk hardly depends on the clean margin at small decay.
const JUMP_TOLERANCE: f64 = 1e-13;
/// Largest accepted projected gradient of the log excess.
const ACCEPTED: f64 = 1e-6;
/// Factor between the weight decays of the continuation from large to small decay.
const CONTINUATION: f64 = 10.0;
/// Valleys whose log excesses differ by less than this cannot be ranked reliably with few nodes.
const OPEN: f64 = 0.1;
const MAX_ITERATIONS: usize = 200;
/// Number of quadrature nodes for the grid of starting points, which only requires rough values.
const SCAN_NODES: usize = 16;
/// Tolerance of the descent with a quarter of the nodes.
const ROUGH_TOLERANCE: f64 = 1e-3;

/// Solves the memorization-dilation model for any convex margin loss.
///
/// Finds the global minimum of [`Reduced`] with a projected Newton method for log(risk - infimum),
/// from several families of starting points. Total collapse is decided by a formula: all features
/// are zero if and only if $l^\prime(0)^2(1+\eta) \le 2\lambda_W\lambda_H$ (for signed features,
/// $\lambda_W\lambda_H$), because dilation is of higher order at zero. The model is from Nguyen et
/// al., ICLR 2023; the reduction and the threshold were derived in this project.
///
/// # Errors
/// A parameter out of range, or [`TheoryError::NoConvergence`].
///
/// # Example
/// Relative to the distance between the classes, label smoothing memorises as much as cross-entropy
/// but dilates less:
/// ```
/// use memdil_theory::{LossKind, MarginLoss, MdSetting, memorization_dilation::solve};
/// let setting = MdSetting::new(1e-5, 1e-5).noise(0.1, 0.5);
/// let ce = solve(&setting, &MarginLoss::cross_entropy())?.rho().unwrap();
/// let ls = solve(&setting, &MarginLoss::new(LossKind::Ls, 0.1)?)?.rho().unwrap();
/// assert!((ce - 0.3018).abs() < 1e-4);
/// assert!((ls - 0.0533).abs() < 1e-4);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn solve<L: ConvexMargin + ?Sized>(
    setting: &MdSetting,
    loss: &L,
) -> Result<MdOutcome, TheoryError> {
    solve_near(setting, loss, &[])
}

/// Same as [`solve`], with the solutions of neighbouring problems as additional starting points.
///
/// # Errors
/// Same as [`solve`].
pub fn solve_near<L: ConvexMargin + ?Sized>(
    setting: &MdSetting,
    loss: &L,
    neighbours: &[MdSolution],
) -> Result<MdOutcome, TheoryError> {
    setting.validate()?;
    let infimum = 2.0 * (1.0 + setting.eta) * loss.infimum();
    if is_collapsed(setting, loss) {
        let risk = infimum + 2.0 * (1.0 + setting.eta) * loss.derivatives(0.0)[0];
        return Ok(MdOutcome::Collapsed { risk });
    }
    if setting.eta <= 0.0 {
        let (logit, d) = noise_free(setting, loss);
        return Ok(MdOutcome::NoiseFree {
            risk: infimum + 2.0 * (loss.derivatives(logit)[0] + logit * decay_slope(setting)),
            separation: 2.0 * d,
            logit_clean: logit,
        });
    }
    // Valleys are compared with a quarter of the nodes; then only the lowest two are minimised (four for jumps).
    let rough = Reduced::with_nodes(setting, loss, loss.quadrature_nodes().div_ceil(4));
    let mut iterations = 0;
    let mut valleys: Vec<NewtonEnd<5>> = Vec::new();
    let known = neighbours.iter().map(|s| s.point);
    let scan = Reduced::with_nodes(setting, loss, SCAN_NODES);
    for start in known.chain(starts(setting, loss, &scan)) {
        let end = descend(&rough, setting, start, ROUGH_TOLERANCE);
        iterations += end.iterations;
        let near = |v: &NewtonEnd<5>| (0..5).all(|i| (v.point[i] - end.point[i]).abs() < 0.02);
        if !valleys.iter().any(near) {
            valleys.push(end);
        }
    }
    valleys.sort_by(|a, b| a.value.total_cmp(&b.value));
    let problem = Reduced::new(setting, loss);
    let jumps = setting.measure == FeatureMeasure::Jumps;
    let fine = if jumps { JUMP_TOLERANCE } else { TOLERANCE };
    let mut best: Option<NewtonEnd<5>> = None;
    for valley in valleys
        .iter()
        .take(if jumps { 4 } else { 2 })
        .filter(|valley| valley.value < valleys[0].value + OPEN)
    {
        let end = descend(&problem, setting, valley.point, fine);
        iterations += end.iterations;
        if best.is_none_or(|b| better(&end, &b)) {
            best = Some(end);
        }
    }
    let missing = || failure(f64::INFINITY, ACCEPTED, iterations);
    let mut end = best
        .filter(|end| end.value.is_finite())
        .ok_or_else(missing)?;
    // At tiny weight decay, a loss with a kink is difficult to minimise directly. Start from the
    // solution for a larger decay instead.
    let relaxed = setting.weight_decay(
        setting.lambda_w * CONTINUATION,
        setting.lambda_h * CONTINUATION,
    );
    if end.residual > tolerance(&end)
        && relaxed.lambda_w.max(relaxed.lambda_h) < 1e-3
        && let MdOutcome::Solved(above) = solve_near(&relaxed, loss, &[])?
    {
        end = descend(&problem, setting, above.point, fine);
        iterations += end.iterations + above.iterations;
    }
    if end.residual > tolerance(&end) || !end.value.is_finite() {
        return Err(failure(end.residual, tolerance(&end), iterations));
    }
    Ok(MdOutcome::Solved(describe(
        setting, infimum, &problem, &end, iterations,
    )))
}

/// The accepted residual. Slopes have rounding errors of about 1e-16, which the logarithm divides
/// by the excess.
fn tolerance(end: &NewtonEnd<5>) -> f64 {
    ACCEPTED.max((1e-16 / end.value.exp()).min(1e-4))
}

fn failure(residual: f64, tolerance: f64, iterations: usize) -> TheoryError {
    TheoryError::NoConvergence {
        solver: "memorization-dilation",
        residual,
        tolerance,
        iterations,
    }
}

/// Compares two results by value, or by residual if their values are equal up to rounding.
fn better(a: &NewtonEnd<5>, b: &NewtonEnd<5>) -> bool {
    let noise = 1e-12;
    a.value < b.value - noise || (a.value <= b.value + noise && a.residual < b.residual)
}

pub(crate) fn descend<L: ConvexMargin + ?Sized>(
    problem: &Reduced<'_, L>,
    setting: &MdSetting,
    start: [f64; 5],
    tolerance: f64,
) -> NewtonEnd<5> {
    let free = f64::NEG_INFINITY;
    let (lower, frozen) = if setting.nonnegative {
        ([free, free, 0.0, 0.0, 0.0], [false; 5])
    } else {
        ([free; 5], [false, false, false, true, true])
    };
    if setting.measure == FeatureMeasure::Jumps {
        let mut lower = lower;
        lower[0] = f64::MIN_POSITIVE;
        let eval = |w: &[f64; 5]| problem.log_excess_of_margins(w);
        let start = in_margins(&start);
        let mut end = newton::minimize(eval, start, &lower, &frozen, tolerance, MAX_ITERATIONS);
        end.point = in_ratios(&end.point);
        return end;
    }
    // Larger ratios of noisy to class features are optimised on a logarithmic scale.
    const FAR: f64 = 8.0;
    if start[2..].iter().any(|ratio| ratio.abs() > FAR) {
        let [log_a, log_d, xi, mu, m] = start;
        let w = [log_a, log_d, xi.asinh(), mu.asinh(), m.asinh()];
        let eval = |w: &[f64; 5]| problem.log_excess_stretched(w);
        let mut end = newton::minimize(eval, w, &lower, &frozen, tolerance, MAX_ITERATIONS);
        end.point = stretched(&end.point);
        end
    } else {
        let eval = |v: &[f64; 5]| problem.log_excess(v);
        newton::minimize(eval, start, &lower, &frozen, tolerance, MAX_ITERATIONS)
    }
}

fn describe<L: ConvexMargin + ?Sized>(
    setting: &MdSetting,
    infimum: f64,
    problem: &Reduced<'_, L>,
    end: &NewtonEnd<5>,
    iterations: usize,
) -> MdSolution {
    let y = problem.natural(&end.point);
    let (logit, d) = (y[0].exp(), y[1].exp());
    let plane = Plane {
        omega: logit / d,
        d,
        m: y[4] * d,
        xi: y[2] * d,
        mu: y[3] * d,
    };
    let separation = 2.0 * d;
    let memorization = (d + plane.xi).hypot(plane.m - plane.mu);
    let relative = setting.eta * memorization / setting.c_md;
    let (radius, rho, nc1, jumps) = match setting.measure.margin_variance(setting.dim) {
        Some(variance) => {
            let nc1 = 2.0 * variance * relative * relative;
            (relative * separation, relative, nc1, None)
        }
        None => {
            let found = JumpDilation::new(Jumps::of_valid(2.0 * relative), y[2], y[4], y[3]);
            let radius = found.rho * found.shrink.abs() * separation;
            (radius, found.rho, found.nc1, Some(found))
        }
    };
    // The dose of jumps follows from the memorization, so their constraint always holds.
    let allowed = setting.c_md * radius / separation;
    let constraint_residual = match jumps {
        Some(_) => 0.0,
        None => (setting.eta * memorization / allowed - 1.0).abs(),
    };
    let excess = end.value.exp();
    MdSolution {
        risk: infimum + excess,
        radius,
        separation,
        rho,
        nc1,
        jumps,
        memorization,
        logit_clean: logit,
        logit_noisy: plane.omega * plane.xi,
        constraint_residual,
        stationarity: end.residual,
        iterations,
        excess,
        plane,
        point: end.point,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::margin::{LossKind, MarginLoss};
    use crate::measure::FeatureMeasure;

    /// A simple random generator for starting points.
    struct Scatter(u64);

    impl Scatter {
        fn unit(&mut self) -> f64 {
            self.0 = self
                .0
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (self.0 >> 11) as f64 / (1u64 << 53) as f64
        }

        fn between(&mut self, low: f64, high: f64) -> f64 {
            low + (high - low) * self.unit()
        }
    }

    #[test]
    fn random_starting_points_do_not_give_lower_minima() {
        let symmetric = [
            FeatureMeasure::Sphere,
            FeatureMeasure::Ball,
            FeatureMeasure::TwoPoint,
            FeatureMeasure::Gaussian,
        ];
        check_minima(&symmetric, 60);
    }

    #[test]
    fn random_starting_points_do_not_give_lower_minima_with_jumps() {
        check_minima(&[FeatureMeasure::Jumps], 400);
    }

    fn check_minima(measures: &[FeatureMeasure], cases: usize) {
        let mut scatter = Scatter(7);
        for case in 0..cases {
            let kind = [LossKind::Ce, LossKind::Ls, LossKind::Lr][case % 3];
            let alpha = if kind == LossKind::Ce {
                0.0
            } else {
                scatter.between(0.01, 0.4)
            };
            let loss = MarginLoss::new(kind, alpha).unwrap();
            let setting = MdSetting::new(
                10f64.powf(scatter.between(-8.0, -0.7)),
                10f64.powf(scatter.between(-8.0, -0.7)),
            )
            .noise(
                scatter.between(0.01, 0.9),
                10f64.powf(scatter.between(-1.5, 1.5)),
            )
            .measure(measures[case % measures.len()])
            .dim(2 + case % 7)
            .nonnegative(case % 5 != 0);
            let MdOutcome::Solved(solution) = solve(&setting, &loss).unwrap() else {
                continue;
            };
            assert!(solution.constraint_residual < 1e-12 && solution.stationarity < 1e-8);
            let problem = Reduced::new(&setting, &loss);
            let (logit, d) = (solution.logit_clean.ln(), solution.plane.d.ln());
            for _ in 0..8 {
                let mut start = [
                    logit + scatter.between(-2.0, 1.5),
                    d + scatter.between(-3.0, 3.0),
                    scatter.between(0.0, 2.5),
                    scatter.between(0.0, 2.0),
                    scatter.between(0.0, 0.5),
                ];
                if !setting.nonnegative {
                    start = [start[0], start[1], start[2] - start[3], 0.0, 0.0];
                }
                let end = descend(&problem, &setting, start, 1e-9);
                let gain = solution.excess.ln() - end.value;
                assert!(gain < 1e-9, "{setting:?} {loss:?} {:?} {gain:e}", end.point);
            }
        }
    }
}
