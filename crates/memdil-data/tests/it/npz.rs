//! The user's own `.npz` files.

use std::fs;

use memdil_data::npz::{Contents, classes, parse};
use memdil_data::{DataError, DataSpec, Pixels, load};
use proptest::prelude::*;

use crate::common::npz::{npy, zip};

type Entries = Vec<(&'static str, Vec<u8>)>;

/// Three training and two test images of 1 x 2 x 2 bytes.
fn entries() -> Entries {
    vec![
        (
            "images.npy",
            npy(
                "|u1",
                false,
                "(3, 2, 2)",
                &[0, 255, 0, 255, 0, 0, 255, 255, 255, 255, 0, 0],
            ),
        ),
        (
            "labels.npy",
            npy(
                "<i8",
                false,
                "(3,)",
                &[4_i64, 7, 4].map(i64::to_le_bytes).concat(),
            ),
        ),
        (
            "test_images.npy",
            npy("|u1", false, "(2, 1, 2, 2)", &[1, 2, 3, 4, 5, 6, 7, 8]),
        ),
        ("test_labels.npy", npy("|u1", false, "(2,)", &[7, 4])),
    ]
}

fn with(name: &'static str, array: Vec<u8>) -> Entries {
    let mut entries = entries();
    match entries.iter_mut().find(|(other, _)| *other == name) {
        Some(entry) => entry.1 = array,
        None => entries.push((name, array)),
    }
    entries
}

fn read(entries: &Entries) -> Result<Contents, DataError> {
    parse(&zip(entries, false), "mine.npz")
}

fn floats(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

#[test]
fn constants_of_bytes_are_computed() {
    let contents = read(&entries()).unwrap();
    assert_eq!(contents, parse(&zip(&entries(), true), "x.npz").unwrap());
    assert_eq!(
        (&contents.train.labels[..], &contents.test.labels[..]),
        (&[4, 7, 4][..], &[7, 4][..])
    );
    assert_eq!(
        (contents.train.images.size(), contents.test.images.size()),
        ([1, 2, 2], [1, 2, 2])
    );
    assert_eq!(contents.train.images.bytes(1), Some(&[0, 0, 255, 255][..]));
    // Half of the training pixels are 0, half 255.
    assert_eq!((contents.mean, contents.std), (vec![0.5], vec![0.5]));
}

#[test]
fn floats_of_either_byte_order_are_read() {
    let values = [1.0, 3.0, -2.0, -2.0, 0.0, 1.0, 3.0, 5.0, 2.0, 2.0, 0.0, 1.0];
    let big: Vec<u8> = values
        .iter()
        .flat_map(|value: &f32| value.to_be_bytes())
        .collect();
    for array in [
        npy("<f4", false, "(2, 3, 1, 2)", &floats(&values)),
        npy(">f4", false, "(2, 3, 1, 2)", &big),
    ] {
        let mut entries = with("images.npy", array.clone());
        entries[1].1 = npy("<u2", false, "(2,)", &[1, 0, 0, 0]);
        entries[2].1 = array;
        let contents = read(&entries).unwrap();
        assert_eq!(contents.train.labels, [1, 0]);
        assert_eq!(
            contents.train.images.pixels(),
            &Pixels::Floats(values.to_vec())
        );
        // Channel 0 holds 1, 3, 3, 5, channel 1 holds -2, -2, 2, 2, channel 2 holds 0, 1, 0, 1.
        assert_eq!(contents.mean, [3.0, 0.0, 0.5]);
        assert_eq!(contents.std, [2.0_f32.sqrt(), 2.0, 0.5]);
    }
}

/// TensorFlow and MedMNIST store colour images as (n, rows, columns, channels).
#[test]
fn channels_may_be_last_under_the_names_of_other_programs() {
    let channels_last: Vec<u8> = (0..24).collect();
    let first = |image: u8| (0..3).flat_map(move |c| (0..4).map(move |p| 12 * image + 3 * p + c));
    let expected: Vec<u8> = (0..2).flat_map(first).collect();
    for names in [
        ["x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"],
        [
            "train_images.npy",
            "train_labels.npy",
            "test_images.npy",
            "test_labels.npy",
        ],
        [
            "images.npy",
            "labels.npy",
            "test_images.npy",
            "test_labels.npy",
        ],
    ] {
        let images = npy("|u1", false, "(2, 2, 2, 3)", &channels_last);
        let labels = npy("|u1", false, "(2, 1)", &[0, 1]);
        let arrays = [images.clone(), labels.clone(), images, labels];
        let entries: Entries = names.into_iter().zip(arrays).collect();
        let contents = read(&entries).unwrap();
        assert_eq!(contents.train.images.size(), [3, 2, 2], "{names:?}");
        assert_eq!(
            contents.train.images.pixels().as_bytes(),
            Some(&expected[..])
        );
        assert_eq!(contents.train.labels, [0, 1]);
        assert_eq!(contents.train, contents.test);
    }
}

#[test]
fn constants_of_the_file_have_precedence() {
    let mut entries = with(
        "mean.npy",
        npy("<f8", false, "(1,)", &0.25_f64.to_le_bytes()),
    );
    let message = read(&entries).unwrap_err().to_string();
    assert!(message.contains("`mean` but no `std`"), "{message}");
    entries.push(("std.npy", npy("<f4", false, "()", &0.125_f32.to_le_bytes())));
    let contents = read(&entries).unwrap();
    assert_eq!((contents.mean, contents.std), (vec![0.25], vec![0.125]));
    for (std, part) in [(0.0_f32, "above 0"), (f32::NAN, "finite")] {
        entries[5].1 = npy("<f4", false, "(1,)", &std.to_le_bytes());
        let message = read(&entries).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    entries[5].1 = npy("<f4", false, "(2,)", &floats(&[1.0, 1.0]));
    assert!(
        read(&entries)
            .unwrap_err()
            .to_string()
            .contains("[1, 2] values for 1 channels")
    );
    entries[4].1 = npy("<f4", false, "(1,)", &floats(&[33.3]));
    entries[5].1 = npy("<f4", false, "(1,)", &floats(&[70.0]));
    assert!(
        read(&entries)
            .unwrap_err()
            .to_string()
            .contains("divide it by 255")
    );
}

#[test]
fn labels_of_every_integer_type_are_read() {
    for (dtype, bytes) in [
        ("|u1", vec![0, 200, 2]),
        ("|i1", vec![0, 100, 2]),
        ("<u2", vec![0, 0, 0, 1, 2, 0]),
        (">u2", vec![0, 0, 1, 0, 0, 2]),
        ("<i2", vec![0, 0, 0, 1, 2, 0]),
        (">i2", vec![0, 0, 1, 0, 0, 2]),
        ("<u4", [0_u32, 256, 2].map(u32::to_le_bytes).concat()),
        (">u4", [0_u32, 256, 2].map(u32::to_be_bytes).concat()),
        ("<i4", [0_i32, 256, 2].map(i32::to_le_bytes).concat()),
        (">i4", [0_i32, 256, 2].map(i32::to_be_bytes).concat()),
        ("<u8", [0_u64, 256, 2].map(u64::to_le_bytes).concat()),
        (">u8", [0_u64, 256, 2].map(u64::to_be_bytes).concat()),
        ("<i8", [0_i64, 256, 2].map(i64::to_le_bytes).concat()),
        (">i8", [0_i64, 256, 2].map(i64::to_be_bytes).concat()),
    ] {
        let labels = read(&with("labels.npy", npy(dtype, false, "(3,)", &bytes)))
            .unwrap()
            .train
            .labels;
        let middle = match dtype {
            "|u1" => 200,
            "|i1" => 100,
            _ => 256,
        };
        assert_eq!(labels, [0, middle, 2], "{dtype}");
    }
}

#[test]
fn invalid_arrays_are_errors() {
    let pixels = [0; 12];
    let mut images = floats(&[0.0; 12]);
    images[4 * 9..4 * 10].copy_from_slice(&f32::NAN.to_le_bytes());
    let labels = |dtype, shape, bytes: &[u8]| ("labels.npy", npy(dtype, false, shape, bytes));
    for ((name, array), part) in [
        (
            labels(
                "<i8",
                "(3,)",
                &[0_i64, -1, 2].map(i64::to_le_bytes).concat(),
            ),
            "labels: label -1 in row 1; labels count classes from 0",
        ),
        (
            labels(
                "<u8",
                "(3,)",
                &[0, 1 << 32, 0].map(u64::to_le_bytes).concat(),
            ),
            "label 4294967296 in row 1",
        ),
        (
            labels("<f4", "(3,)", &floats(&[0.0, 1.5, 1.0])),
            "labels: the label in row 1 is 1.5",
        ),
        (
            labels("|O", "(3,)", b"pickle"),
            "labels: ends in the middle of its pickle",
        ),
        (
            labels("|u1", "(3, 2)", &[0, 1, 1, 0, 1, 0]),
            "labels: has 3 rows of 2 numbers, not one label per sample: they are one-hot; save a.argmax(1)",
        ),
        (
            labels("|u1", "(3,)", &[0; 2]),
            "labels: is truncated: 2 of 3 bytes",
        ),
        (
            labels("|u1", "(3,)", &[0; 4]),
            "labels: has 1 bytes after the end",
        ),
        (
            labels("|u1", "(3000000000000,)", &[0; 4]),
            "truncated: 4 of 3000000000000",
        ),
        (
            labels("<u8", "(3000000000000000000,)", &[0; 4]),
            "exceeds any memory",
        ),
        (
            ("images.npy", npy("<f4", false, "(3, 2, 2)", &images)),
            "images: holds NaN in row 2",
        ),
        (
            ("images.npy", npy("<i8", false, "(3, 2, 2)", &[0; 96])),
            "images: holds int64, not uint8 or floats",
        ),
        (
            ("images.npy", npy("|u1", false, "(3, 4)", &pixels)),
            "images: has shape [3, 4], not the rows and columns of images; save a.reshape(-1, 2, 2)",
        ),
        (
            ("images.npy", npy("|u1", false, "(1, 2, 2, 4)", &[0; 16])),
            "red, green, blue and alpha; save a[..., :3]",
        ),
        (
            ("images.npy", npy("|u1", false, "(1, 4, 2, 2)", &[0; 16])),
            "red, green, blue and alpha; save a[:, :3]",
        ),
        (
            ("images.npy", npy("|u1", false, "(1, 2, 3, 2)", &pixels)),
            "images must have 1 or 3 channels",
        ),
        (
            ("images.npy", npy("|u1", false, "(3, 0, 2)", &[])),
            "which contains no images",
        ),
        (
            ("images.npy", b"no array at all".to_vec()),
            "images: does not begin like a .npy file",
        ),
    ] {
        let message = read(&with(name, array)).unwrap_err().to_string();
        assert!(
            message.starts_with("mine.npz: ") && message.contains(part),
            "{part}: {message}"
        );
        assert!(!message.contains('\n'), "{message}");
    }
    for i in 0..4 {
        let mut entries = entries();
        let (name, _) = entries.remove(i);
        let message = read(&entries).unwrap_err().to_string();
        assert!(
            message.contains(&format!(
                "has no array {}: it holds",
                name.trim_end_matches(".npy")
            )),
            "{message}"
        );
    }
    assert!(
        parse(b"no zip", "x.npz")
            .unwrap_err()
            .to_string()
            .contains("is not a complete .npz file")
    );
}

#[test]
fn zip64_archives_are_read() {
    let whole = zip(&entries(), true);
    let (end, mut wide) = (whole.len() - 22, whole.clone());
    let number = |at: usize| u64::from(u32::from_le_bytes(whole[at..at + 4].try_into().unwrap()));
    let (size, directory) = (number(end + 12), number(end + 16) as usize);
    // The first entry of the directory has its lengths and its offset in an extra field.
    let name_end = directory + 46 + "images.npy".len();
    let mut extra = vec![0xfe, 0xca, 2, 0, 7, 7, 1, 0, 24, 0];
    for at in [directory + 24, directory + 20, directory + 42] {
        extra.extend(number(at).to_le_bytes());
        wide[at..at + 4].fill(0xff);
    }
    wide[directory + 30] = extra.len() as u8;
    let end = end + extra.len();
    wide.splice(name_end..name_end, extra.clone());
    let mut tail = [
        &b"PK\x06\x06"[..],
        &44_u64.to_le_bytes(),
        &[45, 0, 45, 0],
        &[0; 8],
    ]
    .concat();
    for number in [4, 4, size + extra.len() as u64, directory as u64] {
        tail.extend(number.to_le_bytes());
    }
    tail.extend(
        [
            &b"PK\x06\x07\0\0\0\0"[..],
            &(end as u64).to_le_bytes(),
            &[1, 0, 0, 0],
        ]
        .concat(),
    );
    wide[end + 8..end + 20].fill(0xff);
    // A comment follows the end record.
    wide[end + 20] = 3;
    wide.extend(b"PK\x05");
    wide.splice(end..end, tail);
    assert_eq!(parse(&wide, "x.npz").unwrap(), read(&entries()).unwrap());
}

#[test]
fn a_wrong_checksum_is_an_error() {
    let mut file = zip(&entries(), false);
    let at = file
        .windows(4)
        .position(|bytes| bytes == [255, 0, 255, 0])
        .unwrap();
    file[at] = 254;
    let message = parse(&file, "x.npz").unwrap_err().to_string();
    assert!(
        message.contains("x.npz: images: is not a complete .npz file (wrong checksum)"),
        "{message}"
    );
}

#[test]
fn a_specification_finds_the_file_and_its_classes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.npz");
    fs::write(&path, zip(&entries(), true)).unwrap();
    assert_eq!(classes(&path).unwrap(), [4, 7]);

    let mut spec: DataSpec = serde_json::from_str(r#"{"npz": "mine.npz"}"#).unwrap();
    let data = load(&spec, &[folder.path().to_owned()]).unwrap();
    assert_eq!(
        (data.name.as_str(), data.class_names.join(" ")),
        ("mine", "4 7".to_owned())
    );
    assert_eq!(
        (data.train.labels, data.test.labels),
        (vec![0, 1, 0], vec![1, 0])
    );
    spec.resolve(&[folder.path().to_owned()]).unwrap();
    assert_eq!(spec.classes, [4, 7]);
    spec.classes = vec![7, 4];
    assert_eq!(
        load(&spec, &[folder.path().to_owned()])
            .unwrap()
            .train
            .labels,
        [1, 0, 1]
    );
    spec.classes = vec![7, 5];
    let error = load(&spec, &[folder.path().to_owned()]).unwrap_err();
    assert!(
        matches!(error, DataError::TooFewImages { class: 5, .. }),
        "{error}"
    );
    let error = spec
        .clone()
        .resolve(&[])
        .and_then(|()| load(&spec, &[]).map(drop))
        .unwrap_err();
    assert!(matches!(error, DataError::NpzNotFound { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn files_round_trip(
        n in 1..5_usize, channels in prop_oneof![Just(1_usize), Just(3)], side in 1..6_usize, deflated: bool, seed: u8,
    ) {
        let pixels: Vec<u8> = (0..n * channels * side * side).map(|i| (i as u8).wrapping_mul(seed | 1)).collect();
        let array = npy("|u1", false, &format!("({n}, {channels}, {side}, {side})"), &pixels);
        let labels: Vec<u8> = (0..n as u8).collect();
        let constants = npy("<f4", false, &format!("({channels},)"), &floats(&vec![0.5; channels]));
        let entries = vec![
            ("images.npy", array.clone()),
            ("labels.npy", npy("|u1", false, &format!("({n},)"), &labels)),
            ("test_images.npy", array),
            ("test_labels.npy", npy("|u1", false, &format!("({n},)"), &labels)),
            ("mean.npy", constants.clone()),
            ("std.npy", constants),
        ];
        let contents = parse(&zip(&entries, deflated), "x.npz").unwrap();
        prop_assert_eq!(contents.train.images.size(), [channels, side, side]);
        prop_assert_eq!(contents.train.images.pixels().as_bytes(), Some(&pixels[..]));
        prop_assert_eq!(contents.train, contents.test);
    }
}

#[test]
fn arrays_unsuitable_for_training_are_errors() {
    for (name, array, expected) in [
        (
            "images.npy",
            npy("|u1", false, "(3, 2, 2)", &[7; 12]),
            "is constant in channel 0",
        ),
        (
            "images.npy",
            npy("|u1", false, "(0, 2, 2)", &[]),
            "images: has shape [0, 2, 2], which contains no images",
        ),
        (
            "test_images.npy",
            npy("|u1", false, "(0, 2, 2)", &[]),
            "test_images: has shape [0, 2, 2], which contains no images",
        ),
        (
            "test_images.npy",
            npy("<f4", false, "(2, 2, 2)", &floats(&[1.0; 8])),
            "save both with the same type",
        ),
        (
            "labels.npy",
            npy("|u1", false, "(67108865,)", &[]),
            "labels: is truncated: 0 of 67108865 bytes",
        ),
    ] {
        let message = read(&with(name, array)).unwrap_err().to_string();
        assert!(
            message.starts_with("mine.npz") && message.contains(expected),
            "{message}"
        );
    }
}
