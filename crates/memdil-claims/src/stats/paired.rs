//! Tests of paired differences, exact for any number of pairs and with ties.

use statrs::distribution::{Binomial, DiscreteCDF};

use super::ranks;

/// Two-sided p of Wilcoxon's signed-rank test that differences are symmetric around zero (Wilcoxon
/// 1945).
///
/// Under the hypothesis each rank of $|d_i|$ has a random sign, and
/// $p = 2 P(T \le \min(T^+, T^-))$, at most 1, from the exact distribution of the rank sum given
/// the ties. Zeros are dropped, as in Wilcoxon's paper. `None` if all differences are zero, or if a
/// value is not finite.
///
/// ```
/// use memdil_claims::stats::wilcoxon_signed_rank;
///
/// // Six differences of one sign: 2 / 2^6.
/// assert_eq!(wilcoxon_signed_rank(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), Some(0.03125));
/// ```
pub fn wilcoxon_signed_rank(differences: &[f64]) -> Option<f64> {
    let kept = nonzero(differences)?;
    // Shared ranks of ties are multiples of one half, so twice the ranks are integers.
    let doubled: Vec<usize> = ranks(&kept.iter().map(|d| d.abs()).collect::<Vec<_>>())
        .into_iter()
        .map(|rank| (2.0 * rank).round() as usize)
        .collect();
    let total: usize = doubled.iter().sum();
    let positive: usize = doubled
        .iter()
        .zip(&kept)
        .filter(|(_, d)| **d > 0.0)
        .map(|(rank, _)| rank)
        .sum();
    // probability[t] is the probability that the ranks with a positive sign sum to t; each rank is
    // positive with probability 1/2.
    let mut probability = vec![0.0; total + 1];
    probability[0] = 1.0;
    for rank in doubled {
        for sum in (0..=total).rev() {
            let with = if sum >= rank {
                probability[sum - rank]
            } else {
                0.0
            };
            probability[sum] = 0.5 * (probability[sum] + with);
        }
    }
    let lower = positive.min(total - positive);
    Some((2.0 * probability[..=lower].iter().sum::<f64>()).min(1.0))
}

/// Two-sided p of the sign test that positive and negative differences are equally likely
/// (Arbuthnot 1710).
///
/// $p = 2 P(B \le \min(n^+, n^-))$, at most 1, with $B \sim \mathrm{Binomial}(n^+ + n^-, 1/2)$;
/// zeros are dropped. `None` as for [`wilcoxon_signed_rank`].
///
/// ```
/// use memdil_claims::stats::sign_test;
///
/// let p = sign_test(&[1.0, 2.0, 3.0, -1.0]).unwrap_or(0.0);
/// assert!((p - 0.625).abs() < 1e-12);
/// ```
pub fn sign_test(differences: &[f64]) -> Option<f64> {
    let kept = nonzero(differences)?;
    let positive = kept.iter().filter(|d| **d > 0.0).count();
    let fewer = positive.min(kept.len() - positive);
    let binomial = Binomial::new(0.5, kept.len() as u64).ok()?;
    Some((2.0 * binomial.cdf(fewer as u64)).min(1.0))
}

/// The non-zero differences; `None` if there are none, or if a difference is not finite.
fn nonzero(differences: &[f64]) -> Option<Vec<f64>> {
    let kept: Vec<f64> = differences
        .iter()
        .copied()
        .filter(|d| d.abs() > 0.0)
        .collect();
    (!kept.is_empty() && differences.iter().all(|d| d.is_finite())).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Darwin's heights of cross- and self-fertilised plants (Fisher 1935; the example of SciPy's
    /// `wilcoxon`).
    const PLANTS: [f64; 15] = [
        6.0, 8.0, 14.0, 16.0, 23.0, 24.0, 28.0, 29.0, 41.0, -48.0, 49.0, 56.0, 60.0, -67.0, 75.0,
    ];

    #[test]
    fn wilcoxon_on_published_data() {
        // The negative differences have the rank sum 24; SciPy gives p = 0.041259765625.
        let p = wilcoxon_signed_rank(&PLANTS).unwrap();
        assert!((p - 0.041_259_765_625).abs() < 1e-15, "{p}");
    }

    #[test]
    fn wilcoxon_at_the_critical_values_of_the_table() {
        // Two-sided 5% critical values: 3 for n = 8, 8 for n = 10, 13 for n = 12. The next larger
        // rank sum is not significant.
        for (n, critical) in [(8, 3), (10, 8), (12, 13)] {
            for (t, significant) in [(critical, true), (critical + 1, false)] {
                // Negative signs on ranks that sum to t: rank t for t <= n, otherwise n and t - n.
                let negative = if t <= n { vec![t] } else { vec![n, t - n] };
                let d: Vec<f64> = (1..=n)
                    .map(|r| {
                        if negative.contains(&r) {
                            -f64::from(r)
                        } else {
                            f64::from(r)
                        }
                    })
                    .collect();
                let p = wilcoxon_signed_rank(&d).unwrap();
                assert_eq!(p < 0.05, significant, "n = {n}, T = {t}: p = {p}");
            }
        }
    }

    #[test]
    fn wilcoxon_with_ties_agrees_with_hand_calculation() {
        // |d| = 1, 1, 2: ranks 1.5, 1.5, 3. T- = 1.5; sums <= 1.5: {}, {1.5}, {1.5}: 3 of 8, doubled 6/8.
        assert_eq!(wilcoxon_signed_rank(&[1.0, -1.0, 2.0, 0.0]), Some(0.75));
        assert_eq!(wilcoxon_signed_rank(&[0.0, 0.0]), None);
        assert_eq!(wilcoxon_signed_rank(&[1.0, f64::NAN]), None);
    }

    #[test]
    fn sign_test_on_published_data() {
        // 13 of 15 positive: 2 (1 + 15 + 105) / 2^15.
        let p = sign_test(&PLANTS).unwrap();
        assert!((p - 242.0 / 32768.0).abs() < 1e-12, "{p}");
        assert_eq!(sign_test(&[1.0, -1.0]), Some(1.0));
        assert_eq!(sign_test(&[]), None);
    }
}
