//! Test files of all formats, written byte by byte.

pub(crate) mod cifar;
#[cfg(feature = "fetch")]
pub(crate) mod download;
pub(crate) mod mat;
pub(crate) mod npz;
pub(crate) mod pickle;
#[cfg(feature = "fetch")]
pub(crate) mod server;

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// An IDX file of labels.
pub(crate) fn labels_file(labels: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, 1];
    file.extend((labels.len() as u32).to_be_bytes());
    file.extend(labels);
    file
}

/// An IDX file of `n` images of 2 x 3; pixel j of image i is `10 i + j`.
pub(crate) fn images_file(n: u8) -> Vec<u8> {
    let mut file = vec![0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 2, 0, 0, 0, 3];
    for i in 0..n {
        file.extend((0..6).map(|j| 10 * i + j));
    }
    file
}

/// An IDX file of `n` images of `side` x `side`; all pixels of image i are `10 i`, except for the
/// last one, which is `10 i + 5`.
pub(crate) fn square_images_file(n: u8, side: u8) -> Vec<u8> {
    let mut file = vec![0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, side, 0, 0, 0, side];
    for i in 0..n {
        file.extend(vec![10 * i; usize::from(side) * usize::from(side) - 1]);
        file.push(10 * i + 5);
    }
    file
}

/// Compresses bytes with gzip.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Writes the four IDX files of a data set, with one 28 x 28 image per label.
pub(crate) fn write_data_set(folder: &Path, train: &[u8], test: &[u8]) {
    std::fs::create_dir_all(folder).unwrap();
    for (start, labels) in [("train", train), ("t10k", test)] {
        let images = square_images_file(labels.len() as u8, 28);
        std::fs::write(folder.join(format!("{start}-images-idx3-ubyte")), images).unwrap();
        let labels = labels_file(labels);
        std::fs::write(folder.join(format!("{start}-labels-idx1-ubyte")), labels).unwrap();
    }
}
