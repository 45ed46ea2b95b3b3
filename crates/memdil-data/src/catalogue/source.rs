//! The data sets that can be loaded, with their published properties.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::class_names::{CIFAR_10, CIFAR_100, CIFAR_100_COARSE, DIGITS, FASHION_MNIST};

/// The source of images.
///
/// A published data set is serialized as its name. The user's own file is serialized only as part
/// of a [`DataSpec`](crate::DataSpec), under the key `npz`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Source {
    /// MNIST (LeCun et al. 1998): 60,000 training and 10,000 test images of digits, 28 x 28.
    Mnist,
    /// Fashion-MNIST (Xiao et al. 2017): 60,000 training and 10,000 test images, 28 x 28.
    FashionMnist,
    /// The first 600 training and 100 test images of each class of Fashion-MNIST, embedded in this
    /// crate.
    FashionMnistEmbedded,
    /// CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test images, 3 x 32 x 32.
    #[serde(rename = "cifar-10")]
    Cifar10,
    /// CIFAR-100 (Krizhevsky 2009) with its 100 fine classes.
    #[serde(rename = "cifar-100")]
    Cifar100,
    /// CIFAR-100 with its 20 coarse classes.
    #[serde(rename = "cifar-100-coarse")]
    Cifar100Coarse,
    /// SVHN (Netzer et al. 2011), cropped digits: 73,257 training and 26,032 test images, 3 x 32 x
    /// 32.
    Svhn,
    /// The user's own images: a NumPy `.npz` file as described in [`npz`](crate::npz).
    #[serde(skip)]
    Npz(PathBuf),
}

/// Published properties of a data set.
struct Facts {
    name: &'static str,
    classes: &'static [&'static str],
    /// Channels, rows and columns of an image.
    size: [usize; 3],
    mean: &'static [f32],
    std: &'static [f32],
}

impl Facts {
    const fn grey(name: &'static str, classes: &'static [&'static str]) -> Self {
        Self {
            name,
            classes,
            size: [1, 28, 28],
            mean: &[0.1307],
            std: &[0.3081],
        }
    }

    const fn colour(name: &'static str, classes: &'static [&'static str]) -> Self {
        Self {
            name,
            classes,
            size: [3, 32, 32],
            mean: &[0.4914, 0.4822, 0.4465],
            std: &[0.2023, 0.1994, 0.2010],
        }
    }
}

impl Source {
    /// Every published data set, in the order of the documentation.
    pub const PUBLISHED: [Self; 7] = [
        Self::Mnist,
        Self::FashionMnist,
        Self::FashionMnistEmbedded,
        Self::Cifar10,
        Self::Cifar100,
        Self::Cifar100Coarse,
        Self::Svhn,
    ];

    fn facts(&self) -> Option<Facts> {
        Some(match self {
            Self::Mnist => Facts::grey("mnist", &DIGITS),
            Self::FashionMnist => Facts::grey("fashion-mnist", &FASHION_MNIST),
            Self::FashionMnistEmbedded => Facts::grey("fashion-mnist-embedded", &FASHION_MNIST),
            Self::Cifar10 => Facts::colour("cifar-10", &CIFAR_10),
            Self::Cifar100 => Facts::colour("cifar-100", &CIFAR_100),
            Self::Cifar100Coarse => Facts::colour("cifar-100-coarse", &CIFAR_100_COARSE),
            Self::Svhn => Facts::colour("svhn", &DIGITS),
            Self::Npz(_) => return None,
        })
    }

    /// The name in configurations, or the file name without `.npz` of the user's own file.
    ///
    /// ```
    /// use memdil_data::Source;
    ///
    /// assert_eq!(Source::FashionMnist.name(), "fashion-mnist");
    /// assert_eq!(Source::Npz("data/mine.npz".into()).name(), "mine");
    /// ```
    pub fn name(&self) -> &str {
        match self {
            Self::Npz(path) => {
                let stem = path.file_stem().and_then(|stem| stem.to_str());
                stem.unwrap_or("npz")
            }
            _ => self.published_name(),
        }
    }

    /// The name of a published data set; empty for the user's own file.
    pub(super) fn published_name(&self) -> &'static str {
        self.facts().map_or("", |facts| facts.name)
    }

    /// The class names, by class number in the source; empty for the user's own file, whose classes
    /// have no names.
    pub fn class_names(&self) -> &'static [&'static str] {
        self.facts().map_or(&[], |facts| facts.classes)
    }

    /// The name of a class by its number in the source, or the number if the class has no name.
    ///
    /// ```
    /// use memdil_data::Source;
    ///
    /// assert_eq!(Source::Cifar10.class_name(1), "automobile");
    /// assert_eq!(Source::Npz("mine.npz".into()).class_name(1), "1");
    /// ```
    pub fn class_name(&self, class: u32) -> String {
        match self.class_names().get(class as usize) {
            Some(&name) => name.to_owned(),
            None => class.to_string(),
        }
    }

    /// Channels, rows and columns of the images; `None` for the user's own file.
    pub fn image_size(&self) -> Option<[usize; 3]> {
        self.facts().map(|facts| facts.size)
    }

    /// Mean and standard deviation per channel with which the paper normalises pixels; `None` for
    /// the user's own file, which stores them or has them computed.
    pub fn normalisation(&self) -> Option<(&'static [f32], &'static [f32])> {
        self.facts().map(|facts| (facts.mean, facts.std))
    }

    /// The path of the user's own file; `None` for a published data set.
    pub fn npz(&self) -> Option<&Path> {
        match self {
            Self::Npz(path) => Some(path),
            _ => None,
        }
    }
}
