//! Plans the searches of an experiment file.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use memdil_records::{RecordError, RunSpec, SearchRange, SearchSpec, run_id};
use serde_json::Value as Json;
use toml::{Table, Value};

use crate::config::experiment::Experiment;
use crate::config::runs::{Absent, check_run};
use crate::config::settings::set;
use crate::error::RunnerError;

/// A planned search: the settings of a run, and the space of the settings that are searched over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Search {
    /// The name of the search, which is the name of the run that `spec` describes.
    pub id: String,
    /// The specification of a run, in which a trial replaces the settings that are searched over.
    pub spec: RunSpec,
    /// The specification of the search.
    pub search: SearchSpec,
    /// The settings of the space that the run has.
    pub settings: Vec<String>,
    /// The settings of the space that the run does not have; they are not searched over.
    pub left_out: Vec<String>,
    /// The settings as written in the file, before defaults are filled in.
    table: Table,
}

/// The searches of an experiment.
#[derive(Clone, Debug)]
pub struct SearchPlan {
    /// The searches, in the order of the sweep.
    pub searches: Vec<Search>,
    /// The number of excluded searches by unavailable data set.
    pub absent: Absent,
}

impl Experiment {
    /// One search per run of the sweep, in the order of the sweep. Runs with an unavailable data
    /// set are handled as in [`Experiment::plan`].
    ///
    /// A setting of the space that does not exist for the loss, optimiser etc. of a run is
    /// excluded from its search; see [`Search::left_out`].
    ///
    /// # Errors
    ///
    /// The errors of [`Experiment::runs`]. Also an error if the file has no `[search]`, if no
    /// samples are held out for validation, if a range is invalid, if a setting of the space does
    /// not exist for any run or is in `[sweep]` too, or if a bound or value is invalid for a run.
    pub fn searches(&self, data_dirs: &[PathBuf]) -> Result<SearchPlan, RunnerError> {
        if self.command() != Some("search") {
            self.check_command(None)?;
        }
        let Some(table) = &self.file.search else {
            return Err(self.error(
                "the file has no [search] table; add one, or use memdil train or sweep".to_owned(),
            ));
        };
        let table = Table::from_iter([("search".to_owned(), Value::Table(table.clone()))]);
        let Holder { search } =
            self.resolve(table, |holder: &mut Holder| holder.search.validate())?;
        let inside = |a: &str, b: &str| {
            a == b || a.strip_prefix(b).is_some_and(|rest| rest.starts_with('.'))
        };
        for name in search.space.keys() {
            if let Some(list) = self.sweep_names().find(|list| inside(list, name)) {
                let reason = format!(
                    "[sweep] has '{list}' too; a setting can be swept or searched over, not both"
                );
                return Err(self.space_error(name, reason));
            }
        }
        let (mut searches, mut seen, mut unknown) = (Vec::new(), HashSet::new(), BTreeMap::new());
        let (parts, absent) = self.available_tables(data_dirs)?;
        for table in parts.concat() {
            let search = self.search_of(table, &search, data_dirs, &mut unknown)?;
            if !seen.insert(search.id.clone()) {
                return Err(self.error(format!(
                    "[sweep]: search {} is planned twice; remove the repeated value of a list",
                    search.id
                )));
            }
            searches.push(search);
        }
        for (name, reason) in unknown {
            let has = |search: &Search| search.settings.contains(&name);
            if !searches.iter().any(has) {
                return Err(self.space_error(&name, reason));
            }
        }
        Ok(SearchPlan { searches, absent })
    }

    /// The search for the settings of one run. Settings of the space that the run does not have are
    /// added to `unknown` with the reason.
    fn search_of(
        &self,
        mut table: Table,
        search: &SearchSpec,
        data_dirs: &[PathBuf],
        unknown: &mut BTreeMap<String, String>,
    ) -> Result<Search, RunnerError> {
        let spec: RunSpec = self.resolve(table.clone(), |spec| check_run(spec, data_dirs))?;
        if spec.data.validation <= 0.0 {
            let reason =
                "data.validation = 0: must be above 0, because a search needs held-out samples";
            return Err(self.error(reason.to_owned()));
        }
        // Fix the classes here, so that the trials do not read them from the data again.
        let classes = Value::try_from(&spec.data.classes);
        let classes = classes.map_err(|e| self.error(e.to_string()))?;
        set(&mut table, "data.classes", classes)?;
        let (mut settings, mut left_out) = (Vec::new(), Vec::new());
        for (name, range) in &search.space {
            let mut known = true;
            for value in ends(range) {
                let mut table = table.clone();
                set(&mut table, name, to_toml(name, &value)?)?;
                // The prefix of serde's error message for an unknown key.
                let is_unknown = |e: &toml::de::Error| e.message().starts_with("unknown field");
                if let Err(error) = parse(table.clone())
                    && is_unknown(&error)
                {
                    unknown.insert(name.clone(), error.message().replace('\n', "; "));
                    known = false;
                    break;
                }
                self.resolve(table, |spec| check_run(spec, data_dirs))
                    .map_err(|error| match error {
                        RunnerError::Config { reason, .. } => self.space_error(
                            name,
                            format!("{value} is not a valid value: {}", hint(reason)),
                        ),
                        error => error,
                    })?;
            }
            if known { &mut settings } else { &mut left_out }.push(name.clone());
        }
        Ok(Search {
            id: run_id(&spec),
            spec,
            search: search.clone(),
            settings,
            left_out,
            table,
        })
    }

    fn space_error(&self, name: &str, reason: String) -> RunnerError {
        self.error(space_error(name, reason).to_string())
    }
}

/// A wrapper that makes error messages contain the full name of a setting.
#[derive(serde::Deserialize)]
struct Holder {
    search: SearchSpec,
}

/// The values that must be valid for a run: all values of a list, or both ends of an interval.
fn ends(range: &SearchRange) -> Vec<Json> {
    match range {
        SearchRange::Interval { low, high, .. } => vec![(*low).into(), (*high).into()],
        SearchRange::Values { values } => values.clone(),
    }
}

fn hint(reason: String) -> String {
    if reason.contains("floating point") && reason.contains("invalid type") {
        reason + "; list whole numbers with { values = [..] }"
    } else {
        reason
    }
}

impl Search {
    /// The specification of a trial's run.
    pub(crate) fn trial(&self, values: &BTreeMap<String, Json>) -> Result<RunSpec, RunnerError> {
        let epochs = self.search.trial_epochs(self.spec.training.epochs);
        self.with(values, epochs, self.spec.data.validation)
    }

    /// The specification of a run with all epochs and all training data.
    pub(crate) fn whole(&self, values: &BTreeMap<String, Json>) -> Result<RunSpec, RunnerError> {
        self.with(values, self.spec.training.epochs, 0.0)
    }

    /// A specification with these values. They are inserted into the settings as written in the
    /// file, so that defaults that depend on other settings are derived again.
    fn with(
        &self,
        values: &BTreeMap<String, Json>,
        epochs: usize,
        validation: f64,
    ) -> Result<RunSpec, RunnerError> {
        let mut table = self.table.clone();
        for (name, value) in values {
            set(&mut table, name, to_toml(name, value)?)?;
        }
        let mut spec = parse(table).map_err(|e| {
            let names = values.keys().cloned().collect::<Vec<_>>().join("', '");
            space_error(&names, e.message().replace('\n', "; "))
        })?;
        spec.training.epochs = epochs;
        spec.data.validation = validation;
        spec.resolve();
        spec.validate()?;
        Ok(spec)
    }
}

fn parse(table: Table) -> Result<RunSpec, toml::de::Error> {
    Value::Table(table).try_into()
}

fn to_toml(name: &str, value: &Json) -> Result<Value, RecordError> {
    Value::try_from(value).map_err(|e| space_error(name, e.to_string()))
}

fn space_error(name: &str, reason: String) -> RecordError {
    RecordError::Space {
        name: name.to_owned(),
        reason,
    }
}
