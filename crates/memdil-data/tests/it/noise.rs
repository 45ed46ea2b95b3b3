//! Uniform label noise, and files of noisy labels.

use std::io::{Cursor, Write};

use memdil_data::{DataError, LabelNoise, NoiseError, NoisyLabels};
use ndarray::{Array1, array, aview0};
use ndarray_npy::NpzWriter;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn uniform(eta: f64) -> LabelNoise {
    LabelNoise::Uniform {
        eta,
        exact_count: false,
    }
}

/// A deviation that the mean of n draws of probability p exceeds with probability below 10^-12
/// (Bernstein).
fn bound(p: f64, n: usize) -> f64 {
    let (n, log) = (n as f64, (2e12_f64).ln());
    let third = log / 3.0;
    (third + (third * third + 2.0 * log * n * p * (1.0 - p)).sqrt()) / n
}

proptest! {
    #[test]
    fn the_realised_fraction_matches_eta(
        eta in 0.0..=1.0, classes in 2_usize..12, n in 100_usize..4000, seed: u64,
    ) {
        let clean: Vec<u32> = (0..n).map(|i| (i * i % classes) as u32).collect();
        let noisy = uniform(eta).inject(&clean, classes, seed).unwrap();
        let expected = eta * (classes as f64 - 1.0) / classes as f64;
        prop_assert!((noisy.realised() - expected).abs() <= bound(expected, n));

        prop_assert_eq!(noisy.clean(), &clean);
        prop_assert!(noisy.observed().iter().all(|&label| (label as usize) < classes));
        let differ = clean.iter().zip(noisy.observed()).map(|(c, o)| c != o);
        prop_assert!(differ.eq(noisy.mask().iter().copied()));
        let count = noisy.mask().iter().filter(|&&m| m).count();
        prop_assert_eq!(noisy.realised(), count as f64 / n as f64);
        prop_assert_eq!((noisy.requested(), noisy.seed(), noisy.classes()), (eta, seed, classes));
        prop_assert_eq!(noisy.kind(), "uniform");
    }

    #[test]
    fn a_larger_eta_only_adds_corrupted_labels(
        eta in 0.0..=0.5, seed: u64,
    ) {
        let clean: Vec<u32> = (0..500).map(|i| i % 7).collect();
        let less = uniform(eta).inject(&clean, 7, seed).unwrap();
        prop_assert_eq!(&less, &uniform(eta).inject(&clean, 7, seed).unwrap());
        let more = uniform(2.0 * eta).inject(&clean, 7, seed).unwrap();
        for i in 0..500 {
            prop_assert!(!less.mask()[i] || less.observed()[i] == more.observed()[i]);
        }
    }

    #[test]
    fn files_round_trip(
        eta in 0.0..=1.0, classes in 2_usize..300, n in 1_usize..300, seed: u64,
    ) {
        let clean: Vec<u32> = (0..n).map(|i| (i % classes) as u32).collect();
        let noisy = uniform(eta).inject(&clean, classes, seed).unwrap();
        prop_assert_eq!(NoisyLabels::read_npz(Cursor::new(file(&noisy))).unwrap(), noisy);
    }
}

#[test]
fn all_pairs_of_classes_are_equally_likely() {
    let (classes, n) = (5, 50_000);
    let clean: Vec<u32> = (0..n).map(|i| i % classes).collect();
    let noisy = uniform(0.4).inject(&clean, classes as usize, 3).unwrap();
    let transition = noisy.transition().unwrap();
    for ((row, column), &share) in transition.indexed_iter() {
        let expected = if row == column { 0.6 + 0.08 } else { 0.08 };
        assert!((share - expected).abs() <= bound(expected, (n / classes) as usize));
    }
}

#[test]
fn the_extreme_noise_rates_are_supported() {
    let clean: Vec<u32> = (0..1000).map(|i| i % 4).collect();
    let none = uniform(0.0).inject(&clean, 4, 8).unwrap();
    assert_eq!((none.observed(), none.realised()), (&clean[..], 0.0));
    assert!(none.mask().iter().all(|&corrupted| !corrupted));

    let full = uniform(1.0).inject(&clean, 4, 8).unwrap();
    let zeros = uniform(1.0).inject(&[0; 1000], 4, 8).unwrap();
    assert_eq!(full.observed(), zeros.observed());
}

#[test]
fn the_transition_matrix_matches_hand_computed_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.csv");
    std::fs::write(&path, "clean,observed\n0,0\n0,1\n0,0\n0,0\n1,1\n1,0\n").unwrap();
    let column = None;
    let noise = LabelNoise::FromFile { path, column };
    let clean = [0, 0, 0, 0, 1, 1];
    assert_eq!(
        noise.inject(&clean, 2, 0).unwrap().transition().unwrap(),
        array![[0.75, 0.25], [0.5, 0.5]]
    );

    for classes in [3, u32::MAX as usize] {
        let wider = noise.inject(&clean, classes, 0).unwrap();
        let error = wider.transition().unwrap_err();
        assert!(
            matches!(error, DataError::Noise(NoiseError::EmptyClass { class: 2 })),
            "{error}"
        );
    }
}

#[test]
fn invalid_arguments_are_errors() {
    for eta in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(uniform(eta).validate().is_err());
        let error = uniform(eta).inject(&[0, 1], 2, 0).unwrap_err();
        assert!(
            matches!(error, DataError::OutOfRange { what: "eta", .. }),
            "{error}"
        );
    }
    let refused = |clean: &[u32], classes| uniform(0.2).inject(clean, classes, 0).unwrap_err();
    assert!(matches!(refused(&[], 2), DataError::NoLabels));
    assert!(matches!(
        refused(&[0], 1),
        DataError::OutOfRange {
            what: "classes",
            ..
        }
    ));
    assert!(matches!(
        refused(&[0], usize::MAX),
        DataError::OutOfRange {
            what: "classes",
            ..
        }
    ));
    assert!(matches!(
        refused(&[0, 1, 2], 2),
        DataError::LabelOutOfRange {
            row: 2,
            label: 2,
            classes: 2
        }
    ));
}

#[test]
fn configurations_use_the_documented_names() {
    let text = r#"{"kind":"uniform","eta":0.25}"#;
    let noise: LabelNoise = serde_json::from_str(text).unwrap();
    assert_eq!(noise, uniform(0.25));
    assert_eq!(serde_json::to_string(&noise).unwrap(), text);
    for wrong in [
        r#"{"kind":"uniform"}"#,
        r#"{"kind":"uniform","eta":0.25,"etta":0.1}"#,
        r#"{"kind":"Uniform","eta":0.25}"#,
    ] {
        assert!(
            serde_json::from_str::<LabelNoise>(wrong).is_err(),
            "{wrong}"
        );
    }
}

fn file(noisy: &NoisyLabels) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    noisy.write_npz(&mut file).unwrap();
    file.into_inner()
}

/// Compares with the hash of a file that NumPy 2.4 read with the documented names, types and
/// values.
#[test]
fn written_files_are_deterministic() {
    let clean: Vec<u32> = (0..100).map(|i| i % 10).collect();
    let noisy = uniform(0.3).inject(&clean, 10, 7).unwrap();
    let bytes = file(&noisy);
    assert_eq!(bytes, file(&noisy.clone()));
    let digest: String = Sha256::digest(&bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(
        digest,
        "5f979c377ab929d43aecbe02f04e86047c65fa1595e1c1e75ad997de115deae2"
    );
}

/// The error for a file with some arrays replaced or omitted.
fn altered(alter: impl Fn(&mut NpzWriter<Cursor<Vec<u8>>>, &str) -> bool) -> DataError {
    let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
    for name in [
        "clean",
        "observed",
        "mask",
        "classes",
        "kind",
        "seed",
        "requested",
        "realised",
    ] {
        if alter(&mut npz, name) {
            continue;
        }
        match name {
            "clean" => npz.add_array(name, &array![0_u32, 1]),
            "observed" => npz.add_array(name, &array![0_u32, 0]),
            "mask" => npz.add_array(name, &array![false, true]),
            "kind" => npz.add_array(name, &Array1::from(b"uniform".to_vec())),
            "classes" | "seed" => npz.add_array(name, &aview0(&2_u64)),
            _ => npz.add_array(name, &aview0(&0.5)),
        }
        .unwrap();
    }
    let file = npz.finish().unwrap();
    NoisyLabels::read_npz(file).unwrap_err()
}

macro_rules! with {
    ($target:literal, $array:expr) => {
        altered(|npz, name| {
            name == $target && {
                npz.add_array(name, &$array).unwrap();
                true
            }
        })
        .to_string()
    };
}

#[test]
fn contradictory_files_are_errors() {
    for (message, part) in [
        (
            altered(|_, name| name == "seed").to_string(),
            "no array seed",
        ),
        (
            with!("clean", array![0.0_f64, 1.0]),
            "clean: holds float64, not integers",
        ),
        (
            with!("clean", array![0_i64, -1]),
            "clean: holds -1, which is out of range",
        ),
        (with!("clean", array![0_u32]), "1, 2, 2"),
        (
            with!("clean", array![[0_u32, 1]]),
            "clean: has 2 dimensions, not 1",
        ),
        (with!("observed", array![0_u32, 2]), "row 1"),
        (with!("mask", array![true, true]), "row 0"),
        (
            with!("seed", array![1_u64, 2]),
            "seed: does not hold one number",
        ),
        (with!("classes", aview0(&1_u64)), "classes = 1"),
        (with!("kind", array![0xff_u8]), "UTF-8"),
        (with!("requested", aview0(&1.5)), "requested = 1.5"),
        (with!("requested", aview0(&f64::NAN)), "requested = NaN"),
        (with!("realised", aview0(&0.4)), "realised = 0.4"),
        (with!("realised", aview0(&f64::NAN)), "realised = NaN"),
    ] {
        assert!(message.contains(part), "{part}: {message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn damaged_files_are_errors_without_large_allocations() {
    let clean = [0, 1, 0, 1, 1, 0];
    let whole = file(&uniform(0.5).inject(&clean, 2, 4).unwrap());
    let refused = |bytes: Vec<u8>| {
        NoisyLabels::read_npz(Cursor::new(bytes))
            .unwrap_err()
            .to_string()
    };

    for len in 0..whole.len() {
        refused(whole[..len].to_vec());
    }
    // The first array is `clean`; its header contains the shape as text.
    let shape = whole.windows(4).position(|bytes| bytes == b"(6,)").unwrap();
    let numbers = shape + whole[shape..].iter().position(|&b| b == b'\n').unwrap() + 1;
    let mut damaged = whole.clone();
    damaged[numbers] ^= 1;
    let message = refused(damaged);
    assert!(
        message.contains(": clean: ") && message.contains("checksum"),
        "{message}"
    );

    let mut lying = whole.clone();
    let claim = b"(1152921504606846975,)}";
    (&mut lying[shape..]).write_all(claim).unwrap();
    let message = refused(lying);
    assert!(message.contains(": clean: "), "{message}");
}
