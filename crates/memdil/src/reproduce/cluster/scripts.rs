//! The files of a submission: a file with the arguments of one task per line, scripts of job arrays
//! that read it, and the report's script.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use super::options::{Cluster, Scheduler};
use super::place::Place;
use super::process::{absolute, output};
use super::tasks::{Task, running};
use crate::failure::BadInput;
use crate::reproduce::reproduction::Reproduction;
use crate::reproduce::shell::quoted;

/// The prefix of the names of all jobs.
pub(super) const JOB_PREFIX: &str = "memdil-";
/// The assumed limit on the size of arrays if Slurm does not report it; Slurm's default.
const MAX_ARRAY: usize = 1001;

/// Scripts to submit: the arrays, then the report.
pub(super) struct Scripts {
    pub(super) arrays: Vec<PathBuf>,
    pub(super) report: PathBuf,
}

/// The common settings of the scripts of one attempt.
struct Batch<'a> {
    cluster: &'a Cluster,
    preset: &'a str,
    place: &'a Place,
    /// Part of the file names, as tasks of an earlier attempt may still wait for their files.
    stamp: u128,
    /// Largest number of tasks in an array.
    largest: usize,
}

/// Writes the task file and the scripts: arrays of at most the size that the cluster allows, then
/// the report.
pub(super) fn write(
    cluster: &Cluster,
    job: &Reproduction<'_>,
    place: &Place,
    tasks: &[Task],
) -> Result<Scripts, BadInput> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let batch = Batch {
        cluster,
        preset: &job.arguments.preset,
        place,
        stamp: now.as_millis(),
        largest: match cluster.scheduler {
            Scheduler::Slurm => max_array() - 1,
            Scheduler::HyperQueue => usize::MAX,
        },
    };
    let lines: Vec<&str> = tasks.iter().map(|task| task.arguments.as_str()).collect();
    batch.write(&lines, &report(cluster, job, place))
}

impl Batch<'_> {
    fn write(&self, tasks: &[&str], report: &str) -> Result<Scripts, BadInput> {
        let (place, stamp) = (self.place, self.stamp);
        let lines: String = tasks.iter().map(|task| format!("{task}\n")).collect();
        let file = place.write(&format!("tasks-{stamp}.txt"), &lines)?;
        let mut arrays = Vec::new();
        for first in (0..tasks.len()).step_by(self.largest) {
            let count = self.largest.min(tasks.len() - first);
            let name = format!("runs-{stamp}-{}.sh", arrays.len() + 1);
            arrays.push(place.write(&name, &self.array(&file, first, count))?);
        }
        let report = self.header(None) + report;
        let report = place.write(&format!("report-{stamp}.sh"), &report)?;
        Ok(Scripts { arrays, report })
    }

    /// The script of an array of `count` tasks, which run the lines of the file after `first`.
    fn array(&self, file: &Path, first: usize, count: usize) -> String {
        self.header(Some(count))
            + &format!(
                "export RAYON_NUM_THREADS=\"${{SLURM_CPUS_PER_TASK:-{}}}\"\n\
                 line=$(sed -n \"$(({first} + ${{SLURM_ARRAY_TASK_ID:-${{HQ_TASK_ID:-1}}}}))p\" {})\n\
                 [ -n \"$line\" ] || {{ echo \"there is no such task\" >&2; exit 1; }}\n\
                 program={}\n\
                 eval \"exec \\\"\\$program\\\" $line\"\n",
                self.cluster.cpus,
                quoted(file),
                quoted(&self.place.program)
            )
    }

    /// The header of a script: for an array of `tasks`, or for the single task of the report.
    fn header(&self, tasks: Option<usize>) -> String {
        let header = match self.cluster.scheduler {
            Scheduler::Slurm => self.slurm_header(tasks),
            Scheduler::HyperQueue => self.hyperqueue_header(tasks),
        };
        let data_dirs = std::env::var_os("MEMDIL_DATA_DIR");
        format!("#!/bin/bash\n{header}{}", environment(data_dirs.as_deref()))
    }

    fn slurm_header(&self, tasks: Option<usize>) -> String {
        let (cluster, logs) = (self.cluster, self.place.logs());
        let log = if tasks.is_some() {
            "%A_%a.log"
        } else {
            "report.log"
        };
        // Slurm replaces patterns that begin with a percent sign.
        let log = format!("{}/{log}", logs.display().to_string().replace('%', "%%"));
        let mut lines = vec![
            format!("--job-name={JOB_PREFIX}{}", self.preset),
            format!("--output=\"{log}\""),
            "--open-mode=append".to_owned(),
            "--requeue".to_owned(),
            "--ntasks=1".to_owned(),
            format!("--cpus-per-task={}", cluster.cpus),
        ];
        lines.extend(
            cluster
                .gpus
                .iter()
                .map(|gpus| format!("--gpus-per-task={gpus}")),
        );
        lines.extend(cluster.arguments.iter().cloned());
        if let Some(count) = tasks {
            let most = cluster.max_parallel.map(|most| format!("%{most}"));
            lines.push(format!("--array=1-{count}{}", most.unwrap_or_default()));
        }
        let lines: String = lines
            .iter()
            .map(|line| format!("#SBATCH {line}\n"))
            .collect();
        lines + "set -euo pipefail\n"
    }

    fn hyperqueue_header(&self, tasks: Option<usize>) -> String {
        let (cluster, preset) = (self.cluster, self.preset);
        let mut text = format!(
            "#HQ --name={JOB_PREFIX}{preset} --cpus={} --stdout=none --stderr=none\n",
            cluster.cpus
        );
        if let Some(gpus) = &cluster.gpus {
            text += &format!("#HQ --resource=gpus/nvidia={gpus}\n");
        }
        if let Some(count) = tasks {
            text += &format!("#HQ --array=1-{count}\n");
        }
        let log = if tasks.is_some() {
            "hq-${HQ_JOB_ID}_${HQ_TASK_ID}.log"
        } else {
            "report.log"
        };
        let logs = quoted(self.place.logs());
        text + &format!("set -euo pipefail\nexec >> {logs}/\"{log}\" 2>&1\n")
    }
}

/// The environment variable that the program reads, as many sites start tasks without the
/// environment of the submission.
fn environment(data_dirs: Option<&OsStr>) -> String {
    let Some(text) = data_dirs.filter(|text| !text.is_empty()) else {
        return String::new();
    };
    let folders = std::env::split_paths(text)
        .filter(|folder| !folder.as_os_str().is_empty())
        .map(|folder| absolute(&folder));
    // Fails only if the current folder's path contains the separator.
    let text = std::env::join_paths(folders).unwrap_or_else(|_| text.to_owned());
    format!("export MEMDIL_DATA_DIR={}\n", quoted(text))
}

/// The lines that write the report: this command with `--report-only`.
fn report(cluster: &Cluster, job: &Reproduction<'_>, place: &Place) -> String {
    let arguments = job.arguments;
    let mut command = format!(
        "{} reproduce --report-only --preset {} --out {}{} --jobs {}",
        quoted(&place.program),
        arguments.preset,
        quoted(&job.out),
        running(arguments),
        cluster.cpus
    );
    for name in &arguments.only {
        command += &format!(" --only {name}");
    }
    if let Some(folder) = &arguments.experiments {
        command += &format!(" --experiments {}", quoted(absolute(folder)));
    }
    let shown = quoted(arguments.shown());
    let status = quoted(place.report_status());
    format!(
        "failed=0\n{command} --shown-as {shown} || failed=$?\necho $failed > {status}\nexit $failed\n"
    )
}

/// Slurm's limit on the size of arrays, which the largest index must be below.
fn max_array() -> usize {
    let text = output(Command::new("scontrol").args(["show", "config"])).unwrap_or_default();
    let value = text
        .lines()
        .find(|line| line.starts_with("MaxArraySize"))
        .and_then(|line| line.split_once('='));
    value
        .and_then(|(_, value)| value.trim().parse().ok())
        .filter(|&most: &usize| most > 1)
        .unwrap_or(MAX_ARRAY)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
