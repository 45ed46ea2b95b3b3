//! Conversion of pixels to normalised network inputs.

use rayon::prelude::*;

use crate::augment::{Augmentation, Transform};
use crate::error::DataError;
use crate::images::{Images, Pixels};
use crate::resize;
use crate::spec::Input;

/// Side of the images in the paper.
const AUTHORS_SIDE: usize = 32;

/// Minimum number of values per thread: about ten microseconds of work.
const PARALLEL: usize = 32_768;

/// Images that are normalised batch by batch. Bytes are stored as bytes and converted to floats on
/// demand.
///
/// A byte p of channel c becomes $(p / 255 - \text{mean}_c) / \text{std}_c$, a float x becomes
/// $(x - \text{mean}_c) / \text{std}_c$: one multiplication and one addition in f32, the same on
/// every machine.
///
/// ```
/// use memdil_data::{Images, Input, Inputs};
///
/// let images = Images::new(1, 1, 2, vec![0, 255])?;
/// let inputs = Inputs::new(images, &[0.5], &[0.25], Input::Native)?;
/// assert_eq!(inputs.shape(), (1, 1, 2));
/// assert_eq!(inputs.batch(&[0]), [-2.0, 2.0]);
/// # Ok::<(), memdil_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Images of the final size; grey images are stored with one channel.
    images: Images,
    copies: usize,
    /// Scale and shift of the values, per stored channel.
    constants: Vec<(f32, f32)>,
}

/// The stored images of [`Inputs`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct StoredInputs<'a> {
    /// Values, (n, stored channel, row, column).
    pub pixels: &'a Pixels,
    /// Scale and shift per stored channel: a value is multiplied by the first and increased by the
    /// second.
    pub constants: &'a [(f32, f32)],
    /// How many times the stored channels are repeated in a sample.
    pub copies: usize,
}

impl Inputs {
    /// Prepares images. With [`Input::Authors`], grey images are resized to 32 x 32, bit for bit
    /// like Pillow's `Image.resize((32, 32), BILINEAR)`, and returned as three equal channels.
    /// Images that need no resizing are not copied.
    ///
    /// # Shapes
    /// `mean` and `std` have one entry per channel of `images`.
    ///
    /// # Errors
    /// - [`DataError::Normalisation`] if `mean` or `std` do not match the channels, or are not
    ///   finite, or a standard deviation is not positive
    /// - [`DataError::NoAuthorsInput`] for `authors` with images that are neither grey squares nor
    ///   3 x 32 x 32
    /// - [`DataError::FloatResize`] for `authors` with grey float images that are not 32 x 32
    pub fn new(images: Images, mean: &[f32], std: &[f32], input: Input) -> Result<Self, DataError> {
        let [channels, height, width] = images.size();
        if mean.len() != channels
            || std.len() != channels
            || !mean.iter().all(|mean| mean.is_finite())
            || !std.iter().all(|&std| std.is_finite() && std > 0.0)
        {
            return Err(DataError::Normalisation {
                channels,
                mean: mean.to_vec(),
                std: std.to_vec(),
            });
        }
        let side = AUTHORS_SIDE;
        let (images, copies) = match (input, channels, images.pixels()) {
            (Input::Native, ..) => (images, 1),
            (Input::Authors, 1, Pixels::Bytes(planes)) if height == width => {
                let planes = resize::bilinear_squares(planes, height, side);
                (Images::new(1, side, side, planes)?, 3)
            }
            (Input::Authors, 1, _) if (height, width) == (side, side) => (images, 3),
            (Input::Authors, 1, _) if height == width => {
                return Err(DataError::FloatResize { height, width });
            }
            (Input::Authors, 3, _) if (height, width) == (side, side) => (images, 1),
            (Input::Authors, ..) => {
                let size = images.size();
                return Err(DataError::NoAuthorsInput { size });
            }
        };
        let one = match images.pixels() {
            Pixels::Bytes(_) => 255.0,
            Pixels::Floats(_) => 1.0,
        };
        let constants = mean.iter().zip(std).map(|(&mean, &std)| {
            let (mean, std) = (f64::from(mean), f64::from(std));
            ((1.0 / (one * std)) as f32, (-mean / std) as f32)
        });
        Ok(Self {
            images,
            copies,
            constants: constants.collect(),
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Channels, rows and columns of a sample written by [`fill`](Self::fill).
    pub fn shape(&self) -> (usize, usize, usize) {
        let [channels, height, width] = self.images.size();
        (channels * self.copies, height, width)
    }

    /// Number of values per sample: the product of its [`shape`](Self::shape).
    pub fn values_per_sample(&self) -> usize {
        self.images.values_per_image() * self.copies
    }

    /// The stored values, for code that normalises them itself, for instance on a GPU.
    pub fn stored(&self) -> StoredInputs<'_> {
        StoredInputs {
            pixels: self.images.pixels(),
            constants: &self.constants,
            copies: self.copies,
        }
    }

    /// Writes the normalised samples with these indices into `out`, in order.
    ///
    /// # Shapes
    /// `out` is a flat (index, channel, row, column) array.
    ///
    /// # Panics
    /// If the length of `out` is not `indices.len() * values_per_sample()`, or an index is not
    /// below [`len`](Self::len).
    pub fn fill(&self, indices: &[usize], out: &mut [f32]) {
        self.fill_transformed(indices, |_| None, out);
    }

    /// Like [`fill`](Self::fill), with the random crops and flips of an epoch.
    ///
    /// They depend only on seed, epoch and sample, not on the batch size or order.
    ///
    /// # Panics
    /// Those of [`fill`](Self::fill).
    pub fn fill_augmented(
        &self,
        indices: &[usize],
        augmentation: Augmentation,
        (seed, epoch): (u64, usize),
        out: &mut [f32],
    ) {
        let transform = |sample| Some(augmentation.draw(seed, epoch, sample));
        self.fill_transformed(indices, transform, out);
    }

    /// Returns the normalised samples with these indices, as written by [`fill`](Self::fill).
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    pub fn batch(&self, indices: &[usize]) -> Vec<f32> {
        let mut out = vec![0.0; indices.len() * self.values_per_sample()];
        self.fill(indices, &mut out);
        out
    }

    fn fill_transformed(
        &self,
        indices: &[usize],
        transform: impl Fn(usize) -> Option<Transform> + Sync,
        out: &mut [f32],
    ) {
        assert_eq!(
            out.len(),
            indices.len() * self.values_per_sample(),
            "wrong length of the output for a batch of {} samples",
            indices.len()
        );
        match self.images.pixels() {
            Pixels::Bytes(values) => self.fill_from(values, f32::from, indices, transform, out),
            Pixels::Floats(values) => {
                self.fill_from(values, |value| value, indices, transform, out)
            }
        }
    }

    fn fill_from<T: Copy + Default + Sync>(
        &self,
        values: &[T],
        number: impl Fn(T) -> f32 + Sync,
        indices: &[usize],
        transform: impl Fn(usize) -> Option<Transform> + Sync,
        out: &mut [f32],
    ) {
        let stored = self.images.values_per_image();
        let [_, height, width] = self.images.size();
        let plane = height * width;
        let image_of = |i: usize| &values[i * stored..(i + 1) * stored];
        let fill = |transformed: &mut Vec<T>, (k, sample): (usize, &mut [f32])| {
            // The images of a batch are scattered in memory, and loading them takes longer than
            // normalising them.
            if let Some(&next) = indices.get(k + 1) {
                prefetch(image_of(next));
            }
            let mut image = image_of(indices[k]);
            if let Some(transform) = transform(indices[k]) {
                transform.apply(image, (height, width), transformed);
                image = transformed;
            }
            let (samples, images) = (sample.chunks_exact_mut(plane), image.chunks_exact(plane));
            for ((sample, image), &(scale, shift)) in samples.zip(images).zip(&self.constants) {
                for (out, &value) in sample.iter_mut().zip(image) {
                    *out = number(value) * scale + shift;
                }
            }
            for copy in 1..self.copies {
                sample.copy_within(..stored, copy * stored);
            }
        };
        let size = self.values_per_sample();
        let samples = out.par_chunks_exact_mut(size).enumerate();
        let samples = samples.with_min_len(PARALLEL.div_ceil(size));
        samples.for_each_init(Vec::new, fill);
    }
}

/// Prefetches memory that is read soon.
fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks(64 / size_of::<T>()) {
        // SAFETY: prefetching is a hint to the processor and does not access the memory.
        #[allow(unsafe_code)]
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(
                line.as_ptr().cast(),
            );
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}
