//! The user's own images: a NumPy `.npz` file, as written by `numpy.savez` or `savez_compressed`.
//!
//! | array | type | shape |
//! | --- | --- | --- |
//! | `images`, `test_images` | uint8 or floats | (n, channels, rows, columns), (n, rows, columns, channels) or (n, rows, columns) |
//! | `labels`, `test_labels` | whole numbers, 0 or more | (n,) or (n, 1) |
//! | `mean`, `std` (optional, both or neither) | floats | (channels,) |
//!
//! The names used by Keras (`x_train`, `y_train`, `x_test`, `y_test`) and MedMNIST (`train_images`,
//! `train_labels`) are accepted as well. A validation set in the file is not used, because a
//! configuration determines its own. Images have 1 or 3 channels, or are grey without a channel
//! axis. The channel axis is the second axis if its length is 1 or 3, otherwise the last axis.
//! Bytes are scaled to 0..1 before they are normalised; floats are not scaled. Without `mean` and
//! `std`, both are computed from the training images, per channel.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use crate::error::DataError;
use crate::formats::arrays::{Array, ArrayFile, Dtype, Role};
use crate::images::{Images, Pixels, Split};
use crate::statistics;

/// The content of a file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Contents {
    /// `images` and `labels`.
    pub train: Split,
    /// `test_images` and `test_labels`.
    pub test: Split,
    /// `mean`, or the mean of the training images.
    pub mean: Vec<f32>,
    /// `std`, or the standard deviation of the training images.
    pub std: Vec<f32>,
}

/// Reads a file.
///
/// # Errors
/// If the file cannot be read or is damaged; if an array is missing or has another type or shape;
/// with the row, if a label is not a class number or a float is not finite; and if `mean` or `std`
/// do not fit the images.
pub fn read(path: &Path) -> Result<Contents, DataError> {
    contents(&ArrayFile::open(path)?)
}

/// Reads a file from bytes in memory; errors use `name` as the path.
///
/// # Errors
/// As for [`read`].
pub fn parse(bytes: &[u8], name: &str) -> Result<Contents, DataError> {
    contents(&ArrayFile::parse(bytes, name)?)
}

/// The classes that occur in the training or test labels of a file, in ascending order. The images
/// are not read.
///
/// # Errors
/// As for [`read`], for the labels only.
pub fn classes(path: &Path) -> Result<Vec<u32>, DataError> {
    let file = ArrayFile::open(path)?;
    let labels = [Role::Labels, Role::TestLabels].map(|role| labels(&file, role));
    let [train, test] = labels;
    let labels = [train?, test?].concat();
    let classes = Vec::from_iter(labels.iter().copied().collect::<BTreeSet<u32>>());
    // The same rule as in memdil-metrics: 255 marks ignored samples if there are at least two other
    // classes, all of them far below it.
    if let [_, .., second, mark @ 255] = classes[..]
        && second < mark / 2
    {
        let count = labels.iter().filter(|&&label| label == mark).count();
        return Err(file.error(format!(
                "label {mark} occurs {count} times and marks ignored samples in segmentation data; leave these samples out, \
                 keep = y != {mark}, or list the classes in data.classes"
            ),
        ));
    }
    Ok(classes)
}

fn contents(file: &ArrayFile) -> Result<Contents, DataError> {
    let train = Split {
        images: images(file, Role::Images)?,
        labels: labels(file, Role::Labels)?,
    };
    let test = Split {
        images: images(file, Role::TestImages)?,
        labels: labels(file, Role::TestLabels)?,
    };
    if train.images.pixels().as_bytes().is_some() != test.images.pixels().as_bytes().is_some() {
        let message = "holds bytes in one of `images` and `test_images` and floats in the other; save both with the same type";
        return Err(file.error(message.to_owned()));
    }
    let (mean, std) = match (constants(file, "mean")?, constants(file, "std")?) {
        (Some(mean), Some(std)) => (mean, std),
        (None, None) => measured(file, &train.images)?,
        (mean, _) => {
            let (there, missing) = match mean {
                Some(_) => ("mean", "std"),
                None => ("std", "mean"),
            };
            let message = format!("has array `{there}` but no `{missing}`; give both or neither");
            return Err(file.error(message));
        }
    };
    check_constants(file, &train.images, &mean, &std)?;
    Ok(Contents {
        train,
        test,
        mean,
        std,
    })
}

/// Mean and standard deviation of the training images, per channel.
fn measured(file: &ArrayFile, images: &Images) -> Result<(Vec<f32>, Vec<f32>), DataError> {
    let (mean, std) = statistics::mean_and_std(images);
    match std.iter().position(|&std| std == 0.0) {
        None => Ok((mean, std)),
        Some(channel) => Err(file.error(format!(
            "array `images` is constant in channel {channel}, so it cannot be normalised; \
                 add `mean` and `std`"
        ))),
    }
}

fn check_constants(
    file: &ArrayFile,
    images: &Images,
    mean: &[f32],
    std: &[f32],
) -> Result<(), DataError> {
    let usable = |std: &f32| std.is_finite() && *std > 0.0;
    let [channels, ..] = images.size();
    let found = [mean.len(), std.len()];
    let message = if found != [channels; 2] {
        format!("`mean` and `std` have {found:?} values for {channels} channels")
    } else if !std.iter().all(usable) || !mean.iter().all(|mean| mean.is_finite()) {
        format!("`mean` {mean:?} and `std` {std:?} must be finite, and `std` must be above 0")
    } else if images.pixels().as_bytes().is_some()
        && !mean.iter().all(|mean| (0.0..=1.0).contains(mean))
    {
        format!(
            "`mean` is {mean:?}, but bytes are scaled to 0..1 before it is subtracted; divide it by 255"
        )
    } else {
        return Ok(());
    };
    Err(file.error(message))
}

/// The position of the channel axis.
#[derive(Clone, Copy, PartialEq)]
enum Channels {
    Second,
    Last,
}

fn images(file: &ArrayFile, role: Role) -> Result<Images, DataError> {
    let array = require(file, role)?;
    let (order, [channels, height, width]) =
        layout(array.shape()).map_err(|message| array.error(message))?;
    if array.shape().contains(&0) {
        let message = format!("has shape {:?}, which contains no images", array.shape());
        return Err(array.error(message));
    }
    let pixels = if *array.dtype() == Dtype::UINT8 {
        Pixels::Bytes(channels_first(
            array.into_uint8()?,
            order,
            channels,
            height * width,
        ))
    } else if array.dtype().size().is_some() && !array.dtype().is_float() {
        return Err(array.error(format!(
            "holds {}, not uint8 or floats; save a.astype(\"uint8\") if the values are in [0, 255], otherwise a.astype(\"float32\")",
            array.dtype().name()
        )));
    } else {
        let floats = array.floats::<f32>()?;
        check_finite(&array, &floats, channels * height * width)?;
        let floats = floats.into_owned();
        Pixels::Floats(channels_first(floats, order, channels, height * width))
    };
    Images::from_pixels(channels, height, width, pixels)
}

/// The position of the channel axis, and the channels, rows and columns of an image.
fn layout(shape: &[usize]) -> Result<(Channels, [usize; 3]), String> {
    let why_not = match *shape {
        [_, height, width] => return Ok((Channels::Second, [1, height, width])),
        [_, channels @ (1 | 3), height, width] => {
            return Ok((Channels::Second, [channels, height, width]));
        }
        [_, height, width, channels @ (1 | 3)] => {
            return Ok((Channels::Last, [channels, height, width]));
        }
        [_, _, _, 4] => {
            ": the last axis seems to be red, green, blue and alpha; save a[..., :3]".to_owned()
        }
        [_, 4, _, _] => {
            ": the second axis seems to be red, green, blue and alpha; save a[:, :3]".to_owned()
        }
        [_, _, _, _] => {
            ": images must have 1 or 3 channels, along the second or the last axis".to_owned()
        }
        [_, pixels] => {
            let side = (pixels as f64).sqrt().round() as usize;
            let remedy = match side.checked_mul(side) == Some(pixels) {
                true => format!("save a.reshape(-1, {side}, {side})"),
                false => "reshape it".to_owned(),
            };
            format!(", not the rows and columns of images; {remedy}")
        }
        _ => {
            ", not (n, channels, rows, columns), (n, rows, columns, channels) or (n, rows, columns)"
                .to_owned()
        }
    };
    Err(format!("has shape {shape:?}{why_not}"))
}

/// Pixels in the order (n, channels, rows, columns).
fn channels_first<T: Copy>(
    pixels: Vec<T>,
    order: Channels,
    channels: usize,
    plane: usize,
) -> Vec<T> {
    if order == Channels::Second || channels == 1 {
        return pixels;
    }
    let mut first = Vec::with_capacity(pixels.len());
    for image in pixels.chunks_exact(channels * plane) {
        for channel in 0..channels {
            first.extend(image.iter().skip(channel).step_by(channels));
        }
    }
    first
}

fn check_finite(array: &Array, values: &[f32], per_image: usize) -> Result<(), DataError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(array.error(format!(
            "holds {} in row {}, but every value must be finite as float32",
            values[at],
            at / per_image
        ))),
    }
}

fn labels(file: &ArrayFile, role: Role) -> Result<Vec<u32>, DataError> {
    let array = require(file, role)?;
    array.class_numbers()
}

fn constants(file: &ArrayFile, name: &str) -> Result<Option<Vec<f32>>, DataError> {
    let Some(array) = file.array(name)?.filter(|_| file.is_archive()) else {
        return Ok(None);
    };
    if array.shape().len() > 1 {
        let shape = array.shape();
        return Err(array.error(format!(
            "has shape {shape:?}, not one value for each channel"
        )));
    }
    array.floats().map(Cow::into_owned).map(Some)
}

/// An array of images or labels, which the archive must contain.
fn require(file: &ArrayFile, role: Role) -> Result<Array, DataError> {
    let others = " (images, labels, test_images and test_labels, also x_train, y_train, .. or train_images, ..)";
    match file.find(role)? {
        Some(array) if file.is_archive() => Ok(array),
        _ => Err(file.lacks(role.name(), others)),
    }
}
