//! CIFAR's Python version, which must yield the same images as the binary version.

use std::fs;
use std::path::Path;

use memdil_data::cifar::{Labels, parse_archive, parse_records};
use memdil_data::files::{CIFAR_10, CIFAR_10_PYTHON, CIFAR_100, CIFAR_100_PYTHON, find};
use memdil_data::{DataSpec, Source, load};

use crate::common::cifar::{record, tar};
use crate::common::gzip;
use crate::common::pickle::{WRITERS, Writer};

/// One batch in both versions: records with these labels, whose first pixels are `seed`, `seed` +
/// 1, ...
struct Batch {
    labels: Vec<Vec<u8>>,
    seed: u8,
}

impl Batch {
    fn binary(&self) -> Vec<u8> {
        (self.seed..)
            .zip(&self.labels)
            .flat_map(|(seed, labels)| record(labels, seed))
            .collect()
    }

    fn python(&self, writer: Writer) -> Vec<u8> {
        let column = |k: usize| {
            self.labels
                .iter()
                .map(|labels| labels[k])
                .collect::<Vec<u8>>()
        };
        let pixels: Vec<u8> = (self.seed..)
            .take(self.labels.len())
            .flat_map(|seed| record(&[], seed))
            .collect();
        if self.labels[0].len() == 1 {
            writer.batch(&[("labels", &column(0))], &pixels)
        } else {
            let labels: [(&str, &[u8]); 2] =
                [("coarse_labels", &column(0)), ("fine_labels", &column(1))];
            writer.batch(&labels, &pixels)
        }
    }
}

/// The batches of CIFAR-10: batch b has b + 2 images of the classes 0, 1, 2, ...
fn ten() -> [Batch; 6] {
    std::array::from_fn(|b| Batch {
        labels: (0..b as u8 + 2).map(|label| vec![label]).collect(),
        seed: 10 * b as u8,
    })
}

/// The two files of CIFAR-100.
fn hundred() -> [Batch; 2] {
    [3, 90].map(|seed| Batch {
        labels: (0..3).map(|i| vec![i, 10 + i]).collect(),
        seed,
    })
}

fn archive(names: &[&str], files: &[Vec<u8>]) -> Vec<u8> {
    let entries: Vec<_> = names
        .iter()
        .zip(files)
        .map(|(name, bytes)| (*name, b'0', &bytes[..]))
        .collect();
    tar(&entries)
}

fn spec(source: Source) -> DataSpec {
    let mut spec: DataSpec = serde_json::from_value(serde_json::json!({"source": source})).unwrap();
    let classes = match source {
        Source::Cifar100 => [10, 11, 12],
        _ => [0, 1, 2],
    };
    spec.classes = if source == Source::Cifar10 {
        vec![0, 1]
    } else {
        classes.to_vec()
    };
    spec
}

/// Writes CIFAR-10's batches into a folder, like the published archive.
fn write_batches(folder: &Path, writer: Writer) {
    fs::create_dir_all(folder).unwrap();
    for (name, batch) in CIFAR_10_PYTHON.iter().zip(ten()) {
        fs::write(folder.join(name), batch.python(writer)).unwrap();
    }
    fs::write(folder.join("batches.meta"), b"\x80\x02}.").unwrap();
}

fn packed(writer: Writer) -> Vec<u8> {
    let names = CIFAR_10_PYTHON.map(|name| format!("cifar-10-batches-py/{name}"));
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut files: Vec<_> = ten().iter().map(|batch| batch.python(writer)).collect();
    // The published archive begins with another batch and has further entries.
    names.insert(0, "cifar-10-batches-py/batches.meta");
    files.insert(0, b"\x80\x02}.".to_vec());
    names.swap(1, 4);
    files.swap(1, 4);
    archive(&names, &files)
}

#[test]
fn batches_of_every_writer_equal_the_binary_version() {
    for (b, batch) in ten().iter().enumerate() {
        let binary = parse_records(&batch.binary(), Labels::Cifar10, "x").unwrap();
        for writer in WRITERS {
            let python = parse_records(&batch.python(writer), Labels::Cifar10, "x").unwrap();
            assert_eq!(python, binary, "batch {b} of {writer:?}");
        }
    }
}

#[test]
fn fine_and_coarse_labels_equal_the_binary_version() {
    for batch in hundred() {
        for labels in [Labels::Fine, Labels::Coarse] {
            let binary = parse_records(&batch.binary(), labels, "x").unwrap();
            for writer in WRITERS {
                let python = parse_records(&gzip(&batch.python(writer)), labels, "x").unwrap();
                assert_eq!(python, binary, "{labels:?} of {writer:?}");
            }
        }
    }
}

#[test]
fn archives_equal_the_binary_version() {
    let binary: Vec<_> = ten().iter().map(Batch::binary).collect();
    let binary = parse_archive(&archive(&CIFAR_10, &binary), Labels::Cifar10, "x").unwrap();
    for writer in WRITERS {
        let python = parse_archive(&gzip(&packed(writer)), Labels::Cifar10, "x").unwrap();
        assert_eq!(python, binary, "{writer:?}");
    }
    let binary: Vec<_> = hundred().iter().map(Batch::binary).collect();
    let binary = parse_archive(&archive(&CIFAR_100, &binary), Labels::Fine, "x").unwrap();
    let python: Vec<_> = hundred()
        .iter()
        .map(|b| b.python(Writer::Python2))
        .collect();
    let python = parse_archive(&archive(&CIFAR_100_PYTHON, &python), Labels::Fine, "x").unwrap();
    assert_eq!(python, binary);
}

#[test]
fn folders_of_other_programs_are_found() {
    let binary = tempfile::tempdir().unwrap();
    for (name, batch) in CIFAR_10.iter().zip(ten()) {
        fs::write(binary.path().join(name), batch.binary()).unwrap();
    }
    let expected = load(&spec(Source::Cifar10), &[binary.path().to_owned()]).unwrap();
    for folder in [
        "",
        "cifar-10-batches-py",
        "cifar-10",
        "cifar-10/cifar-10-batches-py",
        "cifar-10-batches-py-target/cifar-10-batches-py",
        "cifar10-python/cifar-10-batches-py",
        "CIFAR10",
    ] {
        let root = tempfile::tempdir().unwrap();
        write_batches(&root.path().join(folder), Writer::Python2);
        let found = load(&spec(Source::Cifar10), &[root.path().to_owned()]).unwrap();
        assert_eq!(found, expected, "{folder}");
    }
}

#[test]
fn archives_are_found_under_any_name() {
    let packed = packed(Writer::Python2);
    for (name, bytes) in [
        ("cifar-10-python.tar.gz", gzip(&packed)),
        ("cifar-10-python.tar", packed.clone()),
        ("cifar-10-batches-py.tar.gz", gzip(&packed)),
        ("cifar-10-batches-py-target_archive", gzip(&packed)),
        ("cifar-10/cifar-10-python.tar.gz", gzip(&packed)),
        ("mine.tgz", gzip(&packed)),
    ] {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        let found = find(&Source::Cifar10, &[root.path().to_owned()]).unwrap();
        assert_eq!(found, [path], "{name}");
    }
}

#[test]
fn binary_archives_are_found_under_any_name() {
    let root = tempfile::tempdir().unwrap();
    let files: Vec<_> = ten().iter().map(Batch::binary).collect();
    let path = root.path().join("c10.tar.gz");
    fs::write(&path, gzip(&archive(&CIFAR_10, &files))).unwrap();
    let expected = [path.clone()];
    assert_eq!(
        find(&Source::Cifar10, &[root.path().to_owned()]).unwrap(),
        expected
    );
    assert_eq!(
        find(&Source::Cifar10, std::slice::from_ref(&path)).unwrap(),
        expected
    );
}

#[test]
fn the_binary_version_has_precedence() {
    let root = tempfile::tempdir().unwrap();
    write_batches(&root.path().join("cifar-10-batches-py"), Writer::Python2);
    fs::write(root.path().join("cifar-10-python.tar.gz"), b"").unwrap();
    let binary = root.path().join("cifar-10-batches-bin");
    fs::create_dir(&binary).unwrap();
    for (name, batch) in CIFAR_10.iter().zip(ten()) {
        fs::write(binary.join(name), batch.binary()).unwrap();
    }
    let found = find(&Source::Cifar10, &[root.path().to_owned()]).unwrap();
    assert_eq!(found[0], binary.join("data_batch_1.bin"));
}

#[test]
fn cifar_100_is_read_for_both_kinds_of_label() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("cifar-100-python");
    fs::create_dir(&folder).unwrap();
    for (name, batch) in CIFAR_100_PYTHON.iter().zip(hundred()) {
        fs::write(folder.join(name), batch.python(Writer::Python2)).unwrap();
    }
    for root in [root.path(), &folder] {
        let fine = load(&spec(Source::Cifar100), &[root.to_owned()]).unwrap();
        assert_eq!(fine.train.labels, [0, 1, 2]);
        let coarse = load(&spec(Source::Cifar100Coarse), &[root.to_owned()]).unwrap();
        assert_eq!(coarse.train, fine.train);
    }
}

#[test]
fn other_files_named_train_and_test_are_ignored() {
    let root = tempfile::tempdir().unwrap();
    for name in CIFAR_100_PYTHON {
        fs::write(root.path().join(name), "a list of files").unwrap();
    }
    let message = find(&Source::Cifar100, &[root.path().to_owned()]).unwrap_err();
    let message = message.to_string();
    assert!(message.contains("not found"), "{message}");
    assert!(
        message.contains("or the Python version, cifar-100-python.tar.gz"),
        "{message}"
    );
}

#[test]
fn other_pickles_are_errors() {
    let pixels = record(&[], 0);
    let python2 = Writer::Python2;
    let labels = |bytes: &[u8]| {
        parse_records(bytes, Labels::Cifar10, "data_batch_1")
            .unwrap_err()
            .to_string()
    };
    let hundred = python2.batch(&[("fine_labels", &[1]), ("coarse_labels", &[1])], &pixels);
    assert!(labels(&hundred).contains("has no `labels`: it is a batch of CIFAR-100"));
    let meta = python2.dictionary(&[("num_vis", b"M\0\x0c".to_vec())]);
    assert!(labels(&meta).contains("has no `labels`; check that"));
    let few = python2.batch(&[("labels", &[1, 2])], &pixels);
    assert!(labels(&few).contains("holds 2 labels for 1 images"));
    let beyond = python2.batch(&[("labels", &[10])], &pixels);
    assert!(labels(&beyond).contains("label 10 in row 0"));
    assert!(labels(&beyond).contains("labels must be below 10"));
    let square = python2.dictionary(&[
        ("labels", b"](K\x01e".to_vec()),
        ("data", python2.array(("u1", "|"), [3072, 1], &pixels)),
    ]);
    assert!(labels(&square).contains("an array of |u1 [3072, 1] as `data`"));
    let list = b"\x80\x02](K\x01K\x02e.";
    assert!(labels(list).contains("holds a list of 2, not the dictionary"));
    let evil = b"\x80\x02cposix\nsystem\n(U\x04truetR.";
    assert!(labels(evil).contains("`posix.system`"));
    let whole = python2.batch(&[("labels", &[1])], &pixels);
    assert!(labels(&whole[..2000]).contains("ends in the middle of its pickle"));
}

#[test]
fn a_missing_batch_is_named() {
    let files: Vec<_> = ten().iter().map(|b| b.python(Writer::Python2)).collect();
    let whole = archive(&CIFAR_10_PYTHON, &files);
    assert!(parse_archive(&whole, Labels::Cifar10, "x").is_ok());
    let four = archive(&CIFAR_10_PYTHON[..4], &files[..4]);
    let message = parse_archive(&four, Labels::Cifar10, "x").unwrap_err();
    assert!(
        message
            .to_string()
            .contains("does not contain data_batch_5; download"),
        "{message}"
    );
}
