//! What a configuration says about the data.

use serde::{Deserialize, Serialize};

use crate::{DataError, fashion_mnist};

/// Which images and classes a run uses, and in which form they enter the network.
///
/// ```
/// use memdil_data::{DataSpec, Input, Source};
///
/// let spec: DataSpec = serde_json::from_str(
///     r#"{"source": "fashion-mnist", "classes": [0, 1], "input": "native", "validation": 0.2}"#,
/// )?;
/// assert_eq!((spec.source, spec.input), (Source::FashionMnist, Input::Native));
/// assert_eq!(spec.images_per_class, None);
/// spec.validate()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// Where the images come from.
    pub source: Source,
    /// The classes used, by their number in the source; the k-th becomes label k.
    pub classes: Vec<u32>,
    /// The form in which images enter the network.
    pub input: Input,
    /// Share of the training set that is held out for validation, in [0, 1).
    pub validation: f64,
    /// How many training images of each class are used, the first ones of the file; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images_per_class: Option<usize>,
}

/// The data sets that can be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Fashion-MNIST (Xiao et al. 2017): 60,000 training and 10,000 test images, read from files.
    FashionMnist,
    /// The first 600 training and 100 test images of each class of Fashion-MNIST, inside this crate.
    FashionMnistEmbedded,
}

impl Source {
    /// The name as configurations write it.
    ///
    /// ```
    /// assert_eq!(memdil_data::Source::FashionMnist.name(), "fashion-mnist");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Self::FashionMnist => "fashion-mnist",
            Self::FashionMnistEmbedded => "fashion-mnist-embedded",
        }
    }

    /// Names of its classes, by their number in the source.
    pub fn class_names(self) -> &'static [&'static str] {
        match self {
            Self::FashionMnist | Self::FashionMnistEmbedded => &fashion_mnist::CLASS_NAMES,
        }
    }
}

/// The form in which images enter the network; pixels are normalised per channel in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Size and channels of the file.
    Native,
    /// Three channels of 32 x 32, as in the paper: grey images are resized and copied.
    Authors,
}

impl DataSpec {
    /// Checks everything that can be checked before a file is opened.
    ///
    /// # Errors
    /// Fewer than two classes, a class listed twice or unknown, `validation` outside [0, 1),
    /// `images_per_class` of zero.
    pub fn validate(&self) -> Result<(), DataError> {
        if self.classes.len() < 2 {
            return Err(DataError::TooFewClasses { found: self.classes.len() });
        }
        let known = self.source.class_names().len();
        for (k, &class) in self.classes.iter().enumerate() {
            if self.classes[..k].contains(&class) {
                return Err(DataError::DuplicateClass { class });
            }
            if class as usize >= known {
                return Err(DataError::UnknownClass { class, name: self.source.name().to_owned(), known });
            }
        }
        if !(0.0..1.0).contains(&self.validation) {
            return Err(DataError::OutOfRange {
                what: "validation",
                value: self.validation,
                range: "0 <= validation < 1",
            });
        }
        if self.images_per_class == Some(0) {
            return Err(DataError::OutOfRange {
                what: "images_per_class",
                value: 0.0,
                range: "1 or more; leave it out to use all",
            });
        }
        Ok(())
    }
}
