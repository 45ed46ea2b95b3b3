//! The products of a layer by panel, each normalised and activated while it is in the cache.

use crate::mlp::architecture::{Activation, Norm};
use crate::mlp::panel::{BlockVectors, UnitPanel, affine, batch_norm};
use crate::tile::{DEPTH, PanelProduct, Panels};
use crate::vector::{Element, Vector, VectorKernel, width};

/// The operation on the products of a panel as soon as they are computed.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Finish {
    BatchNorm,
    Affine,
    Nothing,
}

/// Consecutive panels of a layer's products, starting at panel `first`.
pub(super) struct Products<'a, T> {
    pub(super) input: &'a Panels<T>,
    pub(super) weight: &'a Panels<T>,
    pub(super) first: usize,
    pub(super) out: &'a mut [T],
}

impl<T: Element> Products<'_, T> {
    /// Multiplies each block of the inputs with all panels before it reads the next block.
    #[inline(always)]
    fn compute<V: Vector<Scalar = T>>(&mut self) {
        let (input, weight) = (self.input, self.weight);
        for k in (0..weight.rows).step_by(DEPTH) {
            for (j, out) in (self.first..).zip(self.out.chunks_exact_mut(input.stride())) {
                let product = PanelProduct {
                    a: input.values()[k / width::<V>() * input.stride()..].as_ptr(),
                    a_stride: input.stride(),
                    b: weight.values()[j * weight.stride() + k * width::<V>()..].as_ptr(),
                    c: out.as_mut_ptr(),
                    rows: input.rows,
                    depth: DEPTH.min(weight.rows - k),
                    cols: weight.cols - j * width::<V>(),
                    add: k > 0,
                };
                // SAFETY: input and `out` have the same number of rows, the weights have a row for
                // every column of the input, and `dispatch` requires supported instructions.
                unsafe {
                    product.run::<V>();
                }
            }
        }
    }
}

impl<T: Element> VectorKernel<T> for Products<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(mut self) {
        self.compute::<V>();
    }
}

/// Consecutive panels of a block, with normalisation and activation.
pub(super) struct BlockPanels<'a, T> {
    pub(super) products: Products<'a, T>,
    pub(super) output: &'a mut [T],
    /// The vectors of the first panel.
    pub(super) vectors: BlockVectors<T>,
    pub(super) finish: Finish,
    pub(super) norm: Norm,
    pub(super) activation: Activation,
}

impl<T: Element> VectorKernel<T> for BlockPanels<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let mut products = self.products;
        products.compute::<V>();
        let (input, activation) = (products.input, self.activation);
        let stride = input.stride();
        let panels = products.out.chunks_exact_mut(stride);
        for (j, (x, h)) in panels.zip(self.output.chunks_exact_mut(stride)).enumerate() {
            let x = UnitPanel {
                start: x.as_mut_ptr(),
                samples: input.rows,
            };
            let (h, offset) = (h.as_mut_ptr(), j * width::<V>());
            // SAFETY: both panels have `input.rows` rows, the vectors have a row for every panel,
            // and `dispatch` requires supported instructions.
            unsafe {
                let vectors = self.vectors.offset(offset);
                match self.finish {
                    Finish::BatchNorm => batch_norm::<V>(x, h, vectors, activation),
                    Finish::Affine => affine::<V>(x, h, vectors, self.norm, activation),
                    Finish::Nothing => (),
                }
            }
        }
    }
}
