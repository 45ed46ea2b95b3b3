//! Distances and alignments per training sample, and how well each score detects corrupted labels.

use memdil_metrics::{SampleGeometry, ranking, sample_geometry};
use memdil_records::{Ranking, RankingRecord, SampleScore, SampleScores};
use ndarray::ArrayView2;

use crate::run::evaluation::collector::Collector;
use crate::run::evaluation::corruption::labels;

/// Adds distances and alignments to the scores of the samples, from their features. `classes` is
/// the number of given labels, latent ones included.
pub(super) fn add_geometry(
    scores: &mut SampleScores,
    features: ArrayView2<'_, f32>,
    classes: usize,
    collector: &mut Collector,
) {
    let names = [
        "samples.distance_given",
        "samples.alignment_given",
        "samples.distance_clean",
        "samples.alignment_clean",
    ];
    let (given, clean) = (labels(&scores.labels), labels(&scores.clean_labels));
    let found = sample_geometry(features, given, Some(clean), classes);
    let Some(SampleGeometry { given, clean, .. }) = collector.value_of(&names, found) else {
        return;
    };
    scores.distance_given = Some(given.distances.into());
    scores.alignment_given = collector.value(names[1], given.alignments).map(Into::into);
    let clean = clean.and_then(|clean| collector.value_of(&names[2..], clean));
    if let Some(clean) = clean {
        scores.distance_clean = Some(clean.distances.into());
        scores.alignment_clean = collector.value(names[3], clean.alignments).map(Into::into);
    }
}

/// Ranks the samples by each score. `None` unless some samples are corrupted and some are not.
pub(super) fn rank(
    scores: &SampleScores,
    classes: usize,
    collector: &mut Collector,
) -> Option<RankingRecord> {
    let corrupted = scores.corrupted(classes);
    if !(corrupted.contains(&true) && corrupted.contains(&false)) {
        return None;
    }
    let mut by = |score: SampleScore| {
        let found = ranking(&scores.suspicion(score)?, &corrupted);
        let found = collector.value(&format!("ranking.{}", score.name()), found)??;
        Some(Ranking {
            auroc: found.auroc,
            average_precision: found.average_precision,
        })
    };
    Some(RankingRecord {
        mean_loss: by(SampleScore::MeanLoss),
        mean_margin: by(SampleScore::MeanMargin),
        forgetting_events: by(SampleScore::ForgettingEvents),
        given_since: by(SampleScore::GivenSince),
        distance_given: by(SampleScore::DistanceGiven),
        alignment_given: by(SampleScore::AlignmentGiven),
    })
}
