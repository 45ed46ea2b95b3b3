//! Reads the arrays of `memdil metrics` from their files.

use std::path::{Path, PathBuf};

use memdil_data::DataError;
use memdil_data::arrays::{Array, ArrayFile, Dtype, Role};
use memdil_report::Sample;
use ndarray::Axis;

use super::arguments::Arguments;
use super::finder::Finder;
use super::messages::{Remedy, notes};
use crate::failure::{BadInput, Failure};

/// The arrays that were given.
pub(crate) struct Loaded {
    /// The archive that holds all arrays, if it may be one of several to be measured. An error
    /// message that does not name an array names this archive.
    pub(super) archive: Option<String>,
    /// `None` if only logits and labels are given.
    pub(super) features: Option<Array>,
    pub(super) labels: Array,
    pub(super) clean_labels: Option<Array>,
    pub(super) classifier: Option<Array>,
    pub(super) bias: Option<Array>,
    /// Read only without classifier and bias, like
    /// [`Measure::logits`](memdil_metrics::Measure::logits).
    pub(super) logits: Option<Array>,
    pub(super) test_logits: Option<Array>,
    pub(super) test_features: Option<Array>,
    pub(super) test_labels: Option<Array>,
    /// Notes on arrays of the archive that are not used, or that are read under another name.
    pub(crate) notes: Vec<String>,
}

impl Loaded {
    /// The arrays that the options name.
    pub(super) fn new(arguments: &Arguments) -> Result<Self, Failure> {
        let main = arguments.features.as_ref().or(arguments.logits.as_ref());
        let main =
            main.ok_or_else(|| BadInput("give --features FILE, or --logits FILE".to_owned()))?;
        Self::read(&ArrayFile::open(main)?, arguments, Remedy::Option)
    }

    /// The arrays of one archive.
    pub(crate) fn archive(path: &Path) -> Result<Self, Failure> {
        let file = ArrayFile::open(path)?;
        if !file.is_archive() {
            let path = path.display();
            return Err(BadInput(format!(
                "{path}: one array is not enough; give a .npz or .safetensors that holds features and labels, as written by numpy.savez"
            ))
            .into());
        }
        let mut loaded = Self::read(&file, &Arguments::default(), Remedy::Save)?;
        loaded.archive = Some(file.path().to_owned());
        match loaded.features {
            Some(_) => Ok(loaded),
            None => Err(Remedy::Save.missing(Role::Features, &file)),
        }
    }

    fn read(main: &ArrayFile, arguments: &Arguments, remedy: Remedy) -> Result<Self, Failure> {
        let logits_only = arguments.features.is_none() && arguments.logits.is_some();
        let mut finder = Finder::new(main, logits_only);
        let features = finder.features()?;
        let labels = finder.find(Role::Labels, &arguments.labels)?;
        let clean_labels = finder.find(Role::CleanLabels, &arguments.clean_labels)?;
        let classifier = finder.find(Role::Classifier, &arguments.classifier)?;
        let bias = finder.find(Role::Bias, &arguments.bias)?;
        let test_features = finder.find(Role::TestFeatures, &arguments.test_features)?;
        let test_labels = finder.find(Role::TestLabels, &arguments.test_labels)?;
        // The archive of a run holds both; its last layer yields more metrics than its logits.
        let has_head = classifier.is_some() && bias.is_some();
        let logits = if has_head {
            refuse(
                &arguments.logits,
                "logits are computed from the classifier and the bias if both are given; leave out the bias or the logits",
            )?;
            None
        } else {
            finder.find(Role::Logits, &arguments.logits)?
        };
        let test_logits = if has_head && test_features.is_some() {
            refuse(
                &arguments.test_logits,
                "test logits are computed from the classifier, the bias and the test features if all are given; leave out the test logits",
            )?;
            None
        } else {
            finder.find(Role::TestLogits, &arguments.test_logits)?
        };
        if features.is_none() && logits.is_none() {
            return Err(remedy.missing(Role::Features, main));
        }
        let loaded = Self {
            archive: None,
            features,
            labels: labels.ok_or_else(|| remedy.missing(Role::Labels, main))?,
            clean_labels,
            classifier,
            bias,
            logits,
            test_logits,
            test_features,
            test_labels,
            notes: notes(main, &finder.found),
        };
        loaded.check_pairs(remedy)?;
        Ok(loaded)
    }

    /// Refuses an array that requires another array, if that is not given.
    fn check_pairs(&self, remedy: Remedy) -> Result<(), Failure> {
        let test = self.test_features.as_ref().or(self.test_logits.as_ref());
        if let (Some(bias), None) = (&self.bias, &self.classifier) {
            return Err(remedy.half(bias, &[Role::Classifier]));
        }
        match (test, &self.test_labels) {
            (Some(given), None) => Err(remedy.half(given, &[Role::TestLabels])),
            (None, Some(given)) => Err(remedy.half(given, &[Role::TestFeatures, Role::TestLogits])),
            _ => Ok(()),
        }
    }

    /// Randomly drawn samples of the training set and, if there is one, of the test set.
    pub(crate) fn samples(&self) -> Result<(Sample, Option<Sample>), Failure> {
        let Some(features) = &self.features else {
            return Err(Failure::inside("no features to draw samples from"));
        };
        let train = sample(features, &self.labels, self.clean_labels.as_ref())?;
        let test = match (&self.test_features, &self.test_labels) {
            (Some(features), Some(labels)) => Some(sample(features, labels, None)?),
            _ => None,
        };
        Ok((train, test))
    }
}

/// Refuses an option whose file would not be read.
fn refuse(option: &Option<PathBuf>, reason: &str) -> Result<(), BadInput> {
    match option {
        Some(path) => Err(BadInput(format!("{}: {reason}", path.display()))),
        None => Ok(()),
    }
}

/// Random rows of a set; equal sizes give equal rows.
fn sample(
    features: &Array,
    labels: &Array,
    clean_labels: Option<&Array>,
) -> Result<Sample, DataError> {
    let (all, _) = features.matrix_shape()?;
    let rows: Vec<usize> = Sample::drawn(all).into_iter().collect();
    let picked = |labels: &Array| -> Result<Vec<usize>, DataError> {
        let labels = labels.labels()?;
        Ok(rows.iter().map(|&row| labels[row] as usize).collect())
    };
    Ok(Sample {
        // A float32 matrix is not copied; only the drawn rows are converted.
        features: match features.dtype() {
            Dtype::Float32 => features
                .matrix::<f32>()?
                .select(Axis(0), &rows)
                .mapv(f64::from),
            _ => features.matrix::<f64>()?.select(Axis(0), &rows),
        },
        labels: picked(labels)?,
        clean_labels: clean_labels.map(picked).transpose()?,
        all,
    })
}
