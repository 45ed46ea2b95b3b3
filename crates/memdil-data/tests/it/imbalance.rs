//! Training sets with unequal classes.

use std::path::PathBuf;

use memdil_data::split::validation_split;
use memdil_data::{DataError, DataSpec, Imbalance, ImbalancedAway, LabelNoise, Source, load};
use ndarray::{Array1, Array3};
use ndarray_npy::NpzWriter;
use proptest::prelude::*;

fn embedded(settings: &str) -> Result<DataSpec, serde_json::Error> {
    serde_json::from_str(&format!(
        r#"{{"source": "fashion-mnist-embedded", {settings}}}"#
    ))
}

fn counts(labels: &[u32], classes: usize) -> Vec<usize> {
    let count = |k| labels.iter().filter(|&&label| label as usize == k).count();
    (0..classes).map(count).collect()
}

/// A file of 1 x 1 images whose pixel is their row, with these labels; the test set has four images
/// per class.
fn own_file(folder: &tempfile::TempDir, labels: &[u32], classes: u32) -> PathBuf {
    let path = folder.path().join("own.npz");
    let mut npz = NpzWriter::new(std::fs::File::create(&path).unwrap());
    let test: Vec<u32> = (0..4 * classes).map(|i| i % classes).collect();
    for (prefix, labels) in [("", labels), ("test_", &test)] {
        let images = Array3::from_shape_fn((labels.len(), 1, 1), |(i, ..)| i as f32);
        npz.add_array(format!("{prefix}images"), &images).unwrap();
        npz.add_array(format!("{prefix}labels"), &Array1::from(labels.to_vec()))
            .unwrap();
    }
    npz.finish().unwrap();
    path
}

proptest! {
    #[test]
    fn profiles_follow_their_definitions(
        ratio in 1.0..1000.0, n_max in 1_usize..10_000, classes in 2_usize..200, minority in 0.01..0.99,
    ) {
        let exponential = Imbalance::Exponential { ratio };
        let found = exponential.counts(n_max, classes);
        prop_assert_eq!(found.len(), classes);
        prop_assert_eq!(found[0], n_max);
        prop_assert!(found.is_sorted_by(|a, b| a >= b));
        for (k, &count) in found.iter().enumerate() {
            let exact = n_max as f64 / ratio.powf(k as f64 / (classes - 1) as f64);
            prop_assert!((count as f64 - exact).abs() <= 0.5 + 1e-9);
        }
        prop_assert_eq!(found[classes - 1], (n_max as f64 / ratio).round() as usize);
        let minority_classes = exponential.minority_classes(classes);
        prop_assert_eq!(minority_classes, (classes - classes / 2..classes).collect::<Vec<_>>());

        let step = Imbalance::Step { ratio, minority };
        let found = step.counts(n_max, classes);
        let of_minority = (minority * classes as f64).round() as usize;
        for (k, &count) in found.iter().enumerate() {
            let is_minority = k >= classes - of_minority;
            let expected = if is_minority { (n_max as f64 / ratio).round() as usize } else { n_max };
            prop_assert_eq!(count, expected);
            prop_assert_eq!(step.minority_classes(classes).contains(&k), is_minority);
        }
    }

    #[test]
    fn loaded_counts_are_exact_and_first_images_are_kept(
        ratio in 1.0..20.0, n_max in proptest::option::of(20_usize..60), step: bool, order in Just(vec![2, 0, 4, 1]).prop_shuffle(), seed: u64,
    ) {
        let labels: Vec<u32> = (0..400_u64).map(|i| ((i * i + i / 3 + seed % 7) % 5) as u32).collect();
        let folder = tempfile::tempdir().unwrap();
        let mut spec = DataSpec::new(Source::Npz(own_file(&folder, &labels, 5)));
        spec.classes = order.clone();
        let smallest = order.iter().map(|class| labels.iter().filter(|&label| label == class).count()).min().unwrap();
        spec.images_per_class = n_max.map(|n| n.min(smallest));
        let imbalance = if step { Imbalance::Step { ratio, minority: 0.5 } } else { Imbalance::Exponential { ratio } };
        spec.imbalance = Some(imbalance);
        let data = load(&spec, &[]).unwrap();
        let expected = imbalance.counts(spec.images_per_class.unwrap_or(smallest), 4);
        prop_assert_eq!(counts(&data.train.labels, 4), expected.clone());
        prop_assert_eq!(counts(&data.test.labels, 4), [4; 4]);
        for (k, &class) in order.iter().enumerate() {
            let rows = (0..400).filter(|&i| labels[i] == class).take(expected[k]);
            let kept = (0..data.train.labels.len()).filter(|&i| data.train.labels[i] as usize == k);
            let pixels = kept.map(|i| data.train.images.floats(i).unwrap()[0] as usize);
            prop_assert!(pixels.eq(rows));
        }
    }
}

#[cfg(feature = "embedded")]
#[test]
fn embedded_images_follow_the_profile_with_noise_and_validation() {
    let spec = embedded(r#""imbalance": {"kind": "exponential", "ratio": 100}, "validation": 0.2"#)
        .unwrap();
    let data = load(&spec, &[]).unwrap();
    let expected = [600, 360, 216, 129, 77, 46, 28, 17, 10, 6];
    assert_eq!(counts(&data.train.labels, 10), expected);
    assert_eq!(counts(&data.test.labels, 10), [100; 10]);
    let noise = LabelNoise::Pair {
        eta: 0.2,
        exact_count: true,
    };
    let noisy = noise.inject(&data.train.labels, 10, 1).unwrap();
    let n = expected.iter().sum::<usize>();
    assert_eq!(noisy.corrupted(), (0.2 * n as f64).round() as usize);
    let (train, validation) = validation_split(n, spec.validation, 1).unwrap();
    assert_eq!(train.len() + validation.len(), n);

    let spec = embedded(r#""classes": [3, 1, 7], "images_per_class": 100, "imbalance": {"kind": "step", "ratio": 10, "minority": 0.3}"#).unwrap();
    assert_eq!(
        counts(&load(&spec, &[]).unwrap().train.labels, 3),
        [100, 100, 10]
    );
    // A ratio of 1 keeps the classes equal.
    let spec = embedded(r#""imbalance": {"kind": "step", "ratio": 1}"#).unwrap();
    let (balanced, data) = (
        embedded(r#""validation": 0.0"#).unwrap(),
        load(&spec, &[]).unwrap(),
    );
    assert_eq!(data, load(&balanced, &[]).unwrap());
}

#[test]
fn a_class_may_have_fewer_images_than_the_largest_needs() {
    let folder = tempfile::tempdir().unwrap();
    let labels: Vec<u32> = [vec![0; 40], vec![1; 40], vec![2; 4]].concat();
    let path = own_file(&folder, &labels, 3);
    let mut spec = DataSpec::new(Source::Npz(path));
    spec.imbalance = Some(Imbalance::Exponential { ratio: 10.0 });
    // Without a number, the smallest class determines the largest one, which leaves none of class 2.
    let error = load(&spec, &[]).unwrap_err();
    assert!(
        matches!(
            error,
            DataError::ImbalancedAway(ImbalancedAway {
                label: 2,
                n_max: 4,
                ..
            })
        ),
        "{error}"
    );
    spec.images_per_class = Some(40);
    assert_eq!(
        counts(&load(&spec, &[]).unwrap().train.labels, 3),
        [40, 13, 4]
    );
    spec.imbalance = Some(Imbalance::Exponential { ratio: 8.0 });
    let error = load(&spec, &[]).unwrap_err();
    assert!(
        matches!(
            error,
            DataError::TooFewImages {
                class: 2,
                wanted: 5,
                found: 4,
                ..
            }
        ),
        "{error}"
    );
    spec.images_per_class = None;
    spec.classes = vec![0, 3];
    let error = load(&spec, &[]).unwrap_err();
    assert!(
        matches!(
            error,
            DataError::TooFewImages {
                class: 3,
                found: 0,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn invalid_profiles_are_errors() {
    let classes = r#""classes": [0, 1, 2, 3]"#;
    for (imbalance, part) in [
        (
            r#"{"kind": "exponential", "ratio": 0}"#,
            "data.imbalance.ratio = 0 is out of range",
        ),
        (
            r#"{"kind": "exponential", "ratio": 0.5}"#,
            "data.imbalance.ratio = 0.5",
        ),
        (
            r#"{"kind": "step", "ratio": -2}"#,
            "data.imbalance.ratio = -2",
        ),
        (
            r#"{"kind": "step", "ratio": 2, "minority": 0}"#,
            "data.imbalance.minority = 0 is",
        ),
        (
            r#"{"kind": "step", "ratio": 2, "minority": 1}"#,
            "data.imbalance.minority = 1 is",
        ),
        (
            r#"{"kind": "step", "ratio": 2, "minority": 0.1}"#,
            "at least one class in the minority",
        ),
        (
            r#"{"kind": "step", "ratio": 2, "minority": 0.9}"#,
            "one in the majority",
        ),
    ] {
        let error = embedded(&format!("{classes}, \"imbalance\": {imbalance}"))
            .unwrap()
            .validate()
            .unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains(part) && !message.contains('\n'),
            "{message}"
        );
    }
    for ratio in [f64::NAN, f64::INFINITY] {
        let mut spec = embedded(classes).unwrap();
        spec.imbalance = Some(Imbalance::Exponential { ratio });
        assert!(spec.validate().is_err());
    }
    let away = format!(
        r#"{classes}, "images_per_class": 20, "imbalance": {{"kind": "step", "ratio": 50}}"#
    );
    let message = embedded(&away).unwrap().validate().unwrap_err().to_string();
    assert!(
        message.contains("ratio = 50 leaves none of class 2"),
        "{message}"
    );
    for (text, part) in [
        (r#"{"kind": "linear", "ratio": 2}"#, "exponential"),
        (
            r#"{"kind": "exponential", "ratio": 2, "minority": 0.5}"#,
            "minority",
        ),
        (r#"{"kind": "step"}"#, "ratio"),
    ] {
        let message = embedded(&format!("\"imbalance\": {text}"))
            .unwrap_err()
            .to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn settings_round_trip_and_are_omitted_when_absent() {
    let plain = serde_json::to_string(&embedded(r#""validation": 0.0"#).unwrap()).unwrap();
    assert!(!plain.contains("imbalance"), "{plain}");
    let spec = embedded(r#""imbalance": {"kind": "step", "ratio": 10}"#).unwrap();
    assert_eq!(
        spec.imbalance,
        Some(Imbalance::Step {
            ratio: 10.0,
            minority: 0.5
        })
    );
    let text = serde_json::to_string(&spec).unwrap();
    assert!(
        text.contains(r#""imbalance":{"kind":"step","ratio":10.0,"minority":0.5}"#),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<DataSpec>(&text).unwrap(), spec);
}
