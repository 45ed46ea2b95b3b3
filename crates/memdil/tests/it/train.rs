//! Single runs through the real program: training, data sets, bad settings.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::common::Scene;

pub(crate) const CONFIG: &str = r#"
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
pub(crate) fn scene() -> Scene {
    let scene = Scene::new("");
    fs::write(scene.path("e.toml"), CONFIG).unwrap();
    scene
}

/// Checks for exit status 2, one line that contains `expected`, and no new files.
pub(crate) fn refuse(scene: &Scene, arguments: &str, expected: &str) {
    let before = listing(&scene.path("."));
    scene.fail(arguments, 2, &[expected]);
    assert_eq!(listing(&scene.path(".")), before, "{arguments}");
}

pub(crate) fn listing(folder: &Path) -> Vec<PathBuf> {
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

/// A data set of 40 training and 20 test images in the published formats, with compressed images.
pub(crate) fn write_data(folder: &Path) {
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
fn a_complete_run_is_not_trained_again() {
    let scene = scene();
    let first = scene.succeed("train --config e.toml --out runs/a --set noise.eta=0.2");
    assert!(
        first.contains("3 epochs") && first.contains("test accuracy"),
        "{first}"
    );
    let again = scene.succeed("train --config e.toml --out runs/a --set noise.eta=0.2");
    assert!(again.contains("already complete"), "{again}");
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

    // `memdil metrics` on the features of a run gives the metrics of its last epoch.
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
fn published_files_are_read() {
    let scene = scene();
    write_data(&scene.path("data/fashion-mnist"));
    let set = "--set data.source=fashion-mnist --set data.images_per_class=20";
    scene.succeed(&format!(
        "train --config e.toml --data-dir data --out runs/a {set}"
    ));
    scene.succeed(&format!(
        "train --config e.toml --out runs/b {set} --set data.input=authors"
    ));
    // A data set that is not in the given folder is searched for in the default folders.
    fs::create_dir(scene.path("empty")).unwrap();
    scene.succeed(&format!(
        "train --config e.toml --data-dir empty --out runs/c {set}"
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
    // The first folder that holds the file is used.
    fs::create_dir(scene.path("empty")).unwrap();
    scene.succeed(&format!(
        "train --config e.toml --out again --data-dir empty {set}"
    ));
    let output = scene
        .command(r#"train --config e.toml --out third --set data={npz="mine.npz"} --set training.epochs=1"#)
        .env("MEMDIL_DATA_DIR", "own")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    refuse(
        &scene,
        r#"train --config e.toml --out other --data-dir empty --set data={npz="mine.npz"}"#,
        "mine.npz not found (tried mine.npz, empty/mine.npz); name its folder with --data-dir",
    );
    refuse(&scene, "eval --run run", "name its folder with --data-dir");
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
    // A fifth of the labels is wrong; three epochs are too few to memorise them all.
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
        "has no array logits",
    );
    refuse(
        &scene,
        "transition --logits early/features.npz --quantile 2",
        "quantile = 2: must be in (0, 1]",
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
            "has a single sample and no variance",
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
    refuse(
        &scene,
        &format!("{train} --data-dir nowhere"),
        "nowhere' for '--data-dir <DIR>': the folder does not exist; create it or correct the path",
    );
    refuse(
        &scene,
        &format!("{train} --data-dir e.toml"),
        "is not a folder; give the path of a folder",
    );
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
    // Not Fashion-MNIST, which the folder of Debian's package may hold.
    fs::create_dir_all(scene.path("more")).unwrap();
    refuse(
        &scene,
        "train --config e.toml --set data.source=svhn --out runs/a --data-dir more --data-dir data",
        "svhn not found in more, data, /usr/share/datasets (or in svhn, SVHN there): put train_32x32.mat",
    );
}
