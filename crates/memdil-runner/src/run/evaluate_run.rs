//! Evaluates the saved network of a run.

use std::path::Path;

use memdil_data::LabelNoise;
use memdil_records::{EpochRecord, RunFolder, RunRecord, RunSpec, Snapshot, Status};

use crate::device::open_device;
use crate::error::RunnerError;
use crate::network::build::{Build, build_for_run};
use crate::network::state::read_tensors;
use crate::prepare::Prepared;
use crate::run::checkpoint::{self, Checkpoint};
use crate::run::evaluation::layers::{check_layers, write_layers};
use crate::run::evaluation::{Evaluation, measure_network};
use crate::run::options::RunOptions;
use crate::run::training::learning_rate;

/// The result of [`evaluate_run`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Evaluated {
    /// The metrics, as in a line of `metrics.jsonl`.
    pub record: EpochRecord,
    /// The features, logits and labels.
    pub snapshot: Snapshot,
    /// For a checkpoint within an epoch: the number of samples of the epoch that were trained
    /// on, and of all its samples.
    pub within_epoch: Option<(usize, usize)>,
    /// False if the network is that of a checkpoint.
    pub finished: bool,
}

/// Evaluates the network of a run: the final network, or that of the newest usable checkpoint if
/// the run is not finished.
///
/// The labels are read from the run's `noise.npz`, which must match the images of its settings. The
/// training loss and the seconds of the epoch cannot be measured again; they are taken from the
/// run's records, and so are the scores of the samples over the epochs. On the same machine, the
/// metrics of a finished run are those of its last epoch, with those of the layers if the options
/// request them. Nothing is written except [`RunOptions::layers_out`]. `refused` is called with the
/// path of each unusable checkpoint and the reason.
///
/// # Errors
///
/// [`RunnerError::NoNetwork`] if there is no run, or if it has diverged or has no checkpoint yet;
/// [`RunnerError::NoLayers`] if layers are requested of a network that has none; otherwise the
/// errors of [`train`](crate::train).
pub fn evaluate_run(
    folder: &Path,
    options: &RunOptions,
    refused: impl FnMut(&Path, &str),
) -> Result<Evaluated, RunnerError> {
    evaluate(folder, options, None, refused)
}

/// Like [`evaluate_run`], for a user-defined network.
///
/// # Errors
///
/// The errors of [`evaluate_run`].
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
    let no_network = |reason: &str| RunnerError::NoNetwork {
        path: folder.to_owned(),
        reason: reason.to_owned(),
    };
    let mut spec = run
        .begun_with()?
        .ok_or_else(|| no_network("contains no run; config.toml is missing"))?;
    spec.validate()?;
    let device = open_device(&options.device)?;
    // The stored labels of the run instead of newly drawn ones.
    let labels = LabelNoise::FromFile {
        path: run.noise(),
        column: None,
    };
    let data = Prepared::with_noise(&spec, &labels, &options.data_dirs)?;
    let mut network = build_for_run(&spec, &data, &device, build)?;

    let (mut record, mut within_epoch) = (EpochRecord::default(), None);
    let mut scores = None;
    let finished = run.record()?;
    match &finished {
        Some(RunRecord {
            status: Status::Completed,
            last: Some(last),
            ..
        }) => {
            let (state, _) = read_tensors(&run.model())?;
            network.load_model_state(&state)?;
            record = unmeasured_fields(last);
            scores = run.samples()?;
        }
        Some(_) => {
            return Err(no_network(
                "the run has diverged and has no network to evaluate",
            ));
        }
        None => {
            let (_, newest) = checkpoint::find(&run, &spec, &data, refused)
                .pop()
                .ok_or_else(|| no_network("the run is not finished and has no usable checkpoint; resume it with memdil train"))?;
            newest.load_into(network.as_mut())?;
            (record, within_epoch) = checkpoint_fields(&spec, &newest, data.train.len())
                .unwrap_or((record, within_epoch));
            if within_epoch.is_none() {
                let scored = &newest.state.position.scores;
                scores = Some(scored.of(&data.train, record.epoch, &data.labels));
            }
        }
    }
    let wants_layers = options.layers || spec.training.evaluate_layers;
    if wants_layers || options.layers_out.is_some() {
        check_layers(network.as_mut(), &spec, &data)?;
    }
    let evaluation = Evaluation::new(network.as_mut(), &data)?;
    if !evaluation.is_finite() {
        return Err(no_network("features or logits are not finite"));
    }
    evaluation.measure(&spec.loss, scores, &mut record)?;
    spec.training.evaluate_layers = wants_layers;
    measure_network(network.as_mut(), &spec, &data, &mut record)?;
    if let Some(out) = &options.layers_out {
        write_layers(network.as_mut(), &spec, &data, out)?;
    }
    Ok(Evaluated {
        record,
        snapshot: evaluation.into_snapshot()?,
        within_epoch,
        finished: finished.is_some(),
    })
}

/// The fields of a record that an evaluation does not measure.
fn unmeasured_fields(record: &EpochRecord) -> EpochRecord {
    EpochRecord {
        epoch: record.epoch,
        learning_rate: record.learning_rate,
        loss: record.loss,
        seconds: record.seconds,
        ..EpochRecord::default()
    }
}

/// The same fields for the epoch in progress at a checkpoint, or for the epoch before it if the
/// checkpoint is between two epochs.
fn checkpoint_fields(
    spec: &RunSpec,
    checkpoint: &Checkpoint,
    n: usize,
) -> Option<(EpochRecord, Option<(usize, usize)>)> {
    let position = &checkpoint.state.position;
    match position.loss() {
        None => Some((unmeasured_fields(checkpoint.state.last.as_ref()?), None)),
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
