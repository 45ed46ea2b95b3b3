//! L-BFGS for slices of variables with lower bounds.

use crate::error::TheoryError;
use std::collections::VecDeque;

/// Stopping criteria of a minimisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Stop if the largest entry of the projected gradient is at most this.
    pub tolerance: f64,
    /// Stop after this many iterations.
    pub max_iterations: usize,
    /// Rounding error of the function value. If the expected decrease is not larger, a step must
    /// reduce the gradient instead.
    pub noise: f64,
}

/// The result of a minimisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Minimum {
    /// Final function value.
    pub value: f64,
    /// Largest entry of the final projected gradient,
    /// $\max_i |x_i - \max(x_i - g_i, \mathrm{lower}_i)|$.
    pub residual: f64,
    /// Number of iterations.
    pub iterations: usize,
}

/// The lowest of several minima, with its position.
#[derive(Default)]
pub(crate) struct Lowest<P> {
    best: Option<(Minimum, P)>,
    pub(crate) iterations: usize,
}

impl<P> Lowest<P> {
    /// Adds a minimum. The first of equal minima is kept.
    pub(crate) fn offer(&mut self, end: Minimum, point: P) {
        self.iterations += end.iterations;
        if self.best.as_ref().is_none_or(|(b, _)| end.value < b.value) {
            self.best = Some((end, point));
        }
    }

    /// Returns the lowest minimum, with the total number of iterations.
    ///
    /// # Errors
    /// [`TheoryError::NoConvergence`] if its residual exceeds the tolerance.
    pub(crate) fn accept(
        self,
        solver: &'static str,
        tolerance: f64,
    ) -> Result<(Minimum, P), TheoryError> {
        let iterations = self.iterations;
        match self.best {
            Some((end, point)) if end.residual <= tolerance => {
                Ok((Minimum { iterations, ..end }, point))
            }
            end => Err(TheoryError::NoConvergence {
                solver,
                residual: end.map_or(f64::INFINITY, |(end, _)| end.residual),
                tolerance,
                iterations,
            }),
        }
    }
}

/// Number of correction pairs.
const MEMORY: usize = 12;
/// Maximum number of step lengths, each 0.4 times the previous length.
const LENGTHS: usize = 40;

/// Minimises a smooth function over $x \ge$ `lower`, overwriting `x`.
///
/// `eval` returns the value and writes the gradient. In each iteration, coordinates at their bound
/// whose descent direction points outwards are kept fixed. The others are moved along the projected
/// two-loop direction (Nocedal 1980) with a backtracking line search. The minimisation stops at the
/// tolerance, at the iteration limit, or if no step decreases the value; check
/// [`Minimum::residual`] for convergence.
///
/// # Example
/// ```
/// use memdil_theory::lbfgs::{Budget, minimize};
/// let mut x = [3.0, 3.0];
/// let budget = Budget { tolerance: 1e-10, max_iterations: 100, noise: 1e-15 };
/// let end = minimize(
///     |x, g| {
///         g.copy_from_slice(&[2.0 * (x[0] - 1.0), 20.0 * (x[1] + 1.0)]);
///         (x[0] - 1.0).powi(2) + 10.0 * (x[1] + 1.0).powi(2)
///     },
///     &mut x,
///     &[f64::NEG_INFINITY, 0.0],
///     budget,
/// );
/// assert!((x[0] - 1.0).abs() < 1e-9 && x[1] == 0.0 && end.residual <= 1e-10);
/// ```
pub fn minimize(
    mut eval: impl FnMut(&[f64], &mut [f64]) -> f64,
    x: &mut [f64],
    lower: &[f64],
    budget: Budget,
) -> Minimum {
    let n = x.len();
    for (value, bound) in x.iter_mut().zip(lower) {
        *value = value.max(*bound);
    }
    let mut gradient = vec![0.0; n];
    let mut value = eval(x, &mut gradient);
    let mut next = vec![0.0; n];
    let mut next_gradient = vec![0.0; n];
    let mut pairs = Pairs::with_capacity(MEMORY);
    let mut iterations = 0;
    let mut error = residual(x, &gradient, lower);
    while error > budget.tolerance && iterations < budget.max_iterations {
        iterations += 1;
        let free: Vec<bool> = (0..n)
            .map(|i| !(x[i] <= lower[i] && gradient[i] > 0.0))
            .collect();
        let mut direction = two_loop(&gradient, &free, &pairs);
        let slope: f64 = dot(&direction, &gradient);
        if slope >= 0.0 || !slope.is_finite() {
            pairs.clear();
            direction = two_loop(&gradient, &free, &pairs);
        }
        // Without curvature information, the step length is limited, because the scale of the
        // gradient is arbitrary.
        let mut step = 1.0;
        if pairs.is_empty() {
            step = (1.0 / dot(&direction, &direction).sqrt()).min(1.0);
        }
        let mut accepted = false;
        for _ in 0..LENGTHS {
            let mut promised = 0.0;
            for i in 0..n {
                next[i] = (x[i] + step * direction[i]).max(lower[i]);
                promised += gradient[i] * (next[i] - x[i]);
            }
            let there = eval(&next, &mut next_gradient);
            let descends = there <= value + 1e-4 * promised;
            let polishes = promised.abs() <= 4.0 * budget.noise
                && there <= value + budget.noise
                && residual(&next, &next_gradient, lower) < error;
            if promised < 0.0 && (descends || polishes) {
                value = there;
                accepted = true;
                break;
            }
            step *= 0.4;
        }
        if !accepted {
            if pairs.is_empty() {
                break;
            }
            pairs.clear();
            continue;
        }
        let gradients = difference(&next_gradient, &gradient);
        remember(&mut pairs, difference(&next, x), gradients);
        x.copy_from_slice(&next);
        std::mem::swap(&mut gradient, &mut next_gradient);
        error = residual(x, &gradient, lower);
    }
    Minimum {
        value,
        residual: error,
        iterations,
    }
}

/// Largest entry of the projected gradient.
fn residual(x: &[f64], gradient: &[f64], lower: &[f64]) -> f64 {
    let entries = x.iter().zip(gradient).zip(lower);
    entries
        .map(|((x, g), lo)| (x - (x - g).max(*lo)).abs())
        .fold(0.0, f64::max)
}

/// Steps and the corresponding changes of the gradient, oldest first.
type Pairs = VecDeque<(Vec<f64>, Vec<f64>)>;

/// Stores a pair if its curvature is positive, and removes the oldest pair if the memory is full.
fn remember(pairs: &mut Pairs, s: Vec<f64>, y: Vec<f64>) {
    if dot(&s, &y) > 1e-10 * (dot(&s, &s) * dot(&y, &y)).sqrt() {
        if pairs.len() == MEMORY {
            pairs.pop_front();
        }
        pairs.push_back((s, y));
    }
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// The quasi-Newton direction in the free coordinates.
fn two_loop(gradient: &[f64], free: &[bool], pairs: &Pairs) -> Vec<f64> {
    let masked = |a: &[f64], b: &[f64]| -> f64 {
        a.iter()
            .zip(b)
            .zip(free)
            .filter(|(_, f)| **f)
            .map(|((a, b), _)| a * b)
            .sum()
    };
    let mut direction: Vec<f64> = gradient
        .iter()
        .zip(free)
        .map(|(g, f)| if *f { -g } else { 0.0 })
        .collect();
    let mut kept = Vec::with_capacity(pairs.len());
    for (s, y) in pairs.iter().rev() {
        let curvature = masked(s, y);
        if curvature <= 1e-12 * (masked(s, s) * masked(y, y)).sqrt() {
            continue;
        }
        let a = masked(s, &direction) / curvature;
        add(&mut direction, y, -a, free);
        kept.push((s, y, curvature, a));
    }
    if let Some((_, y, curvature, _)) = kept.first() {
        let scale = curvature / masked(y, y);
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for (s, y, curvature, a) in kept.into_iter().rev() {
        let b = masked(y, &direction) / curvature;
        add(&mut direction, s, a - b, free);
    }
    direction
}

fn add(target: &mut [f64], source: &[f64], factor: f64, free: &[bool]) {
    for ((t, s), f) in target.iter_mut().zip(source).zip(free) {
        if *f {
            *t += factor * s;
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chained Rosenbrock function of 20 variables.
    fn chain(x: &[f64], g: &mut [f64]) -> f64 {
        g.iter_mut().for_each(|v| *v = 0.0);
        let mut value = 0.0;
        for i in 0..x.len() - 1 {
            let gap = x[i + 1] - x[i] * x[i];
            value += 100.0 * gap * gap + (1.0 - x[i]).powi(2);
            g[i] += -400.0 * x[i] * gap - 2.0 * (1.0 - x[i]);
            g[i + 1] += 200.0 * gap;
        }
        value
    }

    #[test]
    fn minimises_the_rosenbrock_function() {
        let mut x = vec![0.3; 20];
        let budget = Budget {
            tolerance: 1e-9,
            max_iterations: 2000,
            noise: 1e-15,
        };
        let end = minimize(chain, &mut x, &[f64::NEG_INFINITY; 20], budget);
        assert!(end.residual < 1e-9 && x.iter().all(|v| (v - 1.0).abs() < 1e-8));
    }

    #[test]
    fn respects_bounds() {
        let mut x = vec![2.0; 20];
        let mut lower = vec![f64::NEG_INFINITY; 20];
        lower[7] = 1.5;
        let budget = Budget {
            tolerance: 1e-9,
            max_iterations: 5000,
            noise: 1e-13,
        };
        let end = minimize(chain, &mut x, &lower, budget);
        assert!(x[7] >= 1.5 && end.residual < 1e-8, "{end:?}");
        // A bound that excludes the value 1 makes the minimum positive.
        assert!(end.value > 1.0);
    }
}
