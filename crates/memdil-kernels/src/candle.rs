//! The kernels as operations on candle's tensors, with their gradients (feature `candle`).
//!
//! Images have their channels last: (n, height, width, channels). The kernels compute on the
//! processor in f32 and f64; a tensor on another device goes through candle's own operations, which
//! [`plain`] has for every device: what the kernels are tested against.

pub mod plain;

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, Layout, Result, Shape, Storage, Tensor,
    bail,
};

use crate::{
    Convolution, Element, Follow, KernelError, Moments, Pool, max_pool, max_pool_gradient,
};
use crate::{moments, normalize, normalize_gradient};

/// Two-dimensional convolution without bias, as [`Convolution`] describes it.
///
/// # Shapes
///
/// `x` (n, height, width, inputs), `weight` (kernel, kernel, inputs, outputs), result (n, height',
/// width', outputs).
///
/// # Errors
///
/// candle's error when shapes or types do not fit.
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
            "weights {:?} for images {:?}: must be (k, k, {inputs}, outputs)",
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

/// Batch normalisation by the statistics of the batch, plus a residual, then the positive part: the
/// last two where asked for. Returns the result with mean and biased variance of every channel.
///
/// # Shapes
///
/// `x` and the residual (.., C), `scale` and `shift` (C); result as `x`, moments (C).
///
/// # Errors
///
/// candle's error when shapes or types do not fit.
pub fn batch_norm(
    x: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
    residual: Option<&Tensor>,
    relu: bool,
) -> Result<(Tensor, [Tensor; 2])> {
    if !x.device().is_cpu() {
        return plain::batch_norm(x, scale, shift, residual, relu);
    }
    let found = Arc::new(Mutex::new(None));
    let y = apply(x, scale, shift, residual, relu, None, found.clone())?;
    let [mean, variance] = found
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
        .unwrap_or_default();
    let vector =
        |values: Vec<f64>| Tensor::from_vec(values, scale.dims(), x.device())?.to_dtype(x.dtype());
    Ok((y, [vector(mean)?, vector(variance)?]))
}

/// The same by given statistics, as in evaluation; it has no gradient.
///
/// # Shapes
///
/// As in [`batch_norm`]; `mean` and `variance` (C).
///
/// # Errors
///
/// candle's error when shapes or types do not fit.
pub fn batch_norm_by(
    x: &Tensor,
    [mean, variance]: [&Tensor; 2],
    scale: &Tensor,
    shift: &Tensor,
    residual: Option<&Tensor>,
    relu: bool,
) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return plain::batch_norm_by(x, [mean, variance], scale, shift, residual, relu);
    }
    let vector = |v: &Tensor| v.to_dtype(DType::F64)?.to_vec1::<f64>();
    let given = Some([vector(mean)?, vector(variance)?]);
    Ok(apply(x, scale, shift, residual, relu, given, Arc::default())?.detach())
}

/// The maximum of every two by two pixels.
///
/// # Shapes
///
/// `x` (n, height, width, C), result (n, height / 2, width / 2, C), rounded down.
///
/// # Errors
///
/// candle's error when the shape or type does not fit.
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

fn apply(
    x: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
    residual: Option<&Tensor>,
    relu: bool,
    given: Option<[Vec<f64>; 2]>,
    found: Arc<Mutex<Option<[Vec<f64>; 2]>>>,
) -> Result<Tensor> {
    let operation = BatchNorm {
        given,
        found,
        moments: Mutex::new(None),
        relu,
    };
    let (x, affine) = (x.contiguous()?, Tensor::stack(&[scale, shift], 0)?);
    match residual {
        None => x.apply_op2(&affine, operation),
        Some(residual) => x.apply_op3(&affine, &residual.contiguous()?, operation),
    }
}

/// A number that both the kernels and candle have.
trait Value: Element + candle_core::WithDType {}
impl Value for f32 {}
impl Value for f64 {}

/// Runs one of two versions of a function, as the type of the values asks for.
macro_rules! by_type {
    ($dtype:expr, $function:ident($($argument:expr),*)) => {
        match $dtype {
            DType::F32 => $function::<f32>($($argument),*),
            DType::F64 => $function::<f64>($($argument),*),
            other => bail!("values of type {other:?}: f32 or f64 is needed"),
        }
    };
}

/// The values of contiguous storage.
fn slice<'a, T: Value>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("a tensor that is not contiguous")
    };
    Ok(&storage.as_slice::<T>()?[start..end])
}

/// Calls a function with the values of a tensor on the processor.
fn with<T: Value, R>(tensor: &Tensor, f: impl FnOnce(&[T]) -> Result<R>) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(slice(storage, layout)?),
        _ => bail!("a tensor that is not on the processor"),
    }
}

fn wrap(error: KernelError) -> candle_core::Error {
    candle_core::Error::wrap(error)
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
        fn run<T: Value>(
            c: &Convolution,
            x: (&CpuStorage, &Layout),
            w: (&CpuStorage, &Layout),
        ) -> Result<CpuStorage> {
            let y = c
                .forward(slice::<T>(x.0, x.1)?, slice::<T>(w.0, w.1)?)
                .map_err(wrap)?;
            Ok(T::to_cpu_storage_owned(y))
        }
        let y = by_type!(x.dtype(), run(self, (x, lx), (w, lw)))?;
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
        fn run<T: Value>(
            c: &Convolution,
            x: &Tensor,
            w: &Tensor,
            g: &Tensor,
        ) -> Result<[Option<Tensor>; 2]> {
            with::<T, _>(g, |g| {
                let of_x = || with::<T, _>(w, |w| c.input_gradient(g, w).map_err(wrap));
                let of_w = || with::<T, _>(x, |x| c.weight_gradient(x, g).map_err(wrap));
                let tensor = |values: Vec<T>, like: &Tensor| {
                    Tensor::from_vec(values, like.shape(), like.device())
                };
                // The images of the data are no variables: nobody asks for their gradient.
                let of_x = if x.track_op() {
                    Some(tensor(of_x()?, x)?)
                } else {
                    None
                };
                Ok([
                    of_x,
                    if w.track_op() {
                        Some(tensor(of_w()?, w)?)
                    } else {
                        None
                    },
                ])
            })
        }
        let [of_x, of_w] = by_type!(x.dtype(), run(self, x, w, g))?;
        Ok((of_x, of_w))
    }
}

impl CustomOp1 for Pool {
    fn name(&self) -> &'static str {
        "max-pool"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        fn run<T: Value>(sizes: &Pool, x: &CpuStorage, layout: &Layout) -> Result<CpuStorage> {
            Ok(T::to_cpu_storage_owned(
                max_pool(sizes, slice::<T>(x, layout)?).map_err(wrap)?,
            ))
        }
        let y = by_type!(x.dtype(), run(self, x, layout))?;
        Ok((
            y,
            (self.images, self.height / 2, self.width / 2, self.channels).into(),
        ))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        fn run<T: Value>(sizes: &Pool, x: &Tensor, g: &Tensor) -> Result<Tensor> {
            let gradient = with::<T, _>(x, |x| {
                with::<T, _>(g, |g| max_pool_gradient(sizes, x, g).map_err(wrap))
            })?;
            Tensor::from_vec(gradient, x.shape(), x.device())
        }
        by_type!(x.dtype(), run(self, x, g)).map(Some)
    }
}

/// Batch normalisation; the second argument holds scale and shift.
struct BatchNorm {
    /// Mean and variance, where they are not those of the batch.
    given: Option<[Vec<f64>; 2]>,
    /// For the caller, those of the batch.
    found: Arc<Mutex<Option<[Vec<f64>; 2]>>>,
    /// For the backward pass.
    moments: Mutex<Option<[Vec<f64>; 2]>>,
    relu: bool,
}

type Stored<'a> = (&'a CpuStorage, &'a Layout);

impl BatchNorm {
    fn forward<T: Value>(
        &self,
        x: Stored<'_>,
        affine: Stored<'_>,
        residual: Option<Stored<'_>>,
    ) -> Result<CpuStorage> {
        let (x, affine) = (slice::<T>(x.0, x.1)?, slice::<T>(affine.0, affine.1)?);
        let (scale, shift) = affine.split_at(affine.len() / 2);
        let residual = residual
            .map(|(storage, layout)| slice::<T>(storage, layout))
            .transpose()?;
        let statistics = match &self.given {
            Some(given) => moments_of(given),
            None => moments(x, scale.len()).map_err(wrap)?,
        };
        let values = [&statistics.mean, &statistics.variance]
            .map(|v| v.iter().map(|&v| Element::to_f64(v)).collect::<Vec<_>>());
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(values.clone());
        *self.moments.lock().unwrap_or_else(PoisonError::into_inner) = Some(values);
        let y = normalize(
            x,
            &statistics,
            scale,
            shift,
            Follow {
                residual,
                relu: self.relu,
            },
        )
        .map_err(wrap)?;
        Ok(T::to_cpu_storage_owned(y))
    }

    /// Gradients of the values, of scale and shift, and of the residual.
    fn gradients<T: Value>(
        &self,
        x: &Tensor,
        affine: &Tensor,
        residual: Option<&Tensor>,
        y: &Tensor,
        g: &Tensor,
    ) -> Result<(Tensor, Tensor, Option<Tensor>)> {
        let Some(values) = self
            .moments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
        else {
            bail!("batch normalisation backward without forward")
        };
        let statistics = moments_of::<T>(&values);
        let channels = statistics.mean.len();
        let found = with::<T, _>(x, |x| {
            with::<T, _>(y, |y| {
                with::<T, _>(g, |g| {
                    with::<T, _>(affine, |affine| {
                        // Its values are not read.
                        let follow = Follow {
                            residual: residual.map(|_| g),
                            relu: self.relu,
                        };
                        normalize_gradient(x, y, g, &statistics, &affine[..channels], follow)
                            .map_err(wrap)
                    })
                })
            })
        })?;
        let affine = Tensor::from_vec(
            [found.scale, found.shift].concat(),
            (2, channels),
            x.device(),
        )?;
        let residual = found
            .residual
            .map(|r| Tensor::from_vec(r, x.shape(), x.device()))
            .transpose()?;
        Ok((
            Tensor::from_vec(found.values, x.shape(), x.device())?,
            affine,
            residual,
        ))
    }
}

fn moments_of<T: Value>([mean, variance]: &[Vec<f64>; 2]) -> Moments<T> {
    let vector = |values: &[f64]| {
        values
            .iter()
            .map(|&v| <T as Element>::from_f64(v))
            .collect()
    };
    Moments {
        mean: vector(mean),
        variance: vector(variance),
    }
}

impl CustomOp2 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        a: &CpuStorage,
        la: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let y = match x.dtype() {
            DType::F32 => self.forward::<f32>((x, lx), (a, la), None)?,
            _ => self.forward::<f64>((x, lx), (a, la), None)?,
        };
        Ok((y, lx.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        a: &Tensor,
        y: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (of_x, of_a, _) = match x.dtype() {
            DType::F32 => self.gradients::<f32>(x, a, None, y, g)?,
            _ => self.gradients::<f64>(x, a, None, y, g)?,
        };
        Ok((Some(of_x), Some(of_a)))
    }
}

impl CustomOp3 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch-norm-residual"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        a: &CpuStorage,
        la: &Layout,
        r: &CpuStorage,
        lr: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let y = match x.dtype() {
            DType::F32 => self.forward::<f32>((x, lx), (a, la), Some((r, lr)))?,
            _ => self.forward::<f64>((x, lx), (a, la), Some((r, lr)))?,
        };
        Ok((y, lx.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        a: &Tensor,
        r: &Tensor,
        y: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (of_x, of_a, of_r) = match x.dtype() {
            DType::F32 => self.gradients::<f32>(x, a, Some(r), y, g)?,
            _ => self.gradients::<f64>(x, a, Some(r), y, g)?,
        };
        Ok((Some(of_x), Some(of_a), of_r))
    }
}
