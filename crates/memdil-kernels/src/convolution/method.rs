//! The algorithms of a convolution, and the rule that chooses one.

use std::any::TypeId;

use super::compiled::ConvolutionElement;
use super::sizes::Convolution;
use crate::error::KernelError;
use crate::vector::Instructions;

/// An algorithm that computes a convolution and its gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// The sum over all taps of the kernel.
    Direct,
    /// Winograd's F(4 x 4, 3 x 3), for kernels of 3 by 3 and stride 1 (Winograd 1980; Lavin and Gray
    /// 2016).
    Winograd,
}

/// How a pass is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The instruction set.
    pub instructions: Instructions,
}

/// Weight of an operation of a transform in the comparison of algorithms: a transform moves more
/// values per operation than a product.
const TRANSFORM_WEIGHT: usize = 2;

impl Convolution {
    /// The method of [`forward`](Self::forward) and of both gradients: the widest instructions that
    /// this processor supports, and Winograd's algorithm in `f32` if the layer's kernel is 3 by 3 with
    /// stride 1 and
    ///
    /// $$108 t C O + 2 t (408 C + 344 O) < 3 k C O,$$
    ///
    /// the multiply-adds of the three passes for an image: t tiles of 4 by 4 results, C inputs, O
    /// outputs, k taps of kernels that are inside the image. Each tile has 36 products in each pass;
    /// 408 and 344 are the operations of the transforms, which count twice (measured, see
    /// docs/src/training.md). So the choice depends only on the sizes of the layer.
    pub fn method<T: ConvolutionElement>(&self) -> Method {
        let algorithm = if TypeId::of::<T>() == TypeId::of::<f32>() && self.is_faster_in_tiles() {
            Algorithm::Winograd
        } else {
            Algorithm::Direct
        };
        Method {
            algorithm,
            instructions: Instructions::detect(),
        }
    }

    fn is_faster_in_tiles(&self) -> bool {
        if (self.kernel, self.stride) != (3, 1) {
            return false;
        }
        let (height, width) = self.output_size();
        let (inputs, outputs) = (self.inputs, self.outputs);
        let tiles = height.div_ceil(4) * width.div_ceil(4);
        let transforms = tiles * (408 * inputs + 344 * outputs);
        let products = 108 * tiles * inputs * outputs;
        let direct = 3 * self.taps(self.height) * self.taps(self.width) * inputs * outputs;
        products + TRANSFORM_WEIGHT * transforms < direct
    }

    /// Number of taps inside an image of `size` rows, over all results of a column.
    fn taps(&self, size: usize) -> usize {
        let results = (size + 2 * self.padding).saturating_sub(self.kernel - 1);
        let inside = |at: usize| (self.padding..self.padding + size).contains(&at);
        let under = |result: usize| {
            (result..result + self.kernel)
                .filter(|&at| inside(at))
                .count()
        };
        (0..results).map(under).sum()
    }

    /// Rejects invalid sizes, and a method that is not possible.
    pub(super) fn check_method(&self, method: Method) -> Result<Instructions, KernelError> {
        method.instructions.check()?;
        self.check()?;
        if method.algorithm == Algorithm::Winograd && (self.kernel, self.stride) != (3, 1) {
            return Err(KernelError::Algorithm {
                kernel: self.kernel,
                stride: self.stride,
            });
        }
        Ok(method.instructions)
    }
}
