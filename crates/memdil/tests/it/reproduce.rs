//! `memdil reproduce` with a small experiment: a whole reproduction, its plan, and the scripts for
//! a cluster.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::common::{SETTINGS, Scene};

const SWEEP: &str = r#"
[sweep]
seed = [0, 1]

[preset.tiny]
"#;

/// A folder with the experiment files of a sweep of two runs and of a part of the report.
fn scene() -> Scene {
    let scene = Scene::new("reproduce --preset tiny --experiments exp");
    fs::create_dir(scene.path("exp")).unwrap();
    fs::write(scene.path("exp/probe.toml"), format!("{SETTINGS}{SWEEP}")).unwrap();
    fs::write(
        scene.path("exp/theory.toml"),
        "command = \"report\"\n[preset.tiny]\n",
    )
    .unwrap();
    scene
}

#[test]
fn a_repeated_reproduction_changes_nothing() {
    let scene = scene();
    let first = scene.succeed("--out o");
    assert!(
        first.contains("2 of 2 runs complete, 0 diverged"),
        "{first}"
    );
    let claims = fs::read(scene.path("o/report/claims.json")).unwrap();
    let page = fs::read_to_string(scene.path("o/report/index.html")).unwrap();
    assert!(page.contains("memdil reproduce --preset tiny --experiments exp --out o"));
    let manifest = fs::read_to_string(scene.path("o/probe.jsonl")).unwrap();
    assert_eq!(manifest.lines().count(), 2);
    // Summaries contain times, so a second training would change them.
    let summaries = summaries(&scene);
    assert_eq!(summaries.len(), 2);
    scene.succeed("--out o --only probe");
    assert_eq!(self::summaries(&scene), summaries);
    let report = scene.path("o/report");
    assert_eq!(fs::read(report.join("claims.json")).unwrap(), claims);
    assert!(report.join("figures/theory-noise.svg").exists());
}

/// The summaries of the runs, by path.
fn summaries(scene: &Scene) -> BTreeMap<PathBuf, String> {
    let runs = fs::read_dir(scene.path("o/runs")).unwrap();
    let files = runs.map(|run| run.unwrap().path().join("summary.json"));
    files
        .map(|file| (file.clone(), fs::read_to_string(file).unwrap()))
        .collect()
}

/// A `PATH` with a fake Slurm: `sbatch` runs each task of an array at once; the queue is empty.
fn fake_slurm(scene: &Scene) -> OsString {
    let folder = scene.path("slurm");
    fs::create_dir(&folder).unwrap();
    let sbatch = r#"#!/bin/bash
[ "$1" = --version ] && exit 0
script=${@: -1}
last=$(sed -n 's/^#SBATCH --array=1-//p' "$script")
for task in $(seq "${last:-1}"); do SLURM_ARRAY_TASK_ID=$task bash "$script" >> report.log 2>&1; done
[ -n "$last" ] || cp report.log "$(dirname "$script")/logs/report.log"
echo 7
"#;
    for (name, text) in [
        ("sbatch", sbatch),
        ("squeue", "#!/bin/sh\n"),
        ("scontrol", "#!/bin/sh\n"),
    ] {
        fs::write(folder.join(name), text).unwrap();
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.join(name), mode).unwrap();
    }
    let path = std::env::var_os("PATH").unwrap();
    let folders = [folder].into_iter().chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap()
}

#[test]
fn a_cluster_executes_the_runs_and_writes_the_report() {
    let scene = scene();
    let path = fake_slurm(&scene);
    let mut command = scene.command("--out o --engine slurm --cpus-per-task 2");
    let output = command.env("PATH", &path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(summaries(&scene).len(), 2);
    assert!(scene.path("o/report/index.html").exists());
    let jobs = fs::read_to_string(scene.path("o/cluster/sbatch-jobs.txt")).unwrap();
    assert_eq!(jobs, "7\n7\n");
}

#[test]
fn a_failed_report_on_a_cluster_is_an_error() {
    let scene = scene();
    let path = fake_slurm(&scene);
    fs::create_dir_all(scene.path("o/report")).unwrap();
    fs::write(scene.path("o/report/index.html"), "another page").unwrap();
    let mut command = scene.command("--out o --engine slurm");
    let output = command.env("PATH", &path).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    let last = text.lines().next_back().unwrap();
    let expected = "error: the report's job ended with exit status 2: see ";
    assert!(last.starts_with(expected), "{text}");
}

#[test]
fn an_output_folder_holds_one_preset_and_one_process() {
    let scene = scene();
    let out = scene.path("o");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("preset.txt"), "other\n").unwrap();
    let refusal = |scene: &Scene| {
        let output = scene.command("--out o").output().unwrap();
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refusal(&scene).contains("contains the runs of preset 'other'; choose another folder"));
    fs::remove_file(out.join("preset.txt")).unwrap();
    let lock = fs::File::create(out.join(".lock")).unwrap();
    lock.try_lock().unwrap();
    assert!(refusal(&scene).contains("another process is reproducing into this folder"));
    drop(lock);
    scene.succeed("--out o");
}

#[test]
fn every_experiment_is_checked_before_the_first_run() {
    let scene = scene();
    let text = format!("{SETTINGS}{SWEEP}[report]\nplace = \"x\"\n");
    fs::write(
        scene.path("exp/wrong.toml"),
        text.replace("seed = [0, 1]", "seed = [2]"),
    )
    .unwrap();
    let output = scene.command("--out o").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("exp/wrong.toml: "), "{text}");
    assert!(!scene.path("o/runs").exists());
}

/// The task file.
fn tasks(scene: &Scene) -> String {
    let mut entries = fs::read_dir(scene.path("o/cluster")).unwrap();
    let is_text = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "txt");
    let path = entries.find_map(|entry| Some(entry.unwrap().path()).filter(is_text));
    fs::read_to_string(path.unwrap()).unwrap()
}

#[test]
fn a_dry_run_executes_nothing() {
    let scene = scene();
    let text = scene.succeed("--out o --dry-run --jobs 2");
    assert!(text.contains("for 2 of 2 runs, 2 at a time"), "{text}");
    assert!(
        text.contains("s, plus half a minute for the theory"),
        "{text}"
    );
    assert!(!scene.path("o/runs").exists());
}

#[test]
fn scripts_for_a_cluster_contain_the_arguments() {
    let scene = scene();
    fs::create_dir(scene.path("it's data")).unwrap();
    let mut command = scene.command("--out o --engine slurm --submit=no --partition p");
    command.args([
        "--data-dir",
        "it's data",
        "--data-dir=exp",
        "--sbatch-arg=--exclusive",
    ]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let folder = scene.path("");
    let shown = String::from_utf8(output.stdout).unwrap();
    let scripts: Vec<&str> = shown.lines().filter(|line| line.ends_with(".sh")).collect();
    let [array, report] = scripts[..] else {
        panic!("an array and the report: {shown}");
    };
    let array = fs::read_to_string(array).unwrap();
    for expected in [
        "#SBATCH --partition=p\n",
        "#SBATCH --exclusive\n",
        "#SBATCH --array=1-1\n",
    ] {
        assert!(array.contains(expected), "{array}");
    }
    let data = format!(
        " --device cpu --checkpoint-every 30 --data-dir '{0}it'\\''s data' --data-dir '{0}exp'",
        folder.display()
    );
    let expected = format!(
        "sweep run --manifest '{0}o/probe.jsonl' --out '{0}o/runs'{data} --index 0,1\n",
        folder.display()
    );
    assert_eq!(tasks(&scene), expected);
    let report = fs::read_to_string(report).unwrap();
    let expected = format!(
        "reproduce --report-only --preset tiny --out '{0}o'{data} --jobs 1 --experiments '{0}exp'",
        folder.display()
    );
    assert!(report.contains(&expected), "{report}");
}

#[test]
fn bad_arguments_are_refused_before_any_work() {
    let scene = Scene::new("reproduce");
    for (arguments, expected) in [
        (
            "--preset huge",
            "no experiment has the preset 'huge'; choose one of: algorithms, embedded, jumps, margin, paper",
        ),
        (
            "--only nothing",
            "preset 'quick' has no experiment 'nothing'; it has: capacity",
        ),
        ("--submit no", "--submit is for --engine slurm or hq"),
        (
            "--engine hq --submit no --partition p",
            "partitions, accounts and limits are set for its workers",
        ),
        (
            "--engine hq --submit no --gpus-per-task a:1",
            "--gpus-per-task must be a number",
        ),
        (
            "--engine slurm --submit no --jobs 2",
            "--jobs is for --engine local",
        ),
        (
            "--engine slurm",
            "add --submit=no to write only the scripts",
        ),
        ("--engine pbs", "possible values: local, slurm, hq"),
        ("--jobs 0", "0 is not in 1..=65535"),
        ("--data-dir nowhere", "the folder does not exist"),
        ("--experiments nowhere", "the folder does not exist"),
        ("--device gpu", "device 'gpu': must be cpu or cuda:N"),
        ("--device cuda:0", "was built without CUDA support"),
        (
            "--engine slurm --submit maybe",
            "[possible values: yes, no]",
        ),
    ] {
        let mut command = scene.command(arguments);
        let output = command.env("PATH", "").output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {text}");
        assert_eq!(text.lines().count(), 1, "{arguments}: {text}");
        assert!(text.contains(expected), "{arguments}: {text}");
    }
    assert_eq!(
        fs::read_dir(scene.path("")).unwrap().count(),
        0,
        "nothing is written"
    );
}

#[test]
fn names_on_a_cluster_must_be_plain() {
    let scene = scene();
    let experiment = scene.path("exp/probe.toml");
    fs::rename(&experiment, scene.path("exp/my $(probe).toml")).unwrap();
    let mut command = scene.command("--out o --engine slurm --submit=no");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    let expected = "error: experiment 'my $(probe)': on a cluster, names may only contain letters";
    assert!(text.starts_with(expected), "{text}");
    assert!(!scene.path("o").exists());
}
