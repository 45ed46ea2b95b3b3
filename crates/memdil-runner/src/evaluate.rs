//! Features and metrics of a network as it stands, in evaluation mode.

use memdil_data::Inputs;
use memdil_losses::Loss;
use memdil_metrics::MetricsError;
use memdil_records::{EpochRecord, Snapshot, SnapshotPart, TestRecord};
use ndarray::{Array1, Array2};

use crate::{Network, Prepared, RunnerError};

/// Samples in a forward pass: bounds the memory of an evaluation whatever the size of the data set.
const CHUNK: usize = 512;

/// Features and logits of all samples, those held out for validation after those trained on.
pub(crate) struct Evaluation {
    pub(crate) snapshot: Snapshot,
    held_out: SnapshotPart,
}

impl Evaluation {
    pub(crate) fn new(network: &mut Network, data: &Prepared) -> Result<Self, RunnerError> {
        let mut noisy = |indices: &[usize]| {
            let pick = |labels: &[u32]| indices.iter().map(|&i| labels[i]).collect();
            let (observed, clean) = (pick(&data.labels.observed), pick(&data.labels.clean));
            evaluate(network, &data.train_inputs, indices, observed, clean)
        };
        let (train, held_out) = (noisy(&data.train)?, noisy(&data.validation)?);
        let all_test: Vec<usize> = (0..data.test_labels.len()).collect();
        let labels = Array1::from(data.test_labels.clone());
        let test = evaluate(network, &data.test_inputs, &all_test, labels.clone(), labels)?;
        let (classifier, bias) = network.classifier()?;
        Ok(Self { snapshot: Snapshot { train, test, classifier, bias }, held_out })
    }

    /// True when every feature and logit is a number.
    pub(crate) fn is_finite(&self) -> bool {
        [&self.snapshot.train, &self.snapshot.test, &self.held_out]
            .iter()
            .all(|part| part.features.iter().chain(&part.logits).all(|v| v.is_finite()))
    }

    /// Adds every metric to the record of an epoch; one that is not defined goes to `undefined` with its reason.
    pub(crate) fn measure(&self, loss: &Loss, record: &mut EpochRecord) -> Result<(), RunnerError> {
        let Snapshot { train, test, classifier, bias } = &self.snapshot;
        let classes = bias.len();
        let mut keep = Keep { undefined: &mut record.undefined };
        let (h, y, clean) = (train.features.view(), labels(&train.labels), labels(&train.clean_labels));
        record.accuracy = keep.value("accuracy", memdil_metrics::accuracy(train.logits.view(), y));
        record.nc1 = keep.value("nc1", memdil_metrics::nc1(h, y, classes));
        record.nc2_etf = keep.value("nc2_etf", memdil_metrics::nc2_etf(classifier.view()));
        record.nc3 = keep.value("nc3", memdil_metrics::nc3(classifier.view(), h, y));
        record.bias_collapse =
            keep.value("bias_collapse", memdil_metrics::bias_collapse(classifier.view(), bias.view(), h));
        record.ece = keep.value("ece", memdil_metrics::ece(train.logits.view(), y));
        if let Some(memorization) = keep.value("memorization", memdil_metrics::memorization(h, y, clean, classes)) {
            record.memorization_sum = Some(memorization.sum);
            record.memorization_mean = memorization.mean;
            record.memorization_per_class = Some(memorization.per_class);
        }
        let fraction = memdil_metrics::memorized_fraction(train.logits.view(), y, clean);
        if let Some(fraction) = keep.value("memorized_fraction", fraction).flatten() {
            record.memorized_as_given = Some(fraction.as_given);
            record.memorized_as_clean = Some(fraction.as_clean);
            record.memorized_as_other = Some(fraction.as_other);
        }
        let means = memdil_metrics::uncorrupted_class_means(h, y, clean, classes);
        let separation = means.and_then(|m| memdil_metrics::separation(m.means.view()));
        record.separation = keep.value("separation", separation);
        if !self.held_out.labels.is_empty() {
            let held_out = labels(&self.held_out.labels);
            record.validation_accuracy =
                keep.value("validation_accuracy", memdil_metrics::accuracy(self.held_out.logits.view(), held_out));
            let features = stack(&train.features, &self.held_out.features);
            let observed = [y, held_out].concat();
            let clean = [clean, labels(&self.held_out.clean_labels)].concat();
            record.nc1_all = keep.value("nc1_all", memdil_metrics::nc1(features.view(), &observed, classes));
            let all = memdil_metrics::memorization(features.view(), &observed, &clean, classes);
            record.memorization_mean_all = keep.value("memorization_mean_all", all).and_then(|m| m.mean);
        }
        record.test = Some(measure_test(test, classes, loss, &mut keep)?);
        Ok(())
    }
}

fn measure_test(
    test: &SnapshotPart,
    classes: usize,
    loss: &Loss,
    keep: &mut Keep<'_>,
) -> Result<TestRecord, RunnerError> {
    let (h, y) = (test.features.view(), labels(&test.labels));
    let dilation = keep.value("test.dilation", memdil_metrics::dilation(h, y, classes));
    let rho_nc1 = dilation.filter(|_| classes == 2);
    Ok(TestRecord {
        loss: loss.value(test.logits.mapv(f64::from).view(), y)?,
        accuracy: memdil_metrics::accuracy(test.logits.view(), y)?,
        ece: keep.value("test.ece", memdil_metrics::ece(test.logits.view(), y)),
        dilation,
        rho: keep.value("test.rho", memdil_metrics::rho(h, y, classes)),
        rho_nc1: rho_nc1.and_then(|d| keep.value("test.rho_nc1", memdil_metrics::rho_nc1(d, h.ncols()))),
        radius: keep.value("test.radius", memdil_metrics::radius(h, y, classes)),
        separation: keep.value(
            "test.separation",
            memdil_metrics::class_means(h, y, classes).and_then(|m| memdil_metrics::separation(m.means.view())),
        ),
    })
}

/// Collects values, and the reasons of those that are not defined.
struct Keep<'a> {
    undefined: &'a mut std::collections::BTreeMap<String, String>,
}

impl Keep<'_> {
    fn value<T>(&mut self, name: &str, result: Result<T, MetricsError>) -> Option<T> {
        result.map_err(|reason| self.undefined.insert(name.to_owned(), reason.to_string())).ok()
    }
}

fn labels(array: &Array1<u32>) -> &[u32] {
    array.as_slice().unwrap_or_default()
}

fn stack(a: &Array2<f32>, b: &Array2<f32>) -> Array2<f32> {
    let values = a.iter().chain(b).copied().collect();
    Array2::from_shape_vec((a.nrows() + b.nrows(), a.ncols()), values).unwrap_or_default()
}

fn evaluate(
    network: &mut Network,
    inputs: &Inputs,
    indices: &[usize],
    labels: Array1<u32>,
    clean_labels: Array1<u32>,
) -> Result<SnapshotPart, RunnerError> {
    let (mut features, mut logits) = (Vec::new(), Vec::new());
    for chunk in indices.chunks(CHUNK) {
        let (h, z) = network.forward(&inputs.batch(chunk))?;
        features.extend(h);
        logits.extend(z);
    }
    Ok(SnapshotPart {
        features: rows(features, indices.len())?,
        logits: rows(logits, indices.len())?,
        labels,
        clean_labels,
    })
}

fn rows(values: Vec<f32>, rows: usize) -> Result<Array2<f32>, RunnerError> {
    let columns = values.len() / rows.max(1);
    Ok(Array2::from_shape_vec((rows, columns), values).map_err(candle_core::Error::wrap)?)
}
