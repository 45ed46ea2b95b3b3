//! Packs the runs that are not done into tasks.

use std::collections::BTreeMap;

use super::options::Cluster;
use super::process::absolute;
use crate::arguments::Processes;
use crate::failure::Failure;
use crate::reproduce::arguments::Arguments;
use crate::reproduce::experiments::{ExperimentFile, Kind};
use crate::reproduce::local;
use crate::reproduce::reproduction::Reproduction;
use crate::reproduce::shell::quoted;
use crate::sweep;

/// Seconds to which tasks are packed, so that the time to start one is negligible.
const TASK_SECONDS: f64 = 600.0;

/// One line of the task file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Task {
    /// Arguments of memdil.
    pub(super) arguments: String,
    /// The estimated time in seconds.
    pub(super) seconds: f64,
}

/// The runs that are not complete, packed by their estimated time on the CPU of this machine, since
/// jobs are submitted from machines without a GPU. Only the sizes of tasks depend on that time.
pub(super) fn tasks(cluster: &Cluster, job: &Reproduction<'_>) -> Result<Vec<Task>, Failure> {
    let processes = on_cpu(job.processes());
    let mut tasks = Vec::new();
    for experiment in &job.selection.experiments {
        if experiment.kind == Kind::Sweep {
            sweep::plan(&job.plan(experiment), |_| ())?;
        }
        if let Some(estimate) = local::open(job, experiment, processes.clone(), &mut |_| ())? {
            let start = start(cluster, job, experiment);
            tasks.extend(packed(&start, &estimate.open()));
        }
    }
    Ok(tasks)
}

/// The arguments of a task except the indices of its runs or searches.
fn start(cluster: &Cluster, job: &Reproduction<'_>, experiment: &ExperimentFile) -> String {
    let (runs, running) = (quoted(job.runs()), running(job.arguments));
    if experiment.kind == Kind::Search {
        let (preset, jobs) = (&job.arguments.preset, cluster.cpus);
        let config = quoted(absolute(&experiment.path));
        return format!(
            "search --preset {preset} --config {config} --out {runs}{running} --jobs {jobs} --index "
        );
    }
    let manifest = quoted(job.manifest(experiment));
    format!("sweep run --manifest {manifest} --out {runs}{running} --index ")
}

/// The options of the runs of a task, for a process that may start in any folder.
pub(super) fn running(arguments: &Arguments) -> String {
    let running = &arguments.processes.running;
    let mut text = format!(
        " --device {} --checkpoint-every {}",
        running.machine.device,
        running.checkpoint_every.as_secs_f64()
    );
    if running.tensorboard {
        text += " --tensorboard";
    }
    for folder in &arguments.machine().data.data_dirs {
        text += &format!(" --data-dir {}", quoted(absolute(folder)));
    }
    text
}

/// Packs runs into tasks in their order; the arguments of a task are `start` and the indices.
fn packed(start: &str, open: &BTreeMap<usize, f64>) -> Vec<Task> {
    let mut packed: Vec<Task> = Vec::new();
    for (index, seconds) in open {
        match packed.last_mut() {
            Some(task) if task.seconds + seconds <= TASK_SECONDS => {
                task.arguments += &format!(",{index}");
                task.seconds += seconds;
            }
            _ => packed.push(Task {
                arguments: format!("{start}{index}"),
                seconds: *seconds,
            }),
        }
    }
    packed
}

fn on_cpu(mut processes: Processes) -> Processes {
    processes.running.machine.device = "cpu".to_owned();
    processes
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn tasks_run_on_the_gpu_and_are_sized_on_the_cpu() {
        let line = "reproduce --device cuda:0 --tensorboard";
        let Line { arguments } = Line::parse_from(line.split(' '));
        assert_eq!(
            running(&arguments),
            " --device cuda:0 --checkpoint-every 30 --tensorboard"
        );
        let processes = on_cpu(arguments.processes);
        assert_eq!(processes.running.machine.device, "cpu");
    }

    #[test]
    fn open_runs_are_packed_up_to_the_task_length() {
        let open = BTreeMap::from([(0, 250.0), (2, 250.0), (3, 250.0), (4, 1000.0)]);
        let lines: Vec<String> = packed("run ", &open)
            .into_iter()
            .map(|task| task.arguments)
            .collect();
        assert_eq!(lines, ["run 0,2", "run 3", "run 4"]);
        assert!(packed("run ", &BTreeMap::new()).is_empty());
    }
}
