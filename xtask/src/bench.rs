//! `cargo xtask bench`: criterion benches, or comparisons of the metrics and the training step with
//! NumPy and torch.

mod table;
mod train_step;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::arguments::{check as check_arguments, has, value};
use crate::failure::Failure;
use crate::process::{check, output};
use crate::workspace::{cargo, root, target_directory};
use table::{median, table, time, with_threads};

/// Number of threads of every program.
const THREADS: &str = "2";
/// Number of turns in which all programs run in sequence.
const TURNS: usize = 3;
/// Number of timed runs of a program per turn; slow peers run fewer times.
const RUNS: &str = "5";
/// A peer whose first run takes more than this many seconds is skipped.
const LIMIT: &str = "60";
/// The methods of `benches/peers/metrics.py`, and the titles of their columns.
const PEERS: [(&str, &str); 4] = [
    ("torch", "torch d x d"),
    ("torch-eigh", "torch d x d, eigh"),
    ("numpy", "numpy d x d"),
    ("projected", "numpy projected"),
];

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    check_arguments("bench", arguments, &["--only"], &["--peers"])?;
    let only = value(arguments, "--only");
    if has(arguments, "--peers") {
        return compare_with_peers(only);
    }
    let mut command = cargo();
    command
        .args([
            "bench",
            "--profile",
            "dev",
            "--package",
            "memdil-benches",
            "--",
        ])
        .args(only);
    check(command.current_dir(root()))
}

fn compare_with_peers(only: Option<&str>) -> Result<(), Failure> {
    let python = std::env::var_os("MEMDIL_PYTHON").unwrap_or_else(|| "python3".into());
    let mut probe = Command::new(&python);
    if output(probe.args(["-c", "import numpy, torch"])).is_err() {
        let python = python.to_string_lossy();
        return Err(Failure::usage(format!(
            "{python}: cannot import numpy and torch; run python3 -m venv peers && peers/bin/pip install numpy torch, \
             then set MEMDIL_PYTHON=peers/bin/python"
        )));
    }
    let [metrics, steps] = [example("peer_metrics")?, example("peer_train_step")?];
    let all = [
        output(Command::new(&metrics).arg("sizes"))?,
        output(Command::new(&steps).arg("sizes"))?,
    ];
    let [sizes, step_sizes] = all.each_ref().map(|all| -> Vec<&str> {
        all.lines()
            .filter(|size| only.is_none_or(|only| size.contains(only)))
            .collect()
    });
    if sizes.is_empty() && step_sizes.is_empty() {
        let all: Vec<&str> = all.iter().flat_map(|all| all.lines()).collect();
        return Err(Failure::usage(format!(
            "--only {}: matches no size; sizes are {}",
            only.unwrap_or(""),
            all.join(", ")
        )));
    }
    if !step_sizes.is_empty() {
        train_step::compare_with_torch(&step_sizes, &steps, Path::new(&python))?;
    }
    if sizes.is_empty() {
        return Ok(());
    }
    let ours = metrics;
    let folder = TempFolder::new()?;
    let mut rows = vec![header()];
    for size in sizes {
        eprintln!("{size}: writing arrays");
        output(Command::new(&ours).args(["write", size]).arg(&folder.0))?;
        rows.push(measure(size, &ours, Path::new(&python), &folder.0)?);
    }
    println!("{}", table(&rows));
    println!(
        "times: medians in ms with {THREADS} threads; ratio: time of the peer over time of nc1"
    );
    println!(
        "difference: relative, between the NC1 of the peer and ours; memory: peak of all metrics in MiB, without the arrays"
    );
    Ok(())
}

/// Builds one of the examples that print times and returns its path.
fn example(name: &str) -> Result<PathBuf, Failure> {
    let mut build = cargo();
    build.args(["build", "--package", "memdil-benches", "--example", name]);
    check(build.current_dir(root()))?;
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    Ok(target_directory()?
        .join("debug")
        .join("examples")
        .join(file))
}

/// A temporary folder for the arrays, removed on drop.
struct TempFolder(PathBuf);

impl TempFolder {
    fn new() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("memdil-peers-{}", std::process::id()));
        let created = fs::create_dir_all(&path);
        created.map_err(|e| {
            Failure::usage(format!("cannot write {}: {e}; set TMPDIR", path.display()))
        })?;
        Ok(Self(path))
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn header() -> Vec<String> {
    let mut row = ["size", "nc1", "all metrics"].map(str::to_owned).to_vec();
    for (_, title) in PEERS {
        row.extend([
            title.to_owned(),
            "ratio".to_owned(),
            "difference".to_owned(),
        ]);
    }
    row.push("memory".to_owned());
    row
}

/// Measures one row of the table. The programs take turns, so that changes in the speed of the
/// machine affect all of them.
fn measure(size: &str, ours: &Path, python: &Path, folder: &Path) -> Result<Vec<String>, Failure> {
    let script = root().join("benches/peers/metrics.py");
    let mut own = Vec::new();
    let mut peers: [Option<Vec<String>>; PEERS.len()] = std::array::from_fn(|_| Some(Vec::new()));
    for turn in 1..=TURNS {
        eprintln!("{size}: turn {turn} of {TURNS}");
        own.push(output(with_threads(
            Command::new(ours).arg("time").arg(folder).arg(RUNS),
            THREADS,
        ))?);
        for ((method, title), found) in PEERS.iter().zip(&mut peers) {
            let Some(results) = found else { continue };
            let mut command = Command::new(python);
            command
                .arg(&script)
                .arg(method)
                .arg(folder.join("h.npy"))
                .arg(folder.join("y.npy"));
            with_threads(command.args(["--runs", RUNS, "--limit", LIMIT]), THREADS);
            let ended = command
                .output()
                .map_err(|e| Failure::internal(format!("cannot start {title}: {e}")))?;
            match ended.status.code() {
                Some(0) => results.push(String::from_utf8_lossy(&ended.stdout).into_owned()),
                Some(_) => {
                    let text = String::from_utf8_lossy(&ended.stderr);
                    return Err(Failure::internal(format!("{title}: {}", text.trim())));
                }
                None => {
                    eprintln!(
                        "{size}: skipping {title}, which takes more than {LIMIT} s or was killed"
                    );
                    *found = None;
                }
            }
        }
    }
    let nc1 = median(&own, "nc1_ms")?;
    let value = median(&own, "nc1")?;
    let mut row = vec![
        size.to_owned(),
        time(nc1),
        time(median(&own, "measure_ms")?),
    ];
    for results in peers {
        let Some(results) = results else {
            row.extend(["-"; 3].map(str::to_owned));
            continue;
        };
        let (ms, other) = (median(&results, "ms")?, median(&results, "nc1")?);
        row.extend([
            time(ms),
            format!("{:.2}", ms / nc1),
            format!("{:.0e}", ((other - value) / value).abs()),
        ]);
    }
    row.push(
        median(&own, "extra_mib").map_or_else(|_| "-".to_owned(), |extra| format!("{extra:.1}")),
    );
    Ok(row)
}
