//! The kernels as operations on candle's tensors, with their gradients (feature `candle`).
//!
//! Images have their channels last: (n, height, width, channels). The kernels compute on the
//! processor in f32 and f64; a tensor on another device goes through candle's own operations, which
//! [`plain`] has for every device: what the kernels are tested against.

mod batch_norm;
mod convolution;
pub mod plain;
mod pool;
mod values;

pub use batch_norm::{batch_norm, batch_norm_by};
pub use convolution::conv2d;
pub use pool::max_pool2;
