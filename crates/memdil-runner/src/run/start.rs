//! The state that a run begins in or resumes from.

use std::path::Path;

use candle_core::Device;
use memdil_data::NoisyLabels;
use memdil_records::{Provenance, RunFolder, RunSpec};

use crate::error::{RunnerError, write_error};
use crate::network::build::{Build, build_for_run};
use crate::prepare::Prepared;
use crate::run::checkpoint::{self, State};
use crate::run::metrics_file::MetricsFile;
use crate::run::training::Training;

/// A run that can begin or resume.
pub(crate) struct Start<'a> {
    pub(crate) training: Training<'a>,
    pub(crate) metrics: MetricsFile,
    /// The state of the checkpoint that it resumes from.
    pub(crate) state: Option<State>,
    /// The checkpoint to write next.
    pub(crate) slot: usize,
}

impl<'a> Start<'a> {
    /// Resumes from the newest checkpoint that is usable, or else begins; `warn` gets why the
    /// others are not.
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
            let network = build_for_run(spec, data, device, build)?;
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
                Ok(beginning) => {
                    training.go_to(&state.position);
                    return Ok(Self {
                        training,
                        metrics: beginning.resume()?,
                        state: Some(checkpoint.state),
                        slot: 1 - slot,
                    });
                }
                Err(reason) => refuse(&run.checkpoints()[slot], &reason),
            }
        }
        if refused > 0 {
            warn("no checkpoint is usable: the run starts again".to_owned());
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

/// Differences from the program and machine that wrote a checkpoint, where they can change numbers.
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
        .map(|((name, now), (_, before))| format!("{name} {now}, before {before}"))
        .collect();
    (!changed.is_empty()).then(|| {
        format!(
            "the numbers may differ from those of an uninterrupted run: it goes on with {}",
            changed.join("; ")
        )
    })
}
