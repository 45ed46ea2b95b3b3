//! `memdil samples`

use std::fs;

use serde_json::Value;

use crate::common::{SETTINGS, Scene};

/// A folder with the finished run `one`, whose labels have noise of rate `eta`.
fn scene(eta: &str) -> Scene {
    let scene = Scene::new("");
    let settings = SETTINGS.replace("eta = 0.2", &format!("eta = {eta}"));
    fs::write(scene.path("e.toml"), settings).unwrap();
    scene.succeed("train --config e.toml --set training.epochs=3 --out one");
    scene
}

fn samples(scene: &Scene, arguments: &str) -> Vec<Value> {
    let text = scene.succeed(&format!("samples --run one --json {arguments}"));
    let parse = |line| serde_json::from_str(line).unwrap();
    text.lines().map(parse).collect()
}

#[test]
fn the_most_suspicious_sample_is_first() {
    let scene = scene("0.4");
    let all = samples(&scene, "--top 1000");
    assert_eq!(all.len(), 40);
    let losses: Vec<f64> = all
        .iter()
        .map(|sample| sample["mean_loss"].as_f64().unwrap())
        .collect();
    assert!(losses.is_sorted_by(|a, b| a >= b));
    let margins = samples(&scene, "--by mean_margin --top 1000");
    let margins: Vec<f64> = margins
        .iter()
        .map(|sample| sample["mean_margin"].as_f64().unwrap())
        .collect();
    assert!(margins.is_sorted());
    assert_eq!(samples(&scene, "").len(), 20);

    let names = ["T-shirt/top", "Trouser"];
    for sample in &all {
        assert!(names.contains(&sample["given"].as_str().unwrap()));
        assert!(names.contains(&sample["clean"].as_str().unwrap()));
    }
    let table = scene.succeed("samples --run one --top 3");
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.contains("clean"), "{table}");
}

#[test]
fn a_file_lists_all_samples() {
    let scene = scene("0.4");
    let printed = scene.succeed("samples --run one --csv list.csv");
    assert!(printed.is_empty());
    let text = fs::read_to_string(scene.path("list.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 41);
    assert_eq!(
        lines[0],
        "index,given,clean,mean_loss,mean_margin,forgetting_events,given_since,distance_given,alignment_given"
    );
    scene.succeed("samples --run one --csv list.csv --top 5");
    let text = fs::read_to_string(scene.path("list.csv")).unwrap();
    assert_eq!(text.lines().count(), 6);
}

/// If no label is corrupted, the clean labels are the given ones and are not listed.
#[test]
fn clean_labels_are_listed_only_with_noise() {
    let scene = scene("0.0");
    assert!(samples(&scene, "")[0].get("clean").is_none());
    let table = scene.succeed("samples --run one");
    assert!(!table.contains("clean"), "{table}");
}

#[test]
fn missing_scores_are_errors() {
    let scene = scene("0.4");
    scene.refuse("samples --run none", &["none: contains no finished run"]);
    scene.refuse("samples --run one --by loss", &["mean_loss, mean_margin"]);
    fs::write(scene.path("one/samples.npz"), "x").unwrap();
    scene.refuse("samples --run one", &["samples.npz", "damaged"]);
    fs::remove_file(scene.path("one/samples.npz")).unwrap();
    scene.refuse("samples --run one", &["samples.npz is missing"]);
}

#[test]
fn files_of_the_run_are_not_replaced() {
    let scene = scene("0.4");
    let before = fs::read(scene.path("one/metrics.jsonl")).unwrap();
    scene.refuse(
        "samples --run one --csv one/metrics.jsonl",
        &["--csv one/metrics.jsonl", "is in the folder of the run"],
    );
    assert_eq!(fs::read(scene.path("one/metrics.jsonl")).unwrap(), before);
    let features = fs::read(scene.path("one/features.npz")).unwrap();
    scene.refuse(
        "metrics --features one/features.npz --samples one/features.npz",
        &["--samples one/features.npz", "is an input file"],
    );
    assert_eq!(fs::read(scene.path("one/features.npz")).unwrap(), features);
}

#[test]
fn eval_prints_the_rankings_as_a_table() {
    let scene = scene("0.4");
    let table = scene.succeed("eval --run one");
    assert!(table.contains("ranking of corrupted samples"), "{table}");
    assert!(
        table.contains("mean_loss") && !table.contains('{'),
        "{table}"
    );
}
