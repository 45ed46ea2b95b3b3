//! An experiment, read from its file.

use std::fs;
use std::path::Path;

use memdil_records::RecordError;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::config::file::ConfigFile;
use crate::config::preset::{self, SubSweep};
use crate::config::settings::{one_line, parse_value, set};
use crate::error::{RunnerError, override_error};

/// An experiment file: settings at its top level, those of a [`RunSpec`](memdil_records::RunSpec), and three optional
/// tables.
///
/// `[sweep]` maps dotted names of settings to lists; a sweep is the product of these lists, the
/// last one changing fastest. `[search]` is a [`SearchSpec`](memdil_records::SearchSpec): one
/// search for each run of the sweep. `[preset.NAME]` replaces settings (`run`) and lists (`sweep`)
/// by the same dotted names, and keys of `[search]`. `[[claim]]` tables say what the report tests,
/// `[report]` has its texts and figures. Written several times as `[[preset.NAME]]` it
/// is several such sweeps in one; `where_present = true` leaves a sweep's runs out where their data
/// set is not available. The `config.toml` in a run's folder is such a file too.
///
/// A file whose settings are others says with `command = "NAME"` which subcommand of `memdil` it is
/// for.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// With the overrides of its search.
    pub(crate) file: ConfigFile,
    /// At least one.
    pub(crate) sweeps: Vec<SubSweep>,
    /// Settings that were given in place of the file's.
    pub(crate) overridden: Vec<String>,
}

impl Experiment {
    /// Reads a file, then applies a preset and `key=value` overrides, in this order.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Config`] when the file cannot be read, is not TOML or lacks the preset;
    /// [`RunnerError::Override`] when an override has no `=` or leads through something that is no
    /// table.
    pub fn load(
        path: &Path,
        preset: Option<&str>,
        overrides: &[String],
    ) -> Result<Self, RunnerError> {
        let text = fs::read_to_string(path).map_err(|error| RunnerError::Config {
            path: path.to_owned(),
            reason: format!("cannot be read: {error}"),
        })?;
        Self::parse(path, &text, preset, overrides)
    }

    /// As [`Experiment::load`], from the text of the file `path`.
    ///
    /// # Errors
    ///
    /// Those of [`Experiment::load`].
    pub fn parse(
        path: &Path,
        text: &str,
        preset: Option<&str>,
        overrides: &[String],
    ) -> Result<Self, RunnerError> {
        let mut file = ConfigFile::parse(path, text)?;
        let sweeps = match preset {
            None => vec![SubSweep {
                run: file.run.clone(),
                sweep: file.sweep.clone(),
                where_present: false,
            }],
            Some(name) => preset::apply(&mut file, name)?,
        };
        let mut experiment = Self {
            file,
            sweeps,
            overridden: Vec::new(),
        };
        for text in overrides {
            experiment.change(text)?;
        }
        for (key, values) in experiment.sweeps.iter().flat_map(|sweep| &sweep.sweep) {
            if values.as_array().is_none_or(|values| values.is_empty()) {
                return Err(experiment.error(format!(
                    "[sweep]: '{key}' must be a list with at least one value"
                )));
            }
        }
        Ok(experiment)
    }

    /// Applies a `key=value` override.
    fn change(&mut self, text: &str) -> Result<(), RunnerError> {
        let parts = text.split_once('=');
        let (key, value) = parts.ok_or_else(|| override_error(text, "must be key=value"))?;
        let (key, value) = (key.trim(), parse_value(value.trim()));
        if let Some(key) = key.strip_prefix("search.") {
            return set(self.file.search.get_or_insert_default(), key, value);
        }
        // A setting that the file searches over has the given value instead.
        let search = self.file.search.as_mut();
        let space = search.and_then(|search| search.get_mut("space"));
        if let Some(Value::Table(space)) = space {
            space.remove(key);
        }
        self.overridden.push(key.to_owned());
        for SubSweep { run, sweep, .. } in &mut self.sweeps {
            // A setting that the file sweeps over is narrowed to the given value.
            if let Some(list) = sweep.get_mut(key) {
                *list = Value::Array(vec![value.clone()]);
            }
            set(run, key, value.clone())?;
        }
        Ok(())
    }

    /// The `[[claim]]` tables, in the order of the file.
    pub fn claims(&self) -> &[Table] {
        &self.file.claims
    }

    /// The `[report]` table, with texts and figures of the report; empty without one.
    pub fn report(&self) -> &Table {
        &self.file.report
    }

    /// The name of the experiment: the setting `experiment`, else the subcommand that the file is for
    /// (a report's files have names of their own), else the name of the file.
    pub fn name(&self) -> String {
        let named = self.sweeps[0].run.get("experiment").and_then(Value::as_str);
        let file = self.file.path.file_stem().unwrap_or_default();
        let command = self.command().filter(|command| *command != "report");
        let name = named.or(command).map(str::to_owned);
        name.unwrap_or_else(|| file.to_string_lossy().into_owned())
    }

    /// The names of its presets.
    pub fn presets(&self) -> Vec<String> {
        self.file.presets.keys().cloned().collect()
    }

    /// The subcommand of `memdil` that the file is for, if it names one.
    pub fn command(&self) -> Option<&str> {
        self.file.command.as_deref()
    }

    /// True when the file has lists to sweep over.
    pub fn is_sweep(&self) -> bool {
        self.sweeps.len() > 1 || self.sweeps.iter().any(|sweep| !sweep.sweep.is_empty())
    }

    /// True when the file describes a search.
    pub fn is_search(&self) -> bool {
        self.file.search.is_some()
    }

    /// The dotted names that the sweep has lists for.
    pub(crate) fn sweep_names(&self) -> impl Iterator<Item = &str> {
        self.sweeps
            .iter()
            .flat_map(|sweep| sweep.sweep.keys().map(String::as_str))
    }

    pub(crate) fn error(&self, reason: String) -> RunnerError {
        self.file.error(reason)
    }

    pub(crate) fn is_for(&self, command: Option<&str>) -> Result<(), RunnerError> {
        match (self.file.command.as_deref(), command) {
            (ours, wanted) if ours == wanted => Ok(()),
            (Some(ours), _) => Err(self.error(format!(
                "this file is for memdil {ours} (its key 'command')"
            ))),
            (None, wanted) => {
                let wanted = wanted.unwrap_or_default();
                Err(self.error(format!(
                    "this file is for memdil train and sweep; it lacks command = \"{wanted}\""
                )))
            }
        }
    }

    pub(crate) fn resolve<T: DeserializeOwned>(
        &self,
        table: Table,
        check: impl FnOnce(&mut T) -> Result<(), RecordError>,
    ) -> Result<T, RunnerError> {
        let mut spec: T = serde_path_to_error::deserialize(Value::Table(table)).map_err(|e| {
            let place = e.path().to_string();
            let reason = one_line(e.inner(), None);
            self.error(if place == "." {
                reason
            } else {
                format!("{place}: {reason}")
            })
        })?;
        check(&mut spec).map_err(|e| self.error(e.to_string()))?;
        Ok(spec)
    }
}
