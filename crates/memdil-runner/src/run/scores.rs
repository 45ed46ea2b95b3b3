//! Scores of the training samples over the epochs, from the logits of the training steps.

use memdil_data::NoisyLabels;
use memdil_metrics::loss_and_margin;
use memdil_records::SampleScores;
use serde::{Deserialize, Serialize};

/// The scores of all training images over the epochs so far, from which [`SampleScores`] are
/// computed. They need 29 bytes per image; those of images that are not trained on remain zero.
///
/// ```
/// use memdil_data::LabelNoise;
/// use memdil_runner::TrainingScores;
///
/// let noise = LabelNoise::Symmetric { eta: 0.0, exact_count: false };
/// let labels = noise.inject(&[0, 1], 2, 1)?;
/// let mut scores = TrainingScores::new(2);
/// scores.add(1, &[1, 0], &[0.0, 3.0, 1.0, 2.0], &labels); // sample 1, then sample 0
/// let found = scores.of(&[0, 1], 1, &labels);
/// assert_eq!(found.mean_margin.to_vec(), [-1.0, 3.0]);
/// assert_eq!(found.given_since.to_vec(), [0, 1]);
/// # Ok::<(), memdil_data::DataError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingScores {
    /// Sum over epochs of the cross-entropy of the given label.
    loss: Vec<f64>,
    /// Sum over epochs of the logit of the given label minus the largest other logit.
    margin: Vec<f64>,
    forgetting_events: Vec<u32>,
    /// Whether the image was predicted as its given label in some epoch.
    learned: Vec<bool>,
    /// The first epoch of the current sequence of epochs in which the image is predicted as its
    /// given label; 0 if it was not in the last one.
    given_since: Vec<u32>,
    /// Like `given_since`, for the clean label.
    clean_since: Vec<u32>,
}

impl TrainingScores {
    /// The scores of `images` images before the first epoch.
    pub fn new(images: usize) -> Self {
        Self {
            loss: vec![0.0; images],
            margin: vec![0.0; images],
            forgetting_events: vec![0; images],
            learned: vec![false; images],
            given_since: vec![0; images],
            clean_since: vec![0; images],
        }
    }

    /// Whether there is one entry per image in every array.
    pub(crate) fn fits(&self, images: usize) -> bool {
        let integers = [
            &self.forgetting_events,
            &self.given_since,
            &self.clean_since,
        ];
        self.loss.len() == images
            && self.margin.len() == images
            && self.learned.len() == images
            && integers.iter().all(|array| array.len() == images)
    }

    /// Adds the logits of a training step in an epoch, counted from one. With latent classes, a
    /// prediction of class $K + k$ agrees with the clean label $k$.
    ///
    /// # Shapes
    ///
    /// `indices` (n) of the samples in the training set, `logits` (n, classes) row-major.
    pub fn add(&mut self, epoch: usize, indices: &[usize], logits: &[f32], labels: &NoisyLabels) {
        let epoch = u32::try_from(epoch).unwrap_or(u32::MAX);
        let logits: Vec<f64> = logits.iter().copied().map(f64::from).collect();
        let rows = logits.chunks_exact(labels.observed_classes());
        for (&i, row) in indices.iter().zip(rows) {
            let given = labels.observed()[i] as usize;
            let (loss, margin) = loss_and_margin(row, given);
            self.loss[i] += loss;
            self.margin[i] += margin;
            let predicted = argmax(row);
            let was_given = self.given_since[i] > 0;
            let is_given = predicted == given;
            self.learned[i] |= is_given;
            self.forgetting_events[i] += u32::from(was_given && !is_given);
            let is_clean = predicted % labels.classes() == labels.clean()[i] as usize;
            extend(&mut self.given_since[i], is_given, epoch);
            extend(&mut self.clean_since[i], is_clean, epoch);
        }
    }

    /// The scores of the images `train` after a number of epochs, without distances and alignments.
    pub fn of(&self, train: &[usize], epochs: usize, labels: &NoisyLabels) -> SampleScores {
        let mean = |sums: &[f64]| train.iter().map(|&i| sums[i] / epochs as f64).collect();
        let pick = |values: &[u32]| train.iter().map(|&i| values[i]).collect();
        SampleScores {
            epochs: epochs as u64,
            index: train.iter().map(|&i| i as u64).collect(),
            labels: pick(labels.observed()),
            clean_labels: pick(labels.clean()),
            mean_loss: mean(&self.loss),
            mean_margin: mean(&self.margin),
            forgetting_events: pick(&self.forgetting_events),
            learned: train.iter().map(|&i| self.learned[i]).collect(),
            given_since: pick(&self.given_since),
            clean_since: pick(&self.clean_since),
            distance_given: None,
            distance_clean: None,
            alignment_given: None,
            alignment_clean: None,
        }
    }
}

/// Continues a sequence of epochs in which something holds, or ends it.
fn extend(since: &mut u32, holds: bool, epoch: u32) {
    *since = match (holds, *since) {
        (false, _) => 0,
        (true, 0) => epoch,
        (true, since) => since,
    };
}

/// The class with the largest logit, the lowest one of several.
fn argmax(logits: &[f64]) -> usize {
    let mut best = 0;
    for (class, &logit) in logits.iter().enumerate() {
        if logit > logits[best] {
            best = class;
        }
    }
    best
}

#[cfg(test)]
mod tests;
