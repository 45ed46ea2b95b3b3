//! `cargo xtask bench`: criterion benches, or our metrics and training step beside NumPy and torch.

mod table;
mod train_step;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::arguments::{check as check_arguments, has, value};
use crate::failure::Failure;
use crate::process::{check, output};
use crate::workspace::{cargo, root, target_directory};
use table::{median, table, threads, time};

/// All programs get as many threads.
const THREADS: &str = "2";
/// Every program has so many turns, one after the other, and makes so many runs in each (slow peers
/// fewer).
const TURNS: usize = 3;
const RUNS: &str = "5";
/// A peer whose first run takes more seconds is left out.
const LIMIT: &str = "60";
/// The routes of `benches/peers/metrics.py`, and the titles of their columns.
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
        return beside_peers(only);
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

fn beside_peers(only: Option<&str>) -> Result<(), Failure> {
    let python = std::env::var_os("MEMDIL_PYTHON").unwrap_or_else(|| "python3".into());
    let mut probe = Command::new(&python);
    if output(probe.args(["-c", "import numpy, torch"])).is_err() {
        let python = python.to_string_lossy();
        return Err(Failure::usage(format!(
            "{python} has no numpy and torch; python3 -m venv peers && peers/bin/pip install numpy torch, then set \
             MEMDIL_PYTHON=peers/bin/python"
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
            "no size contains '{}'; there are {}",
            only.unwrap_or(""),
            all.join(", ")
        )));
    }
    if !step_sizes.is_empty() {
        train_step::beside_torch(&step_sizes, &steps, Path::new(&python))?;
    }
    if sizes.is_empty() {
        return Ok(());
    }
    let ours = metrics;
    let folder = Folder::new()?;
    let mut rows = vec![header()];
    for size in sizes {
        eprintln!("{size}: arrays");
        output(Command::new(&ours).args(["write", size]).arg(&folder.0))?;
        rows.push(measure(size, &ours, Path::new(&python), &folder.0)?);
    }
    println!("{}", table(&rows));
    println!("medians in ms, {THREADS} threads each; ratio: time of the peer over that of our nc1");
    println!(
        "difference: of the peer's NC1 from ours, relative; memory: peak beyond the arrays in MiB, of all metrics"
    );
    Ok(())
}

/// Builds one of our programs that print times.
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

/// A folder for the arrays that goes away with this value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("memdil-peers-{}", std::process::id()));
        let made = fs::create_dir_all(&path);
        made.map_err(|e| {
            Failure::usage(format!("cannot write {}: {e}; set TMPDIR", path.display()))
        })?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
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

/// One row of the table: all programs in turn, so that a change of the machine's speed meets all of
/// them.
fn measure(size: &str, ours: &Path, python: &Path, folder: &Path) -> Result<Vec<String>, Failure> {
    let script = root().join("benches/peers/metrics.py");
    let mut own = Vec::new();
    let mut peers: [Option<Vec<String>>; PEERS.len()] = std::array::from_fn(|_| Some(Vec::new()));
    for turn in 1..=TURNS {
        eprintln!("{size}: turn {turn} of {TURNS}");
        own.push(output(threads(
            Command::new(ours).arg("time").arg(folder).arg(RUNS),
            THREADS,
        ))?);
        for ((route, title), found) in PEERS.iter().zip(&mut peers) {
            let Some(results) = found else { continue };
            let mut command = Command::new(python);
            command
                .arg(&script)
                .arg(route)
                .arg(folder.join("h.npy"))
                .arg(folder.join("y.npy"));
            threads(command.args(["--runs", RUNS, "--limit", LIMIT]), THREADS);
            let ended = command
                .output()
                .map_err(|e| Failure::inside(format!("cannot start {title}: {e}")))?;
            match ended.status.code() {
                Some(0) => results.push(String::from_utf8_lossy(&ended.stdout).into_owned()),
                Some(_) => {
                    let text = String::from_utf8_lossy(&ended.stderr);
                    return Err(Failure::inside(format!("{title}: {}", text.trim())));
                }
                None => {
                    eprintln!(
                        "{size}: {title} left out, it takes more than {LIMIT} s or was killed"
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
