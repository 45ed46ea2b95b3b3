//! `memdil noise` on real files: the label-noise file and the summary.

use std::fs;

use memdil_data::{DataSpec, NoisyLabels, Source, load};
use ndarray::{Array1, Array2, Array3, array};
use ndarray_npy::{NpzWriter, write_npy};
use serde_json::Value;

use crate::common::Scene;

/// A folder with 1000 labels of ten classes.
fn scene() -> Scene {
    let scene = Scene::new("noise");
    let labels = Array1::from_shape_fn(1000, |i| ((i * i + i / 7) % 10) as i64);
    write_npy(scene.path("y.npy"), &labels).unwrap();
    scene
}

fn summary(scene: &Scene, arguments: &str) -> Value {
    let text = scene.succeed(&format!("{arguments} --json"));
    assert_eq!(text.matches('\n').count(), 1);
    serde_json::from_str(&text).unwrap()
}

const LABELS: &str = "--labels y.npy --classes 10 --out noisy.npz";

#[test]
fn every_kind_is_written_and_summarised() {
    let scene = scene();
    let matrix = Array2::from_shape_fn((10, 10), |(j, k)| if j == k { 0.55 } else { 0.05 });
    write_npy(scene.path("T.npy"), &matrix).unwrap();
    for (options, kind) in [
        ("--kind uniform --eta 0.4", "uniform"),
        ("--kind symmetric --eta 0.4 --seed 7", "symmetric"),
        ("--kind asymmetric --eta 0.4 --map cifar10", "asymmetric"),
        (
            "--kind asymmetric --eta 0.4 --map 1,2,3,4,5,6,7,8,9,0",
            "asymmetric",
        ),
        ("--kind pair --eta 0.4 --exact-count", "pair"),
        ("--kind transition --matrix T.npy", "transition"),
        (
            "--kind per_class --etas 0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9",
            "per_class",
        ),
        ("--kind per-class --range 0.1 0.5 --rebalance", "per_class"),
        ("--kind latent_class --eta 0.2 --split 0.5", "latent_class"),
    ] {
        let summary = summary(&scene, &format!("{LABELS} {options}"));
        let noisy = NoisyLabels::read(&scene.path("noisy.npz")).unwrap();
        assert_eq!(summary["kind"], kind);
        assert_eq!(
            (summary["n"].as_u64(), summary["classes"].as_u64()),
            (Some(1000), Some(10))
        );
        assert_eq!(summary["realised"].as_f64(), Some(noisy.realised()));
        assert_eq!(summary["requested"].as_f64(), Some(noisy.requested()));
        assert_eq!(
            summary["corrupted"].as_u64(),
            Some(noisy.corrupted() as u64)
        );
        assert_eq!(summary["seed"].as_u64(), Some(noisy.seed()));
        assert_eq!(summary["out"], "noisy.npz");
        let rows: Vec<Vec<f64>> = serde_json::from_value(summary["transition"].clone()).unwrap();
        assert_eq!(
            rows.concat(),
            noisy.transition().unwrap().into_raw_vec_and_offset().0
        );
        let columns = if kind == "latent_class" { 20 } else { 10 };
        assert!(rows.len() == 10 && rows.iter().all(|row| row.len() == columns));
        assert_eq!(
            summary.get("kept").is_some(),
            options.contains("--rebalance")
        );
        assert_eq!(
            summary.get("rates").is_some(),
            ["transition", "per_class"].contains(&kind)
        );
        if options.contains("--exact-count") {
            assert_eq!(summary["corrupted"], 400);
        }
    }
    assert_eq!(fs::read_dir(scene.path(".")).unwrap().count(), 3);
}

#[test]
fn equal_seeds_give_equal_bytes_and_files_read_back() {
    let scene = scene();
    let written = |options: &str| {
        summary(
            &scene,
            &format!("{LABELS} --kind uniform --eta 0.4 {options}"),
        );
        fs::read(scene.path("noisy.npz")).unwrap()
    };
    let first = written("--seed 3");
    assert_eq!(first, written("--seed 3"));
    assert_ne!(first, written("--seed 4"));
    fs::write(scene.path("kept.npz"), &first).unwrap();
    let summary = summary(
        &scene,
        &format!("{LABELS} --kind from_file --path kept.npz"),
    );
    assert_eq!(
        (summary["kind"].as_str(), summary["seed"].as_u64()),
        (Some("uniform"), Some(3))
    );
    assert_eq!(fs::read(scene.path("noisy.npz")).unwrap(), first);
}

/// Writes twelve 2 x 2 images of three classes, 0, 1, 2, 0, ..., and three test images.
fn write_images(scene: &Scene, name: &str) {
    let mut npz = NpzWriter::new(fs::File::create(scene.path(name)).unwrap());
    for (prefix, n) in [("", 12), ("test_", 3)] {
        let images = Array3::from_shape_fn((n, 2, 2), |(i, j, k)| (i * 37 + j * 91 + k * 53) as u8);
        let labels = Array1::from_shape_fn(n, |i| (i % 3) as i64);
        npz.add_array(format!("{prefix}images"), &images).unwrap();
        npz.add_array(format!("{prefix}labels"), &labels).unwrap();
    }
    npz.finish().unwrap();
}

#[test]
fn noise_that_depends_on_images_reads_them_and_their_labels() {
    let scene = scene();
    let source = "--source fashion-mnist-embedded --out noisy.npz";
    let instance = summary(
        &scene,
        &format!("{source} --kind instance --eta 0.3 --exact-count --seed 4"),
    );
    assert_eq!(
        (&instance["n"], &instance["classes"]),
        (&6000.into(), &10.into())
    );
    assert_eq!(instance["corrupted"], 1800);
    let noisy = NoisyLabels::read(&scene.path("noisy.npz")).unwrap();
    let labels = load(&DataSpec::new(Source::FashionMnistEmbedded), &[])
        .unwrap()
        .train
        .labels;
    assert_eq!(noisy.clean(), labels);
    let rates = noisy.flip_probabilities().unwrap();
    assert!(rates.len() == 6000 && rates.iter().any(|&rate| rate > 0.4));

    // The same labels in a file give the same result, and the width of the rates is an option.
    let labels = Array1::from_iter(labels.iter().map(|&label| i64::from(label)));
    write_npy(scene.path("fashion.npy"), &labels).unwrap();
    let bytes = fs::read(scene.path("noisy.npz")).unwrap();
    let agreeing = format!(
        "{source} --labels fashion.npy --classes 10 --kind instance --eta 0.3 --exact-count --seed 4"
    );
    scene.succeed(&agreeing);
    assert_eq!(fs::read(scene.path("noisy.npz")).unwrap(), bytes);
    scene.succeed(&format!("{agreeing} --std 0.01"));
    let narrow = NoisyLabels::read(&scene.path("noisy.npz")).unwrap();
    assert!(
        narrow
            .flip_probabilities()
            .unwrap()
            .iter()
            .all(|rate| (rate - 0.3).abs() < 0.06)
    );

    write_images(&scene, "own.npz");
    let own = "--images own.npz --out noisy.npz";
    let summary_of_own = summary(
        &scene,
        &format!("{own} --kind instance --eta 0.5 --exact-count"),
    );
    assert_eq!(
        (&summary_of_own["n"], &summary_of_own["corrupted"]),
        (&12.into(), &6.into())
    );
    // Other kinds take the labels of the images too.
    let pair = summary(
        &scene,
        &format!("{own} --kind pair --eta 0.5 --exact-count"),
    );
    assert_eq!((&pair["n"], &pair["classes"]), (&12.into(), &3.into()));

    fs::write(
        scene.path("other.csv"),
        "0\n1\n2\n0\n1\n1\n0\n1\n2\n0\n1\n2\n",
    )
    .unwrap();
    let missing = "noise instance needs the images of the samples, but only labels are given; add --images FILE.npz or --source NAME";
    for (arguments, expected) in [
        (format!("{LABELS} --kind instance --eta 0.1"), missing),
        (format!("{own} --kind instance"), "missing field `eta`"),
        (
            format!("{own} --kind instance --eta 0.1 --std 0"),
            "std = 0",
        ),
        (format!("{own} --kind uniform --eta 0.1 --std 0.1"), "std"),
        (
            format!("{own} --kind pair --eta 0.1 --classes 4"),
            "--classes 4: own.npz has 3 classes",
        ),
        (
            format!("{own} --kind pair --eta 0.1 --labels y.npy"),
            "y.npy: holds 1000 labels, but there are 12 images of own.npz",
        ),
        (
            format!("{own} --kind pair --eta 0.1 --labels other.csv"),
            "other.csv: the label in row 5 is 1, but 2 in the images of own.npz",
        ),
        (
            "--images gone.npz --out noisy.npz --kind pair --eta 0.1".to_owned(),
            "gone.npz",
        ),
    ] {
        fs::remove_file(scene.path("noisy.npz")).ok();
        scene.refuse(&arguments, &[expected]);
        assert!(!scene.path("noisy.npz").exists(), "{arguments}");
    }
    // Problems with the options themselves are reported by the parser, with the usage.
    for arguments in [
        "--out noisy.npz --kind pair --eta 0.1",
        "--labels y.npy --out noisy.npz --kind pair --eta 0.1",
        "--images own.npz --source mnist --out noisy.npz --kind pair --eta 0.1",
        "--source mnits --out noisy.npz --kind pair --eta 0.1",
    ] {
        assert_eq!(scene.run(arguments).status.code(), Some(2), "{arguments}");
    }
}

#[test]
fn noise_that_depends_on_margins_reads_logits() {
    let scene = scene();
    let logits = Array2::from_shape_fn((1000, 10), |(i, k)| ((i * 31 + k * 17) % 23) as f32 / 4.0);
    write_npy(scene.path("l.npy"), &logits).unwrap();
    let mut npz = NpzWriter::new(fs::File::create(scene.path("l.npz")).unwrap());
    npz.add_array("logits", &logits).unwrap();
    npz.add_array("early", &(&logits * 0.1)).unwrap();
    npz.finish().unwrap();
    for options in [
        "--logits l.npy",
        "--logits l.npz",
        "--logits l.npz --column early",
        "--logits l.npz --pmd-type III",
    ] {
        let summary = summary(
            &scene,
            &format!("{LABELS} --kind margin --eta 0.25 --exact-count {options}"),
        );
        assert_eq!(
            (&summary["kind"], &summary["corrupted"]),
            (&"margin".into(), &250.into())
        );
        let noisy = NoisyLabels::read(&scene.path("noisy.npz")).unwrap();
        let mean = noisy.flip_probabilities().unwrap().iter().sum::<f64>() / 1000.0;
        assert!((mean - 0.25).abs() < 1e-12);
    }
    write_npy(
        scene.path("short.npy"),
        &logits.slice(ndarray::s![..999, ..]),
    )
    .unwrap();
    let mut nan = logits.clone();
    nan[[7, 3]] = f32::NAN;
    write_npy(scene.path("nan.npy"), &nan).unwrap();
    for (options, expected) in [
        ("", "missing field `logits`"),
        (
            "--logits short.npy",
            "short.npy: holds logits of 999 samples, but the training set has 1000",
        ),
        (
            "--logits nan.npy",
            "nan.npy: the logit in row 7, column 3 is NaN",
        ),
        ("--logits gone.npy", "gone.npy"),
        ("--logits l.npz --column late", "no array late"),
        ("--logits l.npy --pmd-type IV", "`III`"),
        ("--logits y.npy", "y.npy"),
    ] {
        fs::remove_file(scene.path("noisy.npz")).ok();
        scene.refuse(
            &format!("{LABELS} --kind margin --eta 0.25 {options}"),
            &[expected],
        );
        assert!(!scene.path("noisy.npz").exists(), "{options}");
    }
}

#[test]
fn the_table_shows_the_matrix() {
    let scene = scene();
    fs::write(scene.path("y.csv"), "label\n0\n1\n0\n1\n").unwrap();
    let table = scene.succeed("--labels y.csv --classes 2 --kind pair --eta 1 --out a.npz");
    let expected = "\
kind               pair
classes            2
n                  4
requested          1.000000
realised           1.000000
corrupted          4
seed               0
out                a.npz
transition (rows: clean classes, columns: observed classes)
  0.0000  1.0000
  1.0000  0.0000
";
    assert_eq!(table, expected);
    // The row of a class without labels is undefined, so the matrix is replaced by the reason.
    let summary = summary(
        &scene,
        "--labels y.csv --classes 3 --kind uniform --eta 0 --out a.npz",
    );
    assert!(summary.get("transition").is_none());
    assert!(
        summary["undefined"]["transition"]
            .as_str()
            .unwrap()
            .contains("class 2"),
        "{summary}"
    );
}

#[test]
fn bad_input_is_one_line_and_writes_nothing() {
    let scene = scene();
    let save = |name: &str, matrix: &Array2<f64>| write_npy(scene.path(name), matrix).unwrap();
    save("sum.npy", &array![[0.5, 0.5], [0.3, 0.3]]);
    save("columns.npy", &array![[0.9, 0.3], [0.1, 0.7]]);
    save("nan.npy", &array![[0.5, 0.5], [f64::NAN, 0.3]]);
    fs::write(scene.path("two.csv"), "0\n1\n").unwrap();
    fs::write(scene.path("bad.csv"), "0\nx\n").unwrap();
    fs::write(scene.path("three.csv"), "0\n1\n1\n").unwrap();
    let two = "--labels two.csv --classes 2 --out noisy.npz";
    for (arguments, expected) in [
        (format!("{LABELS} --kind uniform"), "missing field `eta`"),
        (format!("{LABELS} --kind uniform --eta 1.5"), "eta = 1.5"),
        (format!("{LABELS} --kind uniform --eta -0.5"), "eta = -0.5"),
        (format!("{LABELS} --kind uniform --eta nan"), "finite"),
        (
            format!("{LABELS} --kind uniform --eta 0.1 --split 0.5"),
            "split",
        ),
        (format!("{LABELS} --kind flip --eta 0.1"), "symmetric"),
        (
            format!("{LABELS} --kind asymmetric --eta 0.1 --map cifar100"),
            "`map` is for 100 classes, but there are 10",
        ),
        (
            format!("{LABELS} --kind asymmetric --eta 0.1 --map cifar20"),
            "\"cifar10\" or \"cifar100\"",
        ),
        (
            format!("{LABELS} --kind asymmetric --eta 0.1 --map 1;0"),
            "--map 1;0",
        ),
        (
            format!("{LABELS} --kind asymmetric --eta 0.1 --map 1,0"),
            "`map` is for 2 classes",
        ),
        (format!("{LABELS} --kind per_class"), "`etas`"),
        (
            format!("{LABELS} --kind per_class --etas 0.1,0.2"),
            "`etas` is for 2 classes",
        ),
        (
            format!("{two} --kind transition --matrix sum.npy"),
            "row 1 of the transition matrix sums to 0.6",
        ),
        (
            format!("{two} --kind transition --matrix columns.npy"),
            "columns.npy: the columns of the matrix sum to 1 but its rows do not",
        ),
        (
            format!("{two} --kind transition --matrix nan.npy"),
            "nan.npy: matrix[1][0] = NaN",
        ),
        (
            format!("{two} --kind transition --matrix two.csv"),
            "two.csv",
        ),
        (
            format!("{two} --kind from_file --path three.csv"),
            "three.csv: holds 3 labels",
        ),
        (
            format!("{two} --kind from_file --path gone.csv"),
            "gone.csv",
        ),
        (
            "--labels gone.npy --classes 2 --kind pair --eta 0.1 --out noisy.npz".to_owned(),
            "gone.npy",
        ),
        (
            "--labels bad.csv --classes 2 --kind pair --eta 0.1 --out noisy.npz".to_owned(),
            "bad.csv: line 2",
        ),
        (
            "--labels y.npy --classes 9 --kind pair --eta 0.1 --out noisy.npz".to_owned(),
            "y.npy: label 9 in row",
        ),
        (
            "--labels y.npy --classes 1 --kind pair --eta 0.1 --out noisy.npz".to_owned(),
            "classes = 1",
        ),
        (
            "--labels y.npy --classes 10 --kind pair --eta 0.1 --out noisy.npy".to_owned(),
            "noisy.npy",
        ),
        (
            "--labels y.npy --classes 10 --kind pair --eta 0.1 --out no/such/noisy.npz".to_owned(),
            "no/such",
        ),
    ] {
        scene.refuse(&arguments, &[expected]);
        assert!(!scene.path("noisy.npz").exists(), "{arguments}");
    }
}
