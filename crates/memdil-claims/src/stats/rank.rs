//! Ranks and rank correlation.

/// Ranks, starting at 1; equal values share the mean of their ranks.
///
/// ```
/// assert_eq!(memdil_claims::stats::ranks(&[10.0, 30.0, 20.0, 20.0]), [1.0, 4.0, 2.5, 2.5]);
/// ```
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for tied in order.chunk_by(|&a, &b| values[a] >= values[b]) {
        let shared = below as f64 + (tied.len() + 1) as f64 / 2.0;
        for &index in tied {
            ranks[index] = shared;
        }
        below += tied.len();
    }
    ranks
}

/// Spearman's rank correlation: Pearson's correlation of the ranks,
/// $\rho_s = r(\operatorname{rank} x, \operatorname{rank} y)$ (Spearman 1904), in `[-1, 1]`.
///
/// `None` for fewer than three pairs, lists of different length, non-finite values, or a constant
/// list.
///
/// ```
/// use memdil_claims::stats::spearman;
///
/// assert_eq!(spearman(&[1.0, 2.0, 3.0], &[1.0, 4.0, 9.0]), Some(1.0));
/// assert_eq!(spearman(&[1.0, 2.0, 3.0], &[7.0, 7.0, 7.0]), None);
/// ```
pub fn spearman(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.len() < 3 || x.len() != y.len() || !x.iter().chain(y).all(|v| v.is_finite()) {
        return None;
    }
    // Ranks have the mean (n + 1)/2, with or without ties.
    let centre = (x.len() + 1) as f64 / 2.0;
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (a, b) in ranks(x).into_iter().zip(ranks(y)) {
        xy += (a - centre) * (b - centre);
        xx += (a - centre).powi(2);
        yy += (b - centre).powi(2);
    }
    (xx > 0.0 && yy > 0.0).then(|| (xy / (xx * yy).sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_share_ties() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 3.0, 0.5]), [4.0, 2.0, 4.0, 4.0, 1.0]);
        assert_eq!(ranks(&[]), Vec::<f64>::new());
    }

    #[test]
    fn spearman_without_ties_agrees_with_the_classical_formula() {
        // d = 0, 1, -1, 1, -1: 1 - 6*4/(5*24) = 0.8
        let r = spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[1.0, 3.0, 2.0, 5.0, 4.0]).unwrap();
        assert!((r - 0.8).abs() < 1e-15);
    }

    #[test]
    fn spearman_with_ties_agrees_with_scipy() {
        // The example of SciPy's documentation of spearmanr.
        let r = spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[5.0, 6.0, 7.0, 8.0, 7.0]).unwrap();
        assert!((r - 0.820_782_681_668_123_3).abs() < 1e-15);
    }

    #[test]
    fn spearman_is_undefined_without_spread_or_pairs() {
        assert_eq!(spearman(&[1.0, 2.0], &[1.0, 2.0]), None);
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[1.0, 2.0]), None);
        assert_eq!(spearman(&[1.0, f64::NAN, 3.0], &[1.0, 2.0, 3.0]), None);
    }
}
