//! Bootstrap over independent units.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Resamples of [`bootstrap_interval`].
pub const RESAMPLES: usize = 2000;

/// The 95% percentile bootstrap interval of a statistic (Efron 1979) when `units` independent units
/// are drawn with replacement.
///
/// `statistic` gets the drawn units, numbers below `units` that may repeat. Resamples without a
/// value are left out; the generator is seeded with a constant, so the same data give the same
/// interval. `None` for fewer than two units, or when more than half of the resamples have no
/// value.
///
/// ```
/// use memdil_report::stats::bootstrap_interval;
///
/// let values = [1.0, 2.0, 3.0, 4.0];
/// let mean = |drawn: &[usize]| Some(drawn.iter().map(|&unit| values[unit]).sum::<f64>() / 4.0);
/// let [low, high] = bootstrap_interval(4, mean).unwrap_or_default();
/// assert!(1.0 <= low && low < 2.5 && 2.5 < high && high <= 4.0);
/// ```
pub fn bootstrap_interval(
    units: usize,
    statistic: impl Fn(&[usize]) -> Option<f64>,
) -> Option<[f64; 2]> {
    if units < 2 {
        return None;
    }
    let mut rng = ChaCha8Rng::from_seed([7; 32]);
    let mut drawn = vec![0; units];
    let mut values = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        // The upper half of output * units; the bias is below 2^-50 for any number of seeds.
        drawn.fill_with(|| ((u128::from(rng.next_u64()) * units as u128) >> 64) as usize);
        values.extend(statistic(&drawn));
    }
    if values.len() * 2 < RESAMPLES {
        return None;
    }
    values.sort_by(f64::total_cmp);
    Some([quantile(&values, 0.025), quantile(&values, 0.975)])
}

/// The quantile of sorted values, linear between neighbours.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let (low, high) = (
        sorted[position.floor() as usize],
        sorted[position.ceil() as usize],
    );
    low + (high - low) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_mean_it_agrees_with_the_normal_interval() {
        // 0..40 has variance 133.25: the mean's standard error is 1.825, so the interval is 19.5 -+
        // 3.58.
        let mean = |drawn: &[usize]| Some(drawn.iter().sum::<usize>() as f64 / 40.0);
        let [low, high] = bootstrap_interval(40, mean).unwrap();
        assert!(
            (low - 15.92).abs() < 0.4 && (high - 23.08).abs() < 0.4,
            "{low} {high}"
        );
        assert_eq!(bootstrap_interval(40, mean), Some([low, high]));
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert!((quantile(&[0.0, 1.0, 2.0, 3.0], 0.5) - 1.5).abs() < 1e-15);
        assert!((quantile(&[0.0, 10.0], 0.025) - 0.25).abs() < 1e-15);
    }

    #[test]
    fn undefined_for_one_unit_or_a_statistic_that_rarely_exists() {
        assert_eq!(bootstrap_interval(1, |_| Some(1.0)), None);
        assert_eq!(bootstrap_interval(5, |_| None), None);
    }
}
