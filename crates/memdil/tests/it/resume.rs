//! Interrupted runs resume and end with the same files as undisturbed ones.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use memdil_data::random::{Stream, stream, unit_f64};
use serde_json::Value;

use crate::common::Scene;

const CONFIG: &str = r#"
experiment = "resume"
seed = 0
loss = { kind = "label_smoothing", alpha = 0.1 }

[data]
source = "fashion-mnist-embedded"
classes = [0, 1]
input = "native"
validation = 0.25
images_per_class = 50
augment = { crop = 2, flip = true }

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
gamma = 0.5

[training]
epochs = 30
batch_size = 16
evaluate_every = 2
"#;

const TRAIN: &str = "train --config e.toml --checkpoint-every 0 --out";

/// A folder with the experiment file and the undisturbed run `whole`.
fn scene() -> Scene {
    scene_of(CONFIG)
}

fn scene_of(config: &str) -> Scene {
    let scene = Scene::new("");
    fs::write(scene.path("e.toml"), config).unwrap();
    scene.succeed("train --config e.toml --out whole");
    scene
}

/// Starts a run and kills it as soon as it has both checkpoints.
fn interrupt(scene: &Scene, arguments: &str, out: &str) {
    let mut child = scene
        .command(&format!("{TRAIN} {out} {arguments}"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !checkpoints(scene, out).iter().all(|path| path.exists()) {
        assert!(child.try_wait().unwrap().is_none(), "the run has ended");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

fn checkpoints(scene: &Scene, out: &str) -> [PathBuf; 2] {
    [0, 1].map(|slot| {
        scene
            .path(out)
            .join(format!("checkpoint-{slot}.safetensors"))
    })
}

fn copy(scene: &Scene, from: &str, to: &str) {
    fs::create_dir(scene.path(to)).unwrap();
    for name in names(&scene.path(from)) {
        fs::copy(scene.path(from).join(&name), scene.path(to).join(&name)).unwrap();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn summary(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("summary.json")).unwrap()).unwrap()
}

fn epochs(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The text of a JSON file without times.
fn without_times(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap().replace(",\"", ",\n\"");
    let time = |line: &&str| line.contains("\"seconds\":") || line.contains("\"started_unix\":");
    text.lines()
        .filter(|line| !time(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Checks that a run has the same files with the same bytes as the undisturbed one, except times.
fn assert_same(scene: &Scene, out: &str) {
    let (whole, run) = (scene.path("whole"), scene.path(out));
    assert_eq!(names(&whole), names(&run), "{out}");
    for file in [
        "config.toml",
        "noise.npz",
        "features.npz",
        "model.safetensors",
        "samples.npz",
    ] {
        assert!(
            fs::read(whole.join(file)).unwrap() == fs::read(run.join(file)).unwrap(),
            "{out}: {file} differs"
        );
    }
    for file in ["metrics.jsonl", "summary.json"] {
        assert_eq!(
            without_times(&whole.join(file)),
            without_times(&run.join(file)),
            "{out}: {file}"
        );
    }
    let of_epochs: f64 = epochs(&run)
        .iter()
        .map(|epoch| epoch["seconds"].as_f64().unwrap())
        .sum();
    let of_run = summary(&run)["seconds"].as_f64().unwrap();
    assert!(
        of_epochs > 0.0 && of_epochs <= of_run,
        "{out}: {of_epochs} s of {of_run} s"
    );
}

/// Resumes a run to its end and returns its standard error.
fn resume(scene: &Scene, out: &str) -> String {
    let output = scene.run(&format!("{TRAIN} {out}"));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert_same(scene, out);
    stderr
}

#[test]
fn a_killed_run_resumes_to_the_same_bytes() {
    kill_and_resume(&scene(), 24);
}

#[test]
fn a_killed_convolutional_run_resumes_to_the_same_bytes() {
    let resnet = "kind = \"resnet\"\ndepth = 18\nwidth = 2\n";
    let config = CONFIG.replace("kind = \"mlp\"\ndepth = 3\nwidth = 16\n", resnet);
    let config = config
        .replace("epochs = 30", "epochs = 3")
        .replace("images_per_class = 50", "images_per_class = 24");
    assert!(config.contains(resnet));
    kill_and_resume(&scene_of(&config), 6);
}

/// Kills runs at random moments, `wanted` times in all, and resumes each to its end.
fn kill_and_resume(scene: &Scene, wanted: usize) {
    let started = Instant::now();
    scene.succeed(&format!("{TRAIN} timed"));
    let duration = started.elapsed();
    assert_same(scene, "timed");
    let mut random = stream(0, Stream::Shuffle);
    let (mut kills, mut resumed, mut run) = (0, 0, 0);
    while kills < wanted {
        let out = format!("killed{run}");
        let every = ["0", "0.03"][run % 2];
        for attempt in 0.. {
            let command = format!("train --config e.toml --checkpoint-every {every} --out {out}");
            let mut child = scene
                .command(&command)
                .stderr(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            // The wait grows with each attempt, so that the run ends even on a slowed machine.
            std::thread::sleep(
                duration.mul_f64(unit_f64(&mut random) * (0.5 + 0.1 * f64::from(attempt))),
            );
            child.kill().unwrap();
            let Output { status, stderr, .. } = child.wait_with_output().unwrap();
            let stderr = String::from_utf8(stderr).unwrap();
            assert!(
                !stderr.contains("warning") && !stderr.contains("error"),
                "{stderr}"
            );
            resumed += usize::from(stderr.contains("resumed from the checkpoint"));
            if status.success() {
                break;
            }
            assert_eq!(status.signal(), Some(9), "{stderr}");
            kills += 1;
        }
        // It may have been killed after its last file, before its exit.
        scene.succeed(&format!("{TRAIN} {out}"));
        assert_same(scene, &out);
        run += 1;
    }
    println!("{kills} kills, {resumed} resumed processes, {run} runs of {duration:?}");
    assert!(resumed > 0);
}

#[test]
fn a_run_killed_at_its_end_resumes_to_the_same_bytes() {
    let scene = scene();
    interrupt(&scene, "", "begun");
    for (removed, out) in [
        (&["summary.json"][..], "a"),
        (&["summary.json", "model.safetensors", "features.npz"], "b"),
    ] {
        copy(&scene, "begun", out);
        resume(&scene, out);
        for name in checkpoints(&scene, "begun").map(|path| path.file_name().unwrap().to_owned()) {
            fs::copy(scene.path("begun").join(&name), scene.path(out).join(&name)).unwrap();
        }
        // The run is complete; leftover checkpoints are removed.
        scene.succeed(&format!("{TRAIN} {out}"));
        assert_same(&scene, out);
        for name in checkpoints(&scene, "begun").map(|path| path.file_name().unwrap().to_owned()) {
            fs::copy(scene.path("begun").join(&name), scene.path(out).join(&name)).unwrap();
        }
        for name in removed {
            fs::remove_file(scene.path(out).join(name)).unwrap();
        }
        // A partly written file.
        fs::write(scene.path(out).join("summary.json.tmp99"), "{").unwrap();
        let stderr = resume(&scene, out);
        assert!(stderr.contains("resumed from the checkpoint"), "{stderr}");
    }
}

#[test]
fn tensorboard_events_contain_every_epoch_once() {
    let scene = scene();
    interrupt(&scene, "--tensorboard", "watched");
    scene.succeed(&format!("{TRAIN} watched --tensorboard"));
    let metrics = epochs(&scene.path("watched"));
    let bytes = fs::read(scene.path("watched/events.out.tfevents.memdil")).unwrap();
    let (mut rest, mut steps) = (&bytes[..], Vec::new());
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        let message = &rest[12..12 + length];
        // The time, then the step: all are below 128.
        assert_eq!((message[0], message[9]), (9, 16));
        steps.push(message[10]);
        if let Some(epoch) = metrics.get(steps.len().wrapping_sub(2)) {
            let dilation = epoch["test"]["dilation"]
                .as_f64()
                .map(|value| (value as f32).to_le_bytes());
            let name = b"test/dilation";
            let at = message.windows(name.len()).position(|part| part == name);
            let found = at.map(|at| &message[at + name.len() + 1..][..4]);
            assert_eq!(found, dilation.as_ref().map(|bytes| &bytes[..]));
        }
        rest = &rest[12 + length + 4..];
    }
    assert_eq!(steps, (0..=30).collect::<Vec<u8>>());
    // For a complete run, the file is written from its metrics.
    scene.succeed(&format!("{TRAIN} whole --tensorboard"));
    assert!(scene.path("whole/events.out.tfevents.memdil").exists());
}

#[test]
fn a_damaged_checkpoint_is_not_used() {
    let scene = scene();
    interrupt(&scene, "", "begun");
    interrupt(&scene, "--set seed=1", "other");
    let foreign = fs::read(&checkpoints(&scene, "other")[0]).unwrap();
    let flipped = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    let truncated = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        bytes[..bytes.len() - 100].to_vec()
    };
    type Damage<'a> = &'a dyn Fn(&Path) -> Vec<u8>;
    let damages: [(Damage<'_>, &str); 3] = [
        (&flipped, "checksum"),
        (&truncated, "not a safetensors file"),
        (&|_| foreign.clone(), "belongs to another run"),
    ];
    for (index, (damage, expected)) in damages.into_iter().enumerate() {
        for slots in [&[0][..], &[1], &[0, 1]] {
            let out = format!(
                "damaged{index}_{}",
                slots.iter().sum::<usize>() + 2 * slots.len()
            );
            copy(&scene, "begun", &out);
            for &slot in slots {
                let path = &checkpoints(&scene, &out)[slot];
                fs::write(path, damage(path)).unwrap();
            }
            let stderr = resume(&scene, &out);
            assert_eq!(
                stderr.matches("checkpoint not used").count(),
                slots.len(),
                "{stderr}"
            );
            assert_eq!(stderr.matches(expected).count(), slots.len(), "{stderr}");
            let from_start = slots.len() == 2;
            assert_eq!(
                stderr.contains("the run starts again"),
                from_start,
                "{stderr}"
            );
            assert_eq!(
                stderr.contains("resumed from the checkpoint"),
                !from_start,
                "{stderr}"
            );
        }
    }
    // The metrics of the epochs before the checkpoint are missing.
    copy(&scene, "begun", "metrics");
    let partial = scene.path("metrics").join("metrics.jsonl.partial");
    fs::remove_file(&partial).unwrap();
    let stderr = resume(&scene, "metrics");
    assert!(
        stderr.contains("metrics.jsonl.partial cannot be read") && stderr.contains("starts again"),
        "{stderr}"
    );
    // The labels differ from those of the settings.
    copy(&scene, "begun", "labels");
    fs::copy(
        scene.path("other/noise.npz"),
        scene.path("labels/noise.npz"),
    )
    .unwrap();
    scene.fail(
        &format!("{TRAIN} labels"),
        2,
        &["noise.npz", "differs from the labels"],
    );
}

#[test]
fn a_changed_environment_is_a_warning() {
    let scene = scene();
    interrupt(&scene, "", "begun");
    let threads = |n: &str| {
        let mut command = scene.command(&format!("{TRAIN} begun"));
        command.env("RAYON_NUM_THREADS", n);
        command
    };
    let path = &checkpoints(&scene, "begun")[0];
    let (_, header) = safetensors::SafeTensors::read_metadata(&fs::read(path).unwrap()).unwrap();
    let state: Value = serde_json::from_str(&header.metadata().as_ref().unwrap()["state"]).unwrap();
    let before = state["provenance"]["threads"].as_u64().unwrap();
    let output = threads(&(before + 1).to_string()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && stderr.contains("warning: "),
        "{stderr}"
    );
    assert!(
        stderr.contains(&format!("threads {}, formerly {before}", before + 1)),
        "{stderr}"
    );
    let now = &summary(&scene.path("begun"))["provenance"];
    assert_eq!(
        (&now["threads"], &now["started_unix"]),
        (&(before + 1).into(), &state["provenance"]["started_unix"])
    );
}

#[test]
fn a_run_resumes_after_a_full_disk() {
    let scene = scene();
    interrupt(&scene, "", "begun");
    let before = checkpoints(&scene, "begun").map(|path| fs::read(path).unwrap());
    // A limit on file sizes, in blocks of 512 or 1024 bytes, simulates a full disk.
    assert!(before[0].len() > 96 * 1024);
    let program = env!("CARGO_BIN_EXE_memdil");
    let limited = format!("trap '' XFSZ; ulimit -f 80; exec {program} {TRAIN} begun");
    let output = Command::new("sh")
        .args(["-c", &limited])
        .current_dir(scene.path("."))
        .output()
        .unwrap();
    assert_failed_write(&output, output.status.code());
    assert_eq!(
        checkpoints(&scene, "begun").map(|path| fs::read(path).unwrap()),
        before
    );
    assert!(
        names(&scene.path("begun"))
            .iter()
            .all(|name| !name.contains(".tmp"))
    );
    let stderr = resume(&scene, "begun");
    assert!(
        stderr.contains("resumed from the checkpoint") && !stderr.contains("warning"),
        "{stderr}"
    );
}

/// Uses a separate full file system, if this process may mount one.
#[test]
fn a_run_resumes_after_a_full_file_system() {
    let scene = scene();
    fs::create_dir(scene.path("disk")).unwrap();
    let sh = |unshare: &str, script: &str| {
        let mut command = Command::new("unshare");
        command
            .args([unshare, "sh", "-c", script])
            .current_dir(scene.path("."))
            .output()
    };
    let mount = "mount -t tmpfs -o size=320k tmpfs disk";
    let may = |unshare: &&str| sh(unshare, mount).is_ok_and(|output| output.status.success());
    let Some(unshare) = ["-m", "-rm"].into_iter().find(may) else {
        return;
    };
    let program = env!("CARGO_BIN_EXE_memdil");
    let train = format!("{program} {TRAIN} disk/run");
    // The line of dashes separates the errors of the first process from the list of files.
    let script = format!(
        "{mount} && {train} && exit 9; status=$?; echo --- >&2; ls disk/run >&2; \
        mount -o remount,size=16m disk && {train} >/dev/null 2>second && cp -r disk/run full && exit $status"
    );
    let output = sh(unshare, &script).unwrap();
    assert_failed_write(&output, output.status.code());
    let stderr = String::from_utf8(output.stderr).unwrap();
    let (_, files) = stderr.split_once("---\n").unwrap();
    assert!(
        files.contains("checkpoint-0") && files.contains("checkpoint-1") && !files.contains(".tmp"),
        "{files}"
    );
    let second = fs::read_to_string(scene.path("second")).unwrap();
    assert!(
        second.contains("resumed from the checkpoint") && !second.contains("warning"),
        "{second}"
    );
    assert_same(&scene, "full");
}

fn assert_failed_write(output: &Output, status: Option<i32>) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(status, Some(1), "{stderr}");
    let errors: Vec<&str> = stderr
        .lines()
        .filter(|line| line.starts_with("error"))
        .collect();
    assert!(
        errors.len() == 1
            && errors[0].contains("cannot write")
            && errors[0].contains("checkpoint-"),
        "{stderr}"
    );
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn eval_measures_finished_and_unfinished_runs() {
    let scene = scene();
    let object = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let found = scene.succeed("eval --run whole --features-out f.npz --json");
    assert_eq!(object(&found), summary(&scene.path("whole"))["last"]);
    assert!(
        fs::read(scene.path("f.npz")).unwrap()
            == fs::read(scene.path("whole/features.npz")).unwrap()
    );
    let text = scene.succeed("eval --run whole");
    assert!(
        text.contains("\ntest\n")
            && text.contains("  dilation  ")
            && text.starts_with("training\n"),
        "{text}"
    );

    interrupt(&scene, "", "begun");
    let output = scene.run("eval --run begun --json");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && stderr.contains("not finished: epoch "),
        "{stderr}"
    );
    let found = object(&String::from_utf8(output.stdout).unwrap());
    for name in [
        "/nc1",
        "/nc1_all",
        "/loss",
        "/memorization_mean",
        "/test/dilation",
        "/test/accuracy",
    ] {
        assert!(
            found.pointer(name).unwrap().as_f64().unwrap().is_finite(),
            "{name}"
        );
    }
    // If a checkpoint is damaged, this is reported and the other one is used.
    let path = &checkpoints(&scene, "begun")[1];
    fs::write(path, &fs::read(path).unwrap()[..50]).unwrap();
    let stderr = String::from_utf8(scene.run("eval --run begun").stderr).unwrap();
    assert!(
        stderr.contains("checkpoint-1.safetensors: checkpoint not used"),
        "{stderr}"
    );

    for path in checkpoints(&scene, "begun") {
        fs::remove_file(path).unwrap();
    }
    copy(&scene, "whole", "broken");
    fs::write(scene.path("broken/model.safetensors"), "x").unwrap();
    copy(&scene, "whole", "labels");
    fs::remove_file(scene.path("labels/noise.npz")).unwrap();
    let output = scene.run("train --config e.toml --set optimizer.learning_rate=1e30 --set loss={kind='mse'} --out diverged");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("error: the run diverged"), "{stderr}");
    for (arguments, expected) in [
        ("--run nowhere", "nowhere: contains no run"),
        ("--run begun", "no usable checkpoint"),
        ("--run diverged", "diverged"),
        ("--run broken", "model.safetensors"),
        ("--run labels", "noise.npz"),
        ("--run whole --device tpu", "tpu"),
        ("--run whole --features-out f.csv", "f.csv"),
        ("--run whole --features-out nowhere/f.npz", "nowhere/f.npz"),
    ] {
        scene.refuse(&format!("eval {arguments}"), &[expected]);
    }
    scene.refuse(
        "train --config e.toml --out x --checkpoint-every=-1",
        &["--checkpoint-every"],
    );
    let help = scene.succeed("eval --help");
    assert!(
        help.contains("Example") && help.contains("--features-out"),
        "{help}"
    );
}
