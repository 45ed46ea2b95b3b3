//! The convolution kernels, compiled once per element type.

use super::correlate::CorrelationTask;
use super::gather::GatheredProduct;
use crate::vector::{Dispatch as _, Element, Instructions};

/// An element type that convolutions are compiled for: `f32` or `f64`.
///
/// Crates that call a convolution link the kernels compiled in this crate.
pub trait ConvolutionElement: Element {
    #[doc(hidden)]
    fn gather(instructions: Instructions, product: GatheredProduct<'_, Self>);
    #[doc(hidden)]
    fn correlate(instructions: Instructions, task: CorrelationTask<'_, Self>);
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
        }
    };
}
compile!(f32);
compile!(f64);
