//! Label noise that depends on the images or on the margins of a network.

use std::path::Path;

use memdil_data::noise::PmdType;
use memdil_data::{DataSpec, Input, Inputs, LabelNoise, NoiseError, NoisyLabels, Source, load};
use ndarray::{Array1, Array2};
use ndarray_npy::{NpzWriter, write_npy};
use proptest::prelude::*;

/// The embedded images, normalised, and their labels.
fn fashion() -> (Inputs, Vec<u32>) {
    let data = load(&DataSpec::new(Source::FashionMnistEmbedded), &[]).unwrap();
    let images = Inputs::new(data.train.images, &data.mean, &data.std, Input::Native).unwrap();
    (images, data.train.labels)
}

fn instance(eta: f64, exact_count: bool) -> LabelNoise {
    LabelNoise::Instance {
        eta,
        std: 0.1,
        exact_count,
    }
}

fn margin(eta: f64, logits: &Path, pmd_type: PmdType, exact_count: bool) -> LabelNoise {
    LabelNoise::Margin {
        eta,
        logits: logits.to_owned(),
        column: None,
        pmd_type,
        exact_count,
    }
}

/// Logits of a simple network on the embedded images: minus the squared distances to the class
/// means, times 1/100.
fn logits_of_means(images: &Inputs, labels: &[u32]) -> Array2<f64> {
    let (n, values) = (labels.len(), images.values_per_sample());
    let all = images.batch(&(0..n).collect::<Vec<_>>());
    let all = Array2::from_shape_vec((n, values), all)
        .unwrap()
        .mapv(f64::from);
    let mut means = Array2::<f64>::zeros((10, values));
    for (image, &label) in all.rows().into_iter().zip(labels) {
        means
            .row_mut(label as usize)
            .scaled_add(10.0 / n as f64, &image);
    }
    Array2::from_shape_fn((n, 10), |(i, k)| {
        let difference = &all.row(i) - &means.row(k);
        -difference.dot(&difference) / 100.0
    })
}

/// A deviation that the sum of independent draws with these probabilities exceeds with probability
/// below 10^-18 (Bernstein).
fn bound(probabilities: impl Iterator<Item = f64>) -> f64 {
    let variance: f64 = probabilities.map(|p| p * (1.0 - p)).sum();
    let log = 2e18_f64.ln();
    log / 3.0 + ((log / 3.0).powi(2) + 2.0 * log * variance).sqrt()
}

/// The number of flips in each tenth of the samples, sorted by their probability, is within
/// binomial bounds of the sum of the probabilities.
fn check_bins(noisy: &NoisyLabels) {
    let p = noisy.flip_probabilities().unwrap();
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    for bin in order.chunks(p.len() / 10) {
        let expected: f64 = bin.iter().map(|&i| p[i]).sum();
        let found = bin.iter().filter(|&&i| noisy.mask()[i]).count() as f64;
        let bound = bound(bin.iter().map(|&i| p[i]));
        assert!(
            (found - expected).abs() <= bound,
            "{found} against {expected} +- {bound}"
        );
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn instance_noise_has_the_requested_rate_and_is_not_uniform() {
    let (images, labels) = fashion();
    let inject = |eta, seed| {
        instance(eta, false)
            .inject_with_images(&labels, &images, 10, seed)
            .unwrap()
    };
    for eta in [0.0, 0.02, 0.2, 0.45, 1.0] {
        let noisy = inject(eta, 5);
        let rates = noisy.flip_probabilities().unwrap();
        // The variance of the rates is below std^2 and eta (1 - eta).
        let slack = bound(std::iter::repeat_n(eta, 6000)) / 6000.0;
        assert!((mean(rates) - eta).abs() <= slack, "{eta}: {}", mean(rates));
        assert!(
            (noisy.realised() - eta).abs() <= slack,
            "{eta}: {}",
            noisy.realised()
        );
        assert_eq!((noisy.requested(), noisy.kind()), (eta, "instance"));
        check_bins(&noisy);
    }
    // Images of a class resemble each other, and so do their projections: most flips of a class go
    // to few classes, where uniform noise spreads them over nine.
    let noisy = inject(0.4, 5);
    let transition = noisy.transition().unwrap();
    for (class, row) in transition.rows().into_iter().enumerate() {
        let others = row
            .iter()
            .enumerate()
            .filter(|(k, _)| *k != class)
            .map(|(_, p)| *p);
        let largest = others.clone().fold(0.0, f64::max) / others.sum::<f64>();
        assert!(largest > 0.2, "class {class}: {largest}");
    }
}

#[test]
fn equal_images_of_a_class_move_to_the_same_class() {
    let (images, labels) = fashion();
    let data = load(&DataSpec::new(Source::FashionMnistEmbedded), &[]).unwrap();
    // Every image twice, next to each other.
    let twice: Vec<usize> = (0..2000).flat_map(|i| [i, i]).collect();
    let doubled = Inputs::new(
        data.train.images.select(&twice),
        &data.mean,
        &data.std,
        Input::Native,
    )
    .unwrap();
    let clean: Vec<u32> = twice.iter().map(|&i| labels[i]).collect();
    assert_eq!(images.shape(), doubled.shape());
    let noisy = instance(0.7, false)
        .inject_with_images(&clean, &doubled, 10, 11)
        .unwrap();
    let flipped_pairs = || {
        (0..4000)
            .step_by(2)
            .filter(|&i| noisy.mask()[i] && noisy.mask()[i + 1])
    };
    let same = flipped_pairs()
        .filter(|&i| noisy.observed()[i] == noisy.observed()[i + 1])
        .count();
    // Uniform flips would agree in one of nine pairs; the scores of 784 pixels differ so much that
    // the softmax is nearly one at the highest score.
    let share = same as f64 / flipped_pairs().count() as f64;
    assert!(flipped_pairs().count() > 800 && share > 0.9, "{share}");
}

#[test]
fn margin_noise_falls_with_the_margin_and_moves_to_the_runner_up() {
    let (images, labels) = fashion();
    let logits = logits_of_means(&images, &labels);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logits.npy");
    write_npy(&path, &logits).unwrap();
    for pmd_type in [PmdType::I, PmdType::II, PmdType::III] {
        for eta in [0.05, 0.2, 0.5] {
            let noisy = margin(eta, &path, pmd_type, false)
                .inject(&labels, 10, 3)
                .unwrap();
            let p = noisy.flip_probabilities().unwrap();
            assert!((mean(p) - eta).abs() < 1e-12);
            check_bins(&noisy);
            let slack = bound(p.iter().copied()) / 6000.0;
            assert!((noisy.realised() - eta).abs() <= slack);
            let mut margins = Vec::new();
            for (i, row) in logits.rows().into_iter().enumerate() {
                let powers = row.mapv(f64::exp);
                let own = labels[i] as usize;
                let other = (0..10)
                    .filter(|&k| k != own)
                    .max_by(|&a, &b| row[a].total_cmp(&row[b]))
                    .unwrap();
                margins.push(((powers[own] - powers[other]) / powers.sum()).max(0.0));
                assert!(!noisy.mask()[i] || noisy.observed()[i] as usize == other);
            }
            let mut order: Vec<usize> = (0..6000).collect();
            order.sort_by(|&a, &b| margins[a].total_cmp(&margins[b]));
            let falls = |pair: &[usize]| p[pair[0]] >= p[pair[1]] - 1e-12;
            assert!(order.windows(2).all(falls));
            assert!(p[order[0]] > 1.1 * p[order[5999]]);
        }
    }
}

#[test]
fn exact_counts_are_exact() {
    let (images, labels) = fashion();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logits.npy");
    write_npy(
        &path,
        &logits_of_means(&images, &labels).mapv(|logit| logit as f32),
    )
    .unwrap();
    for eta in [0.0, 0.00012, 0.1, 0.33333, 0.6, 1.0] {
        let count = (eta * 6000.0_f64).round() as usize;
        let by_image = instance(eta, true)
            .inject_with_images(&labels, &images, 10, 2)
            .unwrap();
        assert_eq!(by_image.corrupted(), count);
        let by_margin = margin(eta, &path, PmdType::I, true)
            .inject(&labels, 10, 2)
            .unwrap();
        assert_eq!(by_margin.corrupted(), count);
        if eta > 0.05 && eta < 0.9 {
            check_bins(&by_image);
            check_bins(&by_margin);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_larger_rate_only_adds_corrupted_labels(
        low in 0.0..=1.0, high in 0.0..=1.0, std in 0.01..=1.0, n in 1_usize..300, exact_count: bool, seed: u64,
    ) {
        let (low, high): (f64, f64) = if low <= high { (low, high) } else { (high, low) };
        let pixels: Vec<u8> = (0..4 * n).map(|i| (i * 37 % 251) as u8).collect();
        let images = memdil_data::Images::new(1, 2, 2, pixels).unwrap();
        let images = Inputs::new(images, &[0.5], &[0.25], Input::Native).unwrap();
        let clean: Vec<u32> = (0..n).map(|i| (i * i % 4) as u32).collect();
        let logits = Array2::from_shape_fn((n, 4), |(i, k)| ((i * 31 + k * 17) % 23) as f32 / 4.0);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logits.npy");
        write_npy(&path, &logits).unwrap();
        let by_image = |eta| LabelNoise::Instance { eta, std, exact_count }.inject_with_images(&clean, &images, 4, seed).unwrap();
        let by_margin = |eta| margin(eta, &path, PmdType::II, exact_count).inject(&clean, 4, seed).unwrap();
        for (less, more) in [(by_image(low), by_image(high)), (by_margin(low), by_margin(high))] {
            for i in 0..n {
                prop_assert!(!less.mask()[i] || less.observed()[i] == more.observed()[i], "{} {i}", less.kind());
            }
            let pairs = less.flip_probabilities().unwrap().iter().zip(more.flip_probabilities().unwrap());
            prop_assert!(pairs.into_iter().all(|(less, more)| *less <= more + 1e-12));
            if exact_count {
                prop_assert_eq!(more.corrupted(), (high * n as f64).round() as usize);
            }
        }
        prop_assert_eq!(by_image(low), by_image(low));
    }
}

#[test]
fn files_keep_the_flip_probabilities() {
    let (images, labels) = fashion();
    let noisy = instance(0.2, false)
        .inject_with_images(&labels, &images, 10, 0)
        .unwrap();
    let mut file = std::io::Cursor::new(Vec::new());
    noisy.write_npz(&mut file).unwrap();
    assert_eq!(NoisyLabels::read_npz(file).unwrap(), noisy);
    // Other kinds are unaffected by the images and have no such array.
    let uniform = LabelNoise::Uniform {
        eta: 0.2,
        exact_count: false,
    };
    let with_images = uniform.inject_with_images(&labels, &images, 10, 1).unwrap();
    assert_eq!(with_images, uniform.inject(&labels, 10, 1).unwrap());
    assert_eq!(with_images.flip_probabilities(), None);
}

#[test]
fn labels_are_pinned() {
    // Published runs depend on these labels, on every platform.
    let (images, labels) = fashion();
    let hash = |noisy: &NoisyLabels| {
        let sum = noisy.observed().iter().fold(0_u64, |sum, &label| {
            sum.wrapping_mul(31).wrapping_add(label.into())
        });
        format!("{sum:016x}")
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logits.npy");
    let logits = Array2::from_shape_fn((6000, 10), |(i, k)| ((i * 31 + k * 17) % 23) as f32 / 4.0);
    write_npy(&path, &logits).unwrap();
    let found = [
        hash(
            &instance(0.3, false)
                .inject_with_images(&labels, &images, 10, 42)
                .unwrap(),
        ),
        hash(
            &instance(0.3, true)
                .inject_with_images(&labels, &images, 10, 42)
                .unwrap(),
        ),
        hash(
            &margin(0.3, &path, PmdType::I, false)
                .inject(&labels, 10, 42)
                .unwrap(),
        ),
        hash(
            &margin(0.3, &path, PmdType::I, true)
                .inject(&labels, 10, 42)
                .unwrap(),
        ),
    ];
    let pinned = [
        "b51fbc8fed3e595c",
        "9845afbbe156a2e1",
        "0418ef7662fad75f",
        "393daff12df75144",
    ];
    assert_eq!(found, pinned);
}

#[test]
fn instance_noise_needs_three_classes_and_its_images() {
    let (images, labels) = fashion();
    let noise = instance(0.2, false);
    let message =
        |result: Result<NoisyLabels, memdil_data::DataError>| result.unwrap_err().to_string();
    let two = message(noise.inject_with_images(&[0, 1], &images, 2, 0));
    assert!(two.contains("at least 3 classes, but there are 2"), "{two}");
    let none = message(noise.inject(&labels, 10, 0));
    assert!(none.contains("needs the images"), "{none}");
    let few = message(noise.inject_with_images(&labels[..10], &images, 10, 0));
    assert!(few.contains("6000 images for 10 labels"), "{few}");
    for std in [0.0, -0.1, 1.5, f64::NAN, f64::INFINITY, 1e-7] {
        let noise = LabelNoise::Instance {
            eta: 0.2,
            std,
            exact_count: false,
        };
        let wrong = message(noise.inject_with_images(&labels, &images, 10, 0));
        assert!(wrong.contains("std = "), "{wrong}");
    }
    assert_eq!(noise.expected_transition(10), None);
}

#[test]
fn unusable_logits_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let clean = [0, 1, 2, 0];
    let good = Array2::from_shape_fn((4, 3), |(i, k)| (i + 2 * k) as f64 / 3.0);
    let save = |name: &str, logits: &Array2<f64>| {
        let path = folder.path().join(name);
        write_npy(&path, logits).unwrap();
        path
    };
    let mut nan = good.clone();
    nan[[2, 1]] = f64::NAN;
    let mut certain = good.clone();
    certain[[3, 0]] = 1000.0;
    let archive = |name: &str, clean: [u32; 4]| {
        let path = folder.path().join(name);
        let mut npz = NpzWriter::new(std::fs::File::create(&path).unwrap());
        npz.add_array("logits", &good).unwrap();
        npz.add_array("clean_labels", &Array1::from(clean.to_vec()))
            .unwrap();
        npz.finish().unwrap();
        path
    };
    let long = good.clone().into_shape_with_order((6, 2)).unwrap();
    let wide = good
        .clone()
        .into_shape_with_order((3, 4))
        .unwrap()
        .reversed_axes()
        .into_owned();
    for (path, eta, parts) in [
        (
            save("rows.npy", &good.slice(ndarray::s![..3, ..]).to_owned()),
            0.2,
            ["rows.npy: holds logits of 3 samples", "training set has 4"],
        ),
        (
            save("long.npy", &long),
            0.2,
            ["logits of 6 samples", "has 4"],
        ),
        (
            save("nan.npy", &nan),
            0.2,
            ["nan.npy", "row 2, column 1 is NaN"],
        ),
        (
            save("certain.npy", &certain),
            0.9,
            ["1 of 4 samples", "largest reachable eta is 0.75"],
        ),
        (
            archive("order.npz", [0, 2, 1, 0]),
            0.2,
            ["clean label in row 1 is 2", "another order"],
        ),
        (
            folder.path().join("gone.npy"),
            0.2,
            ["gone.npy", "cannot be read"],
        ),
    ] {
        let error = margin(eta, &path, PmdType::I, false)
            .inject(&clean, 3, 0)
            .unwrap_err()
            .to_string();
        assert!(
            parts.iter().all(|part| error.contains(part)) && !error.contains('\n'),
            "{error}"
        );
    }
    assert!(
        margin(0.75, &save("certain.npy", &certain), PmdType::I, false)
            .inject(&clean, 3, 0)
            .is_ok()
    );
    assert!(
        margin(0.2, &archive("good.npz", clean), PmdType::I, false)
            .inject(&clean, 3, 0)
            .is_ok()
    );
    let columns = margin(0.2, &save("wide.npy", &wide), PmdType::I, false)
        .inject(&[0, 1, 2, 0], 4, 0)
        .unwrap_err();
    assert!(
        columns
            .to_string()
            .contains("has 3 columns, but there are 4 classes"),
        "{columns}"
    );
    let named = |path: &Path, column: &str| LabelNoise::Margin {
        eta: 0.2,
        logits: path.to_owned(),
        column: Some(column.to_owned()),
        pmd_type: PmdType::I,
        exact_count: false,
    };
    let archive = archive("good.npz", clean);
    assert!(named(&archive, "logits").inject(&clean, 3, 0).is_ok());
    let missing = named(&archive, "other")
        .inject(&clean, 3, 0)
        .unwrap_err()
        .to_string();
    assert!(missing.contains("no array other"), "{missing}");
    let plain = named(&save("plain.npy", &good), "logits")
        .inject(&clean, 3, 0)
        .unwrap_err()
        .to_string();
    assert!(plain.contains("omit `column`"), "{plain}");
    let high = margin(1.1, &archive, PmdType::I, false)
        .inject(&clean, 3, 0)
        .unwrap_err();
    assert!(high.to_string().contains("eta = 1.1"));
    assert!(matches!(
        margin(0.9, &save("certain.npy", &certain), PmdType::I, true).inject(&clean, 3, 0),
        Err(memdil_data::DataError::Noise(NoiseError::Unreachable {
            certain: 1,
            n: 4,
            ..
        }))
    ));
}

#[test]
fn settings_round_trip() {
    for (text, written) in [
        (
            r#"{"kind":"instance","eta":0.2}"#,
            r#"{"kind":"instance","eta":0.2,"std":0.1}"#,
        ),
        (
            r#"{"kind":"instance","eta":0.2,"std":0.05,"exact_count":true}"#,
            r#"{"kind":"instance","eta":0.2,"std":0.05,"exact_count":true}"#,
        ),
        (
            r#"{"kind":"margin","eta":0.2,"logits":"l.npy"}"#,
            r#"{"kind":"margin","eta":0.2,"logits":"l.npy","pmd_type":"I"}"#,
        ),
        (
            r#"{"kind":"margin","eta":0.2,"logits":"l.npz","column":"a","pmd_type":"III"}"#,
            r#"{"kind":"margin","eta":0.2,"logits":"l.npz","column":"a","pmd_type":"III"}"#,
        ),
    ] {
        let noise: LabelNoise = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&noise).unwrap(), written);
        assert!(noise.validate_for(3).is_ok());
    }
    for (text, part) in [
        (
            r#"{"kind":"instance","eta":0.2,"logits":"l.npy"}"#,
            "logits",
        ),
        (r#"{"kind":"margin","eta":0.2}"#, "logits"),
        (
            r#"{"kind":"margin","eta":0.2,"logits":"l.npy","pmd_type":"IV"}"#,
            "`III`",
        ),
    ] {
        let message = serde_json::from_str::<LabelNoise>(text)
            .unwrap_err()
            .to_string();
        assert!(message.contains(part), "{message}");
    }
}
