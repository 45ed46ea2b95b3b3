//! Valid and invalid IDX files.

use std::fs;
use std::path::PathBuf;

use memdil_data::{DataError, idx};

use crate::common::{gzip, images_file, labels_file};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join("file");
        fs::write(&path, bytes).unwrap();
        path
    }
}

#[test]
fn gzip_is_detected_by_content() {
    let folder = Folder::new();
    for pack in [<[u8]>::to_vec, gzip] {
        let images = idx::read_images(&folder.write(&pack(&images_file(3)))).unwrap();
        assert_eq!(images.size(), [1, 2, 3]);
        assert_eq!(images.len(), 3);
        assert_eq!(images.bytes(2), Some(&[20, 21, 22, 23, 24, 25][..]));
        assert_eq!(
            images.select(&[1, 0]).bytes(1),
            Some(&[0, 1, 2, 3, 4, 5][..])
        );

        let labels = idx::read_labels(&folder.write(&pack(&labels_file(&[3, 1, 255])))).unwrap();
        assert_eq!(labels, [3, 1, 255]);
    }
}

#[test]
fn gzip_members_are_concatenated() {
    let file = labels_file(&[5, 6, 7]);
    let (head, tail) = file.split_at(9);
    let members = [gzip(head), gzip(tail)].concat();
    assert_eq!(idx::parse_labels(&members, "x").unwrap(), [5, 6, 7]);
}

#[test]
fn every_truncation_names_the_file_and_the_bytes() {
    let folder = Folder::new();
    let whole = images_file(3);
    for len in 0..whole.len() {
        let path = folder.write(&whole[..len]);
        match idx::read_images(&path).unwrap_err() {
            DataError::WrongLength {
                path: named,
                expected,
                found,
            } => {
                assert_eq!(named, path);
                assert_eq!(found, len as u64);
                assert_eq!(expected, if len < 16 { 16 } else { 34 });
            }
            other => panic!("{len} bytes: {other}"),
        }
    }
    let message = idx::read_images(&folder.write(&whole[..20]))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("34") && message.contains("20"),
        "{message}"
    );
}

#[test]
fn trailing_bytes_are_an_error() {
    let mut file = labels_file(&[1, 2]);
    file.extend([0; 5]);
    for bytes in [file.clone(), gzip(&file)] {
        let error = idx::parse_labels(&bytes, "long").unwrap_err();
        assert!(
            matches!(
                error,
                DataError::WrongLength {
                    expected: 10,
                    found: 15,
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn images_are_not_read_as_labels() {
    let error = idx::parse_labels(&images_file(1), "swapped").unwrap_err();
    assert!(
        matches!(
            error,
            DataError::WrongMagic {
                expected: 2049,
                found: 2051,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("2051 (images)"), "{error}");
    let error = idx::parse_images(b"\x89PNG", "picture").unwrap_err();
    assert!(matches!(error, DataError::WrongMagic { .. }), "{error}");
}

#[test]
fn a_false_header_does_not_allocate() {
    // 2^96 pixels, and 2^30 + 1024: reserving the first size would abort the process.
    for sizes in [[u32::MAX; 3], [1 + (1 << 20), 32, 32]] {
        let mut file = vec![0, 0, 8, 3];
        file.extend(sizes.map(u32::to_be_bytes).concat());
        for bytes in [file.clone(), gzip(&file)] {
            let error = idx::parse_images(&bytes, "liar").unwrap_err();
            assert!(
                matches!(
                    error,
                    DataError::TooLarge {
                        ceiling: 0x4000_0000,
                        ..
                    }
                ),
                "{error}"
            );
        }
    }
    // A plausible size, but the bytes are missing.
    let mut file = vec![0, 0, 8, 3];
    file.extend([1_u32 << 20, 32, 32].map(u32::to_be_bytes).concat());
    for bytes in [file.clone(), gzip(&file)] {
        match idx::parse_images(&bytes, "liar").unwrap_err() {
            DataError::WrongLength {
                expected: 0x4000_0010,
                found: 16,
                ..
            } => {}
            other => panic!("{other}"),
        }
    }
}

#[test]
fn images_without_pixels_are_an_error() {
    let file = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3];
    let error = idx::parse_images(&file, "flat").unwrap_err();
    assert!(
        matches!(
            error,
            DataError::WrongShape {
                size: [_, 0, _],
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn damaged_gzip_is_distinguished_from_a_wrong_file() {
    let folder = Folder::new();
    let whole = gzip(&images_file(20));
    let mut wrong_checksum = whole.clone();
    let at = whole.len() - 8;
    wrong_checksum[at] ^= 1;
    for bytes in [&wrong_checksum[..], &whole[..whole.len() - 9], &whole[..5]] {
        let path = folder.write(bytes);
        match idx::read_images(&path).unwrap_err() {
            DataError::DamagedGzip { path: named, .. } => assert_eq!(named, path),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = idx::read_labels("/nowhere/labels".as_ref()).unwrap_err();
    assert!(matches!(error, DataError::Io { .. }), "{error}");
    assert!(error.to_string().contains("/nowhere/labels"), "{error}");
}
