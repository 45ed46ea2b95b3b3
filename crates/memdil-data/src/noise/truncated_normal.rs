//! The normal distribution truncated to [0, 1], with a given mean.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Steps of a bisection that ends at adjacent numbers, or nearly so.
const STEPS: usize = 200;

/// From here on, ratios of tails are computed from ratios of densities: the tails themselves
/// underflow later.
const FAR: f64 = 8.0;

/// Steps of a bisection in [0, 1] with an absolute error of 2^-60.
const STEPS_IN_UNIT: usize = 60;

/// A normal distribution of standard deviation `std` before truncation to [0, 1], whose location is
/// such that the mean after truncation has a given value.
///
/// Truncation moves the mean away from the location, which may be far outside of [0, 1]. All
/// formulas therefore use differences and ratios that do not cancel or underflow.
#[derive(Debug, Clone, Copy)]
pub(super) struct TruncatedNormal {
    /// The lower end 0 in standard deviations from the location; infinite if all mass is at 0.
    alpha: f64,
    std: f64,
    /// Whether the distribution is that of 1 - x instead of x. Means above 1/2 are mirrored, so
    /// that the location of the stored distribution is at most 1/2.
    mirrored: bool,
}

impl TruncatedNormal {
    /// Solves for the location; `mean` is in [0, 1] and `std` in (0, 1].
    pub(super) fn with_mean(mean: f64, std: f64) -> Self {
        let mirrored = mean > 0.5;
        let mean = if mirrored { 1.0 - mean } else { mean };
        let at = |alpha| Self {
            alpha,
            std,
            mirrored: false,
        };
        // The mean decreases from 1/2 as alpha grows, and is below std / alpha.
        let (mut low, mut high) = (-0.5 / std, std / mean);
        for _ in 0..STEPS {
            let middle = 0.5 * (low + high);
            if at(middle).unmirrored_mean() > mean {
                low = middle;
            } else {
                high = middle;
            }
        }
        Self {
            mirrored,
            ..at(high)
        }
    }

    fn unmirrored_mean(&self) -> f64 {
        let Self { alpha, std, .. } = *self;
        let width = 1.0 / std;
        if alpha.is_infinite() {
            return 0.0;
        }
        if alpha <= 0.0 {
            let beta = alpha + width;
            let mass = upper_tail(alpha) - upper_tail(beta);
            return std * ((density(alpha) - density(beta)) / mass - alpha);
        }
        // Both the numerator and the denominator are divided by the upper tail at alpha.
        let rest = self.tail_ratio(width);
        let beyond = excess(alpha + width) + width;
        std * (excess(alpha) - rest * beyond) / (1.0 - rest)
    }

    /// The probability of a number of at most x, for x in [0, 1].
    fn probability_up_to(&self, x: f64) -> f64 {
        match self.mirrored {
            true => 1.0 - self.unmirrored_probability(1.0 - x),
            false => self.unmirrored_probability(x),
        }
    }

    fn unmirrored_probability(&self, x: f64) -> f64 {
        if self.alpha.is_infinite() {
            return 1.0;
        }
        (1.0 - self.tail_ratio(x / self.std)) / (1.0 - self.tail_ratio(1.0 / self.std))
    }

    /// The upper tail at alpha + `step` divided by that at alpha.
    fn tail_ratio(&self, step: f64) -> f64 {
        let alpha = self.alpha;
        let end = alpha + step;
        if alpha < FAR {
            return upper_tail(end) / upper_tail(alpha);
        }
        let densities = libm::exp(-0.5 * step * (2.0 * alpha + step));
        densities * (alpha + excess(alpha)) / (end + excess(end))
    }

    /// The quantile of `v` in (0, 1], with an absolute error of about $10^{-16}$.
    pub(super) fn quantile(&self, v: f64) -> f64 {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..STEPS_IN_UNIT {
            let middle = 0.5 * (low + high);
            if self.is_below_quantile(middle, v) {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Whether x is below the quantile of `v` in (0, 1].
    pub(super) fn is_below_quantile(&self, x: f64, v: f64) -> bool {
        self.probability_up_to(x) < v
    }
}

/// The standard normal density.
fn density(t: f64) -> f64 {
    libm::exp(-0.5 * t * t) / (2.0 * PI).sqrt()
}

/// The probability that a standard normal number exceeds t.
fn upper_tail(t: f64) -> f64 {
    0.5 * libm::erfc(t * FRAC_1_SQRT_2)
}

/// The density divided by the upper tail, minus t; for t above 0.
///
/// For large t, the difference cancels, and Laplace's continued fraction 1 / (t + 2 / (t + 3 / (t +
/// ...))) is evaluated instead.
fn excess(t: f64) -> f64 {
    if t < 3.0 {
        return density(t) / upper_tail(t) - t;
    }
    // Enough for an error of about 10^-16; fewer are needed as t grows.
    let terms = 10 + (600.0 / (t * t)) as u32;
    (1..=terms)
        .rev()
        .fold(0.0, |rest, k| f64::from(k) / (t + rest))
}

#[cfg(test)]
mod tests;
