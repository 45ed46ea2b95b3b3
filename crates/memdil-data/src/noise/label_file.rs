//! One label a sample as `.npy` or `.csv`, with or without the clean label beside it.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::npy::Npy;
use crate::DataError;

/// Labels of one file, row by row.
pub(super) struct Columns {
    pub(super) clean: Option<Vec<u32>>,
    pub(super) observed: Vec<u32>,
}

/// Reads one label a sample: a `.npy` with integers of any type, or a `.csv` with one integer a
/// line and an optional header.
///
/// # Errors
/// [`DataError::Io`] if the file cannot be read; [`DataError::NoiseFile`] with path and row if it
/// is empty, cut short, named otherwise, holds something else than integers from 0, or more than
/// one column.
///
/// ```
/// let path = std::env::temp_dir().join(format!("memdil-labels-{}.csv", std::process::id()));
/// std::fs::write(&path, "label\n3\n0\n1\n").unwrap();
/// assert_eq!(memdil_data::noise::read_labels(&path)?, [3, 0, 1]);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), memdil_data::DataError>(())
/// ```
pub fn read_labels(path: &Path) -> Result<Vec<u32>, DataError> {
    match read_columns(path)? {
        Columns {
            clean: None,
            observed,
        } => Ok(observed),
        Columns { .. } => Err(refuse(
            path,
            "has two columns: save the one that is meant".to_owned(),
        )),
    }
}

/// Reads one or two labels a sample.
pub(super) fn read_columns(path: &Path) -> Result<Columns, DataError> {
    let parse: fn(&[u8]) -> Result<Columns, String> = match ending(path) {
        Some("npy") => parse_npy,
        Some("csv") => parse_csv,
        _ => {
            return Err(refuse(
                path,
                "is named neither .npy nor .csv: name it as what it is".to_owned(),
            ));
        }
    };
    let bytes = fs::read(path).map_err(|cause| DataError::Io {
        path: path.to_owned(),
        cause,
    })?;
    let columns = parse(&bytes).map_err(|message| refuse(path, message))?;
    if columns.observed.is_empty() {
        return Err(refuse(
            path,
            "is empty: one label a sample is needed".to_owned(),
        ));
    }
    Ok(columns)
}

pub(super) fn ending(path: &Path) -> Option<&str> {
    path.extension().and_then(OsStr::to_str)
}

pub(super) fn refuse(path: &Path, message: String) -> DataError {
    DataError::NoiseFile {
        path: path.to_owned(),
        message,
    }
}

fn parse_npy(bytes: &[u8]) -> Result<Columns, String> {
    if bytes.is_empty() {
        return Err("is empty: save it again".to_owned());
    }
    let npy = Npy::parse(bytes)?;
    // First: what a pickled dictionary needs is told by its type, not by its shape.
    let integers = npy.integers()?;
    // As many integers are there, so their number fits into memory.
    let (n, columns) = match npy.header.shape[..] {
        [n] => (n as usize, 1),
        [n, columns @ (1 | 2)] => (n as usize, columns as usize),
        ref shape => {
            return Err(format!(
                "has the shape {shape:?}: one or two labels a sample are needed"
            ));
        }
    };
    let by_column = npy.header.fortran_order;
    let label = |(i, integer): (usize, i128)| {
        let row = if by_column { i % n } else { i / columns };
        u32::try_from(integer)
            .map_err(|_| format!("label {integer} in row {row}: labels count classes from 0"))
    };
    let labels = integers
        .enumerate()
        .map(label)
        .collect::<Result<Vec<u32>, _>>()?;
    Ok(match (columns, by_column) {
        (1, _) => Columns {
            clean: None,
            observed: labels,
        },
        (_, true) => Columns {
            clean: Some(labels[..n].to_vec()),
            observed: labels[n..].to_vec(),
        },
        (_, false) => {
            let (clean, observed) = labels.chunks_exact(2).map(|row| (row[0], row[1])).unzip();
            Columns {
                clean: Some(clean),
                observed,
            }
        }
    })
}

fn parse_csv(bytes: &[u8]) -> Result<Columns, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| "is no text in UTF-8: save it as such".to_owned())?;
    // Some editors put a mark in front, and lines without content at the end.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_end();
    let mut lines = text
        .lines()
        .zip(1..)
        .map(|(line, number)| (line.split(',').map(str::trim).collect(), number));
    let mut first: Option<(Vec<&str>, usize)> = lines.next();
    let width = first.as_ref().map_or(1, |(fields, _)| fields.len());
    if width > 2 {
        return Err(format!(
            "line 1 has {width} columns: one label, or `clean,observed`, is needed"
        ));
    }
    let mut swapped = false;
    if let Some((names, _)) =
        first.take_if(|(fields, _)| fields.iter().all(|field| field.parse::<f64>().is_err()))
    {
        swapped = names == ["observed", "clean"];
        if width == 2 && !swapped && names != ["clean", "observed"] {
            return Err(
                "has two columns that are not named `clean,observed`: name them in line 1"
                    .to_owned(),
            );
        }
    }
    let mut columns = [Vec::new(), Vec::new()];
    for (fields, number) in first.into_iter().chain(lines) {
        if fields.len() != width {
            return Err(format!(
                "line {number} has {} columns, the first one {width}",
                fields.len()
            ));
        }
        for (column, field) in columns.iter_mut().zip(fields) {
            let wrong = || {
                format!(
                    "line {number}: `{}` is no class: integers from 0 are needed",
                    field.escape_debug()
                )
            };
            column.push(field.parse().map_err(|_| wrong())?);
        }
    }
    let [first, second] = columns;
    Ok(match (width, swapped) {
        (1, _) => Columns {
            clean: None,
            observed: first,
        },
        (_, false) => Columns {
            clean: Some(first),
            observed: second,
        },
        (_, true) => Columns {
            clean: Some(second),
            observed: first,
        },
    })
}
