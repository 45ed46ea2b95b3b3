//! Starts a run, or resumes it from a checkpoint.

use std::path::Path;

use candle_core::Device;
use memdil_data::NoisyLabels;
use memdil_records::{Provenance, RunFolder, RunSpec};

use crate::error::{RunnerError, write_error};
use crate::network::build::{Build, build_for_run};
use crate::prepare::Prepared;
use crate::run::checkpoint::{self, State};
use crate::run::evaluation::layers::check_layers;
use crate::run::metrics_file::MetricsFile;
use crate::run::training::Training;

/// A run that is ready to train.
pub(crate) struct Start<'a> {
    pub(crate) training: Training<'a>,
    pub(crate) metrics: MetricsFile,
    /// The state of the checkpoint from which the run resumes.
    pub(crate) state: Option<State>,
    /// The index of the checkpoint to write next.
    pub(crate) slot: usize,
}

impl<'a> Start<'a> {
    /// Resumes from the newest usable checkpoint, or starts a new run. `warn` is called with the
    /// reasons why other checkpoints are unusable.
    pub(crate) fn new(
        run: &RunFolder,
        spec: &'a RunSpec,
        data: &'a Prepared,
        (device, build): (&Device, Option<Build<'_>>),
        warn: &mut dyn FnMut(String),
    ) -> Result<Self, RunnerError> {
        let mut refused = 0;
        let mut refuse = |path: &Path, reason: &str| {
            refused += 1;
            warn(format!("{}: checkpoint not used: {reason}", path.display()));
        };
        let mut found = checkpoint::find(run, spec, data, &mut refuse);
        if !found.is_empty() && NoisyLabels::read(&run.noise())? != data.labels {
            return Err(RunnerError::OtherLabels { path: run.noise() });
        }
        // A process that was killed while it finished the run may already have renamed the metrics.
        let partial = run.metrics_in_progress();
        if !found.is_empty() && !partial.exists() && run.metrics().exists() {
            std::fs::rename(run.metrics(), &partial).map_err(|e| write_error(&partial, e))?;
        }
        let new = || -> Result<Training<'a>, RunnerError> {
            let mut network = build_for_run(spec, data, device, build)?;
            if spec.training.evaluate_layers {
                check_layers(network.as_mut(), spec, data)?;
            }
            Ok(Training::new(spec, data, network))
        };
        while let Some((slot, checkpoint)) = found.pop() {
            let mut training = new()?;
            let state = &checkpoint.state;
            let usable = checkpoint
                .load_into(training.network.as_mut())
                .map_err(|e| e.to_string())
                .and_then(|()| state.metrics.read(&partial));
            match usable {
                Ok(verified) => {
                    training.restore_position(&state.position);
                    return Ok(Self {
                        training,
                        metrics: verified.resume()?,
                        state: Some(checkpoint.state),
                        slot: 1 - slot,
                    });
                }
                Err(reason) => refuse(&run.checkpoints()[slot], &reason),
            }
        }
        if refused > 0 {
            warn("no checkpoint is usable; the run starts again from the beginning".to_owned());
            run.remove_checkpoints()?;
        }
        Ok(Self {
            training: new()?,
            metrics: MetricsFile::create(&partial)?,
            state: None,
            slot: 0,
        })
    }
}

/// Describes changes of program and machine since a checkpoint that can change the results.
pub(crate) fn changes(before: &Provenance, now: &Provenance) -> Option<String> {
    let named = |provenance: &Provenance| {
        [
            ("commit", provenance.commit.clone()),
            ("compiler", provenance.rustc.clone()),
            ("processor features", provenance.cpu_features.join(" ")),
            ("threads", provenance.threads.to_string()),
            ("device", provenance.device.clone()),
        ]
    };
    let changed: Vec<String> = named(now)
        .into_iter()
        .zip(named(before))
        .filter(|((_, now), (_, before))| before != now)
        .map(|((name, now), (_, before))| format!("{name} {now}, formerly {before}"))
        .collect();
    (!changed.is_empty()).then(|| {
        format!(
            "results may differ from those of an uninterrupted run; it resumes with {}",
            changed.join("; ")
        )
    })
}
