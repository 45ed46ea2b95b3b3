//! The products of a layer, panel by panel, with what follows them while they are in the cache.

use crate::mlp::architecture::{Activation, Norm};
use crate::mlp::panel::{BlockVectors, UnitPanel, affine, batch_norm};
use crate::tile::{DEPTH, PanelProduct, Panels};
use crate::vector::{Element, Vector, VectorKernel, width};

/// Multiplications below which a layer is not worth handing to other threads.
pub(in crate::mlp) const SMALL: usize = 1 << 19;

/// What follows the products of a panel at once.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Finish {
    BatchNorm,
    Affine,
    Nothing,
}

/// Some panels of a layer's products, from panel `first` on.
pub(super) struct Products<'a, T> {
    pub(super) input: &'a Panels<T>,
    pub(super) weight: &'a Panels<T>,
    pub(super) first: usize,
    pub(super) out: &'a mut [T],
}

impl<T: Element> Products<'_, T> {
    /// A block of the inputs is used for all panels before the next one is read.
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
                // SAFETY: input and `out` have as many rows; the weights have a row for every
                // column of the input.
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

/// Some panels of a block: products, normalisation, activation.
pub(super) struct BlockPanels<'a, T> {
    pub(super) products: Products<'a, T>,
    pub(super) output: &'a mut [T],
    /// Of the first panel.
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
            // SAFETY: both panels have as many rows, and there is a row of the vectors for every
            // panel.
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
