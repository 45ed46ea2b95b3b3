//! Convolution of images and both of its gradients, by direct sums or by Winograd's algorithm.
//!
//! Direct sums are matrix products that gather their rows. The products of all taps of the kernel are
//! summed in registers. The rows that im2col would copy are read in place instead. Rows are sorted by
//! the taps that fall on the padding, so that whole tiles can skip these taps.

mod compiled;
mod correlate;
mod gather;
mod method;
mod packed;
mod passes;
mod plan;
mod sizes;
mod unfold;
mod weight_gradient;
mod winograd;
mod winograd_passes;

pub use compiled::ConvolutionElement;
pub use method::{Algorithm, Method};
#[cfg(feature = "candle")]
pub(crate) use passes::add;
pub use sizes::Convolution;
