//! Images, splits of images with labels, and data sets of two splits.

use crate::error::DataError;

/// The pixels of a sequence of images.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// Bytes, as in all published data sets. They are stored as bytes, because floats would take
    /// four times the memory.
    Bytes(Vec<u8>),
    /// Single-precision floats, from the user's own file.
    Floats(Vec<f32>),
}

impl Pixels {
    /// Number of pixel values.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All values, if they are bytes.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(values) => Some(values),
            Self::Floats(_) => None,
        }
    }

    /// All values, if they are floats.
    pub fn as_floats(&self) -> Option<&[f32]> {
        match self {
            Self::Bytes(_) => None,
            Self::Floats(values) => Some(values),
        }
    }
}

/// Complete, non-empty images of equal size, in the order (n, channel, row, column).
#[derive(Debug, Clone, PartialEq)]
pub struct Images {
    size: [usize; 3],
    pixels: Pixels,
}

impl Images {
    /// Creates images from bytes in the order (n, channel, row, column).
    ///
    /// # Errors
    /// [`DataError::WrongShape`] if an image would be empty or the last one incomplete.
    ///
    /// ```
    /// let images = memdil_data::Images::new(1, 2, 2, vec![0, 1, 2, 3, 10, 11, 12, 13])?;
    /// assert_eq!(images.len(), 2);
    /// assert_eq!(images.bytes(1), Some(&[10, 11, 12, 13][..]));
    /// # Ok::<(), memdil_data::DataError>(())
    /// ```
    pub fn new(
        channels: usize,
        height: usize,
        width: usize,
        pixels: Vec<u8>,
    ) -> Result<Self, DataError> {
        Self::from_pixels(channels, height, width, Pixels::Bytes(pixels))
    }

    /// Like [`new`](Self::new), for either kind of pixels.
    ///
    /// # Errors
    /// [`DataError::WrongShape`] if an image would be empty or the last one incomplete.
    pub fn from_pixels(
        channels: usize,
        height: usize,
        width: usize,
        pixels: Pixels,
    ) -> Result<Self, DataError> {
        let (size, pixel_count) = ([channels, height, width], pixels.len());
        let values = (channels.checked_mul(height)).and_then(|plane| plane.checked_mul(width));
        match values.is_some_and(|values| values > 0 && pixel_count.is_multiple_of(values)) {
            true => Ok(Self { size, pixels }),
            false => Err(DataError::WrongShape { size, pixel_count }),
        }
    }

    /// All pixels, `len() * values_per_image()` values.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// Channels (1 for grey, 3 for RGB), rows and columns of an image.
    pub fn size(&self) -> [usize; 3] {
        self.size
    }

    /// Number of pixel values per image: channels times rows times columns.
    pub fn values_per_image(&self) -> usize {
        self.size.iter().product()
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.pixels.len() / self.values_per_image()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values of image `i`, if they are bytes.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len).
    pub fn bytes(&self, i: usize) -> Option<&[u8]> {
        Some(row(self.pixels.as_bytes()?, self.values_per_image(), i))
    }

    /// The values of image `i`, if they are floats.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len).
    pub fn floats(&self, i: usize) -> Option<&[f32]> {
        Some(row(self.pixels.as_floats()?, self.values_per_image(), i))
    }

    /// Copies the images with these indices, in this order.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let size = self.values_per_image();
        let pixels = match &self.pixels {
            Pixels::Bytes(values) => Pixels::Bytes(copy_rows(values, size, indices)),
            Pixels::Floats(values) => Pixels::Floats(copy_rows(values, size, indices)),
        };
        Self { pixels, ..*self }
    }

    /// Keeps the images with these ascending indices and drops all others, in place.
    pub(crate) fn retain(&mut self, indices: &[usize]) {
        let size = self.values_per_image();
        match &mut self.pixels {
            Pixels::Bytes(values) => retain_rows(values, size, indices),
            Pixels::Floats(values) => retain_rows(values, size, indices),
        }
    }
}

fn row<T>(values: &[T], size: usize, i: usize) -> &[T] {
    &values[i * size..(i + 1) * size]
}

fn copy_rows<T: Copy>(values: &[T], size: usize, indices: &[usize]) -> Vec<T> {
    let mut copy = Vec::with_capacity(indices.len() * size);
    for &i in indices {
        copy.extend_from_slice(row(values, size, i));
    }
    copy
}

fn retain_rows<T: Copy>(values: &mut Vec<T>, size: usize, indices: &[usize]) {
    for (to, &from) in indices.iter().enumerate() {
        if to != from {
            values.copy_within(from * size..(from + 1) * size, to * size);
        }
    }
    values.truncate(indices.len() * size);
    values.shrink_to_fit();
}

/// Images with one label each.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// The images.
    pub images: Images,
    /// The class numbers, counted from 0.
    pub labels: Vec<u32>,
}

/// A data set prepared for training, with selected classes that are numbered from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Name of the source.
    pub name: String,
    /// Name of each class, by label.
    pub class_names: Vec<String>,
    /// Mean per channel for the normalisation of pixels (bytes scaled to 0..1, floats unscaled).
    pub mean: Vec<f32>,
    /// Standard deviation per channel for the normalisation of pixels.
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
