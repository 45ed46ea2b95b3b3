use memdil_data::LabelNoise;

use super::*;

/// Six labels of three classes; `pair` noise moves each to the next class.
fn labels() -> NoisyLabels {
    let noise = LabelNoise::Pair {
        eta: 0.5,
        exact_count: true,
    };
    noise.inject(&[0, 1, 2, 0, 1, 2], 3, 4).unwrap()
}

/// The cross-entropy of a label without the tricks of the implementation.
fn cross_entropy(logits: [f64; 3], label: usize) -> f64 {
    let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
    -(logits[label].exp() / sum).ln()
}

/// Three epochs of a corrupted and an uncorrupted sample, calculated by hand. The corrupted one is
/// predicted as clean, as given, then as a third class; the other one always as given.
#[test]
fn three_epochs_agree_with_hand_calculation() {
    let labels = labels();
    let corrupted = (0..6).find(|&i| labels.mask()[i]).unwrap();
    let other = (0..6).find(|&i| !labels.mask()[i]).unwrap();
    let (clean, given) = (
        labels.clean()[corrupted] as usize,
        labels.observed()[corrupted] as usize,
    );
    let third = 3 - clean - given;
    let logits = |class: usize, value: f64| {
        let mut logits = [0.0; 3];
        logits[class] = value;
        logits
    };
    let own = labels.clean()[other] as usize;
    let epochs = [
        [logits(clean, 2.0), logits(own, 1.0)],
        [logits(given, 3.0), logits(own, 2.0)],
        [logits(third, 0.5), logits(own, 4.0)],
    ];
    let mut scores = TrainingScores::new(6);
    for (epoch, [first, second]) in (1..).zip(epochs) {
        let flat = |logits: [f64; 3]| logits.map(|logit| logit as f32);
        // The order of the samples differs between epochs.
        let (indices, rows) = match epoch {
            2 => ([other, corrupted], [flat(second), flat(first)]),
            _ => ([corrupted, other], [flat(first), flat(second)]),
        };
        scores.add(epoch, &indices, &rows.concat(), &labels);
    }
    let found = scores.of(&[corrupted, other], 3, &labels);
    let mean = |values: [f64; 3]| values.iter().sum::<f64>() / 3.0;
    let expected = [
        mean(epochs.map(|[first, _]| cross_entropy(first, given))),
        mean(epochs.map(|[_, second]| cross_entropy(second, own))),
    ];
    for (found, expected) in found.mean_loss.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-15, "{found} {expected}");
    }
    assert_eq!(
        found.mean_margin.to_vec(),
        [(-2.0 + 3.0 - 0.5) / 3.0, 7.0 / 3.0]
    );
    assert_eq!(found.forgetting_events.to_vec(), [1, 0]);
    assert_eq!(found.learned.to_vec(), [true, true]);
    assert_eq!(found.given_since.to_vec(), [0, 1]);
    assert_eq!(found.clean_since.to_vec(), [0, 1]);
    assert_eq!(found.index.to_vec(), [corrupted as u64, other as u64]);
    assert_eq!(found.epochs, 3);
}

#[test]
fn sequences_of_epochs_start_again() {
    let labels = labels();
    let other = (0..6).find(|&i| !labels.mask()[i]).unwrap();
    let own = labels.clean()[other] as usize;
    let mut scores = TrainingScores::new(6);
    for (epoch, hit) in [false, true, true, false, true, true]
        .into_iter()
        .enumerate()
    {
        let mut logits = [0.0; 3];
        logits[if hit { own } else { (own + 1) % 3 }] = 1.0;
        scores.add(epoch + 1, &[other], &logits, &labels);
    }
    let found = scores.of(&[other], 6, &labels);
    assert_eq!((found.given_since[0], found.forgetting_events[0]), (5, 1));
    assert_eq!(found.clean_since[0], 5);
}

/// Class K + k counts as k for the clean label, but not for the given label.
#[test]
fn latent_predictions_agree_with_the_clean_label() {
    let noise = LabelNoise::LatentClass {
        eta: 0.0,
        split: 1.0,
        exact_count: false,
    };
    let labels = noise.inject(&[0, 1], 2, 1).unwrap();
    assert_eq!(labels.observed(), [2, 3]);
    let mut scores = TrainingScores::new(2);
    scores.add(1, &[0, 1], &[0., 0., 9., 0., 0., 9., 0., 0.], &labels);
    let found = scores.of(&[0, 1], 1, &labels);
    assert_eq!(found.given_since.to_vec(), [1, 0]);
    assert_eq!(found.clean_since.to_vec(), [1, 1]);
}

#[test]
fn large_logits_have_finite_losses() {
    let (loss, margin) = loss_and_margin(&[-3e38, 3e38], 0);
    assert!((loss - 6e38).abs() < 1e32, "{loss}");
    assert!((margin + 6e38).abs() < 1e32, "{margin}");
    let (loss, _) = loss_and_margin(&[50.0, 0.0], 0);
    assert!((loss / (-50.0_f64).exp() - 1.0).abs() < 1e-12, "{loss}");
}
