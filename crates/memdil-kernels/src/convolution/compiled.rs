//! The kernels, compiled once for each type of number.

use super::correlate::CorrelationTask;
use super::gather::GatheredProduct;
use crate::vector::{Dispatch as _, Element, Instructions};

/// A number that convolutions are compiled for: `f32` or `f64`.
///
/// Crates that call a convolution link the kernels that were compiled in this one.
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
