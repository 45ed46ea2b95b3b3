//! Estimates the duration of runs from a few timed steps of each kind of run.

use std::time::{Duration, Instant};

use memdil_records::RunSpec;
use serde::{Deserialize, Serialize};

use crate::device::open_device;
use crate::error::RunnerError;
use crate::network::build::build_for_run;
use crate::prepare::Prepared;
use crate::run::options::RunOptions;

/// Minimum duration of each timing of a calibration.
const TIMED: Duration = Duration::from_millis(400);
/// The number of queued steps that are timed together.
const QUEUED: usize = 100;
/// Samples per forward pass.
const CHUNK: usize = 512;

/// The measured times of a kind of run, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Calibration {
    /// Time to load the data and build the network.
    pub start: f64,
    /// Time of a training step on a full batch.
    pub step: f64,
    /// Time per sample of an evaluation.
    pub evaluated: f64,
    /// Number of training samples.
    pub train: usize,
    /// Number of validation and test samples.
    pub others: usize,
}

impl Calibration {
    /// Times the start, some steps and some forward passes of a run. Nothing is written.
    ///
    /// # Errors
    ///
    /// Invalid settings, data or device, as for [`train`](crate::train).
    pub fn new(spec: &RunSpec, options: &RunOptions) -> Result<Self, RunnerError> {
        let began = Instant::now();
        let data = Prepared::new(spec, &options.data_dirs)?;
        let device = open_device(&options.device)?;
        let mut network = build_for_run(spec, &data, &device, None)?;
        let start = began.elapsed().as_secs_f64();

        let batch = &data.train[..spec.training.batch_size.min(data.train.len())];
        let inputs = data.train_inputs.batch(batch);
        let labels = data.observed(batch);
        // A learning rate of zero has the cost of a step, but the loss cannot diverge.
        let step = if network.begin_epoch(spec, &data, &data.train, (0, 0.0), 0.0)? {
            let steps = (data.train.len() / batch.len()).min(QUEUED);
            let queued = timed(|| {
                network.begin_epoch(spec, &data, &data.train, (0, 0.0), 0.0)?;
                (0..steps).try_for_each(|_| network.queue_step(batch.len()))?;
                network.queued_loss().map(|_| ())
            });
            queued? / steps as f64
        } else {
            timed(|| network.step(&inputs, &labels, &spec.loss, 0.0).map(|_| ()))?
        };

        let chunk = &data.train[..CHUNK.min(data.train.len())];
        let inputs = data.train_inputs.batch(chunk);
        let evaluated = timed(|| network.forward(&inputs).map(|_| ()))? / chunk.len() as f64;
        let others = data.validation.len() + data.test_labels.len();
        Ok(Self {
            start,
            step,
            evaluated,
            train: data.train.len(),
            others,
        })
    }

    /// Whether the calibration of one run holds for another: whether they agree in all settings
    /// that affect the time of a step.
    pub fn covers(timed: &RunSpec, other: &RunSpec) -> bool {
        let same_step =
            timed.model == other.model && timed.training.batch_size == other.training.batch_size;
        same_step && timed.data == other.data && timed.network_classes() == other.network_classes()
    }

    /// The estimated seconds of a run of this kind.
    pub fn seconds(&self, spec: &RunSpec) -> f64 {
        let training = &spec.training;
        let evaluations = training.evaluations();
        // The samples pass through the network twice more if the layers are measured.
        let passes = if training.evaluate_layers { 3 } else { 1 };
        let measured = if training.evaluate_gradient {
            evaluations
        } else {
            0
        };
        let steps = (training.epochs + measured) * self.train.div_ceil(training.batch_size);
        self.start
            + self.step * steps as f64
            + self.evaluated * (evaluations * passes * (self.train + self.others)) as f64
    }
}

/// The mean seconds of a call, after a first call that is not counted.
fn timed(mut call: impl FnMut() -> Result<(), RunnerError>) -> Result<f64, RunnerError> {
    call()?;
    let began = Instant::now();
    let mut calls = 0;
    while calls < 3 || began.elapsed() < TIMED {
        call()?;
        calls += 1;
    }
    Ok(began.elapsed().as_secs_f64() / f64::from(calls))
}
