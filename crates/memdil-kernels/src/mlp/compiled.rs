//! The passes, compiled once for each type of number.

use super::network::Mlp;
use crate::optimizer::Step;
use crate::vector::Element;

/// A number that networks are compiled for: `f32` or `f64`.
///
/// Crates that train a network link the passes that were compiled in this one.
pub trait MlpElement: Element {
    #[doc(hidden)]
    fn forward(network: &mut Mlp<Self>, training: bool);
    #[doc(hidden)]
    fn backward(network: &mut Mlp<Self>, gradient: &[Self], samples: usize, step: &Step);
}

macro_rules! compile {
    ($scalar:ty) => {
        impl MlpElement for $scalar {
            fn forward(network: &mut Mlp<Self>, training: bool) {
                network.run_forward(training);
            }

            fn backward(network: &mut Mlp<Self>, gradient: &[Self], samples: usize, step: &Step) {
                network.run_backward(gradient, samples, step);
            }
        }
    };
}
compile!(f32);
compile!(f64);
