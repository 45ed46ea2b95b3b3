//! A run, from its specification to a finished folder.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use memdil_data::random::{Stream, shuffle, stream};
use memdil_models::{Mlp, MlpShape};
use memdil_records::{
    EpochRecord, ModelSpec, OptimizerSpec, RecordError, RunFolder, RunRecord, RunSpec, ScheduleSpec, Status,
    create_dir, run_id, write_atomic,
};
use rand_chacha::ChaCha8Rng;

use crate::evaluate::Evaluation;
use crate::sgd::Sgd;
use crate::{Prepared, RunnerError, open_device, provenance};

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
    let mut training = Training::new(spec, &data, &device)?;
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
        training.save(&run.model())?;
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
        parameters: training.network.parameters().iter().map(|(_, p)| p.elem_count()).sum(),
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
    device: &'a Device,
    network: Mlp,
    optimizer: Sgd,
    order: Vec<usize>,
    shuffler: ChaCha8Rng,
}

/// A finished epoch with the evaluation that its record was measured on, or why the run has diverged.
type Epoch = Result<(EpochRecord, Option<Evaluation>), String>;

impl<'a> Training<'a> {
    fn new(spec: &'a RunSpec, data: &'a Prepared, device: &'a Device) -> Result<Self, RunnerError> {
        let classes = spec.data.classes.len();
        let ModelSpec::Mlp(mlp) = &spec.model;
        let shape = MlpShape {
            inputs: data.train_inputs.values_per_sample(),
            depth: mlp.depth,
            width: mlp.width,
            features: classes,
            classes,
        };
        let network = Mlp::new(shape, &mut stream(spec.seed, Stream::Init), DType::F32, device)?;
        let OptimizerSpec::Sgd { momentum, weight_decay, .. } = spec.optimizer;
        let parameters = network.parameters().iter().map(|(_, p)| p.clone());
        let optimizer = Sgd::new(parameters, momentum, weight_decay);
        let (order, shuffler) = (data.train.clone(), stream(spec.seed, Stream::Shuffle));
        Ok(Self { spec, data, device, network, optimizer, order, shuffler })
    }

    fn epoch(&mut self, epoch: usize) -> Result<Epoch, RunnerError> {
        let started = Instant::now();
        let learning_rate = self.learning_rate(epoch);
        shuffle(&mut self.shuffler, &mut self.order);
        let mut total = 0.0;
        for indices in self.order.chunks(self.spec.training.batch_size) {
            let (inputs, labels) = self.batch(epoch, indices)?;
            let output = self.network.forward(&inputs, true)?;
            let loss = self.spec.loss.tensor(&output.logits, &labels)?;
            let value = f64::from(loss.to_scalar::<f32>()?);
            if !value.is_finite() {
                return Ok(Err(format!("the training loss is {value}")));
            }
            total += value * indices.len() as f64;
            self.optimizer.step(&loss.backward()?, learning_rate)?;
        }
        let loss = total / self.order.len() as f64;
        let mut record = EpochRecord { epoch, learning_rate, loss, ..EpochRecord::default() };
        let training = &self.spec.training;
        let evaluation = if epoch.is_multiple_of(training.evaluate_every) || epoch == training.epochs {
            let evaluation = Evaluation::new(&self.network, self.data, self.device)?;
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

    /// Filling a batch is two hundredths of the step that it feeds: it is not worth a thread of its own.
    fn batch(&self, epoch: usize, indices: &[usize]) -> Result<(Tensor, Tensor), RunnerError> {
        let labels: Vec<u32> = indices.iter().map(|&i| self.data.labels.observed[i]).collect();
        let source = &self.data.train_inputs;
        let shape = (indices.len(), source.values_per_sample());
        let mut values = vec![0.0; shape.0 * shape.1];
        match self.spec.data.augment {
            Some(augment) => source.fill_augmented(indices, augment, (self.spec.seed, epoch), &mut values),
            None => source.fill(indices, &mut values),
        }
        let inputs = Tensor::from_vec(values, shape, self.device)?;
        Ok((inputs, Tensor::from_vec(labels, indices.len(), self.device)?))
    }

    fn learning_rate(&self, epoch: usize) -> f64 {
        let OptimizerSpec::Sgd { learning_rate, .. } = self.spec.optimizer;
        let ScheduleSpec::Step { patience, gamma } = self.spec.schedule;
        learning_rate * gamma.powi(((epoch - 1) / patience) as i32)
    }

    /// Parameters and running statistics as safetensors.
    fn save(&self, path: &Path) -> Result<(), RunnerError> {
        let named = self.network.parameters().iter().chain(self.network.statistics());
        let tensors: Vec<(&str, &Tensor)> = named.map(|(name, v)| (name.as_str(), v.as_tensor())).collect();
        let bytes = safetensors::serialize(tensors, None).map_err(candle_core::Error::wrap)?;
        Ok(write_atomic(path, |w| w.write_all(&bytes))?)
    }
}
