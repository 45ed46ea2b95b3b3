//! SVHN's cropped digits, stored as MATLAB files of version 5 (Netzer et al. 2011).
//!
//! A file holds `X`, a byte array of size 32 x 32 x 3 x n (rows, columns, channels, images; the row
//! index varies fastest), and `y`, n labels from 1 to 10, where 10 means the digit 0.

use std::io::Read;
use std::path::Path;

use crate::error::DataError;
use crate::formats::mat::{Values, for_each_matrix};
use crate::formats::unpack::{self, Fault, MAX_UNPACKED, Unpacked, read_full};
use crate::images::{Images, Split};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const PIXELS: usize = 3 * PLANE;

/// Reads one file, which holds the training or the test set.
///
/// # Shapes
/// Images are 3 x 32 x 32.
///
/// # Errors
/// If the file cannot be read, is damaged, is not a MATLAB file of version 5, or lacks `X` or `y`
/// or has them with other sizes or types; and with the row if a label is outside 1 to 10.
pub fn read_split(path: &Path) -> Result<Split, DataError> {
    decode(unpack::open(path)?)
}

/// Reads one file from bytes in memory; errors use `name` as the path.
///
/// # Errors
/// As for [`read_split`].
pub fn parse(bytes: &[u8], name: &str) -> Result<Split, DataError> {
    decode(unpack::from_bytes(bytes, name)?)
}

fn decode(file: Unpacked) -> Result<Split, DataError> {
    let Unpacked { mut reader, origin } = file;
    let (pixels, labels) = read_variables(&mut reader).map_err(|fault| origin.error(fault))?;
    Ok(Split {
        images: Images::new(3, SIDE, SIDE, pixels)?,
        labels,
    })
}

fn read_variables(reader: &mut dyn Read) -> Result<(Vec<u8>, Vec<u32>), Fault> {
    let (mut pixels, mut labels) = (None, None);
    for_each_matrix(reader, MAX_UNPACKED, |matrix| {
        match matrix.name.as_str() {
            "X" if pixels.is_none() => pixels = Some(read_pixels(&matrix.sizes, matrix.values)?),
            "y" if labels.is_none() => labels = Some(read_labels(&matrix.sizes, matrix.values)?),
            "X" | "y" => return Err(format!("holds variable `{}` twice", matrix.name).into()),
            _ => {}
        }
        Ok(pixels.is_some() && labels.is_some())
    })?;
    match (pixels, labels) {
        (Some(pixels), Some(labels)) => Ok((pixels, labels)),
        (None, _) => Err("has no variable `X` with the images".into()),
        (_, None) => Err("has no variable `y` with the labels".into()),
    }
}

fn read_pixels(sizes: &[u64], mut values: Values) -> Result<Vec<u8>, Fault> {
    // MATLAB omits a last size of 1.
    let images = match *sizes {
        [32, 32, 3] => 1,
        [32, 32, 3, images] => images,
        _ => {
            let message = format!("variable `X` has sizes {sizes:?}, not 32 x 32 x 3 x images");
            return Err(message.into());
        }
    };
    if !values.are_bytes() {
        return Err("variable `X` does not hold unsigned bytes (uint8)".into());
    }
    if images.checked_mul(PIXELS as u64) != Some(values.bytes) {
        let bytes = values.bytes;
        return Err(format!("variable `X` has sizes {sizes:?} but {bytes} bytes").into());
    }
    let mut pixels = Vec::new();
    let (mut columns, mut rows) = ([0; PIXELS], [0; PIXELS]);
    for image in 0..images {
        if read_full(&mut values.reader, &mut columns)? < PIXELS {
            return Err(format!("ends in image {image} of {images}; download it again").into());
        }
        let planes = columns.chunks_exact(PLANE);
        (planes.zip(rows.chunks_exact_mut(PLANE))).for_each(|(from, to)| transpose(from, to));
        pixels.extend_from_slice(&rows);
    }
    pixels.shrink_to_fit();
    Ok(pixels)
}

fn transpose(from: &[u8], to: &mut [u8]) {
    for (row, to) in to.chunks_exact_mut(SIDE).enumerate() {
        for (column, to) in to.iter_mut().enumerate() {
            *to = from[column * SIDE + row];
        }
    }
}

fn read_labels(sizes: &[u64], mut values: Values) -> Result<Vec<u32>, Fault> {
    let count = match *sizes {
        [n, 1] | [1, n] => n,
        _ => {
            let message = format!("variable `y` has sizes {sizes:?}, not one column of labels");
            return Err(message.into());
        }
    };
    let mut labels = Vec::new();
    while let Some(value) = values.next()? {
        match (1..=10_u8).find(|&digit| f64::from(digit).total_cmp(&value).is_eq()) {
            Some(digit) => labels.push(u32::from(digit % 10)),
            None => {
                let row = labels.len();
                return Err(
                    format!("label {value} in row {row} of `y` is out of range: labels must be in [1, 10] (10 is the digit 0)").into()
                );
            }
        }
    }
    if labels.len() as u64 != count {
        let found = labels.len();
        return Err(format!("variable `y` has sizes {sizes:?} but {found} values").into());
    }
    Ok(labels)
}
