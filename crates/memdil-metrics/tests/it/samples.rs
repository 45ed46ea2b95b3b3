//! Scores per sample and their ranking, compared with their definitions.

use memdil_metrics::{
    MetricsError, class_means, head_scores, logit_scores, memorization, nll, ranking,
    sample_geometry, uncorrupted_class_means,
};
use ndarray::{Array1, Array2, ArrayView1, Axis, array};
use proptest::prelude::*;

use crate::common::{Random, assert_close, clusters};

/// Clean labels for observed labels; the first sample of each class is not corrupted.
fn clean_labels(observed: &[u32], classes: usize, random: &mut Random) -> Vec<u32> {
    let corrupt = |(row, &label): (usize, &u32)| {
        let first = !observed[..row].contains(&label);
        if first || random.uniform() < 0.6 {
            label
        } else {
            random.below(classes) as u32
        }
    };
    observed.iter().enumerate().map(corrupt).collect()
}

/// AUROC as the count over all pairs.
fn auroc_naive(scores: &[f64], positives: &[bool]) -> f64 {
    let (mut sum, mut pairs) = (0.0, 0.0);
    for (score, _) in scores
        .iter()
        .zip(positives)
        .filter(|(_, positive)| **positive)
    {
        for (other, _) in scores
            .iter()
            .zip(positives)
            .filter(|(_, positive)| !**positive)
        {
            sum += if score > other { 1.0 } else { 0.0 } + if score == other { 0.5 } else { 0.0 };
            pairs += 1.0;
        }
    }
    sum / pairs
}

/// Average precision as the sum over all distinct thresholds.
fn average_precision_naive(scores: &[f64], positives: &[bool]) -> f64 {
    let mut thresholds = scores.to_vec();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    let count = |threshold: f64, wanted: bool| {
        let samples = scores.iter().zip(positives);
        samples
            .filter(|&(&score, &p)| score >= threshold && (p || !wanted))
            .count() as f64
    };
    let all = positives.iter().filter(|positive| **positive).count() as f64;
    let (mut sum, mut last) = (0.0, 0.0);
    for threshold in thresholds {
        let (found, selected) = (count(threshold, true), count(threshold, false));
        sum += (found / all - last) * (found / selected);
        last = found / all;
    }
    sum
}

fn cosine(a: &Array1<f64>, b: &Array1<f64>) -> f64 {
    a.dot(b) / (a.dot(a) * b.dot(b)).sqrt()
}

fn distance(a: ArrayView1<f64>, b: ArrayView1<f64>) -> f64 {
    (&a - &b).mapv(|x| x * x).sum().sqrt()
}

proptest! {
    #[test]
    fn ranking_equals_its_definition(seed: u64, samples in 2_usize..80, levels in 1_usize..12) {
        let mut random = Random(seed);
        // Few levels give many ties.
        let scores: Vec<f64> = (0..samples).map(|_| random.below(levels) as f64 / 3.0 - 1.0).collect();
        let mut positives: Vec<bool> = (0..samples).map(|_| random.uniform() < 0.3).collect();
        (positives[0], positives[1]) = (true, false);
        let found = ranking(&scores, &positives).unwrap().unwrap();
        prop_assert_eq!(found.auroc, auroc_naive(&scores, &positives));
        let expected = average_precision_naive(&scores, &positives);
        assert_close(found.average_precision, expected, 1e-12);

        // Order of the samples is irrelevant, and negated scores reverse the ranking.
        let order = random.permutation(samples);
        let moved: Vec<f64> = order.iter().map(|&row| scores[row]).collect();
        let marks: Vec<bool> = order.iter().map(|&row| positives[row]).collect();
        prop_assert_eq!(ranking(&moved, &marks).unwrap().unwrap(), found);
        let negated: Vec<f64> = scores.iter().map(|score| -score).collect();
        let reversed = ranking(&negated, &positives).unwrap().unwrap();
        prop_assert!((reversed.auroc + found.auroc - 1.0).abs() < 1e-15);
    }

    #[test]
    fn sample_geometry_equals_its_definition(
        seed: u64, classes in 2_usize..7, dim in 1_usize..20, noise in 1e-3..3.0_f64,
    ) {
        let (features, observed) = clusters(seed, classes, dim, noise);
        let clean = clean_labels(&observed, classes, &mut Random(!seed));
        let found = sample_geometry(features.view(), &observed, Some(&clean), classes).unwrap();
        let of_clean = found.clean.unwrap().unwrap();
        let given_means = class_means(features.view(), &observed, classes).unwrap();
        let clean_means = uncorrupted_class_means(features.view(), &observed, &clean, classes).unwrap();
        let global = features.mean_axis(Axis(0)).unwrap();
        for (found, labels, means) in [
            (&found.given, &observed, &given_means.means),
            (&of_clean, &clean, &clean_means.means),
        ] {
            let alignments = found.alignments.as_ref().unwrap();
            for (row, &label) in labels.iter().enumerate() {
                let (sample, mean) = (features.row(row), means.row(label as usize));
                let expected = distance(sample, mean);
                prop_assert!((found.distances[row] - expected).abs() < 1e-12 * (1.0 + expected));
                let expected = cosine(&(&sample - &global), &(&mean - &global));
                prop_assert!((alignments[row] - expected).abs() < 1e-9);
            }
        }

        // The distances of the corrupted samples are the memorization.
        let corrupted = (0..observed.len()).filter(|&row| observed[row] != clean[row]);
        let sum: f64 = corrupted.map(|row| of_clean.distances[row]).sum();
        let expected = memorization(features.view(), &observed, &clean, classes).unwrap();
        assert_close(sum, expected.sum, 1e-12);

        let single = features.mapv(|value| value as f32);
        let single = sample_geometry(single.view(), &observed, Some(&clean), classes).unwrap();
        for (found, expected) in single.given.distances.iter().zip(&found.given.distances) {
            prop_assert!((found - expected).abs() < 1e-5);
        }
    }

    /// A latent label is a number beyond the classes, so the clean means do not depend on it.
    #[test]
    fn latent_labels_change_only_the_given_means(seed: u64, classes in 2_usize..6) {
        let (features, observed) = clusters(seed, classes, 5, 0.5);
        let clean = clean_labels(&observed, classes, &mut Random(!seed));
        let latent: Vec<u32> = observed.iter().zip(&clean).map(|(&given, &clean)| {
            if given == clean { given } else { given + classes as u32 }
        }).collect();
        let plain = sample_geometry(features.view(), &observed, Some(&clean), classes).unwrap();
        let found = sample_geometry(features.view(), &latent, Some(&clean), 2 * classes).unwrap();
        let (found_clean, plain) = (found.clean.unwrap().unwrap(), plain.clean.unwrap().unwrap());
        for (found, expected) in found_clean.distances.iter().zip(&plain.distances) {
            prop_assert!((found - expected).abs() < 1e-12);
        }
        let alone = class_means(features.view(), &latent, 2 * classes);
        if let Ok(means) = alone {
            let expected = distance(features.row(0), means.means.row(latent[0] as usize));
            prop_assert!((found.given.distances[0] - expected).abs() < 1e-12);
        }
    }
}

#[test]
fn undefined_alignments_do_not_affect_the_distances() {
    // The mean of class 1 equals the mean of all samples.
    let features = array![[-4.0], [0.0], [-1.0], [1.0], [4.0], [0.0]];
    let (labels, clean) = ([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2]);
    let found = sample_geometry(features.view(), &labels, Some(&clean), 3).unwrap();
    assert_eq!(found.given.distances, [2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
    let error = MetricsError::MeanAtCentre { class: 1 };
    assert_eq!(found.given.alignments, Err(error.clone()));
    let of_clean = found.clean.unwrap().unwrap();
    assert_eq!(of_clean.alignments, Err(error));
    assert_eq!(of_clean.distances, found.given.distances);
}

#[test]
fn a_clean_class_without_uncorrupted_samples_is_an_error() {
    let features = array![[0.0], [2.0], [9.0]];
    let found = sample_geometry(features.view(), &[0, 0, 1], Some(&[0, 1, 0]), 2).unwrap();
    let error = MetricsError::NoCleanSample { class: 1 };
    assert_eq!(found.clean, Some(Err(error)));
    assert_eq!(found.given.distances, [1.0, 1.0, 0.0]);
}

#[test]
fn samples_far_from_the_origin_keep_their_precision() {
    let features = Array2::from_shape_fn((8, 3), |(i, j)| {
        f64::from(u8::try_from(i / 4 * 2 + (i + j) % 2).unwrap())
    });
    let labels = [0, 0, 0, 0, 1, 1, 1, 1];
    let near = sample_geometry(features.view(), &labels, None, 2).unwrap();
    let moved = &features + f64::from(1 << 30);
    let far = sample_geometry(moved.view(), &labels, None, 2).unwrap();
    for (found, expected) in far.given.distances.iter().zip(&near.given.distances) {
        assert_close(*found, *expected, 1e-6);
    }
    let alignments = near.given.alignments.unwrap();
    for (found, expected) in far.given.alignments.unwrap().iter().zip(&alignments) {
        assert!((found - expected).abs() < 1e-6);
    }
}

#[test]
fn invalid_samples_are_errors() {
    let features = array![[0.0], [f64::INFINITY]];
    let found = sample_geometry(features.view(), &[0, 1], None, 2);
    assert_eq!(
        found.unwrap_err().to_string(),
        "features: row 1 holds a NaN or an infinity"
    );
    let features = array![[0.0], [1.0]];
    let found = sample_geometry(features.view(), &[0, 1], Some(&[0]), 2);
    assert_eq!(
        found.unwrap_err().to_string(),
        "clean_labels has 1 entries, but features needs 2"
    );
    // Squares of distances within the classes are finite, but not those between them.
    let features = array![[0.0], [1e200], [1e200]];
    let found = sample_geometry(features.view(), &[0, 1, 1], Some(&[0, 1, 0]), 2).unwrap();
    assert_eq!(found.given.distances, [0.0; 3]);
    let overflow = |quantity| MetricsError::Overflow { quantity };
    let error = overflow("the alignment with a class mean");
    assert_eq!(found.given.alignments, Err(error));
    let error = overflow("the distance from the clean mean");
    assert_eq!(found.clean, Some(Err(error)));
}

#[test]
fn losses_and_margins_of_both_interfaces_agree() {
    let (features, labels) = clusters(3, 5, 17, 2.0);
    let mut random = Random(4);
    let (classifier, bias) = (
        random.matrix(5, 17),
        random.matrix(1, 5).remove_axis(Axis(0)),
    );
    let logits = features.dot(&classifier.t()) + &bias;
    let found = logit_scores(logits.view(), &labels).unwrap();
    let head = (classifier.view(), bias.view());
    let of_head = head_scores(features.view(), &labels, head).unwrap();
    for (row, &label) in labels.iter().enumerate() {
        let softmax = logits.row(row).mapv(f64::exp);
        let expected = -(softmax[label as usize] / softmax.sum()).ln();
        assert!((found.losses[row] - expected).abs() < 1e-9 * (1.0 + expected));
        let mut others = logits.row(row).to_vec();
        let own = others.swap_remove(label as usize);
        let largest = others.into_iter().fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(found.margins[row], own - largest);
        assert!((of_head.margins[row] - found.margins[row]).abs() < 1e-9);
        assert!((of_head.losses[row] - found.losses[row]).abs() < 1e-9);
    }
    let mean = found.losses.iter().sum::<f64>() / labels.len() as f64;
    assert_close(mean, nll(logits.view(), &labels).unwrap(), 1e-12);
}
