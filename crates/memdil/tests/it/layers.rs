//! The metrics of layers through the real program.

use std::fs;

use serde_json::Value;

use crate::common::Scene;
use crate::train::{refuse, scene};

fn object(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn number(value: &Value, path: &str) -> f64 {
    let found = value.pointer(path).and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("{path} in {value}"))
}

fn last_epoch(scene: &Scene, run: &str) -> Value {
    let metrics = fs::read_to_string(scene.path(run).join("metrics.jsonl")).unwrap();
    object(metrics.lines().last().unwrap())
}

#[test]
fn exported_layers_have_the_metrics_of_the_record() {
    let scene = scene();
    scene.succeed("train --config e.toml --out run --set training.evaluate_layers=true");
    let recorded = last_epoch(&scene, "run");
    let found = object(&scene.succeed("eval --run run --layers --layers-out out --json"));
    assert_eq!(found["layers"], recorded["layers"]);
    assert_eq!(
        found["layers_dilation_ratio"],
        recorded["layers_dilation_ratio"]
    );
    let layers = recorded["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 3);
    for (index, layer) in layers.iter().enumerate() {
        assert_eq!(layer["name"], format!("blocks.{index}"));
        let file = format!("out/{index:02}-blocks.{index}.npz");
        let measured = object(&scene.succeed(&format!("metrics --features {file} --json")));
        assert_eq!(measured["dim"], layer["width"]);
        for (ours, theirs) in [
            ("/nc1", "/nc1"),
            ("/memorization_mean", "/memorization_mean"),
            ("/test_dilation", "/test/dilation"),
        ] {
            let (ours, theirs) = (number(layer, ours), number(&measured, theirs));
            assert!(
                (ours - theirs).abs() <= 1e-12 * theirs.abs(),
                "{file}: {ours}, measured {theirs}"
            );
        }
    }
    // The last block is the penultimate features, whose metrics the record has too.
    for (layer, epoch) in [
        ("/nc1", "/nc1"),
        ("/memorization_mean", "/memorization_mean"),
        ("/separation", "/separation"),
        ("/test_dilation", "/test/dilation"),
    ] {
        let (layer, epoch) = (number(&layers[2], layer), number(&recorded, epoch));
        assert!(
            (layer - epoch).abs() <= 1e-12 * epoch.abs(),
            "{layer} {epoch}"
        );
    }
}

#[test]
fn layers_are_measured_only_on_request() {
    let scene = scene();
    scene.succeed("train --config e.toml --out run");
    assert!(last_epoch(&scene, "run").get("layers").is_none());
    let config = fs::read_to_string(scene.path("run/config.toml")).unwrap();
    assert!(!config.contains("evaluate_layers"), "{config}");
    let without = scene.succeed("eval --run run");
    assert!(!without.contains("blocks.0"), "{without}");
    let with = scene.succeed("eval --run run --layers");
    assert!(
        with.starts_with(without.split("\n\n").next().unwrap()),
        "{with}"
    );
    let lines: Vec<&str> = with.lines().collect();
    let table = lines.iter().position(|&line| line == "layers").unwrap();
    assert!(lines[table + 1].contains("ncm-given"), "{with}");
    for index in 0..3 {
        let line = lines[table + 2 + index].trim_start();
        assert!(line.starts_with(&format!("blocks.{index} ")), "{with}");
        assert_eq!(line.split_whitespace().count(), 12, "{with}");
    }
    assert_eq!(lines.len(), table + 5);
}

#[test]
fn invalid_requests_for_layers_are_refused() {
    let scene = scene();
    refuse(
        &scene,
        "train --config e.toml --out run --set training.evaluate_layers=3",
        "evaluate_layers",
    );
    refuse(&scene, "eval --run none --layers", "contains no run");
    scene.succeed("train --config e.toml --out run");
    fs::write(scene.path("file"), "").unwrap();
    refuse(
        &scene,
        "eval --run run --layers-out file",
        "--layers-out file: file is a file, not a folder; give another path",
    );
}
