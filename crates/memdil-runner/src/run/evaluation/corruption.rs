//! Metrics of the samples with corrupted labels.

use memdil_metrics::{MetricsError, uncorrupted_class_means};
use memdil_records::SnapshotPart;
use ndarray::{Array1, ArrayView2, Axis, CowArray, Ix2};

/// Training samples with their given and clean labels.
///
/// With latent classes, as in the authors' experiment, the corrupted samples are those with a
/// latent label. Samples whose label was moved to another class without becoming latent are
/// excluded.
pub(crate) struct Corruption<'a> {
    features: CowArray<'a, f32, Ix2>,
    logits: CowArray<'a, f32, Ix2>,
    /// The given labels, including latent ones.
    given: Vec<u32>,
    clean: Vec<u32>,
    classes: usize,
}

impl<'a> Corruption<'a> {
    pub(crate) fn new(
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
        let kept = kept_with_latent(given, clean, classes);
        let pick = |labels: &[u32]| kept.iter().map(|&i| labels[i]).collect();
        Self {
            features: features.select(Axis(0), &kept).into(),
            logits: logits.select(Axis(0), &kept).into(),
            given: pick(given),
            clean: pick(clean),
            classes,
        }
    }

    fn given_true(&self) -> Vec<u32> {
        given_true(&self.given, &self.clean, self.classes)
    }

    pub(crate) fn memorization(&self) -> Result<memdil_metrics::Memorization, MetricsError> {
        let given = self.given_true();
        memdil_metrics::memorization(self.features.view(), &given, &self.clean, self.classes)
    }

    pub(crate) fn memorization_test(
        &self,
        test: &SnapshotPart,
    ) -> Result<memdil_metrics::Memorization, MetricsError> {
        let given = self.given_true();
        let train = (
            self.features.view(),
            given.as_slice(),
            self.clean.as_slice(),
        );
        let test = (test.features.view(), labels(&test.labels));
        memdil_metrics::memorization_test(train, test, self.classes)
    }

    pub(crate) fn memorized_fraction(
        &self,
    ) -> Result<Option<memdil_metrics::MemorizedFraction>, MetricsError> {
        memdil_metrics::memorized_fraction(self.logits.view(), &self.given, &self.clean)
    }

    /// Mean distance between the class means of the uncorrupted samples.
    pub(crate) fn separation(&self) -> Result<f64, MetricsError> {
        let (h, given) = (self.features.view(), self.given_true());
        let means = uncorrupted_class_means(h, &given, &self.clean, self.classes)?;
        memdil_metrics::separation(means.means.view())
    }
}

/// With latent classes, the samples that are not excluded.
pub(super) fn kept_with_latent(given: &[u32], clean: &[u32], classes: usize) -> Vec<usize> {
    (0..given.len())
        .filter(|&i| given[i] == clean[i] || given[i] >= classes as u32)
        .collect()
}

/// The given labels, with latent labels replaced by some wrong true class. Distances depend only on
/// which samples are corrupted.
pub(super) fn given_true(given: &[u32], clean: &[u32], classes: usize) -> Vec<u32> {
    let k = classes as u32;
    let pairs = given.iter().zip(clean);
    pairs
        .map(|(&given, &clean)| if given < k { given } else { (clean + 1) % k })
        .collect()
}

pub(crate) fn labels(array: &Array1<u32>) -> &[u32] {
    array.as_slice().unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::float_cmp, clippy::unwrap_used)]
mod tests {
    use ndarray::{array, s};

    use super::*;

    #[test]
    fn samples_with_latent_labels_are_corrupted() {
        // Class 0 is at 0, class 1 at 10. The second sample has a latent label, which the
        // network predicts, at the distance 3. The last label was moved to another class, so
        // its sample is excluded.
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
