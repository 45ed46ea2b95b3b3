//! The convolution kernels, compiled once per element type.

use super::correlate::CorrelationTask;
use super::gather::GatheredProduct;
use super::winograd::{KernelGradients, TilePair, TileProduct, TileSums, WeightTransform};
use crate::vector::{Dispatch as _, Element, Instructions};

/// An element type that convolutions are compiled for: `f32` or `f64`.
///
/// Crates that call a convolution link the kernels compiled in this crate.
pub trait ConvolutionElement: Element {
    #[doc(hidden)]
    fn gather(instructions: Instructions, product: GatheredProduct<'_, Self>);
    #[doc(hidden)]
    fn correlate(instructions: Instructions, task: CorrelationTask<'_, Self>);
    #[doc(hidden)]
    fn multiply_tiles(instructions: Instructions, task: TileProduct<'_, Self>);
    #[doc(hidden)]
    fn transform_weights(instructions: Instructions, task: WeightTransform<'_, Self>);
    #[doc(hidden)]
    fn transform_tiles(instructions: Instructions, task: TilePair<'_, Self>);
    #[doc(hidden)]
    fn sum_tiles(instructions: Instructions, task: TileSums<Self>);
    #[doc(hidden)]
    fn transform_sums(instructions: Instructions, task: KernelGradients<'_, Self>);
}

macro_rules! compile {
    ($scalar:ty) => {
        impl ConvolutionElement for $scalar {
            fn gather(instructions: Instructions, product: GatheredProduct<'_, Self>) {
                Self::dispatch(instructions, product);
            }

            fn correlate(instructions: Instructions, task: CorrelationTask<'_, Self>) {
                Self::dispatch(instructions, task);
            }

            fn multiply_tiles(instructions: Instructions, task: TileProduct<'_, Self>) {
                Self::dispatch(instructions, task);
            }

            fn transform_weights(instructions: Instructions, task: WeightTransform<'_, Self>) {
                Self::dispatch(instructions, task);
            }

            fn transform_tiles(instructions: Instructions, task: TilePair<'_, Self>) {
                Self::dispatch(instructions, task);
            }

            fn sum_tiles(instructions: Instructions, task: TileSums<Self>) {
                Self::dispatch(instructions, task);
            }

            fn transform_sums(instructions: Instructions, task: KernelGradients<'_, Self>) {
                Self::dispatch(instructions, task);
            }
        }
    };
}
compile!(f32);
compile!(f64);
