//! IDX files, the format of MNIST and Fashion-MNIST, plain or gzip.
//!
//! A file of images holds the big-endian numbers 2051, n, rows, columns, and then n * rows *
//! columns bytes; a file of labels holds 2049, n, and then n bytes (LeCun et al. 1998).

use std::io::{self, Read};
use std::path::Path;

use crate::error::DataError;
use crate::formats::unpack::{self, Fault, MAX_LABELS, Unpacked};
use crate::images::Images;

pub(crate) const IMAGES: u32 = 2051;
pub(crate) const LABELS: u32 = 2049;

/// Reads a file of grey images. Gzip is detected by content, not by name.
///
/// # Shapes
/// One channel, rows and columns from the header.
///
/// # Errors
/// If the file cannot be read, is damaged, has another magic number, holds images without pixels,
/// is shorter or longer than its header claims, or claims more than 1 GiB while being smaller. A
/// false header does not cause large allocations.
pub fn read_images(path: &Path) -> Result<Images, DataError> {
    decode_images(unpack::open(path)?)
}

/// Reads a file of labels. Gzip is detected by content, not by name.
///
/// # Errors
/// As for [`read_images`].
pub fn read_labels(path: &Path) -> Result<Vec<u32>, DataError> {
    decode_labels(unpack::open(path)?)
}

/// Reads grey images from bytes in memory, plain or gzip; errors use `name` as the path.
///
/// # Errors
/// As for [`read_images`].
///
/// ```
/// let bytes = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20];
/// let images = memdil_data::idx::parse_images(&bytes, "one image")?;
/// assert_eq!(images.size(), [1, 1, 2]);
/// assert_eq!(images.bytes(0), Some(&[10, 20][..]));
/// # Ok::<(), memdil_data::DataError>(())
/// ```
pub fn parse_images(bytes: &[u8], name: &str) -> Result<Images, DataError> {
    decode_images(unpack::from_bytes(bytes, name)?)
}

/// Reads labels from bytes in memory, plain or gzip; errors use `name` as the path.
///
/// # Errors
/// As for [`read_images`].
///
/// ```
/// let bytes = [0, 0, 8, 1, 0, 0, 0, 3, 9, 0, 4];
/// assert_eq!(memdil_data::idx::parse_labels(&bytes, "three labels")?, [9, 0, 4]);
/// # Ok::<(), memdil_data::DataError>(())
/// ```
pub fn parse_labels(bytes: &[u8], name: &str) -> Result<Vec<u32>, DataError> {
    decode_labels(unpack::from_bytes(bytes, name)?)
}

fn decode_images(file: Unpacked) -> Result<Images, DataError> {
    let ([_, height, width], pixels) = decode(file, "images", IMAGES, u64::MAX)?;
    Images::new(1, height as usize, width as usize, pixels)
}

fn decode_labels(file: Unpacked) -> Result<Vec<u32>, DataError> {
    let ([_], labels) = decode(file, "labels", LABELS, MAX_LABELS)?;
    Ok(labels.into_iter().map(u32::from).collect())
}

/// Reads D sizes and the body whose length they determine.
fn decode<const D: usize>(
    file: Unpacked,
    kind: &'static str,
    magic: u32,
    most: u64,
) -> Result<([u32; D], Vec<u8>), DataError> {
    let Unpacked { mut reader, origin } = file;
    let read_error = |cause| origin.error(Fault::Read(cause));
    let wrong_length = |expected, found| DataError::WrongLength {
        path: origin.path.clone(),
        expected,
        found,
    };
    let mut read = |into: &mut Vec<u8>, length: u64| {
        let read = reader.by_ref().take(length).read_to_end(into);
        read.map_err(read_error)
    };
    let header_len = 4 * (D as u64 + 1);
    let mut header = Vec::new();
    read(&mut header, header_len)?;
    let words = header.as_chunks().0.iter();
    let mut numbers = words.map(|bytes| u32::from_be_bytes(*bytes));
    if let Some(found) = numbers.next()
        && found != magic
    {
        return Err(DataError::WrongMagic {
            path: origin.path.clone(),
            kind,
            expected: magic,
            found,
        });
    }
    if (header.len() as u64) < header_len {
        return Err(wrong_length(header_len.into(), header.len() as u64));
    }
    let sizes: [u32; D] = std::array::from_fn(|_| numbers.next().unwrap_or_default());

    let body_len: u128 = sizes.iter().map(|&size| u128::from(size)).product();
    let claimed = u64::try_from(body_len).unwrap_or(u64::MAX);
    origin.check_claim(claimed, most)?;
    // Only guaranteed bytes are reserved, so a false header cannot cause a large allocation. The
    // rest is read because the gzip decoder compares the checksum at the end of the stream.
    let mut body = Vec::with_capacity(origin.reserve(claimed));
    read(&mut body, claimed)?;
    body.shrink_to_fit();
    let rest = io::copy(&mut reader, &mut io::sink()).map_err(read_error)?;
    let expected = u128::from(header_len) + body_len;
    let found = header_len + body.len() as u64 + rest;
    if u128::from(found) != expected {
        return Err(wrong_length(expected, found));
    }
    Ok((sizes, body))
}
