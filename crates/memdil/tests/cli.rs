//! The program as a user meets it: real processes, real files.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::Scene;

const CONFIG: &str = r#"
experiment = "cli"
seed = 0
loss = { kind = "cross_entropy" }

[data]
source = "fashion-mnist-embedded"
classes = [0, 1]
input = "native"
validation = 0.0
images_per_class = 60

[noise]
kind = "uniform"
eta = 0.4

[model]
kind = "mlp"
depth = 3
width = 16

[optimizer]
kind = "sgd"
learning_rate = 0.05
momentum = 0.9
weight_decay = 5e-4

[schedule]
kind = "step"
patience = 10
gamma = 0.1

[training]
epochs = 3
batch_size = 16
evaluate_every = 1

[sweep]
loss = [{ kind = "cross_entropy" }, { kind = "label_smoothing", alpha = 0.1 }]
seed = [0, 1]
"#;

/// A folder with the experiment file.
fn scene() -> Scene {
    let scene = Scene::new("");
    fs::write(scene.path("e.toml"), CONFIG).unwrap();
    scene
}

/// Exit status 2, one line that contains `expected`, and no file that was not there before.
fn refuse(scene: &Scene, arguments: &str, expected: &str) {
    let before = listing(&scene.path("."));
    scene.fail(arguments, 2, &[expected]);
    assert_eq!(listing(&scene.path(".")), before, "{arguments}");
}

fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(listing(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

fn idx(kind: u32, dimensions: &[u32], body: &[u8]) -> Vec<u8> {
    let header = [kind]
        .iter()
        .chain(dimensions)
        .flat_map(|v| v.to_be_bytes())
        .collect::<Vec<_>>();
    [header, body.to_vec()].concat()
}

/// A data set of 40 training and 20 test images in official files, one of them packed.
fn write_data(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (name, n) in [("train", 40u32), ("t10k", 20)] {
        let pixels: Vec<u8> = (0..n * 784)
            .map(|i| (i % 251) as u8 / (1 + (i / 784 % 2) as u8))
            .collect();
        let labels: Vec<u8> = (0..n).map(|i| (i % 2) as u8).collect();
        let images = fs::File::create(folder.join(format!("{name}-images-idx3-ubyte.gz"))).unwrap();
        let mut packed = flate2::write::GzEncoder::new(images, flate2::Compression::fast());
        packed.write_all(&idx(2051, &[n, 28, 28], &pixels)).unwrap();
        packed.finish().unwrap();
        fs::write(
            folder.join(format!("{name}-labels-idx1-ubyte")),
            idx(2049, &[n], &labels),
        )
        .unwrap();
    }
}

#[test]
fn train_then_again() {
    let scene = scene();
    let first = scene.succeed("train --config e.toml --out runs/a --set noise.eta=0.2");
    assert!(
        first.contains("3 epochs") && first.contains("test accuracy"),
        "{first}"
    );
    let again = scene.succeed("train --config e.toml --out runs/a --set noise.eta=0.2");
    assert!(again.contains("complete already"), "{again}");
    // The saved configuration is an experiment file.
    scene.succeed("train --config runs/a/config.toml --out runs/b");
    let seconds = |text: String| {
        text.lines()
            .map(|l| l.split(",\"seconds\"").next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let metrics =
        |run: &str| seconds(fs::read_to_string(scene.path(run).join("metrics.jsonl")).unwrap());
    assert_eq!(metrics("runs/a"), metrics("runs/b"));
    refuse(
        &scene,
        "train --config e.toml --out runs/a",
        "other settings",
    );

    // The features of a run give the metrics of its last line again.
    let object = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
    let found = object(&scene.succeed("metrics --features runs/a/features.npz --json"));
    let last = object(
        fs::read_to_string(scene.path("runs/a/metrics.jsonl"))
            .unwrap()
            .lines()
            .last()
            .unwrap(),
    );
    for name in [
        "/nc1",
        "/nc3",
        "/bias_collapse",
        "/ece",
        "/memorization_mean",
        "/test/dilation",
        "/test/accuracy",
    ] {
        let value = |object: &serde_json::Value| {
            object
                .pointer(name)
                .and_then(serde_json::Value::as_f64)
                .unwrap()
        };
        let (found, recorded) = (value(&found), value(&last));
        assert!(
            (found - recorded).abs() <= 1e-5 * recorded.abs(),
            "{name}: {found}, recorded {recorded}"
        );
    }
}

#[test]
fn official_files_are_read() {
    let scene = scene();
    write_data(&scene.path("data/fashion-mnist"));
    let set = "--set data.source=fashion-mnist --set data.images_per_class=20";
    scene.succeed(&format!(
        "train --config e.toml --data-dir data --out runs/a {set}"
    ));
    scene.succeed(&format!(
        "train --config e.toml --out runs/b {set} --set data.input=authors"
    ));
}

#[test]
fn own_images_are_found_in_the_data_folder() {
    let scene = scene();
    fs::create_dir(scene.path("own")).unwrap();
    scene.succeed("data subset fashion-mnist-embedded --classes 3,5 --per-class 30 --seed 1 --out own/mine.npz");
    let set = r#"--data-dir own --set data={npz="mine.npz"} --set training.epochs=1"#;
    scene.succeed(&format!("train --config e.toml --out run {set}"));
    assert!(
        fs::read_to_string(scene.path("run/config.toml"))
            .unwrap()
            .contains("classes = [0, 1]")
    );
    scene.succeed(&format!("sweep plan --config e.toml --out m.jsonl {set}"));
    scene.succeed("sweep run --manifest m.jsonl --out runs --index 0 --data-dir own");
    refuse(
        &scene,
        r#"train --config e.toml --out other --set data={npz="mine.npz"}"#,
        "mine.npz",
    );
}

#[test]
fn a_transition_matrix_is_estimated_and_used() {
    let scene = scene();
    scene.succeed("train --config e.toml --out early");
    let rows = scene.succeed("transition --logits early/features.npz");
    let transition: Vec<Vec<f64>> = serde_json::from_str(&rows).unwrap();
    assert!(
        transition.len() == 2
            && transition
                .iter()
                .all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-9)
    );
    // A fifth of the labels is wrong; three epochs are too few to believe them all.
    assert!(
        (0..2).all(|k| (0.6..0.999).contains(&transition[k][k])),
        "{rows}"
    );
    let set = |transition: &str| format!(r#"--set loss={{kind="forward_correction"{transition}}}"#);
    scene.succeed(&format!(
        "train --config e.toml --out given {}",
        set(&format!(",transition={}", rows.trim()))
    ));
    scene.succeed(&format!("train --config e.toml --out known {}", set("")));
    assert!(
        fs::read_to_string(scene.path("known/config.toml"))
            .unwrap()
            .contains("transition = [[0.8, 0.2], [0.2, 0.8]]")
    );
    refuse(
        &scene,
        &format!(
            "train --config e.toml --out x {}",
            set(",transition=[[1,0],[1,0]]")
        ),
        "no class is labelled 1",
    );
    refuse(
        &scene,
        "transition --logits early/noise.npz",
        "holds no array 'logits'",
    );
    refuse(
        &scene,
        "transition --logits early/features.npz --quantile 2",
        "quantile = 2 is outside (0, 1]",
    );
}

#[test]
fn bad_settings_are_refused() {
    let scene = scene();
    fs::write(scene.path("typo.toml"), CONFIG.replace("width", "widht")).unwrap();
    fs::write(scene.path("broken.toml"), "experiment = ").unwrap();
    fs::write(
        scene.path("stray.toml"),
        CONFIG.replace("[noise]", "[noise]\nrate = 1"),
    )
    .unwrap();
    fs::write(
        scene.path("alpha.toml"),
        CONFIG.replacen("\"cross_entropy\"", "\"cross_entropy\", alpha = 0.1", 1),
    )
    .unwrap();
    fs::write(scene.path("file"), "").unwrap();
    for (arguments, expected) in [
        ("--config e.toml --set noise.eta=1.5 --out runs/a", "1.5"),
        (
            "--config e.toml --set training.epochs=0 --out runs/a",
            "training.epochs = 0",
        ),
        (
            "--config e.toml --set data.classes=[0,11] --out runs/a",
            "11",
        ),
        ("--config e.toml --set data.classes=[3,3] --out runs/a", "3"),
        (
            "--config e.toml --set training.batch_size=7 --out runs/a",
            "last batch of one",
        ),
        (
            "--config e.toml --set data.images_per_class=601 --out runs/a",
            "601",
        ),
        ("--config e.toml --device tpu --out runs/a", "tpu"),
        ("--config e.toml --out file/run", "file/run"),
        ("--config typo.toml --out runs/a", "widht"),
        ("--config stray.toml --out runs/a", "rate"),
        ("--config alpha.toml --out runs/a", "alpha"),
        ("--config broken.toml --out runs/a", "broken.toml"),
        ("--config absent.toml --out runs/a", "absent.toml"),
        ("--config e.toml --preset quick --out runs/a", "quick"),
    ] {
        refuse(&scene, &format!("train {arguments}"), expected);
    }
}

#[test]
fn bad_data_is_refused() {
    let scene = scene();
    let train = "train --config e.toml --set data.source=fashion-mnist --set data.images_per_class=20 --out runs/a";
    refuse(&scene, &format!("{train} --data-dir nowhere"), "nowhere");
    let damage = [
        ("train-labels-idx1-ubyte", idx(2049, &[41], &[0; 41]), "41"),
        (
            "train-labels-idx1-ubyte",
            idx(2051, &[40], &[0; 40]),
            "2051",
        ),
        (
            "train-labels-idx1-ubyte",
            idx(2049, &[40], &[0; 39]),
            "train-labels",
        ),
        ("t10k-labels-idx1-ubyte", vec![0, 0], "t10k-labels"),
        (
            "t10k-images-idx3-ubyte.gz",
            vec![0x1f, 0x8b, 8, 0, 0],
            "t10k-images",
        ),
        (
            "t10k-labels-idx1-ubyte",
            idx(2049, &[20], &[0; 20]),
            "class 1",
        ),
    ];
    for (file, bytes, expected) in damage {
        write_data(&scene.path("data"));
        fs::write(scene.path("data").join(file), bytes).unwrap();
        refuse(&scene, &format!("{train} --data-dir data"), expected);
    }
    fs::remove_file(scene.path("data/t10k-labels-idx1-ubyte")).unwrap();
    refuse(&scene, &format!("{train} --data-dir data"), "data");
}

#[test]
fn a_sweep_from_plan_to_report() {
    let scene = scene();
    assert!(
        scene
            .succeed("sweep plan --config e.toml --out m.jsonl")
            .contains("4 runs")
    );
    scene.succeed("sweep run --manifest m.jsonl --out runs --index 2");
    let status = scene.succeed("sweep status --manifest m.jsonl --out runs --json");
    assert_eq!(
        status.trim(),
        r#"{"runs":4,"completed":1,"diverged":0,"begun":0,"missing":3,"damaged":[]}"#
    );
    scene.succeed("sweep run --manifest m.jsonl --out runs --all --jobs 2");
    let status = scene.succeed("sweep status --manifest m.jsonl --out runs");
    assert!(status.contains("4 completed"), "{status}");
    let table = scene.succeed("report --runs runs --out report");
    assert!(table.contains("inconclusive"), "{table}");
    for file in ["index.html", "report.md", "claims.json"] {
        assert!(
            scene.path("report").join(file).metadata().unwrap().len() > 0,
            "{file}"
        );
    }
    refuse(
        &scene,
        "sweep run --manifest m.jsonl --out runs --index 4",
        "runs 0 to 3",
    );
    refuse(&scene, "sweep run --manifest m.jsonl --out runs", "--index");
    refuse(
        &scene,
        "sweep run --manifest m.jsonl --out runs --all --jobs 0",
        "--jobs",
    );
    refuse(
        &scene,
        "sweep plan --config e.toml --set loss.alpha=0.2 --out m2.jsonl",
        "'loss'",
    );
    refuse(&scene, "frobnicate", "frobnicate");
    let manifest = fs::read_to_string(scene.path("m.jsonl")).unwrap();
    fs::write(scene.path("twice.jsonl"), manifest.repeat(2)).unwrap();
    refuse(
        &scene,
        "sweep run --manifest twice.jsonl --out runs --all",
        "line 5",
    );
    // A report can be bound to a manifest: runs of other settings in the folder do not count.
    scene.succeed("train --config e.toml --set training.epochs=5 --out runs/other");
    scene.succeed("report --runs runs --out bound --manifest m.jsonl");
    scene.succeed("report --runs runs --out unbound");
    let rows = |report: &str| {
        fs::read_to_string(scene.path(report).join("index.html"))
            .unwrap()
            .matches("cli_0-1_")
            .count()
    };
    assert_eq!((rows("bound"), rows("unbound")), (4, 5));
    // A run that is planned and not there is named.
    let planned = fs::read_dir(scene.path("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let one = planned
        .into_iter()
        .find(|path| !path.ends_with("other"))
        .unwrap();
    fs::rename(&one, scene.path("kept")).unwrap();
    scene.succeed("report --runs runs --out lacking --manifest m.jsonl");
    let page = fs::read_to_string(scene.path("lacking/index.html")).unwrap();
    let id = one.file_name().unwrap().to_string_lossy();
    assert!(
        page.contains(&format!(
            "1 planned run is missing here, failed or not made yet: {id}."
        )),
        "{id}"
    );
    // What is left to do, and how long it takes.
    let dry = scene.succeed("sweep run --manifest m.jsonl --out runs --all --jobs 2 --dry-run");
    assert_eq!(
        dry.lines()
            .filter(|line| line.trim_start().starts_with("done "))
            .count(),
        3,
        "{dry}"
    );
    assert!(
        dry.contains(&format!(" s  {id}")) && dry.contains("for 1 of 4 runs, 2 at a time"),
        "{dry}"
    );
    assert!(!one.exists());
    fs::rename(scene.path("kept"), &one).unwrap();
    // A damaged record is a failed run: it does not stop the others, and is missing in the report
    // of the plan.
    fs::write(one.join("summary.json"), "{bad").unwrap();
    let output = scene.run("sweep run --manifest m.jsonl --out runs --all");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("1 of 4 runs failed") && text.contains("summary.json: damaged"),
        "{text}"
    );
    let status = scene.succeed("sweep status --manifest m.jsonl --out runs");
    assert!(
        status.contains("3 completed") && status.contains("1 damaged"),
        "{status}"
    );
    assert!(status.contains("summary.json: damaged"), "{status}");
    let dry = scene.succeed("sweep run --manifest m.jsonl --out runs --all --dry-run");
    assert_eq!(dry.matches("done  ").count(), 3, "{dry}");
    scene.succeed("report --runs runs --out lacking --manifest m.jsonl");
    let page = fs::read_to_string(scene.path("lacking/index.html")).unwrap();
    assert!(
        page.contains(&format!(
            "1 planned run is missing here, failed or not made yet: {id}."
        )),
        "{id}"
    );
    refuse(
        &scene,
        "report --runs runs --out report2",
        "summary.json: damaged",
    );
    refuse(
        &scene,
        "sweep run --manifest e.toml --out runs --all",
        "e.toml line",
    );
    refuse(&scene, "report --runs nowhere --out report2", "nowhere");
}

#[test]
fn a_preset_may_be_several_sweeps_and_takes_data_sets_that_appear() {
    let scene = scene();
    let presets = r#"
[[preset.several]]
sweep = { seed = [0, 1, 2] }

[[preset.several]]
run = { "model.width" = 24 }
sweep = { loss = [{ kind = "mse" }], seed = [0] }

# A run that the first sweep has too.
[[preset.several]]
sweep = { loss = [{ kind = "cross_entropy" }], seed = [1] }

[[preset.several]]
where_present = true
run = { "data.source" = "mnist", "data.images_per_class" = 20 }
sweep = { loss = [{ kind = "mse" }], seed = [0, 1] }

[preset.elsewhere]
where_present = true
run = { "data.source" = "mnist", "data.images_per_class" = 20 }

[preset.typo]
where_presnet = true
"#;
    fs::write(scene.path("p.toml"), format!("{CONFIG}{presets}")).unwrap();
    let plan = "sweep plan --config p.toml --data-dir data --out m.jsonl --preset";
    let output = scene.run(&format!("{plan} several"));
    let (text, notes) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(text.contains("7 runs in m.jsonl"), "{text}");
    assert_eq!(notes, "note: mnist is not at hand: 2 runs left out\n");
    fs::remove_file(scene.path("m.jsonl")).unwrap();
    refuse(
        &scene,
        &format!("{plan} elsewhere"),
        "no data set of these runs is at hand: mnist",
    );
    refuse(&scene, &format!("{plan} typo"), "where_presnet");

    write_data(&scene.path("data/mnist"));
    let output = scene.run(&format!("{plan} several"));
    assert!(
        output.stderr.is_empty() && output.stdout.starts_with(b"9 runs"),
        "{output:?}"
    );
    scene.succeed("sweep run --manifest m.jsonl --out runs --all --jobs 2 --data-dir data");
    let status = scene.succeed("sweep status --manifest m.jsonl --out runs");
    assert!(status.contains("9 completed"), "{status}");
    // Files that are there and damaged are no absent data set.
    fs::write(scene.path("data/mnist/t10k-labels-idx1-ubyte"), [0, 0]).unwrap();
    refuse(
        &scene,
        "sweep run --manifest m.jsonl --out other --all --data-dir data",
        "t10k-labels",
    );
}

#[test]
fn free_features_from_training_to_report() {
    let scene = scene();
    fs::write(
        scene.path("l.toml"),
        include_str!("../../../experiments/layer-peeled.toml"),
    )
    .unwrap();
    let train =
        "layer-peeled --config l.toml --preset smoke --set classes=3 --set dim=4 --out runs";
    assert!(scene.succeed(train).contains("2 of 2 converged"));
    let file = scene.path("runs/layer-peeled.jsonl");
    let (bytes, written) = (
        fs::read(&file).unwrap(),
        file.metadata().unwrap().modified().unwrap(),
    );
    assert!(scene.succeed(train).contains("2 of 2 converged"));
    assert_eq!(
        (bytes, written),
        (
            fs::read(&file).unwrap(),
            file.metadata().unwrap().modified().unwrap()
        )
    );
    // A report of these alone.
    scene.succeed("report --runs runs --out report");
    let text = fs::read_to_string(scene.path("report/report.md")).unwrap();
    assert!(
        text.contains("✓ supported")
            && text.contains("reach the closed form of the layer-peeled model"),
        "{text}"
    );
    assert!(
        !text.contains("## Runs") && !text.contains("1970-01-01"),
        "{text}"
    );
    let help = scene.succeed("layer-peeled --help");
    assert!(
        help.contains("Example:") && help.contains("--preset"),
        "{help}"
    );

    let partly = scene
        .run("layer-peeled --config l.toml --set classes=3 --set dim=2 --set steps=1 --out other");
    let notes = String::from_utf8(partly.stderr).unwrap();
    assert!(
        partly.status.success() && notes.matches("note: skipped").count() == 2,
        "{notes}"
    );
    assert!(notes.contains("out of steps"), "{notes}");
    for (arguments, expected) in [
        ("--config l.toml --set lambda_w=0 --out x", "lambda_w"),
        ("--config l.toml --set depth=3 --out x", "depth"),
        ("--config l.toml --set dim=0 --out x", "dim = 0"),
        (
            "--config l.toml --set classes=10 --set dim=3 --out x",
            "dim is too small",
        ),
        ("--config l.toml --preset huge --out x", "huge"),
        ("--config e.toml --out x", "command"),
        ("--config l.toml --out l.toml/x", "l.toml"),
    ] {
        refuse(&scene, &format!("layer-peeled {arguments}"), expected);
    }
    refuse(
        &scene,
        "sweep plan --config l.toml --out m.jsonl",
        "memdil layer-peeled",
    );
    fs::write(&file, "{\n").unwrap();
    refuse(&scene, train, "layer-peeled.jsonl line 1");
    refuse(
        &scene,
        "report --runs runs --out report2",
        "layer-peeled.jsonl line 1",
    );
}

#[test]
fn a_diverged_run_is_recorded_and_the_rest_goes_on() {
    let scene = scene();
    let rates = CONFIG.replace(
        "seed = [0, 1]",
        "\"optimizer.learning_rate\" = [0.05, 1e30]",
    );
    fs::write(
        scene.path("d.toml"),
        rates.replace("label_smoothing\", alpha = 0.1", "mse\""),
    )
    .unwrap();
    scene.succeed("sweep plan --config d.toml --out m.jsonl");
    let output = scene.run("sweep run --manifest m.jsonl --out runs --all --jobs 2");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("of 4 runs complete") && !text.contains(" 0 diverged"),
        "{text}"
    );
    let status = scene.succeed("sweep status --manifest m.jsonl --out runs");
    assert!(
        !status.contains(" 0 diverged") && status.contains("0 begun, 0 missing"),
        "{status}"
    );
    scene.succeed("report --runs runs --out report");
    assert!(
        fs::read_to_string(scene.path("report/index.html"))
            .unwrap()
            .contains("diverged")
    );
    // Alone, it says so with its exit status.
    let alone =
        scene.run("train --config d.toml --set optimizer.learning_rate=1e30 --set loss={kind='mse'} --out alone");
    assert_eq!(
        alone.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&alone.stderr)
    );
}

#[test]
fn two_sweeps_on_one_folder_share_the_work() {
    let scene = scene();
    scene.succeed("sweep plan --config e.toml --set training.epochs=20 --out m.jsonl");
    let start = || {
        scene
            .command("sweep run --manifest m.jsonl --out runs --all --jobs 2")
            .spawn()
            .unwrap()
    };
    let (mut first, mut second) = (start(), start());
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
    let status = scene.succeed("sweep status --manifest m.jsonl --out runs");
    assert!(status.contains("4 completed"), "{status}");
}

#[test]
fn a_killed_sweep_takes_its_workers_along_and_goes_on_later() {
    let scene = scene();
    let long = CONFIG
        .replace("epochs = 3", "epochs = 400")
        .replace("[0, 1]\n\"", "[0]\n\"");
    fs::write(scene.path("long.toml"), long).unwrap();
    scene.succeed("sweep plan --config long.toml --out m.jsonl");
    let mut sweep = scene
        .command("sweep run --manifest m.jsonl --out runs --all --jobs 1")
        .spawn()
        .unwrap();
    let started = Instant::now();
    let partial = || {
        listing(&scene.path("runs"))
            .into_iter()
            .find(|p| p.ends_with("metrics.jsonl.partial"))
    };
    while !scene.path("runs").exists() || partial().is_none() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "the sweep never started"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    sweep.kill().unwrap();
    sweep.wait().unwrap();
    // Its worker ends too: the lock of its run becomes free without the run being finished by it.
    let lock = partial().map(|p| p.with_file_name(".lock"));
    if let Some(lock) = lock {
        fs::File::open(lock).unwrap().lock().unwrap();
    }
    let status = scene.succeed("sweep status --manifest m.jsonl --out runs");
    assert!(!status.contains(" 4 completed"), "{status}");
    scene.succeed("sweep run --manifest m.jsonl --out runs --all --jobs 2");
    let status = scene.succeed("sweep status --manifest m.jsonl --out runs");
    assert!(status.contains("4 completed"), "{status}");
}
