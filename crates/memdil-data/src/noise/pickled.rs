//! Label sets in a pickled dictionary, the format of CIFAR-N (Wei et al. 2022).
//!
//! The dictionary holds several arrays of human annotations, and `clean_label` (also
//! `clean_coarse_label` for the superclasses of CIFAR-100).

use crate::formats::names::shortened;
use crate::formats::pickle::{self, Value};

/// Maximum number of entries examined. A dictionary of CIFAR-N has five; a malicious one could
/// refer to the same long list a million times.
const MAX_ENTRIES: usize = 100;

/// The labels of a file.
pub(super) struct Columns {
    pub(super) clean: Option<Vec<u32>>,
    pub(super) observed: Vec<u32>,
    /// Whether the file is a pickle, like those of CIFAR-N.
    pub(super) pickled: bool,
}

/// Selects a label set of a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Selection<'a> {
    /// The only label set; the caller has no option to select another one.
    Single,
    /// The only label set, because no column was given.
    Default,
    /// The label set with this name.
    Column(&'a str),
}

/// Reads one label set: the selected one, or the only one besides the clean labels. `bytes` are a
/// pickle, or the content of a `.npy` of objects after its header.
///
/// # Errors
/// If the pickle cannot be read; and with the existing names if the selected label set does not
/// exist, or if there are several and none is selected.
pub(super) fn read(bytes: &[u8], selection: Selection<'_>) -> Result<Columns, String> {
    let pickle = pickle::read(bytes)?;
    let root = pickle.root().unwrapped();
    let Value::Dict(entries) = root else {
        return unnamed(root, selection);
    };
    let names: Vec<&str> = entries
        .iter()
        .take(MAX_ENTRIES)
        .filter(|(_, value)| value.integers().is_some_and(|labels| !labels.is_empty()))
        .filter_map(|(name, _)| name.text())
        .collect();
    let mut noisy = names.clone();
    noisy.retain(|name| !is_clean(name));
    let name = match (selection, &noisy[..], &names[..]) {
        (Selection::Column(column), ..) => names
            .iter()
            .find(|name| **name == column)
            .ok_or_else(|| missing(column, &names))?,
        (_, [only], _) | (_, [], [only]) => only,
        _ if names.is_empty() => {
            let found = root.describe();
            return Err(format!(
                "holds {found} without a list of integers; labels count classes from 0"
            ));
        }
        _ => {
            let names = if noisy.is_empty() { &names } else { &noisy };
            return Err(several(names, selection));
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
fn unnamed(root: Value<'_>, selection: Selection<'_>) -> Result<Columns, String> {
    if let Selection::Column(column) = selection {
        let (found, column) = (root.describe(), column.escape_debug());
        return Err(format!(
            "holds {found}, not a dictionary with a column `{column}`; omit the column"
        ));
    }
    if root.integers().is_none() {
        return Err(format!(
            "holds {}, which is not a list of integers; save np.array(labels).astype(\"int64\") with np.save",
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
            format!("label {integer} in row {row} of `{name}` is out of range; labels count classes from 0")
        })
    };
    let integers = value.integers().unwrap_or_default();
    integers.into_iter().enumerate().map(label).collect()
}

fn several(names: &[&str], selection: Selection<'_>) -> String {
    let first = names.first().copied().unwrap_or_default().escape_debug();
    let remedy = match selection {
        Selection::Single => {
            format!("save one of them, for instance np.save(\"labels.npy\", d[\"{first}\"])")
        }
        _ => format!("name one of them, for instance column = \"{first}\" (--column {first})"),
    };
    let names = shortened(names.iter().copied(), names.len());
    format!("is a pickled dictionary with the label columns {names}; {remedy}")
}

fn missing(column: &str, names: &[&str]) -> String {
    let column = column.escape_debug();
    if names.is_empty() {
        return format!(
            "has no label column `{column}`, nor any other; check that it is the right file"
        );
    }
    let names = shortened(names.iter().copied(), names.len());
    format!("has no label column `{column}`; name one of {names}")
}
