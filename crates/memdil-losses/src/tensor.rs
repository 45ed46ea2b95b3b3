//! The differentiable candle version.

use candle_core::{D, Result, Tensor};

use crate::loss::Loss;

impl Loss {
    /// Mean loss over the batch, as a scalar tensor that candle can differentiate.
    ///
    /// All losses are computed from log-softmax, so gradients stay finite for large logits.
    ///
    /// # Shapes
    ///
    /// `logits` (n, K) in f32 or f64, `labels` (n) in u32; the result is a scalar of the logits'
    /// type.
    ///
    /// # Errors
    ///
    /// candle's error if shapes, types or devices do not match, or a parameter is out of range.
    ///
    /// ```
    /// use candle_core::{Device, Tensor};
    /// use memdil_losses::Loss;
    ///
    /// let logits = Tensor::new(&[[2f64, 0.0]], &Device::Cpu)?;
    /// let labels = Tensor::new(&[0u32], &Device::Cpu)?;
    /// let value = Loss::CrossEntropy {}.tensor(&logits, &labels)?.to_scalar::<f64>()?;
    /// assert!((value - (-2f64).exp().ln_1p()).abs() < 1e-15);
    /// # Ok::<(), candle_core::Error>(())
    /// ```
    pub fn tensor(&self, logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
        self.validate()
            .and_then(|()| self.check_classes(logits.dim(1).unwrap_or(0)))
            .map_err(candle_core::Error::wrap)?;
        let labels = labels.unsqueeze(1)?;
        match *self {
            Self::CrossEntropy {} => log_softmax(logits)?.gather(&labels, 1)?.mean_all()?.neg(),
            Self::LabelSmoothing { alpha } => {
                let log_p = log_softmax(logits)?;
                let labelled = (log_p.gather(&labels, 1)?.mean_all()? * (1.0 - alpha))?;
                (labelled + (log_p.mean_all()? * alpha)?)?.neg()
            }
            Self::LabelRelaxation { alpha } => relaxed(logits, &labels, alpha),
            Self::Mse {} => (logits - one_hot(logits, &labels)?)?.sqr()?.mean_all(),
            Self::Focal { gamma } => {
                let log_p = log_softmax(logits)?;
                let weight = (log_of_others(&log_p, &labels)? * gamma)?.exp()?;
                (weight * log_p.gather(&labels, 1)?)?.mean_all()?.neg()
            }
            Self::GeneralizedCrossEntropy { q } => {
                let power = (log_softmax(logits)?.gather(&labels, 1)? * q)?.exp()?;
                power.mean_all()?.affine(-1.0 / q, 1.0 / q)
            }
            Self::SymmetricCrossEntropy { alpha, beta } => {
                let log_p = log_softmax(logits)?;
                let plain = (log_p.gather(&labels, 1)?.mean_all()? * -alpha)?;
                plain + (log_of_others(&log_p, &labels)?.exp()?.mean_all()? * (4.0 * beta))?
            }
            Self::ForwardCorrection { ref transition } => corrected(logits, &labels, transition),
        }
    }
}

fn log_softmax(logits: &Tensor) -> Result<Tensor> {
    // The maximum only keeps exp in range and cancels, so it needs no gradient.
    let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?.detach())?;
    shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(D::Minus1)?.log()?)
}

fn one_hot(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let ones = labels.ones_like()?.to_dtype(logits.dtype())?;
    logits.zeros_like()?.detach().scatter_add(labels, &ones, 1)
}

/// Log-sum-exp of each row, from (n, K) to (n, 1), without overflow.
fn log_sum_exp(values: &Tensor) -> Result<Tensor> {
    let max = values.max_keepdim(D::Minus1)?.detach();
    values
        .broadcast_sub(&max)?
        .exp()?
        .sum_keepdim(D::Minus1)?
        .log()?
        + max
}

/// log(1 - p_y) as a log-sum-exp over the other classes; an offset removes the label's term.
fn log_of_others(log_p: &Tensor, labels: &Tensor) -> Result<Tensor> {
    log_sum_exp(&(log_p + (one_hot(log_p, labels)? * -1e30)?)?)
}

/// Label relaxation by the formula of the reference, with samples beyond the threshold masked.
fn relaxed(logits: &Tensor, labels: &Tensor, alpha: f64) -> Result<Tensor> {
    let log_p = log_softmax(logits)?;
    let log_label = log_p.gather(labels, 1)?;
    let log_rest = log_of_others(&log_p, labels)?;
    let divergence = ((log_label.affine(-(1.0 - alpha), (1.0 - alpha) * (-alpha).ln_1p()))?
        + log_rest.affine(-alpha, alpha * alpha.ln())?)?;
    let active = log_label.lt((-alpha).ln_1p())?.to_dtype(logits.dtype())?;
    (divergence * active)?.mean_all()
}

/// Cross-entropy with the labels' probabilities under the transition matrix.
fn corrected(logits: &Tensor, labels: &Tensor, transition: &[Vec<f64>]) -> Result<Tensor> {
    // The transpose: row j holds log T_ij for every class i.
    let classes = transition.len();
    let log = |i: usize| transition[i % classes][i / classes].max(1e-300).ln();
    let table = (0..classes * classes).map(log).collect();
    let table = Tensor::from_vec(table, (classes, classes), logits.device())?;
    let of_label = table
        .to_dtype(logits.dtype())?
        .index_select(&labels.squeeze(1)?, 0)?;
    log_sum_exp(&(log_softmax(logits)? + of_label)?)?
        .mean_all()?
        .neg()
}
