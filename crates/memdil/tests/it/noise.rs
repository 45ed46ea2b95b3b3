//! `memdil noise` on real files: the label-noise file and the summary.

use std::fs;

use memdil_data::NoisyLabels;
use ndarray::{Array1, Array2, array};
use ndarray_npy::write_npy;
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
