//! A run, from its specification to a finished folder.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use memdil_data::random::{Stream, shuffle, stream};
use memdil_records::{EpochRecord, RecordError, RunFolder, RunRecord, RunSpec, Status, create_dir, run_id};
use rand_chacha::ChaCha8Rng;

use crate::evaluate::Evaluation;
use crate::network::write_tensors;
use crate::{Network, Prepared, RunnerError, open_device, provenance};

/// What a run needs beside its specification; none of it changes its numbers, the device's rounding aside.
#[derive(Clone, Debug)]
pub struct TrainOptions {
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Where the data sets are; `None` looks in the usual places.
    pub data_dir: Option<PathBuf>,
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
/// Nothing is written before the specification, the device and the data are known to be good. A run that was
/// stopped starts again from its first epoch. When the loss or the features stop being finite numbers, the run ends
/// there and is recorded as diverged.
///
/// # Errors
///
/// [`RunnerError`]: bad settings or data, a folder that holds another run or is being worked on, a failed write.
pub fn train(
    spec: &RunSpec,
    folder: &Path,
    options: &TrainOptions,
    mut on_epoch: impl FnMut(&EpochRecord),
) -> Result<Outcome, RunnerError> {
    spec.validate()?;
    let run = RunFolder::new(folder);
    if let Some(record) = finished(&run, spec)? {
        return Ok(Outcome::AlreadyComplete(record));
    }
    let device = open_device(&options.device)?;
    let data = Prepared::new(spec, options.data_dir.as_deref())?;

    create_dir(folder)?;
    let _lock = lock(&run.lock(), folder)?;
    // Another process may have finished it while the data was read.
    if let Some(record) = finished(&run, spec)? {
        return Ok(Outcome::AlreadyComplete(record));
    }
    let provenance = provenance(&options.device);
    run.write_start(spec, &provenance)?;
    run.write_noise(&data.labels)?;

    let started = Instant::now();
    let network = Network::new(spec, data.train_inputs.values_per_sample(), spec.data.classes.len(), &device)?;
    let mut training = Training::new(spec, &data, network);
    let partial = run.metrics_in_progress();
    let mut metrics = File::create(&partial).map_err(|e| write_error(&partial, e))?;
    let (mut last, mut reason) = (None, None);
    for epoch in 1..=spec.training.epochs {
        match training.epoch(epoch)? {
            Ok((record, evaluation)) => {
                let line = serde_json::to_string(&record).map_err(std::io::Error::from);
                line.and_then(|line| writeln!(metrics, "{line}")).map_err(|e| write_error(&partial, e))?;
                on_epoch(&record);
                last = Some((record, evaluation));
            }
            Err(cause) => {
                reason = Some(format!("epoch {epoch}: {cause}"));
                break;
            }
        }
    }
    metrics.sync_all().and_then(|()| fs::rename(&partial, run.metrics())).map_err(|e| write_error(&partial, e))?;
    let status = if reason.is_none() { Status::Completed } else { Status::Diverged };
    if let (Status::Completed, Some((_, Some(evaluation)))) = (status, &last) {
        run.write_snapshot(&evaluation.snapshot)?;
        write_tensors(&run.model(), &training.network.model_state()?)?;
    }
    let record = RunRecord {
        format: RunRecord::FORMAT,
        id: run_id(spec),
        spec: spec.clone(),
        status,
        reason,
        requested_noise: data.labels.requested,
        realised_noise: data.labels.realised,
        samples: [data.train.len(), data.validation.len(), data.test_labels.len()],
        parameters: training.network.parameter_count(),
        last: last.map(|(record, _)| record),
        seconds: started.elapsed().as_secs_f64(),
        provenance,
    };
    run.write_record(&record)?;
    Ok(Outcome::Ran(record))
}

/// The finished record in the folder; an error when it, or the beginning of a run, belongs to other settings.
pub(crate) fn finished(run: &RunFolder, spec: &RunSpec) -> Result<Option<RunRecord>, RunnerError> {
    let other = || RunnerError::OtherRun { path: run.path().to_owned() };
    match run.record()? {
        Some(record) if record.spec == *spec => Ok(Some(record)),
        Some(_) => Err(other()),
        None if run.begun_with()?.is_some_and(|begun| begun != *spec) => Err(other()),
        None => Ok(None),
    }
}

/// Locks a file for the work in `folder`: held until the file is dropped, or the process ends in whatever way.
pub(crate) fn lock(path: &Path, folder: &Path) -> Result<File, RunnerError> {
    let file = File::create(path).map_err(|e| write_error(path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RunnerError::Busy { path: folder.to_owned() }),
        Err(TryLockError::Error(e)) => Err(write_error(path, e)),
    }
}

fn write_error(path: &Path, cause: std::io::Error) -> RunnerError {
    RecordError::Write { path: path.to_owned(), cause }.into()
}

/// A network in training.
struct Training<'a> {
    spec: &'a RunSpec,
    data: &'a Prepared,
    network: Network,
    order: Vec<usize>,
    shuffler: ChaCha8Rng,
    /// Inputs of a batch, filled again for each.
    inputs: Vec<f32>,
}

/// A finished epoch with the evaluation that its record was measured on, or why the run has diverged.
type Epoch = Result<(EpochRecord, Option<Evaluation>), String>;

impl<'a> Training<'a> {
    fn new(spec: &'a RunSpec, data: &'a Prepared, network: Network) -> Self {
        let (order, shuffler) = (data.train.clone(), stream(spec.seed, Stream::Shuffle));
        Self { spec, data, network, order, shuffler, inputs: Vec::new() }
    }

    fn epoch(&mut self, epoch: usize) -> Result<Epoch, RunnerError> {
        let started = Instant::now();
        let initial = self.spec.optimizer.learning_rate();
        let learning_rate = self.spec.schedule.learning_rate(initial, epoch, self.spec.training.epochs);
        shuffle(&mut self.shuffler, &mut self.order);
        let mut total = 0.0;
        for indices in self.order.chunks(self.spec.training.batch_size) {
            fill(self.spec, self.data, epoch, indices, &mut self.inputs);
            let labels: Vec<u32> = indices.iter().map(|&i| self.data.labels.observed[i]).collect();
            let loss = self.network.step(&self.inputs, &labels, &self.spec.loss, learning_rate)?;
            if !loss.is_finite() {
                return Ok(Err(format!("the training loss is {loss}")));
            }
            total += loss * indices.len() as f64;
        }
        let loss = total / self.order.len() as f64;
        let mut record = EpochRecord { epoch, learning_rate, loss, ..EpochRecord::default() };
        let training = &self.spec.training;
        let evaluation = if epoch.is_multiple_of(training.evaluate_every) || epoch == training.epochs {
            let evaluation = Evaluation::new(&mut self.network, self.data)?;
            if !evaluation.is_finite() {
                return Ok(Err("features or logits are not finite".to_owned()));
            }
            evaluation.measure(&self.spec.loss, &mut record)?;
            Some(evaluation)
        } else {
            None
        };
        record.seconds = started.elapsed().as_secs_f64();
        Ok(Ok((record, evaluation)))
    }
}

/// Inputs of a batch. Filling it is two hundredths of the step that it feeds: it is not worth a thread of its own.
fn fill(spec: &RunSpec, data: &Prepared, epoch: usize, indices: &[usize], inputs: &mut Vec<f32>) {
    let source = &data.train_inputs;
    inputs.resize(indices.len() * source.values_per_sample(), 0.0);
    match spec.data.augment {
        Some(augment) => source.fill_augmented(indices, augment, (spec.seed, epoch), inputs),
        None => source.fill(indices, inputs),
    }
}
