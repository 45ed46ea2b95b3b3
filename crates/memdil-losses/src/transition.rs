//! Estimation of the transition matrix of label noise from predictions on noisy data.

use ndarray::ArrayView2;

use crate::error::LossError;
use crate::reference::log_sum_exp;

/// Estimates $T_{ij}$, the probability that class i is labelled j, from the logits of a network
/// trained on the noisy labels (Patrini et al. 2017). Row i is the prediction for an anchor, the
/// sample whose probability of class i is at the given quantile over all samples (nearest rank):
/// for a sample that certainly belongs to class i, the distribution of noisy labels is row i of
/// $T$.
///
/// A network that has memorised its labels predicts them with certainty, which makes the estimate
/// the identity. Use a network that was stopped early.
///
/// # Shapes
///
/// `logits` (n, K); the result has K rows of K probabilities, the format of
/// [`Loss::ForwardCorrection`](crate::Loss).
///
/// # Errors
///
/// [`LossError::Parameter`] if the quantile is not in (0, 1], [`LossError::Shape`] if there are no
/// samples or fewer than two classes, [`LossError::NotFinite`] if a logit is not finite.
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
    fn anchors_recover_the_matrix() {
        // Predictions are rows of T for certain samples, and mixtures of two rows for others.
        let transition = [[0.7, 0.2, 0.1], [0.0, 0.9, 0.1], [0.25, 0.25, 0.5]];
        let logits = Array2::from_shape_fn((300, 3), |(i, j)| {
            let (class, certain) = (i % 3, i % 10 != 0);
            let mixed = (transition[class][j] + transition[(class + 1) % 3][j]) / 2.0;
            let p: f64 = if certain { transition[class][j] } else { mixed };
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
        // A tiny quantile selects the smallest of the 300 probabilities.
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
