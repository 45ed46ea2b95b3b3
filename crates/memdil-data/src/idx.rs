//! IDX files, the format of MNIST and Fashion-MNIST, plain or gzip.
//!
//! A file of images is the big-endian numbers 2051, n, rows, columns, then n * rows * columns bytes;
//! a file of labels is 2049, n, then n bytes (LeCun et al. 1998).

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::{DataError, Images};

const IMAGES: u32 = 2051;
const LABELS: u32 = 2049;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads a file of grey images; gzip is told by the content, not by the name.
///
/// # Shapes
/// One channel, rows and columns from the header.
///
/// # Errors
/// A file that cannot be read, is damaged, begins with another number, holds images without pixels, or
/// is shorter or longer than its header says. A header that lies costs no memory.
pub fn read_images(path: &Path) -> Result<Images, DataError> {
    decode_images(open(path)?, path)
}

/// Reads a file of labels; gzip is told by the content, not by the name.
///
/// # Errors
/// As for [`read_images`].
pub fn read_labels(path: &Path) -> Result<Vec<u32>, DataError> {
    decode_labels(open(path)?, path)
}

/// Reads grey images from bytes in memory, plain or gzip; `name` stands for the path in errors.
///
/// # Errors
/// As for [`read_images`].
///
/// ```
/// let bytes = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20];
/// let images = memdil_data::idx::parse_images(&bytes, "one image")?;
/// assert_eq!((images.height, images.width), (1, 2));
/// assert_eq!(images.image(0), &[10, 20]);
/// # Ok::<(), memdil_data::DataError>(())
/// ```
pub fn parse_images(bytes: &[u8], name: &str) -> Result<Images, DataError> {
    decode_images(bytes, Path::new(name))
}

/// Reads labels from bytes in memory, plain or gzip; `name` stands for the path in errors.
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
    decode_labels(bytes, Path::new(name))
}

fn open(path: &Path) -> Result<BufReader<File>, DataError> {
    match File::open(path) {
        Ok(file) => Ok(BufReader::new(file)),
        Err(cause) => Err(DataError::Io { path: path.to_owned(), cause }),
    }
}

fn decode_images(reader: impl BufRead, path: &Path) -> Result<Images, DataError> {
    let ([_, height, width], pixels) = decode(reader, path, "images", IMAGES)?;
    Images::new(1, height as usize, width as usize, pixels)
}

fn decode_labels(reader: impl BufRead, path: &Path) -> Result<Vec<u32>, DataError> {
    let ([_], labels) = decode(reader, path, "labels", LABELS)?;
    Ok(labels.into_iter().map(u32::from).collect())
}

/// Unpacks if need be and reads D sizes and the body they announce.
fn decode<const D: usize>(
    mut reader: impl BufRead,
    path: &Path,
    kind: &'static str,
    magic: u32,
) -> Result<([u32; D], Vec<u8>), DataError> {
    let path_error = |cause| DataError::Io { path: path.to_owned(), cause };
    let mut start = Vec::new();
    reader.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut start).map_err(path_error)?;
    let packed = start == GZIP_MAGIC;
    let whole = io::Cursor::new(start).chain(reader);
    if packed {
        decode_plain(MultiGzDecoder::new(whole), path, kind, magic, |cause| DataError::DamagedGzip {
            path: path.to_owned(),
            cause,
        })
    } else {
        decode_plain(whole, path, kind, magic, path_error)
    }
}

fn decode_plain<const D: usize>(
    mut reader: impl Read,
    path: &Path,
    kind: &'static str,
    magic: u32,
    read_error: impl Fn(io::Error) -> DataError,
) -> Result<([u32; D], Vec<u8>), DataError> {
    let wrong_length = |expected, found| DataError::WrongLength { path: path.to_owned(), expected, found };
    let header_len = 4 * (D as u64 + 1);
    let mut header = Vec::new();
    reader.by_ref().take(header_len).read_to_end(&mut header).map_err(&read_error)?;
    let mut numbers = header.chunks_exact(4).map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    if let Some(found) = numbers.next()
        && found != magic
    {
        return Err(DataError::WrongMagic { path: path.to_owned(), kind, expected: magic, found });
    }
    if (header.len() as u64) < header_len {
        return Err(wrong_length(header_len.into(), header.len() as u64));
    }
    let mut sizes = [0; D];
    for (size, number) in sizes.iter_mut().zip(numbers) {
        *size = number;
    }

    let body_len: u128 = sizes.iter().map(|&size| u128::from(size)).product();
    let expected = u128::from(header_len) + body_len;
    // `read_to_end` grows with what is there, so that the header decides on no allocation; reading
    // past the body makes the gzip decoder check its checksum.
    let mut body = Vec::new();
    reader.by_ref().take(u64::try_from(body_len).unwrap_or(u64::MAX)).read_to_end(&mut body).map_err(&read_error)?;
    let rest = io::copy(&mut reader, &mut io::sink()).map_err(&read_error)?;
    let found = header_len + body.len() as u64 + rest;
    if u128::from(found) != expected {
        return Err(wrong_length(expected, found));
    }
    Ok((sizes, body))
}
