//! Batch normalisation as an operation on tensors.

use std::sync::{Arc, OnceLock};

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, DType, Layout, Result, Shape, Tensor, bail};

use super::plain;
use super::values::{TensorNumber, by_type, slice, with, wrap};
use crate::batch_norm::{ChannelMoments, Epilogue, moments, normalize, normalize_gradient};
use crate::vector::Element;

/// Batch normalisation by the statistics of the batch, then an optional residual, then an optional
/// ReLU. Returns the result, and the mean and biased variance of each channel.
///
/// # Shapes
///
/// `x` and the residual (.., C), `scale` and `shift` (C); result as `x`, moments (C).
///
/// # Errors
///
/// candle's error if shapes or types do not match.
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
    let found = Arc::<OnceLock<_>>::default();
    let operation = BatchNorm {
        given: None,
        found: found.clone(),
        relu,
    };
    let y = operation.apply(x, scale, shift, residual)?;
    let [mean, variance] = found.get().cloned().unwrap_or_default();
    let vector =
        |values: Vec<f64>| Tensor::from_vec(values, scale.dims(), x.device())?.to_dtype(x.dtype());
    Ok((y, [vector(mean)?, vector(variance)?]))
}

/// [`batch_norm`] by given statistics, as in evaluation; the result has no gradient.
///
/// # Shapes
///
/// As in [`batch_norm`]; `mean` and `variance` (C).
///
/// # Errors
///
/// candle's error if shapes or types do not match.
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
    let operation = BatchNorm {
        given,
        found: Arc::default(),
        relu,
    };
    Ok(operation.apply(x, scale, shift, residual)?.detach())
}

/// Batch normalisation; the second argument of the operation holds scale and shift.
struct BatchNorm {
    /// Mean and variance to normalise by, if not those of the batch.
    given: Option<[Vec<f64>; 2]>,
    /// Mean and variance of the forward pass, for the caller and for the backward pass.
    found: Arc<OnceLock<[Vec<f64>; 2]>>,
    relu: bool,
}

type Stored<'a> = (&'a CpuStorage, &'a Layout);

impl BatchNorm {
    fn apply(
        self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        residual: Option<&Tensor>,
    ) -> Result<Tensor> {
        let (x, affine) = (x.contiguous()?, Tensor::stack(&[scale, shift], 0)?);
        match residual {
            None => x.apply_op2(&affine, self),
            Some(residual) => x.apply_op3(&affine, &residual.contiguous()?, self),
        }
    }

    fn forward<T: TensorNumber>(
        &self,
        x: Stored<'_>,
        affine: Stored<'_>,
        residual: Option<Stored<'_>>,
    ) -> Result<CpuStorage> {
        let (x, affine) = (slice::<T>(x.0, x.1)?, slice::<T>(affine.0, affine.1)?);
        let (scale, shift) = affine.split_at(affine.len() / 2);
        let epilogue = Epilogue {
            residual: residual.map(|r| slice::<T>(r.0, r.1)).transpose()?,
            relu: self.relu,
        };
        let statistics = match &self.given {
            Some(given) => moments_of(given),
            None => moments(x, scale.len()).map_err(wrap)?,
        };
        // An operation computes once, so the cell is empty.
        let _ = self.found.set(doubles(&statistics));
        let y = normalize(x, &statistics, scale, shift, epilogue).map_err(wrap)?;
        Ok(T::to_cpu_storage_owned(y))
    }

    /// Gradients of the values, of scale and shift, and of the residual.
    fn gradients<T: TensorNumber>(
        &self,
        x: &Tensor,
        affine: &Tensor,
        residual: Option<&Tensor>,
        y: &Tensor,
        g: &Tensor,
    ) -> Result<(Tensor, Tensor, Option<Tensor>)> {
        let Some(values) = self.found.get() else {
            bail!("batch normalisation: there is no forward pass to differentiate")
        };
        let statistics = moments_of::<T>(values);
        let channels = statistics.mean.len();
        let compute = |x: &[T], y: &[T], g: &[T], affine: &[T]| {
            let epilogue = Epilogue {
                // Only its presence counts; its values are not read.
                residual: residual.map(|_| x),
                relu: self.relu,
            };
            normalize_gradient(
                x,
                y,
                g.to_vec(),
                &statistics,
                affine.split_at(channels).into(),
                epilogue,
            )
            .map_err(wrap)
        };
        let found = with(x, |x| {
            with(y, |y| {
                with(g, |g| with(affine, |affine| compute(x, y, g, affine)))
            })
        })?;
        let like_x = |values: Vec<T>| Tensor::from_vec(values, x.shape(), x.device());
        let affine = [found.scale, found.shift].concat();
        Ok((
            like_x(found.values)?,
            Tensor::from_vec(affine, (2, channels), x.device())?,
            found.residual.map(like_x).transpose()?,
        ))
    }
}

/// Mean and biased variance of each channel, in f64.
pub(super) fn doubles<T: TensorNumber>(moments: &ChannelMoments<T>) -> [Vec<f64>; 2] {
    let vector = |values: &Vec<T>| values.iter().map(|&v| Element::to_f64(v)).collect();
    [&moments.mean, &moments.variance].map(vector)
}

/// The inverse of [`doubles`].
pub(super) fn moments_of<T: TensorNumber>([mean, variance]: &[Vec<f64>; 2]) -> ChannelMoments<T> {
    let vector = |values: &[f64]| values.iter().map(|&v| Element::from_f64(v)).collect();
    ChannelMoments {
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
        let y = by_type!(x.dtype(), T => self.forward::<T>((x, lx), (a, la), None)?);
        Ok((y, lx.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        a: &Tensor,
        y: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (of_x, of_a, _) = by_type!(x.dtype(), T => self.gradients::<T>(x, a, None, y, g)?);
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
        let y = by_type!(x.dtype(), T => self.forward::<T>((x, lx), (a, la), Some((r, lr)))?);
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
        let (of_x, of_a, of_r) =
            by_type!(x.dtype(), T => self.gradients::<T>(x, a, Some(r), y, g)?);
        Ok((Some(of_x), Some(of_a), of_r))
    }
}
