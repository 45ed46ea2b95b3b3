//! Convolution as an operation on tensors.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};

use super::plain;
use super::values::{by_type, gradient, slice, wrap};
use crate::convolution::Convolution;

/// Two-dimensional convolution without bias, as defined by [`Convolution`].
///
/// # Shapes
///
/// `x` (n, height, width, inputs), `weight` (kernel, kernel, inputs, outputs), result (n, height',
/// width', outputs).
///
/// # Errors
///
/// candle's error if shapes or types do not match.
///
/// ```
/// use candle_core::{DType, Device, Tensor, Var};
/// use memdil_kernels::candle::conv2d;
///
/// let x = Tensor::ones((1, 4, 4, 2), DType::F32, &Device::Cpu)?;
/// let weight = Var::ones((3, 3, 2, 5), DType::F32, &Device::Cpu)?;
/// let y = conv2d(&x, &weight, 1, 1)?;
/// assert_eq!(y.dims(), [1, 4, 4, 5]);
/// let gradients = y.sum_all()?.backward()?;
/// assert_eq!(gradients.get(&weight).map(|g| g.dims().to_vec()), Some(vec![3, 3, 2, 5]));
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn conv2d(x: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    let (images, height, width, inputs) = x.dims4()?;
    let (kernel, columns, depth, outputs) = weight.dims4()?;
    if kernel != columns || depth != inputs {
        bail!(
            "weights of shape {:?}, images of shape {:?}: weights must be (k, k, {inputs}, outputs)",
            weight.dims(),
            x.dims()
        );
    }
    if !x.device().is_cpu() {
        return plain::conv2d(x, weight, stride, padding);
    }
    let sizes = Convolution {
        images,
        height,
        width,
        inputs,
        outputs,
        kernel,
        stride,
        padding,
    };
    x.contiguous()?.apply_op2(&weight.contiguous()?, sizes)
}

impl CustomOp2 for Convolution {
    fn name(&self) -> &'static str {
        "convolution"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let y = by_type!(x.dtype(), T => {
            let y = self.forward::<T>(slice(x, lx)?, slice(w, lw)?);
            T::to_cpu_storage_owned(y.map_err(wrap)?)
        });
        let (height, width) = self.output_size();
        Ok((y, (self.images, height, width, self.outputs).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let g = &g.contiguous()?;
        // The images of the data set are not variables, so their gradient is not needed.
        by_type!(x.dtype(), T => {
            let of_x = || gradient::<T>(x, g, w, |g, w| self.input_gradient(g, w));
            let of_w = || gradient::<T>(w, x, g, |x, g| self.weight_gradient(x, g));
            Ok((
                x.track_op().then(of_x).transpose()?,
                w.track_op().then(of_w).transpose()?,
            ))
        })
    }
}
