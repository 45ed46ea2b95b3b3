//! The tables of an experiment file.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::config::settings::one_line;
use crate::error::RunnerError;

/// The tables of an experiment file.
#[derive(Clone, Debug)]
pub(crate) struct ConfigFile {
    pub(crate) path: PathBuf,
    pub(crate) command: Option<String>,
    /// The settings outside the other tables.
    pub(crate) run: Table,
    pub(crate) sweep: Table,
    pub(crate) search: Option<Table>,
    pub(crate) presets: Table,
    pub(crate) claims: Vec<Table>,
    pub(crate) report: Table,
}

impl ConfigFile {
    pub(crate) fn error(&self, reason: String) -> RunnerError {
        RunnerError::Config {
            path: self.path.clone(),
            reason,
        }
    }

    /// Parses the text of the file `path`.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, RunnerError> {
        let error = |reason: String| RunnerError::Config {
            path: path.to_owned(),
            reason,
        };
        let mut run: Table = text
            .parse()
            .map_err(|e: toml::de::Error| error(one_line(&e, Some(text))))?;
        let command = match run.remove("command") {
            None => None,
            Some(Value::String(command)) => Some(command),
            Some(_) => {
                let reason = "'command' must be the name of a subcommand of memdil";
                return Err(error(reason.to_owned()));
            }
        };
        let claims = claims(run.remove("claim")).map_err(|reason| error(reason.to_owned()))?;
        let mut take = |name: &str| match run.remove(name) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(table)),
            Some(_) => Err(error(format!("'{name}' must be a table"))),
        };
        let sweep = take("sweep")?.unwrap_or_default();
        let search = take("search")?;
        let presets = take("preset")?.unwrap_or_default();
        let report = take("report")?.unwrap_or_default();
        Ok(Self {
            path: path.to_owned(),
            command,
            run,
            sweep,
            search,
            presets,
            claims,
            report,
        })
    }
}

fn claims(value: Option<Value>) -> Result<Vec<Table>, &'static str> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(claims)) => claims
            .into_iter()
            .map(|claim| match claim {
                Value::Table(claim) => Ok(claim),
                _ => Err("'claim' must be a list of tables, [[claim]]"),
            })
            .collect(),
        Some(_) => Err("'claim' must be a list of tables, [[claim]]"),
    }
}
