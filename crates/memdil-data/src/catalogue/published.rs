//! The five published data sets: files, sizes, checksums, sources and first labels.

use super::published_file::PublishedFile;
use super::source::Source;
use super::tables::{CIFAR_10, CIFAR_100, CIFAR_PYTHON, FASHION_MNIST, MNIST, SVHN};
use crate::error::DataError;
use crate::labels::check_labels;
use crate::readers::cifar::Labels;

/// A data set that is published as files with known checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Published {
    /// MNIST (LeCun et al. 1998).
    Mnist,
    /// Fashion-MNIST (Xiao et al. 2017).
    FashionMnist,
    /// CIFAR-10 (Krizhevsky 2009), the binary version.
    Cifar10,
    /// CIFAR-100 (Krizhevsky 2009), the binary version.
    Cifar100,
    /// SVHN (Netzer et al. 2011), the cropped digits without the extra set.
    Svhn,
}

/// Training or test set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The training set.
    Training,
    /// The test set.
    Test,
}

impl Published {
    /// All published data sets, in the order of the documentation.
    pub const ALL: [Self; 5] = [
        Self::Mnist,
        Self::FashionMnist,
        Self::Cifar10,
        Self::Cifar100,
        Self::Svhn,
    ];

    /// The name on the command line and in configurations, which is also the name of the download
    /// folder.
    pub fn name(self) -> &'static str {
        self.source().published_name()
    }

    /// The [`Source`] that reads these files.
    pub(super) fn source(self) -> Source {
        match self {
            Self::Mnist => Source::Mnist,
            Self::FashionMnist => Source::FashionMnist,
            Self::Cifar10 => Source::Cifar10,
            Self::Cifar100 => Source::Cifar100,
            Self::Svhn => Source::Svhn,
        }
    }

    /// The data set of this name.
    ///
    /// # Errors
    /// [`DataError::UnknownDataSet`], which lists the known names.
    ///
    /// ```
    /// use memdil_data::catalogue::Published;
    ///
    /// assert_eq!(Published::from_name("cifar-10")?, Published::Cifar10);
    /// assert!(Published::from_name("cifar10").unwrap_err().to_string().contains("cifar-10, cifar-100"));
    /// # Ok::<(), memdil_data::DataError>(())
    /// ```
    pub fn from_name(name: &str) -> Result<Self, DataError> {
        Self::ALL
            .into_iter()
            .find(|published| published.name() == name)
            .ok_or_else(|| DataError::UnknownDataSet {
                name: name.to_owned(),
                known: Self::ALL.map(Self::name).join(", "),
            })
    }

    /// The published files.
    ///
    /// ```
    /// use memdil_data::catalogue::Published;
    ///
    /// let bytes: u64 = Published::Svhn.files().iter().map(|file| file.bytes).sum();
    /// assert_eq!(bytes, 246_316_178);
    /// ```
    pub fn files(self) -> &'static [PublishedFile<'static>] {
        match self {
            Self::Mnist => &MNIST,
            Self::FashionMnist => &FASHION_MNIST,
            Self::Cifar10 => &CIFAR_10,
            Self::Cifar100 => &CIFAR_100,
            Self::Svhn => &SVHN,
        }
    }

    /// The archive of the Python version, which is read but not downloaded.
    ///
    /// ```
    /// use memdil_data::catalogue::Published;
    ///
    /// let python = Published::Cifar100.python().unwrap();
    /// assert_eq!((python.name, python.bytes), ("cifar-100-python.tar.gz", 169_001_437));
    /// assert_eq!(Published::Mnist.python(), None);
    /// ```
    pub fn python(self) -> Option<PublishedFile<'static>> {
        match self {
            Self::Cifar10 => Some(CIFAR_PYTHON[0]),
            Self::Cifar100 => Some(CIFAR_PYTHON[1]),
            Self::Mnist | Self::FashionMnist | Self::Svhn => None,
        }
    }

    /// The kind of CIFAR labels whose published order is known.
    pub(super) fn cifar_labels(self) -> Option<Labels> {
        match self {
            Self::Cifar10 => Some(Labels::Cifar10),
            Self::Cifar100 => Some(Labels::Fine),
            Self::Mnist | Self::FashionMnist | Self::Svhn => None,
        }
    }

    /// Number of classes.
    pub fn classes(self) -> usize {
        if self == Self::Cifar100 { 100 } else { 10 }
    }

    /// Number of images of a part.
    pub fn images(self, part: Part) -> usize {
        match (self, part) {
            (Self::Mnist | Self::FashionMnist, Part::Training) => 60_000,
            (Self::Cifar10 | Self::Cifar100, Part::Training) => 50_000,
            (Self::Svhn, Part::Training) => 73_257,
            (Self::Svhn, Part::Test) => 26_032,
            (_, Part::Test) => 10_000,
        }
    }

    /// The first ten labels of a part: fine labels for CIFAR-100, and 0 for the digit 0 of SVHN.
    pub fn first_labels(self, part: Part) -> [u32; 10] {
        match (self, part) {
            (Self::Mnist, Part::Training) => [5, 0, 4, 1, 9, 2, 1, 3, 1, 4],
            (Self::Mnist, Part::Test) => [7, 2, 1, 0, 4, 1, 4, 9, 5, 9],
            (Self::FashionMnist, Part::Training) => [9, 0, 0, 3, 0, 2, 7, 2, 5, 5],
            (Self::FashionMnist, Part::Test) => [9, 2, 1, 1, 6, 1, 4, 6, 5, 7],
            (Self::Cifar10, Part::Training) => [6, 9, 9, 4, 1, 1, 2, 7, 8, 3],
            (Self::Cifar10, Part::Test) => [3, 8, 8, 0, 6, 6, 1, 6, 3, 1],
            (Self::Cifar100, Part::Training) => [19, 29, 0, 11, 1, 86, 90, 28, 23, 31],
            (Self::Cifar100, Part::Test) => [49, 33, 72, 51, 71, 92, 15, 14, 23, 0],
            (Self::Svhn, Part::Training) => [1, 9, 2, 3, 2, 5, 9, 3, 3, 1],
            (Self::Svhn, Part::Test) => [5, 2, 1, 0, 6, 1, 9, 1, 1, 8],
        }
    }
}

impl Part {
    /// "training" or "test".
    pub fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Test => "test",
        }
    }
}

/// Checks that the number of labels, their range and the first labels match the published data set.
///
/// Reordered files have the same size and the same classes, but noisy labels published for the
/// original order (CIFAR-N) would be assigned to the wrong images.
///
/// # Errors
/// [`DataError::WrongCount`], [`DataError::LabelOutOfRange`], [`DataError::WrongOrder`].
///
/// ```
/// use memdil_data::catalogue::{Part, Published, check_order};
///
/// let mut labels = vec![0; 10_000];
/// labels[..10].copy_from_slice(&[7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
/// check_order(Published::Mnist, Part::Test, &labels)?;
/// labels.swap(0, 1);
/// assert!(check_order(Published::Mnist, Part::Test, &labels).is_err());
/// # Ok::<(), memdil_data::DataError>(())
/// ```
pub fn check_order(published: Published, part: Part, labels: &[u32]) -> Result<(), DataError> {
    let (name, split) = (published.name(), part.name());
    let (found, expected) = (labels.len(), published.images(part));
    if found != expected {
        return Err(DataError::WrongCount {
            name,
            split,
            found,
            expected,
        });
    }
    check_labels(labels, published.classes())?;
    let expected = published.first_labels(part);
    let found = &labels[..expected.len()];
    if found != expected {
        return Err(DataError::WrongOrder {
            name,
            split,
            found: found.to_vec(),
            expected: expected.to_vec(),
        });
    }
    Ok(())
}
