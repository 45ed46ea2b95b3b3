//! The sizes of a convolution.

use crate::error::{KernelError, check_sizes};

/// Sizes of a two-dimensional convolution (a cross-correlation, as in PyTorch) with square kernels
/// and without bias.
///
/// $$y_{n,i,j,o} = \sum_{u,v,c} x_{n, s i + u - p, s j + v - p, c} w_{u,v,c,o}$$
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
    /// Images in a batch.
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
    /// Step of the kernel between neighbouring pixels of the result.
    pub stride: usize,
    /// Rows and columns of zeros on each side of the image.
    pub padding: usize,
}

/// Bytes of a group of images, few enough to stay in the L2 cache while all weights are read.
pub(super) const GROUP_BYTES: usize = 400 << 10;

impl Convolution {
    /// Rows and columns of a result.
    pub fn output_size(&self) -> (usize, usize) {
        let size = |input: usize| {
            (input + 2 * self.padding).saturating_sub(self.kernel) / self.stride.max(1) + 1
        };
        (size(self.height), size(self.width))
    }

    /// Values per image.
    pub(super) fn input_values(&self) -> usize {
        self.height * self.width * self.inputs
    }

    /// Values per result.
    pub(super) fn output_values(&self) -> usize {
        let (height, width) = self.output_size();
        height * width * self.outputs
    }

    pub(super) fn weights(&self) -> usize {
        self.kernel * self.kernel * self.inputs * self.outputs
    }

    /// Rejects sizes of zero, and kernels larger than the padded image.
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
