//! The data settings of a configuration.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::augment::Augmentation;
use crate::catalogue::files;
use crate::catalogue::source::Source;
use crate::error::DataError;
use crate::imbalance::Imbalance;
use crate::readers::npz;
use crate::split::check_fraction;

/// The images and classes of a run, and the form in which they enter the network.
///
/// A configuration names either a published data set (`source = "cifar-10"`) or the user's own file
/// (`npz = "mine.npz"`). The other keys are optional; by default all classes and images are used in
/// their native form, without validation set, augmentation or imbalance.
///
/// ```
/// use memdil_data::{DataSpec, Input, Source};
///
/// let mut spec: DataSpec = serde_json::from_str(r#"{"source": "fashion-mnist", "validation": 0.2}"#)?;
/// assert_eq!((&spec.source, spec.input), (&Source::FashionMnist, Input::Native));
/// spec.resolve(&[])?;
/// assert_eq!(spec.classes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
///
/// let mut other = DataSpec::new(Source::FashionMnist);
/// (other.classes, other.validation) = (spec.classes.clone(), 0.2);
/// assert_eq!(other, spec);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
#[non_exhaustive]
pub struct DataSpec {
    /// The source of the images.
    pub source: Source,
    /// The classes used, by their number in the source; the k-th becomes label k. An empty list
    /// means all classes; [`resolve`](Self::resolve) replaces it by the full list.
    pub classes: Vec<u32>,
    /// The form in which images enter the network.
    pub input: Input,
    /// Fraction of the training set that is held out for validation, in [0, 1).
    pub validation: f64,
    /// Number of training images per class, the first ones in the file; all if absent.
    pub images_per_class: Option<usize>,
    /// Number of test images per class, the first ones in the file; all if absent.
    pub test_images_per_class: Option<usize>,
    /// Random crops and flips of the training images; none if absent.
    pub augment: Option<Augmentation>,
    /// The profile of the numbers of training images per class; as in the file if absent. The
    /// largest class has `images_per_class` images or, without that setting, as many as the smallest
    /// class of the file, so that the profile is exact for every class.
    pub imbalance: Option<Imbalance>,
}

/// The form in which images enter the network; pixels are always normalised per channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Input {
    /// Size and channels of the file.
    #[default]
    Native,
    /// Three channels of 32 x 32, as in the paper: grey images are resized and copied.
    Authors,
}

/// The keys of a [`DataSpec`] in a configuration.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    npz: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    classes: Option<Vec<u32>>,
    #[serde(default)]
    input: Input,
    #[serde(default)]
    validation: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    images_per_class: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    test_images_per_class: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    augment: Option<Augmentation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    imbalance: Option<Imbalance>,
}

impl TryFrom<Written> for DataSpec {
    type Error = DataError;

    fn try_from(written: Written) -> Result<Self, DataError> {
        let source = match (written.source, written.npz) {
            (Some(source), None) => source,
            (None, Some(path)) => Source::Npz(path),
            (Some(_), Some(_)) => return Err(DataError::OneSource { found: "both" }),
            (None, None) => return Err(DataError::OneSource { found: "neither" }),
        };
        // An empty list in a configuration is an error; to use all classes, the key is omitted.
        if written.classes.as_ref().is_some_and(Vec::is_empty) {
            return Err(DataError::TooFewClasses { found: 0 });
        }
        Ok(Self {
            source,
            classes: written.classes.unwrap_or_default(),
            input: written.input,
            validation: written.validation,
            images_per_class: written.images_per_class,
            test_images_per_class: written.test_images_per_class,
            augment: written.augment,
            imbalance: written.imbalance,
        })
    }
}

impl From<DataSpec> for Written {
    fn from(spec: DataSpec) -> Self {
        let (source, npz) = match spec.source {
            Source::Npz(path) => (None, Some(path)),
            source => (Some(source), None),
        };
        Self {
            source,
            npz,
            classes: (!spec.classes.is_empty()).then_some(spec.classes),
            input: spec.input,
            validation: spec.validation,
            images_per_class: spec.images_per_class,
            test_images_per_class: spec.test_images_per_class,
            augment: spec.augment,
            imbalance: spec.imbalance,
        }
    }
}

impl DataSpec {
    /// All classes and images of a source in their native form, without validation set or
    /// augmentation.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            classes: Vec::new(),
            input: Input::Native,
            validation: 0.0,
            images_per_class: None,
            test_images_per_class: None,
            augment: None,
            imbalance: None,
        }
    }

    /// Replaces an empty list of classes by all classes, and validates the settings. Only the
    /// user's own file is opened, to read its labels.
    ///
    /// # Errors
    /// Those of [`validate`](Self::validate), and for the user's own file those of finding it and
    /// of reading its labels.
    pub fn resolve(&mut self, data_dirs: &[PathBuf]) -> Result<(), DataError> {
        if self.classes.is_empty() {
            self.classes = match self.source {
                Source::Npz(_) => match &files::find(&self.source, data_dirs)?[..] {
                    [path, ..] => npz::classes(path)?,
                    [] => Vec::new(),
                },
                _ => (0..self.source.class_names().len() as u32).collect(),
            };
            if self.classes.is_empty() {
                return Err(DataError::TooFewClasses { found: 0 });
            }
        }
        self.validate()
    }

    /// Checks the settings as far as possible without opening files.
    ///
    /// # Errors
    /// A single class, a repeated or unknown class, `validation` outside [0, 1), a number of images
    /// per class of 0, a crop out of range, or an imbalance with a ratio below 1, without minority
    /// or majority, or that leaves a class without images.
    pub fn validate(&self) -> Result<(), DataError> {
        if self.classes.len() == 1 {
            return Err(DataError::TooFewClasses { found: 1 });
        }
        let known = self.source.class_names().len();
        let mut seen = BTreeSet::new();
        for &class in &self.classes {
            if !seen.insert(class) {
                return Err(DataError::DuplicateClass { class });
            }
            if self.source.npz().is_none() && class as usize >= known {
                return Err(DataError::UnknownClass {
                    class,
                    name: self.source.name().to_owned(),
                    known,
                });
            }
        }
        check_fraction(self.validation)?;
        let limits = [
            ("images_per_class", self.images_per_class),
            ("test_images_per_class", self.test_images_per_class),
        ];
        for (what, limit) in limits {
            let range = "must be at least 1; omit it to use all";
            DataError::check_range(what, 0.0, range, limit != Some(0))?;
        }
        if let Some(imbalance) = self.imbalance {
            imbalance.validate(self.classes.len())?;
            if let Some(n_max) = self.images_per_class {
                imbalance.positive_counts(n_max, self.classes.len())?;
            }
        }
        self.augment.map_or(Ok(()), |augment| augment.validate())
    }
}
