//! Features and metrics of a network in evaluation mode.

mod collector;
mod corruption;
mod gradient;
pub(crate) mod layers;
mod random_classifier;
mod samples;

use memdil_losses::Loss;
use memdil_metrics::{
    MetricsError, Moments, Predictions, accuracy, bias_collapse, correct, dilation, minority_angle,
    nc1, nc2_etf, nc4, radius, rho, rho_nc1, separation,
};
use memdil_records::{EpochRecord, RunSpec, SampleScores, Snapshot, SnapshotPart, TestRecord};
use ndarray::{Array1, Array2, ArrayView2, Axis, CowArray, Ix2, s};

use crate::error::RunnerError;
use crate::network::interface::{CHUNK, ImageSet, Network};
use crate::prepare::Prepared;
use crate::run::evaluation::collector::Collector;
use crate::run::evaluation::corruption::{Corruption, labels};
use crate::run::evaluation::gradient::measure_gradient;
use crate::run::evaluation::layers::measure_layers;
use crate::run::evaluation::random_classifier::RandomClassifier;
use crate::run::evaluation::samples::{add_geometry, rank};

/// Features and logits of all samples.
pub(crate) struct Evaluation {
    /// The samples trained on, followed by those held out for validation.
    noisy: SnapshotPart,
    /// The number of samples trained on.
    trained_on: usize,
    /// The number of classes of the test set; the network may have latent classes too.
    classes: usize,
    /// The minority classes of an imbalanced training set.
    minority: Vec<usize>,
    test: SnapshotPart,
    classifier: Array2<f32>,
    bias: Array1<f32>,
}

impl Evaluation {
    pub(crate) fn new(network: &mut dyn Network, data: &Prepared) -> Result<Self, RunnerError> {
        let noisy = [&data.train[..], &data.validation].concat();
        let pick = |labels: &[u32]| noisy.iter().map(|&i| labels[i]).collect();
        let (observed, clean) = (pick(data.labels.observed()), pick(data.labels.clean()));
        // No chunk contains both training and held-out samples, so that the rounding of the
        // training features does not depend on the held-out samples.
        let [train, held_out] = [&data.train, &data.validation].map(|part| part.chunks(CHUNK));
        let (set, chunks) = ((data, ImageSet::Train), train.chain(held_out));
        let noisy = evaluate(network, set, chunks, observed, clean)?;
        let test: Vec<usize> = (0..data.test_labels.len()).collect();
        let labels = Array1::from(data.test_labels.clone());
        let (set, chunks) = ((data, ImageSet::Test), test.chunks(CHUNK));
        let test = evaluate(network, set, chunks, labels.clone(), labels)?;
        let (classifier, bias) = network.classifier()?;
        Ok(Self {
            noisy,
            trained_on: data.train.len(),
            classes: data.labels.classes(),
            minority: data.minority.clone(),
            test,
            classifier,
            bias,
        })
    }

    /// True if all features and logits are finite.
    pub(crate) fn is_finite(&self) -> bool {
        let features = self.noisy.features.iter().chain(&self.test.features);
        let logits = self.noisy.logits.iter().chain(&self.test.logits);
        features.chain(logits).all(|v| v.is_finite())
    }

    /// The features to save: those of the samples trained on and of the test samples.
    pub(crate) fn into_snapshot(self) -> Result<Snapshot, RunnerError> {
        let (all, n) = (self.noisy, self.trained_on);
        let train = SnapshotPart {
            features: first_rows(all.features, n)?,
            logits: first_rows(all.logits, n)?,
            labels: all.labels.iter().take(n).copied().collect(),
            clean_labels: all.clean_labels.iter().take(n).copied().collect(),
        };
        Ok(Snapshot {
            train,
            test: self.test,
            classifier: self.classifier,
            bias: self.bias,
        })
    }

    /// Adds all metrics to the record of an epoch; the reasons of undefined metrics are added to
    /// `undefined`. Adds distances and alignments to the scores of the samples over the epochs, if
    /// they are available, and returns them.
    pub(crate) fn measure(
        &self,
        loss: &Loss,
        mut scores: Option<SampleScores>,
        record: &mut EpochRecord,
    ) -> Result<Option<SampleScores>, RunnerError> {
        let mut collector = Collector {
            undefined: std::mem::take(&mut record.undefined),
        };
        self.measure_collapse(record, &mut collector);
        self.measure_corruption(record, &mut collector);
        if self.trained_on < self.noisy.labels.len() {
            self.measure_held_out(record, &mut collector);
        }
        record.test = Some(measure_test(
            &self.test,
            self.classes,
            loss,
            &mut collector,
        )?);
        if let Some(scores) = &mut scores {
            let (h, _) = self.trained_on();
            add_geometry(scores, h, self.bias.len(), &mut collector);
            record.ranking = rank(scores, self.classes, &mut collector);
        }
        record.undefined = collector.undefined;
        Ok(scores)
    }

    /// The features and logits of the samples trained on.
    fn trained_on(&self) -> (ArrayView2<'_, f32>, ArrayView2<'_, f32>) {
        let n = self.trained_on;
        let [h, logits] = [&self.noisy.features, &self.noisy.logits];
        (h.slice(s![..n, ..]), logits.slice(s![..n, ..]))
    }

    /// Accuracy, calibration and collapse of the samples trained on.
    fn measure_collapse(&self, record: &mut EpochRecord, collector: &mut Collector) {
        let (h, logits) = self.trained_on();
        let y = &labels(&self.noisy.labels)[..self.trained_on];
        let (w, bias) = (self.classifier.view(), self.bias.view());
        let classes = bias.len();
        let predictions = predictions(logits, y);
        record.accuracy = collector.value("accuracy", of(&predictions, Predictions::accuracy));
        record.ece = collector.value("ece", of(&predictions, Predictions::ece));
        record.nc1 = collector.value("nc1", nc1(h, y, classes));
        record.nc2_etf = collector.value("nc2_etf", nc2_etf(w));
        record.nc4 = collector.value("nc4", nc4(h, y, w, bias));
        if self.minority.len() > 1 {
            let angle = minority_angle(w, &self.minority);
            record.minority_angle = collector.value("minority_angle", angle);
            let is_minority = |&&label: &&u32| self.minority.contains(&(label as usize));
            let samples = y.iter().filter(is_minority).count();
            record.minority_samples = Some(samples as f64 / self.minority.len() as f64);
        }
        record.bias_collapse = collector.value("bias_collapse", bias_collapse(h, w, bias));
        let moments = Moments::of(h, y, None, classes);
        record.nc3 = collector.value("nc3", of(&moments, |moments| moments.nc3(w)));
        let orthogonal = of(&moments, Moments::nc2_orthogonal);
        record.nc2_orthogonal = collector.value("nc2_orthogonal", orthogonal);
        let random = RandomClassifier::new(classes, h.ncols(), &moments);
        record.nc2_etf_random = collector.value("nc2_etf_random", random.nc2_etf);
        record.nc2_orthogonal_random =
            collector.value("nc2_orthogonal_random", random.nc2_orthogonal);
        record.nc3_random = collector.value("nc3_random", random.nc3);
    }

    /// Memorization of the corrupted samples among those trained on.
    fn measure_corruption(&self, record: &mut EpochRecord, collector: &mut Collector) {
        let (h, logits) = self.trained_on();
        let [y, clean] = [&self.noisy.labels, &self.noisy.clean_labels]
            .map(|array| &labels(array)[..self.trained_on]);
        let corruption = Corruption::new(h, logits, (y, clean), self.classes);
        let names = [
            "memorization_sum",
            "memorization_mean",
            "memorization_per_class",
        ];
        if let Some(memorization) = collector.value_of(&names, corruption.memorization()) {
            record.memorization_sum = Some(memorization.sum);
            record.memorization_mean = memorization.mean;
            record.memorization_per_class = Some(memorization.per_class);
        }
        let around_test = corruption.memorization_test(&self.test);
        record.memorization_test_mean = collector
            .value("memorization_test_mean", around_test)
            .and_then(|memorization| memorization.mean);
        let names = [
            "memorized_as_given",
            "memorized_as_clean",
            "memorized_as_other",
        ];
        let fraction = corruption.memorized_fraction();
        if let Some(fraction) = collector.value_of(&names, fraction).flatten() {
            record.memorized_as_given = Some(fraction.as_given);
            record.memorized_as_clean = Some(fraction.as_clean);
            record.memorized_as_other = Some(fraction.as_other);
        }
        record.separation = collector.value("separation", corruption.separation());
    }

    /// Metrics of the held-out samples, and of all noisy samples together.
    fn measure_held_out(&self, record: &mut EpochRecord, collector: &mut Collector) {
        let (all_h, all_logits) = (self.noisy.features.view(), self.noisy.logits.view());
        let logits = all_logits.slice(s![self.trained_on.., ..]);
        let [all_y, all_clean] = [&self.noisy.labels, &self.noisy.clean_labels].map(labels);
        let held_out = &all_y[self.trained_on..];
        record.validation_accuracy =
            collector.value("validation_accuracy", accuracy(logits, held_out));
        let classes = self.bias.len();
        record.nc1_all = collector.value("nc1_all", nc1(all_h, all_y, classes));
        let all = Corruption::new(all_h, all_logits, (all_y, all_clean), self.classes);
        record.memorization_mean_all = collector
            .value("memorization_mean_all", all.memorization())
            .and_then(|memorization| memorization.mean);
    }
}

fn measure_test(
    test: &SnapshotPart,
    classes: usize,
    loss: &Loss,
    collector: &mut Collector,
) -> Result<TestRecord, RunnerError> {
    let (h, y) = (test.features.view(), labels(&test.labels));
    let logits = merge_latent_logits(test.logits.view(), classes);
    let predictions = predictions(logits.view(), y);
    let moments = Moments::of(h, y, None, classes);
    let dilated = dilation(h, y, classes);
    let rho_nc1 = (classes == 2).then(|| of(&dilated, |&dilated| rho_nc1(dilated, h.ncols())));
    let separated = of(&moments, |moments| separation(moments.means().means.view()));
    let mut of_all = |name, result| collector.test_value(name, "test sample", result);
    let mut record = TestRecord {
        loss: loss.value(logits.mapv(f64::from).view(), y)?,
        accuracy: of(&predictions, Predictions::accuracy)?,
        ece: of_all("test.ece", of(&predictions, Predictions::ece)),
        dilation: of_all("test.dilation", dilated),
        rho: of_all("test.rho", of(&moments, Moments::rho)),
        rho_nc1: rho_nc1.and_then(|found| of_all("test.rho_nc1", found)),
        radius: of_all("test.radius", radius(h, y, classes)),
        separation: of_all("test.separation", separated),
        ..TestRecord::default()
    };
    let right: Vec<usize> = correct(logits.view(), y)?;
    let (h, y) = (h.select(Axis(0), &right), right.iter().map(|&i| y[i]));
    let (h, y) = (h.view(), y.collect::<Vec<u32>>());
    let mut of_right =
        |name, result| collector.test_value(name, "test sample that is predicted right", result);
    record.dilation_correct = of_right("test.dilation_correct", dilation(h, &y, classes));
    record.rho_correct = of_right("test.rho_correct", rho(h, &y, classes));
    Ok(record)
}

/// Computes a metric from a result, or returns the error of the result.
fn of<T, V>(
    found: &Result<T, MetricsError>,
    metric: impl Fn(&T) -> Result<V, MetricsError>,
) -> Result<V, MetricsError> {
    metric(found.as_ref().map_err(MetricsError::clone)?)
}

/// Adds the metrics of the layers and the gradient to the record of an epoch, if the settings
/// request them.
pub(crate) fn measure_network(
    network: &mut dyn Network,
    spec: &RunSpec,
    data: &Prepared,
    record: &mut EpochRecord,
) -> Result<(), RunnerError> {
    if spec.training.evaluate_layers {
        measure_layers(network, spec, data, record)?;
    }
    if spec.training.evaluate_gradient {
        measure_gradient(network, spec, data, record)?;
    }
    Ok(())
}

/// The predictions of a set of samples.
fn predictions(logits: ArrayView2<'_, f32>, labels: &[u32]) -> Result<Predictions, MetricsError> {
    let mut predictions = Predictions::new(logits.ncols());
    predictions.add(logits, labels, None)?;
    Ok(predictions)
}

/// The logits of the true classes: the probability of class k is the sum of those of k and of its
/// latent class K + k.
fn merge_latent_logits(logits: ArrayView2<'_, f32>, classes: usize) -> CowArray<'_, f32, Ix2> {
    if logits.ncols() == classes {
        return logits.into();
    }
    let mut merged = logits.slice(s![.., ..classes]).to_owned();
    let latent = logits.slice(s![.., classes..]);
    for latent in latent.axis_chunks_iter(Axis(1), classes) {
        merged.zip_mut_with(&latent, |a, &b| {
            *a = a.max(b) + (-(*a - b).abs()).exp().ln_1p()
        });
    }
    merged.into()
}

/// Features and logits of samples, computed in chunks.
fn evaluate<'a>(
    network: &mut dyn Network,
    (data, set): (&Prepared, ImageSet),
    chunks: impl Iterator<Item = &'a [usize]>,
    labels: Array1<u32>,
    clean_labels: Array1<u32>,
) -> Result<SnapshotPart, RunnerError> {
    let n = labels.len();
    let (mut features, mut logits) = (Vec::new(), Vec::new());
    let mut batch = Vec::new();
    for chunk in chunks {
        let (h, z) = network.forward_samples(data, set, chunk, &mut batch)?;
        features.reserve_exact(n * (h.len() / chunk.len()) - features.len());
        logits.reserve_exact(n * (z.len() / chunk.len()) - logits.len());
        features.extend(h);
        logits.extend(z);
    }
    Ok(SnapshotPart {
        features: rows(features, n)?,
        logits: rows(logits, n)?,
        labels,
        clean_labels,
    })
}

fn rows(values: Vec<f32>, rows: usize) -> Result<Array2<f32>, RunnerError> {
    let columns = values.len() / rows.max(1);
    Ok(Array2::from_shape_vec((rows, columns), values).map_err(candle_core::Error::wrap)?)
}

/// The first `n` rows; the memory of the other rows is freed.
fn first_rows(array: Array2<f32>, n: usize) -> Result<Array2<f32>, RunnerError> {
    let columns = array.ncols();
    let (mut values, _) = array.into_raw_vec_and_offset();
    values.truncate(n * columns);
    values.shrink_to_fit();
    rows(values, n)
}

#[cfg(test)]
#[allow(clippy::float_cmp, clippy::unwrap_used)]
mod tests;
