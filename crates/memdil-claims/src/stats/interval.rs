//! Means and their intervals by Student's t.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The mean; `None` for an empty slice.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The standard deviation with $n - 1$ in the denominator; `None` for fewer than two values.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    let squares: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
    (values.len() >= 2).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

/// The 95% confidence interval of the mean, $\bar x \pm t_{n-1, 0.975} s/\sqrt n$ (Student
/// 1908).
///
/// `None` for fewer than two values.
///
/// ```
/// let [low, high] = memdil_claims::stats::mean_interval(&[1.0, 2.0, 3.0]).unwrap_or_default();
/// assert!((low + 0.484).abs() < 1e-3 && (high - 4.484).abs() < 1e-3);
/// ```
pub fn mean_interval(values: &[f64]) -> Option<[f64; 2]> {
    around_mean(values, 1.0 / values.len() as f64)
}

/// The 95% prediction interval for the mean of `others` further draws,
/// $\bar x \pm t_{n-1, 0.975} s \sqrt{1/n + 1/m}$ with $m$ = `others`.
///
/// `None` for fewer than three values, for which the interval is too wide to be useful, or for
/// `others` = 0.
///
/// ```
/// use memdil_claims::stats::{mean_interval, prediction_interval};
///
/// let values = [1.0, 2.0, 3.0];
/// let width = |[low, high]: [f64; 2]| high - low;
/// let wider = prediction_interval(&values, 3).map(width) > mean_interval(&values).map(width);
/// assert!(wider);
/// ```
pub fn prediction_interval(values: &[f64], others: usize) -> Option<[f64; 2]> {
    if values.len() < 3 || others == 0 {
        return None;
    }
    around_mean(values, 1.0 / values.len() as f64 + 1.0 / others as f64)
}

fn around_mean(values: &[f64], variance_share: f64) -> Option<[f64; 2]> {
    let centre = mean(values)?;
    let deviation = standard_deviation(values)?;
    let student = StudentsT::new(0.0, 1.0, (values.len() - 1) as f64).ok()?;
    let half = student.inverse_cdf(0.975) * deviation * variance_share.sqrt();
    half.is_finite().then_some([centre - half, centre + half])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_student_t_agree_with_tables() {
        for (freedom, quantile) in [
            (1, 12.7062),
            (2, 4.30265),
            (4, 2.77645),
            (5, 2.57058),
            (9, 2.26216),
        ] {
            // For n values with mean 0 and deviation s, the half width is t s / sqrt(n).
            let n = freedom + 1;
            let mut values = vec![0.0; n];
            (values[0], values[1]) = (-1.0, 1.0);
            let s = (2.0 / freedom as f64).sqrt();
            let [low, high] = mean_interval(&values).unwrap();
            let t = high * (n as f64).sqrt() / s;
            assert!(
                (t - quantile).abs() < 1e-4 && (low + high).abs() < 1e-12,
                "{freedom}: {t}"
            );
        }
    }

    #[test]
    fn prediction_interval_agrees_with_hand_calculation() {
        // 2, 4, 6, 8, 10: mean 6, s = sqrt(10), t_4 = 2.776445, sqrt(1/5 + 1/2) = 0.836660.
        let [low, high] = prediction_interval(&[2.0, 4.0, 6.0, 8.0, 10.0], 2).unwrap();
        let half = 2.776_445_105 * 10.0_f64.sqrt() * 0.7_f64.sqrt();
        assert!((high - 6.0 - half).abs() < 1e-6 && (6.0 - low - half).abs() < 1e-6);
        assert_eq!(prediction_interval(&[1.0, 2.0], 2), None);
        assert_eq!(prediction_interval(&[1.0, 2.0, 3.0], 0), None);
    }

    #[test]
    fn too_few_values_have_no_interval() {
        assert_eq!(mean(&[]), None);
        assert_eq!(standard_deviation(&[1.0]), None);
        assert_eq!(mean_interval(&[1.0]), None);
        assert_eq!(mean_interval(&[2.0, 2.0]), Some([2.0, 2.0]));
    }
}
