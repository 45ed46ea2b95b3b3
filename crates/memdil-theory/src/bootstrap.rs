//! The bootstrap: resampling of independent units with replacement (Efron 1979).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Returns the sorted values of a statistic over the resamples for which it is defined.
///
/// `statistic` receives the indices of the drawn units, which may repeat.
pub(crate) fn resampled(
    mut rng: ChaCha8Rng,
    units: usize,
    resamples: usize,
    statistic: impl Fn(&[usize]) -> Option<f64>,
) -> Vec<f64> {
    let mut drawn = vec![0; units];
    let mut values = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        // The high word of a 128-bit product is uniform up to a bias of 2^-64.
        drawn.fill_with(|| ((u128::from(rng.next_u64()) * units as u128) >> 64) as usize);
        values.extend(statistic(&drawn));
    }
    values.sort_by(f64::total_cmp);
    values
}

/// The quantile of sorted values, with linear interpolation (definition 7 of Hyndman and Fan 1996).
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let low = sorted[position.floor() as usize];
    let high = sorted[position.ceil() as usize];
    low + (high - low) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        assert!((quantile(&[0.0, 1.0, 2.0, 3.0], 0.5) - 1.5).abs() < 1e-15);
        assert!((quantile(&[0.0, 10.0], 0.025) - 0.25).abs() < 1e-15);
    }
}
