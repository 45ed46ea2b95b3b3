//! `[[claim]]` tables of an experiment file.

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
/// | `name` | the claim in a few words; left out: the id |
/// | `presets` | the presets that test it; left out: all |
/// | `where` | settings of the runs that it is about; left out: all runs |
/// | `panels` | a list of settings, each a panel with a verdict of its own; left out: one panel for each combination of settings other than loss, noise and seed |
/// | `test` | the kind of test, with the keys of [`Test`] |
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// Name in verdict ids.
    pub id: String,
    /// The claim in a few words.
    pub name: String,
    /// The claim in one sentence.
    pub statement: String,
    /// Presets that test it; empty for all.
    pub presets: Vec<String>,
    /// The runs that it is about.
    pub runs: Conditions,
    /// Declared panels; empty for one for each combination of settings.
    pub panels: Vec<Conditions>,
    /// How it is tested.
    pub test: Test,
}

impl Declaration {
    /// Reads the claims of an experiment file.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Declaration`] naming the claim and the key that is missing, unknown or of the
    /// wrong type, or an id that is used twice.
    pub fn read(tables: &[Table]) -> Result<Vec<Self>, ClaimError> {
        let mut declarations: Vec<Self> = Vec::with_capacity(tables.len());
        for (index, table) in tables.iter().enumerate() {
            let declaration = Self::from_table(index, table.clone())?;
            if declarations
                .iter()
                .any(|other| other.overlaps(&declaration))
            {
                let reason = "this id is used twice in a preset";
                return Err(ClaimError::declaration(&declaration.id, reason));
            }
            declarations.push(declaration);
        }
        Ok(declarations)
    }

    /// True where a preset tests both under one id.
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

    /// The claim in a table, or what is wrong with it.
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

    /// Checks quantities, numbers, and that keys have a use.
    pub(crate) fn check(&self) -> Result<(), ClaimError> {
        let refused = |reason| ClaimError::declaration(&self.id, reason);
        self.kind().check().map_err(refused)?;
        let about_runs = !self.runs.is_empty() || !self.panels.is_empty();
        if self.is_exact() && about_runs {
            let reason = "where and panels have no use in an exact test, which has no runs";
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

    /// True when this preset tests the claim.
    pub fn is_tested_by(&self, preset: Option<&str>) -> bool {
        self.presets.is_empty() || preset.is_some_and(|name| self.presets.iter().any(|p| p == name))
    }
}

/// Takes the text of a key that must be there.
fn text(table: &mut Table, key: &str) -> Result<String, String> {
    match table.remove(key) {
        Some(Value::String(text)) if !text.trim().is_empty() && !text.contains('\n') => Ok(text),
        Some(_) => Err(format!("{key} must be a text in one line")),
        None => Err(format!("lacks {key} = \"...\"")),
    }
}

/// Takes the value of a key that may be left out.
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
