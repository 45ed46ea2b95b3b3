//! A run, from its specification to a finished folder.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use candle_core::Device;
use memdil_data::NoisyLabels;
use memdil_records::{
    EpochRecord, Provenance, RunFolder, RunRecord, RunSpec, Status, create_dir, run_id,
};

use crate::checkpoint::{self, Keeper, State};
use crate::claim::{self, Claim, Lock, Rules, try_lock};
use crate::error::write_error;
use crate::metrics_file::MetricsFile;
use crate::network::write_tensors;
use crate::training::{Clock, Training};
use crate::{Build, Network, Prepared, RunnerError, open_device, provenance};

/// What a run needs beside its specification; none of it changes its numbers, the device's rounding
/// aside.
#[derive(Clone, Debug)]
pub struct TrainOptions {
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Where the data sets are; `None` looks in the usual places.
    pub data_dirs: Vec<PathBuf>,
    /// A checkpoint is written when so much time has passed since the last one; zero means after
    /// every batch.
    pub checkpoint_every: Duration,
    /// Whether the metrics are written for TensorBoard too, anew after every epoch.
    pub tensorboard: bool,
}

/// What [`train`] tells while it works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TrainEvent<'a> {
    /// The run goes on from a checkpoint; so many of its epochs are done.
    Resumed(usize),
    /// What whoever reads the numbers should know, in one line.
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
    /// The record of the run, however it came about.
    pub fn record(&self) -> &RunRecord {
        match self {
            Self::Ran(record) | Self::AlreadyComplete(record) => record,
        }
    }
}

/// Trains the network of a specification and leaves a finished run in `folder`.
///
/// Nothing is written before the specification, the device and the data are known to be good. A run
/// that was stopped, in whatever way, goes on from its newest checkpoint and ends in the same bytes
/// as one that was not: what differs are the seconds, and what [`TrainEvent::Warning`] says. Time
/// lost between the checkpoint and the stop counts nowhere. When the loss or the features stop
/// being finite numbers, the run ends there and is recorded as diverged.
///
/// # Errors
///
/// [`RunnerError`]: bad settings or data, a folder that holds another run or is being worked on, a
/// failed write (the checkpoints are untouched by it, and the run can go on later).
pub fn train(
    spec: &RunSpec,
    folder: &Path,
    options: &TrainOptions,
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
    options: &TrainOptions,
    build: Build<'_>,
    on_event: impl FnMut(TrainEvent<'_>),
) -> Result<Outcome, RunnerError> {
    run(spec, folder, options, Some(build), on_event)
}

fn run(
    spec: &RunSpec,
    folder: &Path,
    options: &TrainOptions,
    build: Option<Build<'_>>,
    on_event: impl FnMut(TrainEvent<'_>),
) -> Result<Outcome, RunnerError> {
    spec.validate()?;
    let run = RunFolder::new(folder);
    if let Some(record) = finished(&run, spec)? {
        // A process that was killed at the very end may have left them.
        run.remove_checkpoints()?;
        claim::remove_left(folder, &run.lock(), &Rules::new());
        if options.tensorboard && !run.events().exists() {
            run.write_events(record.provenance.started_unix)?;
        }
        return Ok(Outcome::AlreadyComplete(record));
    }
    let device = open_device(&options.device)?;
    let data = Prepared::new(spec, &options.data_dirs)?;
    if build.is_none() {
        Network::check(spec, data.train_inputs.shape())?;
    }

    create_dir(folder)?;
    let claim = Claim::take(folder, &run.lock(), &Rules::new())?;
    make(
        spec,
        &run,
        options,
        (&device, build),
        &data,
        &claim,
        on_event,
    )
    .map_err(|error| claim.explain(error))
}

/// Makes the run, or what is left of it, in a folder that is this process's.
fn make(
    spec: &RunSpec,
    run: &RunFolder,
    options: &TrainOptions,
    (device, build): (&Device, Option<Build<'_>>),
    data: &Prepared,
    claim: &Claim,
    mut on_event: impl FnMut(TrainEvent<'_>),
) -> Result<Outcome, RunnerError> {
    // Another process may have finished it while the data was read.
    if let Some(record) = finished(run, spec)? {
        return Ok(Outcome::AlreadyComplete(record));
    }
    run.remove_temporary()?;
    let mut provenance = provenance(&options.device);
    let mut clock = Clock::start(0.0);
    let Start {
        mut training,
        mut metrics,
        state,
        slot,
    } = start(run, spec, data, (device, build), &mut on_event)?;
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
    run.write_noise(&data.labels)?;

    let mut keeper = Keeper::new(
        run,
        run_id(spec),
        &provenance,
        clock,
        options.checkpoint_every,
        slot,
    );
    let (mut evaluation, mut reason) = (None, None);
    while training.next_epoch() <= spec.training.epochs {
        let after_batch = |training: &Training<'_>| {
            claim.check()?;
            keeper.keep(training, &metrics, last.as_ref())
        };
        match training.epoch(after_batch)? {
            Ok((record, evaluated)) => {
                metrics.add(&record)?;
                if options.tensorboard {
                    run.write_events(provenance.started_unix)?;
                }
                on_event(TrainEvent::Epoch(&record));
                (last, evaluation) = (Some(record), evaluated);
            }
            Err(cause) => {
                reason = Some(format!("epoch {}: {cause}", training.next_epoch()));
                break;
            }
        }
        if training.next_epoch() <= spec.training.epochs {
            keeper.keep(&training, &metrics, last.as_ref())?;
        }
    }
    claim.check_now()?;
    metrics.finish(&run.metrics())?;
    let status = if reason.is_none() {
        Status::Completed
    } else {
        Status::Diverged
    };
    if let (Status::Completed, Some(evaluation)) = (status, evaluation) {
        run.write_snapshot(&evaluation.into_snapshot()?)?;
        write_tensors(&run.model(), || Ok(training.network.model_tensors()), None)?;
    }
    let record = RunRecord {
        format: RunRecord::FORMAT,
        id: run_id(spec),
        spec: spec.clone(),
        status,
        reason,
        requested_noise: data.labels.requested(),
        realised_noise: data.labels.realised(),
        samples: [
            data.train.len(),
            data.validation.len(),
            data.test_labels.len(),
        ],
        parameters: training.network.parameter_count(),
        last,
        seconds: clock.seconds(),
        provenance,
    };
    run.write_record(&record)?;
    run.remove_checkpoints()?;
    Ok(Outcome::Ran(record))
}

/// A run that can begin or go on.
struct Start<'a> {
    training: Training<'a>,
    metrics: MetricsFile,
    /// The state of the checkpoint that it goes on from.
    state: Option<State>,
    /// The checkpoint to write next.
    slot: usize,
}

/// Goes on from the newest checkpoint that is usable, else begins.
fn start<'a>(
    run: &RunFolder,
    spec: &'a RunSpec,
    data: &'a Prepared,
    (device, build): (&Device, Option<Build<'_>>),
    on_event: &mut impl FnMut(TrainEvent<'_>),
) -> Result<Start<'a>, RunnerError> {
    let mut refused = 0;
    let mut refuse = |path: &Path, reason: &str| {
        refused += 1;
        on_event(TrainEvent::Warning(format!(
            "{}: checkpoint not used: {reason}",
            path.display()
        )));
    };
    let mut found = checkpoint::find(run, spec, &data.train, &mut refuse);
    if !found.is_empty() && NoisyLabels::read(&run.noise())? != data.labels {
        return Err(RunnerError::OtherLabels { path: run.noise() });
    }
    // A process that was killed at the very end may have given the metrics their final name.
    let partial = run.metrics_in_progress();
    if !found.is_empty() && !partial.exists() && run.metrics().exists() {
        std::fs::rename(run.metrics(), &partial).map_err(|e| write_error(&partial, e))?;
    }
    let new = || -> Result<Training<'a>, RunnerError> {
        Ok(Training::new(
            spec,
            data,
            Network::build(spec, data.train_inputs.shape(), device, build)?,
        ))
    };
    while let Some((slot, checkpoint)) = found.pop() {
        let mut training = new()?;
        let loaded = checkpoint
            .load_into(&mut training.network)
            .map_err(|e| e.to_string());
        let metrics = match loaded {
            Ok(()) => MetricsFile::go_on(&partial, &checkpoint.state.metrics)?,
            Err(reason) => Err(reason),
        };
        match metrics {
            Ok(metrics) => {
                training.go_to(&checkpoint.state.position);
                return Ok(Start {
                    training,
                    metrics,
                    state: Some(checkpoint.state),
                    slot: 1 - slot,
                });
            }
            Err(reason) => refuse(&run.checkpoints()[slot], &reason),
        }
    }
    if refused > 0 {
        on_event(TrainEvent::Warning(
            "no checkpoint is usable: the run starts again".to_owned(),
        ));
        run.remove_checkpoints()?;
    }
    Ok(Start {
        training: new()?,
        metrics: MetricsFile::create(&partial)?,
        state: None,
        slot: 0,
    })
}

/// What is not as it was when a checkpoint was written, where that can change numbers.
fn changes(before: &Provenance, now: &Provenance) -> Option<String> {
    let mut changed = Vec::new();
    let mut compare = |name: &str, before: &str, now: &str| {
        if before != now {
            changed.push(format!("{name} {now}, before {before}"));
        }
    };
    compare("commit", &before.commit, &now.commit);
    compare("compiler", &before.rustc, &now.rustc);
    compare(
        "processor features",
        &before.cpu_features.join(" "),
        &now.cpu_features.join(" "),
    );
    compare(
        "threads",
        &before.threads.to_string(),
        &now.threads.to_string(),
    );
    compare("device", &before.device, &now.device);
    let list = (!changed.is_empty()).then(|| changed.join("; "))?;
    Some(format!(
        "the numbers may differ from those of an uninterrupted run: it goes on with {list}"
    ))
}

/// The finished record in the folder; an error when it, or the beginning of a run, belongs to other
/// settings.
pub(crate) fn finished(run: &RunFolder, spec: &RunSpec) -> Result<Option<RunRecord>, RunnerError> {
    let other = || RunnerError::OtherRun {
        path: run.path().to_owned(),
    };
    match run.record()? {
        Some(record) if record.spec == *spec => {
            run.check_metrics(&record)?;
            Ok(Some(record))
        }
        Some(_) => Err(other()),
        None if run.begun_with()?.is_some_and(|begun| begun != *spec) => Err(other()),
        None => Ok(None),
    }
}

/// Locks a file for the work in `folder`: held until the file is dropped, or the process ends in
/// whatever way.
pub(crate) fn lock(path: &Path, folder: &Path) -> Result<File, RunnerError> {
    let file = File::create(path).map_err(|e| write_error(path, e))?;
    match try_lock(&file).map_err(|e| write_error(path, e))? {
        Lock::Ours | Lock::Unsupported => Ok(file),
        Lock::Elsewhere => Err(RunnerError::Busy {
            path: folder.to_owned(),
        }),
    }
}
