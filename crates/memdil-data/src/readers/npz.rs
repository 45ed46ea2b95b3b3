//! A user's own images: a NumPy `.npz` file, as `numpy.savez` or `savez_compressed` writes it.
//!
//! | array | type | shape |
//! | --- | --- | --- |
//! | `images`, `test_images` | uint8 or floats | (n, channels, rows, columns), (n, rows, columns, channels) or (n, rows, columns) |
//! | `labels`, `test_labels` | whole numbers, 0 or more | (n,) or (n, 1) |
//! | `mean`, `std` (optional, both or neither) | floats | (channels,) |
//!
//! The names that Keras (`x_train`, `y_train`, `x_test`, `y_test`) and MedMNIST (`train_images`,
//! `train_labels`) use are read as well; a validation set is not used, because a configuration
//! holds one out itself. Images have 1 or 3 channels, and are grey where no axis is for channels;
//! an axis of length 1 or 3 in the second or the last place is that of the channels, the second
//! place first. Bytes are scaled to 0..1 before they are normalised, floats are taken as they are.
//! Without `mean` and `std` the training images give them, per channel.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use crate::error::DataError;
use crate::formats::arrays::{Array, ArrayFile, Dtype, Role};
use crate::images::{Images, Pixels, Split};
use crate::statistics;

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Contents {
    /// `images` and `labels`.
    pub train: Split,
    /// `test_images` and `test_labels`.
    pub test: Split,
    /// `mean`, or that of the training images.
    pub mean: Vec<f32>,
    /// `std`, or that of the training images.
    pub std: Vec<f32>,
}

/// Reads a file.
///
/// # Errors
/// A file that cannot be read or is damaged, an array that is missing or of another type or shape,
/// a label that is not a class number or a float that is not finite, with its row, and constants
/// that do not fit the images.
pub fn read(path: &Path) -> Result<Contents, DataError> {
    contents(&ArrayFile::open(path)?)
}

/// Reads a file from bytes in memory; `name` is the path in errors.
///
/// # Errors
/// As for [`read`].
pub fn parse(bytes: &[u8], name: &str) -> Result<Contents, DataError> {
    contents(&ArrayFile::parse(bytes, name)?)
}

/// The classes that occur in the training or test labels of a file, ascending; the images are not
/// read.
///
/// # Errors
/// As for [`read`], as far as labels are concerned.
pub fn classes(path: &Path) -> Result<Vec<u32>, DataError> {
    let file = ArrayFile::open(path)?;
    let labels = [Role::Labels, Role::TestLabels].map(|role| labels(&file, role));
    let [train, test] = labels;
    let labels = [train?, test?].concat();
    let classes = Vec::from_iter(labels.iter().copied().collect::<BTreeSet<u32>>());
    // As memdil-metrics has it: a mark needs two other classes, far below it.
    if let [_, .., second, mark @ 255] = classes[..]
        && second < mark / 2
    {
        let count = labels.iter().filter(|&&label| label == mark).count();
        return Err(file.refuse(format!(
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
        let message = "holds bytes in one of `images` and `test_images` and floats in the other: save both alike";
        return Err(file.refuse(message.to_owned()));
    }
    let (mean, std) = match (constants(file, "mean")?, constants(file, "std")?) {
        (Some(mean), Some(std)) => (mean, std),
        (None, None) => measured(file, &train.images)?,
        (mean, _) => {
            let (there, missing) = match mean {
                Some(_) => ("mean", "std"),
                None => ("std", "mean"),
            };
            let message = format!("has array `{there}` but no `{missing}`: give both or neither");
            return Err(file.refuse(message));
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
        Some(channel) => Err(file.refuse(format!(
                "array `images` has the same value everywhere in channel {channel}: without `mean` and `std` \
                 it cannot be normalised"
            ),
        )),
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
        format!(
            "`mean` {mean:?} and `std` {std:?} of the channels must be finite and `std` above 0"
        )
    } else if images.pixels().as_bytes().is_some()
        && !mean.iter().all(|mean| (0.0..=1.0).contains(mean))
    {
        format!(
            "`mean` is {mean:?}: bytes are scaled to 0..1 before it is subtracted, so divide it by 255"
        )
    } else {
        return Ok(());
    };
    Err(file.refuse(message))
}

/// Where the channels of images are.
#[derive(Clone, Copy, PartialEq)]
enum Channels {
    Second,
    Last,
}

fn images(file: &ArrayFile, role: Role) -> Result<Images, DataError> {
    let array = require(file, role)?;
    let (order, [channels, height, width]) =
        layout(array.shape()).map_err(|message| array.refuse(message))?;
    if array.shape().contains(&0) {
        let message = format!("has shape {:?}, which holds no image", array.shape());
        return Err(array.refuse(message));
    }
    let pixels = if *array.dtype() == Dtype::UINT8 {
        Pixels::Bytes(channels_first(
            array.into_uint8()?,
            order,
            channels,
            height * width,
        ))
    } else if array.dtype().size().is_some() && !array.dtype().is_float() {
        return Err(array.refuse(format!(
            "holds {}: uint8 or floats are read, so save a.astype(\"uint8\") if they are 0 to 255, else a.astype(\"float32\")",
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

/// The order of the axes, and channels, rows and columns of an image.
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
            ": the last axis looks like red, green, blue and alpha; save a[..., :3]".to_owned()
        }
        [_, 4, _, _] => {
            ": the second axis looks like red, green, blue and alpha; save a[:, :3]".to_owned()
        }
        [_, _, _, _] => ": images have 1 or 3 channels, in the second or the last place".to_owned(),
        [_, pixels] => {
            let side = (pixels as f64).sqrt().round() as usize;
            let remedy = match side.checked_mul(side) == Some(pixels) {
                true => format!("save a.reshape(-1, {side}, {side})"),
                false => "reshape it".to_owned(),
            };
            format!(", not the rows and columns of images; {remedy}")
        }
        _ => ": (n, channels, rows, columns), (n, rows, columns, channels) or (n, rows, columns) is read"
            .to_owned(),
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
        Some(at) => Err(array.refuse(format!(
            "holds {} in row {}: every value must be finite as float32",
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
        return Err(array.refuse(format!(
            "has shape {shape:?}: one value for each channel is read"
        )));
    }
    array.floats().map(Cow::into_owned).map(Some)
}

/// An array of images or labels, which an archive has to hold.
fn require(file: &ArrayFile, role: Role) -> Result<Array, DataError> {
    let others = ": images, labels, test_images and test_labels are read, as are x_train, y_train, .. and train_images, ..";
    match file.find(role)? {
        Some(array) if file.is_archive() => Ok(array),
        _ => Err(file.lacks(role.name(), others)),
    }
}
