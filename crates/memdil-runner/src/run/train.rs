//! Training, from a specification to a finished folder.

use std::path::Path;
use std::time::Instant;

use candle_core::Device;
use memdil_records::{
    EpochRecord, Provenance, RunFolder, RunRecord, RunSpec, Status, create_dir, run_id,
};

use crate::device::open_device;
use crate::error::RunnerError;
use crate::network::build::Build;
use crate::network::candle;
use crate::network::state::write_tensors;
use crate::prepare::Prepared;
use crate::run::checkpoint::Keeper;
use crate::run::evaluation::Evaluation;
use crate::run::folder::finished;
use crate::run::lease::{self, Lease, Terms};
use crate::run::metrics_file::MetricsFile;
use crate::run::options::RunOptions;
use crate::run::provenance::provenance;
use crate::run::start::{Start, changes};
use crate::run::training::{Clock, EpochOutcome, FinishedEpoch, Training};

/// What [`train`] reports while it works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TrainEvent<'a> {
    /// Resumed from a checkpoint after this many epochs.
    Resumed(usize),
    /// What readers of the numbers should know, in one line.
    Warning(String),
    /// An epoch is done.
    Epoch(&'a EpochRecord),
}

/// How [`train`] ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The run was made now.
    Ran(RunRecord),
    /// The folder held the same run, finished; nothing was done.
    AlreadyComplete(RunRecord),
}

impl Outcome {
    /// The record of the run, new or old.
    pub fn record(&self) -> &RunRecord {
        match self {
            Self::Ran(record) | Self::AlreadyComplete(record) => record,
        }
    }
}

/// Trains the network of a specification and leaves a finished run in `folder`.
///
/// Nothing is written before the specification, the device and the data are known to be good. A run
/// that was stopped, in whatever way, resumes from its newest checkpoint and ends in the same bytes
/// as one that was not; only the seconds differ, and [`TrainEvent::Warning`] says what else may.
/// Time lost between the checkpoint and the stop is not counted. When the loss or the features stop
/// being finite numbers, the run ends there and is recorded as diverged.
///
/// # Errors
///
/// [`RunnerError`]: bad settings or data, a folder that holds another run or is being worked on, a
/// failed write (it leaves the checkpoints as they are, and the run can be resumed later).
pub fn train(
    spec: &RunSpec,
    folder: &Path,
    options: &RunOptions,
    on_event: impl FnMut(TrainEvent<'_>),
) -> Result<Outcome, RunnerError> {
    run(spec, folder, options, None, on_event)
}

/// As [`train`], with a network of one's own: a specification with
/// `model = { kind = "custom", name = ".." }`, and the function that builds it.
///
/// # Errors
///
/// Those of [`train`].
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
        // A process that was killed at the very end may have left them.
        run.remove_checkpoints()?;
        lease::remove_left(folder, &run.lock(), &Terms::new());
        if options.tensorboard && !run.events().exists() {
            run.write_events(record.provenance.started_unix)?;
        }
        return Ok(Outcome::AlreadyComplete(record));
    }
    let device = open_device(&options.device)?;
    let data = Prepared::new(spec, &options.data_dirs)?;
    if build.is_none() {
        candle::check(spec, data.train_inputs.shape())?;
    }

    create_dir(folder)?;
    let lease = Lease::acquire(folder, &run.lock(), &Terms::new())?;
    let work = Work {
        spec,
        run: &run,
        options,
        data: &data,
        lease: &lease,
    };
    work.make((&device, build), &mut on_event)
        .map_err(|error| lease.explain(error))
}

/// A run to be made in a folder that this process has to itself.
struct Work<'a> {
    spec: &'a RunSpec,
    run: &'a RunFolder,
    options: &'a RunOptions,
    data: &'a Prepared,
    lease: &'a Lease,
}

/// The end of the last epoch.
#[derive(Default)]
struct End {
    /// The last epoch that did not diverge.
    last: Option<EpochRecord>,
    /// The evaluation of it.
    evaluation: Option<Evaluation>,
    /// Why and in which epoch the training diverged.
    diverged: Option<String>,
}

impl<'a> Work<'a> {
    /// Makes the run, or what is left of it.
    fn make(
        &self,
        (device, build): (&Device, Option<Build<'_>>),
        on_event: &mut dyn FnMut(TrainEvent<'_>),
    ) -> Result<Outcome, RunnerError> {
        let Self { spec, run, .. } = *self;
        // Another process may have finished it while the data was read.
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

        let keeper = Keeper {
            run,
            id: run_id(spec),
            provenance: &provenance,
            clock,
            every: self.options.checkpoint_every,
            last: Instant::now(),
            slot,
        };
        let end = self.epochs(&mut training, &mut metrics, keeper, last, on_event)?;
        self.lease.check_now()?;
        metrics.finish(&run.metrics())?;
        let record = self.finish(&training, end, provenance, clock)?;
        Ok(Outcome::Ran(record))
    }

    /// Writes the results of a training that has ended: evaluation and network, then the record.
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

    /// Makes the epochs that are left after the `last` one, and writes down each.
    fn epochs(
        &self,
        training: &mut Training<'a>,
        metrics: &mut MetricsFile,
        mut keeper: Keeper<'_>,
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
                keeper.keep(training, metrics, end.last.as_ref())
            })?;
            match outcome {
                EpochOutcome::Finished(epoch) => {
                    let FinishedEpoch { record, evaluation } = *epoch;
                    metrics.add(&record)?;
                    if self.options.tensorboard {
                        self.run.write_events(keeper.provenance.started_unix)?;
                    }
                    on_event(TrainEvent::Epoch(&record));
                    (end.last, end.evaluation) = (Some(record), evaluation);
                }
                EpochOutcome::Diverged(reason) => {
                    end.diverged = Some(format!("epoch {}: {reason}", training.next_epoch()));
                    break;
                }
            }
            if training.next_epoch() <= epochs {
                keeper.keep(training, metrics, end.last.as_ref())?;
            }
        }
        Ok(end)
    }
}
