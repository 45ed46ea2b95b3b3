//! Plans the runs of an experiment: a single run, or the product of the lists.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use memdil_data::{DataError, Source, files};
use memdil_records::{LayerPeeledSpec, ManifestLine, RecordError, RunSpec, run_id};
use toml::Table;

use crate::config::experiment::Experiment;
use crate::config::preset::SubSweep;
use crate::config::settings::set;
use crate::error::{RunnerError, override_error};

/// The number of excluded runs by unavailable data set.
pub(crate) type Absent = BTreeMap<String, usize>;

/// The runs of an experiment.
#[derive(Clone, Debug)]
pub struct SweepPlan {
    /// The runs, in the order of the manifest.
    pub lines: Vec<ManifestLine>,
    /// The number of excluded runs by unavailable data set.
    pub absent: Absent,
}

impl Experiment {
    /// The run of the settings at the top level, without the lists. If the file has no classes,
    /// they are read from the data, which may be in one of `data_dirs`.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Config`] for an unknown or missing key, a wrong type or a value out of range.
    pub fn run(&self, data_dirs: &[PathBuf]) -> Result<RunSpec, RunnerError> {
        self.check_command(None)?;
        self.resolve(self.sweeps[0].run.clone(), |spec| {
            check_run(spec, data_dirs)
        })
    }

    /// The runs of the sweep; `data_dirs` as for [`Experiment::run`].
    ///
    /// A run that occurs in several sweeps of a preset is planned once.
    ///
    /// # Errors
    ///
    /// The errors of [`Experiment::run`]. Also an error if a list repeats a value, if a list
    /// would undo an override, or if all runs are excluded.
    pub fn plan(&self, data_dirs: &[PathBuf]) -> Result<SweepPlan, RunnerError> {
        self.check_command(None)?;
        let (sweeps, absent) = self.available_tables(data_dirs)?;
        let mut plan = SweepPlan {
            lines: Vec::new(),
            absent,
        };
        let mut planned = HashSet::new();
        for tables in sweeps {
            let mut seen = HashSet::new();
            for table in tables {
                let spec = self.resolve(table, |spec| check_run(spec, data_dirs))?;
                let id = run_id(&spec);
                if !seen.insert(id.clone()) {
                    return Err(self.error(format!(
                        "[sweep]: run {id} is planned twice; remove the repeated value of a list"
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
    /// The errors of [`Experiment::plan`].
    pub fn runs(&self, data_dirs: &[PathBuf]) -> Result<Vec<ManifestLine>, RunnerError> {
        Ok(self.plan(data_dirs)?.lines)
    }

    /// The specifications of a layer-peeled experiment (`command = "layer-peeled"`), in the order
    /// of its sweep.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Config`], as for [`Experiment::runs`]. Also an error if `dim` is too
    /// small for the minimiser in all runs.
    pub fn layer_peeled(&self) -> Result<Vec<LayerPeeledSpec>, RunnerError> {
        self.check_command(Some("layer-peeled"))?;
        if self.is_search() {
            return Err(self
                .error("[search] applies only to the training of networks; remove it".to_owned()));
        }
        let tables = self.sweeps.iter().map(|sweep| self.tables_of(sweep));
        let mut specs = Vec::new();
        for table in tables.collect::<Result<Vec<_>, _>>()?.concat() {
            let spec = self.resolve(table, |spec: &mut LayerPeeledSpec| spec.validate())?;
            if specs.contains(&spec) {
                return Err(self.error("[sweep]: a list repeats a value; remove it".to_owned()));
            }
            specs.push(spec);
        }
        if !specs.iter().any(LayerPeeledSpec::frame_fits) {
            let reason = "dim is too small in all runs; give at least classes - 1, or classes for non-negative features";
            return Err(self.error(reason.to_owned()));
        }
        Ok(specs)
    }

    /// The settings of every run, by sweep. For a sweep with `where_present`, runs whose data set
    /// is not available are counted instead.
    pub(crate) fn available_tables(
        &self,
        data_dirs: &[PathBuf],
    ) -> Result<(Vec<Vec<Table>>, Absent), RunnerError> {
        let (mut available, mut absent) = (Vec::new(), Absent::new());
        for sweep in &self.sweeps {
            let mut tables = self.tables_of(sweep)?;
            if sweep.where_present {
                let mut kept = Vec::new();
                for table in tables {
                    // Not checked: the classes of an unavailable data set may not be known.
                    let spec: RunSpec = self.resolve(table.clone(), |_| Ok(()))?;
                    if is_available(&spec.data.source, data_dirs)? {
                        kept.push(table);
                    } else {
                        *absent
                            .entry(spec.data.source.name().to_owned())
                            .or_default() += 1;
                    }
                }
                tables = kept;
            }
            available.push(tables);
        }
        if available.iter().all(Vec::is_empty) {
            let names = absent.into_keys().collect::<Vec<_>>().join(", ");
            return Err(self.error(format!(
                "no data set of these runs is available: {names}; download one with memdil data fetch"
            )));
        }
        Ok((available, absent))
    }

    /// The settings of every run of a sweep: the product of its lists.
    fn tables_of(&self, sweep: &SubSweep) -> Result<Vec<Table>, RunnerError> {
        let mut tables = vec![sweep.run.clone()];
        for (key, values) in &sweep.sweep {
            let inside =
                |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.starts_with('.'));
            if let Some(setting) = self
                .overridden
                .iter()
                .find(|o| inside(o, key) || inside(key, o))
            {
                let reason =
                    format!("the list '{key}' in [sweep] would override it; set '{key}' instead");
                return Err(override_error(setting, reason));
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
}

/// Fills in omitted settings, including the classes, so that the saved specification is complete.
/// Then checks the specification.
pub(crate) fn check_run(spec: &mut RunSpec, data_dirs: &[PathBuf]) -> Result<(), RecordError> {
    spec.data.resolve(data_dirs)?;
    spec.resolve();
    spec.validate()
}

/// Whether the files of a data set are in one of the searched folders.
fn is_available(source: &Source, data_dirs: &[PathBuf]) -> Result<bool, RunnerError> {
    match files::find(source, data_dirs) {
        Ok(_) => Ok(true),
        Err(DataError::NotFound { .. } | DataError::NpzNotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
