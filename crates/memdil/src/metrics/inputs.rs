//! The arrays of `memdil metrics`: which one comes from which file.

use std::path::{Path, PathBuf};

use memdil_data::DataError;
use memdil_data::arrays::{Array, ArrayFile, Dtype, Role};
use memdil_report::Sample;
use ndarray::Axis;

use super::arguments::Arguments;
use super::finder::Finder;
use super::messages::{Remedy, notes};
use crate::failure::{BadInput, Failure};

/// All that was given.
pub(crate) struct Loaded {
    /// The archive that alone holds the arrays, where it may be one of several that are measured: a
    /// message that names none of its arrays names it.
    pub(super) archive: Option<String>,
    /// Missing where logits and labels are all there is.
    pub(super) features: Option<Array>,
    pub(super) labels: Array,
    pub(super) clean_labels: Option<Array>,
    pub(super) classifier: Option<Array>,
    pub(super) bias: Option<Array>,
    /// Used only without classifier and bias, as [`Measure::logits`](memdil_metrics::Measure::logits);
    /// with them it is not even read.
    pub(super) logits: Option<Array>,
    pub(super) test_logits: Option<Array>,
    pub(super) test_features: Option<Array>,
    pub(super) test_labels: Option<Array>,
    /// What a user should know: arrays of the archive that are not used, and those that are used
    /// under another name.
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
                "{path}: one array is not enough; give a .npz or .safetensors that holds features and labels, as numpy.savez writes"
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
        let alone = arguments.features.is_none() && arguments.logits.is_some();
        let mut finder = Finder::new(main, alone);
        let features = finder.features()?;
        let labels = finder.find(Role::Labels, &arguments.labels)?;
        let clean_labels = finder.find(Role::CleanLabels, &arguments.clean_labels)?;
        let classifier = finder.find(Role::Classifier, &arguments.classifier)?;
        let bias = finder.find(Role::Bias, &arguments.bias)?;
        let test_features = finder.find(Role::TestFeatures, &arguments.test_features)?;
        let test_labels = finder.find(Role::TestLabels, &arguments.test_labels)?;
        // The archive of a run holds both: its last layer says more than its logits.
        let has_head = classifier.is_some() && bias.is_some();
        let logits = if has_head {
            refuse(
                &arguments.logits,
                "logits are computed where classifier and bias are given; leave out the bias, or these logits",
            )?;
            None
        } else {
            finder.find(Role::Logits, &arguments.logits)?
        };
        let test_logits = if has_head && test_features.is_some() {
            refuse(
                &arguments.test_logits,
                "test logits are computed where classifier, bias and test features are given; leave these out",
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

    /// Refuses arrays that are of use only beside another one.
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

    /// Some samples of the training set, and of the test set where there is one.
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

/// Refuses a file whose array would not be read.
fn refuse(option: &Option<PathBuf>, reason: &str) -> Result<(), BadInput> {
    match option {
        Some(path) => Err(BadInput(format!("{}: {reason}", path.display()))),
        None => Ok(()),
    }
}

/// Some rows of a set, drawn once and for all.
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
        // float32 stays where it lies; only the rows drawn are widened.
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
