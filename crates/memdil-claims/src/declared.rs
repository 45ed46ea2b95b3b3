//! Reads the `[[claim]]` tables of an experiment file.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::declaration::conditions::Conditions;
use crate::error::ClaimError;
use crate::kinds::kind::Kind;
use crate::kinds::test::Test;

/// A claim as an experiment file declares it.
///
/// | key | meaning |
/// | --- | --- |
/// | `id` | letters, digits, `-` and `_`; unique in a preset |
/// | `statement` | the claim in one sentence |
/// | `name` | the claim in a few words; default: the id |
/// | `presets` | the presets that test it; default: all |
/// | `where` | conditions on the settings of the runs that it covers; default: all runs |
/// | `panels` | a list of conditions, one per panel, each with its own verdict; default: one panel per combination of settings other than loss, noise and seed |
/// | `test` | the kind of test, with the keys of [`Test`] |
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// The claim's part of the ids of its verdicts.
    pub id: String,
    /// The claim in a few words.
    pub name: String,
    /// The claim in one sentence.
    pub statement: String,
    /// The presets that test it; empty for all presets.
    pub presets: Vec<String>,
    /// Conditions on the runs that the claim covers.
    pub runs: Conditions,
    /// The declared panels; empty for one panel per combination of settings.
    pub panels: Vec<Conditions>,
    /// The test that decides the claim.
    pub test: Test,
}

impl Declaration {
    /// Reads the claims of an experiment file.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Declaration`] that names the claim and the key that is missing, unknown or of
    /// the wrong type, or an id that is used twice.
    pub fn read(tables: &[Table]) -> Result<Vec<Self>, ClaimError> {
        let mut declarations: Vec<Self> = Vec::with_capacity(tables.len());
        for (index, table) in tables.iter().enumerate() {
            let declaration = Self::from_table(index, table.clone())?;
            if declarations
                .iter()
                .any(|other| other.overlaps(&declaration))
            {
                let reason = "id is used twice in a preset; choose another id";
                return Err(ClaimError::declaration(&declaration.id, reason));
            }
            declarations.push(declaration);
        }
        Ok(declarations)
    }

    /// True if some preset tests both claims under the same id.
    fn overlaps(&self, other: &Self) -> bool {
        let anywhere = self.presets.is_empty() || other.presets.is_empty();
        let shared = self.presets.iter().any(|p| other.presets.contains(p));
        self.id == other.id && (anywhere || shared)
    }

    fn from_table(index: usize, table: Table) -> Result<Self, ClaimError> {
        let place = match table.get("id") {
            Some(Value::String(id)) => id.clone(),
            _ => format!("number {}", index + 1),
        };
        Self::parse(table).map_err(|reason| ClaimError::declaration(&place, reason))
    }

    /// Parses a table; the error is the reason without the claim's id.
    fn parse(mut table: Table) -> Result<Self, String> {
        let id = text(&mut table, "id")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if !id.chars().all(plain) {
            return Err("id must consist of letters, digits, '-' and '_'".to_owned());
        }
        let statement = text(&mut table, "statement")?;
        let name = if table.contains_key("name") {
            text(&mut table, "name")?
        } else {
            id.replace('-', " ")
        };
        Ok(Self {
            id,
            name,
            statement,
            presets: optional(&mut table, "presets")?,
            runs: optional(&mut table, "where")?,
            panels: optional(&mut table, "panels")?,
            test: Value::Table(table).try_into().map_err(|e| one_line(&e))?,
        })
    }

    /// Checks the quantities and numbers of the test, and that an exact test declares no runs.
    pub(crate) fn check(&self) -> Result<(), ClaimError> {
        let refused = |reason| ClaimError::declaration(&self.id, reason);
        self.kind().check().map_err(refused)?;
        let about_runs = !self.runs.is_empty() || !self.panels.is_empty();
        if self.is_exact() && about_runs {
            let reason = "an exact test has no runs; remove where and panels";
            return Err(refused(reason.to_owned()));
        }
        Ok(())
    }

    pub(crate) fn kind(&self) -> &dyn Kind {
        self.test.kind()
    }

    pub(crate) fn is_exact(&self) -> bool {
        matches!(self.test, Test::Exact(_))
    }

    /// True if this preset tests the claim.
    pub fn is_tested_by(&self, preset: Option<&str>) -> bool {
        self.presets.is_empty() || preset.is_some_and(|name| self.presets.iter().any(|p| p == name))
    }
}

/// Removes a required key from the table and returns its text.
fn text(table: &mut Table, key: &str) -> Result<String, String> {
    match table.remove(key) {
        Some(Value::String(text)) if !text.trim().is_empty() && !text.contains('\n') => Ok(text),
        Some(_) => Err(format!("{key} must be a non-empty string on one line")),
        None => Err(format!("{key} is missing; add {key} = \"...\"")),
    }
}

/// Removes an optional key from the table and returns its value, or the default.
fn optional<T: Default + DeserializeOwned>(table: &mut Table, key: &str) -> Result<T, String> {
    let Some(value) = table.remove(key) else {
        return Ok(T::default());
    };
    value
        .try_into()
        .map_err(|e| format!("{key}: {}", one_line(&e)))
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', "; ")
}

#[cfg(test)]
mod tests;
