//! Hyper-parameter searches through the real program: interrupted, resumed, refused, reported.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::Scene;

const CONFIG: &str = r#"
experiment = "searched"
seed = 0
loss = { kind = "cross_entropy" }

[data]
source = "fashion-mnist-embedded"
classes = [0, 1]
input = "native"
validation = 0.25
images_per_class = 40

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
patience = 2
gamma = 0.1

[training]
epochs = 4
batch_size = 16
evaluate_every = 2

[sweep]
loss = [{ kind = "cross_entropy" }, { kind = "label_smoothing", alpha = 0.1 }]

[search]
sampler = "random"
trials = 7
epochs = 0.5

[search.space]
"optimizer.learning_rate" = { low = 1e-4, high = 0.5, scale = "log" }
"schedule.gamma" = { values = [0.01, 0.1, 0.5] }
"loss.alpha" = { low = 0.01, high = 0.25 }
"#;

fn scene() -> Scene {
    let scene = Scene::new("");
    fs::write(scene.path("e.toml"), CONFIG).unwrap();
    scene
}

/// The files directly in a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let named =
        |path: std::path::PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), path);
    entries
        .filter(|path| path.is_file())
        .map(named)
        .filter_map(|(name, path)| match fs::read(path) {
            Ok(bytes) => Some((name, bytes)),
            // A worker that is ending may still rename its temporary file.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => panic!("{name}: {error}"),
        })
        .collect()
}

fn folders(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn histories(scene: &Scene, out: &str) -> Vec<Value> {
    let files = files(&scene.path(out).join("search"));
    files
        .iter()
        .filter(|(name, _)| name.ends_with(".json"))
        .map(|(_, b)| serde_json::from_slice(b).unwrap())
        .collect()
}

#[test]
fn a_search_from_trials_to_report() {
    let scene = scene();
    let output = scene.run("search --config e.toml --out runs --jobs 2 --json");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert!(
        stderr.contains("loss.alpha: not a setting of 1 of 2 searches (CE); left out there"),
        "{stderr}"
    );
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let searches = printed["searches"].as_array().unwrap();
    let mut found = histories(&scene, "runs");
    found.sort_by_key(|search| search["spec"]["loss"]["kind"].to_string());
    assert_eq!(*searches, found);
    assert_eq!(searches.len(), 2);

    let (ce, ls) = (&searches[0], &searches[1]);
    assert_eq!(
        ce["settings"],
        serde_json::json!(["optimizer.learning_rate", "schedule.gamma"])
    );
    assert_eq!(ls["settings"].as_array().unwrap().len(), 3);
    for search in searches {
        let trials = search["trials"].as_array().unwrap();
        assert_eq!(trials.len(), 7);
        let accuracy = |trial: &Value| trial["validation_accuracy"].as_f64().unwrap();
        let highest = trials.iter().map(accuracy).fold(0.0, f64::max);
        let best = &trials[search["best_trial"].as_u64().unwrap() as usize - 1];
        assert!(accuracy(best) >= highest && best["best_so_far"] == best["validation_accuracy"]);
        for trial in trials {
            let summary = scene
                .path("runs/search/trials")
                .join(trial["run"].as_str().unwrap())
                .join("summary.json");
            let record: Value = serde_json::from_slice(&fs::read(summary).unwrap()).unwrap();
            assert_eq!(record["spec"]["training"]["epochs"], 2);
            assert_eq!(
                record["spec"]["optimizer"]["learning_rate"],
                trial["values"]["optimizer.learning_rate"]
            );
            assert_eq!(
                record["last"]["validation_accuracy"],
                trial["validation_accuracy"]
            );
        }
        let retrained = &search["retrained"];
        let summary = scene
            .path("runs")
            .join(retrained["run"].as_str().unwrap())
            .join("summary.json");
        let record: Value = serde_json::from_slice(&fs::read(summary).unwrap()).unwrap();
        assert_eq!(record["samples"], serde_json::json!([80, 0, 200]));
        assert_eq!(
            (
                &record["spec"]["training"]["epochs"],
                &record["spec"]["data"]["validation"]
            ),
            (&4.into(), &0.0.into())
        );
        assert_eq!(
            record["spec"]["schedule"]["gamma"],
            best["values"]["schedule.gamma"]
        );
        assert_eq!(
            record["last"]["test"]["accuracy"],
            retrained["test_accuracy"]
        );
    }
    // Both losses try the same learning rates.
    let rates = |search: &Value| -> Vec<Value> {
        search["trials"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["values"]["optimizer.learning_rate"].clone())
            .collect()
    };
    assert_eq!(rates(ce), rates(ls));

    // A repeated call changes nothing.
    let before = files(&scene.path("runs/search"));
    scene.succeed("search --config e.toml --out runs");
    assert_eq!(files(&scene.path("runs/search")), before);
    let status =
        scene.succeed("sweep status --manifest runs/search/trials.jsonl --out runs/search/trials");
    assert!(status.contains("14 runs: 14 completed"), "{status}");

    scene.succeed("report --runs runs --out report");
    let page = fs::read_to_string(scene.path("report/index.html")).unwrap();
    for expected in [
        "<section id=\"experiment-",
        "Validation accuracy over the trials",
        "optimizer.learning_rate",
        "✓ best",
        "2 runs",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    let markdown = fs::read_to_string(scene.path("report/report.md")).unwrap();
    assert!(
        markdown.contains("## Search") && markdown.contains("figures/search-history.svg"),
        "{markdown}"
    );
    assert!(scene.path("report/figures/search-history.svg").is_file());
    // Trials are runs, on which a report can be written too.
    scene.succeed("report --runs runs/search/trials --out trials");
}

#[test]
fn a_failed_trial_does_not_stop_other_searches() {
    let scene = scene();
    scene.succeed("search --config e.toml --out runs --plan");
    let manifest = fs::read_to_string(scene.path("runs/search/trials.jsonl")).unwrap();
    let trials = manifest
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let smoothed = trials
        .into_iter()
        .find(|line| line["spec"]["loss"]["kind"] == "label_smoothing")
        .unwrap();
    // A folder at the path of the metrics prevents the worker from writing them.
    let run = scene
        .path("runs/search/trials")
        .join(smoothed["id"].as_str().unwrap());
    fs::create_dir_all(run.join("metrics.jsonl.partial")).unwrap();
    let output = scene.run("search --config e.toml --out runs --jobs 2");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr
            .lines()
            .next_back()
            .unwrap()
            .starts_with("error: 1 of 14 runs"),
        "{stderr}"
    );
    let retrained = || -> Vec<bool> {
        let mut found = histories(&scene, "runs");
        found.sort_by_key(|search| search["spec"]["loss"]["kind"].to_string());
        found
            .iter()
            .map(|search| search["retrained"].is_object())
            .collect()
    };
    assert_eq!(retrained(), [true, false]);

    fs::remove_dir(run.join("metrics.jsonl.partial")).unwrap();
    scene.succeed("search --config e.toml --out runs --jobs 2");
    assert_eq!(retrained(), [true, true]);
    // A report on manifests includes the retrained runs only if their manifest is given.
    scene.succeed("sweep plan --config e.toml --set training.epochs=1 --out swept.jsonl");
    scene.succeed("sweep run --manifest swept.jsonl --out runs --all --jobs 2");
    scene.succeed("report --runs runs --out swept --manifest swept.jsonl");
    scene.succeed("report --runs runs --out both --manifest swept.jsonl --manifest runs/search/retrained.jsonl");
    let rows = |report: &str| {
        let text = fs::read_to_string(scene.path(report).join("report.md")).unwrap();
        let (_, runs) = text.split_once(", one per row").unwrap();
        runs.matches("| searched\\_0-1").count()
    };
    assert_eq!((rows("swept"), rows("both")), (2, 4));
}

#[test]
fn a_preset_can_leave_out_searches_of_absent_data_sets() {
    let scene = scene();
    let preset = "\n[preset.elsewhere]\nwhere_present = true\nsearch = { trials = 1 }\n[preset.elsewhere.sweep]\n\
                  \"data.source\" = [\"fashion-mnist-embedded\", \"mnist\"]\n";
    fs::write(scene.path("p.toml"), format!("{CONFIG}{preset}")).unwrap();
    fs::create_dir(scene.path("empty")).unwrap();
    let output =
        scene.run("search --config p.toml --preset elsewhere --out runs --data-dir empty --jobs 2");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert!(
        stderr.contains("note: mnist: not found; 2 searches left out"),
        "{stderr}"
    );
    assert_eq!(histories(&scene, "runs").len(), 2);
}

#[test]
fn a_killed_search_resumes_with_the_same_trials() {
    for sampler in ["random", "tpe"] {
        let scene = scene();
        let command =
            format!("search --config e.toml --set search.sampler={sampler} --jobs 2 --out");
        let started = Instant::now();
        scene.succeed(&format!("{command} whole"));
        let whole = (
            files(&scene.path("whole/search")),
            folders(&scene.path("whole/search/trials")),
        );
        let duration = started.elapsed();
        let mut kills = 0;
        for part in 1_u32.. {
            let mut child = scene
                .command(&format!("{command} runs"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            // About seven kills over the duration of an undisturbed search; the waits grow, so that
            // the search ends.
            let wait = duration.mul_f64(0.14 * (0.6 + 0.12 * f64::from(part)));
            let end = Instant::now() + wait;
            let mut ended = None;
            while ended.is_none() && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(5));
                ended = child.try_wait().unwrap();
            }
            if let Some(status) = ended {
                assert!(status.success());
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            // The trials so far are the first trials of the undisturbed search.
            for name in files(&scene.path("runs/search").join("."))
                .keys()
                .filter(|name| name.ends_with(".json"))
            {
                let read = |out: &str| -> Value {
                    serde_json::from_slice(
                        &fs::read(scene.path(out).join("search").join(name)).unwrap(),
                    )
                    .unwrap()
                };
                let (part, whole) = (read("runs"), read("whole"));
                for trial in part["trials"].as_array().unwrap() {
                    let same = &whole["trials"][trial["trial"].as_u64().unwrap() as usize - 1];
                    assert_eq!(
                        (&trial["values"], &trial["run"]),
                        (&same["values"], &same["run"])
                    );
                }
            }
        }
        assert!(kills >= 3, "{kills} kills");
        assert_eq!(
            (
                files(&scene.path("runs/search")),
                folders(&scene.path("runs/search/trials"))
            ),
            whole,
            "{sampler}"
        );
        assert_eq!(folders(&scene.path("runs")), folders(&scene.path("whole")));
    }
}

#[test]
fn tpe_keeps_diverged_trials() {
    let scene = scene();
    let space = "--set search.space={'optimizer.learning_rate'={values=[0.05,1e30]}} --set search.sampler=tpe";
    let set = format!("{space} --set loss={{kind='mse'}} --set search.trials=6");
    let text = scene.succeed(&format!("search --config e.toml {set} --out runs"));
    assert!(
        text.contains("6 of 6 trials (TPE)")
            && text.contains("diverged")
            && text.contains("retrained"),
        "{text}"
    );
    let history = &histories(&scene, "runs")[0];
    for trial in history["trials"].as_array().unwrap() {
        let diverged = trial["values"]["optimizer.learning_rate"].as_f64().unwrap() > 1.0;
        assert_eq!(
            trial["status"],
            if diverged { "diverged" } else { "completed" }
        );
        assert_eq!(trial.get("validation_accuracy").is_none(), diverged);
    }
    // Six trials of two settings are two runs.
    assert_eq!(folders(&scene.path("runs/search/trials")).len(), 2);
    // If all trials diverge, no run is retrained.
    let all = "--set search.space={'optimizer.learning_rate'={values=[1e29,1e30]}} --set loss={kind='mse'}";
    let output = scene.run(&format!("search --config e.toml {all} --out none"));
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("7 of 7 trials (random), 7 diverged")
    );
    assert_eq!(folders(&scene.path("none")), ["search"]);
}

#[test]
fn trials_and_searches_can_be_run_one_by_one() {
    let scene = scene();
    let small = "search --config e.toml --set search.trials=2";
    scene.succeed(&format!("{small} --out whole"));
    let planned = scene.succeed(&format!("{small} --out runs --plan"));
    assert!(
        planned.contains("0 of 2 trials") && planned.contains("runs/search/trials.jsonl"),
        "{planned}"
    );
    assert_eq!(folders(&scene.path("runs")), ["search"]);
    for index in 0..4 {
        let run = format!(
            "sweep run --manifest runs/search/trials.jsonl --out runs/search/trials --index {index}"
        );
        scene.succeed(&run);
    }
    scene.succeed(&format!("{small} --out runs --index 1"));
    assert_eq!(histories(&scene, "runs").len(), 1);
    scene.succeed(&format!("{small} --out runs --index 0"));
    assert_eq!(histories(&scene, "runs"), histories(&scene, "whole"));
    scene.refuse(
        &format!("{small} --out runs --index 2"),
        &["no search 2", "0 to 1"],
    );
    // Both searches in one call give the same histories.
    scene.refuse(
        &format!("{small} --out both --index 0,2"),
        &["no search 2", "0 to 1"],
    );
    scene.succeed(&format!("{small} --out both --index 1,0"));
    let histories = |out: &str| -> Vec<(std::ffi::OsString, Vec<u8>)> {
        let files = fs::read_dir(scene.path(out).join("search"))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = files
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect();
        files.sort();
        files
            .iter()
            .map(|path| {
                (
                    path.file_name().unwrap().to_owned(),
                    fs::read(path).unwrap(),
                )
            })
            .collect()
    };
    assert_eq!(histories("both").len(), 2);
    assert_eq!(histories("both"), histories("runs"));
}

#[test]
fn bad_search_spaces_are_refused() {
    let scene = scene();
    let rate = |range: &str| format!("--set search.space={{'optimizer.learning_rate'={range}}}");
    let of = |name: &str, range: &str| format!("--set search.space={{'{name}'={range}}}");
    let list = "{values=[0.1,0.2]}";
    for (arguments, expected) in [
        (
            "--set search.space={}".to_owned(),
            vec!["search.space = {}"],
        ),
        (
            rate("{values=[]}"),
            vec!["optimizer.learning_rate", "values = []"],
        ),
        (
            rate("{low=0.5,high=0.1}"),
            vec![
                "optimizer.learning_rate",
                "low = 0.5 must be below high = 0.1",
            ],
        ),
        (
            rate("{low=0.1,high=0.1}"),
            vec!["optimizer.learning_rate", "must be below"],
        ),
        (
            rate("{low=0.1,high=inf}"),
            vec!["optimizer.learning_rate", "must be finite"],
        ),
        (
            rate("{low=0.0,high=0.1,scale='log'}"),
            vec!["optimizer.learning_rate", "must be positive"],
        ),
        (
            rate("{low=0.1}"),
            vec!["optimizer.learning_rate", "must be { low"],
        ),
        (
            rate("[0.1,0.2]"),
            vec!["optimizer.learning_rate", "{ low = .., high = .. }"],
        ),
        (
            rate("0.1"),
            vec!["optimizer.learning_rate", "{ low = .., high = .. }"],
        ),
        (
            rate("{low=0.1,high=0.2,step=1}"),
            vec!["unknown field `step`"],
        ),
        (
            rate("{low=-0.5,high=0.1}"),
            vec!["'optimizer.learning_rate': -0.5 is not a valid value"],
        ),
        (
            of("schedule.gamma", "{low=0.5,high=1.5}"),
            vec!["'schedule.gamma': 1.5 is not a valid value"],
        ),
        (
            of("optimizer.leaning_rate", list),
            vec!["'optimizer.leaning_rate'", "unknown field `leaning_rate`"],
        ),
        (
            of("optimiser.learning_rate", list),
            vec!["'optimiser.learning_rate'", "unknown field `optimiser`"],
        ),
        (
            of("loss.alhpa", list),
            vec!["'loss.alhpa'", "unknown field `alhpa`"],
        ),
        (
            of("model.depth", "{low=2,high=5}"),
            vec!["'model.depth'", "list whole numbers"],
        ),
        (
            of("seed", "{values=[1,2]}"),
            vec!["'seed'", "the search sets it itself"],
        ),
        (
            of("loss", "{values=[{kind='mse'}]}"),
            vec!["'loss'", "[sweep] has 'loss' too"],
        ),
        (
            "--set search.trials=0".to_owned(),
            vec!["search.trials = 0"],
        ),
        (
            "--set search.epochs=1.5".to_owned(),
            vec!["search.epochs = 1.5"],
        ),
        (
            "--set search.epochs=0".to_owned(),
            vec!["search.epochs = 0"],
        ),
        (
            "--set search.sampler=grid".to_owned(),
            vec!["search.sampler", "unknown variant `grid`"],
        ),
        (
            "--set search.seed=1".to_owned(),
            vec!["unknown field `seed`"],
        ),
        (
            "--set data.validation=0".to_owned(),
            vec!["data.validation = 0"],
        ),
    ] {
        scene.refuse(
            &format!("search --config e.toml --out runs {arguments}"),
            &expected,
        );
        assert!(!scene.path("runs").exists(), "{arguments}");
    }
    fs::write(
        scene.path("plain.toml"),
        CONFIG.split("[search]").next().unwrap(),
    )
    .unwrap();
    scene.refuse(
        "search --config plain.toml --out runs",
        &["the file has no [search] table"],
    );
    fs::write(scene.path("half.toml"), CONFIG.replace("trials = 7\n", "")).unwrap();
    scene.refuse(
        "search --config half.toml --out runs",
        &["search", "missing field `trials`"],
    );
    let help = scene.succeed("search --help");
    assert!(
        help.contains("Example") && help.contains("[search]"),
        "{help}"
    );
}

#[test]
fn another_search_in_the_folder_is_not_overwritten() {
    let scene = scene();
    let one = "search --config e.toml --set loss={kind='label_smoothing',alpha=0.1} --set search.trials=1 --out runs";
    scene.succeed(one);
    let before = files(&scene.path("runs/search"));
    for change in [
        "--set search.trials=2",
        "--set model.width=8",
        "--set search.epochs=1",
        "--set schedule.gamma=0.1",
    ] {
        scene.refuse(
            &format!("{one} {change}"),
            &["search with other settings", "runs/search"],
        );
    }
    assert_eq!(files(&scene.path("runs/search")), before);
    // The folder can also hold searches of other experiments, and more of this one.
    scene.succeed(&format!("{one} --set experiment=other"));
    scene.succeed("search --config e.toml --set search.trials=1 --out runs");
    assert_eq!(histories(&scene, "runs").len(), 3);
    let output = scene.run("sweep plan --config e.toml --out m.jsonl");
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("[search] is ignored; use memdil search for it")
    );
}
