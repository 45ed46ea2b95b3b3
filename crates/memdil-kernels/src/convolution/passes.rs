//! The three passes: forward, and the gradients of images and weights.

use rayon::prelude::*;

use super::compiled::ConvolutionElement;
use super::gather::GatheredProduct;
use super::method::{Algorithm, Method};
use super::packed::PackedWeights;
use super::plan::GatherPlan;
use super::sizes::{Convolution, GROUP_BYTES};
use super::{weight_gradient, winograd_passes};
use crate::error::{KernelError, check_length};
use crate::vector::{Element, Instructions};

/// Values that a thread adds at once.
const CHUNK: usize = 1 << 14;

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
        self.forward_with(self.method::<T>(), x, w)
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
        self.input_gradient_with(self.method::<T>(), g, w)
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
        self.weight_gradient_with(self.method::<T>(), x, g)
    }

    /// [`forward`](Self::forward) by a given method.
    ///
    /// # Errors
    ///
    /// As in `forward`, [`KernelError::Instructions`] if this processor does not support them, and
    /// [`KernelError::Algorithm`] if the algorithm does not compute this convolution.
    pub fn forward_with<T: ConvolutionElement>(
        &self,
        method: Method,
        x: &[T],
        w: &[T],
    ) -> Result<Vec<T>, KernelError> {
        let instructions = self.check_method(method)?;
        check_length("images", x, self.images * self.input_values())?;
        check_length("weights", w, self.weights())?;
        if method.algorithm == Algorithm::Winograd {
            return Ok(winograd_passes::forward(self, instructions, x, w));
        }
        if let Some(sizes) = self.unfolded() {
            return sizes.forward_with(method, &self.unfold(x), w);
        }
        let packed = PackedWeights::forward(self, w, T::panel_width(instructions));
        let plans = |images: usize| vec![GatherPlan::forward(self, images)];
        let sizes = (self.input_values(), self.output_values());
        Ok(self.gathered(instructions, x, sizes, &packed, plans))
    }

    /// [`input_gradient`](Self::input_gradient) by a given method.
    ///
    /// # Errors
    ///
    /// As in `input_gradient`, [`KernelError::Instructions`] if this processor does not support
    /// them, and [`KernelError::Algorithm`] if the algorithm does not compute this convolution.
    pub fn input_gradient_with<T: ConvolutionElement>(
        &self,
        method: Method,
        g: &[T],
        w: &[T],
    ) -> Result<Vec<T>, KernelError> {
        self.summed_input_gradient(method, g, w, None)
    }

    /// The gradient of the images, added to `sum` if there is one.
    pub(crate) fn summed_input_gradient<T: ConvolutionElement>(
        &self,
        method: Method,
        g: &[T],
        w: &[T],
        sum: Option<Vec<T>>,
    ) -> Result<Vec<T>, KernelError> {
        let instructions = self.check_method(method)?;
        check_length(
            "gradient of the result",
            g,
            self.images * self.output_values(),
        )?;
        check_length("weights", w, self.weights())?;
        if let Some(sum) = &sum {
            check_length("sum", sum, self.images * self.input_values())?;
        }
        if method.algorithm == Algorithm::Winograd {
            return Ok(winograd_passes::input_gradient(
                self,
                instructions,
                g,
                w,
                sum,
            ));
        }
        let packed = PackedWeights::transposed(self, w, T::panel_width(instructions));
        let plans = |images: usize| GatherPlan::input_gradient(self, images);
        let sizes = (self.output_values(), self.input_values());
        let gradient = self.gathered(instructions, g, sizes, &packed, plans);
        Ok(match sum {
            None => gradient,
            Some(mut sum) => {
                add(&mut sum, &gradient);
                sum
            }
        })
    }

    /// [`weight_gradient`](Self::weight_gradient) by a given method.
    ///
    /// # Errors
    ///
    /// As in `weight_gradient`, [`KernelError::Instructions`] if this processor does not support
    /// them, and [`KernelError::Algorithm`] if the algorithm does not compute this convolution.
    pub fn weight_gradient_with<T: ConvolutionElement>(
        &self,
        method: Method,
        x: &[T],
        g: &[T],
    ) -> Result<Vec<T>, KernelError> {
        let instructions = self.check_method(method)?;
        check_length("images", x, self.images * self.input_values())?;
        check_length(
            "gradient of the result",
            g,
            self.images * self.output_values(),
        )?;
        if method.algorithm == Algorithm::Winograd {
            return Ok(winograd_passes::weight_gradient(self, instructions, x, g));
        }
        if let Some(sizes) = self.unfolded() {
            return sizes.weight_gradient_with(method, &self.unfold(x), g);
        }
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
        let results = self.images * written;
        let mut target = Vec::with_capacity(results);
        let zeros = vec![T::default(); packed.depth];
        let groups = target.spare_capacity_mut()[..results]
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
        // SAFETY: every value of the target is in a row of one of the plans.
        unsafe { target.set_len(results) };
        target
    }
}

/// Adds values to a sum.
pub(crate) fn add<T: Element>(sum: &mut [T], more: &[T]) {
    let chunks = sum.par_chunks_mut(CHUNK).zip(more.par_chunks(CHUNK));
    chunks.for_each(|(sum, more)| {
        for (sum, &more) in sum.iter_mut().zip(more) {
            *sum = *sum + more;
        }
    });
}
