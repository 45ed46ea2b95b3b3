//! Files as renamed, compressed or replaced by other programs.

use std::fs;
use std::path::Path;

use memdil_data::catalogue::{Part, Published};
use memdil_data::cifar::{Labels, parse_records};
use memdil_data::files::{CIFAR_10_PYTHON, CIFAR_100_PYTHON, IDX, find};
use memdil_data::places::other_form;
use memdil_data::verify::{FileReport, FileState, verify};
use memdil_data::{DataSpec, Source, idx, load, npz, svhn};

use crate::common::pickle::Writer;
use crate::common::{gzip, labels_file, write_data_set};

const PAGE: &[u8] =
    b"\n<!DOCTYPE html>\n<html><head><title>301 Moved Permanently</title></head></html>\n";
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1234\n";

fn states(reports: &[FileReport]) -> Vec<&FileState> {
    reports.iter().map(|report| &report.state).collect()
}

fn check(published: Published, folder: &Path) -> Vec<FileReport> {
    verify(published, &[folder.to_owned()], &mut |_, _, _| ()).unwrap()
}

/// MNIST with each file moved to the path returned by `place`.
fn moved(place: impl Fn(&str) -> String, gz: bool) -> tempfile::TempDir {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_data_set(source.path(), &[0, 1, 1], &[1, 0]);
    for name in IDX {
        let mut path = target.path().join(place(name));
        let mut bytes = fs::read(source.path().join(name)).unwrap();
        if gz {
            path.as_mut_os_string().push(".gz");
            bytes = gzip(&bytes);
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    target
}

#[test]
fn mnist_is_found_under_the_names_of_other_programs() {
    let mut spec: DataSpec = serde_json::from_str(r#"{"source": "mnist"}"#).unwrap();
    spec.classes = vec![0, 1];
    let dotted = |name: &str| name.replace("-idx", ".idx");
    let places: [&dyn Fn(&str) -> String; 6] = [
        &str::to_owned,
        &dotted,
        &|name| format!("mnist/{}", dotted(name)),
        &|name| format!("{name}/{name}"),
        &|name| format!("{name}/{}", dotted(name)),
        &|name| format!("MNIST/raw/{}/{}", dotted(name), dotted(name)),
    ];
    for (i, place) in places.into_iter().enumerate() {
        for gz in [false, true] {
            let folder = moved(place, gz);
            let data = load(&spec, &[folder.path().to_owned()]).unwrap();
            assert_eq!(data.train.labels, [0, 1, 1], "{i} {gz}");
            let reports = check(Published::Mnist, folder.path());
            let found = reports.iter().filter(|report| report.path.is_some());
            assert_eq!(found.count(), 4, "{i} {gz}");
        }
    }
}

#[test]
fn zeros_after_a_gzip_member_are_padding() {
    let mut file = gzip(&labels_file(&[5, 6, 7]));
    file.extend([0; 512]);
    assert_eq!(idx::parse_labels(&file, "x").unwrap(), [5, 6, 7]);
    file.push(1);
    let message = idx::parse_labels(&file, "x").unwrap_err().to_string();
    assert!(message.contains("damaged gzip file"), "{message}");
}

#[test]
fn every_reader_recognises_web_pages_and_pointers() {
    for (bytes, what) in [(PAGE, "is a web page"), (POINTER, "`git lfs pull`")] {
        for message in [
            idx::parse_images(bytes, "x").unwrap_err().to_string(),
            idx::parse_labels(bytes, "x").unwrap_err().to_string(),
            parse_records(bytes, Labels::Cifar10, "x")
                .unwrap_err()
                .to_string(),
            svhn::parse(bytes, "x").unwrap_err().to_string(),
            npz::parse(bytes, "x").unwrap_err().to_string(),
        ] {
            assert!(message.contains(what), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}

#[test]
fn verify_recognises_web_pages() {
    let folder = moved(|name| format!("mnist/{name}"), true);
    let page = folder.path().join("mnist/train-images-idx3-ubyte.gz");
    fs::write(&page, PAGE).unwrap();
    let reports = check(Published::Mnist, folder.path());
    assert_eq!(reports[0].path.as_deref(), Some(&*page));
    let FileState::NotData { what } = &reports[0].state else {
        panic!("{:?}", reports[0].state);
    };
    assert!(what.contains("is a web page"), "{what}");
    assert!(!reports[0].state.is_ok());
}

#[test]
fn verify_recognises_pointers_in_place_of_unpacked_files() {
    let folder = moved(str::to_owned, false);
    fs::write(folder.path().join(IDX[1]), POINTER).unwrap();
    let reports = check(Published::Mnist, folder.path());
    assert!(
        matches!(&reports[1].state, FileState::NotData { what } if what.contains("lfs")),
        "{:?}",
        reports[1].state
    );
}

/// Labels with the published number and beginning.
fn published_labels(published: Published, part: Part) -> Vec<u8> {
    let mut labels = vec![0; published.images(part)];
    for (label, first) in labels.iter_mut().zip(published.first_labels(part)) {
        *label = first as u8;
    }
    labels
}

#[test]
fn the_python_version_is_verified_by_its_labels() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("cifar-10-batches-py");
    fs::create_dir(&root).unwrap();
    let train = published_labels(Published::Cifar10, Part::Training);
    let test = published_labels(Published::Cifar10, Part::Test);
    let pixels = vec![0; 10_000 * 3072];
    for (name, labels) in CIFAR_10_PYTHON
        .iter()
        .zip(train.chunks(10_000).chain([&test[..]]))
    {
        let batch = Writer::Python2.batch(&[("labels", labels)], &pixels);
        fs::write(root.join(name), batch).unwrap();
    }
    let reports = check(Published::Cifar10, folder.path());
    assert_eq!(states(&reports), [&FileState::NoChecksum; 6]);
    assert_eq!(reports[5].path, Some(root.join("test_batch")));

    let mut turned = test.clone();
    turned.swap(0, 1);
    let batch = Writer::Protocol5.batch(&[("labels", &turned)], &pixels);
    fs::write(root.join("test_batch"), batch).unwrap();
    let reports = check(Published::Cifar10, folder.path());
    assert!(matches!(reports[0].state, FileState::NoChecksum));
    assert!(
        matches!(&reports[5].state, FileState::WrongLabels { cause } if cause.contains("[8, 3")),
        "{:?}",
        reports[5].state
    );
}

#[test]
fn a_partial_python_version_is_detected() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("cifar-100-python");
    fs::create_dir(&root).unwrap();
    for name in CIFAR_100_PYTHON {
        let labels: [(&str, &[u8]); 2] = [("fine_labels", &[1, 2]), ("coarse_labels", &[1, 2])];
        let batch = Writer::Python2.batch(&labels, &[0; 2 * 3072]);
        fs::write(root.join(name), batch).unwrap();
    }
    let reports = check(Published::Cifar100, folder.path());
    assert!(
        matches!(&reports[0].state, FileState::WrongLabels { cause } if cause.contains("2 labels in the training set, but 50000")),
        "{:?}",
        reports[0].state
    );

    fs::write(root.join("test"), b"\x80\x02cos\nsystem\n.").unwrap();
    let reports = check(Published::Cifar100, folder.path());
    assert!(
        matches!(&reports[1].state, FileState::NotData { what } if what.contains("`os.system`")),
        "{:?}",
        reports[1].state
    );
}

#[test]
fn other_form_returns_the_files_that_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = &[folder.path().to_owned()];
    assert_eq!(other_form(Published::Cifar100, root), None);
    for name in CIFAR_100_PYTHON {
        let labels: [(&str, &[u8]); 1] = [("fine_labels", &[1])];
        let batch = Writer::Python2.batch(&labels, &[0; 3072]);
        fs::write(folder.path().join(name), batch).unwrap();
    }
    let found = find(&Source::Cifar100, root).unwrap();
    assert_eq!(other_form(Published::Cifar100, root), Some(found));
    // The published archive has precedence.
    fs::write(folder.path().join("cifar-100-binary.tar.gz"), b"").unwrap();
    assert_eq!(other_form(Published::Cifar100, root), None);
    assert_eq!(other_form(Published::Mnist, root), None);
}
