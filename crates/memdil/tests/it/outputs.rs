//! Outputs that cannot be written are refused in one line, before any work.

use std::fs;

use crate::common::{SETTINGS, Scene};

const SEARCH: &str = r#"
[search]
trials = 1
epochs = 1
sampler = "random"
space = { "optimizer.learning_rate" = { low = 0.01, high = 0.1, scale = "log" } }
"#;

/// A folder with settings, labels, a manifest of one run, and obstacles to outputs.
fn scene() -> Scene {
    let scene = Scene::new("");
    fs::write(scene.path("e.toml"), format!("{SETTINGS}{SEARCH}")).unwrap();
    let layer_peeled = include_str!("../../../../experiments/layer-peeled.toml");
    fs::write(scene.path("l.toml"), layer_peeled).unwrap();
    fs::write(scene.path("y.csv"), "0\n1\n").unwrap();
    fs::write(scene.path("taken"), "mine").unwrap();
    fs::create_dir(scene.path("folder.npz")).unwrap();
    scene.succeed("sweep plan --config e.toml --out m.jsonl");
    scene
}

#[test]
fn a_file_cannot_be_an_output_folder() {
    let scene = scene();
    for command in [
        "train --config e.toml --out",
        "sweep run --manifest m.jsonl --all --out",
        "sweep run --manifest m.jsonl --index 0 --out",
        "sweep run --manifest m.jsonl --all --dry-run --out",
        "sweep status --manifest m.jsonl --out",
        "search --config e.toml --out",
        "layer-peeled --config l.toml --preset smoke --out",
        "report --theory --out",
    ] {
        for out in ["taken", "taken/below/it"] {
            let expected = format!("--out {out}: taken is a file, not a folder");
            scene.refuse(&format!("{command} {out}"), &[&expected]);
        }
    }
    assert_eq!(fs::read(scene.path("taken")).unwrap(), b"mine");
}

#[test]
fn downloads_into_a_file_are_refused() {
    let scene = scene();
    for folder in ["taken", "taken/below"] {
        scene.refuse(
            &format!("data fetch mnist --url http://127.0.0.1:9 --data-dir {folder}"),
            &["--data-dir", "taken is a file, not a folder"],
        );
    }
}

#[test]
fn a_folder_cannot_be_an_output_file() {
    let scene = scene();
    scene.succeed("train --config e.toml --out run");
    for command in [
        "noise --labels y.csv --classes 2 --kind pair --eta 0.5 --out",
        "data subset fashion-mnist-embedded --per-class 5 --out",
        "eval --run run --features-out",
    ] {
        for (out, expected) in [
            (
                "folder.npz",
                "folder.npz: is a folder; give the name of a file in it",
            ),
            ("taken/a.npz", "taken/a.npz: taken is a file, not a folder"),
            (
                "no/such/a.npz",
                "the folder no/such does not exist; create it",
            ),
        ] {
            scene.refuse(&format!("{command} {out}"), &[expected]);
        }
    }
}

#[test]
fn sweep_plan_creates_the_folder_of_the_manifest() {
    let scene = scene();
    let plan = "sweep plan --config e.toml --out";
    scene.refuse(
        &format!("{plan} folder.npz"),
        &["is a folder; give the name"],
    );
    scene.refuse(
        &format!("{plan} taken/m.jsonl"),
        &["taken is a file, not a folder"],
    );
    scene.succeed(&format!("{plan} made/for/it.jsonl"));
    assert!(scene.path("made/for/it.jsonl").is_file());
}

#[test]
fn a_file_cannot_be_a_folder_of_runs() {
    let scene = scene();
    for command in ["theory fit --runs taken", "report --out r --runs taken"] {
        scene.refuse(command, &["taken: is not a folder"]);
    }
}
