//! Normalisation of a block.

use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::{BatchNorm, ModuleT};

/// PyTorch's default; the momentum of the running statistics, 0.1, is candle's default too.
const EPS: f64 = 1e-5;

/// What normalises the values of a block before its activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Norm {
    /// Over the batch, for each unit; by running statistics in evaluation mode (Ioffe and Szegedy
    /// 2015).
    #[default]
    Batch,
    /// Over the units, for each sample (Ba et al. 2016).
    Layer,
    /// Nothing.
    None,
}

#[derive(Clone, Debug)]
pub(crate) enum Normalize {
    Batch(BatchNorm),
    Layer { weight: Tensor, bias: Tensor },
    None,
}

impl Normalize {
    /// The identity at first; adds what is trained and what is only saved to the lists.
    pub(crate) fn new(
        norm: Norm,
        units: usize,
        name: &str,
        (dtype, device): (DType, &Device),
        parameters: &mut Vec<(String, Var)>,
        buffers: &mut Vec<(String, Var)>,
    ) -> Result<Self> {
        if norm == Norm::None {
            return Ok(Self::None);
        }
        let [gamma, beta] = [
            Var::ones(units, dtype, device)?,
            Var::zeros(units, dtype, device)?,
        ];
        let (weight, bias) = (gamma.as_tensor().clone(), beta.as_tensor().clone());
        parameters.push((format!("{name}.weight"), gamma));
        parameters.push((format!("{name}.bias"), beta));
        if norm == Norm::Layer {
            return Ok(Self::Layer { weight, bias });
        }
        let [mean, variance] = [
            Var::zeros(units, dtype, device)?,
            Var::ones(units, dtype, device)?,
        ];
        let running = (mean.as_tensor().clone(), variance.as_tensor().clone());
        buffers.push((format!("{name}.running_mean"), mean));
        buffers.push((format!("{name}.running_var"), variance));
        Ok(Self::Batch(BatchNorm::new(
            units, running.0, running.1, weight, bias, EPS,
        )?))
    }

    pub(crate) fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        match self {
            Self::Batch(norm) => norm.forward_t(x, train),
            // Not candle's fused operation, which has no gradient.
            Self::Layer { weight, bias } => {
                let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
                let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
                let standard = centred.broadcast_div(&(variance + EPS)?.sqrt()?)?;
                standard.broadcast_mul(weight)?.broadcast_add(bias)
            }
            Self::None => Ok(x.clone()),
        }
    }
}
