//! The kernels as operations on candle's tensors, with their gradients (feature `candle`).
//!
//! Images have their channels last: (n, height, width, channels). The kernels compute on the CPU in
//! f32 and f64. For tensors on other devices the module [`plain`] composes the same operations from
//! candle's own; the kernels are tested against it.

mod batch_norm;
mod convolution;
pub mod plain;
mod pool;
mod tape;
mod update;
mod values;

pub use batch_norm::{batch_norm, batch_norm_by};
pub use convolution::{Conv2d, conv2d, conv2d_with};
pub use pool::max_pool2;
pub use tape::Tape;
pub use update::update;
