//! CIFAR's binary files, plain and in archives.

use std::fs;

use memdil_data::cifar::{Labels, parse_archive, parse_records};
use memdil_data::files::{CIFAR_10, CIFAR_100};
use memdil_data::{DataError, DataSpec, Source, load};
use proptest::prelude::*;

use crate::common::cifar::{record, tar};
use crate::common::gzip;

/// Records of CIFAR-10 with these labels; the pixels of the i-th begin with `seed + i`.
fn batch(labels: &[u8], seed: u8) -> Vec<u8> {
    (seed..)
        .zip(labels)
        .flat_map(|(seed, &label)| record(&[label], seed))
        .collect()
}

/// The six files of CIFAR-10: batch b has b + 1 images whose first pixels are 10 b, 10 b + 1, ...
fn batches() -> [Vec<u8>; 6] {
    std::array::from_fn(|b| batch(&(0..=b as u8).collect::<Vec<_>>(), 10 * b as u8))
}

fn spec(source: Source, classes: &[u32]) -> DataSpec {
    let mut spec: DataSpec = serde_json::from_value(serde_json::json!({"source": source})).unwrap();
    spec.classes = classes.to_vec();
    spec
}

#[test]
fn a_record_is_a_label_and_three_planes() {
    let split = parse_records(&batch(&[3, 9], 7), Labels::Cifar10, "two").unwrap();
    assert_eq!(
        (split.labels, split.images.size(), split.images.len()),
        (vec![3, 9], [3, 32, 32], 2)
    );
    assert_eq!(split.images.bytes(1), Some(&record(&[], 8)[..]));
}

#[test]
fn cifar_100_has_a_coarse_and_a_fine_label() {
    let file = [record(&[4, 77], 0), record(&[19, 99], 1)].concat();
    let fine = parse_records(&file, Labels::Fine, "x").unwrap();
    let coarse = parse_records(&file, Labels::Coarse, "x").unwrap();
    assert_eq!(
        (&fine.labels[..], &coarse.labels[..]),
        (&[77, 99][..], &[4, 19][..])
    );
    assert_eq!(fine.images, coarse.images);

    let file = record(&[20, 50], 0);
    parse_records(&file, Labels::Fine, "x").unwrap();
    let message = parse_records(&file, Labels::Coarse, "x")
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("label 20 in record 0") && message.contains("below 20"),
        "{message}"
    );
}

#[test]
fn errors_name_file_and_row() {
    let error = parse_records(&batch(&[1, 10], 0), Labels::Cifar10, "batch.bin").unwrap_err();
    assert!(matches!(error, DataError::Malformed { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("label 10 in record 1 of batch.bin"),
        "{error}"
    );

    let message = parse_records(&batch(&[1, 2], 0)[..4000], Labels::Cifar10, "batch.bin")
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("record 1 of batch.bin has 927 of 3073 bytes"),
        "{message}"
    );
}

#[test]
fn folders_and_archives_are_equal() {
    let folder = tempfile::tempdir().unwrap();
    let files = batches();
    let plain = folder.path().join("plain/cifar-10-batches-bin");
    fs::create_dir_all(&plain).unwrap();
    for (name, bytes) in CIFAR_10.iter().zip(&files) {
        fs::write(plain.join(name), bytes).unwrap();
    }
    // Like in the published archive, the entries are out of order, among others, and in a folder.
    let names = CIFAR_10.map(|name| format!("cifar-10-batches-bin/{name}"));
    let mut entries: Vec<(&str, u8, &[u8])> = vec![("cifar-10-batches-bin/", b'5', b"")];
    for b in [0, 2, 3, 5, 4, 1] {
        entries.push((&names[b], b'0', &files[b]));
        entries.push(("cifar-10-batches-bin/readme.html", b'0', b"<html>"));
    }
    let packed = folder.path().join("packed");
    fs::create_dir_all(&packed).unwrap();
    fs::write(packed.join("cifar-10-binary.tar.gz"), gzip(&tar(&entries))).unwrap();

    let spec = spec(Source::Cifar10, &[0, 1]);
    let from_folder = load(&spec, &[folder.path().join("plain")]).unwrap();
    let from_archive = load(&spec, std::slice::from_ref(&packed)).unwrap();
    assert_eq!(from_folder, from_archive);
    assert_eq!(from_folder.train.labels, [0, 0, 1, 0, 1, 0, 1, 0, 1]);
    let first: Vec<u8> = (0..9)
        .map(|i| from_folder.train.images.bytes(i).unwrap()[0])
        .collect();
    assert_eq!(first, [0, 10, 11, 20, 21, 30, 31, 40, 41]);
    assert_eq!(from_folder.class_names, ["airplane", "automobile"]);
    assert_eq!(from_folder.mean, [0.4914, 0.4822, 0.4465]);
}

#[test]
fn incomplete_archives_are_errors() {
    let files = batches();
    let entries: Vec<_> = CIFAR_10
        .iter()
        .zip(&files)
        .map(|(name, bytes)| (*name, b'0', &bytes[..]))
        .collect();
    let whole = tar(&entries);
    let refused = |bytes: &[u8]| {
        parse_archive(bytes, Labels::Cifar10, "a.tar.gz")
            .unwrap_err()
            .to_string()
    };

    assert!(refused(&tar(&entries[..5])).contains("a.tar.gz: does not contain test_batch.bin"));
    assert!(
        refused(&tar(&[&entries[..], &entries[2..3]].concat()))
            .contains("holds data_batch_3.bin twice")
    );
    // A link with the name of a batch does not count as the batch.
    let mut linked = entries.clone();
    linked[0] = (linked[0].0, b'2', b"");
    assert!(refused(&tar(&linked)).contains("does not contain data_batch_1.bin"));
    // Truncated at the boundary between two records of the last entry.
    let end = whole.len() - 1024 - (6 * 3073_usize).next_multiple_of(512);
    let message = refused(&whole[..end + 3073]);
    assert!(
        message.contains("ends in the middle of test_batch.bin"),
        "{message}"
    );
    assert!(refused(&whole[..end + 4000]).contains("record 1"));

    let mut damaged = gzip(&whole);
    let at = damaged.len() - 6;
    damaged[at] ^= 1;
    let error = parse_archive(&damaged, Labels::Cifar10, "a.tar.gz").unwrap_err();
    assert!(matches!(error, DataError::DamagedGzip { .. }), "{error}");
    assert!(matches!(
        parse_archive(b"<html>not found</html>", Labels::Cifar10, "a.tar.gz").unwrap_err(),
        DataError::Malformed { .. }
    ));
}

#[test]
fn cifar_100_is_found_for_both_kinds_of_label() {
    let folder = tempfile::tempdir().unwrap();
    let file: Vec<u8> = (0..3).flat_map(|i| record(&[i, 10 + i], i)).collect();
    for name in CIFAR_100 {
        let path = folder
            .path()
            .join("cifar-100/cifar-100-binary")
            .join(format!("{name}.gz"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, gzip(&file)).unwrap();
    }
    let fine = load(
        &spec(Source::Cifar100, &[11, 12]),
        &[folder.path().to_owned()],
    )
    .unwrap();
    assert_eq!(fine.class_names, ["boy", "bridge"]);
    let coarse = load(
        &spec(Source::Cifar100Coarse, &[2, 1]),
        &[folder.path().to_owned()],
    )
    .unwrap();
    assert_eq!(coarse.class_names, ["flowers", "fish"]);
    assert_eq!(
        (fine.train.images, fine.train.labels),
        (coarse.train.images, vec![0, 1])
    );
    assert_eq!(coarse.train.labels, [1, 0]);
}

#[test]
fn a_missing_data_set_is_described() {
    let message = load(&spec(Source::Cifar100, &[]), &["/nowhere".into()])
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("/nowhere")
            && message.contains("cifar-100/cifar-100-binary")
            && message.contains("train.bin, test.bin"),
        "{message}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn archives_read_back_in_any_order(order in Just([0_usize, 1, 2, 3, 4, 5]).prop_shuffle(), sizes: [u8; 6]) {
        let labels = sizes.map(|size| (0..size % 5).collect::<Vec<u8>>());
        let files: Vec<Vec<u8>> = (0..6).map(|b| batch(&labels[b], 20 * b as u8)).collect();
        let entries: Vec<_> = order.iter().map(|&b| (CIFAR_10[b], b'0', &files[b][..])).collect();
        let (train, test) = parse_archive(&tar(&entries), Labels::Cifar10, "x").unwrap();
        prop_assert_eq!(train, parse_records(&files[..5].concat(), Labels::Cifar10, "x").unwrap());
        prop_assert_eq!(test, parse_records(&files[5], Labels::Cifar10, "x").unwrap());
    }
}
