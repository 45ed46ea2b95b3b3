//! Quality of a score that ranks samples, for example by how likely their label is wrong.

use rayon::prelude::*;

use crate::error::{Counted, MetricsError, Subject};
use crate::kernels::Real;

/// How well a score separates positive from negative samples; see [`ranking`].
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ranking {
    /// Area under the receiver operating characteristic, in $[0, 1]$; 1/2 for a constant score.
    pub auroc: f64,
    /// Average precision, in $(0, 1]$; the share of positive samples for a constant score.
    pub average_precision: f64,
}

/// AUROC and average precision of a score that should be larger for positive samples.
///
/// $$\mathrm{AUROC} = \frac{1}{|P| |N|} \sum_{i \in P} \sum_{j \in N}
///   \left( \lbrack s_i \gt s_j \rbrack + \tfrac12 \lbrack s_i = s_j \rbrack \right), \qquad
///   \mathrm{AP} = \sum_t (R_t - R_{t-1}) P_t$$
///
/// for the positive samples $P$ and the negative samples $N$. AUROC is the probability that a
/// random positive sample has a larger score than a random negative one; ties count one half (the
/// statistic of Mann and Whitney 1947, divided by its maximum). The thresholds $t$ are the distinct
/// scores in descending order; $P_t$ and $R_t$ are precision and recall of the samples with a score
/// of at least $t$, with $R_0 = 0$. Average precision has the definition of scikit-learn's
/// `average_precision_score`, without interpolation.
///
/// The result is `None` if all samples are positive, or all are negative. Negate a score that is
/// smaller for positive samples, such as a margin.
///
/// # Shapes
/// `scores` (samples) and `positives` (samples) give two numbers. Time is that of sorting.
///
/// # Errors
/// Mismatched lengths, a score that is a NaN or infinite.
///
/// # Examples
/// ```
/// let scores = [0.9, 0.8, 0.8, 0.1];
/// let corrupted = [true, false, true, false];
/// let found = memdil_metrics::ranking(&scores, &corrupted)?.expect("both kinds of samples occur");
/// assert_eq!(found.auroc, 0.875); // three of four pairs in order, and one tie
/// assert!((found.average_precision - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-15);
/// assert_eq!(memdil_metrics::ranking(&scores, &[false; 4])?, None);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
#[doc(alias = "auroc")]
#[doc(alias = "roc_auc_score")]
#[doc(alias = "average_precision_score")]
pub fn ranking<T: Real>(scores: &[T], positives: &[bool]) -> Result<Option<Ranking>, MetricsError> {
    let (found, expected) = (positives.len(), scores.len());
    Counted::Entries.check(Subject::Positives, found, Subject::Scores, expected)?;
    // Adding 0 turns -0 into 0, so that total_cmp treats them as equal.
    let values = scores.iter().map(|&score| score.into() + 0.0);
    let mut sorted: Vec<(f64, bool)> = values.zip(positives.iter().copied()).collect();
    if let Some(row) = sorted.iter().position(|(score, _)| !score.is_finite()) {
        let array = Subject::Scores;
        return Err(MetricsError::NonFinite { array, row });
    }
    sorted.par_sort_unstable_by(|(a, _), (b, _)| b.total_cmp(a));
    let positive = positives.iter().filter(|&&positive| positive).count();
    let negative = positives.len() - positive;
    if positive == 0 || negative == 0 {
        return Ok(None);
    }
    // Numbers of positive and negative samples with a score of at least the threshold. AUROC counts
    // half pairs, as integers, so that it is exact before the division.
    let (mut found, mut wrong) = (0, 0);
    let (mut half_pairs, mut precision) = (0_u128, 0.0);
    for ties in sorted.chunk_by(|(a, _), (b, _)| a.total_cmp(b).is_eq()) {
        let own = ties.iter().filter(|(_, positive)| *positive).count();
        let others = ties.len() - own;
        let below = negative - wrong - others;
        half_pairs += own as u128 * (2 * below + others) as u128;
        (found, wrong) = (found + own, wrong + others);
        precision += own as f64 * (found as f64 / (found + wrong) as f64);
    }
    Ok(Some(Ranking {
        auroc: half_pairs as f64 / (2 * positive as u128 * negative as u128) as f64,
        average_precision: precision / positive as f64,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perfect_and_reversed_rankings_are_the_extremes() {
        let positives = [false, false, true, true];
        let best = ranking(&[-2.0, -1.0, 0.5, 7.0], &positives).unwrap();
        let best = best.unwrap();
        assert_eq!((best.auroc, best.average_precision), (1.0, 1.0));
        let worst = ranking(&[4.0_f32, 3.0, 2.0, 1.0], &positives).unwrap();
        let worst = worst.unwrap();
        assert!(worst.auroc.abs() < 1e-15);
        assert!((worst.average_precision - (0.5 / 3.0 + 0.5 / 2.0)).abs() < 1e-15);
    }

    #[test]
    fn constant_scores_rank_at_random() {
        let found = ranking(&[0.0, -0.0, 0.0, -0.0], &[true, false, false, false]).unwrap();
        let found = found.unwrap();
        assert_eq!((found.auroc, found.average_precision), (0.5, 0.25));
    }

    #[test]
    fn invalid_scores_are_errors() {
        let error = ranking(&[1.0, f64::NAN], &[true, false]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "scores: row 1 holds a NaN or an infinity"
        );
        let error = ranking(&[1.0], &[true, false]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "positives has 2 entries, but scores needs 1"
        );
    }

    #[test]
    fn one_kind_of_samples_has_no_ranking() {
        for positives in [&[][..], &[true], &[false]] {
            let scores = vec![1.0; positives.len()];
            assert_eq!(ranking(&scores, positives), Ok(None));
        }
    }
}
