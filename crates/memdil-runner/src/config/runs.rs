//! The runs of an experiment: one, or the product of its lists.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use memdil_data::{DataError, Source, files};
use memdil_records::{LayerPeeledSpec, ManifestLine, RecordError, RunSpec, run_id};
use toml::Table;

use crate::config::experiment::Experiment;
use crate::config::preset::SubSweep;
use crate::config::settings::set;
use crate::error::{RunnerError, override_error};

/// Data sets that are not available, and the number of runs that are left out for that reason.
pub(crate) type Absent = BTreeMap<String, usize>;

/// The runs of an experiment.
#[derive(Clone, Debug)]
pub struct SweepPlan {
    /// In the order of the manifest.
    pub lines: Vec<ManifestLine>,
    /// Data sets that are not available, and the number of runs that are left out for that reason.
    pub absent: Absent,
}

impl Experiment {
    /// The run that the settings at the top level describe, without the lists. Classes left out are
    /// read from the data, which may lie in one of `data_dirs`.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Config`] on an unknown or missing key, a wrong type or a value out of range.
    pub fn run(&self, data_dirs: &[PathBuf]) -> Result<RunSpec, RunnerError> {
        self.is_for(None)?;
        self.resolve(self.sweeps[0].run.clone(), |spec| {
            check_run(spec, data_dirs)
        })
    }

    /// The runs of the sweep; `data_dirs` as for [`Experiment::run`].
    ///
    /// A run that several sweeps of a preset share is planned once.
    ///
    /// # Errors
    ///
    /// As [`Experiment::run`]; also when a list repeats a value, an override changes a part of what
    /// a list replaces, or all runs are left out.
    pub fn plan(&self, data_dirs: &[PathBuf]) -> Result<SweepPlan, RunnerError> {
        self.is_for(None)?;
        let (sweeps, absent) = self.present(data_dirs)?;
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
        let tables = self.sweeps.iter().map(|sweep| self.tables_of(sweep));
        let mut specs = Vec::new();
        for table in tables.collect::<Result<Vec<_>, _>>()?.concat() {
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

    /// The settings of every run, sweep by sweep; those that are made only where their data set is
    /// available are counted instead where it is not.
    pub(crate) fn present(
        &self,
        data_dirs: &[PathBuf],
    ) -> Result<(Vec<Vec<Table>>, Absent), RunnerError> {
        let (mut present, mut absent) = (Vec::new(), Absent::new());
        for sweep in &self.sweeps {
            let mut tables = self.tables_of(sweep)?;
            if sweep.where_present {
                let mut kept = Vec::new();
                for table in tables {
                    // The classes of a data set that is not available may not be known.
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
            present.push(tables);
        }
        if present.iter().all(Vec::is_empty) {
            let names = absent.into_keys().collect::<Vec<_>>().join(", ");
            return Err(self.error(format!(
                "no data set of these runs is at hand: {names}; see memdil data fetch"
            )));
        }
        Ok((present, absent))
    }

    /// The product of the lists.
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
                    format!("the sweep's list '{key}' would undo it; set '{key}' as a whole");
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
