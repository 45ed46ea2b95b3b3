//! Damped Newton method for a few variables with lower bounds.

/// Value, gradient and Hessian at a point.
pub(crate) struct Quadratic<const N: usize> {
    pub(crate) value: f64,
    pub(crate) gradient: [f64; N],
    pub(crate) hessian: [[f64; N]; N],
}

/// The result of a minimisation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewtonEnd<const N: usize> {
    pub(crate) point: [f64; N],
    pub(crate) value: f64,
    /// Largest entry of the projected gradient.
    pub(crate) residual: f64,
    pub(crate) iterations: usize,
}

/// Minimises over `point >= lower` in the coordinates that are not `frozen`.
///
/// Levenberg damping ensures that each step is a descent step of bounded length. Coordinates at
/// their bound whose descent direction points outwards are kept fixed.
pub(crate) fn minimize<const N: usize>(
    mut eval: impl FnMut(&[f64; N]) -> Quadratic<N>,
    start: [f64; N],
    lower: &[f64; N],
    frozen: &[bool; N],
    tolerance: f64,
    max_iterations: usize,
) -> NewtonEnd<N> {
    /// Maximum step length, for coordinates that are approximately logarithmic.
    const REACH: f64 = 2.0;
    let mut x = start;
    let mut at = eval(&x);
    let mut damping = 1e-3;
    let mut iterations = 0;
    let residual = |x: &[f64; N], g: &[f64; N]| -> f64 {
        (0..N)
            .filter(|&i| !frozen[i])
            .map(|i| (x[i] - (x[i] - g[i]).max(lower[i])).abs())
            .fold(0.0, f64::max)
    };
    let mut error = residual(&x, &at.gradient);
    while error > tolerance && iterations < max_iterations && at.value.is_finite() {
        iterations += 1;
        let free: [bool; N] =
            std::array::from_fn(|i| !(frozen[i] || x[i] <= lower[i] && at.gradient[i] > 0.0));
        let Some(mut step) = damped_step(&at, &free, damping) else {
            damping = (damping * 8.0).max(1e-6);
            continue;
        };
        let length = step.iter().fold(0.0f64, |m, s| m.max(s.abs()));
        if length > REACH {
            step.iter_mut().for_each(|s| *s *= REACH / length);
        }
        let next: [f64; N] = std::array::from_fn(|i| (x[i] + step[i]).max(lower[i]));
        let promised: f64 = (0..N).map(|i| at.gradient[i] * (next[i] - x[i])).sum();
        let there = eval(&next);
        let error_there = residual(&next, &there.gradient);
        let noise = 1e-14 * (1.0 + at.value.abs());
        let descends = promised < 0.0 && there.value <= at.value + 1e-4 * promised;
        // If the decrease is below the rounding error, the step must reduce the gradient.
        let polishes = promised > -noise && (there.value - at.value).abs() <= noise;
        if descends || (polishes && error_there < error) {
            (x, at, error) = (next, there, error_there);
            damping = if damping < 1e-9 { 0.0 } else { damping * 0.1 };
        } else if damping > 1e12 {
            break;
        } else {
            damping = (damping * 8.0).max(1e-6);
        }
    }
    NewtonEnd {
        point: x,
        value: at.value,
        residual: error,
        iterations,
    }
}

/// Solves (H + damping) step = -gradient in the free coordinates. `None` if the matrix is not
/// positive definite.
fn damped_step<const N: usize>(
    at: &Quadratic<N>,
    free: &[bool; N],
    damping: f64,
) -> Option<[f64; N]> {
    let mut factor = [[0.0; N]; N];
    let mut step = [0.0; N];
    for i in 0..N {
        if !free[i] {
            factor[i][i] = 1.0;
            continue;
        }
        for j in 0..=i {
            let mut sum = if free[j] { at.hessian[i][j] } else { 0.0 };
            if i == j {
                sum += damping;
            }
            sum -= (0..j).map(|k| factor[i][k] * factor[j][k]).sum::<f64>();
            if i > j {
                factor[i][j] = sum / factor[j][j];
            } else if sum > 1e-13 {
                factor[i][i] = sum.sqrt();
            } else {
                return None;
            }
        }
        let done: f64 = (0..i).map(|k| factor[i][k] * step[k]).sum();
        step[i] = (-at.gradient[i] - done) / factor[i][i];
    }
    for i in (0..N).rev() {
        let done: f64 = (i + 1..N).map(|k| factor[k][i] * step[k]).sum();
        step[i] = (step[i] - done) / factor[i][i];
    }
    Some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_bounded_minimum_of_the_rosenbrock_function() {
        let rosenbrock = |v: &[f64; 2]| {
            let [x, y] = *v;
            let gap = y - x * x;
            Quadratic {
                value: (1.0 - x).powi(2) + 100.0 * gap * gap,
                gradient: [-2.0 * (1.0 - x) - 400.0 * x * gap, 200.0 * gap],
                hessian: [
                    [2.0 - 400.0 * (gap - 2.0 * x * x), -400.0 * x],
                    [-400.0 * x, 200.0],
                ],
            }
        };
        let end = minimize(rosenbrock, [-1.2, 1.0], &[-5.0; 2], &[false; 2], 1e-10, 100);
        assert!(end.residual < 1e-10 && (end.point[0] - 1.0).abs() < 1e-9);
        // With y >= 2 the best x solves 400 x^3 - 798 x - 2 = 0.
        let end = minimize(
            rosenbrock,
            [-1.2, 3.0],
            &[-5.0, 2.0],
            &[false; 2],
            1e-9,
            100,
        );
        let [x, y] = end.point;
        assert!((y - 2.0).abs() < 1e-12 && end.residual < 1e-9);
        assert!((400.0 * x.powi(3) - 798.0 * x - 2.0).abs() < 1e-6);
        let end = minimize(
            rosenbrock,
            [0.5, 9.0],
            &[-5.0; 2],
            &[false, true],
            1e-9,
            100,
        );
        assert!((end.point[1] - 9.0).abs() < 1e-12);
    }
}
