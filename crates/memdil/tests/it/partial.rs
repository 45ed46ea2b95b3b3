//! `memdil metrics` on inputs for which metrics are undefined, and on logits instead of a last
//! layer.

use ndarray::{Array1, Array2, array, s};
use ndarray_npy::write_npy;
use serde_json::Value;

use crate::common::Scene;

/// Three classes of four samples: `h.npy`, `y.npy` and logits `z.npy`, which are correct for two of
/// the classes.
fn scene() -> Scene {
    let scene = Scene::new("metrics");
    let features = Array2::from_shape_fn((12, 3), |(i, j)| {
        let near = if i % 3 == j { 5.0 } else { 0.0 };
        near + ((7 * i + 3 * j) % 5) as f32 / 4.0
    });
    let labels = Array1::from_shape_fn(12, |i| (i % 3) as i64);
    let logits = Array2::from_shape_fn((12, 3), |(i, j)| f32::from(i % 3 == j && j < 2) * 2.0);
    write_npy(scene.path("h.npy"), &features).unwrap();
    write_npy(scene.path("y.npy"), &labels).unwrap();
    write_npy(scene.path("z.npy"), &logits).unwrap();
    scene
}

fn json(scene: &Scene, arguments: &str) -> Value {
    let arguments = format!("--features h.npy --labels y.npy {arguments} --json");
    serde_json::from_str(&scene.succeed(&arguments)).unwrap()
}

#[test]
fn a_test_set_without_a_class() {
    let scene = scene();
    let features: Array2<f32> = ndarray_npy::read_npy(scene.path("h.npy")).unwrap();
    write_npy(scene.path("ht.npy"), &features.slice(s![..2, ..])).unwrap();
    write_npy(scene.path("yt.npy"), &array![0_i64, 1]).unwrap();
    let test = "--test-features ht.npy --test-labels yt.npy";
    let found = json(&scene, test);
    assert_eq!(found["nc1"], json(&scene, "")["nc1"]);
    assert_eq!(
        found["undefined"]["test.dilation"],
        "class 2 has no test sample"
    );
    assert_eq!(found["test"]["radius"], 0.0);
    let output = scene.run(&format!("--features h.npy --labels y.npy {test}"));
    let notes = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        notes,
        "note: test.cdnv, test.dilation, test.nc1_ratio, test.rho, test.separation have no value: \
         class 2 has no test sample\n"
    );
}

#[test]
fn zero_features_leave_metrics_undefined() {
    let scene = scene();
    write_npy(scene.path("h.npy"), &Array2::<f32>::zeros((12, 3))).unwrap();
    let found = json(&scene, "--logits z.npy");
    assert!(found["accuracy"].is_f64());
    assert!(found.get("nc1").is_none());
    assert!(
        found["undefined"]["nc1"]
            .as_str()
            .unwrap()
            .contains("coincide")
    );
}

#[test]
fn logits_replace_the_last_layer() {
    let scene = scene();
    let found = json(&scene, "--logits z.npy");
    // Class 2 has equal logits, and ties go to class 0.
    assert_eq!(found["accuracy"], 2.0 / 3.0);
    assert!(found["ece"].is_f64());
    assert!(found.get("nc4").is_none());
    let test = "--test-features h.npy --test-labels y.npy --test-logits z.npy";
    let found = json(&scene, test);
    assert_eq!(found["test"]["accuracy"], 2.0 / 3.0);
    assert!(found.get("accuracy").is_none());
}

#[test]
fn unusable_logits_are_refused() {
    let scene = scene();
    write_npy(scene.path("w.npy"), &Array2::<f32>::eye(3)).unwrap();
    write_npy(scene.path("b.npy"), &Array1::<f32>::zeros(3)).unwrap();
    write_npy(scene.path("p.npy"), &Array2::from_elem((12, 3), 1.0 / 3.0)).unwrap();
    write_npy(scene.path("short.npy"), &Array2::<f32>::zeros((11, 3))).unwrap();
    let arrays = "--features h.npy --labels y.npy";
    for (more, expected) in [
        ("--logits p.npy", ["p.npy", "np.log"]),
        ("--logits short.npy", ["11 rows", "needs 12"]),
        (
            "--classifier w.npy --bias b.npy --logits z.npy",
            ["z.npy", "leave out"],
        ),
        ("--test-logits z.npy", ["z.npy", "--test-labels"]),
    ] {
        scene.refuse(&format!("{arrays} {more}"), &expected);
    }
}

#[test]
fn labels_that_are_not_class_numbers_are_refused() {
    let scene = scene();
    for (labels, expected) in [
        ([3, 8, 3, 8, 3, 8], ["only 3 and 8", "np.unique"]),
        ([1, 2, 3, 1, 2, 3], ["start at 1", "subtract 1"]),
        ([0, 1, 2, 255, 1, 255], ["255 occurs 2 times", "y != 255"]),
    ] {
        let labels = Array1::from_shape_fn(12, |i| labels[i % 6]);
        write_npy(scene.path("y.npy"), &labels.mapv(i64::from)).unwrap();
        let expected = expected.map(|text| text.replace("2 times", "4 times"));
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        scene.refuse("--features h.npy --labels y.npy", &expected);
    }
}

#[test]
fn transition_refuses_probabilities() {
    let scene = Scene::new("transition");
    let rows = array![[0.8, 0.2, 0.0], [0.0, 0.8, 0.2], [0.2, 0.0, 0.8]];
    write_npy(scene.path("p.npy"), &rows).unwrap();
    scene.refuse("--logits p.npy", &["p.npy", "probabilities", "np.log"]);
    // With the remedy, the rows are returned.
    write_npy(scene.path("z.npy"), &rows.mapv(|p: f64| (p + 1e-30).ln())).unwrap();
    let found: Value =
        serde_json::from_str(&scene.succeed("--logits z.npy --quantile 1 --json")).unwrap();
    let first = found["transition"][0][0].as_f64().unwrap();
    assert!((first - 0.8).abs() < 1e-12, "{found}");
}
