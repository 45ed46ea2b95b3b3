//! A user's own images: a NumPy `.npz` file, as `numpy.savez` or `savez_compressed` writes it.
//!
//! | array | type | shape |
//! | --- | --- | --- |
//! | `images`, `test_images` | uint8 or float32 | (n, channels, rows, columns), or (n, rows, columns) for grey |
//! | `labels`, `test_labels` | any integers, 0 or more | (n,) |
//! | `mean`, `std` (optional, both or neither) | float32 or float64 | (channels,) |
//!
//! Bytes are scaled to 0..1 before they are normalised, floats are taken as they are. Without
//! `mean` and `std` the training images give them, per channel.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use crate::images::Pixels;
use crate::npy::{Header, read_header};
use crate::unpack::{CEILING, Fault, MOST_LABELS, read_full};
use crate::zipped::Archive;
use crate::{DataError, Images, Split, statistics};

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
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
/// object arrays and Fortran order, a negative label or a float that is not finite, with its row,
/// and constants that do not fit the images.
pub fn read(path: &Path) -> Result<Contents, DataError> {
    open(path)?.contents()
}

/// Reads a file from bytes in memory; `name` stands for the path in errors.
///
/// # Errors
/// As for [`read`].
pub fn parse(bytes: &[u8], name: &str) -> Result<Contents, DataError> {
    Npz::new(Cursor::new(bytes), Path::new(name))?.contents()
}

/// The classes that occur in the training or test labels of a file, ascending; the images are not
/// read.
///
/// # Errors
/// As for [`read`], as far as labels are concerned.
pub fn classes(path: &Path) -> Result<Vec<u32>, DataError> {
    let mut npz = open(path)?;
    let labels = [npz.labels("labels")?, npz.labels("test_labels")?].concat();
    let distinct: BTreeSet<u32> = labels.into_iter().collect();
    Ok(distinct.into_iter().collect())
}

fn open(path: &Path) -> Result<Npz<BufReader<File>>, DataError> {
    let file = File::open(path).map_err(|cause| DataError::Io {
        path: path.to_owned(),
        cause,
    })?;
    Npz::new(BufReader::new(file), path)
}

struct Npz<R> {
    archive: Archive<R>,
    path: PathBuf,
}

/// One array, up to its values.
struct Array<'a> {
    header: Header,
    values: Box<dyn Read + 'a>,
    /// How many bytes may be reserved before they are read.
    reserve: usize,
}

impl<R: Read + Seek> Npz<R> {
    fn new(file: R, path: &Path) -> Result<Self, DataError> {
        match Archive::new(file) {
            Ok(archive) => Ok(Self {
                archive,
                path: path.to_owned(),
            }),
            Err(Fault::Content(message)) => Err(malformed(path, message)),
            Err(Fault::Read(cause)) => Err(DataError::Io {
                path: path.to_owned(),
                cause,
            }),
        }
    }

    fn contents(&mut self) -> Result<Contents, DataError> {
        let train = Split {
            images: self.images("images")?,
            labels: self.labels("labels")?,
        };
        let test = Split {
            images: self.images("test_images")?,
            labels: self.labels("test_labels")?,
        };
        for (name, images) in [("images", &train.images), ("test_images", &test.images)] {
            if images.is_empty() {
                return Err(malformed(
                    &self.path,
                    format!("array `{name}` holds no image"),
                ));
            }
        }
        if train.images.pixels.as_bytes().is_some() != test.images.pixels.as_bytes().is_some() {
            let message = "holds bytes in one of `images` and `test_images` and floats in the other: save both alike";
            return Err(malformed(&self.path, message.to_owned()));
        }
        let (mean, std) = match (self.constants("mean")?, self.constants("std")?) {
            (Some(mean), Some(std)) => (mean, std),
            (None, None) => {
                let (mean, std) = statistics::mean_and_std(&train.images);
                if let Some(channel) = std.iter().position(|&std| std == 0.0) {
                    let message = format!(
                        "array `images` has the same value everywhere in channel {channel}: without `mean` and `std` \
                         it cannot be normalised"
                    );
                    return Err(malformed(&self.path, message));
                }
                (mean, std)
            }
            (mean, _) => {
                let (there, missing) = if mean.is_some() {
                    ("mean", "std")
                } else {
                    ("std", "mean")
                };
                return Err(malformed(
                    &self.path,
                    format!("has array `{there}` but no `{missing}`: give both or none"),
                ));
            }
        };
        self.check_constants(&train.images, &mean, &std)?;
        Ok(Contents {
            train,
            test,
            mean,
            std,
        })
    }

    fn check_constants(&self, images: &Images, mean: &[f32], std: &[f32]) -> Result<(), DataError> {
        let usable = |std: &f32| std.is_finite() && *std > 0.0;
        let message = if mean.len() != images.channels || std.len() != images.channels {
            let (found, channels) = ([mean.len(), std.len()], images.channels);
            format!("`mean` and `std` have {found:?} values for {channels} channels")
        } else if !std.iter().all(usable) || !mean.iter().all(|mean| mean.is_finite()) {
            format!(
                "`mean` {mean:?} and `std` {std:?} of the channels must be finite and `std` above 0"
            )
        } else if images.pixels.as_bytes().is_some()
            && !mean.iter().all(|mean| (0.0..=1.0).contains(mean))
        {
            format!(
                "`mean` is {mean:?}: bytes are scaled to 0..1 before it is subtracted, so divide it by 255"
            )
        } else {
            return Ok(());
        };
        Err(malformed(&self.path, message))
    }

    fn images(&mut self, name: &str) -> Result<Images, DataError> {
        self.read(name, |array| {
            let (channels, height, width) = match array.header.shape[..] {
                [_, height, width] => (1, height, width),
                [_, channels, height, width] => (channels, height, width),
                ref shape => {
                    return Err(format!(
                        "has shape {shape:?}: (n, channels, rows, columns) or (n, rows, columns) is read"
                    )
                    .into());
                }
            };
            if ![1, 3].contains(&channels) && [1, 3].contains(&width) {
                return Err(format!(
                    "has shape {:?}: channels come second here, so transpose(0, 3, 1, 2) it",
                    array.header.shape
                )
                .into());
            }
            let too_large = || Fault::from("is too large for this machine");
            let [channels, height, width] = [channels, height, width].map(|size| usize::try_from(size).ok());
            let (Some(channels), Some(height), Some(width)) = (channels, height, width) else {
                return Err(too_large());
            };
            let Some(size @ 1..) = channels.checked_mul(height).and_then(|size| size.checked_mul(width)) else {
                return Err(format!("has shape {:?}: its images have no pixels", array.header.shape).into());
            };
            let pixels = match array.header.dtype.as_str() {
                "|u1" => Pixels::Bytes(array.bytes()?),
                "<f4" | ">f4" => Pixels::Floats(array.floats(size)?),
                dtype => {
                    return Err(format!("has type {dtype}: uint8 or float32 is read, so use astype on it first").into());
                }
            };
            Ok((channels, height, width, pixels))
        })
        .and_then(|(channels, height, width, pixels)| Images::from_pixels(channels, height, width, pixels))
    }

    fn labels(&mut self, name: &str) -> Result<Vec<u32>, DataError> {
        self.read(name, |array| {
            if array.header.shape.len() != 1 {
                return Err(format!(
                    "has shape {:?}: one label for each image, (n,), is read",
                    array.header.shape
                )
                .into());
            }
            if array.len() > MOST_LABELS {
                return Err(format!(
                    "claims {} labels: at most {MOST_LABELS} are read",
                    array.len()
                )
                .into());
            }
            array.labels()
        })
    }

    fn constants(&mut self, name: &str) -> Result<Option<Vec<f32>>, DataError> {
        if self.archive.find(name).is_none() {
            return Ok(None);
        }
        let values = self.read(name, |array| match array.header.shape.len() {
            0 | 1 => array.constants(),
            _ => Err(format!(
                "has shape {:?}: one value for each channel is read",
                array.header.shape
            )
            .into()),
        })?;
        Ok(Some(values))
    }

    /// Opens an array, checks that its length is believable, and has it read to the end.
    fn read<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Array) -> Result<T, Fault>,
    ) -> Result<T, DataError> {
        let refuse = |path: &Path, fault| match fault {
            Fault::Read(cause) => malformed(
                path,
                format!("array `{name}` is damaged ({cause}): get the file again"),
            ),
            Fault::Content(message) => malformed(path, format!("array `{name}` {message}")),
        };
        let Some(entry) = self.archive.find(name) else {
            return Err(malformed(
                &self.path,
                format!(
                    "has no array `{name}`: images, labels, test_images and test_labels are read"
                ),
            ));
        };
        let most = CEILING.max(self.archive.len);
        let there = if entry.is_stored() {
            self.archive.len
        } else {
            0
        };
        self.archive
            .open(&entry)
            .and_then(|values| Array::open(values, most, there))
            .and_then(|mut array| {
                let value = read(&mut array)?;
                // Reading on to the end checks the checksum.
                match io::copy(&mut array.values, &mut io::sink())? {
                    0 => Ok(value),
                    rest => Err(format!("has {rest} bytes more than its header says").into()),
                }
            })
            .map_err(|fault| refuse(&self.path, fault))
    }
}

impl<'a> Array<'a> {
    fn open(mut values: Box<dyn Read + 'a>, most: u64, there: u64) -> Result<Self, Fault> {
        let header = read_header(&mut values)?;
        if header.dtype.contains('O') {
            return Err("holds Python objects: save it as plain numbers".into());
        }
        if header.fortran_order && header.shape.len() > 1 {
            return Err("is in Fortran order: save numpy.ascontiguousarray of it".into());
        }
        let width = header
            .dtype
            .get(2..)
            .and_then(|width| width.parse::<u64>().ok());
        let bytes = width
            .zip(header.len())
            .and_then(|(width, len)| len.checked_mul(width));
        match bytes {
            Some(bytes) if bytes <= most => {
                let reserve = usize::try_from(bytes.min(there)).unwrap_or(0);
                Ok(Self { header, values, reserve })
            }
            _ => Err(format!(
                "claims type {} and shape {:?}, which is more than the file can be trusted to hold: save it uncompressed (numpy.savez)",
                header.dtype, header.shape
            )
            .into()),
        }
    }

    fn len(&self) -> u64 {
        self.header.len().unwrap_or(u64::MAX)
    }

    fn bytes(&mut self) -> Result<Vec<u8>, Fault> {
        let len = self.len();
        let mut bytes = Vec::with_capacity(self.reserve);
        self.values.by_ref().take(len).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < len {
            return Err(too_short());
        }
        bytes.shrink_to_fit();
        Ok(bytes)
    }

    fn floats(&mut self, values_per_image: usize) -> Result<Vec<f32>, Fault> {
        let big_endian = self.header.dtype.starts_with('>');
        let mut floats = Vec::with_capacity(self.reserve / 4);
        self.for_each(|_, bytes: [u8; 4]| {
            let value = if big_endian {
                f32::from_be_bytes(bytes)
            } else {
                f32::from_le_bytes(bytes)
            };
            if !value.is_finite() {
                let row = floats.len() / values_per_image;
                return Err(
                    format!("holds {value} in row {row}: every value must be finite").into(),
                );
            }
            floats.push(value);
            Ok(())
        })?;
        floats.shrink_to_fit();
        Ok(floats)
    }

    fn labels(&mut self) -> Result<Vec<u32>, Fault> {
        let Some(integers) = self.header.integers() else {
            let dtype = &self.header.dtype;
            return Err(
                format!("has type {dtype}: integers are read, so use astype on it first").into(),
            );
        };
        let mut labels = Vec::new();
        let mut push = |row: u64, bytes: &[u8]| {
            let label = integers.value(bytes);
            let wrong = |_| format!("holds label {label} in row {row}: labels are 0 to 4294967295");
            labels.push(u32::try_from(label).map_err(wrong)?);
            Ok(())
        };
        match integers.width {
            1 => self.for_each(|row, bytes: [u8; 1]| push(row, &bytes)),
            2 => self.for_each(|row, bytes: [u8; 2]| push(row, &bytes)),
            4 => self.for_each(|row, bytes: [u8; 4]| push(row, &bytes)),
            _ => self.for_each(|row, bytes: [u8; 8]| push(row, &bytes)),
        }?;
        Ok(labels)
    }

    fn constants(&mut self) -> Result<Vec<f32>, Fault> {
        let dtype = self.header.dtype.clone();
        let mut values = Vec::new();
        let mut push = |value| {
            values.push(value);
            Ok(())
        };
        match dtype.as_str() {
            "<f4" => self.for_each(|_, bytes| push(f32::from_le_bytes(bytes))),
            ">f4" => self.for_each(|_, bytes| push(f32::from_be_bytes(bytes))),
            "<f8" => self.for_each(|_, bytes| push(f64::from_le_bytes(bytes) as f32)),
            ">f8" => self.for_each(|_, bytes| push(f64::from_be_bytes(bytes) as f32)),
            _ => Err(format!("has type {dtype}: float32 or float64 is read").into()),
        }?;
        Ok(values)
    }

    /// Calls `visit` with the number and the bytes of each value.
    fn for_each<const WIDTH: usize>(
        &mut self,
        mut visit: impl FnMut(u64, [u8; WIDTH]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let len = self.len();
        let mut buffer = [0; 8 * 1024];
        let mut done = 0;
        while done < len {
            let values = (len - done).min((buffer.len() / WIDTH) as u64);
            let part = &mut buffer[..values as usize * WIDTH];
            if read_full(&mut self.values, part)? < part.len() {
                return Err(too_short());
            }
            for bytes in part.as_chunks().0 {
                visit(done, *bytes)?;
                done += 1;
            }
        }
        Ok(())
    }
}

fn too_short() -> Fault {
    Fault::from("ends before its last value: get the file again")
}

fn malformed(path: &Path, message: String) -> DataError {
    DataError::Malformed {
        path: path.to_owned(),
        message,
    }
}
