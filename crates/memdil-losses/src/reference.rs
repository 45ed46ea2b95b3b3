//! The exact `f64` reference: value and gradient with respect to the logits.

use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::error::LossError;
use crate::loss::Loss;

impl Loss {
    /// Mean loss over the rows of `logits`.
    ///
    /// # Shapes
    ///
    /// `logits` (n, K), `labels` (n) with values below K.
    ///
    /// # Errors
    ///
    /// [`LossError`] if a parameter is out of range, there are no samples or fewer than two
    /// classes, the lengths differ, a label is not a class, or a logit is not finite.
    ///
    /// ```
    /// use memdil_losses::Loss;
    /// let value = Loss::CrossEntropy {}.value(ndarray::array![[0.0, 0.0]].view(), &[1])?;
    /// assert!((value - 2f64.ln()).abs() < 1e-15);
    /// # Ok::<(), memdil_losses::LossError>(())
    /// ```
    pub fn value(&self, logits: ArrayView2<'_, f64>, labels: &[u32]) -> Result<f64, LossError> {
        self.value_and_gradient(logits, labels)
            .map(|(value, _)| value)
    }

    /// Mean loss over the rows of `logits`, and its gradient with respect to them.
    ///
    /// # Shapes
    ///
    /// `logits` (n, K), `labels` (n) with values below K; the gradient is (n, K) and includes the
    /// factor 1/n of the mean.
    ///
    /// # Errors
    ///
    /// Same as [`Loss::value`].
    pub fn value_and_gradient(
        &self,
        logits: ArrayView2<'_, f64>,
        labels: &[u32],
    ) -> Result<(f64, Array2<f64>), LossError> {
        self.validate()?;
        check(logits, labels)?;
        self.check_classes(logits.ncols())?;
        let n = labels.len() as f64;
        let mut total = 0.0;
        let mut gradient = Array2::zeros(logits.raw_dim());
        for ((z, &label), mut g) in logits
            .rows()
            .into_iter()
            .zip(labels)
            .zip(gradient.rows_mut())
        {
            let (value, row) = self.row(z, label as usize);
            total += value;
            for (out, d) in g.iter_mut().zip(row) {
                *out = d / n;
            }
        }
        Ok((total / n, gradient))
    }

    /// Loss and gradient of a single sample.
    fn row(&self, z: ArrayView1<'_, f64>, label: usize) -> (f64, Vec<f64>) {
        match *self {
            Self::CrossEntropy {} => smoothed(z, label, 0.0),
            Self::LabelSmoothing { alpha } => smoothed(z, label, alpha),
            Self::LabelRelaxation { alpha } => relaxed(z, label, alpha),
            Self::Focal { gamma } => of_label(z, label, |p| focal(p, gamma)),
            Self::GeneralizedCrossEntropy { q } => of_label(z, label, |p| {
                (-(q * p.log).exp_m1() / q, -(q * p.log).exp())
            }),
            Self::SymmetricCrossEntropy { alpha, beta } => of_label(z, label, |p| {
                let value = -alpha * p.log + 4.0 * beta * p.log_rest.exp();
                (value, -alpha - 4.0 * beta * p.log.exp())
            }),
            Self::ForwardCorrection { ref transition } => corrected(z, label, transition),
            Self::Mse {} => squared(z, label),
        }
    }
}

fn check(logits: ArrayView2<'_, f64>, labels: &[u32]) -> Result<(), LossError> {
    let (samples, classes) = logits.dim();
    if samples == 0 || classes < 2 {
        return Err(LossError::Shape { samples, classes });
    }
    if samples != labels.len() {
        return Err(LossError::Length {
            logits: samples,
            labels: labels.len(),
        });
    }
    for (row, (&label, z)) in labels.iter().zip(logits.rows()).enumerate() {
        if label as usize >= classes {
            return Err(LossError::Label {
                row,
                label,
                classes,
            });
        }
        if z.iter().any(|v| !v.is_finite()) {
            return Err(LossError::NotFinite { row });
        }
    }
    Ok(())
}

/// log sum_j exp(z_j) over the given logits, without overflow.
pub(crate) fn log_sum_exp(z: impl Iterator<Item = f64> + Clone) -> f64 {
    let max = z.clone().fold(f64::NEG_INFINITY, f64::max);
    max + z.map(|v| (v - max).exp()).sum::<f64>().ln()
}

/// log sum_j exp(z_j) over all classes except the label.
fn log_sum_exp_of_others(z: ArrayView1<'_, f64>, label: usize) -> f64 {
    let others = z.iter().enumerate().filter(|&(j, _)| j != label);
    log_sum_exp(others.map(|(_, &v)| v))
}

/// The label's probability p.
struct LabelProbability {
    /// log p.
    log: f64,
    /// log (1 - p).
    log_rest: f64,
}

/// A loss that depends only on the label's probability p: `value` returns the loss and its
/// derivative with respect to log p.
fn of_label(
    z: ArrayView1<'_, f64>,
    label: usize,
    value: impl Fn(LabelProbability) -> (f64, f64),
) -> (f64, Vec<f64>) {
    let normaliser = log_sum_exp(z.iter().copied());
    let log_rest = log_sum_exp_of_others(z, label) - normaliser;
    // Near p = 1, z - normaliser rounds to 0, so log p is computed from log (1 - p).
    let log = if log_rest < -1.0 {
        (-log_rest.exp()).ln_1p()
    } else {
        z[label] - normaliser
    };
    let (value, slope) = value(LabelProbability { log, log_rest });
    let log_p_by_logit = |j: usize| {
        if j == label {
            log_rest.exp()
        } else {
            -(z[j] - normaliser).exp()
        }
    };
    let gradient = (0..z.len()).map(|j| slope * log_p_by_logit(j));
    (value, gradient.collect())
}

/// Focal loss and its derivative with respect to log p.
fn focal(p: LabelProbability, gamma: f64) -> (f64, f64) {
    // (1-p)^gamma is accurate even near p = 1, where log p / (1-p) tends to -1.
    let weight = if gamma > 0.0 {
        (gamma * p.log_rest).exp()
    } else {
        1.0
    };
    let rest = p.log_rest.exp();
    let ratio = if rest < 1e-8 {
        -1.0 - rest / 2.0
    } else {
        p.log / rest
    };
    let slope = weight * (gamma * p.log.exp() * ratio - 1.0);
    (-weight * p.log, slope)
}

/// Forward correction: cross-entropy with the label's probability under the transition matrix.
fn corrected(z: ArrayView1<'_, f64>, label: usize, transition: &[Vec<f64>]) -> (f64, Vec<f64>) {
    let normaliser = log_sum_exp(z.iter().copied());
    let joint = |i: usize| z[i] - normaliser + transition[i][label].ln();
    let log_label = log_sum_exp((0..z.len()).map(joint));
    let slope = |i: usize| (z[i] - normaliser).exp() - (joint(i) - log_label).exp();
    (-log_label, (0..z.len()).map(slope).collect())
}

/// Mean squared error against the one-hot label.
fn squared(z: ArrayView1<'_, f64>, label: usize) -> (f64, Vec<f64>) {
    let k = z.len() as f64;
    let error = |j: usize| z[j] - if j == label { 1.0 } else { 0.0 };
    let value = (0..z.len()).map(|j| error(j).powi(2)).sum::<f64>() / k;
    (value, (0..z.len()).map(|j| 2.0 * error(j) / k).collect())
}

/// Cross-entropy with the target smoothed by `alpha`.
fn smoothed(z: ArrayView1<'_, f64>, label: usize, alpha: f64) -> (f64, Vec<f64>) {
    let uniform = alpha / z.len() as f64;
    let normaliser = log_sum_exp(z.iter().copied());
    let target = |j: usize| uniform + if j == label { 1.0 - alpha } else { 0.0 };
    let value = (0..z.len()).map(|j| target(j) * (normaliser - z[j])).sum();
    let gradient = (0..z.len())
        .map(|j| (z[j] - normaliser).exp() - target(j))
        .collect();
    (value, gradient)
}

/// Label relaxation. KL(q || p) simplifies to (1-a) log((1-a)/p_y) + a log(a/(1-p_y)). Both
/// logarithms are computed as differences of log-sum-exps, which do not saturate for large gaps
/// between logits.
fn relaxed(z: ArrayView1<'_, f64>, label: usize, alpha: f64) -> (f64, Vec<f64>) {
    let others = log_sum_exp_of_others(z, label);
    let normaliser = log_sum_exp(z.iter().copied());
    let log_p = z[label] - normaliser;
    if log_p >= (-alpha).ln_1p() {
        return (0.0, vec![0.0; z.len()]);
    }
    let log_rest = others - normaliser;
    let value = (1.0 - alpha) * ((-alpha).ln_1p() - log_p) + alpha * (alpha.ln() - log_rest);
    let gradient = (0..z.len())
        .map(|j| {
            let target = if j == label {
                1.0 - alpha
            } else {
                alpha * (z[j] - others).exp()
            };
            (z[j] - normaliser).exp() - target
        })
        .collect();
    (value, gradient)
}
