//! Checkpoints: the state from which an interrupted run resumes with identical results.
//!
//! A run writes alternately to two files, so that the previous checkpoint remains if the newest one
//! is damaged.

use std::path::Path;
use std::time::{Duration, Instant};

use memdil_records::{EpochRecord, Provenance, RecordError, RunFolder, RunSpec, run_id};
use serde::{Deserialize, Serialize};

use crate::error::{RunnerError, write_error};
use crate::network::interface::Network;
use crate::network::state::{NamedTensor, Tensors, checksum, read_tensors, write_tensors};
use crate::prepare::Prepared;
use crate::run::metrics_file::{Fingerprint, MetricsFile};
use crate::run::training::{Clock, Position, Training};

/// A checkpoint read from its file.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    pub(crate) state: State,
    model: Vec<NamedTensor>,
    optimizer: Vec<NamedTensor>,
}

/// The part of a checkpoint that is not tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    format: u32,
    run: String,
    pub(crate) position: Position,
    /// The last epoch in the metrics.
    pub(crate) last: Option<EpochRecord>,
    pub(crate) metrics: Fingerprint,
    /// Seconds of the whole run so far.
    pub(crate) seconds: f64,
    pub(crate) provenance: Provenance,
}

const FORMAT: u32 = 2;
const MODEL: &str = "model.";
const OPTIMIZER: &str = "optimizer.";

/// Writes a checkpoint; the tensors are streamed, not copied all at once.
fn write(path: &Path, state: &State, network: &dyn Network) -> Result<(), RunnerError> {
    let state = serde_json::to_string(state).map_err(|e| write_error(path, e))?;
    let tensors = || {
        let optimizer = prefixed(OPTIMIZER, network.optimizer_tensors()?);
        Ok(Box::new(prefixed(MODEL, network.model_tensors()).chain(optimizer)) as Tensors<'_>)
    };
    write_tensors(path, tensors, Some(&state))
}

impl Checkpoint {
    /// Reads a checkpoint of the run with these settings; the error is the reason why it cannot be
    /// used.
    fn read(path: &Path, spec: &RunSpec, data: &Prepared) -> Result<Self, String> {
        let (tensors, notes) = read_tensors(path).map_err(|error| match error {
            RecordError::Malformed { reason, .. } => reason,
            other => other.to_string(),
        })?;
        let note = |name: &str| {
            notes
                .get(name)
                .map(String::as_str)
                .ok_or_else(|| format!("its header has no '{name}'"))
        };
        let state = note("state")?;
        if note("sha256")? != checksum(state, tensors.iter().map(NamedTensor::digest).collect()) {
            return Err("its checksum is wrong".to_owned());
        }
        let state: State =
            serde_json::from_str(state).map_err(|e| format!("its state cannot be read: {e}"))?;
        if state.format != FORMAT {
            return Err(format!(
                "its format {} is not supported, only {FORMAT}",
                state.format
            ));
        }
        if state.run != run_id(spec) {
            return Err(format!("it belongs to another run, {}", state.run));
        }
        state.position.check(spec, data)?;
        let (mut model, mut optimizer) = (Vec::new(), Vec::new());
        for mut tensor in tensors {
            let kept = [(MODEL, &mut model), (OPTIMIZER, &mut optimizer)]
                .into_iter()
                .find_map(|(prefix, kept)| {
                    let name = tensor.name.strip_prefix(prefix)?.to_owned();
                    Some((name, kept))
                });
            let (name, kept) =
                kept.ok_or_else(|| format!("its tensor '{}' is unknown", tensor.name))?;
            tensor.name = name;
            kept.push(tensor);
        }
        Ok(Self {
            state,
            model,
            optimizer,
        })
    }

    /// Loads model and optimiser into a network.
    pub(crate) fn load_into(&self, network: &mut dyn Network) -> Result<(), RunnerError> {
        network.load_model_state(&self.model)?;
        network.load_optimizer_state(&self.optimizer)
    }
}

fn prefixed<'a>(prefix: &'a str, tensors: Tensors<'a>) -> Tensors<'a> {
    Box::new(tensors.map(move |tensor| {
        tensor.map(|t| NamedTensor {
            name: format!("{prefix}{}", t.name),
            ..t
        })
    }))
}

/// A checkpoint, with the index of its file.
pub(crate) type Found = (usize, Checkpoint);

/// The usable checkpoints of a run, the newest last. `refused` is called with the path of each
/// unusable file and the reason.
pub(crate) fn find(
    run: &RunFolder,
    spec: &RunSpec,
    data: &Prepared,
    mut refused: impl FnMut(&Path, &str),
) -> Vec<Found> {
    let mut found = Vec::new();
    for (slot, path) in run.checkpoints().iter().enumerate() {
        if let Ok(false) = path.try_exists() {
            continue;
        }
        match Checkpoint::read(path, spec, data) {
            Ok(checkpoint) => found.push((slot, checkpoint)),
            Err(reason) => refused(path, &reason),
        }
    }
    found.sort_by_key(|(_, checkpoint)| {
        let position = &checkpoint.state.position;
        (position.epoch, position.samples)
    });
    found
}

/// Writes the checkpoints of a run at regular intervals.
pub(crate) struct CheckpointWriter<'a> {
    pub(crate) run: &'a RunFolder,
    pub(crate) id: String,
    pub(crate) provenance: &'a Provenance,
    pub(crate) clock: Clock,
    pub(crate) every: Duration,
    /// The time of the last checkpoint, or of the start of the process.
    pub(crate) last: Instant,
    /// The index of the file to write next.
    pub(crate) slot: usize,
}

impl CheckpointWriter<'_> {
    /// Writes a checkpoint if one is due. A training that has diverged has none.
    pub(crate) fn write_if_due(
        &mut self,
        training: &Training<'_>,
        metrics: &MetricsFile,
        last: Option<&EpochRecord>,
    ) -> Result<(), RunnerError> {
        if self.last.elapsed() < self.every {
            return Ok(());
        }
        let Some(position) = training.position()? else {
            return Ok(());
        };
        let state = State {
            format: FORMAT,
            run: self.id.clone(),
            position,
            last: last.cloned(),
            metrics: metrics.fingerprint()?,
            seconds: self.clock.seconds(),
            provenance: self.provenance.clone(),
        };
        let [first, second] = self.run.checkpoints();
        let path = if self.slot == 0 { first } else { second };
        write(&path, &state, training.network.as_ref())?;
        self.slot = 1 - self.slot;
        self.last = Instant::now();
        Ok(())
    }
}
