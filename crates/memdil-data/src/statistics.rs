//! Mean and standard deviation of images.

use crate::images::{Images, Pixels};

/// Mean and population standard deviation of each channel over all images. Bytes are divided by
/// 255; floats are not scaled. All results are 0 if there are no images.
///
/// # Shapes
/// One mean and one standard deviation per channel.
///
/// ```
/// use memdil_data::{Images, statistics};
///
/// let images = Images::new(1, 1, 2, vec![0, 255, 255, 0])?;
/// assert_eq!(statistics::mean_and_std(&images), (vec![0.5], vec![0.5]));
/// # Ok::<(), memdil_data::DataError>(())
/// ```
pub fn mean_and_std(images: &Images) -> (Vec<f32>, Vec<f32>) {
    let channel = |c: usize| match images.pixels() {
        Pixels::Bytes(values) => of_bytes(of_channel(values, images, c)),
        Pixels::Floats(values) => of_floats(of_channel(values, images, c)),
    };
    (0..images.size()[0])
        .map(channel)
        .map(|(mean, std)| (mean as f32, std as f32))
        .unzip()
}

/// The values of one channel in all images.
fn of_channel<'a, T>(
    values: &'a [T],
    images: &Images,
    channel: usize,
) -> impl Iterator<Item = &'a T> + Clone + use<'a, T> {
    let [channels, height, width] = images.size();
    let planes = values.chunks_exact(height * width);
    planes.skip(channel).step_by(channels).flatten()
}

/// The sums are exact: those of 2^32 bytes and their squares stay far below 2^64.
fn of_bytes<'a>(values: impl Iterator<Item = &'a u8>) -> (f64, f64) {
    let (mut n, mut sum, mut squares) = (0_u64, 0_u64, 0_u64);
    for &value in values {
        let value = u64::from(value);
        (n, sum, squares) = (n + 1, sum + value, squares + value * value);
    }
    if n == 0 {
        return (0.0, 0.0);
    }
    // n * squares - sum^2 is the variance times n^2, without rounding.
    let variance = u128::from(n) * u128::from(squares) - u128::from(sum) * u128::from(sum);
    let n = n as f64;
    (sum as f64 / n / 255.0, (variance as f64).sqrt() / n / 255.0)
}

/// Two passes, so that a mean far from 0 does not reduce the precision of the standard deviation.
fn of_floats<'a>(values: impl Iterator<Item = &'a f32> + Clone) -> (f64, f64) {
    let n = values.clone().count();
    if n == 0 {
        return (0.0, 0.0);
    }
    let mean = values.clone().map(|&value| f64::from(value)).sum::<f64>() / n as f64;
    let squares: f64 = values.map(|&value| (f64::from(value) - mean).powi(2)).sum();
    (mean, (squares / n as f64).sqrt())
}
