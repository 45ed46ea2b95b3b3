//! A fixed quadrature rule for functions of the first coordinates of a point on the sphere.

use crate::quadrature::eigen_tridiagonal;

/// Weighted points for the first $N$ coordinates of a uniform point on the unit sphere in $R^P$.
/// Each point represents itself and its mirror image.
///
/// Directions come from a rank-one Korobov lattice mapped to Gaussians (Box & Muller 1958) and
/// normalised. For $P > N$ the squared length of the first $N$ coordinates has the distribution
/// $\mathrm{Beta}(N/2, (P-N)/2)$ and is integrated by the corresponding Gauss rule.
pub(super) struct Cloud {
    pub(super) classes: usize,
    /// The points in sequence, with `classes` coordinates each.
    pub(super) coordinates: Vec<f64>,
    pub(super) weights: Vec<f64>,
}

impl Cloud {
    /// A fine rule for results, with `radii` lengths per direction if $P > N$.
    pub(super) fn fine(classes: usize, dim: usize, radii: usize) -> Self {
        // The generator is the best of 70 random generators by the mean square error of the lattice
        // in eleven dimensions (the criterion P2 with product weights).
        Self::new(classes, dim, 8191, 3870, radii)
    }

    /// A rough rule to distinguish valleys of the risk.
    pub(super) fn rough(classes: usize, dim: usize) -> Self {
        Self::new(classes, dim, 251, 105, 2)
    }

    fn new(classes: usize, dim: usize, count: u64, generator: u64, radii: usize) -> Self {
        let radial = if dim == classes {
            vec![(1.0, 1.0)]
        } else {
            beta_rule(radii, 0.5 * classes as f64, 0.5 * (dim - classes) as f64)
        };
        let mut coordinates = Vec::with_capacity(count as usize * classes * radial.len());
        let mut weights = Vec::with_capacity(count as usize * radial.len());
        let mut direction = vec![0.0; classes.next_multiple_of(2)];
        for i in 0..count {
            let mut step = i;
            let mut uniform = || {
                // The offset of half a step avoids 0, whose logarithm is infinite.
                let u = (step as f64 + 0.5) / count as f64;
                step = step * generator % count;
                u
            };
            for pair in direction.chunks_exact_mut(2) {
                let radius = (-2.0 * uniform().ln()).sqrt();
                let (sin, cos) = (std::f64::consts::TAU * uniform()).sin_cos();
                (pair[0], pair[1]) = (radius * cos, radius * sin);
            }
            let kept = &direction[..classes];
            let length = kept.iter().map(|v| v * v).sum::<f64>().sqrt();
            for (squared, weight) in &radial {
                coordinates.extend(kept.iter().map(|v| v / length * squared.sqrt()));
                weights.push(weight / count as f64);
            }
        }
        Self {
            classes,
            coordinates,
            weights,
        }
    }

    pub(super) fn points(&self) -> impl Iterator<Item = (&[f64], f64)> {
        self.coordinates
            .chunks_exact(self.classes)
            .zip(self.weights.iter().copied())
    }
}

/// Gauss rule for the Beta distribution on (0, 1), from the recurrence of the Jacobi polynomials.
fn beta_rule(count: usize, first: f64, second: f64) -> Vec<(f64, f64)> {
    let (a, b) = (second - 1.0, first - 1.0);
    let s = a + b;
    let diagonal = (0..count).map(|k| {
        let d = 2.0 * k as f64 + s;
        if k == 0 {
            (b - a) / (s + 2.0)
        } else {
            (b * b - a * a) / (d * (d + 2.0))
        }
    });
    let couplings = (1..count).map(|k| {
        let k = k as f64;
        let d = 2.0 * k + s;
        // (k + s)/(d - 1) is 0/0 for k = 1 and s = -1.
        let quotient = if k < 1.5 { 1.0 } else { (k + s) / (d - 1.0) };
        (4.0 * k * (k + a) * (k + b) * quotient / (d * d * (d + 1.0))).sqrt()
    });
    eigen_tridiagonal(diagonal.collect(), couplings.collect())
        .into_iter()
        .map(|(x, weight)| (0.5 * (1.0 + x), weight))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beta_rule_has_the_moments_of_the_beta_distribution() {
        for (a, b) in [(1.5, 0.5), (1.0, 1.0), (0.5, 0.5), (5.0, 20.0)] {
            let rule = beta_rule(6, a, b);
            let mut exact = 1.0;
            for power in 0..8 {
                let moment: f64 = rule.iter().map(|(x, w)| w * x.powi(power)).sum();
                assert!((moment / exact - 1.0).abs() < 1e-11, "{a} {b} {power}");
                exact *= (a + f64::from(power)) / (a + b + f64::from(power));
            }
        }
    }

    #[test]
    fn rule_has_the_moments_of_the_sphere() {
        for (classes, dim) in [(2, 2), (3, 3), (3, 10), (4, 4), (5, 5), (10, 10), (10, 30)] {
            let p = dim as f64;
            let cloud = Cloud::fine(classes, dim, 6);
            let mean = |f: &dyn Fn(&[f64]) -> f64| -> f64 {
                cloud.points().map(|(t, weight)| weight * f(t)).sum()
            };
            assert!((mean(&|_| 1.0) - 1.0).abs() < 1e-12);
            for i in 0..classes {
                let j = (i + 1) % classes;
                let second = mean(&|t| t[i] * t[i]) * p;
                assert!((second - 1.0).abs() < 5e-3, "{classes} {dim} {i} {second}");
                let mixed = mean(&|t| t[i] * t[j]) * p;
                assert!(mixed.abs() < 5e-3, "{classes} {dim} {i} {mixed}");
                let fourth = mean(&|t| t[i].powi(4)) * p * (p + 2.0) / 3.0;
                assert!((fourth - 1.0).abs() < 2e-2, "{classes} {dim} {i} {fourth}");
            }
        }
    }
}
