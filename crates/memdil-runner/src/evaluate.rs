//! Features and metrics of a network as it stands, in evaluation mode.

use memdil_losses::Loss;
use memdil_metrics::{MetricsError, Moments};
use memdil_records::{EpochRecord, Snapshot, SnapshotPart, TestRecord};
use ndarray::{Array1, Array2, ArrayView2, Axis, CowArray, Ix2, s};

use crate::network::Part;
use crate::random_classifier::RandomClassifier;
use crate::{Network, Prepared, RunnerError};

/// Samples in a forward pass: bounds the memory of an evaluation whatever the size of the data set.
const CHUNK: usize = 512;

/// Features and logits of all samples.
pub(crate) struct Evaluation {
    /// Samples trained on, then those held out for validation.
    noisy: SnapshotPart,
    /// How many of them were trained on.
    trained_on: usize,
    /// Classes of the test set; the network may tell latent ones apart as well.
    classes: usize,
    test: SnapshotPart,
    classifier: Array2<f32>,
    bias: Array1<f32>,
}

impl Evaluation {
    pub(crate) fn new(network: &mut Network, data: &Prepared) -> Result<Self, RunnerError> {
        let noisy = [&data.train[..], &data.validation].concat();
        let pick = |labels: &[u32]| noisy.iter().map(|&i| labels[i]).collect();
        let (observed, clean) = (pick(&data.labels.observed), pick(&data.labels.clean));
        // Chunks end with the training set: held-out samples do not change how it is cut into
        // products.
        let chunks = data
            .train
            .chunks(CHUNK)
            .chain(data.validation.chunks(CHUNK));
        let noisy = evaluate(network, (data, Part::Train), chunks, observed, clean)?;
        let test: Vec<usize> = (0..data.test_labels.len()).collect();
        let labels = Array1::from(data.test_labels.clone());
        let test = evaluate(
            network,
            (data, Part::Test),
            test.chunks(CHUNK),
            labels.clone(),
            labels,
        )?;
        let (classifier, bias) = network.classifier()?;
        Ok(Self {
            noisy,
            trained_on: data.train.len(),
            classes: data.labels.classes,
            test,
            classifier,
            bias,
        })
    }

    /// True when every feature and logit is a number.
    pub(crate) fn is_finite(&self) -> bool {
        [&self.noisy, &self.test].iter().all(|part| {
            part.features
                .iter()
                .chain(&part.logits)
                .all(|v| v.is_finite())
        })
    }

    /// What is kept of it: the samples trained on and the test samples.
    pub(crate) fn into_snapshot(self) -> Result<Snapshot, RunnerError> {
        let SnapshotPart {
            features,
            logits,
            labels,
            clean_labels,
        } = self.noisy;
        let n = self.trained_on;
        let train = SnapshotPart {
            features: first_rows(features, n)?,
            logits: first_rows(logits, n)?,
            labels: labels.iter().take(n).copied().collect(),
            clean_labels: clean_labels.iter().take(n).copied().collect(),
        };
        Ok(Snapshot {
            train,
            test: self.test,
            classifier: self.classifier,
            bias: self.bias,
        })
    }

    /// Adds every metric to the record of an epoch; one that is not defined goes to `undefined`
    /// with its reason.
    pub(crate) fn measure(&self, loss: &Loss, record: &mut EpochRecord) -> Result<(), RunnerError> {
        let Self {
            noisy,
            trained_on,
            classes: true_classes,
            test,
            classifier,
            bias,
        } = self;
        let classes = bias.len();
        let mut keep = Keep {
            undefined: &mut record.undefined,
        };
        let (all_h, all_y, all_clean) = (
            noisy.features.view(),
            labels(&noisy.labels),
            labels(&noisy.clean_labels),
        );
        let (h, _) = all_h.split_at(Axis(0), *trained_on);
        let (logits, held_out_logits) = noisy.logits.view().split_at(Axis(0), *trained_on);
        let (y, held_out) = all_y.split_at(*trained_on);
        let clean = &all_clean[..*trained_on];
        record.accuracy = keep.value("accuracy", memdil_metrics::accuracy(logits, y));
        record.nc1 = keep.value("nc1", memdil_metrics::nc1(h, y, classes));
        record.nc2_etf = keep.value("nc2_etf", memdil_metrics::nc2_etf(classifier.view()));
        record.nc3 = keep.value("nc3", memdil_metrics::nc3(classifier.view(), h, y));
        record.nc4 = keep.value(
            "nc4",
            memdil_metrics::nc4(classifier.view(), bias.view(), h, y),
        );
        record.bias_collapse = keep.value(
            "bias_collapse",
            memdil_metrics::bias_collapse(classifier.view(), bias.view(), h),
        );
        record.ece = keep.value("ece", memdil_metrics::ece(logits, y));
        if let Some(moments) = keep.value("nc2_orthogonal", Moments::of(h, y, None, classes)) {
            record.nc2_orthogonal = keep.value("nc2_orthogonal", moments.nc2_orthogonal());
            let random = RandomClassifier::new(classes, &moments);
            record.nc2_etf_random = keep.value("nc2_etf_random", random.nc2_etf);
            record.nc2_orthogonal_random =
                keep.value("nc2_orthogonal_random", random.nc2_orthogonal);
            record.nc3_random = keep.value("nc3_random", random.nc3);
        }
        let corruption = Corruption::new(h, logits, (y, clean), *true_classes);
        if let Some(memorization) = keep.value("memorization", corruption.memorization()) {
            record.memorization_sum = Some(memorization.sum);
            record.memorization_mean = memorization.mean;
            record.memorization_per_class = Some(memorization.per_class);
        }
        let around_test = corruption.memorization_test(test);
        record.memorization_test_mean = keep
            .value("memorization_test_mean", around_test)
            .and_then(|memorization| memorization.mean);
        let fraction = corruption.memorized_fraction();
        if let Some(fraction) = keep.value("memorized_fraction", fraction).flatten() {
            record.memorized_as_given = Some(fraction.as_given);
            record.memorized_as_clean = Some(fraction.as_clean);
            record.memorized_as_other = Some(fraction.as_other);
        }
        record.separation = keep.value("separation", corruption.separation());
        if !held_out.is_empty() {
            record.validation_accuracy = keep.value(
                "validation_accuracy",
                memdil_metrics::accuracy(held_out_logits, held_out),
            );
            record.nc1_all = keep.value("nc1_all", memdil_metrics::nc1(all_h, all_y, classes));
            let all = Corruption::new(
                all_h,
                noisy.logits.view(),
                (all_y, all_clean),
                *true_classes,
            );
            record.memorization_mean_all = keep
                .value("memorization_mean_all", all.memorization())
                .and_then(|m| m.mean);
        }
        record.test = Some(measure_test(test, *true_classes, loss, &mut keep)?);
        Ok(())
    }
}

/// Training samples with what was done to their labels.
///
/// With latent classes, as in the authors' experiment, the corrupted samples are those with a
/// latent label; samples whose label was moved to another class without becoming latent are left
/// out.
struct Corruption<'a> {
    features: CowArray<'a, f32, Ix2>,
    logits: CowArray<'a, f32, Ix2>,
    /// As the network was given them, latent ones among them.
    given: Vec<u32>,
    clean: Vec<u32>,
    classes: usize,
}

impl<'a> Corruption<'a> {
    fn new(
        features: ArrayView2<'a, f32>,
        logits: ArrayView2<'a, f32>,
        (given, clean): (&[u32], &[u32]),
        classes: usize,
    ) -> Self {
        if logits.ncols() == classes {
            return Self {
                features: features.into(),
                logits: logits.into(),
                given: given.to_vec(),
                clean: clean.to_vec(),
                classes,
            };
        }
        let kept: Vec<usize> = (0..given.len())
            .filter(|&i| given[i] == clean[i] || given[i] >= classes as u32)
            .collect();
        let pick = |labels: &[u32]| kept.iter().map(|&i| labels[i]).collect();
        Self {
            features: features.select(Axis(0), &kept).into(),
            logits: logits.select(Axis(0), &kept).into(),
            given: pick(given),
            clean: pick(clean),
            classes,
        }
    }

    /// The given labels among the true classes: distances need to know which samples are
    /// corrupted, not which latent class they were given.
    fn given_true(&self) -> Vec<u32> {
        let k = self.classes as u32;
        let pairs = self.given.iter().zip(&self.clean);
        pairs
            .map(|(&given, &clean)| if given < k { given } else { (clean + 1) % k })
            .collect()
    }

    fn memorization(&self) -> Result<memdil_metrics::Memorization, MetricsError> {
        let given = self.given_true();
        memdil_metrics::memorization(self.features.view(), &given, &self.clean, self.classes)
    }

    fn memorization_test(
        &self,
        test: &SnapshotPart,
    ) -> Result<memdil_metrics::Memorization, MetricsError> {
        memdil_metrics::memorization_test(
            (self.features.view(), &self.given_true(), &self.clean),
            (test.features.view(), labels(&test.labels)),
            self.classes,
        )
    }

    fn memorized_fraction(
        &self,
    ) -> Result<Option<memdil_metrics::MemorizedFraction>, MetricsError> {
        memdil_metrics::memorized_fraction(self.logits.view(), &self.given, &self.clean)
    }

    /// Mean distance between the class means of the uncorrupted samples.
    fn separation(&self) -> Result<f64, MetricsError> {
        let means = memdil_metrics::uncorrupted_class_means(
            self.features.view(),
            &self.given_true(),
            &self.clean,
            self.classes,
        )?;
        memdil_metrics::separation(means.means.view())
    }
}

fn measure_test(
    test: &SnapshotPart,
    classes: usize,
    loss: &Loss,
    keep: &mut Keep<'_>,
) -> Result<TestRecord, RunnerError> {
    let (h, y) = (test.features.view(), labels(&test.labels));
    let logits = fold(test.logits.view(), classes);
    let dilation = keep.value("test.dilation", memdil_metrics::dilation(h, y, classes));
    let rho_nc1 = dilation.filter(|_| classes == 2);
    let right: Vec<usize> = memdil_metrics::correct(logits.view(), y)?;
    let (right_h, right_y) = (
        h.select(Axis(0), &right),
        right.iter().map(|&i| y[i]).collect::<Vec<u32>>(),
    );
    Ok(TestRecord {
        loss: loss.value(logits.mapv(f64::from).view(), y)?,
        accuracy: memdil_metrics::accuracy(logits.view(), y)?,
        ece: keep.value("test.ece", memdil_metrics::ece(logits.view(), y)),
        dilation,
        rho: keep.value("test.rho", memdil_metrics::rho(h, y, classes)),
        rho_nc1: rho_nc1
            .and_then(|d| keep.value("test.rho_nc1", memdil_metrics::rho_nc1(d, h.ncols()))),
        radius: keep.value("test.radius", memdil_metrics::radius(h, y, classes)),
        separation: keep.value(
            "test.separation",
            memdil_metrics::class_means(h, y, classes)
                .and_then(|m| memdil_metrics::separation(m.means.view())),
        ),
        dilation_correct: keep.value(
            "test.dilation_correct",
            memdil_metrics::dilation(right_h.view(), &right_y, classes),
        ),
        rho_correct: keep.value(
            "test.rho_correct",
            memdil_metrics::rho(right_h.view(), &right_y, classes),
        ),
    })
}

/// Logits of the true classes: the probability of class k is that of k and of its latent class K +
/// k together.
fn fold(logits: ArrayView2<'_, f32>, classes: usize) -> CowArray<'_, f32, Ix2> {
    if logits.ncols() == classes {
        return logits.into();
    }
    let mut folded = logits.slice(s![.., ..classes]).to_owned();
    for latent in logits
        .slice(s![.., classes..])
        .axis_chunks_iter(Axis(1), classes)
    {
        folded.zip_mut_with(&latent, |a, &b| {
            *a = a.max(b) + (-(*a - b).abs()).exp().ln_1p()
        });
    }
    folded.into()
}

/// Collects values, and the reasons of those that are not defined.
struct Keep<'a> {
    undefined: &'a mut std::collections::BTreeMap<String, String>,
}

impl Keep<'_> {
    fn value<T>(&mut self, name: &str, result: Result<T, MetricsError>) -> Option<T> {
        result
            .map_err(|reason| self.undefined.insert(name.to_owned(), reason.to_string()))
            .ok()
    }
}

fn labels(array: &Array1<u32>) -> &[u32] {
    array.as_slice().unwrap_or_default()
}

/// Features and logits, chunk by chunk straight into their place.
fn evaluate<'a>(
    network: &mut Network,
    (data, part): (&Prepared, Part),
    chunks: impl Iterator<Item = &'a [usize]>,
    labels: Array1<u32>,
    clean_labels: Array1<u32>,
) -> Result<SnapshotPart, RunnerError> {
    let n = labels.len();
    let (mut features, mut logits) = (Vec::new(), Vec::new());
    let mut batch = Vec::new();
    for chunk in chunks {
        let (h, z) = network.forward_samples(data, part, chunk, &mut batch)?;
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

/// The first rows, without the others' memory.
fn first_rows(array: Array2<f32>, n: usize) -> Result<Array2<f32>, RunnerError> {
    let columns = array.ncols();
    let (mut values, _) = array.into_raw_vec_and_offset();
    values.truncate(n * columns);
    values.shrink_to_fit();
    rows(values, n)
}

#[cfg(test)]
#[allow(clippy::float_cmp, clippy::unwrap_used)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn latent_labels_are_the_corrupted_ones() {
        // Class 0 at 0, class 1 at 10. The second sample has a latent label, which the network has
        // learnt, and lies 3 away; the last was moved to another class and is left out.
        let features = array![[0.0_f32], [3.0], [10.0], [4.0]];
        let logits = array![
            [9.0_f32, 0.0, 0.0, 0.0],
            [0.0, 0.0, 9.0, 0.0],
            [0.0, 9.0, 0.0, 0.0],
            [9.0, 0.0, 0.0, 0.0],
        ];
        let (given, clean) = ([0, 2, 1, 0], [0, 0, 1, 1]);
        let latent = Corruption::new(features.view(), logits.view(), (&given, &clean), 2);
        let memorization = latent.memorization().unwrap();
        assert_eq!((memorization.sum, memorization.counts), (3.0, vec![1, 0]));
        let fraction = latent.memorized_fraction().unwrap().unwrap();
        assert_eq!((fraction.as_given, fraction.as_clean), (1.0, 0.0));
        assert_eq!(latent.separation().unwrap(), 10.0);
        let test = SnapshotPart {
            features: array![[1.0_f32], [10.0]],
            logits: array![[1.0_f32, 0.0], [0.0, 1.0]],
            labels: array![0, 1],
            clean_labels: array![0, 1],
        };
        assert_eq!(latent.memorization_test(&test).unwrap().sum, 2.0);

        // Without latent classes every wrong label counts.
        let (two, given) = (logits.slice(s![.., ..2]), [0, 1, 1, 0]);
        let noisy = Corruption::new(features.view(), two, (&given, &clean), 2);
        assert_eq!(noisy.memorization().unwrap().counts, [1, 1]);
    }
}
