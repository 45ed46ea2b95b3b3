//! Convolution of images and both of its gradients, as products of matrices whose rows are gathered
//! on the way.
//!
//! A product for every tap of the kernel, summed in registers: what im2col would write to memory is
//! read where it stands. Rows are sorted by the taps that fall on the padding, so that whole tiles
//! leave such taps out.

mod gather;
mod plan;
mod weight_gradient;

pub(crate) use gather::Product;
use rayon::prelude::*;
pub(crate) use weight_gradient::Task;

use crate::convolution::gather::Packed;
use crate::convolution::plan::Plan;
use crate::{Element, Instructions, KernelError};

/// Sizes of a two-dimensional convolution with square kernels: what PyTorch calls a
/// cross-correlation, without bias.
///
/// $$y_{n,i,j,o} = \sum_{u,v,c} x_{n,\; s i + u - p,\; s j + v - p,\; c} \; w_{u,v,c,o}$$
///
/// with stride $s$ and padding $p$; pixels outside the image are zero.
///
/// # Shapes
///
/// Images (n, height, width, channels), weights (kernel, kernel, inputs, outputs), all row-major.
///
/// ```
/// use memdil_kernels::Convolution;
///
/// let sizes = Convolution {
///     images: 1, height: 2, width: 2, inputs: 1, outputs: 1, kernel: 3, stride: 1, padding: 1,
/// };
/// let y = sizes.forward(&[1.0_f32, 2.0, 3.0, 4.0], &[1.0; 9])?;
/// assert_eq!(y, [10.0; 4]);
/// # Ok::<(), memdil_kernels::KernelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Images of a batch.
    pub images: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Channels of an image.
    pub inputs: usize,
    /// Channels of the result.
    pub outputs: usize,
    /// Rows and columns of the kernel.
    pub kernel: usize,
    /// Step of the kernel from a result to the next.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: usize,
}

/// Bytes of a group of images that stay in the second-level cache while all weights go by.
const GROUP_BYTES: usize = 400 << 10;

impl Convolution {
    /// Rows and columns of a result.
    pub fn output_size(&self) -> (usize, usize) {
        let size = |input: usize| {
            (input + 2 * self.padding).saturating_sub(self.kernel) / self.stride.max(1) + 1
        };
        (size(self.height), size(self.width))
    }

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
    pub fn forward<T: Element>(&self, x: &[T], w: &[T]) -> Result<Vec<T>, KernelError> {
        self.forward_with(Instructions::detect(), x, w)
    }

    /// The gradient of the images from that of the result, `g`.
    ///
    /// # Shapes
    ///
    /// As in [`forward`](Self::forward): `g` (n, output size, outputs), result (n, height, width,
    /// inputs).
    ///
    /// # Errors
    ///
    /// [`KernelError::Size`], [`KernelError::Length`].
    pub fn input_gradient<T: Element>(&self, g: &[T], w: &[T]) -> Result<Vec<T>, KernelError> {
        self.input_gradient_with(Instructions::detect(), g, w)
    }

    /// The gradient of the weights from the images and the gradient of the result, `g`.
    ///
    /// # Shapes
    ///
    /// As in [`forward`](Self::forward): result (kernel, kernel, inputs, outputs).
    ///
    /// # Errors
    ///
    /// [`KernelError::Size`], [`KernelError::Length`].
    pub fn weight_gradient<T: Element>(&self, x: &[T], g: &[T]) -> Result<Vec<T>, KernelError> {
        self.weight_gradient_with(Instructions::detect(), x, g)
    }

    /// [`forward`](Self::forward) with instructions of one's choice.
    ///
    /// # Errors
    ///
    /// As there; [`KernelError::Instructions`] when this processor does not have them.
    pub fn forward_with<T: Element>(
        &self,
        instructions: Instructions,
        x: &[T],
        w: &[T],
    ) -> Result<Vec<T>, KernelError> {
        instructions.check()?;
        self.check()?;
        length("images", x, self.images * self.input_values())?;
        length("weights", w, self.weights())?;
        let packed = Packed::forward(self, w, T::panel_width(instructions));
        let plans = |images: usize| vec![Plan::forward(self, images)];
        let sizes = (self.input_values(), self.output_values());
        Ok(self.gathered(instructions, x, sizes, &packed, plans))
    }

    /// [`input_gradient`](Self::input_gradient) with instructions of one's choice.
    ///
    /// # Errors
    ///
    /// As there; [`KernelError::Instructions`] when this processor does not have them.
    pub fn input_gradient_with<T: Element>(
        &self,
        instructions: Instructions,
        g: &[T],
        w: &[T],
    ) -> Result<Vec<T>, KernelError> {
        instructions.check()?;
        self.check()?;
        length(
            "gradient of the result",
            g,
            self.images * self.output_values(),
        )?;
        length("weights", w, self.weights())?;
        let packed = Packed::transposed(self, w, T::panel_width(instructions));
        let plans = |images: usize| Plan::input_gradient(self, images);
        let sizes = (self.output_values(), self.input_values());
        Ok(self.gathered(instructions, g, sizes, &packed, plans))
    }

    /// [`weight_gradient`](Self::weight_gradient) with instructions of one's choice.
    ///
    /// # Errors
    ///
    /// As there; [`KernelError::Instructions`] when this processor does not have them.
    pub fn weight_gradient_with<T: Element>(
        &self,
        instructions: Instructions,
        x: &[T],
        g: &[T],
    ) -> Result<Vec<T>, KernelError> {
        instructions.check()?;
        self.check()?;
        length("images", x, self.images * self.input_values())?;
        length(
            "gradient of the result",
            g,
            self.images * self.output_values(),
        )?;
        Ok(weight_gradient::run(self, instructions, x, g))
    }

    /// Products of gathered rows, a group of images at a time; `sizes` are the values of an image
    /// read and written.
    fn gathered<T: Element>(
        &self,
        instructions: Instructions,
        source: &[T],
        (read, written): (usize, usize),
        packed: &Packed<T>,
        plans: impl Fn(usize) -> Vec<Plan>,
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
                T::gathered(
                    instructions,
                    Product {
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

    /// Values of an image.
    fn input_values(&self) -> usize {
        self.height * self.width * self.inputs
    }

    /// Values of a result.
    fn output_values(&self) -> usize {
        let (height, width) = self.output_size();
        height * width * self.outputs
    }

    fn weights(&self) -> usize {
        self.kernel * self.kernel * self.inputs * self.outputs
    }

    fn check(&self) -> Result<(), KernelError> {
        let Self {
            images,
            height,
            width,
            inputs,
            outputs,
            kernel,
            stride,
            padding,
        } = *self;
        let named = [
            ("images", images),
            ("inputs", inputs),
            ("outputs", outputs),
            ("kernel", kernel),
            ("stride", stride),
        ];
        for (name, value) in named {
            if value == 0 {
                return Err(KernelError::Size {
                    name,
                    value,
                    least: 1,
                });
            }
        }
        for (name, value) in [("height", height), ("width", width)] {
            let least = kernel.saturating_sub(2 * padding).max(1);
            if value < least {
                return Err(KernelError::Size { name, value, least });
            }
        }
        Ok(())
    }
}

fn length<T>(name: &str, values: &[T], expected: usize) -> Result<(), KernelError> {
    let found = values.len();
    if found == expected {
        Ok(())
    } else {
        Err(KernelError::Length {
            name: name.to_owned(),
            found,
            expected,
        })
    }
}
