//! Seeded initial values.

use candle_core::{DType, Device, Result, Shape, Tensor, Var};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Uniform on ±1/√fan_in, PyTorch's default for the weights and the bias of a linear layer.
pub(crate) fn uniform_fan_in(
    shape: impl Into<Shape>,
    fan_in: usize,
    rng: &mut ChaCha8Rng,
    dtype: DType,
    device: &Device,
) -> Result<Var> {
    let shape = shape.into();
    let bound = 1.0 / (fan_in as f64).sqrt();
    // 53 random bits make a uniform number in [0, 1).
    let mut draw = || (rng.next_u64() >> 11) as f64 * 2f64.powi(-53) * 2.0 * bound - bound;
    let values: Vec<f64> = (0..shape.elem_count()).map(|_| draw()).collect();
    Var::from_tensor(&Tensor::from_vec(values, shape, device)?.to_dtype(dtype)?)
}
