//! Gauss quadrature rules for the distributions of unseen features.

use crate::measure::FeatureMeasure;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Nodes and weights to compute $E[f(t)]$ for the relative deviation $t$ of a [`FeatureMeasure`].
/// The rule is symmetric about 0, and the weights sum to 1.
///
/// Source: Golub & Welsch 1969 (nodes are eigenvalues of the matrix of recurrence coefficients,
/// weights the squared first entries of its eigenvectors).
///
/// # Example
/// ```
/// use memdil_theory::{FeatureMeasure, GaussRule};
/// let rule = GaussRule::cached(FeatureMeasure::Sphere, 3, 64); // t is uniform on [-1, 1]
/// let mean: f64 = rule.pairs().map(|(t, weight)| weight * t.powi(4)).sum();
/// assert!((mean - 0.2).abs() < 1e-14);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct GaussRule(Vec<(f64, f64)>);

impl GaussRule {
    /// The rule with `nodes` nodes, which is computed on first use and then cached. The two-point
    /// measure always has two nodes, which are exact. For jumps $t$ is uniform on $[-1, 1]$, to
    /// integrate over pieces of the segment.
    pub fn cached(measure: FeatureMeasure, dim: usize, nodes: usize) -> Arc<Self> {
        type Cache = Mutex<HashMap<(FeatureMeasure, usize, usize), Arc<GaussRule>>>;
        static RULES: LazyLock<Cache> = LazyLock::new(Cache::default);
        // Entries are inserted completely or not at all, so a poisoned map is still valid.
        let mut rules = RULES.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = rules
            .entry((measure, dim, nodes))
            .or_insert_with(|| Arc::new(Self::new(measure, dim, nodes)));
        Arc::clone(rule)
    }

    /// Pairs of node and weight, in increasing order of nodes.
    pub fn pairs(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.0.iter().copied()
    }

    fn new(measure: FeatureMeasure, dim: usize, nodes: usize) -> Self {
        let p = dim as f64;
        match measure {
            FeatureMeasure::TwoPoint => Self(vec![(-1.0, 0.5), (1.0, 0.5)]),
            FeatureMeasure::Sphere => Self::gauss(nodes, |k| gegenbauer(k, 0.5 * (p - 3.0))),
            FeatureMeasure::Ball => Self::gauss(nodes, |k| gegenbauer(k, 0.5 * (p - 1.0))),
            FeatureMeasure::Gaussian => Self::gauss(nodes, |k| k / p),
            // Panels of a segment need the uniform distribution, that of the sphere for P = 3.
            FeatureMeasure::Jumps => Self::gauss(nodes, |k| gegenbauer(k, 0.0)),
        }
    }

    /// The Gauss rule of a symmetric measure from its squared recurrence coefficients.
    fn gauss(count: usize, squared: impl Fn(f64) -> f64) -> Self {
        let couplings = (1..count).map(|k| squared(k as f64).sqrt()).collect();
        let mut pairs = eigen_tridiagonal(vec![0.0; count], couplings);
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Restore the symmetry, which is lost by rounding and required for cancellation in
        // gradients.
        let mirrored = pairs.iter().zip(pairs.iter().rev());
        let symmetric =
            mirrored.map(|(here, there)| (0.5 * (here.0 - there.0), 0.5 * (here.1 + there.1)));
        Self(symmetric.collect())
    }
}

/// Squared recurrence coefficient of the weight $(1-t^2)^\beta$.
fn gegenbauer(k: f64, beta: f64) -> f64 {
    if k < 1.5 {
        // The general form is 0/0 here for beta = -1/2.
        return 1.0 / (2.0 * beta + 3.0);
    }
    let s = 2.0 * (k + beta);
    k * (k + 2.0 * beta) / ((s + 1.0) * (s - 1.0))
}

/// Eigenvalues of a symmetric tridiagonal matrix and the squared first entry of each eigenvector,
/// by the QR iteration with Wilkinson shifts.
pub(crate) fn eigen_tridiagonal(mut diagonal: Vec<f64>, couplings: Vec<f64>) -> Vec<(f64, f64)> {
    let n = diagonal.len();
    let mut off = couplings;
    off.push(0.0);
    let mut first = vec![0.0; n];
    first[0] = 1.0;
    let mut end = n - 1;
    while end > 0 {
        let negligible = |i: usize, diagonal: &[f64], off: &[f64]| {
            off[i].abs() <= f64::EPSILON * (diagonal[i].abs() + diagonal[i + 1].abs()) + 1e-300
        };
        if negligible(end - 1, &diagonal, &off) {
            off[end - 1] = 0.0;
            end -= 1;
            continue;
        }
        let mut start = end - 1;
        while start > 0 && !negligible(start - 1, &diagonal, &off) {
            start -= 1;
        }
        let half = 0.5 * (diagonal[end - 1] - diagonal[end]);
        let coupling = off[end - 1];
        let root = half.hypot(coupling);
        let shift = diagonal[end] - coupling * coupling / (half + root.copysign(half));
        let (mut x, mut z) = (diagonal[start] - shift, off[start]);
        for k in start..end {
            // Rotation of rows and columns k and k + 1 that maps (x, z) to (length, 0).
            let length = x.hypot(z);
            let (c, s) = if length > 0.0 {
                (x / length, z / length)
            } else {
                (1.0, 0.0)
            };
            if k > start {
                off[k - 1] = length;
            }
            let (a, b, e) = (diagonal[k], diagonal[k + 1], off[k]);
            diagonal[k] = c * c * a + 2.0 * c * s * e + s * s * b;
            diagonal[k + 1] = s * s * a - 2.0 * c * s * e + c * c * b;
            off[k] = c * s * (b - a) + (c * c - s * s) * e;
            if k + 1 < end {
                x = off[k];
                z = s * off[k + 1];
                off[k + 1] *= c;
            }
            let (u, v) = (first[k], first[k + 1]);
            first[k] = c * u + s * v;
            first[k + 1] = c * v - s * u;
        }
    }
    diagonal
        .into_iter()
        .zip(first.into_iter().map(|v| v * v))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(measure: FeatureMeasure, dim: usize, nodes: usize, power: i32) -> f64 {
        let rule = GaussRule::cached(measure, dim, nodes);
        rule.pairs().map(|(t, w)| w * t.powi(power)).sum()
    }

    #[test]
    fn moments_are_exact() {
        for nodes in [16, 64, 512] {
            for dim in [2, 3, 10, 200] {
                let p = dim as f64;
                for measure in [
                    FeatureMeasure::Sphere,
                    FeatureMeasure::Ball,
                    FeatureMeasure::TwoPoint,
                    FeatureMeasure::Gaussian,
                ] {
                    assert!((moment(measure, dim, nodes, 0) - 1.0).abs() < 1e-12);
                    let variance = measure.margin_variance(dim).unwrap();
                    let error = moment(measure, dim, nodes, 2) / variance - 1.0;
                    assert!(error.abs() < 1e-11, "{measure:?} {dim} {nodes} {error}");
                }
                let fourth = moment(FeatureMeasure::Sphere, dim, nodes, 4) * p * (p + 2.0) / 3.0;
                assert!((fourth - 1.0).abs() < 1e-11);
                let fourth =
                    moment(FeatureMeasure::Ball, dim, nodes, 4) * (p + 2.0) * (p + 4.0) / 3.0;
                assert!((fourth - 1.0).abs() < 1e-11);
                let sixth = moment(FeatureMeasure::Gaussian, dim, nodes, 6) * p.powi(3) / 15.0;
                assert!((sixth - 1.0).abs() < 1e-11);
            }
        }
    }

    #[test]
    fn sphere_in_the_plane_is_the_chebyshev_rule() {
        let rule = GaussRule::cached(FeatureMeasure::Sphere, 2, 64);
        for (i, (t, w)) in rule.pairs().enumerate() {
            let angle = std::f64::consts::PI * (i as f64 + 0.5) / 64.0;
            assert!((t + angle.cos()).abs() < 1e-13);
            assert!((w - 1.0 / 64.0).abs() < 1e-13);
        }
    }
}
