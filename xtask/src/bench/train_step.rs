//! Compares the training step with that of PyTorch.

use std::path::Path;
use std::process::{Command, Stdio};

use super::table::{median, table, time, with_threads};
use crate::failure::Failure;
use crate::process::output;
use crate::workspace::root;

/// Number of turns in which both programs run in sequence.
const TURNS: usize = 3;
/// Duration of a run.
const SECONDS: &str = "3";

/// Prints a table of the time per step with one thread, two threads, and two processes of one
/// thread each.
pub(super) fn compare_with_torch(
    sizes: &[&str],
    ours: &Path,
    python: &Path,
) -> Result<(), Failure> {
    let mut header = vec!["network/width/batch".to_owned()];
    for threads in ["1 thread", "2 threads", "2 processes"] {
        header.extend([threads.to_owned(), "torch".to_owned(), "ratio".to_owned()]);
    }
    header.extend(["memory", "torch", "growth"].map(str::to_owned));
    let mut rows = vec![header];
    for size in sizes {
        let mut row = vec![(*size).to_owned()];
        let mut memory = Vec::new();
        for (count, processes) in [("1", 1), ("2", 1), ("1", 2)] {
            let (mut own, mut torch) = (Vec::new(), Vec::new());
            for turn in 1..=TURNS {
                eprintln!("{size}: {processes} process of {count} threads, turn {turn} of {TURNS}");
                own.extend(run_processes(processes, count, || {
                    let mut command = Command::new(ours);
                    command.args(["time", size, SECONDS]);
                    command
                })?);
                torch.extend(run_processes(processes, count, || {
                    let mut command = Command::new(python);
                    command
                        .arg(root().join("benches/peers/train_step.py"))
                        .args([size, "--seconds", SECONDS]);
                    command
                })?);
            }
            let times =
                [median(&own, "ms")?, median(&torch, "ms")?].map(|ms| ms / processes as f64);
            row.extend([
                time(times[0]),
                time(times[1]),
                format!("{:.2}", times[0] / times[1]),
            ]);
            if count == "2" {
                let parameters = median(&own, "parameters_mib")?;
                let ratio = |results: &[String]| {
                    median(results, "extra_mib")
                        .map_or_else(|_| "-".to_owned(), |mib| format!("{:.2}", mib / parameters))
                };
                let growth = median(&own, "growth_mib")
                    .map_or_else(|_| "-".to_owned(), |mib| format!("{mib:.1}"));
                memory = vec![ratio(&own), ratio(&torch), growth];
            }
        }
        row.extend(memory);
        rows.push(row);
    }
    println!("{}", table(&rows));
    println!(
        "times: median ms per step (2 processes: per step of either process); ratio: our time over that of torch"
    );
    println!(
        "memory: peak without the start-up memory, over the size of the parameters; growth: MiB after the first tenth of the steps\n"
    );
    Ok(())
}

/// Runs several processes at once and returns what each prints.
fn run_processes(
    processes: usize,
    count: &str,
    command: impl Fn() -> Command,
) -> Result<Vec<String>, Failure> {
    if processes == 1 {
        return Ok(vec![output(with_threads(&mut command(), count))?]);
    }
    let start = |_| {
        let mut command = command();
        let child = with_threads(&mut command, count)
            .stdout(Stdio::piped())
            .spawn();
        child.map_err(|e| Failure::internal(format!("cannot start a process: {e}")))
    };
    let children = (0..processes).map(start).collect::<Result<Vec<_>, _>>()?;
    let wait = |child: std::process::Child| {
        let ended = child
            .wait_with_output()
            .map_err(|e| Failure::internal(format!("cannot wait for a process: {e}")))?;
        if !ended.status.success() {
            return Err(Failure::internal(format!(
                "a timed process failed: {}",
                ended.status
            )));
        }
        Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
    };
    children.into_iter().map(wait).collect()
}
