//! Label sets in a pickled dictionary, as CIFAR-N publishes them (Wei et al. 2022).
//!
//! The dictionary holds one array of labels for each way in which annotators were asked, beside
//! `clean_label` (and `clean_coarse_label` for the superclasses of CIFAR-100).

use crate::formats::names::shortened;
use crate::formats::pickle::{self, Value};

/// Entries that are looked at. A dictionary of CIFAR-N has five; one that uses the same list a
/// million times must not be read a million times.
const MOST_ENTRIES: usize = 100;

/// Labels of one file, row by row.
pub(super) struct Columns {
    pub(super) clean: Option<Vec<u32>>,
    pub(super) observed: Vec<u32>,
    /// Whether they come from a pickled dictionary, as CIFAR-N's do.
    pub(super) pickled: bool,
}

/// Which label set of a file with several is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// There may be one only, and nothing can name it.
    Alone,
    /// There may be one only, but it could be named.
    Any,
    /// The one of this name.
    Named(&'a str),
}

/// Reads one label set: the one that is named, or the only one there is beside the clean labels.
/// `bytes` are a pickle, or what follows the header of a `.npy` of objects.
///
/// # Errors
/// A pickle that is not read, and a dictionary in which no label set has the name or there are
/// several and none is named, with the names there are.
pub(super) fn read(bytes: &[u8], wanted: Wanted<'_>) -> Result<Columns, String> {
    let pickle = pickle::read(bytes)?;
    let root = pickle.root().unwrapped();
    let Value::Dict(entries) = root else {
        return alone(root, wanted);
    };
    let names: Vec<&str> = entries
        .iter()
        .take(MOST_ENTRIES)
        .filter(|(_, value)| value.integers().is_some_and(|labels| !labels.is_empty()))
        .filter_map(|(name, _)| name.text())
        .collect();
    let mut noisy = names.clone();
    noisy.retain(|name| !is_clean(name));
    let name = match (wanted, &noisy[..], &names[..]) {
        (Wanted::Named(column), ..) => names
            .iter()
            .find(|name| **name == column)
            .ok_or_else(|| missing(column, &names))?,
        (_, [only], _) | (_, [], [only]) => only,
        _ if names.is_empty() => {
            let found = root.describe();
            return Err(format!(
                "holds {found} without a list of integers: labels count classes from 0"
            ));
        }
        _ => {
            let names = if noisy.is_empty() { &names } else { &noisy };
            return Err(several(names, wanted));
        }
    };
    let clean_name = if name.contains("coarse") {
        "clean_coarse_label"
    } else {
        "clean_label"
    };
    let set = |name| root.get(name).map(|value| labels(value, name)).transpose();
    Ok(Columns {
        clean: match names.contains(&clean_name) {
            true => set(clean_name)?,
            false => None,
        },
        observed: set(name)?.unwrap_or_default(),
        pickled: true,
    })
}

/// Labels that are not in a dictionary.
fn alone(root: Value<'_>, wanted: Wanted<'_>) -> Result<Columns, String> {
    if let Wanted::Named(column) = wanted {
        let (found, column) = (root.describe(), column.escape_debug());
        return Err(format!(
            "holds {found}, not a dictionary with a column `{column}`: leave the column out"
        ));
    }
    if root.integers().is_none() {
        return Err(format!(
            "holds {}, which is not a list of integers: save np.array(labels).astype(\"int64\") with np.save",
            root.describe()
        ));
    }
    Ok(Columns {
        clean: None,
        observed: labels(root, "labels")?,
        pickled: true,
    })
}

fn is_clean(name: &str) -> bool {
    matches!(name, "clean_label" | "clean_coarse_label")
}

fn labels(value: Value<'_>, name: &str) -> Result<Vec<u32>, String> {
    let label = |(row, integer): (usize, i128)| {
        u32::try_from(integer).map_err(|_| {
            let name = name.escape_debug();
            format!("label {integer} in row {row} of `{name}`: labels count classes from 0")
        })
    };
    let integers = value.integers().unwrap_or_default();
    integers.into_iter().enumerate().map(label).collect()
}

fn several(names: &[&str], wanted: Wanted<'_>) -> String {
    let first = names.first().copied().unwrap_or_default().escape_debug();
    let remedy = match wanted {
        Wanted::Alone => {
            format!("save the one that is meant, np.save(\"labels.npy\", d[\"{first}\"])")
        }
        _ => format!(
            "name the one that is meant, for instance column = \"{first}\" (--column {first})"
        ),
    };
    let names = shortened(names.iter().copied(), names.len());
    format!("is a pickled dictionary with the label columns {names}: {remedy}")
}

fn missing(column: &str, names: &[&str]) -> String {
    let column = column.escape_debug();
    if names.is_empty() {
        return format!("has no label column `{column}`, nor any other: is it the right file?");
    }
    let names = shortened(names.iter().copied(), names.len());
    format!("has no label column `{column}`: name one of {names}")
}
