//! Experiment files: a run's settings, lists to sweep over, presets.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use memdil_data::{DataError, Source, files};
use memdil_records::{LayerPeeledSpec, ManifestLine, RecordError, RunSpec, run_id};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::RunnerError;

/// An experiment file: settings at its top level, those of a [`RunSpec`], and three optional
/// tables.
///
/// `[sweep]` maps dotted names of settings to lists; a sweep is the product of these lists, the
/// last one changing fastest. `[search]` is a [`SearchSpec`](memdil_records::SearchSpec): one
/// search for each run of the sweep. `[preset.NAME]` replaces settings (`run`) and lists (`sweep`)
/// by the same dotted names, and keys of `[search]`. `[[claim]]` tables say what the report tests,
/// `[report]` has its texts and figures. Written several times as `[[preset.NAME]]` it
/// is several such sweeps in one; `where_present = true` leaves a sweep's runs out where their data
/// set is not at hand. The `config.toml` in a run's folder is such a file too.
///
/// A file whose settings are others says with `command = "NAME"` which subcommand of `memdil` it is
/// for.
#[derive(Clone, Debug)]
pub struct Experiment {
    path: PathBuf,
    pub(crate) command: Option<String>,
    /// At least one.
    parts: Vec<Part>,
    pub(crate) search: Option<Table>,
    claims: Vec<Table>,
    report: Table,
    presets: Vec<String>,
    overridden: Vec<String>,
}

/// Settings and the lists to sweep over.
#[derive(Clone, Debug)]
struct Part {
    run: Table,
    sweep: Table,
    where_present: bool,
}

/// Data sets that are not at hand, and the number of runs that are left out therefore.
pub(crate) type Absent = BTreeMap<String, usize>;

/// The runs of an experiment.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In the order of the manifest.
    pub lines: Vec<ManifestLine>,
    /// Data sets that are not at hand, and the number of runs that are left out therefore.
    pub absent: BTreeMap<String, usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Preset {
    #[serde(default)]
    run: Table,
    #[serde(default)]
    sweep: Table,
    #[serde(default)]
    search: Table,
    #[serde(default)]
    where_present: bool,
}

impl Experiment {
    /// Reads a file, then applies a preset and `key=value` overrides, in this order.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Config`] when the file cannot be read, is no TOML or lacks the preset;
    /// [`RunnerError::Override`] when an override has no `=` or leads through something that is no
    /// table.
    pub fn load(
        path: &Path,
        preset: Option<&str>,
        overrides: &[String],
    ) -> Result<Self, RunnerError> {
        let config = |reason: String| RunnerError::Config {
            path: path.to_owned(),
            reason,
        };
        let text = fs::read_to_string(path).map_err(|e| config(format!("cannot be read: {e}")))?;
        let mut run: Table = text
            .parse()
            .map_err(|e: toml::de::Error| config(one_line(&e, Some(&text))))?;
        let command = match run.remove("command") {
            None => None,
            Some(Value::String(command)) => Some(command),
            Some(_) => {
                return Err(config(
                    "'command' must be the name of a subcommand of memdil".to_owned(),
                ));
            }
        };
        let claims = match run.remove("claim") {
            None => Vec::new(),
            Some(Value::Array(claims)) => claims
                .into_iter()
                .map(|claim| match claim {
                    Value::Table(claim) => Ok(claim),
                    _ => Err(config(
                        "'claim' must be a list of tables, [[claim]]".to_owned(),
                    )),
                })
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(config("claims are written as [[claim]]".to_owned())),
        };
        let mut take = |name: &str| match run.remove(name) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(table)),
            Some(_) => Err(config(format!("'{name}' must be a table"))),
        };
        let (sweep, mut search) = (take("sweep")?.unwrap_or_default(), take("search")?);
        let presets = take("preset")?.unwrap_or_default();
        let report = take("report")?.unwrap_or_default();
        let mut parts = Vec::new();
        match preset {
            None => parts.push(Part {
                run,
                sweep,
                where_present: false,
            }),
            Some(name) => {
                let names = presets.keys().cloned().collect::<Vec<_>>().join(", ");
                let chosen = presets.get(name).ok_or_else(|| {
                    config(format!(
                        "there is no preset '{name}'; the file has: {names}"
                    ))
                })?;
                let tables = match chosen {
                    Value::Array(tables) if !tables.is_empty() => tables.clone(),
                    table => vec![table.clone()],
                };
                for table in tables {
                    let bad = |e| config(format!("[preset.{name}]: {}", one_line(&e, None)));
                    let preset: Preset = table.try_into().map_err(bad)?;
                    let (mut run, mut sweep) = (run.clone(), sweep.clone());
                    for (key, value) in preset.run {
                        set(&mut run, &key, value)?;
                    }
                    sweep.extend(preset.sweep);
                    if !preset.search.is_empty() {
                        search.get_or_insert_default().extend(preset.search);
                    }
                    parts.push(Part {
                        run,
                        sweep,
                        where_present: preset.where_present,
                    });
                }
            }
        }
        let mut experiment = Self {
            path: path.to_owned(),
            command,
            parts,
            search,
            claims,
            report,
            presets: presets.keys().cloned().collect(),
            overridden: Vec::new(),
        };
        for text in overrides {
            let (key, value) = text.split_once('=').ok_or_else(|| RunnerError::Override {
                setting: text.clone(),
                reason: "must be key=value".to_owned(),
            })?;
            let (key, value) = (key.trim(), parse_value(value.trim()));
            if let Some(key) = key.strip_prefix("search.") {
                set(experiment.search.get_or_insert_default(), key, value)?;
                continue;
            }
            // A setting that the file searches over has the given value instead.
            if let Some(Value::Table(space)) = experiment
                .search
                .as_mut()
                .and_then(|search| search.get_mut("space"))
            {
                space.remove(key);
            }
            experiment.overridden.push(key.to_owned());
            for part in &mut experiment.parts {
                // A setting that the file sweeps over is narrowed to the given value.
                if part.sweep.contains_key(key) {
                    part.sweep
                        .insert(key.to_owned(), Value::Array(vec![value.clone()]));
                }
                set(&mut part.run, key, value.clone())?;
            }
        }
        for (key, values) in experiment.parts.iter().flat_map(|part| &part.sweep) {
            if values.as_array().is_none_or(|values| values.is_empty()) {
                return Err(config(format!(
                    "[sweep]: '{key}' must be a list with at least one value"
                )));
            }
        }
        Ok(experiment)
    }

    /// The `[[claim]]` tables, in the order of the file.
    pub fn claims(&self) -> &[Table] {
        &self.claims
    }

    /// The `[report]` table, with texts and figures of the report; empty without one.
    pub fn report(&self) -> &Table {
        &self.report
    }

    /// The name of the experiment: the setting `experiment`, else the subcommand that the file is for
    /// (a report's files have names of their own), else the name of the file.
    pub fn name(&self) -> String {
        let named = self.parts[0].run.get("experiment").and_then(Value::as_str);
        let file = || {
            self.path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        let command = self
            .command
            .as_deref()
            .filter(|command| *command != "report");
        named.or(command).map_or_else(file, str::to_owned)
    }

    /// The names of its presets.
    pub fn presets(&self) -> &[String] {
        &self.presets
    }

    /// The subcommand of `memdil` that the file is for, if it names one.
    pub fn command(&self) -> Option<&str> {
        self.command.as_deref()
    }

    /// True when the file has lists to sweep over.
    pub fn is_sweep(&self) -> bool {
        self.parts.len() > 1 || self.parts.iter().any(|part| !part.sweep.is_empty())
    }

    /// True when the file describes a search.
    pub fn is_search(&self) -> bool {
        self.search.is_some()
    }

    /// The run that the settings at the top level describe, without the lists. Classes left out are
    /// read from the data, which may lie in one of `data_dirs`.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Config`] on an unknown or missing key, a wrong type or a value out of range.
    pub fn run(&self, data_dirs: &[PathBuf]) -> Result<RunSpec, RunnerError> {
        self.is_for(None)?;
        self.resolve(self.parts[0].run.clone(), |spec| check_run(spec, data_dirs))
    }

    /// The runs of the sweep; `data_dirs` as for [`Experiment::run`].
    ///
    /// A run that several sweeps of a preset share is planned once.
    ///
    /// # Errors
    ///
    /// As [`Experiment::run`]; also when a list repeats a value, an override changes a part of what
    /// a list replaces, or all runs are left out.
    pub fn plan(&self, data_dirs: &[PathBuf]) -> Result<Plan, RunnerError> {
        self.is_for(None)?;
        let (parts, absent) = self.present(data_dirs)?;
        let mut plan = Plan {
            lines: Vec::new(),
            absent,
        };
        let mut planned = HashSet::new();
        for tables in parts {
            let mut seen = HashSet::new();
            for table in tables {
                let spec = self.resolve(table, |spec| check_run(spec, data_dirs))?;
                let id = run_id(&spec);
                if !seen.insert(id.clone()) {
                    return Err(self.error(format!(
                        "[sweep]: run {id} comes out twice; a list repeats a value"
                    )));
                }
                if planned.insert(id.clone()) {
                    plan.lines.push(ManifestLine { id, spec });
                }
            }
        }
        Ok(plan)
    }

    /// The lines of [`Experiment::plan`].
    ///
    /// # Errors
    ///
    /// As [`Experiment::plan`].
    pub fn runs(&self, data_dirs: &[PathBuf]) -> Result<Vec<ManifestLine>, RunnerError> {
        Ok(self.plan(data_dirs)?.lines)
    }

    /// The trainings of a layer-peeled experiment (`command = "layer-peeled"`), in the order of its
    /// sweep.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Config`], as [`Experiment::runs`]; also when the minimiser fits into no run's
    /// dimension.
    pub fn layer_peeled(&self) -> Result<Vec<LayerPeeledSpec>, RunnerError> {
        self.is_for(Some("layer-peeled"))?;
        if self.is_search() {
            return Err(
                self.error("[search] is for the training of networks; remove it".to_owned())
            );
        }
        let mut specs = Vec::new();
        for table in self.tables()? {
            let spec = self.resolve(table, |spec: &mut LayerPeeledSpec| spec.validate())?;
            if specs.contains(&spec) {
                return Err(self.error("[sweep]: a list repeats a value".to_owned()));
            }
            specs.push(spec);
        }
        if !specs.iter().any(LayerPeeledSpec::frame_fits) {
            let reason = "dim is too small for every run: the minimum is known from classes - 1 on, non-negative features \
                          from classes on";
            return Err(self.error(reason.to_owned()));
        }
        Ok(specs)
    }

    /// The dotted names that the sweep has lists for.
    pub(crate) fn sweep_names(&self) -> impl Iterator<Item = &str> {
        self.parts
            .iter()
            .flat_map(|part| part.sweep.keys().map(String::as_str))
    }

    pub(crate) fn error(&self, reason: String) -> RunnerError {
        RunnerError::Config {
            path: self.path.clone(),
            reason,
        }
    }

    pub(crate) fn is_for(&self, command: Option<&str>) -> Result<(), RunnerError> {
        match (self.command.as_deref(), command) {
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

    /// The settings of every run.
    pub(crate) fn tables(&self) -> Result<Vec<Table>, RunnerError> {
        let parts = self
            .parts
            .iter()
            .map(|part| self.tables_of(part))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(parts.concat())
    }

    /// The settings of every run, part by part; those that are made only where their data set is at
    /// hand, and are not, are counted instead.
    pub(crate) fn present(
        &self,
        data_dirs: &[PathBuf],
    ) -> Result<(Vec<Vec<Table>>, Absent), RunnerError> {
        let (mut parts, mut absent) = (Vec::new(), Absent::new());
        for part in &self.parts {
            let mut tables = self.tables_of(part)?;
            if part.where_present {
                let mut kept = Vec::new();
                for table in tables {
                    // The classes of a data set that is not at hand may not be known.
                    let spec: RunSpec = self.resolve(table.clone(), |_| Ok(()))?;
                    if is_present(&spec.data.source, data_dirs)? {
                        kept.push(table);
                    } else {
                        *absent
                            .entry(spec.data.source.name().to_owned())
                            .or_default() += 1;
                    }
                }
                tables = kept;
            }
            parts.push(tables);
        }
        if parts.iter().all(Vec::is_empty) {
            let names = absent.into_keys().collect::<Vec<_>>().join(", ");
            return Err(self.error(format!(
                "no data set of these runs is at hand: {names}; see memdil data fetch"
            )));
        }
        Ok((parts, absent))
    }

    /// The product of the lists.
    fn tables_of(&self, part: &Part) -> Result<Vec<Table>, RunnerError> {
        let mut tables = vec![part.run.clone()];
        for (key, values) in &part.sweep {
            let inside =
                |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.starts_with('.'));
            if let Some(setting) = self
                .overridden
                .iter()
                .find(|o| inside(o, key) || inside(key, o))
            {
                let reason =
                    format!("the sweep's list '{key}' would undo it; set '{key}' as a whole");
                return Err(RunnerError::Override {
                    setting: setting.clone(),
                    reason,
                });
            }
            let values = values.as_array().map(Vec::as_slice).unwrap_or_default();
            let mut product = Vec::with_capacity(tables.len() * values.len());
            for table in &tables {
                for value in values {
                    let mut table = table.clone();
                    set(&mut table, key, value.clone())?;
                    product.push(table);
                }
            }
            tables = product;
        }
        Ok(tables)
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

/// Writes out what a run leaves out, its classes among it, so that what is saved with it is
/// complete; then checks it.
pub(crate) fn check_run(spec: &mut RunSpec, data_dirs: &[PathBuf]) -> Result<(), RecordError> {
    spec.data.resolve(data_dirs)?;
    spec.resolve();
    spec.validate()
}

/// Whether the files of a data set are where they are looked for.
fn is_present(source: &Source, data_dirs: &[PathBuf]) -> Result<bool, RunnerError> {
    match files::find(source, data_dirs) {
        Ok(_) => Ok(true),
        Err(DataError::NotFound { .. } | DataError::NpzNotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Sets a dotted key, making the tables on the way.
pub(crate) fn set(table: &mut Table, key: &str, value: Value) -> Result<(), RunnerError> {
    let mut parts = key.split('.').peekable();
    let mut table = table;
    while let Some(part) = parts.next() {
        if part.is_empty() {
            break;
        }
        if parts.peek().is_none() {
            table.insert(part.to_owned(), value);
            return Ok(());
        }
        let inner = table
            .entry(part)
            .or_insert_with(|| Value::Table(Table::new()));
        table = match inner {
            Value::Table(inner) => inner,
            _ => {
                let reason = format!("'{part}' is a value, not a table");
                return Err(RunnerError::Override {
                    setting: key.to_owned(),
                    reason,
                });
            }
        };
    }
    Err(RunnerError::Override {
        setting: key.to_owned(),
        reason: "a part of the name is empty".to_owned(),
    })
}

/// A TOML value; what is none is taken as a string, so that `data.source=fashion-mnist` needs no
/// quotes.
fn parse_value(text: &str) -> Value {
    format!("value = {text}")
        .parse::<Table>()
        .ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

/// toml's errors span several lines; their message is in one of them.
fn one_line(error: &toml::de::Error, text: Option<&str>) -> String {
    let message = error.message().replace('\n', "; ");
    match (text, error.span()) {
        (Some(text), Some(span)) => {
            let line = text
                .get(..span.start)
                .unwrap_or_default()
                .matches('\n')
                .count()
                + 1;
            format!("line {line}: {message}")
        }
        _ => message,
    }
}
