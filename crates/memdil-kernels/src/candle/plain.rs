//! The same operations composed of candle's own, for any device: slower on the CPU, and the
//! reference for tests of the kernels.

use candle_core::{D, Result, Tensor};

use crate::batch_norm::EPSILON;

/// Equivalent to [`conv2d`](super::conv2d).
///
/// # Errors
///
/// candle's error if shapes or types do not match.
pub fn conv2d(x: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    let images = x.permute((0, 3, 1, 2))?.contiguous()?;
    let weight = weight.permute((3, 2, 0, 1))?.contiguous()?;
    images
        .conv2d(&weight, padding, stride, 1, 1)?
        .permute((0, 2, 3, 1))?
        .contiguous()
}

/// Equivalent to [`batch_norm`](super::batch_norm).
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
    let rows = x.reshape(((), x.dim(D::Minus1)?))?;
    let mean = rows.mean(0)?;
    let variance = rows.broadcast_sub(&mean)?.sqr()?.mean(0)?;
    let y = batch_norm_by(x, [&mean, &variance], scale, shift, residual, relu)?;
    Ok((y, [mean.detach(), variance.detach()]))
}

/// Equivalent to [`batch_norm_by`](super::batch_norm_by).
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
    let normal = x
        .broadcast_sub(mean)?
        .broadcast_div(&(variance + EPSILON)?.sqrt()?)?;
    let mut y = normal.broadcast_mul(scale)?.broadcast_add(shift)?;
    if let Some(residual) = residual {
        y = (y + residual)?;
    }
    if relu { y.relu() } else { Ok(y) }
}

/// As [`max_pool2`](super::max_pool2), except that each of several equal pixels receives the
/// gradient.
///
/// candle's `max_pool2d` is not used: in version 0.11.1 its gradient is divided by the number of
/// pixels in a window.
///
/// # Errors
///
/// candle's error if the shape or type does not match.
pub fn max_pool2(x: &Tensor) -> Result<Tensor> {
    let (images, height, width, channels) = x.dims4()?;
    let even = x
        .narrow(1, 0, height / 2 * 2)?
        .narrow(2, 0, width / 2 * 2)?
        .contiguous()?;
    let windows = even.reshape((images * (height / 2), 2, width / 2, 2 * channels))?;
    let rows = windows
        .max(1)?
        .reshape((images, height / 2, width / 2, 2, channels))?;
    rows.max(3)
}
