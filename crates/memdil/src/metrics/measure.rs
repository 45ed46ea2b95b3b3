//! Computes the metrics of the arrays.

use std::cell::Cell;

use memdil_data::DataError;
use memdil_data::arrays::{Array, Dtype, Float};
use memdil_metrics::{
    Measure, Metrics, MetricsError, Real, Subject, head_scores, logit_scores, measure_logits,
    sample_geometry,
};
use ndarray::{ArrayView1, CowArray, Ix2};

use super::inputs::Loaded;
use super::samples::SampleScores;
use crate::failure::{BadInput, Failure};

/// The number of classes, if given, and the results to compute besides the metrics.
#[derive(Clone, Copy, Default)]
pub(crate) struct Request {
    pub(crate) classes: Option<usize>,
    pub(crate) per_class: bool,
    pub(crate) samples: bool,
}

pub(crate) struct Measured {
    pub(crate) metrics: Metrics,
    /// The scores of the samples, if requested.
    pub(super) samples: Option<SampleScores>,
}

impl Loaded {
    /// All metrics that these arrays allow. Features are read as float64 if one of them is float64,
    /// otherwise as float32; likewise the classifier, the bias and the logits.
    pub(crate) fn measure(&self, request: Request) -> Result<Measured, Failure> {
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
            (false, false) => self.measure_as::<f32, f32>(request),
            (false, true) => self.measure_as::<f32, f64>(request),
            (true, false) => self.measure_as::<f64, f32>(request),
            (true, true) => self.measure_as::<f64, f64>(request),
        }
    }

    fn measure_as<T: Float + Real, W: Float + Real>(
        &self,
        request: Request,
    ) -> Result<Measured, Failure> {
        let Some(features) = matrix::<T>(&self.features)? else {
            return self.measure_logits::<W>(request);
        };
        let test_features = matrix::<T>(&self.test_features)?;
        let labels = self.labels.labels()?;
        let clean_labels = self.clean_labels.as_ref().map(Array::labels).transpose()?;
        let test_labels = self.test_labels.as_ref().map(Array::labels).transpose()?;
        let bias = self.bias.as_ref().map(Array::vector::<W>).transpose()?;
        let classifier = matrix::<W>(&self.classifier)?;
        let logits = matrix::<W>(&self.logits)?;
        let test_logits = matrix::<W>(&self.test_logits)?;
        let classes = request
            .classes
            .or(classifier.as_ref().map(|classifier| classifier.nrows()))
            .or(logits.as_ref().map(|logits| logits.ncols()))
            .unwrap_or_else(|| {
                implied_classes(&[
                    Some(&labels),
                    clean_labels.as_deref(),
                    test_labels.as_deref(),
                ])
            });
        let mut inputs = Measure::new(features.view(), &labels, classes);
        if let Some(clean_labels) = &clean_labels {
            inputs = inputs.clean_labels(clean_labels);
        }
        if let Some(classifier) = &classifier {
            inputs = inputs.classifier(classifier.view());
        }
        if let Some(bias) = &bias {
            inputs = inputs.bias(ArrayView1::from(bias));
        }
        if let Some(logits) = &logits {
            inputs = inputs.logits(logits.view());
        }
        if let Some(labels) = &test_labels {
            inputs = match &test_features {
                Some(features) => inputs.test(features.view(), labels),
                None => inputs.test_labels(labels),
            };
        }
        if let Some(logits) = &test_logits {
            inputs = inputs.test_logits(logits.view());
        }
        if request.per_class {
            inputs = inputs.per_class();
        }
        let named = |error: MetricsError| self.name_files(&error);
        let metrics = inputs.run().map_err(named)?;
        let mut samples = None;
        if request.samples {
            let labels = (&labels[..], clean_labels.as_deref());
            let geometry = sample_geometry(features.view(), labels.0, labels.1, classes);
            let bias = bias.as_deref().map(ArrayView1::from);
            let of_logits = match (&classifier, bias, &logits) {
                (Some(classifier), Some(bias), _) => Some(head_scores(
                    features.view(),
                    labels.0,
                    (classifier.view(), bias),
                )),
                (.., Some(logits)) => Some(logit_scores(logits.view(), labels.0)),
                _ => None,
            };
            let scores = SampleScores::new(labels, Some(geometry), of_logits);
            samples = Some(scores.map_err(named)?);
        }
        Ok(Measured { metrics, samples })
    }

    fn measure_logits<W: Float + Real>(&self, request: Request) -> Result<Measured, Failure> {
        let (labels, logits) = (self.labels.labels()?, matrix::<W>(&self.logits)?);
        let clean_labels = self.clean_labels.as_ref().map(Array::labels).transpose()?;
        let test_labels = self.test_labels.as_ref().map(Array::labels).transpose()?;
        let test_logits = matrix::<W>(&self.test_logits)?;
        let test = test_logits.as_ref().zip(test_labels.as_ref());
        let test = test.map(|(logits, labels)| (logits.view(), &labels[..]));
        let Some(logits) = &logits else {
            return Err(Failure::inside("neither features nor logits"));
        };
        if let Some(classes) = request.classes.filter(|&classes| classes != logits.ncols()) {
            return Err(BadInput(format!(
                "--classes {classes}: the logits have {} columns, one per class; leave out --classes",
                logits.ncols()
            ))
            .into());
        }
        let named = |error: MetricsError| self.name_files(&error);
        let clean_labels = clean_labels.as_deref();
        let metrics = measure_logits(logits.view(), &labels, clean_labels, test).map_err(named)?;
        let mut samples = None;
        if request.samples {
            let of_logits = logit_scores(logits.view(), &labels);
            let scores = SampleScores::new((&labels[..], clean_labels), None, Some(of_logits));
            samples = Some(scores.map_err(named)?);
        }
        Ok(Measured { metrics, samples })
    }

    /// The message of an error, with the file after each array that it names.
    fn name_files(&self, error: &MetricsError) -> BadInput {
        let names_a_file = Cell::new(false);
        let message = error.message(&|subject| match self.array(subject) {
            Some(array) => {
                names_a_file.set(true);
                format!("{subject} ({})", array.place())
            }
            None => subject.to_string(),
        });
        match &self.archive {
            Some(archive) if !names_a_file.get() => BadInput(format!("{archive}: {message}")),
            _ => BadInput(message),
        }
    }

    fn array(&self, subject: Subject) -> Option<&Array> {
        match subject {
            Subject::Features => self.features.as_ref(),
            Subject::Labels => Some(&self.labels),
            Subject::CleanLabels => self.clean_labels.as_ref(),
            Subject::Classifier => self.classifier.as_ref(),
            Subject::Bias => self.bias.as_ref(),
            Subject::Logits => self.logits.as_ref(),
            Subject::TestFeatures => self.test_features.as_ref(),
            Subject::TestLabels => self.test_labels.as_ref(),
            Subject::TestLogits => self.test_logits.as_ref(),
            _ => None,
        }
    }
}

/// A matrix that may be missing.
fn matrix<T: Float>(array: &Option<Array>) -> Result<Option<CowArray<'_, T, Ix2>>, DataError> {
    array.as_ref().map(Array::matrix).transpose()
}

/// The number of classes in labels that count from 0: one more than the largest.
fn implied_classes(labels: &[Option<&[i64]>]) -> usize {
    let largest = labels
        .iter()
        .flatten()
        .flat_map(|labels| labels.iter())
        .max();
    largest.map_or(0, |&label| {
        // Negative labels are reported by `Measure::run`.
        usize::try_from(label).map_or(2, |label| label.saturating_add(1))
    })
}

#[cfg(test)]
mod tests {
    use memdil_data::arrays::ArrayFile;

    use super::*;

    #[test]
    fn messages_name_the_files_of_arrays() {
        let labels = |name| {
            let file = ArrayFile::parse(b"0\n1\n0\n", name).unwrap();
            file.find(memdil_data::arrays::Role::Labels).unwrap()
        };
        let mut loaded = Loaded {
            archive: None,
            features: None,
            labels: labels("y.csv").unwrap(),
            clean_labels: None,
            classifier: None,
            bias: None,
            logits: None,
            test_logits: None,
            test_features: None,
            test_labels: labels("t.csv"),
            notes: Vec::new(),
        };
        let alone = MetricsError::GivenAlone {
            array: Subject::TestLabels,
            needed: Subject::TestFeatures,
        };
        assert_eq!(
            loaded.name_files(&alone).to_string(),
            "test_labels (t.csv) requires test_features; give both"
        );
        let short = measure_logits(ndarray::array![[0.0, 1.0]].view(), &[0, 1], None, None);
        assert_eq!(
            loaded.name_files(&short.unwrap_err()).to_string(),
            "labels (y.csv) has 2 entries, but logits needs 1"
        );
        let without_array = MetricsError::ZeroScatter;
        assert_eq!(
            loaded.name_files(&without_array).0,
            without_array.to_string()
        );
        loaded.archive = Some("a.npz".to_owned());
        let message = loaded.name_files(&without_array).0;
        assert_eq!(message, format!("a.npz: {without_array}"));
        assert!(!loaded.name_files(&alone).0.contains("a.npz"));
    }
}
