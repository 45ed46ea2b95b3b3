//! The three passes: forward, and the gradients of images and weights.

use rayon::prelude::*;

use super::compiled::ConvolutionElement;
use super::gather::GatheredProduct;
use super::packed::PackedWeights;
use super::plan::GatherPlan;
use super::sizes::{Convolution, GROUP_BYTES};
use super::weight_gradient;
use crate::error::{KernelError, check_length};
use crate::vector::Instructions;

impl Convolution {
    /// The convolution of a batch of images.
    ///
    /// # Shapes
    ///
    /// `x` (n, height, width, inputs), `w` (kernel, kernel, inputs, outputs), result (n,
    /// [`output_size`], outputs).
    ///
    /// # Errors
    ///
    /// [`KernelError::Size`], [`KernelError::Length`].
    ///
    /// [`output_size`]: Self::output_size
    pub fn forward<T: ConvolutionElement>(&self, x: &[T], w: &[T]) -> Result<Vec<T>, KernelError> {
        self.forward_with(Instructions::detect(), x, w)
    }

    /// The gradient of the images from the gradient `g` of the result.
    ///
    /// # Shapes
    ///
    /// As in [`forward`](Self::forward): `g` (n, output size, outputs), result (n, height, width,
    /// inputs).
    ///
    /// # Errors
    ///
    /// [`KernelError::Size`], [`KernelError::Length`].
    pub fn input_gradient<T: ConvolutionElement>(
        &self,
        g: &[T],
        w: &[T],
    ) -> Result<Vec<T>, KernelError> {
        self.input_gradient_with(Instructions::detect(), g, w)
    }

    /// The gradient of the weights from the images and the gradient `g` of the result.
    ///
    /// # Shapes
    ///
    /// As in [`forward`](Self::forward): result (kernel, kernel, inputs, outputs).
    ///
    /// # Errors
    ///
    /// [`KernelError::Size`], [`KernelError::Length`].
    pub fn weight_gradient<T: ConvolutionElement>(
        &self,
        x: &[T],
        g: &[T],
    ) -> Result<Vec<T>, KernelError> {
        self.weight_gradient_with(Instructions::detect(), x, g)
    }

    /// [`forward`](Self::forward) with given instructions.
    ///
    /// # Errors
    ///
    /// As in `forward`, and [`KernelError::Instructions`] if this processor does not support them.
    pub fn forward_with<T: ConvolutionElement>(
        &self,
        instructions: Instructions,
        x: &[T],
        w: &[T],
    ) -> Result<Vec<T>, KernelError> {
        instructions.check()?;
        self.check()?;
        check_length("images", x, self.images * self.input_values())?;
        check_length("weights", w, self.weights())?;
        let packed = PackedWeights::forward(self, w, T::panel_width(instructions));
        let plans = |images: usize| vec![GatherPlan::forward(self, images)];
        let sizes = (self.input_values(), self.output_values());
        Ok(self.gathered(instructions, x, sizes, &packed, plans))
    }

    /// [`input_gradient`](Self::input_gradient) with given instructions.
    ///
    /// # Errors
    ///
    /// As in `input_gradient`, and [`KernelError::Instructions`] if this processor does not support
    /// them.
    pub fn input_gradient_with<T: ConvolutionElement>(
        &self,
        instructions: Instructions,
        g: &[T],
        w: &[T],
    ) -> Result<Vec<T>, KernelError> {
        instructions.check()?;
        self.check()?;
        check_length(
            "gradient of the result",
            g,
            self.images * self.output_values(),
        )?;
        check_length("weights", w, self.weights())?;
        let packed = PackedWeights::transposed(self, w, T::panel_width(instructions));
        let plans = |images: usize| GatherPlan::input_gradient(self, images);
        let sizes = (self.output_values(), self.input_values());
        Ok(self.gathered(instructions, g, sizes, &packed, plans))
    }

    /// [`weight_gradient`](Self::weight_gradient) with given instructions.
    ///
    /// # Errors
    ///
    /// As in `weight_gradient`, and [`KernelError::Instructions`] if this processor does not
    /// support them.
    pub fn weight_gradient_with<T: ConvolutionElement>(
        &self,
        instructions: Instructions,
        x: &[T],
        g: &[T],
    ) -> Result<Vec<T>, KernelError> {
        instructions.check()?;
        self.check()?;
        check_length("images", x, self.images * self.input_values())?;
        check_length(
            "gradient of the result",
            g,
            self.images * self.output_values(),
        )?;
        Ok(weight_gradient::run(self, instructions, x, g))
    }

    /// Products of gathered rows, one group of images at a time; `read` and `written` are the
    /// numbers of values per image of source and result.
    fn gathered<T: ConvolutionElement>(
        &self,
        instructions: Instructions,
        source: &[T],
        (read, written): (usize, usize),
        packed: &PackedWeights<T>,
        plans: impl Fn(usize) -> Vec<GatherPlan>,
    ) -> Vec<T> {
        let most = GROUP_BYTES / (read * size_of::<T>());
        let group = most
            .min(self.images.div_ceil(rayon::current_num_threads()))
            .max(1);
        let (whole, rest) = (plans(group), plans(self.images % group));
        let mut target = vec![T::default(); self.images * written];
        let zeros = vec![T::default(); packed.depth];
        let groups = target
            .par_chunks_mut(group * written)
            .zip(source.par_chunks(group * read));
        groups.for_each(|(target, source)| {
            let plans = if source.len() == group * read {
                &whole
            } else {
                &rest
            };
            for plan in plans {
                T::gather(
                    instructions,
                    GatheredProduct {
                        source,
                        target: &mut *target,
                        plan,
                        packed,
                        zeros: &zeros,
                    },
                );
            }
        });
        target
    }
}
