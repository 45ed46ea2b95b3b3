//! Normalisation of a block.

use candle_core::{D, Result, Tensor, Var};
use candle_nn::{BatchNorm, ModuleT};
use memdil_kernels::Norm;

use crate::layers::Layers;

/// Added to the variance; PyTorch's default. The momentum of the running statistics is candle's
/// default, 0.1, which is also PyTorch's.
const EPS: f64 = 1e-5;

#[derive(Clone, Debug)]
pub(crate) enum Normalize {
    Batch(BatchNorm),
    Layer { weight: Tensor, bias: Tensor },
    None,
}

impl Normalize {
    /// A normalisation that starts as the identity.
    pub(crate) fn new(
        norm: Norm,
        units: usize,
        name: &str,
        layers: &mut Layers<'_>,
    ) -> Result<Self> {
        if norm == Norm::None {
            return Ok(Self::None);
        }
        let [weight, bias] = layers.identity(name, units)?.map(Var::into_inner);
        if norm == Norm::Layer {
            return Ok(Self::Layer { weight, bias });
        }
        let [mean, variance] = layers.running(name, units)?.map(Var::into_inner);
        let norm = BatchNorm::new(units, mean, variance, weight, bias, EPS)?;
        Ok(Self::Batch(norm))
    }

    pub(crate) fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        match self {
            Self::Batch(norm) => norm.forward_t(x, train),
            // candle's fused layer normalisation has no gradient.
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
