//! Loading data sets from folders.

use std::fs;
use std::path::Path;

use memdil_data::{Augmentation, DataError, DataSpec, Dataset, Input, Source, load};

use crate::common::{images_file, labels_file, square_images_file, write_data_set};

const TRAIN: [u8; 8] = [7, 3, 9, 3, 7, 0, 3, 9];
const TEST: [u8; 4] = [9, 9, 3, 7];

fn spec(classes: &[u32]) -> DataSpec {
    let mut spec = DataSpec::new(Source::FashionMnist);
    spec.classes = classes.to_vec();
    spec
}

fn load_from(folder: &Path, spec: &DataSpec) -> Result<Dataset, DataError> {
    load(spec, &[folder.to_owned()])
}

#[test]
fn classes_are_numbered_in_the_listed_order() {
    let folder = tempfile::tempdir().unwrap();
    write_data_set(folder.path(), &TRAIN, &TEST);
    let data = load_from(folder.path(), &spec(&[9, 3])).unwrap();
    assert_eq!((data.name.as_str(), data.classes()), ("fashion-mnist", 2));
    assert_eq!(data.class_names, ["Ankle boot", "Dress"]);
    assert_eq!((data.mean, data.std), (vec![0.1307], vec![0.3081]));
    assert_eq!(data.train.labels, [1, 0, 1, 1, 0]);
    let first_pixels: Vec<u8> = (0..5)
        .map(|i| data.train.images.bytes(i).unwrap()[0])
        .collect();
    assert_eq!(first_pixels, [10, 20, 30, 60, 70]);
    assert_eq!(data.test.labels, [0, 0, 1]);
    assert_eq!(data.test.images.bytes(2).unwrap()[783], 25);
}

#[test]
fn images_per_class_truncates_one_split() {
    let folder = tempfile::tempdir().unwrap();
    write_data_set(folder.path(), &TRAIN, &TEST);
    let mut spec = spec(&[9, 3]);
    spec.images_per_class = Some(2);
    let data = load_from(folder.path(), &spec).unwrap();
    assert_eq!(data.train.labels, [1, 0, 1, 0]);
    assert_eq!(data.train.images.bytes(2).unwrap()[0], 30);
    assert_eq!(data.test.labels, [0, 0, 1]);

    let mut few = spec.clone();
    few.images_per_class = Some(3);
    match load_from(folder.path(), &few).unwrap_err() {
        DataError::TooFewImages {
            class: 9,
            split: "training",
            wanted: 3,
            found: 2,
            ..
        } => {}
        other => panic!("{other}"),
    }

    spec.test_images_per_class = Some(1);
    let data = load_from(folder.path(), &spec).unwrap();
    assert_eq!(
        (data.train.labels.len(), &data.test.labels[..]),
        (4, &[0, 1][..])
    );
    spec.test_images_per_class = Some(2);
    match load_from(folder.path(), &spec).unwrap_err() {
        DataError::TooFewImages {
            class: 3,
            split: "test",
            wanted: 2,
            found: 1,
            ..
        } => {}
        other => panic!("{other}"),
    }
}

#[test]
fn an_empty_class_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    write_data_set(folder.path(), &TRAIN, &TEST);
    let in_test = load_from(folder.path(), &spec(&[0, 3])).unwrap_err();
    assert!(
        matches!(
            in_test,
            DataError::TooFewImages {
                class: 0,
                split: "test",
                found: 0,
                ..
            }
        ),
        "{in_test}"
    );
    let in_training = load_from(folder.path(), &spec(&[3, 5])).unwrap_err();
    assert!(
        matches!(
            in_training,
            DataError::TooFewImages {
                class: 5,
                split: "training",
                ..
            }
        ),
        "{in_training}"
    );
}

#[test]
fn a_missing_folder_is_one_line() {
    // Not Fashion-MNIST, which may be installed in Debian's folder.
    let mut mnist = DataSpec::new(Source::Mnist);
    mnist.classes = vec![0, 1];
    let error = load_from(Path::new("/nowhere"), &mnist).unwrap_err();
    assert!(matches!(error, DataError::NotFound { .. }), "{error}");
    let message = error.to_string();
    for part in [
        "/nowhere, ",
        "/usr/share/datasets (or in mnist, MNIST/raw there)",
        "--data-dir",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains('\n'), "{message}");
}

#[test]
fn the_layout_of_torchvision_is_found() {
    let folder = tempfile::tempdir().unwrap();
    write_data_set(&folder.path().join("FashionMNIST/raw"), &TRAIN, &TEST);
    assert_eq!(
        load_from(folder.path(), &spec(&[3, 7])).unwrap().classes(),
        2
    );
}

#[test]
fn inconsistent_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    write_data_set(folder.path(), &TRAIN, &TEST);
    let labels = folder.path().join("train-labels-idx1-ubyte");

    fs::write(&labels, labels_file(&[3; 9])).unwrap();
    let error = load_from(folder.path(), &spec(&[3, 9])).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("train-labels-idx1-ubyte: holds 9 labels for the 8 images of "),
        "{message}"
    );
    assert!(message.contains("train-images-idx3-ubyte"), "{message}");

    fs::write(&labels, labels_file(&[3, 9, 3, 10, 3, 3, 3, 3])).unwrap();
    let error = load_from(folder.path(), &spec(&[3, 9])).unwrap_err();
    assert!(matches!(error, DataError::Malformed { .. }), "{error}");
    let message = error.to_string();
    assert!(
        message.contains("train-labels-idx1-ubyte: label 10 in row 3"),
        "{message}"
    );

    write_data_set(folder.path(), &TRAIN, &TEST);
    let test_images = folder.path().join("t10k-images-idx3-ubyte");
    fs::write(&test_images, images_file(4)).unwrap();
    match load_from(folder.path(), &spec(&[3, 9])).unwrap_err() {
        DataError::WrongImageSize {
            path,
            found: [1, 2, 3],
            expected: [1, 28, 28],
            ..
        } => {
            assert_eq!(path, test_images)
        }
        other => panic!("{other}"),
    }

    // Files of images and labels are swapped.
    fs::write(&test_images, labels_file(&TEST)).unwrap();
    fs::write(
        folder.path().join("t10k-labels-idx1-ubyte"),
        square_images_file(4, 28),
    )
    .unwrap();
    let error = load_from(folder.path(), &spec(&[3, 9])).unwrap_err();
    assert!(
        matches!(error, DataError::WrongMagic { kind: "labels", .. }),
        "{error}"
    );
}

#[test]
fn specifications_are_checked_before_files_are_opened() {
    let check = |classes: &[u32]| spec(classes).validate().unwrap_err();
    assert!(matches!(check(&[4]), DataError::TooFewClasses { found: 1 }));
    assert!(matches!(
        check(&[1, 2, 1]),
        DataError::DuplicateClass { class: 1 }
    ));
    assert!(matches!(
        check(&[1, 10]),
        DataError::UnknownClass {
            class: 10,
            known: 10,
            ..
        }
    ));
    for validation in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
        let mut spec = spec(&[0, 1]);
        spec.validation = validation;
        let error = load(&spec, &["/nowhere".into()]).unwrap_err();
        assert!(
            matches!(
                error,
                DataError::OutOfRange {
                    what: "validation",
                    ..
                }
            ),
            "{error}"
        );
    }
    let mut none = spec(&[0, 1]);
    none.images_per_class = Some(0);
    assert!(none.validate().is_err());
    let mut none = spec(&[0, 1]);
    none.test_images_per_class = Some(0);
    assert!(matches!(
        none.validate(),
        Err(DataError::OutOfRange {
            what: "test_images_per_class",
            ..
        })
    ));
}

#[test]
fn specifications_use_the_documented_names() {
    let text = r#"{"source":"fashion-mnist-embedded","classes":[2,4],"input":"authors","validation":0.2,"images_per_class":100}"#;
    let spec: DataSpec = serde_json::from_str(text).unwrap();
    assert_eq!(
        (&spec.source, spec.input),
        (&Source::FashionMnistEmbedded, Input::Authors)
    );
    assert_eq!(serde_json::to_string(&spec).unwrap(), text);
    for source in Source::PUBLISHED {
        assert_eq!(serde_json::to_value(&source).unwrap(), source.name());
        assert_eq!(
            serde_json::from_value::<Source>(source.name().into()).unwrap(),
            source
        );
    }
    for wrong in [
        text.replace("images_per_class", "images_per_clas"),
        text.replace("fashion-mnist-embedded", "fashion_mnist"),
        text.replace("authors", "Authors"),
        text.replace("[2,4]", "[]"),
        text.replace(r#""source":"fashion-mnist-embedded","#, ""),
        text.replace('{', r#"{"npz":"mine.npz","#),
        r#"{"source":{"npz":"mine.npz"}}"#.to_owned(),
    ] {
        assert!(serde_json::from_str::<DataSpec>(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn omitted_keys_are_serialized_with_their_defaults() {
    let mut spec: DataSpec = serde_json::from_str(r#"{"source":"cifar-100-coarse"}"#).unwrap();
    assert_eq!(
        serde_json::to_string(&spec).unwrap(),
        r#"{"source":"cifar-100-coarse","input":"native","validation":0.0}"#
    );
    spec.resolve(&["/nowhere".into()]).unwrap();
    assert_eq!(spec.classes, (0..20).collect::<Vec<_>>());
    spec.resolve(&[]).unwrap();
    assert_eq!(spec.classes.len(), 20);

    let text = r#"{"npz":"pictures/mine.npz","classes":[4,1],"input":"native","validation":0.0}"#;
    let spec: DataSpec = serde_json::from_str(text).unwrap();
    assert_eq!(
        (spec.source.name(), &spec.source),
        ("mine", &Source::Npz("pictures/mine.npz".into()))
    );
    assert_eq!(serde_json::to_string(&spec).unwrap(), text);
    spec.validate().unwrap();
}

#[test]
fn all_classes_are_loaded_by_default() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<u8> = (0..10).rev().collect();
    write_data_set(&folder.path().join("mnist"), &all, &all);
    let spec: DataSpec = serde_json::from_str(r#"{"source":"mnist"}"#).unwrap();
    let data = load_from(folder.path(), &spec).unwrap();
    assert_eq!((data.classes(), data.class_names[3].as_str()), (10, "3"));
    assert_eq!(data.train.labels, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(data.train, data.test);
}

#[test]
fn published_data_sets_have_names_sizes_and_constants() {
    for (source, classes, last, channels) in [
        (Source::Mnist, 10, "9", 1),
        (Source::FashionMnist, 10, "Ankle boot", 1),
        (Source::FashionMnistEmbedded, 10, "Ankle boot", 1),
        (Source::Cifar10, 10, "truck", 3),
        (Source::Cifar100, 100, "worm", 3),
        (Source::Cifar100Coarse, 20, "vehicles_2", 3),
        (Source::Svhn, 10, "9", 3),
    ] {
        let names = source.class_names();
        assert_eq!((names.len(), names.last()), (classes, Some(&last)));
        assert_eq!(source.image_size().unwrap()[0], channels);
        let (mean, std) = source.normalisation().unwrap();
        assert_eq!((mean.len(), std.len()), (channels, channels));
    }
    // The files number the classes of CIFAR-100 in alphabetical order.
    assert!(Source::Cifar100.class_names().is_sorted());
}

#[test]
fn a_crop_as_large_as_the_images_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    write_data_set(folder.path(), &TRAIN, &TEST);
    let cropped = |crop| {
        let mut spec = spec(&[3, 9]);
        spec.augment = Some(Augmentation { crop, flip: false });
        spec
    };
    assert!(load_from(folder.path(), &cropped(27)).is_ok());
    let message = load_from(folder.path(), &cropped(28))
        .unwrap_err()
        .to_string();
    assert!(message.contains("augment.crop = 28"), "{message}");
}

/// The file has a few hundred kilobytes, but unpacks to a gigabyte of labels.
#[test]
fn an_excessive_number_of_labels_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    write_data_set(folder.path(), &TRAIN, &TEST);
    let claimed: u32 = 1_060_000_000;
    let header = [&[0, 0, 8, 1][..], &claimed.to_be_bytes()[..]].concat();
    fs::write(folder.path().join("train-labels-idx1-ubyte"), header).unwrap();
    let message = load_from(folder.path(), &spec(&[3, 9]))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("train-labels-idx1-ubyte claims more than 67108864"),
        "{message}"
    );
}
