//! The metrics of an epoch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::layer::{LayerRecord, last_over_first, memorization_depth};
use super::samples::SampleScore;

/// The metrics of an epoch. Training-set metrics are computed in evaluation mode on the samples
/// trained on, with the labels trained on. Their names are those of the metrics chapter of the
/// book.
///
/// A metric that is not defined (for example because two class means coincide) is omitted, and
/// `undefined` has the reason.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Epoch, counted from one.
    pub epoch: usize,
    /// Learning rate during the epoch.
    pub learning_rate: f64,
    /// Mean training loss over the batches of the epoch, computed while the parameters change.
    pub loss: f64,
    /// Share of training samples predicted as their given label.
    pub accuracy: Option<f64>,
    /// NC1 of the training features with the given labels.
    pub nc1: Option<f64>,
    /// `nc1` over all noisy samples including those held out for validation, as in the authors'
    /// code; omitted if no samples are held out.
    pub nc1_all: Option<f64>,
    /// Distance of W Wᵀ from a simplex equiangular tight frame.
    pub nc2_etf: Option<f64>,
    /// The mean `nc2_etf` of classifiers of the same shape with independent normal entries.
    pub nc2_etf_random: Option<f64>,
    /// Distance of the Gram matrix of the uncentred class means from a multiple of the identity, to
    /// which non-negative features should converge.
    pub nc2_orthogonal: Option<f64>,
    /// The mean `nc2_orthogonal` of class means whose entries are absolute values of independent
    /// normal variables.
    pub nc2_orthogonal_random: Option<f64>,
    /// Distance of W Mᵀ from a simplex equiangular tight frame.
    pub nc3: Option<f64>,
    /// The mean `nc3` of classifiers of the same shape with independent normal entries, with the
    /// class means of this epoch.
    pub nc3_random: Option<f64>,
    /// Share of training samples for which the nearest class mean and the network predict the same
    /// class.
    pub nc4: Option<f64>,
    /// Mean angle in degrees between the classifier rows of the minority classes. This and the next
    /// number are omitted unless `data.imbalance` leaves at least two minority classes.
    pub minority_angle: Option<f64>,
    /// Mean number of training samples per minority class.
    pub minority_samples: Option<f64>,
    /// Norm of the logits at the global feature mean.
    pub bias_collapse: Option<f64>,
    /// Expected calibration error on the training set with the given labels, 15 bins.
    pub ece: Option<f64>,
    /// Sum over the corrupted training samples of the distance to the clean mean of their true
    /// class.
    pub memorization_sum: Option<f64>,
    /// `memorization_sum` divided by the number of corrupted samples; omitted if no sample is
    /// corrupted.
    pub memorization_mean: Option<f64>,
    /// `memorization_sum` per true class.
    pub memorization_per_class: Option<Vec<f64>>,
    /// `memorization_mean` over the same samples as `nc1_all`.
    pub memorization_mean_all: Option<f64>,
    /// The mean distance of the corrupted training samples to the mean of the test features of
    /// their true class; omitted if no sample is corrupted.
    pub memorization_test_mean: Option<f64>,
    /// Share of the corrupted training samples predicted as their given, wrong label.
    pub memorized_as_given: Option<f64>,
    /// Share of the corrupted training samples predicted as their true label.
    pub memorized_as_clean: Option<f64>,
    /// Share of the corrupted training samples predicted as a third label.
    pub memorized_as_other: Option<f64>,
    /// Mean distance between the class means of the uncorrupted training samples.
    pub separation: Option<f64>,
    /// Accuracy on the held-out noisy samples; omitted if no samples are held out.
    pub validation_accuracy: Option<f64>,
    /// Norm of the gradient of the training objective (the loss over all samples trained on, and the
    /// penalties) with respect to all parameters; omitted unless it was measured.
    pub gradient_norm: Option<f64>,
    /// `gradient_norm` divided by the norm of the gradient of the weight decay of the classifier's
    /// weights; omitted if that is zero.
    pub gradient_over_decay: Option<f64>,
    /// Metrics of the layers, from the input to the last layer; omitted unless the layers were
    /// measured.
    pub layers: Option<Vec<LayerRecord>>,
    /// `test_dilation` of the last layer divided by that of the first layer.
    pub layers_dilation_ratio: Option<f64>,
    /// `memorization_over_separation` of the last layer divided by that of the first layer.
    pub layers_memorization_ratio: Option<f64>,
    /// Relative depth i / L of the first of the layers i = 1, ..., L from which up to the last layer
    /// more corrupted training samples are nearest to the mean of their given class than to that of
    /// their clean class; omitted if this does not hold at the last layer.
    pub layers_memorization_depth: Option<f64>,
    /// Metrics on the test set; omitted in epochs without evaluation.
    pub test: Option<TestRecord>,
    /// How well scores of the training samples separate the corrupted from the uncorrupted samples;
    /// omitted unless there are samples of both kinds.
    pub ranking: Option<RankingRecord>,
    /// The reasons of undefined metrics, by the name of the metric.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub undefined: BTreeMap<String, String>,
    /// Wall-clock seconds of the epoch: the one value that differs between two identical runs.
    pub seconds: f64,
}

impl EpochRecord {
    /// Stores the metrics of the layers, from the input to the last layer, and the numbers that are
    /// derived from them.
    pub fn set_layers(&mut self, layers: Vec<LayerRecord>) {
        self.layers_dilation_ratio = last_over_first(&layers, |layer| layer.test_dilation);
        self.layers_memorization_ratio =
            last_over_first(&layers, |layer| layer.memorization_over_separation);
        self.layers_memorization_depth = memorization_depth(&layers);
        self.layers = Some(layers);
    }
}

/// Metrics on the test set, whose labels are clean.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestRecord {
    /// Mean loss with the clean labels.
    pub loss: f64,
    /// Share of correctly classified samples.
    pub accuracy: f64,
    /// Expected calibration error, 15 bins.
    pub ece: Option<f64>,
    /// Dilation: NC1 of the test features.
    pub dilation: Option<f64>,
    /// Root mean squared distance to the class mean over the mean distance between class means.
    pub rho: Option<f64>,
    /// Rho derived from the dilation, which ignores spread orthogonal to the direction between the
    /// class means; two classes only.
    pub rho_nc1: Option<f64>,
    /// Root mean squared distance to the class mean.
    pub radius: Option<f64>,
    /// Mean distance between class means.
    pub separation: Option<f64>,
    /// Dilation of the correctly classified samples, around their own class means.
    pub dilation_correct: Option<f64>,
    /// Rho of the correctly classified samples, around their own class means.
    pub rho_correct: Option<f64>,
}

/// How well each [`SampleScore`](crate::SampleScore) of the training samples separates corrupted
/// from uncorrupted samples. The scores over epochs are those of the epochs so far.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RankingRecord {
    /// [`SampleScore::MeanLoss`](crate::SampleScore::MeanLoss)
    pub mean_loss: Option<Ranking>,
    /// [`SampleScore::MeanMargin`](crate::SampleScore::MeanMargin)
    pub mean_margin: Option<Ranking>,
    /// [`SampleScore::ForgettingEvents`](crate::SampleScore::ForgettingEvents)
    pub forgetting_events: Option<Ranking>,
    /// [`SampleScore::GivenSince`](crate::SampleScore::GivenSince)
    pub given_since: Option<Ranking>,
    /// [`SampleScore::DistanceGiven`](crate::SampleScore::DistanceGiven)
    pub distance_given: Option<Ranking>,
    /// [`SampleScore::AlignmentGiven`](crate::SampleScore::AlignmentGiven)
    pub alignment_given: Option<Ranking>,
}

impl RankingRecord {
    /// The quality of a score; `None` if it is undefined.
    pub fn of(&self, score: SampleScore) -> Option<Ranking> {
        match score {
            SampleScore::MeanLoss => self.mean_loss,
            SampleScore::MeanMargin => self.mean_margin,
            SampleScore::ForgettingEvents => self.forgetting_events,
            SampleScore::GivenSince => self.given_since,
            SampleScore::DistanceGiven => self.distance_given,
            SampleScore::AlignmentGiven => self.alignment_given,
        }
    }
}

/// The quality of a score as a detector of corrupted samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranking {
    /// Area under the receiver operating characteristic: the probability that a random corrupted
    /// sample has a larger score than a random uncorrupted one, where ties count one half.
    pub auroc: f64,
    /// Average precision: the mean precision over the corrupted samples in the order of the score.
    pub average_precision: f64,
}
