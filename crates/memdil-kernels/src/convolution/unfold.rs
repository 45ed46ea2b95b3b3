//! Convolutions of few channels, as products with unfolded images.

use rayon::prelude::*;

use super::sizes::Convolution;
use crate::vector::Element;

/// Largest number of values under a kernel for which the images are unfolded. With few channels, the
/// products of a single tap are too short to keep the multipliers busy.
const MOST_VALUES: usize = 32;

impl Convolution {
    /// The same convolution as one with a kernel of 1 by 1 on unfolded images, if it has few
    /// channels. The order of the weights is the same.
    pub(super) fn unfolded(&self) -> Option<Self> {
        let values = self.kernel * self.kernel * self.inputs;
        let (height, width) = self.output_size();
        (self.kernel > 1 && values <= MOST_VALUES).then_some(Self {
            height,
            width,
            inputs: values,
            kernel: 1,
            stride: 1,
            padding: 0,
            ..*self
        })
    }

    /// The values under the kernel for each pixel of the result: (n, height', width', kernel kernel
    /// inputs).
    pub(super) fn unfold<T: Element>(&self, x: &[T]) -> Vec<T> {
        let (height, width) = self.output_size();
        let row = width * self.kernel * self.kernel * self.inputs;
        let mut unfolded = vec![T::default(); self.images * height * row];
        unfolded
            .par_chunks_exact_mut(row)
            .enumerate()
            .for_each(|(at, to)| {
                let image = &x[at / height * self.input_values()..][..self.input_values()];
                self.unfold_row(image, at % height, to);
            });
        unfolded
    }

    /// The values under the kernel for row `i` of the result.
    fn unfold_row<T: Element>(&self, image: &[T], i: usize, to: &mut [T]) {
        let span = self.kernel * self.inputs;
        let row = self.width * self.inputs;
        for (j, pixel) in to.chunks_exact_mut(self.kernel * span).enumerate() {
            // The part of the kernel's columns that is inside the image.
            let left = j * self.stride;
            let first = self.padding.saturating_sub(left).min(self.kernel);
            let end = (self.width + self.padding)
                .saturating_sub(left)
                .min(self.kernel);
            if first >= end {
                continue;
            }
            for (u, to) in pixel.chunks_exact_mut(span).enumerate() {
                let y = (i * self.stride + u).checked_sub(self.padding);
                if let Some(y) = y.filter(|&y| y < self.height) {
                    let from = y * row + (left + first - self.padding) * self.inputs;
                    let to = &mut to[first * self.inputs..end * self.inputs];
                    to.copy_from_slice(&image[from..][..to.len()]);
                }
            }
        }
    }
}
