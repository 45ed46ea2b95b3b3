//! Runs the lines of a manifest with single-threaded worker processes.
//!
//! Two single-threaded runs in parallel finish sooner than two runs in sequence on two threads.
//! Processes are used instead of threads, so that a crash ends only one run.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use memdil_records::{ManifestLine, RecordError, RunFolder, RunSpec, create_dir};

use crate::device::open_device;
use crate::error::RunnerError;
use crate::network::candle;
use crate::prepare::Prepared;
use crate::run::folder::finished;
use crate::run::options::RunOptions;
use crate::sweep::options::SweepOptions;
use crate::sweep::progress::SweepProgress;
use crate::sweep::status::{SweepStatus, status};
use crate::sweep::worker::{Job, Worker};

/// Runs all unfinished runs of a manifest, `jobs` at a time, and reports progress.
///
/// A run that diverges is recorded. A worker that fails does not stop the other runs; its error is
/// returned at the end.
///
/// # Errors
///
/// Invalid data, an invalid device, or a folder of another run, before the first run starts;
/// [`RunnerError::Workers`] if some runs could not be finished.
pub fn run_all(
    lines: &[ManifestLine],
    options: &SweepOptions,
    mut on_progress: impl FnMut(&SweepProgress),
) -> Result<SweepStatus, RunnerError> {
    let (open, failures) = open_jobs(lines, options)?;
    check_inputs(open.iter().map(|job| &job.line.spec), &options.workers.run)?;
    create_dir(&options.out)?;
    let mut sweep = Sweep {
        options,
        progress: SweepProgress {
            finished: lines.len() - open.len() - failures.len(),
            runs: lines.len(),
            epochs: (0, open.iter().map(|job| job.epochs()).sum()),
            remaining: None,
            ended: None,
            failed: None,
        },
        open,
        workers: Vec::new(),
        failures: Vec::new(),
        ended_epochs: 0,
        started: Instant::now(),
        on_progress: &mut on_progress,
    };
    for failure in failures {
        sweep.fail(failure);
    }
    while !(sweep.open.is_empty() && sweep.workers.is_empty()) {
        sweep.start_workers()?;
        sweep.collect_workers()?;
        std::thread::sleep(Duration::from_millis(100));
    }
    match sweep.failures.first() {
        Some(first) => Err(RunnerError::Workers {
            failed: sweep.failures.len(),
            runs: lines.len(),
            first: first.clone(),
        }),
        None => status(lines, &options.out),
    }
}

/// Checks the device and every combination of data set, batch size and model, so that invalid input
/// is found before the sweep starts.
pub(crate) fn check_inputs<'a>(
    specs: impl Iterator<Item = &'a RunSpec>,
    options: &RunOptions,
) -> Result<(), RunnerError> {
    open_device(&options.device)?;
    let mut checked = Vec::new();
    for spec in specs {
        let settings = (&spec.data, spec.training.batch_size, &spec.model);
        if !checked.contains(&settings) {
            let data = Prepared::new(spec, &options.data_dirs)?;
            candle::check_model(spec, data.train_inputs.shape())?;
            checked.push(settings);
        }
    }
    Ok(())
}

/// The unfinished runs, and the error messages of runs with damaged records.
fn open_jobs<'a>(
    lines: &'a [ManifestLine],
    options: &SweepOptions,
) -> Result<(VecDeque<Job<'a>>, Vec<String>), RunnerError> {
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
            // A damaged record fails one run, not the sweep.
            Err(RunnerError::Record(error @ RecordError::Malformed { .. })) => {
                failures.push(error.to_string())
            }
            Err(error) => return Err(error),
        }
    }
    Ok((open, failures))
}

/// A sweep in progress.
struct Sweep<'a> {
    options: &'a SweepOptions,
    progress: SweepProgress,
    /// Runs without a worker.
    open: VecDeque<Job<'a>>,
    workers: Vec<Worker<'a>>,
    /// The messages of failed runs.
    failures: Vec<String>,
    /// Epochs of the runs that ended in this sweep.
    ended_epochs: usize,
    started: Instant,
    on_progress: &'a mut dyn FnMut(&SweepProgress),
}

impl Sweep<'_> {
    /// Starts workers until their maximum number is reached. A run on which another sweep works is
    /// moved to the end of the queue and checked again later.
    fn start_workers(&mut self) -> Result<(), RunnerError> {
        for _ in 0..self.open.len() {
            if self.workers.len() >= self.options.workers.jobs.max(1) {
                break;
            }
            let Some(job) = self.open.pop_front() else {
                break;
            };
            if let Some(record) = job.folder.record()? {
                self.ended_epochs += job.epochs();
                self.progress.end(record);
                self.report();
            } else if job.is_busy() {
                self.open.push_back(job);
            } else {
                let worker = Worker::start(job, self.options)?;
                self.progress.epochs.1 -= worker.before;
                self.workers.push(worker);
            }
        }
        Ok(())
    }

    /// Collects the workers that have ended.
    fn collect_workers(&mut self) -> Result<(), RunnerError> {
        for mut worker in std::mem::take(&mut self.workers) {
            if worker.is_running()? {
                self.workers.push(worker);
            } else if worker.job.is_busy() {
                self.progress.epochs.1 += worker.before;
                self.open.push_front(worker.job);
            } else {
                self.ended_epochs += worker.job.epochs().saturating_sub(worker.before);
                self.advance();
                match worker.job.folder.record()? {
                    Some(record) => {
                        self.progress.end(record);
                        self.report();
                    }
                    None => self.fail(worker.job.failure()),
                }
            }
        }
        self.advance();
        self.report();
        Ok(())
    }

    fn fail(&mut self, failure: String) {
        self.progress.failed = Some(failure.clone());
        self.failures.push(failure);
        self.report();
    }

    fn advance(&mut self) {
        let running: usize = self.workers.iter().map(Worker::epochs).sum();
        self.progress
            .advance(self.ended_epochs + running, self.started);
    }

    /// Reports the progress; each ended or failed run is reported once.
    fn report(&mut self) {
        (self.on_progress)(&self.progress);
        (self.progress.ended, self.progress.failed) = (None, None);
    }
}
