//! Convolution as an operation on tensors.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};

use super::plain;
use super::values::{TensorNumber, by_type, gradient, slice, wrap};
use crate::convolution::{Algorithm, Convolution, Method};

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
    let settings = Conv2d {
        stride,
        padding,
        algorithm: None,
    };
    conv2d_with(x, weight, settings)
}

/// Settings of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Step of the kernel.
    pub stride: usize,
    /// Rows and columns of zeros on each side of the image.
    pub padding: usize,
    /// The algorithm on the CPU; `None`: the one that [`Convolution::method`] chooses.
    pub algorithm: Option<Algorithm>,
}

/// [`conv2d`] with a given algorithm.
///
/// # Errors
///
/// candle's error if shapes or types do not match, or if the algorithm does not compute this
/// convolution.
pub fn conv2d_with(x: &Tensor, weight: &Tensor, settings: Conv2d) -> Result<Tensor> {
    let sizes = settings.sizes(x, weight)?;
    if !x.device().is_cpu() {
        return plain::conv2d(x, weight, settings.stride, settings.padding);
    }
    let operation = ConvolutionOperation {
        sizes,
        algorithm: settings.algorithm,
    };
    x.contiguous()?.apply_op2(&weight.contiguous()?, operation)
}

impl Conv2d {
    /// The sizes of the convolution, if the weights match the images.
    pub(super) fn sizes(&self, x: &Tensor, weight: &Tensor) -> Result<Convolution> {
        let (images, height, width, inputs) = x.dims4()?;
        let (kernel, columns, depth, outputs) = weight.dims4()?;
        if kernel != columns || depth != inputs {
            bail!(
                "weights of shape {:?}, images of shape {:?}: weights must be (k, k, {inputs}, outputs)",
                weight.dims(),
                x.dims()
            );
        }
        Ok(Convolution {
            images,
            height,
            width,
            inputs,
            outputs,
            kernel,
            stride: self.stride,
            padding: self.padding,
        })
    }
}

impl Convolution {
    /// The method for an algorithm, or by the rule.
    pub(super) fn method_by<T: TensorNumber>(&self, algorithm: Option<Algorithm>) -> Method {
        let method = self.method::<T>();
        Method {
            algorithm: algorithm.unwrap_or(method.algorithm),
            ..method
        }
    }
}

/// A convolution and its algorithm.
struct ConvolutionOperation {
    sizes: Convolution,
    algorithm: Option<Algorithm>,
}

impl CustomOp2 for ConvolutionOperation {
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
            let method = self.sizes.method_by::<T>(self.algorithm);
            let y = self.sizes.forward_with::<T>(method, slice(x, lx)?, slice(w, lw)?);
            T::to_cpu_storage_owned(y.map_err(wrap)?)
        });
        let Convolution {
            images, outputs, ..
        } = self.sizes;
        let (height, width) = self.sizes.output_size();
        Ok((y, (images, height, width, outputs).into()))
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
            let (sizes, method) = (self.sizes, self.sizes.method_by::<T>(self.algorithm));
            let of_x = || gradient::<T>(x, g, w, |g, w| sizes.input_gradient_with(method, g, w));
            let of_w = || gradient::<T>(w, x, g, |x, g| sizes.weight_gradient_with(method, x, g));
            Ok((
                x.track_op().then(of_x).transpose()?,
                w.track_op().then(of_w).transpose()?,
            ))
        })
    }
}
