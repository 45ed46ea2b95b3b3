//! Unseen features that are displaced with noisy samples.

use crate::error::{TheoryError, not_negative};
use serde::Serialize;

/// The distribution of the displacement of unseen features when a map of bounded slope moves noisy
/// samples.
///
/// A map whose slope is at most $L$ that moves a noisy sample from the class feature $h$ to $u$
/// cannot leave the samples near it at $h$: at a distance $\delta$ from the noisy sample, the
/// displacement is at least $\nu - L\delta$ with $\nu=\lVert h-u \rVert$. With the least
/// displacement, an unseen feature is $h + T(u-h)$, where $T = \max(0, 1 - L\delta/\nu)$. Assume that
/// distances are along one direction. Noisy samples are a random share of all samples, so the
/// distance $\delta$ to the nearest of them has an exponential distribution, and
///
/// $$P(T > t) = 1 - e^{-k(1-t)} \text{ for } t \in [0, 1), \qquad k = 2\eta\nu/C_{MD}$$
///
/// where the dose $k$ is the mean number of noisy samples that can displace a given sample, and
/// $C_{MD} = Ls$ with the mean spacing $s$ of clean samples. To first order in $\eta$ the
/// mean displacement is $\eta\nu^2/C_{MD}$. The paper's model has the radius
/// $\eta\nu\lVert h_1-h_2 \rVert/C_{MD}$, which is the same if noisy samples are memorised
/// completely.
///
/// Source: derived in this project.
///
/// # Example
/// ```
/// use memdil_theory::Jumps;
/// let jumps = Jumps::new(0.2)?;
/// assert!((jumps.moved() - 0.1813).abs() < 1e-4);
/// assert!((jumps.mean() - 0.0937).abs() < 1e-4); // about half of the moved share
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Jumps {
    dose: f64,
}

impl Jumps {
    /// The distribution for the dose $k \ge 0$.
    ///
    /// # Errors
    /// A dose that is negative, infinite or NaN.
    pub fn new(dose: f64) -> Result<Self, TheoryError> {
        not_negative("dose", dose)?;
        Ok(Self { dose })
    }

    pub(crate) const fn of_valid(dose: f64) -> Self {
        Self { dose }
    }

    /// $k$.
    pub const fn dose(self) -> f64 {
        self.dose
    }

    /// Share of unseen samples that are displaced, $1 - e^{-k}$.
    pub fn moved(self) -> f64 {
        self.beyond(0.0)
    }

    /// $P(T > t)$ for `t` in [0, 1].
    pub fn beyond(self, t: f64) -> f64 {
        -(-self.dose * (1.0 - t)).exp_m1()
    }

    /// The mean of $T$.
    pub fn mean(self) -> f64 {
        let k = self.dose;
        if k < SMALL {
            return self.series(|j| 1.0 / (j + 1.0));
        }
        1.0 + (-k).exp_m1() / k
    }

    /// The mean of $T^2$.
    pub fn mean_square(self) -> f64 {
        let k = self.dose;
        if k < SMALL {
            return self.series(|j| 2.0 / ((j + 1.0) * (j + 2.0)));
        }
        1.0 - 2.0 * (k + (-k).exp_m1()) / (k * k)
    }

    /// The variance of $T$.
    pub fn variance(self) -> f64 {
        self.mean_square() - self.mean().powi(2)
    }

    /// $-\sum_j (-k)^j/j!\, c_j$: the moments are $\int (t^p)^\prime (1-e^{-k(1-t)}) dt$, and
    /// $c_j = \int (t^p)^\prime (1-t)^j dt$. Small doses would lose digits otherwise.
    fn series(self, coefficient: impl Fn(f64) -> f64) -> f64 {
        let (mut power, mut sum) = (-1.0, 0.0);
        for j in 1..=16 {
            let j = f64::from(j);
            power *= -self.dose / j;
            sum += power * coefficient(j);
        }
        sum
    }
}

/// Doses below this are computed by a series.
const SMALL: f64 = 0.5;

/// Dilation of two classes whose unseen features are displaced towards each other's noisy samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct JumpDilation {
    /// Share of unseen samples that are displaced.
    pub moved: f64,
    /// Share of unseen samples on the side of the other class.
    pub wrong_side: f64,
    /// Distance of the means of the unseen classes over that of the class features; negative if
    /// the means exchange their sides.
    pub shrink: f64,
    /// Root mean square distance of unseen features from the mean of their class, over the
    /// distance of the means.
    pub rho: f64,
    /// NC1 of the unseen features.
    pub nc1: f64,
}

impl JumpDilation {
    /// The dilation for class features $(\pm 1, m)$ and noisy features $(\mp\xi, \mu)$, where
    /// $x$ is the direction of the classifier.
    pub(crate) fn new(jumps: Jumps, xi: f64, m: f64, mu: f64) -> Self {
        let along = 1.0 + xi;
        let across = m - mu;
        let shrink = 1.0 - jumps.mean() * along;
        let variance = jumps.variance() / (4.0 * shrink * shrink);
        Self {
            moved: jumps.moved(),
            wrong_side: if xi > 0.0 {
                jumps.beyond(1.0 / along)
            } else {
                0.0
            },
            shrink,
            rho: (variance * (along * along + across * across)).sqrt(),
            nc1: 2.0 * variance * along * along,
        }
    }

    /// The dilation if training features collapse completely: noisy samples are at the class
    /// feature of their label.
    ///
    /// ```
    /// use memdil_theory::{JumpDilation, Jumps};
    /// let found = JumpDilation::after_collapse(Jumps::new(0.2)?);
    /// assert!((found.wrong_side - 0.0952).abs() < 1e-4);
    /// assert!((found.nc1 - 2.0 * found.rho.powi(2)).abs() < 1e-15);
    /// # Ok::<(), memdil_theory::TheoryError>(())
    /// ```
    pub fn after_collapse(jumps: Jumps) -> Self {
        Self::new(jumps, 1.0, 0.0, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments by the midpoint rule from the definition.
    #[test]
    fn moments_equal_integrals_of_the_tail() {
        for dose in [1e-6, 0.01, 0.3, 0.499, 0.501, 2.0, 30.0] {
            let jumps = Jumps::new(dose).unwrap();
            let steps = 200_000;
            let integral = |power: i32| {
                let midpoint = |i: i32| (f64::from(i) + 0.5) / f64::from(steps);
                let term = |t: f64| f64::from(power) * t.powi(power - 1) * jumps.beyond(t);
                (0..steps).map(|i| term(midpoint(i))).sum::<f64>() / f64::from(steps)
            };
            assert!((jumps.mean() / integral(1) - 1.0).abs() < 1e-9, "{dose}");
            assert!(
                (jumps.mean_square() / integral(2) - 1.0).abs() < 1e-9,
                "{dose}"
            );
        }
        assert!(Jumps::new(0.0).unwrap().variance().abs() < f64::MIN_POSITIVE);
        assert!(Jumps::new(-0.1).is_err() && Jumps::new(f64::NAN).is_err());
    }

    #[test]
    fn dilation_equals_that_of_simulated_samples() {
        // Quantiles of T: half of the mass at a time on each side of the mean.
        let (dose, xi, m, mu) = (0.7, 0.6, 1.3, 0.9);
        let found = JumpDilation::new(Jumps::new(dose).unwrap(), xi, m, mu);
        let count = 400_000;
        let sample = |i: i32| {
            let u = (f64::from(i) + 0.5) / f64::from(count);
            let t = (1.0 + u.ln() / dose).max(0.0);
            [1.0 - t * (1.0 + xi), m + t * (mu - m)]
        };
        let mean = |f: &dyn Fn([f64; 2]) -> f64| {
            (0..count).map(|i| f(sample(i))).sum::<f64>() / f64::from(count)
        };
        let centre = [mean(&|p| p[0]), mean(&|p| p[1])];
        let along = mean(&|p| (p[0] - centre[0]).powi(2));
        let across = mean(&|p| (p[1] - centre[1]).powi(2));
        let apart = 2.0 * centre[0];
        assert!((found.shrink - centre[0]).abs() < 1e-5);
        assert!((found.rho - (along + across).sqrt() / apart).abs() < 1e-5);
        assert!((found.nc1 - 2.0 * along / (apart * apart)).abs() < 1e-5);
        assert!((found.wrong_side - mean(&|p| f64::from(p[0] < 0.0))).abs() < 1e-4);
    }
}
