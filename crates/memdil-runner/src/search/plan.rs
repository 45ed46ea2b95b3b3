//! The searches that an experiment file describes.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use memdil_records::{RecordError, RunSpec, SearchRange, SearchSpec, run_id};
use serde_json::Value as Json;
use toml::{Table, Value};

use crate::config::experiment::Experiment;
use crate::config::runs::{Absent, check_run};
use crate::config::settings::set;
use crate::error::RunnerError;

/// A search as planned: one run's settings, and what is tried in their place.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Search {
    /// Name of the search: that of the run that its settings describe.
    pub id: String,
    /// These settings.
    pub spec: RunSpec,
    /// What is tried.
    pub search: SearchSpec,
    /// The settings of the space that the run has.
    pub settings: Vec<String>,
    /// Those that it has not, and that are left as they are.
    pub left_out: Vec<String>,
    /// The settings as the file writes them.
    table: Table,
}

/// The searches of an experiment.
#[derive(Clone, Debug)]
pub struct SearchPlan {
    /// In the order of the sweep.
    pub searches: Vec<Search>,
    /// Data sets that are not available, and the number of searches that are left out for that
    /// reason.
    pub absent: Absent,
}

impl Experiment {
    /// One search for each run of the sweep, in the order of the sweep; runs whose data set is not
    /// available as in
    /// [`Experiment::plan`].
    ///
    /// A setting of the space that a run's loss, optimiser and so on do not have is left out of its
    /// search; see
    /// [`Search::left_out`].
    ///
    /// # Errors
    ///
    /// As [`Experiment::runs`]; also when the file has no `[search]`, nothing is held out for
    /// validation, a range makes no sense, no run has a setting of the space, the sweep lists it
    /// too, or a run refuses a bound or value of it.
    pub fn searches(&self, data_dirs: &[PathBuf]) -> Result<SearchPlan, RunnerError> {
        if self.command() != Some("search") {
            self.is_for(None)?;
        }
        let Some(table) = &self.file.search else {
            return Err(self.error(
                "there is no [search]; memdil train and sweep are for files without one".to_owned(),
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
                    "[sweep] lists '{list}' too: a setting is swept or searched over, not both"
                );
                return Err(self.space_error(name, reason));
            }
        }
        let (mut searches, mut seen, mut unknown) = (Vec::new(), HashSet::new(), BTreeMap::new());
        let (parts, absent) = self.present(data_dirs)?;
        for table in parts.concat() {
            let search = self.search_of(table, &search, data_dirs, &mut unknown)?;
            if !seen.insert(search.id.clone()) {
                return Err(self.error(format!(
                    "[sweep]: search {} comes out twice; a list repeats a value",
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

    /// The search around one run's settings; what its space has and the run has not goes to
    /// `unknown`, with the reason.
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
                "data.validation = 0: a search needs samples that are held out, must be above 0";
            return Err(self.error(reason.to_owned()));
        }
        // Classes that were read from the data are read once.
        let classes = Value::try_from(&spec.data.classes);
        let classes = classes.map_err(|e| self.error(e.to_string()))?;
        set(&mut table, "data.classes", classes)?;
        let (mut settings, mut left_out) = (Vec::new(), Vec::new());
        for (name, range) in &search.space {
            let mut known = true;
            for value in ends(range) {
                let mut table = table.clone();
                set(&mut table, name, to_toml(name, &value)?)?;
                // The message of serde's own error for a key that is not there begins so.
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
                            format!("{value} is no value for it: {}", hint(reason)),
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

/// So that a message names the setting in full.
#[derive(serde::Deserialize)]
struct Holder {
    search: SearchSpec,
}

/// What has to suit a run: all values of a list, both ends of an interval.
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
    /// The run of a trial.
    pub(crate) fn trial(&self, values: &BTreeMap<String, Json>) -> Result<RunSpec, RunnerError> {
        let epochs = self.search.trial_epochs(self.spec.training.epochs);
        self.with(values, epochs, self.spec.data.validation)
    }

    /// The run with all epochs and all training data.
    pub(crate) fn whole(&self, values: &BTreeMap<String, Json>) -> Result<RunSpec, RunnerError> {
        self.with(values, self.spec.training.epochs, 0.0)
    }

    /// Values are put into the settings as they were written, so that what follows from others
    /// still does.
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
