//! Trains the network of a specification and writes the folder of the run.

use std::path::Path;
use std::time::Instant;

use candle_core::Device;
use memdil_records::{
    EpochRecord, Provenance, RunFolder, RunRecord, RunSpec, SampleScores, Status, create_dir,
    run_id,
};

use crate::device::open_device;
use crate::error::RunnerError;
use crate::network::build::Build;
use crate::network::candle;
use crate::network::state::write_tensors;
use crate::prepare::Prepared;
use crate::run::checkpoint::CheckpointWriter;
use crate::run::evaluation::Evaluation;
use crate::run::folder::finished;
use crate::run::lease::{self, Lease, Terms};
use crate::run::metrics_file::MetricsFile;
use crate::run::options::RunOptions;
use crate::run::provenance::provenance;
use crate::run::start::{Start, changes};
use crate::run::training::{Clock, EpochOutcome, FinishedEpoch, Training};

/// The events that [`train`] reports.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TrainEvent<'a> {
    /// The run was resumed from a checkpoint after this many epochs.
    Resumed(usize),
    /// A one-line warning about the results of the run.
    Warning(String),
    /// An epoch was completed.
    Epoch(&'a EpochRecord),
}

/// The outcome of [`train`].
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The run was completed by this call.
    Ran(RunRecord),
    /// The folder already contained the finished run, and nothing was trained.
    AlreadyComplete(RunRecord),
}

impl Outcome {
    /// The record of the run.
    pub fn record(&self) -> &RunRecord {
        match self {
            Self::Ran(record) | Self::AlreadyComplete(record) => record,
        }
    }
}

/// Trains the network of a specification and writes the finished run to `folder`.
///
/// Nothing is written before the specification, the device and the data have been checked. An
/// interrupted run resumes from its newest checkpoint, and its results are the same bytes as
/// without the interruption, except for the seconds. [`TrainEvent::Warning`] reports changes of
/// program or machine that may cause further differences. The time between the last checkpoint and
/// the interruption is not included in the seconds. If the loss or the features become infinite or
/// NaN, the run ends and is recorded as diverged.
///
/// # Errors
///
/// [`RunnerError`]: invalid settings or data, a folder with another run, another process that works
/// on the run, or a failed write (the checkpoints are unchanged, and the run can be resumed).
pub fn train(
    spec: &RunSpec,
    folder: &Path,
    options: &RunOptions,
    on_event: impl FnMut(TrainEvent<'_>),
) -> Result<Outcome, RunnerError> {
    run(spec, folder, options, None, on_event)
}

/// Like [`train`], for a user-defined network: the specification has
/// `model = { kind = "custom", name = ".." }`, and `build` builds the network.
///
/// # Errors
///
/// The errors of [`train`].
pub fn train_model(
    spec: &RunSpec,
    folder: &Path,
    options: &RunOptions,
    build: Build<'_>,
    on_event: impl FnMut(TrainEvent<'_>),
) -> Result<Outcome, RunnerError> {
    run(spec, folder, options, Some(build), on_event)
}

fn run(
    spec: &RunSpec,
    folder: &Path,
    options: &RunOptions,
    build: Option<Build<'_>>,
    mut on_event: impl FnMut(TrainEvent<'_>),
) -> Result<Outcome, RunnerError> {
    spec.validate()?;
    let run = RunFolder::new(folder);
    if let Some(record) = finished(&run, spec)? {
        // A process that was killed after it wrote the record may have left these files.
        run.remove_checkpoints()?;
        lease::remove_abandoned(folder, &run.lock(), &Terms::new());
        if options.tensorboard && !run.events().exists() {
            run.write_events(record.provenance.started_unix)?;
        }
        return Ok(Outcome::AlreadyComplete(record));
    }
    let device = open_device(&options.device)?;
    let data = Prepared::new(spec, &options.data_dirs)?;
    if build.is_none() {
        candle::check_model(spec, data.train_inputs.shape())?;
    }

    create_dir(folder)?;
    let lease = Lease::acquire(folder, &run.lock(), &Terms::new())?;
    let work = LeasedRun {
        spec,
        run: &run,
        options,
        data: &data,
        lease: &lease,
    };
    work.train((&device, build), &mut on_event)
        .map_err(|error| lease.explain(error))
}

/// A run in a folder on which this process holds the lease.
struct LeasedRun<'a> {
    spec: &'a RunSpec,
    run: &'a RunFolder,
    options: &'a RunOptions,
    data: &'a Prepared,
    lease: &'a Lease,
}

/// The state after the last epoch.
#[derive(Default)]
struct End {
    /// The last epoch that did not diverge.
    last: Option<EpochRecord>,
    /// The evaluation of that epoch.
    evaluation: Option<Evaluation>,
    /// The scores of the samples after that epoch.
    samples: Option<SampleScores>,
    /// The epoch in which the training diverged, and the reason.
    diverged: Option<String>,
}

impl<'a> LeasedRun<'a> {
    /// Trains from the start or from the newest checkpoint to the end, and writes the results.
    fn train(
        &self,
        (device, build): (&Device, Option<Build<'_>>),
        on_event: &mut dyn FnMut(TrainEvent<'_>),
    ) -> Result<Outcome, RunnerError> {
        let Self { spec, run, .. } = *self;
        // Another process may have finished the run while this one loaded the data.
        if let Some(record) = finished(run, spec)? {
            return Ok(Outcome::AlreadyComplete(record));
        }
        run.remove_temporary()?;
        let mut provenance = provenance(&self.options.device);
        let mut clock = Clock::start(0.0);
        let Start {
            mut training,
            mut metrics,
            state,
            slot,
        } = Start::new(run, spec, self.data, (device, build), &mut |warning| {
            on_event(TrainEvent::Warning(warning))
        })?;
        let mut last = None;
        if let Some(state) = state {
            on_event(TrainEvent::Resumed(state.position.epoch - 1));
            if let Some(change) = changes(&state.provenance, &provenance) {
                on_event(TrainEvent::Warning(change));
            }
            provenance.started_unix = state.provenance.started_unix;
            clock = clock.after(state.seconds);
            last = state.last;
        }
        run.write_start(spec, &provenance)?;
        run.write_noise(&self.data.labels)?;

        let checkpoints = CheckpointWriter {
            run,
            id: run_id(spec),
            provenance: &provenance,
            clock,
            every: self.options.checkpoint_every,
            last: Instant::now(),
            slot,
        };
        let end = self.epochs(&mut training, &mut metrics, checkpoints, last, on_event)?;
        self.lease.check_now()?;
        metrics.finish(&run.metrics())?;
        let record = self.finish(&training, end, provenance, clock)?;
        Ok(Outcome::Ran(record))
    }

    /// Writes the results of a training: features and network, then the record.
    fn finish(
        &self,
        training: &Training<'a>,
        end: End,
        provenance: Provenance,
        clock: Clock,
    ) -> Result<RunRecord, RunnerError> {
        let Self { spec, run, .. } = *self;
        let status = match &end.diverged {
            None => Status::Completed,
            Some(_) => Status::Diverged,
        };
        if let (Status::Completed, Some(evaluation)) = (status, end.evaluation) {
            run.write_snapshot(&evaluation.into_snapshot()?)?;
            if let Some(samples) = &end.samples {
                run.write_samples(samples)?;
            }
            write_tensors(&run.model(), || Ok(training.network.model_tensors()), None)?;
        }
        let labels = &self.data.labels;
        let record = RunRecord {
            format: RunRecord::FORMAT,
            id: run_id(spec),
            spec: spec.clone(),
            status,
            reason: end.diverged,
            requested_noise: labels.requested(),
            realised_noise: labels.realised(),
            samples: [
                self.data.train.len(),
                self.data.validation.len(),
                self.data.test_labels.len(),
            ],
            parameters: training.network.parameter_count(),
            last: end.last,
            seconds: clock.seconds(),
            provenance,
        };
        run.write_record(&record)?;
        run.remove_checkpoints()?;
        Ok(record)
    }

    /// Trains the epochs after `last`, and writes the metrics of each.
    fn epochs(
        &self,
        training: &mut Training<'a>,
        metrics: &mut MetricsFile,
        mut checkpoints: CheckpointWriter<'_>,
        last: Option<EpochRecord>,
        on_event: &mut dyn FnMut(TrainEvent<'_>),
    ) -> Result<End, RunnerError> {
        let epochs = self.spec.training.epochs;
        let mut end = End {
            last,
            ..End::default()
        };
        while training.next_epoch() <= epochs {
            let outcome = training.epoch(|training| {
                self.lease.check()?;
                checkpoints.write_if_due(training, metrics, end.last.as_ref())
            })?;
            match outcome {
                EpochOutcome::Finished(epoch) => {
                    let FinishedEpoch {
                        record,
                        evaluation,
                        samples,
                    } = *epoch;
                    metrics.add(&record)?;
                    if self.options.tensorboard {
                        self.run.write_events(checkpoints.provenance.started_unix)?;
                    }
                    on_event(TrainEvent::Epoch(&record));
                    (end.last, end.evaluation) = (Some(record), evaluation);
                    end.samples = samples;
                }
                EpochOutcome::Diverged(reason) => {
                    end.diverged = Some(format!("epoch {}: {reason}", training.next_epoch()));
                    break;
                }
            }
            if training.next_epoch() <= epochs {
                checkpoints.write_if_due(training, metrics, end.last.as_ref())?;
            }
        }
        Ok(end)
    }
}
