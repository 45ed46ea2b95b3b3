//! Every kind of label noise matches its definition.

use memdil_data::noise::{ClassMap, NamedMap};
use memdil_data::{DataError, LabelNoise, NoiseError, NoisyLabels};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

/// All kinds with a single rate, for `classes` classes.
fn of_one_rate(eta: f64, classes: usize, exact_count: bool) -> Vec<LabelNoise> {
    // Class 0 is mapped to itself, and each other class to the previous one.
    let map = ClassMap::Classes((0..classes as u32).map(|k| k.saturating_sub(1)).collect());
    vec![
        LabelNoise::Uniform { eta, exact_count },
        LabelNoise::Symmetric { eta, exact_count },
        LabelNoise::Asymmetric {
            eta,
            map,
            exact_count,
        },
        LabelNoise::Pair { eta, exact_count },
        LabelNoise::LatentClass {
            eta,
            split: 0.3,
            exact_count,
        },
    ]
}

/// All kinds with a rate per class, here `eta` times 0, 1/(K-1), ..., 1.
fn of_many_rates(eta: f64, classes: usize, exact_count: bool) -> Vec<LabelNoise> {
    let etas: Vec<f64> = (0..classes)
        .map(|k| eta * k as f64 / (classes - 1) as f64)
        .collect();
    // Labels that leave a class move to the next two classes, in the ratio three to one.
    let row = |j: usize| {
        let mut row = vec![0.0; classes];
        row[(j + 1) % classes] += 0.75 * etas[j];
        row[(j + 2) % classes] += 0.25 * etas[j];
        row[j] = 1.0
            - row
                .iter()
                .enumerate()
                .filter(|(k, _)| *k != j)
                .map(|(_, p)| p)
                .sum::<f64>();
        row
    };
    let matrix = (0..classes).map(row).collect();
    vec![
        LabelNoise::Transition {
            matrix,
            exact_count,
        },
        LabelNoise::PerClass {
            etas: Some(etas),
            range: None,
            rebalance: false,
            exact_count,
        },
    ]
}

fn all(eta: f64, classes: usize, exact_count: bool) -> Vec<LabelNoise> {
    [
        of_one_rate(eta, classes, exact_count),
        of_many_rates(eta, classes, exact_count),
    ]
    .concat()
}

fn cycle(n: usize, classes: usize) -> Vec<u32> {
    (0..n).map(|i| ((i * i + i / 7) % classes) as u32).collect()
}

/// A deviation that the mean of n draws of probability p exceeds with probability below 10^-18
/// (Bernstein).
fn bound(p: f64, n: usize) -> f64 {
    let (n, log) = (n as f64, (2e18_f64).ln());
    let third = log / 3.0;
    (third + (third * third + 2.0 * log * n * p * (1.0 - p)).sqrt()) / n
}

/// The probability of each observed class given each clean class, by definition.
fn expected(noise: &LabelNoise, classes: usize) -> Vec<Vec<f64>> {
    let k = classes as f64;
    let same = |j: usize, o: usize| f64::from(u8::from(j == o));
    let redrawn = |eta: f64, j: usize, o: usize, exact_count: bool| {
        let (own, other) = if exact_count {
            (0.0, 1.0 / (k - 1.0))
        } else {
            (1.0 / k, 1.0 / k)
        };
        if j == o {
            1.0 - eta + eta * own
        } else {
            eta * other
        }
    };
    let moved =
        |eta: f64, j: usize, to: usize, o: usize| (1.0 - eta) * same(j, o) + eta * same(to, o);
    let entry = |j: usize, o: usize| match noise {
        LabelNoise::Uniform { eta, exact_count } => redrawn(*eta, j, o, *exact_count),
        LabelNoise::PerClass {
            etas, exact_count, ..
        } => redrawn(etas.as_ref().unwrap()[j], j, o, *exact_count),
        LabelNoise::Symmetric { eta, .. } => {
            if j == o {
                1.0 - eta
            } else {
                eta / (k - 1.0)
            }
        }
        LabelNoise::Asymmetric { eta, map, .. } => moved(*eta, j, map.targets()[j] as usize, o),
        LabelNoise::Pair { eta, .. } => moved(*eta, j, (j + 1) % classes, o),
        LabelNoise::Transition { matrix, .. } => matrix[j][o],
        LabelNoise::LatentClass {
            eta,
            split,
            exact_count,
        } => {
            redrawn(*eta, j, o % classes, *exact_count)
                * if o < classes { 1.0 - split } else { *split }
        }
        other => unreachable!("{other:?} is not drawn"),
    };
    let columns = if matches!(noise, LabelNoise::LatentClass { .. }) {
        2 * classes
    } else {
        classes
    };
    (0..classes)
        .map(|j| (0..columns).map(|o| entry(j, o)).collect())
        .collect()
}

fn check_consistency(noisy: &NoisyLabels, clean: &[u32], classes: usize) {
    assert_eq!(noisy.clean(), clean);
    assert!(
        noisy
            .observed()
            .iter()
            .all(|&label| (label as usize) < noisy.observed_classes())
    );
    let differ = clean
        .iter()
        .zip(noisy.observed())
        .map(|(&c, &o)| c != o % classes as u32);
    assert!(differ.eq(noisy.mask().iter().copied()));
    assert_eq!(
        noisy.realised(),
        noisy.corrupted() as f64 / clean.len() as f64
    );
    assert!((0.0..=1.0).contains(&noisy.requested()));
}

proptest! {
    #[test]
    fn the_transition_matrix_is_within_binomial_bounds(
        eta in 0.0..=1.0, classes in 2_usize..8, exact_count: bool, seed: u64,
    ) {
        let clean = cycle(3000, classes);
        prop_assume!((0..classes as u32).all(|k| clean.contains(&k)));
        for noise in all(eta, classes, exact_count) {
            let noisy = noise.inject(&clean, classes, seed).unwrap();
            check_consistency(&noisy, &clean, classes);
            prop_assert_eq!((noisy.requested(), noisy.kind()), (noise.requested(), noise.kind()));
            let (found, expected) = (noisy.transition().unwrap(), expected(&noise, classes));
            match noise.expected_transition(classes) {
                Some(rows) => {
                    let pairs = rows.concat().into_iter().zip(expected.concat());
                    prop_assert!(rows.len() == classes && pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-12));
                }
                None => assert!(matches!(noise, LabelNoise::LatentClass { .. })),
            }
            for ((j, o), &share) in found.indexed_iter() {
                let n = clean.iter().filter(|&&c| c as usize == j).count();
                let p = expected[j][o];
                // Impossible transitions do not occur; drawing without replacement only narrows the
                // distribution, except for rounding.
                let slack = if p == 0.0 { 0.0 } else { bound(p, n) + 1.0 / n as f64 };
                prop_assert!((share - p).abs() <= slack, "{noise:?} ({j}, {o}): {share} against {p}");
            }
        }
    }

    #[test]
    fn exact_counts_are_exact(
        eta in 0.0..=1.0, classes in 2_usize..8, n in 1_usize..400, seed: u64,
    ) {
        let clean = cycle(n, classes);
        let round = |rate: f64, of: usize| (rate * of as f64).round() as usize;
        for noise in of_one_rate(eta, classes, true) {
            let noisy = noise.inject(&clean, classes, seed).unwrap();
            let corrupted = noisy.corrupted();
            match &noise {
                LabelNoise::Asymmetric { .. } => {
                    let movable = clean.iter().filter(|&&c| c != 0).count();
                    prop_assert_eq!(corrupted, round(eta, movable));
                }
                _ => prop_assert_eq!(corrupted, round(eta, n)),
            }
        }
        for noise in of_many_rates(eta, classes, true) {
            let noisy = noise.inject(&clean, classes, seed).unwrap();
            for (class, &rate) in noisy.rates().unwrap().iter().enumerate() {
                let of_class = |i: &usize| clean[*i] as usize == class;
                let count = round(rate, (0..n).filter(of_class).count());
                let corrupted = (0..n).filter(of_class).filter(|&i| noisy.mask()[i]).count();
                prop_assert_eq!(corrupted, count);
            }
        }
    }

    #[test]
    fn a_larger_rate_only_adds_corrupted_labels(
        low in 0.0..=1.0, high in 0.0..=1.0, classes in 2_usize..8, exact_count: bool, seed: u64,
    ) {
        let (low, high): (f64, f64) = if low <= high { (low, high) } else { (high, low) };
        let clean = cycle(300, classes);
        for (less, more) in all(low, classes, exact_count).iter().zip(all(high, classes, exact_count)) {
            let less = less.inject(&clean, classes, seed).unwrap();
            let more = more.inject(&clean, classes, seed).unwrap();
            for i in 0..clean.len() {
                prop_assert!(!less.mask()[i] || less.observed()[i] == more.observed()[i], "{}", less.kind());
            }
        }
    }

    #[test]
    fn the_same_seed_yields_the_same_labels(eta in 0.2..0.8, exact_count: bool, seed: u64) {
        let clean = cycle(500, 5);
        for noise in all(eta, 5, exact_count) {
            let noisy = noise.inject(&clean, 5, seed).unwrap();
            prop_assert_eq!(&noisy, &noise.inject(&clean, 5, seed).unwrap());
            let other = noise.inject(&clean, 5, seed.wrapping_add(1)).unwrap();
            prop_assert_ne!(noisy.observed(), other.observed());
        }
    }

    #[test]
    fn latent_classes_split_uniform_noise(eta in 0.0..=1.0, split in 0.0..=1.0, seed: u64) {
        let clean = cycle(4000, 3);
        let plain = LabelNoise::Uniform { eta, exact_count: false }.inject(&clean, 3, seed).unwrap();
        let latent = LabelNoise::LatentClass { eta, split, exact_count: false }.inject(&clean, 3, seed).unwrap();
        prop_assert_eq!((latent.classes(), latent.observed_classes()), (3, 6));
        prop_assert!(latent.observed().iter().map(|label| label % 3).eq(plain.observed().iter().copied()));
        prop_assert_eq!((latent.mask(), latent.realised()), (plain.mask(), plain.realised()));
        let share = latent.observed().iter().filter(|&&label| label >= 3).count() as f64 / 4000.0;
        prop_assert!((share - split).abs() <= bound(split, 4000));
        prop_assert_eq!(latent.transition().unwrap().dim(), (3, 6));
    }

    #[test]
    fn rates_are_drawn_from_the_range(a in 0.0..=1.0, b in 0.0..=1.0, seed: u64) {
        let (low, high): (f64, f64) = if a <= b { (a, b) } else { (b, a) };
        let clean = cycle(200, 10);
        let noise = |range| LabelNoise::PerClass { etas: None, range: Some(range), rebalance: false, exact_count: true };
        let noisy = noise([low, high]).inject(&clean, 10, seed).unwrap();
        let rates = noisy.rates().unwrap();
        prop_assert_eq!(rates.len(), 10);
        prop_assert!(rates.iter().all(|rate| (low..=high).contains(rate)));
        prop_assert!((noisy.requested() - (low + high) / 2.0).abs() < 1e-12);
        prop_assert_eq!(&noisy, &noise([low, high]).inject(&clean, 10, seed).unwrap());
        let wide = noise([0.0, 1.0]);
        let [one, other] = [seed, !seed].map(|seed| wide.inject(&clean, 10, seed).unwrap());
        prop_assert_ne!(one.rates(), other.rates());
    }

    #[test]
    fn rebalancing_keeps_the_first_samples_of_each_class(seed: u64, n in 300_usize..600) {
        let clean = cycle(n, 3);
        let noise = |rebalance| {
            let etas = Some(vec![0.0, 0.3, 0.8]);
            LabelNoise::PerClass { etas, range: None, rebalance, exact_count: false }
        };
        let (all, cut) = (noise(false).inject(&clean, 3, seed).unwrap(), noise(true).inject(&clean, 3, seed).unwrap());
        prop_assert_eq!((all.observed(), all.mask(), all.rates()), (cut.observed(), cut.mask(), cut.rates()));
        prop_assert_eq!(all.kept(), None);
        let kept = cut.kept().unwrap();
        prop_assert!(kept.is_sorted_by(|a, b| a < b));
        let of = |class: u32| (0..n).filter(|&i| cut.observed()[i] == class).collect::<Vec<_>>();
        let smallest = (0..3).map(|class| of(class).len()).min().unwrap();
        for class in 0..3 {
            let kept: Vec<usize> = kept.iter().copied().filter(|&i| cut.observed()[i] == class).collect();
            prop_assert_eq!(&kept[..], &of(class)[..smallest]);
        }
        let corrupted = kept.iter().filter(|&&i| cut.mask()[i]).count();
        prop_assert_eq!(cut.corrupted(), corrupted);
        prop_assert_eq!(cut.realised(), corrupted as f64 / kept.len() as f64);
        // The matrix is computed from the samples kept.
        let row = cut.transition().unwrap().row(2).to_vec();
        let twos: Vec<usize> = kept.iter().copied().filter(|&i| clean[i] == 2).collect();
        let stayed = twos.iter().filter(|&&i| cut.observed()[i] == 2).count();
        prop_assert_eq!(row[2], stayed as f64 / twos.len() as f64);
    }
}

#[test]
fn a_transition_matrix_passes_a_chi_squared_test() {
    let matrix = vec![
        vec![0.5, 0.3, 0.2, 0.0],
        vec![0.0, 1.0, 0.0, 0.0],
        vec![0.9, 0.0, 0.0, 0.1],
        vec![0.25; 4],
    ];
    let clean = cycle(200_000, 4);
    let noise = LabelNoise::Transition {
        matrix: matrix.clone(),
        exact_count: false,
    };
    let noisy = noise.inject(&clean, 4, 11).unwrap();
    let found = noisy.transition().unwrap();
    for (j, row) in matrix.iter().enumerate() {
        let n = clean.iter().filter(|&&c| c as usize == j).count() as f64;
        let possible = || row.iter().zip(found.row(j)).filter(|(p, _)| **p > 0.0);
        let chi_square: f64 = possible()
            .map(|(p, share)| n * (share - p).powi(2) / p)
            .sum();
        // With at most three degrees of freedom, the value exceeds 44 with probability 10^-9.
        assert!(chi_square < 44.0, "row {j}: {chi_square}");
        assert!(
            row.iter()
                .zip(found.row(j))
                .all(|(p, share)| *p > 0.0 || *share == 0.0)
        );
    }
    let asked: Vec<f64> = noisy
        .rates()
        .unwrap()
        .iter()
        .map(|rate| (rate * 1e12).round() / 1e12)
        .collect();
    assert_eq!(asked, [0.5, 0.0, 1.0, 0.75]);
    assert!((noise.requested() - 2.25 / 4.0).abs() < 1e-12);
}

/// Published runs depend on these labels, on every platform.
#[test]
fn labels_of_every_kind_are_pinned() {
    let clean = cycle(1000, 10);
    let mut kinds = [all(0.35, 10, false), all(0.35, 10, true)].concat();
    kinds.push(LabelNoise::Asymmetric {
        eta: 0.35,
        map: ClassMap::Named(NamedMap::Cifar10),
        exact_count: false,
    });
    kinds.push(LabelNoise::PerClass {
        etas: None,
        range: Some([0.1, 0.6]),
        rebalance: true,
        exact_count: false,
    });
    let hash = |noise: &LabelNoise| {
        let noisy = noise.inject(&clean, 10, 42).unwrap();
        let kept = noisy.kept().into_iter().flatten().map(|&i| i as u32);
        let bytes: Vec<u8> = noisy
            .observed()
            .iter()
            .copied()
            .chain(kept)
            .flat_map(u32::to_le_bytes)
            .collect();
        Sha256::digest(&bytes)
            .iter()
            .take(8)
            .map(|b| format!("{b:02x}"))
            .collect::<String>()
    };
    let found: Vec<(&str, String)> = kinds
        .iter()
        .map(|noise| (noise.kind(), hash(noise)))
        .collect();
    let golden = GOLDEN.map(|(kind, hash)| (kind, hash.to_owned()));
    assert_eq!(found, golden);
}

const GOLDEN: [(&str, &str); 16] = [
    ("uniform", "1c816cef264d7dbc"),
    ("symmetric", "fa0102428953179a"),
    ("asymmetric", "837539b4d000d75d"),
    ("pair", "de08bc8530422e72"),
    ("latent_class", "c4e2ff5576fe26d2"),
    ("transition", "ac761adc01b2ce0c"),
    ("per_class", "c5d458ef08ca1dc1"),
    ("uniform", "6b3bf9bca4e0f662"),
    ("symmetric", "6b3bf9bca4e0f662"),
    ("asymmetric", "8b36fb650e079616"),
    ("pair", "3d44137162a9ee90"),
    ("latent_class", "e240293522b91891"),
    ("transition", "d670e99fe8b578d2"),
    ("per_class", "ade95db941c86294"),
    ("asymmetric", "35f58620f5fbe733"),
    ("per_class", "200958a04ae7b5af"),
];

#[test]
fn the_cifar_10_map_changes_five_classes() {
    let clean: Vec<u32> = (0..10).collect();
    let noise: LabelNoise =
        serde_json::from_str(r#"{"kind":"asymmetric","eta":1.0,"map":"cifar10"}"#).unwrap();
    // airplane, automobile, airplane (bird), dog (cat), horse (deer), cat (dog), frog, horse, ship,
    // automobile (truck)
    assert_eq!(
        noise.inject(&clean, 10, 0).unwrap().observed(),
        [0, 1, 0, 5, 7, 3, 6, 7, 8, 1]
    );
}

#[test]
fn configurations_of_every_kind_round_trip() {
    for text in [
        r#"{"kind":"uniform","eta":0.2,"exact_count":true}"#,
        r#"{"kind":"symmetric","eta":0.2}"#,
        r#"{"kind":"asymmetric","eta":0.2,"map":[1,0]}"#,
        r#"{"kind":"asymmetric","eta":0.2,"map":"cifar10","exact_count":true}"#,
        r#"{"kind":"asymmetric","eta":0.2,"map":"cifar100"}"#,
        r#"{"kind":"pair","eta":0.2}"#,
        r#"{"kind":"transition","matrix":[[0.5,0.5],[0.0,1.0]]}"#,
        r#"{"kind":"per_class","etas":[0.1,0.2],"rebalance":true}"#,
        r#"{"kind":"per_class","range":[0.1,0.2],"exact_count":true}"#,
        r#"{"kind":"latent_class","eta":0.2,"split":0.5}"#,
        r#"{"kind":"from_file","path":"labels.csv"}"#,
    ] {
        let noise: LabelNoise = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&noise).unwrap(), text);
        assert!(noise.validate().is_ok(), "{text}");
    }
    for (text, part) in [
        (r#"{"kind":"pair","eta":0.2,"map":[1,0]}"#, "map"),
        (r#"{"kind":"latent_class","eta":0.2}"#, "split"),
        (
            r#"{"kind":"asymmetric","eta":0.2,"map":"cifar20"}"#,
            "or be \"cifar10\" or \"cifar100\"",
        ),
        (
            r#"{"kind":"per_class","etas":[0.1],"rebalanced":true}"#,
            "rebalanced",
        ),
        (r#"{"kind":"flip","eta":0.2}"#, "symmetric"),
    ] {
        let message = serde_json::from_str::<LabelNoise>(text)
            .unwrap_err()
            .to_string();
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn invalid_settings_are_errors() {
    let noise = |text: &str| serde_json::from_str::<LabelNoise>(text).unwrap();
    for (text, part) in [
        (r#"{"kind":"symmetric","eta":-0.1}"#, "eta = -0.1"),
        (r#"{"kind":"pair","eta":1.1}"#, "eta = 1.1"),
        (
            r#"{"kind":"asymmetric","eta":0.1,"map":[1,2]}"#,
            "moves class 1 to 2",
        ),
        (
            r#"{"kind":"asymmetric","eta":0.1,"map":[0,1]}"#,
            "at least one class must change",
        ),
        (
            r#"{"kind":"transition","matrix":[[0.5,0.5],[0.2,0.7]]}"#,
            "row 1 of the transition matrix sums to 0.8999",
        ),
        (
            r#"{"kind":"transition","matrix":[[0.9,0.3],[0.1,0.7]]}"#,
            "columns of the matrix sum to 1 but its rows do not",
        ),
        (
            r#"{"kind":"transition","matrix":[[0.5,0.5],[1.0]]}"#,
            "row 1 of the transition matrix has 1 entries, but needs 2",
        ),
        (
            r#"{"kind":"transition","matrix":[[1.5,-0.5],[0.0,1.0]]}"#,
            "matrix[0][0] = 1.5",
        ),
        (r#"{"kind":"per_class","etas":[0.1,2.0]}"#, "etas[1] = 2"),
        (
            r#"{"kind":"per_class","etas":[0.1],"range":[0.1,0.2]}"#,
            "one of `etas`",
        ),
        (r#"{"kind":"per_class"}"#, "one of `etas`"),
        (r#"{"kind":"per_class","range":[0.3,0.2]}"#, "is descending"),
        (
            r#"{"kind":"per_class","range":[0.3,1.2]}"#,
            "range[1] = 1.2",
        ),
        (
            r#"{"kind":"latent_class","eta":0.1,"split":-1.0}"#,
            "split = -1",
        ),
    ] {
        let message = noise(text).validate().unwrap_err().to_string();
        assert!(
            message.contains(part) && !message.contains('\n'),
            "{text}: {message}"
        );
        assert_eq!(
            noise(text).inject(&[0, 1], 2, 0).unwrap_err().to_string(),
            message
        );
    }
    for (text, part) in [
        (
            r#"{"kind":"asymmetric","eta":0.1,"map":"cifar10"}"#,
            "`map` is for 10 classes, but there are 3",
        ),
        (
            r#"{"kind":"transition","matrix":[[0.5,0.5],[0.5,0.5]]}"#,
            "`matrix` is for 2 classes, but there are 3",
        ),
        (
            r#"{"kind":"transition","matrix":[]}"#,
            "`matrix` is for 0 classes",
        ),
        (
            r#"{"kind":"per_class","etas":[0.1]}"#,
            "`etas` is for 1 classes",
        ),
    ] {
        assert!(noise(text).validate().is_ok());
        let message = noise(text).validate_for(3).unwrap_err().to_string();
        assert!(message.contains(part), "{text}: {message}");
        assert_eq!(
            noise(text)
                .inject(&[0, 1, 2], 3, 0)
                .unwrap_err()
                .to_string(),
            message
        );
    }
    for noise in all(0.5, 2, false) {
        assert!(matches!(noise.inject(&[], 2, 0), Err(DataError::NoLabels)));
        assert!(matches!(
            noise.inject(&[0, 2], 2, 0),
            Err(DataError::LabelOutOfRange { row: 1, .. })
        ));
    }
    // A false number of classes does not cause a large allocation.
    let many = u32::MAX as usize;
    let range = noise(r#"{"kind":"per_class","range":[0.1,0.2]}"#)
        .inject(&[0, 1], many, 0)
        .unwrap_err();
    assert!(
        matches!(
            range,
            DataError::OutOfRange {
                what: "classes",
                ..
            }
        ),
        "{range}"
    );
    let latent = noise(r#"{"kind":"latent_class","eta":0.1,"split":0.5}"#)
        .validate_for(many)
        .unwrap_err();
    assert!(
        matches!(
            latent,
            DataError::OutOfRange {
                what: "classes",
                ..
            }
        ),
        "{latent}"
    );
    let gone = noise(r#"{"kind":"per_class","etas":[0.0,0.0,0.0],"rebalance":true}"#).inject(
        &[0, 2],
        3,
        0,
    );
    assert!(matches!(
        gone,
        Err(DataError::Noise(NoiseError::NothingToRebalance {
            class: 1
        }))
    ));
}
