//! A manifest worked through by processes of one thread each.
//!
//! Processes rather than threads: two single-threaded runs side by side finish sooner than one on
//! two threads, and a run that dies takes no other with it.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use memdil_records::{
    ManifestLine, RecordError, RunFolder, RunRecord, RunSpec, Status, create_dir,
};

use crate::claim::{self, Rules};
use crate::train::finished;
use crate::{Network, Prepared, RunnerError, open_device};

/// How to work through a manifest.
#[derive(Clone, Debug)]
pub struct SweepOptions {
    /// The program to start for each run: called as
    /// `PROGRAM sweep run --manifest M --out O --index I --worker`.
    pub program: PathBuf,
    /// The manifest's file.
    pub manifest: PathBuf,
    /// Folder that gets one folder a run.
    pub out: PathBuf,
    /// Processes at a time, at least one.
    pub jobs: usize,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Where the data sets are.
    pub data_dirs: Vec<PathBuf>,
    /// A run writes a checkpoint when so much time has passed since its last one.
    pub checkpoint_every: Duration,
    /// Whether runs write their metrics for TensorBoard too.
    pub tensorboard: bool,
}

/// Where a sweep stands.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepProgress {
    /// Runs that are finished, those of earlier sweeps included.
    pub finished: usize,
    /// Runs of the manifest.
    pub runs: usize,
    /// Epochs of this sweep's runs that are done, and all of them; finished runs of earlier sweeps
    /// do not count.
    pub epochs: (usize, usize),
    /// Expected time to the end, once there is something to expect it from.
    pub remaining: Option<Duration>,
    /// Run that just ended, and how.
    pub ended: Option<(String, Status)>,
    /// Run that just failed, with the last line of its log.
    pub failed: Option<String>,
}

/// How many runs of a manifest are in which state.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SweepStatus {
    /// Runs of the manifest.
    pub runs: usize,
    /// Completed ones.
    pub completed: usize,
    /// Recorded as diverged.
    pub diverged: usize,
    /// Begun and not finished.
    pub begun: usize,
    /// Not begun.
    pub missing: usize,
    /// Those whose record cannot be read, and why.
    pub damaged: Vec<String>,
}

/// The state of every run of a manifest below `out`.
///
/// # Errors
///
/// [`RunnerError::Record`] when a folder cannot be read.
pub fn status(lines: &[ManifestLine], out: &Path) -> Result<SweepStatus, RunnerError> {
    let mut status = SweepStatus {
        runs: lines.len(),
        ..SweepStatus::default()
    };
    for line in lines {
        let folder = RunFolder::new(out.join(&line.id));
        let state = match folder.whole_record() {
            Ok(record) => record.map(|record| record.status),
            Err(error @ RecordError::Malformed { .. }) => {
                status.damaged.push(error.to_string());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        *match state {
            Some(Status::Completed) => &mut status.completed,
            Some(Status::Diverged) => &mut status.diverged,
            None if folder.path().exists() => &mut status.begun,
            None => &mut status.missing,
        } += 1;
    }
    Ok(status)
}

/// Makes every run of a manifest that is not finished, `jobs` at a time, and reports progress.
///
/// A run that diverges is recorded and the rest goes on; so it does when a worker fails, which is
/// an error at the end.
///
/// # Errors
///
/// Bad data or device, or a folder of another run, before the first run starts;
/// [`RunnerError::Workers`] when some runs could not be finished.
pub fn run_all(
    lines: &[ManifestLine],
    options: &SweepOptions,
    mut on_progress: impl FnMut(&SweepProgress),
) -> Result<SweepStatus, RunnerError> {
    let (mut open, mut failures) = (VecDeque::new(), Vec::new());
    for (index, line) in lines.iter().enumerate() {
        let folder = RunFolder::new(options.out.join(&line.id));
        match finished(&folder, &line.spec) {
            Ok(Some(_)) => {}
            Ok(None) => open.push_back(Job {
                index,
                line,
                folder,
            }),
            // One damaged record is one failed run.
            Err(RunnerError::Record(error @ RecordError::Malformed { .. })) => {
                failures.push(error.to_string())
            }
            Err(error) => return Err(error),
        }
    }
    check_inputs(
        open.iter().map(|job| &job.line.spec),
        &options.device,
        &options.data_dirs,
    )?;
    create_dir(&options.out)?;

    let all_epochs = open.iter().map(|job| job.line.spec.training.epochs).sum();
    let mut progress = SweepProgress {
        finished: lines.len() - open.len() - failures.len(),
        runs: lines.len(),
        epochs: (0, all_epochs),
        remaining: None,
        ended: None,
        failed: None,
    };
    let started = Instant::now();
    let mut ended_epochs = 0;
    for failure in &failures {
        progress.failed = Some(failure.clone());
        on_progress(&progress);
    }
    progress.failed = None;
    let mut workers: Vec<Worker<'_>> = Vec::new();
    while !(open.is_empty() && workers.is_empty()) {
        // A run that another sweep is working on goes to the back: it is finished there, or free,
        // later on.
        for _ in 0..open.len() {
            if workers.len() >= options.jobs.max(1) {
                break;
            }
            let Some(job) = open.pop_front() else { break };
            if let Some(record) = job.folder.record()? {
                ended_epochs += job.line.spec.training.epochs;
                progress.end(record);
                on_progress(&progress);
                progress.ended = None;
            } else if is_busy(&job.folder) {
                open.push_back(job);
            } else {
                let worker = Worker::start(job, options)?;
                progress.epochs.1 -= worker.before;
                workers.push(worker);
            }
        }
        let mut running = Vec::new();
        for mut worker in workers {
            if worker
                .process
                .try_wait()
                .map_err(RunnerError::Worker)?
                .is_none()
            {
                running.push(worker);
            } else if is_busy(&worker.job.folder) {
                progress.epochs.1 += worker.before;
                open.push_front(worker.job);
            } else {
                ended_epochs += worker
                    .job
                    .line
                    .spec
                    .training
                    .epochs
                    .saturating_sub(worker.before);
                let running = workers_epochs(&running);
                progress.advance(ended_epochs + running, started);
                match worker.job.folder.record()? {
                    Some(record) => progress.end(record),
                    None => {
                        let failure = worker.job.failure();
                        progress.failed = Some(failure.clone());
                        failures.push(failure);
                    }
                }
                on_progress(&progress);
                (progress.ended, progress.failed) = (None, None);
            }
        }
        workers = running;
        progress.advance(ended_epochs + workers_epochs(&workers), started);
        on_progress(&progress);
        std::thread::sleep(Duration::from_millis(100));
    }
    match failures
        .into_iter()
        .enumerate()
        .map(|(i, first)| (i + 1, first))
        .reduce(|a, b| (b.0, a.1))
    {
        Some((failed, first)) => Err(RunnerError::Workers {
            failed,
            runs: lines.len(),
            first,
        }),
        None => status(lines, &options.out),
    }
}

impl SweepProgress {
    fn end(&mut self, record: RunRecord) {
        self.finished += 1;
        self.ended = Some((record.id, record.status));
    }

    fn advance(&mut self, epochs: usize, started: Instant) {
        self.epochs.0 = epochs;
        self.remaining = (epochs > 0).then(|| {
            let left = self.epochs.1.saturating_sub(epochs) as f64 / epochs as f64;
            started.elapsed().mul_f64(left)
        });
    }
}

/// The device and every data set with its batches are tried once, so that bad input ends the sweep
/// before it begins.
pub(crate) fn check_inputs<'a>(
    specs: impl Iterator<Item = &'a RunSpec>,
    device: &str,
    data_dirs: &[PathBuf],
) -> Result<(), RunnerError> {
    open_device(device)?;
    let mut checked = Vec::new();
    for spec in specs {
        let settings = (&spec.data, spec.training.batch_size, &spec.model);
        if !checked.contains(&settings) {
            let data = Prepared::new(spec, data_dirs)?;
            Network::check(spec, data.train_inputs.shape())?;
            checked.push(settings);
        }
    }
    Ok(())
}

/// True while a process, of this sweep or another, on this machine or another, works on the run.
fn is_busy(folder: &RunFolder) -> bool {
    claim::is_busy(folder.path(), &folder.lock(), &Rules::new())
}

struct Job<'a> {
    index: usize,
    line: &'a ManifestLine,
    folder: RunFolder,
}

impl Job<'_> {
    /// Run and last line of its log.
    fn failure(&self) -> String {
        let log = fs::read_to_string(self.folder.log()).unwrap_or_default();
        let last = log
            .lines()
            .next_back()
            .unwrap_or("the process ended without a message");
        format!(
            "{}: {last} (log: {})",
            self.line.id,
            self.folder.log().display()
        )
    }
}

struct Worker<'a> {
    job: Job<'a>,
    process: Child,
    /// Epochs that an earlier process made: they say nothing about the speed of this one.
    before: usize,
}

impl<'a> Worker<'a> {
    /// The worker's standard input stays open as long as this process lives: at its end the worker
    /// stops too.
    fn start(job: Job<'a>, options: &SweepOptions) -> Result<Self, RunnerError> {
        create_dir(job.folder.path())?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(job.folder.log())
            .map_err(RunnerError::Worker)?;
        let mut command = Command::new(&options.program);
        command.args([
            "sweep",
            "run",
            "--worker",
            "--index",
            &job.index.to_string(),
            "--device",
            &options.device,
        ]);
        command
            .arg("--manifest")
            .arg(&options.manifest)
            .arg("--out")
            .arg(&options.out);
        command
            .arg("--checkpoint-every")
            .arg(options.checkpoint_every.as_secs_f64().to_string());
        if options.tensorboard {
            command.arg("--tensorboard");
        }
        for folder in &options.data_dirs {
            command.arg("--data-dir").arg(folder);
        }
        command.env("RAYON_NUM_THREADS", "1");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log);
        let before = epochs_so_far(&job.folder);
        let process = command.spawn().map_err(RunnerError::Worker)?;
        Ok(Self {
            job,
            process,
            before,
        })
    }
}

fn workers_epochs(workers: &[Worker<'_>]) -> usize {
    workers
        .iter()
        .map(|worker| epochs_so_far(&worker.job.folder).saturating_sub(worker.before))
        .sum()
}

/// Epochs that a running worker has written down.
fn epochs_so_far(folder: &RunFolder) -> usize {
    let bytes = fs::read(folder.metrics_in_progress()).unwrap_or_default();
    bytes.iter().filter(|&&b| b == b'\n').count()
}

/// Ends the process when its standard input closes: for processes whose parent holds the other end.
pub fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = std::io::stderr().write_all(b"error: the sweep that started this worker is gone\n");
        std::process::exit(1);
    });
}
