//! The sizes of a convolution.

use crate::error::{KernelError, check_sizes};

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
pub(super) const GROUP_BYTES: usize = 400 << 10;

impl Convolution {
    /// Rows and columns of a result.
    pub fn output_size(&self) -> (usize, usize) {
        let size = |input: usize| {
            (input + 2 * self.padding).saturating_sub(self.kernel) / self.stride.max(1) + 1
        };
        (size(self.height), size(self.width))
    }

    /// Values of an image.
    pub(super) fn input_values(&self) -> usize {
        self.height * self.width * self.inputs
    }

    /// Values of a result.
    pub(super) fn output_values(&self) -> usize {
        let (height, width) = self.output_size();
        height * width * self.outputs
    }

    pub(super) fn weights(&self) -> usize {
        self.kernel * self.kernel * self.inputs * self.outputs
    }

    /// Refuses sizes of zero, and kernels larger than the padded image.
    pub(super) fn check(&self) -> Result<(), KernelError> {
        let least = self.kernel.saturating_sub(2 * self.padding).max(1);
        check_sizes(&[
            ("images", self.images, 1),
            ("inputs", self.inputs, 1),
            ("outputs", self.outputs, 1),
            ("kernel", self.kernel, 1),
            ("stride", self.stride, 1),
            ("height", self.height, least),
            ("width", self.width, least),
        ])
    }
}
