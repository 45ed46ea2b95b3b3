//! Verifying files against the catalogue; real data sets are checked if they are installed.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use memdil_data::DataError;
use memdil_data::catalogue::{Part, Published, PublishedFile, Unpacked, check_order};
use memdil_data::idx;
use memdil_data::places::{download_folder, find, folders};
use memdil_data::verify::{FileReport, FileState, verify, verify_files};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::common::{gzip, images_file, labels_file};

const DEBIAN: &str = "/usr/share/datasets/fashion-mnist";

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn states(reports: &[FileReport]) -> Vec<&FileState> {
    reports.iter().map(|report| &report.state).collect()
}

#[test]
fn the_catalogue_is_consistent() {
    let is_hash = |text: &str| {
        text.len() == 64
            && text
                .bytes()
                .all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
    };
    let mut hashes = HashSet::new();
    for published in Published::ALL {
        assert_eq!(Published::from_name(published.name()).unwrap(), published);
        for file in published.files() {
            assert!(
                is_hash(file.sha256) && hashes.insert(file.sha256),
                "{file:?}"
            );
            assert!(!file.urls.is_empty() && file.bytes > 0, "{file:?}");
            for url in file.urls {
                assert!(
                    url.starts_with("http") && url.ends_with(&format!("/{}", file.name)),
                    "{url}"
                );
            }
            for inner in file.unpacked {
                assert!(
                    inner
                        .sha256
                        .is_none_or(|sha256| is_hash(sha256) && hashes.insert(sha256)),
                    "{inner:?}"
                );
            }
        }
        for part in [Part::Training, Part::Test] {
            assert!(
                published
                    .first_labels(part)
                    .iter()
                    .all(|&label| (label as usize) < published.classes())
            );
        }
        let records: u64 = match published {
            Published::Cifar10 => 3073,
            Published::Cifar100 => 3074,
            _ => continue,
        };
        let bytes: u64 = published.files()[0]
            .unpacked
            .iter()
            .map(|inner| inner.bytes)
            .sum();
        assert_eq!(bytes, 60_000 * records);
    }
    for published in [Published::Mnist, Published::FashionMnist] {
        let sizes = published
            .files()
            .iter()
            .map(|file| file.unpacked[0].bytes)
            .collect::<Vec<_>>();
        assert_eq!(
            sizes,
            [16 + 60_000 * 784, 8 + 60_000, 16 + 10_000 * 784, 8 + 10_000]
        );
    }
}

#[test]
fn an_unknown_name_lists_the_known_names() {
    let error = Published::from_name("imagenet").unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("imagenet")
            && message.contains("mnist, fashion-mnist, cifar-10, cifar-100, svhn")
    );
    assert!(error.is_bad_input());
}

#[test]
fn the_order_of_labels_is_checked() {
    let mut labels = vec![0; 26_032];
    labels[..10].copy_from_slice(&[5, 2, 1, 0, 6, 1, 9, 1, 1, 8]);
    let check = |labels: &[u32]| check_order(Published::Svhn, Part::Test, labels);
    check(&labels).unwrap();
    let message = check(&labels[1..]).unwrap_err().to_string();
    assert!(
        message.contains("26031") && message.contains("26032") && message.contains("test"),
        "{message}"
    );
    assert!(check(&[]).is_err());
    let mut ten = labels.clone();
    ten[3] = 10;
    assert!(matches!(
        check(&ten).unwrap_err(),
        DataError::LabelOutOfRange {
            row: 3,
            label: 10,
            classes: 10
        }
    ));
    labels.rotate_left(1);
    let message = check(&labels).unwrap_err().to_string();
    assert!(
        message.contains("[2, 1, 0, 6")
            && message.contains("[5, 2, 1, 0")
            && !message.contains('\n'),
        "{message}"
    );
}

/// Debian recompresses Fashion-MNIST, so only the checksum of the content matches.
#[test]
fn the_files_of_debians_package_are_the_published_ones() {
    if !Path::new(DEBIAN).is_dir() {
        return;
    }
    let mut seen = HashSet::new();
    let reports = verify(
        Published::FashionMnist,
        &[DEBIAN.into()],
        &mut |file, done, total| {
            assert!(done <= total);
            seen.insert((file.to_owned(), done == total));
        },
    )
    .unwrap();
    assert_eq!(states(&reports), [&FileState::ContentOk; 4]);
    assert_eq!(seen.iter().filter(|(_, complete)| *complete).count(), 4);
    for (part, report) in [(Part::Training, &reports[1]), (Part::Test, &reports[3])] {
        let labels = idx::read_labels(report.path.as_deref().unwrap()).unwrap();
        check_order(Published::FashionMnist, part, &labels).unwrap();
        let mut turned = labels.clone();
        turned.reverse();
        assert!(check_order(Published::FashionMnist, part, &turned).is_err());
    }

    // MNIST's files have the same names, so the folder of Fashion-MNIST is not searched for them.
    let reports = verify(Published::Mnist, &[DEBIAN.into()], &mut |_, _, _| ()).unwrap();
    assert_eq!(states(&reports), [&FileState::Missing; 4]);
}

#[test]
fn every_state_of_a_gzip_file_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let content = images_file(20);
    let (packed, inner) = (gzip(&content), sha256(&content));
    let outer = sha256(&packed);
    let unpacked = [Unpacked {
        name: "images",
        bytes: content.len() as u64,
        sha256: Some(&inner),
    }];
    let file = PublishedFile {
        name: "images.gz",
        bytes: packed.len() as u64,
        sha256: &outer,
        unpacked: &unpacked,
        urls: &[],
    };
    let check = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let mut reports = verify_files(&[file], folder.path(), &mut |_, _, _| ()).unwrap();
        fs::remove_file(path).unwrap();
        assert_eq!(reports.len(), 1);
        let report = reports.remove(0);
        assert_eq!(
            (report.name.as_str(), report.path),
            (name, Some(folder.path().join(name)))
        );
        report.state
    };
    assert_eq!(check("images.gz", &packed), FileState::Ok);
    let (head, tail) = content.split_at(50);
    assert_eq!(
        check("images.gz", &[gzip(head), gzip(tail)].concat()),
        FileState::ContentOk
    );
    let size = |found: &[u8], expected| FileState::WrongSize {
        found: found.len() as u64,
        expected,
    };
    let cut = &packed[..packed.len() - 1];
    assert_eq!(check("images.gz", cut), size(cut, file.bytes));
    let longer = gzip(&[&content[..], &[0]].concat());
    assert_ne!(longer.len(), packed.len());
    assert_eq!(check("images.gz", &longer), size(&longer, file.bytes));
    let mut damaged = packed.clone();
    damaged[packed.len() / 2] ^= 1;
    let wrong = FileState::WrongChecksum {
        found: sha256(&damaged),
        expected: outer.clone(),
    };
    assert_eq!(check("images.gz", &damaged), wrong);

    assert_eq!(check("images", &content), FileState::ContentOk);
    assert_eq!(check("images", head), size(head, content.len() as u64));
    let mut other = content.clone();
    other[40] ^= 1;
    assert_eq!(
        check("images", &other),
        FileState::WrongChecksum {
            found: sha256(&other),
            expected: inner.clone()
        }
    );

    let nothing = verify_files(&[file], folder.path(), &mut |_, _, _| ()).unwrap();
    assert_eq!(
        (states(&nothing), &nothing[0].path),
        (vec![&FileState::Missing], &None)
    );

    // Both forms are checked, since a reader may use either.
    fs::write(folder.path().join("images.gz"), &packed).unwrap();
    fs::write(folder.path().join("images"), head).unwrap();
    let both = verify_files(&[file], folder.path(), &mut |_, _, _| ()).unwrap();
    assert!(both[0].state.is_ok() && !both[1].state.is_ok(), "{both:?}");
}

/// Writes the binary files of a CIFAR set, all pixels 0; labels after the first ten are 1.
fn write_cifar(folder: &Path, published: Published, record: u64, label_at: u64) {
    for (part, test) in [(Part::Training, false), (Part::Test, true)] {
        let mut row = 0;
        let first = published.first_labels(part);
        for inner in published.files()[0]
            .unpacked
            .iter()
            .filter(|inner| inner.name.contains("/test") == test)
        {
            let path = folder.join(inner.name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut file = File::create(path).unwrap();
            file.set_len(inner.bytes).unwrap();
            for i in 0..10.min(inner.bytes / record) {
                file.seek(SeekFrom::Start(i * record + label_at)).unwrap();
                file.write_all(&[first.get(row).map_or(1, |&label| label as u8)])
                    .unwrap();
                row += 1;
            }
        }
    }
}

#[test]
fn unpacked_cifar_files_are_checked_by_their_labels() {
    for (published, record, label_at) in [
        (Published::Cifar10, 3073, 0),
        (Published::Cifar100, 3074, 1),
    ] {
        let root = tempfile::tempdir().unwrap();
        let folder = download_folder(published, &[root.path().to_owned()]);
        write_cifar(&folder, published, record, label_at);
        let check = || verify(published, &[root.path().to_owned()], &mut |_, _, _| ()).unwrap();
        let reports = check();
        assert_eq!(reports.len(), published.files()[0].unpacked.len());
        assert!(
            reports
                .iter()
                .all(|report| report.state == FileState::NoChecksum),
            "{reports:?}"
        );
        assert!(FileState::NoChecksum.is_ok());
        assert!(
            FileState::NoChecksum
                .to_string()
                .contains("no published checksum")
        );

        // The first two test images are swapped.
        let test = folder.join(published.files()[0].unpacked.last().unwrap().name);
        let mut file = File::options().write(true).open(&test).unwrap();
        let first = published.first_labels(Part::Test);
        for (row, label) in [(0, first[1]), (1, first[0])] {
            file.seek(SeekFrom::Start(row * record + label_at)).unwrap();
            file.write_all(&[label as u8]).unwrap();
        }
        let (test_report, training) = (check().pop().unwrap(), check().swap_remove(0));
        assert!(
            matches!(&test_report.state, FileState::WrongLabels { cause } if cause.contains("another order"))
        );
        assert_eq!(training.state, FileState::NoChecksum);

        file.set_len(5).unwrap();
        assert!(matches!(
            check().pop().unwrap().state,
            FileState::WrongSize { found: 5, .. }
        ));
        fs::remove_file(test).unwrap();
        assert_eq!(check().pop().unwrap().state, FileState::Missing);
    }
}

#[test]
fn files_are_found_in_all_usual_folders() {
    for (published, layout) in [
        (Published::Mnist, "MNIST/raw"),
        (Published::Mnist, "mnist"),
        (Published::FashionMnist, "FashionMNIST/raw"),
        (Published::FashionMnist, "fashion-mnist"),
        (Published::Svhn, "."),
        (Published::Svhn, "svhn"),
    ] {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(layout);
        fs::create_dir_all(&folder).unwrap();
        let mut searched = folders(published, &[root.path().to_owned()]);
        // Fashion-MNIST may be installed in Debian's folder.
        searched.retain(|folder| folder.starts_with(root.path()));
        assert_eq!(find(published.files(), &searched), None);
        for (k, file) in published.files().iter().enumerate() {
            let name = if k % 2 == 0 {
                file.name
            } else {
                file.name.trim_end_matches(".gz")
            };
            fs::write(folder.join(name), []).unwrap();
        }
        let found = find(published.files(), &searched).unwrap();
        assert_eq!(
            found.canonicalize().unwrap(),
            folder.canonicalize().unwrap()
        );
        assert!(published.files().iter().all(|file| file.is_in(found)));
    }
}

#[test]
fn a_complete_folder_has_precedence() {
    let root = tempfile::tempdir().unwrap();
    let files = Published::Svhn.files();
    fs::write(root.path().join(files[0].name), []).unwrap();
    let searched = folders(Published::Svhn, &[root.path().to_owned()]);
    assert_eq!(find(files, &searched), Some(root.path()));
    let complete = root.path().join("svhn");
    fs::create_dir(&complete).unwrap();
    for file in files {
        fs::write(complete.join(file.name), []).unwrap();
    }
    assert_eq!(find(files, &searched), Some(complete.as_path()));
}

#[test]
fn a_missing_file_is_reported_as_flat_json() {
    let reports = verify(Published::Mnist, &["/nowhere".into()], &mut |_, _, _| ()).unwrap();
    let json = serde_json::to_value(&reports[1]).unwrap();
    let expected = serde_json::json!({ "name": "train-labels-idx1-ubyte.gz", "path": null, "state": "missing" });
    assert_eq!(json, expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Every changed byte of a file is detected, compressed or not.
    #[test]
    fn any_changed_byte_is_detected(labels in proptest::collection::vec(0..10_u8, 1..200), at: prop::sample::Index, by in 1..=255_u8) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = labels_file(&labels);
        let (sha256, size) = (sha256(&bytes), bytes.len() as u64);
        let file = PublishedFile { name: "labels", bytes: size, sha256: &sha256, unpacked: &[], urls: &[] };
        let check = |bytes: &[u8]| {
            fs::write(folder.path().join("labels"), bytes).unwrap();
            verify_files(&[file], folder.path(), &mut |_, _, _| ()).unwrap().remove(0).state
        };
        prop_assert_eq!(check(&bytes), FileState::Ok);
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        let seen = matches!(check(&bytes), FileState::WrongChecksum { .. });
        prop_assert!(seen);
    }
}
