//! Measures the network of a run again.

use std::path::Path;

use memdil_data::LabelNoise;
use memdil_records::{EpochRecord, RunFolder, RunRecord, RunSpec, Snapshot, Status};

use crate::device::open_device;
use crate::error::RunnerError;
use crate::network::build::{Build, build_for_run};
use crate::network::state::read_tensors;
use crate::prepare::Prepared;
use crate::run::checkpoint::{self, Checkpoint};
use crate::run::evaluation::Evaluation;
use crate::run::options::RunOptions;
use crate::run::training::learning_rate;

/// The result of [`evaluate_run`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Evaluated {
    /// Every metric, as in the lines of `metrics.jsonl`.
    pub record: EpochRecord,
    /// Features, logits and labels.
    pub snapshot: Snapshot,
    /// Samples of the epoch that were trained on, out of how many; `None` after a whole epoch.
    pub within_epoch: Option<(usize, usize)>,
    /// False when the network is that of a checkpoint.
    pub finished: bool,
}

/// Measures the network of a run: the final one, or of a run that is not finished that of its
/// newest usable checkpoint.
///
/// Labels are those of the run's `noise.npz`, which must belong to the images that its settings
/// name. What cannot be measured again (the training loss over an epoch and its seconds) is what
/// the run wrote down. On the same machine a finished run gives the numbers of its last epoch.
/// Nothing is written; `refused` gets each checkpoint that is not usable, and why.
///
/// # Errors
///
/// [`RunnerError::NoNetwork`] when there is no run, it has diverged or has no checkpoint yet; else
/// the errors of
/// [`train`](crate::train).
pub fn evaluate_run(
    folder: &Path,
    options: &RunOptions,
    refused: impl FnMut(&Path, &str),
) -> Result<Evaluated, RunnerError> {
    evaluate(folder, options, None, refused)
}

/// As [`evaluate_run`], for a network of one's own.
///
/// # Errors
///
/// Those of [`evaluate_run`].
pub fn evaluate_model(
    folder: &Path,
    options: &RunOptions,
    build: Build<'_>,
    refused: impl FnMut(&Path, &str),
) -> Result<Evaluated, RunnerError> {
    evaluate(folder, options, Some(build), refused)
}

fn evaluate(
    folder: &Path,
    options: &RunOptions,
    build: Option<Build<'_>>,
    refused: impl FnMut(&Path, &str),
) -> Result<Evaluated, RunnerError> {
    let run = RunFolder::new(folder);
    let none = |reason: &str| RunnerError::NoNetwork {
        path: folder.to_owned(),
        reason: reason.to_owned(),
    };
    let spec = run
        .begun_with()?
        .ok_or_else(|| none("holds no run: it has no config.toml"))?;
    spec.validate()?;
    let device = open_device(&options.device)?;
    // The labels that it was begun with instead of newly drawn ones.
    let labels = LabelNoise::FromFile {
        path: run.noise(),
        column: None,
    };
    let data = Prepared::with_noise(&spec, &labels, &options.data_dirs)?;
    let mut network = build_for_run(&spec, &data, &device, build)?;

    let (mut record, mut within_epoch) = (EpochRecord::default(), None);
    let finished = run.record()?;
    match &finished {
        Some(RunRecord {
            status: Status::Completed,
            last: Some(last),
            ..
        }) => {
            let (state, _) = read_tensors(&run.model())?;
            network.load_model_state(&state)?;
            record = written_down(last);
        }
        Some(_) => {
            return Err(none(
                "the run has diverged: there is no network to evaluate",
            ));
        }
        None => {
            let (_, newest) = checkpoint::find(&run, &spec, &data.train, refused)
                .pop()
                .ok_or_else(|| none("the run is not finished and has no usable checkpoint: go on with memdil train"))?;
            newest.load_into(network.as_mut())?;
            (record, within_epoch) =
                so_far(&spec, &newest, data.train.len()).unwrap_or((record, within_epoch));
        }
    }
    let evaluation = Evaluation::new(network.as_mut(), &data)?;
    if !evaluation.is_finite() {
        return Err(none("features or logits are not finite"));
    }
    evaluation.measure(&spec.loss, &mut record)?;
    Ok(Evaluated {
        record,
        snapshot: evaluation.into_snapshot()?,
        within_epoch,
        finished: finished.is_some(),
    })
}

/// The part of a record that no evaluation gives.
fn written_down(record: &EpochRecord) -> EpochRecord {
    EpochRecord {
        epoch: record.epoch,
        learning_rate: record.learning_rate,
        loss: record.loss,
        seconds: record.seconds,
        ..EpochRecord::default()
    }
}

/// The same for the epoch that a checkpoint is in, else for the one that it is after.
fn so_far(
    spec: &RunSpec,
    checkpoint: &Checkpoint,
    n: usize,
) -> Option<(EpochRecord, Option<(usize, usize)>)> {
    let position = &checkpoint.state.position;
    match position.loss() {
        None => Some((written_down(checkpoint.state.last.as_ref()?), None)),
        Some(loss) => {
            let record = EpochRecord {
                epoch: position.epoch,
                learning_rate: learning_rate(spec, position.epoch),
                loss,
                seconds: position.seconds,
                ..EpochRecord::default()
            };
            Some((record, Some((position.samples, n))))
        }
    }
}
