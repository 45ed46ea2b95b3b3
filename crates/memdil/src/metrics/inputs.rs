//! Which array comes from which file, and the call into the metrics.

use std::path::{Path, PathBuf};

use memdil_data::DataError;
use memdil_data::arrays::{Array, ArrayFile, Dtype, Float, Role};
use memdil_metrics::{Inputs, Metrics, MetricsError, Real, measure, measure_logits};
use memdil_report::Sample;
use ndarray::{ArrayView1, Axis, CowArray, Ix2};

use super::Arguments;
use super::messages::{Remedy, annotate, notes};
use crate::bad_input::BadInput;

/// All that was given.
pub(crate) struct Loaded {
    /// Missing where logits and labels are all there is.
    features: Option<Array>,
    labels: Array,
    clean_labels: Option<Array>,
    classifier: Option<Array>,
    bias: Option<Array>,
    /// Used only without classifier and bias, as [`Inputs::logits`]; then not even read.
    logits: Option<Array>,
    test_logits: Option<Array>,
    test_features: Option<Array>,
    test_labels: Option<Array>,
    /// What a user should know: arrays of the archive that are not used, and those that are used
    /// under another name.
    pub(crate) notes: Vec<String>,
}

impl Loaded {
    /// The arrays that the options name.
    pub(super) fn new(arguments: &Arguments) -> anyhow::Result<Self> {
        let main = arguments.features.as_ref().or(arguments.logits.as_ref());
        let main =
            main.ok_or_else(|| BadInput("give --features FILE, or --logits FILE".to_owned()))?;
        Self::read(&ArrayFile::open(main)?, arguments, Remedy::Option)
    }

    /// The arrays of one archive.
    pub(crate) fn archive(path: &Path) -> anyhow::Result<Self> {
        let file = ArrayFile::open(path)?;
        if !file.is_archive() {
            let path = path.display();
            return Err(BadInput(format!(
                "{path}: one array is not enough; give a .npz or .safetensors that holds features and labels, as numpy.savez writes"
            ))
            .into());
        }
        let loaded = Self::read(&file, &Arguments::default(), Remedy::Save)?;
        match loaded.features {
            Some(_) => Ok(loaded),
            None => Err(Remedy::Save.missing(Role::Features, &file)),
        }
    }

    fn read(main: &ArrayFile, arguments: &Arguments, remedy: Remedy) -> anyhow::Result<Self> {
        let alone = arguments.features.is_none() && arguments.logits.is_some();
        let features = if alone { None } else { features(main)? };
        let mut found: Vec<(Role, String)> = Vec::new();
        found.extend(
            features
                .as_ref()
                .map(|array| (Role::Features, array.place().to_owned())),
        );
        let mut find = |role: Role, option: &Option<PathBuf>| -> anyhow::Result<Option<Array>> {
            let Some(path) = option else {
                // Without features only logits and labels are of use.
                if alone
                    && !matches!(
                        role,
                        Role::Labels
                            | Role::CleanLabels
                            | Role::Logits
                            | Role::TestLabels
                            | Role::TestLogits
                    )
                {
                    return Ok(None);
                }
                let array = match main.named(role)? {
                    None if role == Role::Labels => only_labels(main)?,
                    array => array,
                };
                found.extend(array.as_ref().map(|array| (role, array.place().to_owned())));
                return Ok(array);
            };
            let file = ArrayFile::open(path)?;
            match file.find(role)? {
                Some(array) => Ok(Some(array)),
                None => Err(Remedy::Option.missing(role, &file)),
            }
        };
        let labels = find(Role::Labels, &arguments.labels)?;
        let clean_labels = find(Role::CleanLabels, &arguments.clean_labels)?;
        let classifier = find(Role::Classifier, &arguments.classifier)?;
        let bias = find(Role::Bias, &arguments.bias)?;
        let test_features = find(Role::TestFeatures, &arguments.test_features)?;
        let test_labels = find(Role::TestLabels, &arguments.test_labels)?;
        // The archive of a run holds both: its last layer says more than its logits.
        let has_head = classifier.is_some() && bias.is_some();
        if let Some(path) = arguments.logits.as_ref().filter(|_| has_head) {
            let path = path.display();
            return Err(BadInput(format!(
                "{path}: logits are computed where classifier and bias are given; leave out the bias, or these logits"
            ))
            .into());
        }
        let mut logits = None;
        if !has_head {
            logits = find(Role::Logits, &arguments.logits)?;
        }
        let mut test_logits = None;
        if !has_head || test_features.is_none() {
            test_logits = find(Role::TestLogits, &arguments.test_logits)?;
        } else if let Some(path) = &arguments.test_logits {
            let path = path.display();
            return Err(BadInput(format!(
                "{path}: test logits are computed where classifier, bias and test features are given; leave these out"
            ))
            .into());
        }

        if features.is_none() && logits.is_none() {
            return Err(remedy.missing(Role::Features, main));
        }
        let Some(labels) = labels else {
            return Err(remedy.missing(Role::Labels, main));
        };
        if let (Some(bias), None) = (&bias, &classifier) {
            return Err(remedy.half(bias, "classifier"));
        }
        if let (Some(given), None) = (
            test_features.as_ref().or(test_logits.as_ref()),
            &test_labels,
        ) {
            return Err(remedy.half(given, "test_labels"));
        }
        if let (Some(given), None) = (
            &test_labels,
            test_features.as_ref().or(test_logits.as_ref()),
        ) {
            return Err(remedy.half(given, "test_features or test_logits"));
        }
        Ok(Self {
            features,
            labels,
            clean_labels,
            classifier,
            bias,
            logits,
            test_logits,
            test_features,
            test_labels,
            notes: notes(main, &found),
        })
    }

    /// All metrics that these arrays allow, in float64 where one of the arrays is.
    pub(crate) fn measure(&self, classes: Option<usize>) -> anyhow::Result<Metrics> {
        let is_wide = |array: &Array| *array.dtype() == Dtype::Float64;
        let features = [&self.features, &self.test_features];
        let wide = features.into_iter().flatten().any(is_wide);
        let head = [
            &self.classifier,
            &self.bias,
            &self.logits,
            &self.test_logits,
        ];
        let wide_head = head.into_iter().flatten().any(is_wide);
        match (wide, wide_head) {
            (false, false) => self.measure_as::<f32, f32>(classes),
            (false, true) => self.measure_as::<f32, f64>(classes),
            (true, false) => self.measure_as::<f64, f32>(classes),
            (true, true) => self.measure_as::<f64, f64>(classes),
        }
    }

    /// Some samples of the training set, and of the test set where there is one.
    pub(crate) fn samples(&self) -> anyhow::Result<(Sample, Option<Sample>)> {
        let Some(features) = &self.features else {
            anyhow::bail!("no features to draw samples from");
        };
        let train = sample(features, &self.labels, self.clean_labels.as_ref())?;
        let test = match (&self.test_features, &self.test_labels) {
            (Some(features), Some(labels)) => Some(sample(features, labels, None)?),
            _ => None,
        };
        Ok((train, test))
    }

    fn measure_as<T: Float + Real, W: Float + Real>(
        &self,
        classes: Option<usize>,
    ) -> anyhow::Result<Metrics> {
        let Some(features) = matrix::<T>(&self.features)? else {
            return self.measure_logits::<W>(classes);
        };
        let test_features = matrix::<T>(&self.test_features)?;
        let labels = self.labels.labels()?;
        let clean_labels = self.clean_labels.as_ref().map(Array::labels).transpose()?;
        let test_labels = self.test_labels.as_ref().map(Array::labels).transpose()?;
        let bias = self.bias.as_ref().map(Array::vector::<W>).transpose()?;
        let classifier = matrix::<W>(&self.classifier)?;
        let logits = matrix::<W>(&self.logits)?;
        let test_logits = matrix::<W>(&self.test_logits)?;
        let classes = classes
            .or(classifier.as_ref().map(|classifier| classifier.nrows()))
            .or(logits.as_ref().map(|logits| logits.ncols()))
            .unwrap_or_else(|| {
                largest(&[
                    Some(&labels),
                    clean_labels.as_deref(),
                    test_labels.as_deref(),
                ])
            });
        let mut inputs = Inputs::new(features.view(), &labels, classes);
        inputs.clean_labels = clean_labels.as_deref();
        inputs.classifier = classifier.as_ref().map(|classifier| classifier.view());
        inputs.bias = bias.as_deref().map(ArrayView1::from);
        inputs.logits = logits.as_ref().map(|logits| logits.view());
        inputs.test_features = test_features.as_ref().map(|features| features.view());
        inputs.test_labels = test_labels.as_deref();
        inputs.test_logits = test_logits.as_ref().map(|logits| logits.view());
        Ok(measure(&inputs).map_err(|error| self.name_files(&error))?)
    }

    fn measure_logits<W: Float + Real>(&self, classes: Option<usize>) -> anyhow::Result<Metrics> {
        let (labels, logits) = (self.labels.labels()?, matrix::<W>(&self.logits)?);
        let clean_labels = self.clean_labels.as_ref().map(Array::labels).transpose()?;
        let test_labels = self.test_labels.as_ref().map(Array::labels).transpose()?;
        let test_logits = matrix::<W>(&self.test_logits)?;
        let test = test_logits.as_ref().zip(test_labels.as_ref());
        let test = test.map(|(logits, labels)| (logits.view(), &labels[..]));
        let Some(logits) = &logits else {
            anyhow::bail!("neither features nor logits");
        };
        if let Some(classes) = classes.filter(|&classes| classes != logits.ncols()) {
            return Err(BadInput(format!(
                "--classes {classes}: the logits have {} columns, one per class; leave it out",
                logits.ncols()
            ))
            .into());
        }
        let found = measure_logits(logits.view(), &labels, clean_labels.as_deref(), test);
        Ok(found.map_err(|error| self.name_files(&error))?)
    }

    /// The message of an error, with the file behind each array that it names.
    fn name_files(&self, error: &MetricsError) -> BadInput {
        let arrays = [
            (Role::Features, self.features.as_ref()),
            (Role::Labels, Some(&self.labels)),
            (Role::CleanLabels, self.clean_labels.as_ref()),
            (Role::Classifier, self.classifier.as_ref()),
            (Role::Bias, self.bias.as_ref()),
            (Role::Logits, self.logits.as_ref()),
            (Role::TestFeatures, self.test_features.as_ref()),
            (Role::TestLabels, self.test_labels.as_ref()),
            (Role::TestLogits, self.test_logits.as_ref()),
        ];
        let place = |word: &str| {
            let (_, array) = arrays.iter().find(|(role, _)| role.name() == word)?;
            array.map(Array::place)
        };
        BadInput(annotate(&error.to_string(), place))
    }
}

/// The features of an archive: by name, or the only matrix of floats among the arrays without a
/// known name (`np.savez(f, h, y)` names them `arr_0` and `arr_1`).
fn features(main: &ArrayFile) -> anyhow::Result<Option<Array>> {
    let features = match main.find(Role::Features)? {
        // Beside logits a matrix without a known name may be anything.
        None if main.named(Role::Logits)?.is_none() => {
            main.only(|array| array.matrix_shape().is_ok_and(|(_, columns)| columns > 1))?
        }
        features => features,
    };
    if let Some(features) = &features {
        features.matrix_shape()?;
    }
    Ok(features)
}

/// The only labels among the arrays of an archive without a known name.
fn only_labels(main: &ArrayFile) -> Result<Option<Array>, DataError> {
    main.only(|array| !array.dtype().is_float() && array.labels().is_ok())
}

/// A matrix that may be missing.
fn matrix<T: Float>(array: &Option<Array>) -> Result<Option<CowArray<'_, T, Ix2>>, DataError> {
    array.as_ref().map(Array::matrix).transpose()
}

/// Classes are counted from 0, so there is one more than the largest label.
fn largest(labels: &[Option<&[i64]>]) -> usize {
    let largest = labels
        .iter()
        .flatten()
        .flat_map(|labels| labels.iter())
        .max();
    largest.map_or(0, |&label| {
        // `measure` reports negative numbers.
        usize::try_from(label).map_or(2, |label| label.saturating_add(1))
    })
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
