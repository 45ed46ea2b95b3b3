//! Experiment files: settings of runs, lists to sweep over, presets.

pub(crate) mod experiment;
mod file;
mod preset;
pub(crate) mod runs;
pub(crate) mod settings;
pub(crate) mod update;
