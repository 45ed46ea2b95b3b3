//! Our training step beside PyTorch's.

use std::path::Path;
use std::process::{Command, Stdio};

use super::table::{median, table, threads, time};
use crate::failure::Failure;
use crate::process::output;
use crate::workspace::root;

/// Every program has so many turns of so many seconds, one after the other.
const TURNS: usize = 3;
const SECONDS: &str = "3";

/// Prints a table: for 1 and 2 threads, and for two processes of one thread each, what a step
/// takes.
pub(super) fn beside_torch(sizes: &[&str], ours: &Path, python: &Path) -> Result<(), Failure> {
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
                own.extend(together(processes, count, || {
                    let mut command = Command::new(ours);
                    command.args(["time", size, SECONDS]);
                    command
                })?);
                torch.extend(together(processes, count, || {
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
        "ms a step (of two processes: a step of either), medians; ratio: our time over that of torch"
    );
    println!(
        "memory: peak beyond the start over the parameters' bytes; growth: MiB after the first tenth of the steps\n"
    );
    Ok(())
}

/// Results of as many processes at once.
fn together(
    processes: usize,
    count: &str,
    command: impl Fn() -> Command,
) -> Result<Vec<String>, Failure> {
    if processes == 1 {
        return Ok(vec![output(threads(&mut command(), count))?]);
    }
    let start = |_| {
        let mut command = command();
        let child = threads(&mut command, count).stdout(Stdio::piped()).spawn();
        child.map_err(|e| Failure::inside(format!("cannot start a process: {e}")))
    };
    let children = (0..processes).map(start).collect::<Result<Vec<_>, _>>()?;
    let wait = |child: std::process::Child| {
        let ended = child
            .wait_with_output()
            .map_err(|e| Failure::inside(format!("cannot wait for a process: {e}")))?;
        if !ended.status.success() {
            return Err(Failure::inside(format!(
                "a timed process failed: {}",
                ended.status
            )));
        }
        Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
    };
    children.into_iter().map(wait).collect()
}
