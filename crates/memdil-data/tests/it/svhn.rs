//! SVHN's MATLAB files in all variants of the format.

use std::fs;

use memdil_data::{DataError, DataSpec, load, svhn};
use proptest::prelude::*;

use crate::common::mat::{STYLES, Style};

const PLAIN: Style = Style {
    big_endian: false,
    compressed: false,
};

fn pixel(image: usize, channel: usize, row: usize, column: usize) -> u8 {
    (100 * image + 57 * channel + 13 * row + column) as u8
}

fn refused(file: &[u8]) -> String {
    let error = svhn::parse(file, "train_32x32.mat").unwrap_err();
    assert!(
        matches!(
            error,
            DataError::Malformed { .. } | DataError::TooLarge { .. }
        ),
        "{error:?}"
    );
    let message = error.to_string();
    assert!(
        message.starts_with("train_32x32.mat") && !message.contains('\n'),
        "{message}"
    );
    message
}

#[test]
fn all_variants_of_the_format_are_read() {
    for style in STYLES {
        let other = style.variable("other", 6, &[1, 3], 9, &[0; 24]);
        let (images, labels) = (style.images(3, pixel), style.labels(&[10, 1, 9]));
        for variables in [
            vec![images.clone(), labels.clone()],
            vec![other, labels, images],
        ] {
            let split = svhn::parse(&style.file(&variables), "x").unwrap();
            assert_eq!(
                (&split.labels[..], split.images.size()),
                (&[0, 1, 9][..], [3, 32, 32])
            );
            for image in 0..3 {
                let bytes = split.images.bytes(image).unwrap();
                for (channel, row, column) in [(0, 0, 1), (0, 1, 0), (1, 5, 30), (2, 31, 31)] {
                    let at = channel * 1024 + row * 32 + column;
                    assert_eq!(bytes[at], pixel(image, channel, row, column), "{style:?}");
                }
            }
        }
    }
}

#[test]
fn labels_may_be_stored_as_any_number() {
    type Store = fn(u8) -> Vec<u8>;
    let stores: [(u32, u32, Store); 10] = [
        (8, 1, |label| vec![label]),
        (9, 2, |label| vec![label]),
        (10, 3, |label| i16::from(label).to_le_bytes().to_vec()),
        (11, 4, |label| u16::from(label).to_le_bytes().to_vec()),
        (12, 5, |label| i32::from(label).to_le_bytes().to_vec()),
        (13, 6, |label| u32::from(label).to_le_bytes().to_vec()),
        (7, 7, |label| f32::from(label).to_le_bytes().to_vec()),
        (6, 9, |label| f64::from(label).to_le_bytes().to_vec()),
        (14, 12, |label| i64::from(label).to_le_bytes().to_vec()),
        // MATLAB stores doubles as bytes if that is lossless, like `y` in the published file.
        (6, 2, |label| vec![label]),
    ];
    for (class, kind, store) in stores {
        let values: Vec<u8> = [10, 7].into_iter().flat_map(store).collect();
        let labels = PLAIN.variable("y", class, &[2, 1], kind, &values);
        let split = svhn::parse(&PLAIN.file(&[PLAIN.images(2, pixel), labels]), "x").unwrap();
        assert_eq!(split.labels, [0, 7], "{kind}");
    }
}

#[test]
fn a_single_image_has_three_sizes() {
    let split = svhn::parse(
        &PLAIN.file(&[PLAIN.images(1, pixel), PLAIN.labels(&[5])]),
        "x",
    )
    .unwrap();
    assert_eq!((split.images.len(), split.labels), (1, vec![5]));
}

#[test]
fn invalid_files_are_errors() {
    let (x, y) = (PLAIN.images(2, pixel), PLAIN.labels(&[1, 2]));
    let with_y = |y: Vec<u8>| PLAIN.file(&[x.clone(), y]);
    let with_x = |x: Vec<u8>| PLAIN.file(&[x, y.clone()]);
    let whole = with_y(y.clone());
    let mut newer = whole.clone();
    newer[124..126].copy_from_slice(&[0, 2]);
    let values = vec![0; 2 * 3072];
    for (file, part) in [
        (b"<html>".to_vec(), "is a web page"),
        (newer, "save it with -v7"),
        (PLAIN.file(std::slice::from_ref(&x)), "no variable `y`"),
        (PLAIN.file(std::slice::from_ref(&y)), "no variable `X`"),
        (PLAIN.file(&[x.clone(), x.clone(), y.clone()]), "`X` twice"),
        (with_y(PLAIN.labels(&[1, 11])), "label 11 in row 1"),
        (with_y(PLAIN.labels(&[0, 1])), "label 0 in row 0"),
        (
            with_y(PLAIN.variable("y", 6, &[1, 1], 9, &1.5_f64.to_le_bytes())),
            "label 1.5 in row 0",
        ),
        (
            with_y(PLAIN.variable("y", 9, &[3, 1], 2, &[1, 2])),
            "2 values",
        ),
        (
            with_y(PLAIN.variable("y", 9, &[2, 2], 2, &[1, 2, 3, 4])),
            "[2, 2]",
        ),
        (
            with_y(PLAIN.variable("y", 1, &[2, 1], 2, &[1, 2])),
            "not an array of real numbers",
        ),
        (
            with_y(PLAIN.variable("y", 9, &[2, 1], 16, &[1, 2])),
            "type 16",
        ),
        (
            with_x(PLAIN.variable("X", 9, &[32, 32, 3, 3], 2, &values)),
            "6144 bytes",
        ),
        (
            with_x(PLAIN.variable("X", 9, &[32, 32, 6], 2, &values)),
            "[32, 32, 6]",
        ),
        (
            with_x(PLAIN.variable("X", 9, &[32, 32, 3, u32::MAX], 2, &values)),
            "size -1",
        ),
        (
            with_x(PLAIN.variable("X", 10, &[32, 32, 3, 1], 3, &values)),
            "uint8",
        ),
    ] {
        let message = refused(&file);
        assert!(message.contains(part), "{part}: {message}");
    }
    for style in STYLES {
        let whole = style.file(&[style.images(2, pixel), style.labels(&[1, 2])]);
        for len in (0..whole.len() - 8).step_by(if style.compressed { 1 } else { 97 }) {
            refused(&whole[..len]);
        }
    }
}

#[test]
fn different_numbers_of_images_and_labels_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, labels: &[u8]| {
        fs::write(
            folder.path().join(name),
            PLAIN.file(&[PLAIN.images(3, pixel), PLAIN.labels(labels)]),
        )
        .unwrap();
    };
    write("test_32x32.mat", &[10, 1, 1]);
    let spec: DataSpec = serde_json::from_str(r#"{"source": "svhn", "classes": [1, 0]}"#).unwrap();
    write("train_32x32.mat", &[1, 10, 2]);
    let data = load(&spec, &[folder.path().to_owned()]).unwrap();
    assert_eq!(
        (data.train.labels, data.test.labels),
        (vec![0, 1], vec![1, 0, 0])
    );
    write("train_32x32.mat", &[1, 10]);
    let error = load(&spec, &[folder.path().to_owned()]).unwrap_err();
    assert!(
        matches!(
            error,
            DataError::LabelCount {
                images: 3,
                labels: 2,
                ..
            }
        ),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn files_round_trip(style in 0..4_usize, labels in prop::collection::vec(1..11_u8, 1..6), seed: u8) {
        let style = STYLES[style];
        let pixel = |i, c, y, x| pixel(i, c, y, x).wrapping_mul(seed | 1);
        let split = svhn::parse(&style.file(&[style.images(labels.len(), pixel), style.labels(&labels)]), "x").unwrap();
        let digits: Vec<u32> = labels.iter().map(|&label| u32::from(label % 10)).collect();
        prop_assert_eq!(&split.labels, &digits);
        let expected: Vec<u8> = (0..labels.len())
            .flat_map(|i| (0..3072).map(move |at| (i, at / 1024, at / 32 % 32, at % 32)))
            .map(|(i, c, y, x)| pixel(i, c, y, x))
            .collect();
        prop_assert_eq!(split.images.pixels().as_bytes(), Some(&expected[..]));
    }
}
