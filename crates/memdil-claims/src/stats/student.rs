//! Student's t test, its power, and its smallest detectable effect.

use statrs::distribution::{ChiSquared, Continuous, ContinuousCDF, Normal, StudentsT};

use super::{mean, standard_deviation, wilcoxon_signed_rank};

/// Two-sided p of the hypothesis that the mean of independent normal values is `bound` (Student
/// 1908): $t = (\bar x - b) \sqrt n / s$ with $n - 1$ degrees of freedom.
///
/// If all values are equal up to rounding, $t$ is undefined. Then p is 1 for values equal to the
/// bound, and otherwise the p of the exact signed-rank test, which needs no spread. `None` for
/// fewer than two values.
///
/// ```
/// use memdil_claims::stats::t_test;
///
/// // t = 2 / (1 / sqrt(3)) = 3.4641 with two degrees of freedom.
/// assert!(t_test(&[1.0, 2.0, 3.0], 0.0).is_some_and(|p| (p - 0.0742).abs() < 1e-4));
/// ```
pub fn t_test(values: &[f64], bound: f64) -> Option<f64> {
    let (centre, deviation) = (mean(values)?, standard_deviation(values)?);
    let largest = values
        .iter()
        .fold(bound.abs(), |largest, v| largest.max(v.abs()));
    let rounding = 1e-12 * largest;
    if deviation <= rounding {
        if (centre - bound).abs() <= rounding {
            return Some(1.0);
        }
        let differences: Vec<f64> = values.iter().map(|v| v - bound).collect();
        return wilcoxon_signed_rank(&differences);
    }
    let n = values.len() as f64;
    let t = (centre - bound) * n.sqrt() / deviation;
    let student = StudentsT::new(0.0, 1.0, n - 1.0).ok()?;
    Some((2.0 * student.cdf(-t.abs())).min(1.0))
}

/// Power of the two-sided t test at `level` with `n` values to detect an effect of `effect`
/// standard deviations in the correct direction: $P(T^\prime > t_{n-1, 1-\text{level}/2})$,
/// where $T^\prime$ has the noncentral t distribution with noncentrality $\text{effect} \sqrt n$.
///
/// The noncentral distribution is integrated over the distribution of the sample deviation:
/// $P(T^\prime > c) = \int \Phi(\delta - c \sqrt{v/\nu}) f_{\chi^2_\nu}(v) dv$. `None` for fewer
/// than two values or a level outside (0, 1).
///
/// ```
/// use memdil_claims::stats::power;
///
/// // R: power.t.test(n = 10, delta = 1, type = "one.sample") gives 0.8031 (two tails: 0.80310).
/// assert!(power(10, 1.0, 0.05).is_some_and(|p| (p - 0.8031).abs() < 1e-3));
/// ```
pub fn power(n: usize, effect: f64, level: f64) -> Option<f64> {
    if n < 2 || !(level > 0.0 && level < 1.0) || !effect.is_finite() {
        return None;
    }
    let freedom = (n - 1) as f64;
    let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
    let chi = ChiSquared::new(freedom).ok()?;
    let normal = Normal::new(0.0, 1.0).ok()?;
    let critical = student.inverse_cdf(1.0 - 0.5 * level);
    let shift = effect * (n as f64).sqrt();
    // The substitution v = x^2 keeps the integrand smooth at 0 even for one degree of freedom. The
    // chi-squared distribution has less than 1e-12 of its mass above `upper`.
    let upper = (freedom + 60.0 + 12.0 * freedom.sqrt()).sqrt();
    let integrand = |x: f64| {
        let density = if x > 0.0 {
            2.0 * x * chi.pdf(x * x)
        } else if n == 2 {
            (2.0 / std::f64::consts::PI).sqrt()
        } else {
            0.0
        };
        density * normal.cdf(shift - critical * x / freedom.sqrt())
    };
    Some(simpson(integrand, upper).clamp(0.0, 1.0))
}

fn simpson(f: impl Fn(f64) -> f64, upper: f64) -> f64 {
    const STEPS: usize = 2000;
    let width = upper / STEPS as f64;
    let weight = |i: usize| match i {
        0 | STEPS => 1.0,
        i if i % 2 == 1 => 4.0,
        _ => 2.0,
    };
    (0..=STEPS)
        .map(|i| weight(i) * f(i as f64 * width))
        .sum::<f64>()
        * width
        / 3.0
}

/// The smallest effect, in standard deviations, that the two-sided t test at `level` detects from
/// `n` values with the power `wanted`.
///
/// ```
/// use memdil_claims::stats::detectable_effect;
///
/// // Ten values at the 5% level, 80% power.
/// assert!(detectable_effect(10, 0.05, 0.8).is_some_and(|d| (d - 0.996).abs() < 2e-3));
/// ```
pub fn detectable_effect(n: usize, level: f64, wanted: f64) -> Option<f64> {
    let reaches = |effect: f64| Some(power(n, effect, level)? >= wanted);
    let (mut low, mut high) = (0.0, 1.0);
    while !reaches(high)? {
        (low, high) = (high, 2.0 * high);
        if high > 1e6 {
            return None;
        }
    }
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if reaches(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_agrees_with_a_published_example() {
        // Student's own sleep data: differences of two drugs; R's t.test gives p = 0.002833.
        let differences = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
        let p = t_test(&differences, 0.0).unwrap();
        assert!((p - 0.002_833).abs() < 1e-6, "{p}");
        let shifted: Vec<f64> = differences.iter().map(|d| d + 3.0).collect();
        assert!((t_test(&shifted, 3.0).unwrap() - p).abs() < 1e-12);
    }

    #[test]
    fn values_without_spread_use_the_signed_rank_test() {
        assert_eq!(t_test(&[0.0; 6], 0.0), Some(1.0));
        assert_eq!(t_test(&[1.0; 6], 0.0), Some(0.03125));
        assert_eq!(t_test(&[1.0], 0.0), None);
    }

    #[test]
    fn power_without_an_effect_is_half_the_level() {
        for n in [2, 3, 6, 30] {
            let found = power(n, 0.0, 0.05).unwrap();
            assert!((found - 0.025).abs() < 1e-6, "{n}: {found}");
        }
        assert_eq!(power(1, 1.0, 0.05), None);
    }

    #[test]
    fn power_grows_with_effect_and_values() {
        assert!(power(6, 2.0, 0.05) > power(6, 1.0, 0.05));
        assert!(power(12, 1.0, 0.05) > power(6, 1.0, 0.05));
        assert!(detectable_effect(6, 0.01, 0.8) > detectable_effect(6, 0.05, 0.8));
    }
}
