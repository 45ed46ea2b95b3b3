//! The presets of an experiment file.

use serde::Deserialize;
use toml::{Table, Value};

use crate::config::file::ConfigFile;
use crate::config::settings::{one_line, set};
use crate::error::RunnerError;

/// The settings of a sweep's runs and the lists to sweep over.
#[derive(Clone, Debug)]
pub(crate) struct SubSweep {
    pub(crate) run: Table,
    pub(crate) sweep: Table,
    /// Whether runs are excluded if their data set is not available.
    pub(crate) where_present: bool,
}

/// The keys of a table `[preset.NAME]`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Preset {
    run: Table,
    sweep: Table,
    search: Table,
    where_present: bool,
}

/// Applies a preset: returns its sweeps (at least one), and updates the `[search]` of the file.
pub(crate) fn apply(file: &mut ConfigFile, name: &str) -> Result<Vec<SubSweep>, RunnerError> {
    let tables = match file.presets.get(name) {
        Some(Value::Array(tables)) if !tables.is_empty() => tables.clone(),
        Some(table) => vec![table.clone()],
        None => {
            let names = file.presets.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(file.error(format!(
                "there is no preset '{name}'; the file has: {names}"
            )));
        }
    };
    let mut sweeps = Vec::new();
    for table in tables {
        let preset: Preset = table
            .try_into()
            .map_err(|e| file.error(format!("[preset.{name}]: {}", one_line(&e, None))))?;
        let (mut run, mut sweep) = (file.run.clone(), file.sweep.clone());
        for (key, value) in preset.run {
            set(&mut run, &key, value)?;
        }
        sweep.extend(preset.sweep);
        if !preset.search.is_empty() {
            file.search.get_or_insert_default().extend(preset.search);
        }
        sweeps.push(SubSweep {
            run,
            sweep,
            where_present: preset.where_present,
        });
    }
    Ok(sweeps)
}
