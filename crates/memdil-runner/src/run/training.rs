//! The training loop over epochs and batches, and its position for checkpoints.

use std::time::Instant;

use memdil_data::random::{Stream, shuffle, stream};
use memdil_records::{EpochRecord, RunSpec, SampleScores};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::RunnerError;
use crate::network::interface::{Network, QueuedLoss, StepOutput};
use crate::prepare::Prepared;
use crate::run::evaluation::{Evaluation, measure_network};
use crate::run::scores::TrainingScores;

/// Measures the seconds of a training, including those of earlier, interrupted processes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    before: f64,
    started: Instant,
}

impl Clock {
    /// Starts a clock after `before` seconds in earlier processes.
    pub(crate) fn start(before: f64) -> Self {
        Self {
            before,
            started: Instant::now(),
        }
    }

    /// The same clock with the seconds of earlier processes.
    pub(crate) fn after(self, before: f64) -> Self {
        Self { before, ..self }
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }
}

/// The position of a training: its state apart from that of network and optimiser. The learning
/// rate is a function of the epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Position {
    /// The epoch in progress, counted from one.
    pub(crate) epoch: usize,
    /// Samples of the epoch that were trained on; if 0, the order of the epoch is not drawn yet.
    pub(crate) samples: usize,
    /// Bits of the sum of the loss over these samples.
    total: u64,
    /// The order of the samples of the epoch, or of the epoch before if it is not drawn yet.
    order: Vec<usize>,
    /// The word position of the random generator for shuffling.
    shuffler: u128,
    /// Seconds of the epoch so far.
    pub(crate) seconds: f64,
    /// The scores of the samples so far.
    pub(crate) scores: TrainingScores,
}

impl Position {
    /// Mean training loss of the epoch so far.
    pub(crate) fn loss(&self) -> Option<f64> {
        (self.samples > 0).then(|| f64::from_bits(self.total) / self.samples as f64)
    }

    /// Checks that the position can occur in the training of this specification on these data; the
    /// error is the reason.
    pub(crate) fn check(&self, spec: &RunSpec, data: &Prepared) -> Result<(), String> {
        let train = &data.train;
        let sorted = |indices: &[usize]| {
            let mut indices = indices.to_vec();
            indices.sort_unstable();
            indices
        };
        if sorted(&self.order) != sorted(train) {
            return Err("its order is not a permutation of the training samples".to_owned());
        }
        if !self.scores.fits(data.train_inputs.len()) {
            return Err("its scores are not those of the training samples".to_owned());
        }
        let whole =
            self.samples.is_multiple_of(spec.training.batch_size) || self.samples == train.len();
        if !(1..=spec.training.epochs).contains(&self.epoch) || self.samples > train.len() || !whole
        {
            return Err(format!(
                "sample {} of epoch {} is not the end of a batch",
                self.samples, self.epoch
            ));
        }
        Ok(())
    }
}

/// A network in training.
pub(crate) struct Training<'a> {
    spec: &'a RunSpec,
    data: &'a Prepared,
    pub(crate) network: Box<dyn Network>,
    shuffler: ChaCha8Rng,
    order: Vec<usize>,
    epoch: usize,
    samples: usize,
    total: f64,
    clock: Clock,
    /// A reusable buffer for the inputs of a batch.
    inputs: Vec<f32>,
    /// Whether the steps of the epoch are queued on a device, which then sums the loss.
    queued: bool,
    scores: TrainingScores,
    /// Samples of the epoch whose logits are in the scores; the logits of other queued steps are
    /// still on the device.
    scored: usize,
}

/// The outcome of an epoch.
pub(crate) enum EpochOutcome {
    /// The epoch was completed.
    Finished(Box<FinishedEpoch>),
    /// The training diverged for this reason.
    Diverged(String),
}

/// The results of an epoch.
pub(crate) struct FinishedEpoch {
    pub(crate) record: EpochRecord,
    /// The evaluation from which the metrics of the record were computed.
    pub(crate) evaluation: Option<Evaluation>,
    /// The scores of the samples, in epochs with an evaluation.
    pub(crate) samples: Option<SampleScores>,
}

impl<'a> Training<'a> {
    /// A training before its first epoch.
    pub(crate) fn new(spec: &'a RunSpec, data: &'a Prepared, network: Box<dyn Network>) -> Self {
        Self {
            spec,
            data,
            network,
            shuffler: stream(spec.seed, Stream::Shuffle),
            order: data.train.clone(),
            epoch: 1,
            samples: 0,
            total: 0.0,
            clock: Clock::start(0.0),
            inputs: Vec::new(),
            queued: false,
            scores: TrainingScores::new(data.train_inputs.len()),
            scored: 0,
        }
    }

    /// The epoch in progress, counted from one; the number of epochs plus one after the last epoch.
    pub(crate) fn next_epoch(&self) -> usize {
        self.epoch
    }

    /// The current position; `None` if the training has diverged.
    pub(crate) fn position(&self) -> Result<Option<Position>, RunnerError> {
        let loss = if self.queued && self.samples > 0 {
            self.network.queued_loss()?
        } else {
            QueuedLoss::Sum(self.total)
        };
        let QueuedLoss::Sum(total) = loss else {
            return Ok(None);
        };
        let mut scores = self.scores.clone();
        self.add_queued(&mut scores)?;
        Ok(Some(Position {
            epoch: self.epoch,
            samples: self.samples,
            total: total.to_bits(),
            order: self.order.clone(),
            shuffler: self.shuffler.get_word_pos(),
            seconds: if self.samples > 0 {
                self.clock.seconds()
            } else {
                0.0
            },
            scores,
        }))
    }

    /// Adds the logits of the queued steps to the scores.
    fn add_queued(&self, scores: &mut TrainingScores) -> Result<(), RunnerError> {
        if self.scored < self.samples {
            let logits = self.network.queued_logits(self.scored)?;
            let indices = &self.order[self.scored..self.samples];
            scores.add(self.epoch, indices, &logits, &self.data.labels);
        }
        Ok(())
    }

    /// Restores a position, which must have been checked.
    pub(crate) fn restore_position(&mut self, position: &Position) {
        self.epoch = position.epoch;
        self.samples = position.samples;
        self.total = f64::from_bits(position.total);
        self.order.clone_from(&position.order);
        self.shuffler.set_word_pos(position.shuffler);
        self.clock = Clock::start(position.seconds);
        self.scores.clone_from(&position.scores);
        self.scored = position.samples;
    }

    /// Skips epochs without training; draws the order of each skipped epoch.
    pub(crate) fn skip(&mut self, epochs: usize) {
        for _ in 0..epochs {
            shuffle(&mut self.shuffler, &mut self.order);
            self.epoch += 1;
        }
    }

    /// Trains the epoch in progress to its end; `after_batch` is called after each batch.
    pub(crate) fn epoch(
        &mut self,
        mut after_batch: impl FnMut(&Self) -> Result<(), RunnerError>,
    ) -> Result<EpochOutcome, RunnerError> {
        let epoch = self.epoch;
        let learning_rate = learning_rate(self.spec, epoch);
        if self.samples == 0 {
            self.clock = Clock::start(0.0);
            shuffle(&mut self.shuffler, &mut self.order);
        }
        let done = (self.samples, self.total);
        self.queued =
            self.network
                .begin_epoch(self.spec, self.data, &self.order, done, learning_rate)?;
        while self.samples < self.order.len() {
            let batch_size = self.spec.training.batch_size;
            let end = self.order.len().min(self.samples + batch_size);
            if self.queued {
                self.network.queue_step(end - self.samples)?;
                self.samples = end;
                after_batch(self)?;
                continue;
            }
            let indices = &self.order[self.samples..end];
            fill(self.spec, self.data, epoch, indices, &mut self.inputs);
            let labels = self.data.observed(indices);
            let StepOutput { loss, logits } =
                self.network
                    .step(&self.inputs, &labels, &self.spec.loss, learning_rate)?;
            if !loss.is_finite() {
                return Ok(diverged(loss));
            }
            self.scores.add(epoch, indices, &logits, &self.data.labels);
            self.total += loss * indices.len() as f64;
            (self.samples, self.scored) = (end, end);
            after_batch(self)?;
        }
        if self.queued {
            self.total = match self.network.queued_loss()? {
                QueuedLoss::Sum(total) => total,
                QueuedLoss::Ended(loss) => return Ok(diverged(loss)),
            };
            let mut scores = std::mem::take(&mut self.scores);
            self.add_queued(&mut scores)?;
            self.scores = scores;
        }
        let loss = self.total / self.order.len() as f64;
        let mut record = EpochRecord {
            epoch,
            learning_rate,
            loss,
            ..EpochRecord::default()
        };
        let mut samples = None;
        let evaluation = if self.spec.training.is_evaluated(epoch) {
            let evaluation = Evaluation::new(self.network.as_mut(), self.data)?;
            if !evaluation.is_finite() {
                let reason = "features or logits are not finite".to_owned();
                return Ok(EpochOutcome::Diverged(reason));
            }
            let scores = self.scores.of(&self.data.train, epoch, &self.data.labels);
            samples = evaluation.measure(&self.spec.loss, Some(scores), &mut record)?;
            measure_network(self.network.as_mut(), self.spec, self.data, &mut record)?;
            Some(evaluation)
        } else {
            None
        };
        record.seconds = self.clock.seconds();
        (self.epoch, self.samples, self.total) = (epoch + 1, 0, 0.0);
        self.scored = 0;
        let finished = FinishedEpoch {
            record,
            evaluation,
            samples,
        };
        Ok(EpochOutcome::Finished(Box::new(finished)))
    }
}

fn diverged(loss: f64) -> EpochOutcome {
    EpochOutcome::Diverged(format!("the training loss is {loss}"))
}

/// The learning rate of an epoch, counted from one.
pub(crate) fn learning_rate(spec: &RunSpec, epoch: usize) -> f64 {
    spec.schedule
        .learning_rate(spec.optimizer.learning_rate(), epoch, spec.training.epochs)
}

/// Fills the inputs of a batch, with augmentation if specified.
fn fill(spec: &RunSpec, data: &Prepared, epoch: usize, indices: &[usize], inputs: &mut Vec<f32>) {
    let source = &data.train_inputs;
    inputs.resize(indices.len() * source.values_per_sample(), 0.0);
    match spec.data.augment {
        Some(augment) => source.fill_augmented(indices, augment, (spec.seed, epoch), inputs),
        None => source.fill(indices, inputs),
    }
}
