//! Images as bytes, a split with its labels, and a data set of two splits.

use crate::DataError;

/// Images of one size, as bytes in the order (n, channel, row, column).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// Channels of an image: 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// All pixels, `len() * channels * height * width` bytes.
    pub pixels: Vec<u8>,
}

impl Images {
    /// Takes pixels that are already in the order (n, channel, row, column).
    ///
    /// # Errors
    /// [`DataError::WrongShape`] if an image would be empty or the last one incomplete.
    ///
    /// ```
    /// let images = memdil_data::Images::new(1, 2, 2, vec![0, 1, 2, 3, 10, 11, 12, 13])?;
    /// assert_eq!(images.len(), 2);
    /// assert_eq!(images.image(1), &[10, 11, 12, 13]);
    /// # Ok::<(), memdil_data::DataError>(())
    /// ```
    pub fn new(channels: usize, height: usize, width: usize, pixels: Vec<u8>) -> Result<Self, DataError> {
        let size = channels.checked_mul(height).and_then(|size| size.checked_mul(width));
        match size {
            Some(size) if size > 0 && pixels.len().is_multiple_of(size) => Ok(Self { channels, height, width, pixels }),
            _ => Err(DataError::WrongShape { channels, height, width, pixels: pixels.len() }),
        }
    }

    /// Bytes of one image: channels times rows times columns.
    pub fn bytes_per_image(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.pixels.len().checked_div(self.bytes_per_image()).unwrap_or(0)
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of image `i`.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len).
    pub fn image(&self, i: usize) -> &[u8] {
        let size = self.bytes_per_image();
        &self.pixels[i * size..(i + 1) * size]
    }

    /// Copies the images with these indices, in this order.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut pixels = Vec::with_capacity(indices.len() * self.bytes_per_image());
        for &i in indices {
            pixels.extend_from_slice(self.image(i));
        }
        Self { pixels, ..*self }
    }
}

/// Images and one label for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The images.
    pub images: Images,
    /// Their classes, from 0.
    pub labels: Vec<u32>,
}

/// A data set as training sees it: its classes are selected and numbered from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Name of the source.
    pub name: String,
    /// Name of each class, by label.
    pub class_names: Vec<String>,
    /// Mean that the pixels (scaled to 0..1) are normalised with, one a channel.
    pub mean: Vec<f32>,
    /// Standard deviation that the pixels are normalised with, one a channel.
    pub std: Vec<f32>,
    /// Training set.
    pub train: Split,
    /// Test set.
    pub test: Split,
}

impl Dataset {
    /// Number of classes K.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }
}
