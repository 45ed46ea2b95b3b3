//! Runs with truncated files, as after an interrupted copy or on a full disk.

use std::fs;
use std::path::PathBuf;

use crate::common::Scene;

const CONFIG: &str = r#"
experiment = "probe"
loss = { kind = "cross_entropy" }
noise = { kind = "uniform", eta = 0.2 }
model = { kind = "mlp", depth = 2, width = 8 }
optimizer = { kind = "sgd", learning_rate = 0.05, momentum = 0.9, weight_decay = 0.0005 }
schedule = { kind = "step", patience = 20, gamma = 0.1 }
training = { epochs = 3, batch_size = 16, evaluate_every = 1 }
seed = 0

[data]
source = "fashion-mnist-embedded"
classes = [0, 1]
images_per_class = 20
test_images_per_class = 10

[sweep]
seed = [0, 1]
"#;

/// Two runs, and the path of a file of the first.
fn scene(file: &str) -> (Scene, PathBuf) {
    let scene = Scene::new("");
    fs::write(scene.path("e.toml"), CONFIG).unwrap();
    scene.succeed("sweep plan --config e.toml --out m.jsonl");
    scene.succeed("sweep run --manifest m.jsonl --out runs --index 0,1");
    let text = fs::read_to_string(scene.path("m.jsonl")).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let path = scene
        .path("runs")
        .join(line["id"].as_str().unwrap())
        .join(file);
    (scene, path)
}

/// Checks that every command that reads the runs reports the damage.
fn assert_reported(scene: &Scene, expected: &str) {
    let parts = [expected, "run it again"];
    scene.refuse("theory fit --runs runs", &parts);
    scene.refuse("report --runs runs --out report", &parts);
    scene.refuse("report --runs runs --config e.toml --out report", &parts);
    let status = scene.succeed("sweep status --manifest m.jsonl --out runs");
    assert!(
        status.contains("1 completed") && status.contains(expected),
        "{status}"
    );
    // A damaged run counts as missing in a report on a manifest.
    scene.succeed("report --runs runs --manifest m.jsonl --out report");
    let report = fs::read_to_string(scene.path("report/report.md")).unwrap();
    assert!(report.contains("1 planned run is missing"), "{report}");
    scene.fail(
        "sweep run --manifest m.jsonl --out runs --index 0",
        2,
        &parts,
    );
}

#[test]
fn a_damaged_record_is_named() {
    let (scene, summary) = scene("summary.json");
    let whole = fs::read(&summary).unwrap();
    for (content, expected) in [
        (&whole[..200], "summary.json: damaged (EOF"),
        (b"<html>", "summary.json: damaged (expected value"),
        (b"", "summary.json: damaged (EOF"),
    ] {
        fs::write(&summary, content).unwrap();
        assert_reported(&scene, expected);
    }
}

#[test]
fn truncated_metrics_are_named() {
    let (scene, metrics) = scene("metrics.jsonl");
    let whole = fs::read(&metrics).unwrap();
    let second = whole.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    for (content, expected) in [
        (
            &whole[..whole.len() - 20],
            "metrics.jsonl: the last line is damaged (EOF",
        ),
        (
            &whole[..second],
            "metrics.jsonl: ends with epoch 1, but summary.json records 3 epochs",
        ),
        (
            b"",
            "metrics.jsonl: is empty, but summary.json records 3 epochs",
        ),
    ] {
        fs::write(&metrics, content).unwrap();
        assert_reported(&scene, expected);
    }
    fs::remove_file(&metrics).unwrap();
    assert_reported(
        &scene,
        "metrics.jsonl: is missing, but summary.json records 3 epochs",
    );
    // If config.toml is missing too, the record was kept alone on purpose.
    fs::remove_file(metrics.with_file_name("config.toml")).unwrap();
    scene.succeed("report --runs runs --out report");
}
