//! Selecting images and writing IDX files; the tests use this module as well.

use flate2::Crc;
use memdil_data::Images;
use miniz_oxide::deflate::compress_to_vec;
use sha2::{Digest, Sha256};

/// Indices of the first `per_class` samples of each class, in file order.
pub(crate) fn first_per_class(labels: &[u32], per_class: usize) -> Vec<usize> {
    let mut seen = std::collections::HashMap::new();
    (0..labels.len())
        .filter(|&i| {
            let count = seen.entry(labels[i]).or_insert(0);
            *count += 1;
            *count <= per_class
        })
        .collect()
}

/// The bytes of an IDX file of grey images.
pub(crate) fn images_file(images: &Images) -> Vec<u8> {
    let [_, height, width] = images.size();
    let sizes = [images.len(), height, width];
    idx_file(
        2051,
        &sizes,
        images
            .pixels()
            .as_bytes()
            .unwrap_or_default()
            .iter()
            .copied(),
    )
}

/// The bytes of an IDX file of labels.
pub(crate) fn labels_file(labels: impl ExactSizeIterator<Item = u8>) -> Vec<u8> {
    idx_file(2049, &[labels.len()], labels)
}

fn idx_file(magic: u32, sizes: &[usize], body: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut file = magic.to_be_bytes().to_vec();
    for &size in sizes {
        file.extend((size as u32).to_be_bytes());
    }
    file.extend(body);
    file
}

/// Compresses at the best level with a header without name, time or system, so that the output is
/// deterministic.
///
/// This calls `miniz_oxide` directly, because the backend of flate2 depends on the features that
/// other crates enable.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(bytes);
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    file.extend(compress_to_vec(bytes, 9));
    file.extend(crc.sum().to_le_bytes());
    file.extend(crc.amount().to_le_bytes());
    file
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
