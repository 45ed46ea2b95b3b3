//! Correction for multiple tests.

/// Holm's step-down correction (Holm 1979): with $p_{(1)} \le \dots \le p_{(m)}$, the corrected
/// $p_{(i)}$ is $\max_{j \le i} \min(1, (m - j + 1) p_{(j)})$. The result has the order of `p`.
///
/// ```
/// let corrected = memdil_claims::stats::holm(&[0.01, 0.04, 0.03]);
/// assert!(corrected.iter().zip([0.03, 0.06, 0.06]).all(|(a, b)| (a - b).abs() < 1e-12));
/// ```
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut corrected = vec![0.0; p.len()];
    let mut largest = 0.0_f64;
    for (step, index) in order.into_iter().enumerate() {
        largest = largest.max((p[index] * (p.len() - step) as f64).min(1.0));
        corrected[index] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_agrees_with_p_adjust_of_r() {
        // p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm") in R.
        let corrected = holm(&[0.01, 0.02, 0.03, 0.04, 0.05]);
        let expected = [0.05, 0.08, 0.09, 0.09, 0.09];
        assert!(
            corrected
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-12),
            "{corrected:?}"
        );
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }
}
