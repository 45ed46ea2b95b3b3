//! Pooling as an operation on tensors.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, WithDType};

use super::plain;
use super::values::{by_type, gradient, slice, wrap};
use crate::pool::{Pool, max_pool, max_pool_gradient};

/// The maximum of each block of two by two pixels.
///
/// # Shapes
///
/// `x` (n, height, width, C), result (n, height / 2, width / 2, C), rounded down.
///
/// # Errors
///
/// candle's error if the shape or type does not match.
pub fn max_pool2(x: &Tensor) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return plain::max_pool2(x);
    }
    let (images, height, width, channels) = x.dims4()?;
    x.contiguous()?.apply_op1(Pool {
        images,
        height,
        width,
        channels,
    })
}

impl CustomOp1 for Pool {
    fn name(&self) -> &'static str {
        "max-pool"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let y = by_type!(x.dtype(), T => {
            T::to_cpu_storage_owned(max_pool::<T>(self, slice(x, layout)?).map_err(wrap)?)
        });
        let (height, width) = (self.height / 2, self.width / 2);
        Ok((y, (self.images, height, width, self.channels).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        by_type!(x.dtype(), T => {
            gradient::<T>(x, x, g, |x, g| max_pool_gradient(self, x, g)).map(Some)
        })
    }
}
