//! Resampling of independent units with replacement (Efron 1979).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// A statistic of every resample that has one, sorted.
///
/// `statistic` gets the drawn units, numbers below `units` that may repeat.
///
/// # Example
/// ```
/// use memdil_theory::bootstrap::{quantile, resampled};
/// use rand_chacha::rand_core::SeedableRng;
/// let rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
/// let mean = |drawn: &[usize]| Some(drawn.iter().sum::<usize>() as f64 / 40.0);
/// let means = resampled(rng, 40, 1000, mean);
/// assert!((quantile(&means, 0.5) - 19.5).abs() < 0.5);
/// ```
pub fn resampled(
    mut rng: ChaCha8Rng,
    units: usize,
    resamples: usize,
    statistic: impl Fn(&[usize]) -> Option<f64>,
) -> Vec<f64> {
    let mut drawn = vec![0; units];
    let mut values = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        // The high word of a 128-bit product: uniform up to 2^-64 of a unit.
        drawn.fill_with(|| ((u128::from(rng.next_u64()) * units as u128) >> 64) as usize);
        values.extend(statistic(&drawn));
    }
    values.sort_by(f64::total_cmp);
    values
}

/// The quantile of sorted values, linear between neighbours (definition 7 of Hyndman and Fan 1996).
///
/// ```
/// let middle = memdil_theory::bootstrap::quantile(&[0.0, 1.0, 2.0, 3.0], 0.5);
/// assert_eq!(middle, 1.5);
/// ```
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let low = sorted[position.floor() as usize];
    let high = sorted[position.ceil() as usize];
    low + (high - low) * position.fract()
}
