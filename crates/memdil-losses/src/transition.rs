//! The transition matrix of label noise, estimated from predictions for noisy data.

use ndarray::ArrayView2;

use crate::error::LossError;
use crate::reference::log_sum_exp;

/// Estimates $T_{ij}$, the probability that class i is labelled j, from the logits of a network
/// trained on the noisy labels (Patrini et al. 2017): row i is the prediction for the sample whose
/// probability of class i is at the given quantile of all samples' (nearest rank), since a
/// sample that surely is of class i gets each label as often as T says.
///
/// A network that has memorised its labels predicts them with certainty, and the estimate is then
/// that nothing was corrupted: use one that was stopped early.
///
/// # Shapes
///
/// `logits` (n, K); the result has K rows of K probabilities, as
/// [`Loss::ForwardCorrection`](crate::Loss) takes them.
///
/// # Errors
///
/// [`LossError::Parameter`] when the quantile is not in (0, 1], [`LossError::Shape`] without
/// samples or with one class,
/// [`LossError::NotFinite`] on a logit that is not a finite number.
///
/// ```
/// let logits = ndarray::array![[3f64.ln(), 0.0], [0.0, 1f64.ln()], [0.0, 4f64.ln()]];
/// let transition = memdil_losses::estimate_transition(logits.view(), 1.0)?;
/// assert!((transition[0][0] - 0.75).abs() < 1e-15 && (transition[1][1] - 0.8).abs() < 1e-15);
/// # Ok::<(), memdil_losses::LossError>(())
/// ```
pub fn estimate_transition(
    logits: ArrayView2<'_, f64>,
    quantile: f64,
) -> Result<Vec<Vec<f64>>, LossError> {
    let (samples, classes) = logits.dim();
    if samples == 0 || classes < 2 {
        return Err(LossError::Shape { samples, classes });
    }
    if !(quantile > 0.0 && quantile <= 1.0) {
        let (loss, name, range) = ("forward_correction", "quantile", "(0, 1]");
        return Err(LossError::Parameter {
            loss,
            name,
            value: quantile,
            range,
        });
    }
    if let Some(row) = logits
        .rows()
        .into_iter()
        .position(|z| z.iter().any(|v| !v.is_finite()))
    {
        return Err(LossError::NotFinite { row });
    }
    let normalisers: Vec<f64> = logits
        .rows()
        .into_iter()
        .map(|z| log_sum_exp(z.iter().copied()))
        .collect();
    let rank = ((quantile * samples as f64).ceil() as usize).clamp(1, samples) - 1;
    let row = |class: usize| {
        let mut order: Vec<usize> = (0..samples).collect();
        let log_p = |i: usize| logits[(i, class)] - normalisers[i];
        let (_, &mut anchor, _) =
            order.select_nth_unstable_by(rank, |&a, &b| log_p(a).total_cmp(&log_p(b)));
        logits
            .row(anchor)
            .iter()
            .map(|z| (z - normalisers[anchor]).exp())
            .collect()
    };
    Ok((0..classes).map(row).collect())
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn anchors_give_the_matrix_back() {
        // Predictions are rows of T for sure samples, mixtures of them for others.
        let transition = [[0.7, 0.2, 0.1], [0.0, 0.9, 0.1], [0.25, 0.25, 0.5]];
        let logits = Array2::from_shape_fn((300, 3), |(i, j)| {
            let (class, sure) = (i % 3, i % 10 != 0);
            let mixed = (transition[class][j] + transition[(class + 1) % 3][j]) / 2.0;
            let p: f64 = if sure { transition[class][j] } else { mixed };
            p.max(1e-12).ln()
        });
        for quantile in [0.97, 1.0] {
            for (row, expected) in estimate_transition(logits.view(), quantile)
                .unwrap()
                .iter()
                .zip(transition)
            {
                assert!(
                    row.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9),
                    "{row:?}"
                );
            }
        }
        // The smallest of 300 is at a quantile of 1/300.
        let least = estimate_transition(logits.view(), 1e-9).unwrap();
        assert!(least[1][1] < 0.3, "{least:?}");
        for quantile in [0.0, 1.1, f64::NAN] {
            assert!(matches!(
                estimate_transition(logits.view(), quantile),
                Err(LossError::Parameter { .. })
            ));
        }
        assert!(estimate_transition(Array2::zeros((0, 3)).view(), 1.0).is_err());
        assert!(estimate_transition(Array2::from_elem((2, 2), f64::NAN).view(), 1.0).is_err());
    }
}
