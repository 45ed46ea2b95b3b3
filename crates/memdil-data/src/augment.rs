//! Random crops and flips of training images, the usual augmentation for residual networks.

use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::random::{Rng, Stream, below, stream};

/// The random augmentation of training images. Test images, and images from which features are
/// extracted, are never augmented.
///
/// An image is padded with `crop` black pixels on each side, and a window of its original size is
/// cut out, each of the $(2 \cdot \text{crop} + 1)^2$ windows with the same probability. With
/// `flip`, it is then mirrored left to right with probability 1/2 (He et al. 2016, with `crop` 4).
///
/// ```
/// use memdil_data::Augmentation;
///
/// let usual: Augmentation = serde_json::from_str(r#"{"crop": 4, "flip": true}"#)?;
/// assert_eq!(usual, Augmentation { crop: 4, flip: true });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Pixels of padding on each side, which is also the maximum shift; 0 disables cropping.
    pub crop: usize,
    /// Whether images are mirrored with probability 1/2.
    pub flip: bool,
}

/// Maximum padding.
const MAX_CROP: usize = 1 << 10;

impl Augmentation {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`DataError::OutOfRange`] for a crop above 1024 pixels.
    pub fn validate(&self) -> Result<(), DataError> {
        let (crop, fits) = (self.crop as f64, self.crop <= MAX_CROP);
        DataError::check_range("augment.crop", crop, "must be in [0, 1024]", fits)
    }

    /// Draws the transform of one sample in one epoch, independently of threads and of other draws.
    pub(crate) fn draw(&self, seed: u64, epoch: usize, sample: usize) -> Transform {
        let mut rng = stream(seed, Stream::Augment);
        // Each sample of each epoch has its own block of sixteen words.
        rng.set_word_pos(((epoch as u128) << 36) | ((sample as u128) << 4));
        let offsets = 2 * self.crop + 1;
        let (down, right) = (below(&mut rng, offsets), below(&mut rng, offsets));
        Transform {
            crop: self.crop,
            down,
            right,
            flipped: self.flip && rng.next_u64() >> 63 == 1,
        }
    }
}

/// The window that is cut out of the padded image, and whether it is mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transform {
    crop: usize,
    down: usize,
    right: usize,
    flipped: bool,
}

impl Transform {
    /// Overwrites `out` with the transformed image.
    ///
    /// # Shapes
    /// `image` and `out` are flat (channel, row, column) arrays with `height` rows and `width`
    /// columns.
    pub(crate) fn apply<T: Copy + Default>(
        self,
        image: &[T],
        (height, width): (usize, usize),
        out: &mut Vec<T>,
    ) {
        out.clear();
        out.resize(image.len(), T::default());
        // The rows and columns of the window that overlap the original image.
        let rows = self.crop.saturating_sub(self.down)
            ..height.min((height + self.crop).saturating_sub(self.down));
        let columns = self.crop.saturating_sub(self.right)
            ..width.min((width + self.crop).saturating_sub(self.right));
        let planes = image.chunks_exact(height * width);
        for (plane, out) in planes.zip(out.chunks_exact_mut(height * width)) {
            for row in rows.clone() {
                let from = &plane[(row + self.down - self.crop) * width..];
                let to = &mut out[row * width..][..width];
                if !columns.is_empty() {
                    let from = &from[columns.start + self.right - self.crop..];
                    to[columns.clone()].copy_from_slice(&from[..columns.len()]);
                }
                if self.flipped {
                    to.reverse();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(
        image: &[u8],
        size: (usize, usize),
        (crop, down, right, flipped): (usize, usize, usize, bool),
    ) -> Vec<u8> {
        let mut out = vec![99];
        Transform {
            crop,
            down,
            right,
            flipped,
        }
        .apply(image, size, &mut out);
        out
    }

    #[test]
    fn windows_match_hand_computed_values() {
        let image = [1, 2, 3, 4, 5, 6];
        assert_eq!(applied(&image, (2, 3), (1, 1, 1, false)), image);
        assert_eq!(applied(&image, (2, 3), (1, 1, 1, true)), [3, 2, 1, 6, 5, 4]);
        assert_eq!(
            applied(&image, (2, 3), (1, 0, 1, false)),
            [0, 0, 0, 1, 2, 3]
        );
        assert_eq!(
            applied(&image, (2, 3), (1, 2, 2, false)),
            [5, 6, 0, 0, 0, 0]
        );
        assert_eq!(applied(&image, (2, 3), (1, 2, 0, true)), [5, 4, 0, 0, 0, 0]);
        // The shift exceeds the size of the image, so only padding is left.
        assert_eq!(applied(&image, (2, 3), (5, 10, 0, false)), [0; 6]);
        // All channels are transformed alike.
        assert_eq!(
            applied(&[1, 2, 3, 4], (1, 2), (1, 1, 2, false)),
            [2, 0, 4, 0]
        );
    }

    #[test]
    fn all_windows_are_equally_likely() {
        let augmentation = Augmentation {
            crop: 1,
            flip: true,
        };
        let mut counts = std::collections::HashMap::new();
        let n = 18_000;
        for sample in 0..n {
            let Transform {
                down,
                right,
                flipped,
                ..
            } = augmentation.draw(3, 5, sample);
            *counts.entry((down, right, flipped)).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 18);
        // The counts are binomial with mean 1000 and standard deviation 31; allow seven deviations.
        assert!(
            counts
                .values()
                .all(|&count: &i32| (count - 1000).abs() < 217),
            "{counts:?}"
        );
    }

    #[test]
    fn draws_are_pinned_and_differ_by_seed_epoch_and_sample() {
        let augmentation = Augmentation {
            crop: 4,
            flip: true,
        };
        let draws = |seed, epoch| {
            (0..200)
                .map(|sample| augmentation.draw(seed, epoch, sample))
                .collect::<Vec<_>>()
        };
        assert_eq!(draws(1, 1), draws(1, 1));
        assert_ne!(draws(1, 1), draws(2, 1));
        assert_ne!(draws(1, 1), draws(1, 2));
        let pinned = draws(1, 1)[..3]
            .iter()
            .map(|c| (c.down, c.right, c.flipped))
            .collect::<Vec<_>>();
        assert_eq!(pinned, [(7, 5, false), (1, 8, true), (0, 8, false)]);
    }

    #[test]
    fn an_excessive_crop_is_an_error() {
        assert!(
            Augmentation {
                crop: 1024,
                flip: false
            }
            .validate()
            .is_ok()
        );
        let message = Augmentation {
            crop: 1025,
            flip: false,
        }
        .validate()
        .unwrap_err()
        .to_string();
        assert!(message.contains("augment.crop = 1025"), "{message}");
    }
}
