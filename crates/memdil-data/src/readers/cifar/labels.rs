//! The files of CIFAR and the labels in them.

use std::ffi::OsStr;

pub(super) const SIDE: usize = 32;
pub(super) const PIXELS: usize = 3 * SIDE * SIDE;

/// The files of CIFAR-10's binary version: five training batches and the test batch.
pub const CIFAR_10: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];

/// The files of CIFAR-100's binary version: training and test set.
pub const CIFAR_100: [&str; 2] = ["train.bin", "test.bin"];

/// The kind of labels to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// The ten classes of CIFAR-10.
    Cifar10,
    /// The 100 fine classes of CIFAR-100.
    Fine,
    /// The 20 coarse classes of CIFAR-100.
    Coarse,
}

impl Labels {
    /// The number of labels per record, the index of the label to read, and the number of classes.
    pub(super) fn record(self) -> (usize, usize, usize) {
        match self {
            Self::Cifar10 => (1, 0, 10),
            Self::Fine => (2, 1, 100),
            Self::Coarse => (2, 0, 20),
        }
    }

    /// Bytes per record of the binary version.
    pub(crate) fn record_len(self) -> usize {
        self.record().0 + PIXELS
    }

    /// The labels of complete records, without a range check.
    pub(crate) fn of_records(self, records: &[u8]) -> impl Iterator<Item = u32> {
        let (prefix, which, _) = self.record();
        let records = records.chunks_exact(prefix + PIXELS);
        records.map(move |record| u32::from(record[which]))
    }

    /// The files of the binary version, the test set last.
    pub(super) fn files(self) -> &'static [&'static str] {
        match self {
            Self::Cifar10 => &CIFAR_10,
            Self::Fine | Self::Coarse => &CIFAR_100,
        }
    }

    /// The index in [`files`](Self::files) of a file of either version; the Python version has the
    /// same names without `.bin`.
    pub(crate) fn number_of(self, name: &OsStr) -> Option<usize> {
        let name = name.to_str()?;
        let stem = name.strip_suffix(".bin").unwrap_or(name);
        let is_file = |file: &&str| file.strip_suffix(".bin") == Some(stem);
        self.files().iter().position(is_file)
    }
}
