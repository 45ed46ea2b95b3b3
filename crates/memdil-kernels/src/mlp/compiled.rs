//! The forward and backward passes, compiled once per element type.

use super::network::Mlp;
use crate::optimizer::Step;
use crate::vector::Element;

/// An element type that networks are compiled for: `f32` or `f64`.
///
/// Crates that train a network link the passes compiled in this crate.
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
