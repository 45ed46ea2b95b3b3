//! The files of each data set and their possible folders.

use crate::catalogue::source::Source;
use crate::readers::cifar::{CIFAR_10, CIFAR_100, Labels};

/// The IDX files of MNIST and Fashion-MNIST: training images, training labels, test images, test
/// labels.
pub const IDX: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// The files of CIFAR-10's Python version.
pub const CIFAR_10_PYTHON: [&str; 6] = [
    "data_batch_1",
    "data_batch_2",
    "data_batch_3",
    "data_batch_4",
    "data_batch_5",
    "test_batch",
];

/// The files of CIFAR-100's Python version: training and test set.
pub const CIFAR_100_PYTHON: [&str; 2] = ["train", "test"];

/// The files of SVHN's cropped digits: training and test set.
pub const SVHN: [&str; 2] = ["train_32x32.mat", "test_32x32.mat"];

/// The possible locations of a data set's files in a folder.
#[derive(Default)]
pub(super) struct Layout {
    /// Subfolders; the first one with a complete set is used.
    pub(super) folders: &'static [&'static str],
    /// The required files, each plain or as `.gz`.
    pub(super) files: &'static [&'static str],
    /// The archive that replaces these files, plain or as `.gz`.
    pub(super) archive: Option<&'static str>,
    /// The Python version, which is used if these files are not in any of the subfolders.
    pub(super) python: Option<Version>,
}

/// The Python version of a data set.
pub(super) struct Version {
    pub(super) files: &'static [&'static str],
    /// The name of the archive without `.gz`.
    pub(super) archive: &'static str,
    /// The labels, which identify the data set.
    pub(super) labels: Labels,
}

pub(super) fn layout(source: &Source) -> Option<Layout> {
    Some(match source {
        Source::Mnist => Layout {
            folders: &["mnist", "MNIST/raw", ""],
            files: &IDX,
            ..Layout::default()
        },
        Source::FashionMnist => Layout {
            folders: &["fashion-mnist", "FashionMNIST/raw", ""],
            files: &IDX,
            ..Layout::default()
        },
        Source::Cifar10 => Layout {
            folders: &[
                "cifar-10",
                "cifar-10/cifar-10-batches-bin",
                "cifar-10-batches-bin",
                "cifar-10/cifar-10-batches-py",
                "cifar-10-batches-py",
                "",
            ],
            files: &CIFAR_10,
            archive: Some("cifar-10-binary.tar"),
            python: Some(Version {
                files: &CIFAR_10_PYTHON,
                archive: "cifar-10-python.tar",
                labels: Labels::Cifar10,
            }),
        },
        Source::Cifar100 | Source::Cifar100Coarse => Layout {
            folders: &[
                "cifar-100",
                "cifar-100/cifar-100-binary",
                "cifar-100-binary",
                "cifar-100/cifar-100-python",
                "cifar-100-python",
                "",
            ],
            files: &CIFAR_100,
            archive: Some("cifar-100-binary.tar"),
            python: Some(Version {
                files: &CIFAR_100_PYTHON,
                archive: "cifar-100-python.tar",
                labels: Labels::Fine,
            }),
        },
        Source::Svhn => Layout {
            folders: &["svhn", "SVHN", ""],
            files: &SVHN,
            ..Layout::default()
        },
        Source::FashionMnistEmbedded | Source::Npz(_) => return None,
    })
}
