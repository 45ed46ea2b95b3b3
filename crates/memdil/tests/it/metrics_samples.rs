//! `memdil metrics` with the metrics of single classes and the scores of single samples.

use std::fs::File;
use std::path::Path;

use ndarray::{Array1, Array2, OwnedRepr, array};
use ndarray_npy::{NpzReader, write_npy};
use serde_json::Value;

use crate::common::Scene;
use crate::metrics::Golden;

const ALL: &str =
    "--features h.npy --labels y.npy --clean-labels c.npy --classifier W.npy --bias b.npy";

fn json(scene: &Scene, arguments: &str) -> Value {
    serde_json::from_str(&scene.succeed(&format!("{arguments} --json"))).unwrap()
}

struct Scores(NpzReader<File>);

impl Scores {
    fn open(path: &Path) -> Self {
        Self(NpzReader::new(File::open(path).unwrap()).unwrap())
    }

    fn names(&mut self) -> Vec<String> {
        let mut names = self.0.names().unwrap();
        names.sort();
        names
    }

    fn labels(&mut self, name: &str) -> Array1<i64> {
        self.0.by_name::<OwnedRepr<i64>, _>(name).unwrap()
    }

    fn score(&mut self, name: &str) -> Array1<f64> {
        self.0.by_name::<OwnedRepr<f64>, _>(name).unwrap()
    }
}

#[track_caller]
fn assert_close(found: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    let error = (found - expected).abs();
    assert!(error <= 1e-9 * expected.abs(), "{found}, not {expected}");
}

/// The share of pairs of a corrupted and another sample in which the corrupted one has the larger
/// score.
fn share_of_pairs(scores: &Array1<f64>, corrupted: &[bool]) -> f64 {
    let of = |wanted: bool| {
        let pairs = scores.iter().zip(corrupted);
        pairs
            .filter(move |(_, own)| **own == wanted)
            .map(|(score, _)| *score)
    };
    let pairs = of(true).flat_map(|one| of(false).map(move |other| (one, other)));
    let above = pairs.clone().filter(|(one, other)| one > other).count() as f64;
    let ties = pairs.clone().count() as f64 - above - pairs.filter(|(a, b)| a < b).count() as f64;
    (above + ties / 2.0) / (of(true).count() * of(false).count()) as f64
}

#[test]
fn classes_add_up_to_the_metrics() {
    let (scene, golden) = (Scene::new("metrics"), Golden::read("metrics_b"));
    golden.write_npy(&scene);
    let found = json(&scene, &format!("{ALL} --per-class"));
    let classes = found["per_class"]["classes"].as_array().unwrap();
    assert_eq!(classes.len(), 10);
    let column = |key: &'static str| classes.iter().map(move |of| of[key].as_f64().unwrap());
    assert_close(column("samples").sum(), &Value::from(500.0));
    assert_close(column("memorization_sum").sum(), &found["memorization_sum"]);
    let within = column("variance")
        .zip(column("samples"))
        .map(|(v, n)| v * n)
        .sum::<f64>()
        / 500.0;
    let between = column("mean_norm")
        .map(|length| length * length)
        .sum::<f64>()
        / 10.0;
    assert_close(within / between, &found["nc1_ratio"]);
    let worst = found["per_class"]["worst"].as_u64().unwrap() as usize;
    let least = column("nearest_mean").fold(1.0, f64::min);
    assert_close(
        column("nearest_mean").nth(worst).unwrap(),
        &Value::from(least),
    );
    assert_eq!(found["per_class"]["angles"].as_array().unwrap().len(), 10);

    // Everything else is as without the option, where the key is absent.
    let mut rest = found;
    rest.as_object_mut().unwrap().remove("per_class");
    assert_eq!(rest, json(&scene, ALL));

    let table = scene.succeed(&format!("{ALL} --per-class"));
    let after = table.split("\nper class\n").nth(1).unwrap();
    let header: Vec<&str> = after.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header[..4], ["class", "samples", "variance", "mean_norm"]);
    assert_eq!(header.len(), 9);
    assert!(
        after.contains(&format!("  worst class: {worst}\n")),
        "{after}"
    );
    assert!(
        after.contains("angles between class means (degrees)"),
        "{after}"
    );
}

#[test]
fn scores_of_samples_are_written_and_ranked() {
    let (scene, golden) = (Scene::new("metrics"), Golden::read("metrics_b"));
    golden.write_npy(&scene);
    // Every score separates the corrupted samples of the golden file perfectly; these do not depend
    // on the features.
    let given: Array1<i64> = ndarray_npy::read_npy(scene.path("y.npy")).unwrap();
    let clean = given.indexed_iter().map(|(row, label)| {
        if row % 3 == 0 {
            (label + 1) % 10
        } else {
            *label
        }
    });
    write_npy(scene.path("c.npy"), &clean.collect::<Array1<i64>>()).unwrap();
    let found = json(&scene, &format!("{ALL} --samples scores.npz"));
    let mut scores = Scores::open(&scene.path("scores.npz"));
    let names = [
        "alignment_clean",
        "alignment_given",
        "clean_labels",
        "distance_clean",
        "distance_given",
        "labels",
        "loss",
        "margin",
    ];
    assert_eq!(scores.names(), names);
    let (labels, clean) = (scores.labels("labels"), scores.labels("clean_labels"));
    let corrupted: Vec<bool> = labels.iter().zip(&clean).map(|(a, b)| a != b).collect();
    let moved = scores.score("distance_clean");
    let moved = moved
        .iter()
        .zip(&corrupted)
        .filter(|(_, corrupted)| **corrupted);
    assert_close(
        moved.map(|(distance, _)| distance).sum(),
        &found["memorization_sum"],
    );
    assert_close(scores.score("loss").mean().unwrap(), &found["nll"]);
    let right = scores
        .score("margin")
        .iter()
        .filter(|margin| **margin > 0.0)
        .count();
    assert_close(right as f64 / 500.0, &found["accuracy"]);

    let ranking = found["ranking"].as_object().unwrap();
    assert_eq!(ranking.len(), 4);
    for (name, sign) in [
        ("distance_given", 1.0),
        ("alignment_given", -1.0),
        ("loss", 1.0),
        ("margin", -1.0),
    ] {
        let expected = share_of_pairs(&(scores.score(name) * sign), &corrupted);
        assert!((0.3..0.7).contains(&expected), "{name}: {expected}");
        assert_close(expected, &ranking[name]["auroc"]);
        let precision = ranking[name]["average_precision"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&precision), "{name}: {precision}");
    }
    let table = scene.succeed(&format!("{ALL} --samples scores.npz"));
    assert!(table.contains("ranking of corrupted samples\n"), "{table}");

    // Without clean labels and last layer only the geometry for the given labels is known.
    let found = json(&scene, "--features h.npy --labels y.npy --samples few.npz");
    assert!(found.get("ranking").is_none(), "{found}");
    let mut few = Scores::open(&scene.path("few.npz"));
    assert_eq!(few.names(), ["alignment_given", "distance_given", "labels"]);
    // Sums over other groups of samples differ in rounding.
    let difference = few.score("distance_given") - scores.score("distance_given");
    assert!(difference.iter().all(|error| error.abs() < 1e-12));
}

#[test]
fn logits_alone_give_loss_and_margin() {
    let scene = Scene::new("metrics");
    write_npy(
        scene.path("l.npy"),
        &array![[2.0, 0.0], [0.5, 1.0], [3.0, 0.0]],
    )
    .unwrap();
    write_npy(scene.path("y.npy"), &array![0_u8, 1, 1]).unwrap();
    write_npy(scene.path("c.npy"), &array![0_u8, 1, 0]).unwrap();
    let arguments = "--logits l.npy --labels y.npy --clean-labels c.npy --samples s.npz";
    let found = json(&scene, arguments);
    let perfect = serde_json::json!({ "auroc": 1.0, "average_precision": 1.0 });
    assert_eq!(
        found["ranking"],
        serde_json::json!({ "loss": perfect, "margin": perfect })
    );
    let mut scores = Scores::open(&scene.path("s.npz"));
    assert_eq!(scores.names(), ["clean_labels", "labels", "loss", "margin"]);
    assert_eq!(scores.score("margin"), array![2.0, 0.5, -3.0]);
    scene.refuse("--logits l.npy --labels y.npy --per-class", &["--features"]);
}

#[test]
fn undefined_scores_are_left_out_with_the_reason() {
    let scene = Scene::new("metrics");
    // The mean of class 2 is that of all samples, and class 2 has no uncorrupted sample.
    let features = array![
        [-3.0, 1.0],
        [-3.0, -1.0],
        [3.0, 2.0],
        [3.0, -2.0],
        [0.0, 1.0],
        [0.0, -1.0]
    ];
    write_npy(scene.path("h.npy"), &features).unwrap();
    write_npy(scene.path("y.npy"), &array![0_u8, 0, 1, 1, 2, 2]).unwrap();
    write_npy(scene.path("c.npy"), &array![2_u8, 0, 1, 1, 0, 0]).unwrap();
    let arguments =
        "--features h.npy --labels y.npy --clean-labels c.npy --per-class --samples s.npz";
    let found = json(&scene, arguments);
    assert_eq!(
        Scores::open(&scene.path("s.npz")).names(),
        ["clean_labels", "distance_given", "labels"]
    );
    let reason = |name: &str| found["undefined"][name].as_str().unwrap();
    assert!(reason("samples.alignment_given").contains("class 2 equals the global mean"));
    assert!(reason("samples.distance_clean").contains("class 2 has no uncorrupted sample"));
    assert_eq!(found["per_class"]["angles"][0][2], Value::Null);
    assert_eq!(found["ranking"].as_object().unwrap().len(), 1);
    let output = scene.run(arguments);
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("samples.alignment_given"), "{notes}");
}

#[test]
fn impossible_outputs_are_refused_before_any_work() {
    let scene = Scene::new("metrics");
    // The features do not exist, but the output is checked first.
    let refuse = |out: &str, expected: &[&str]| {
        scene.refuse(
            &format!("--features h.npy --labels y.npy --samples {out}"),
            expected,
        );
    };
    refuse("scores.csv", &["--samples scores.csv", ".npz"]);
    refuse(
        "none/scores.npz",
        &["--samples none/scores.npz", "does not exist"],
    );
    write_npy(scene.path("h.npy"), &Array2::<f32>::eye(2)).unwrap();
    write_npy(scene.path("y.npy"), &array![0_u8, 1, 1]).unwrap();
    refuse("scores.npz", &["labels (y.npy) has 3 entries"]);
    assert!(!scene.path("scores.npz").exists());
}
