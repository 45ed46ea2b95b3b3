//! `memdil reproduce` with a small experiment: a whole reproduction, its plan, and the scripts for
//! a cluster.

use std::fs;

use crate::common::{SETTINGS, Scene};

const SWEEP: &str = r#"
[sweep]
seed = [0, 1]

[preset.tiny]
"#;

/// A folder with a sweep of two runs and a part of the report.
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
fn a_reproduction_ends_in_its_report_and_is_a_no_op_when_repeated() {
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
    scene.succeed("--out o --only probe");
    assert_eq!(
        fs::read(scene.path("o/report/claims.json")).unwrap(),
        claims
    );
}

#[test]
fn a_dry_run_makes_no_run() {
    let scene = scene();
    let text = scene.succeed("--out o --dry-run --jobs 2");
    assert!(text.contains("for 2 of 2 runs, 2 at a time"), "{text}");
    assert!(
        text.contains("all together: about 1 min, and the theory"),
        "{text}"
    );
    assert!(!scene.path("o/runs").exists());
}

#[test]
fn scripts_for_a_cluster_carry_the_arguments() {
    let scene = scene();
    fs::create_dir(scene.path("it's data")).unwrap();
    let mut command = scene.command("--out o --engine slurm --submit=no --partition p --jobs 3");
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
        " --device cpu --data-dir '{0}it'\\''s data' --data-dir '{0}exp'",
        folder.display()
    );
    let entries = fs::read_dir(scene.path("o/cluster")).unwrap();
    let tasks = entries
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .unwrap();
    let tasks = fs::read_to_string(tasks).unwrap();
    let expected = format!(
        "sweep run --manifest '{0}o/probe.jsonl' --out '{0}o/runs'{data} --index 0,1\n",
        folder.display()
    );
    assert_eq!(tasks, expected);
    let report = fs::read_to_string(report).unwrap();
    let expected = format!(
        "reproduce --report-only --preset tiny --out '{0}o'{data} --jobs 1 --experiments '{0}exp'",
        folder.display()
    );
    assert!(report.contains(&expected), "{report}");
}

#[test]
fn bad_arguments_are_told_before_any_work() {
    let scene = Scene::new("reproduce");
    for (arguments, expected) in [
        (
            "--preset huge",
            "no experiment has the preset 'huge'; there are: embedded, paper, paper-figure",
        ),
        (
            "--only nothing",
            "preset 'quick' has no experiment 'nothing'; it has: capacity",
        ),
        ("--submit no", "--submit is for --engine slurm or hq"),
        (
            "--engine hq --submit no --partition p",
            "are those of its workers",
        ),
        (
            "--engine hq --submit no --gpus-per-task a:1",
            "--gpus-per-task must be a number",
        ),
        ("--engine slurm", "add --submit=no for the scripts alone"),
        ("--engine pbs", "possible values: local, slurm, hq"),
        ("--jobs 0", "0 is not in 1..=65535"),
        ("--data-dir nowhere", "there is no such folder"),
        ("--experiments nowhere", "there is no such folder"),
        ("--device gpu", "--device gpu: must be cpu or cuda:N"),
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
