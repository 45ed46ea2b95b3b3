//! Reads experiment files.

use std::fs;
use std::path::Path;

use memdil_records::RecordError;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::config::file::ConfigFile;
use crate::config::preset::{self, SubSweep};
use crate::config::settings::{one_line, parse_value, set};
use crate::error::{RunnerError, override_error};

/// An experiment file. Its top level has the settings of a [`RunSpec`](memdil_records::RunSpec),
/// and these tables are optional:
///
/// | table | content |
/// | --- | --- |
/// | `[sweep]` | lists of values by the dotted names of settings; the runs of the sweep are the product of these lists, in which the last list changes fastest |
/// | `[search]` | a [`SearchSpec`](memdil_records::SearchSpec), for one search per run of the sweep |
/// | `[preset.NAME]` | replacements for settings (`run`), lists (`sweep`) and keys of `[search]` (`search`) |
/// | `[[claim]]` | a claim that the report tests |
/// | `[report]` | texts and figures of the report |
///
/// A preset that is repeated as `[[preset.NAME]]` combines several sweeps. Its key
/// `where_present = true` excludes runs whose data set is not available. The `config.toml` in the
/// folder of a run is an experiment file too.
///
/// A file with other settings names the subcommand of `memdil` that reads it: `command = "NAME"`.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The file, with overrides applied to its `[search]`.
    pub(crate) file: ConfigFile,
    /// The sweeps, at least one.
    pub(crate) sweeps: Vec<SubSweep>,
    /// The names of overridden settings.
    pub(crate) overridden: Vec<String>,
}

impl Experiment {
    /// Reads a file, then applies a preset and `key=value` overrides, in this order.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Config`] if the file cannot be read, is not TOML or does not have the preset;
    /// [`RunnerError::Override`] if an override has no `=`, or a part of its dotted name is not
    /// a table.
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

    /// Like [`Experiment::load`], for the given text of the file `path`.
    ///
    /// # Errors
    ///
    /// The errors of [`Experiment::load`].
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
            experiment.apply_override(text)?;
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
    fn apply_override(&mut self, text: &str) -> Result<(), RunnerError> {
        let parts = text.split_once('=');
        let (key, value) = parts.ok_or_else(|| override_error(text, "must be key=value"))?;
        let (key, value) = (key.trim(), parse_value(value.trim()));
        if let Some(key) = key.strip_prefix("search.") {
            return set(self.file.search.get_or_insert_default(), key, value);
        }
        // An overridden setting is not searched over.
        let search = self.file.search.as_mut();
        let space = search.and_then(|search| search.get_mut("space"));
        if let Some(Value::Table(space)) = space {
            space.remove(key);
        }
        self.overridden.push(key.to_owned());
        for SubSweep { run, sweep, .. } in &mut self.sweeps {
            // An overridden setting is swept over the given value only.
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

    /// The `[report]` table, with texts and figures of the report; empty if there is none.
    pub fn report(&self) -> &Table {
        &self.file.report
    }

    /// The name of the experiment: the setting `experiment`, or the `command` of the file (except
    /// for `report`), or the name of the file.
    pub fn name(&self) -> String {
        let named = self.sweeps[0].run.get("experiment").and_then(Value::as_str);
        let file = self.file.path.file_stem().unwrap_or_default();
        let command = self.command().filter(|command| *command != "report");
        let name = named.or(command).map(str::to_owned);
        name.unwrap_or_else(|| file.to_string_lossy().into_owned())
    }

    /// The names of the presets.
    pub fn presets(&self) -> Vec<String> {
        self.file.presets.keys().cloned().collect()
    }

    /// The `command` of the file: the subcommand of `memdil` that reads it.
    pub fn command(&self) -> Option<&str> {
        self.file.command.as_deref()
    }

    /// True if the file describes more than one run.
    pub fn is_sweep(&self) -> bool {
        self.sweeps.len() > 1 || self.sweeps.iter().any(|sweep| !sweep.sweep.is_empty())
    }

    /// True if the file has a `[search]` table.
    pub fn is_search(&self) -> bool {
        self.file.search.is_some()
    }

    /// The dotted names of the lists of all sweeps.
    pub(crate) fn sweep_names(&self) -> impl Iterator<Item = &str> {
        self.sweeps
            .iter()
            .flat_map(|sweep| sweep.sweep.keys().map(String::as_str))
    }

    pub(crate) fn error(&self, reason: String) -> RunnerError {
        self.file.error(reason)
    }

    /// Checks that the `command` of the file is the given one.
    pub(crate) fn check_command(&self, command: Option<&str>) -> Result<(), RunnerError> {
        match (self.file.command.as_deref(), command) {
            (found, expected) if found == expected => Ok(()),
            (Some(found), _) => Err(self.error(format!(
                "this file is for memdil {found}, according to its key 'command'"
            ))),
            (None, expected) => {
                let expected = expected.unwrap_or_default();
                Err(self.error(format!(
                    "this file is for memdil train and sweep; add command = \"{expected}\""
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
