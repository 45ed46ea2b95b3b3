//! Sweeps through the real program: plan, run, status, report; processes that are killed.

use std::fs;
use std::time::{Duration, Instant};

use crate::train::{CONFIG, listing, refuse, scene, write_data};

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
    assert!(table.contains("No claim is tested"), "{table}");
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
    // A report on a manifest excludes runs of other settings in the folder.
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
    // A planned run that is missing is named.
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
            "1 planned run is missing (failed or not run yet): {id}."
        )),
        "{id}"
    );
    // The dry run lists the runs that are left, with their estimated time.
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
    // A damaged record counts as a failed run: it does not stop the others, and is missing in the
    // report on the manifest.
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
            "1 planned run is missing (failed or not run yet): {id}."
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
fn a_preset_of_several_sweeps_includes_the_present_data_sets() {
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
    fs::create_dir(scene.path("data")).unwrap();
    let plan = "sweep plan --config p.toml --data-dir data --out m.jsonl --preset";
    let output = scene.run(&format!("{plan} several"));
    let (text, notes) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(text.contains("7 runs in m.jsonl"), "{text}");
    assert_eq!(notes, "note: mnist: not found; 2 runs left out\n");
    fs::remove_file(scene.path("m.jsonl")).unwrap();
    refuse(
        &scene,
        &format!("{plan} elsewhere"),
        "no data set of these runs is available: mnist",
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
    // A data set with damaged files does not count as absent.
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
        include_str!("../../../../experiments/layer-peeled.toml"),
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
    // A report on these results alone.
    scene.succeed("report --runs runs --config l.toml --preset smoke --out report");
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
    assert!(notes.contains("not converged"), "{notes}");
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
fn a_diverged_run_does_not_stop_the_others() {
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
        !status.contains(" 0 diverged") && status.contains("0 unfinished, 0 missing"),
        "{status}"
    );
    scene.succeed("report --runs runs --out report");
    assert!(
        fs::read_to_string(scene.path("report/index.html"))
            .unwrap()
            .contains("diverged")
    );
    // The exit status of a single run reports the divergence.
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
fn a_killed_sweep_ends_its_workers_and_resumes() {
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
    // Its worker ends too, which releases the lock of the unfinished run.
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
