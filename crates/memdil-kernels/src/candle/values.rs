//! Access to the values of candle's tensors as slices.

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, WithDType, bail};

use crate::convolution::ConvolutionElement;
use crate::error::KernelError;

/// An element type that both the kernels and candle support.
pub(super) trait TensorNumber: ConvolutionElement + WithDType {}
impl TensorNumber for f32 {}
impl TensorNumber for f64 {}

/// Evaluates an expression with `$T` as the type of the values.
macro_rules! by_type {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            candle_core::DType::F32 => {
                type $T = f32;
                $body
            }
            candle_core::DType::F64 => {
                type $T = f64;
                $body
            }
            other => candle_core::bail!("tensor of type {other:?}: must be f32 or f64"),
        }
    };
}
pub(super) use by_type;

/// The values of contiguous storage.
pub(super) fn slice<'a, T: TensorNumber>(
    storage: &'a CpuStorage,
    layout: &Layout,
) -> Result<&'a [T]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("tensor: must be contiguous")
    };
    Ok(&storage.as_slice::<T>()?[start..end])
}

/// Calls a function with the values of a tensor on the CPU.
pub(super) fn with<T: TensorNumber, R>(
    tensor: &Tensor,
    f: impl FnOnce(&[T]) -> Result<R>,
) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(slice(storage, layout)?),
        _ => bail!("tensor: must be on the CPU"),
    }
}

/// A gradient from the values of two tensors, with the shape of a third.
pub(super) fn gradient<T: TensorNumber>(
    like: &Tensor,
    a: &Tensor,
    b: &Tensor,
    f: impl FnOnce(&[T], &[T]) -> std::result::Result<Vec<T>, KernelError>,
) -> Result<Tensor> {
    let values = with(a, |a| with(b, |b| f(a, b).map_err(wrap)))?;
    Tensor::from_vec(values, like.shape(), like.device())
}

pub(super) fn wrap(error: KernelError) -> candle_core::Error {
    candle_core::Error::wrap(error)
}
