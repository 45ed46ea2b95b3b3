//! Noisy labels from a file, checked against the labels of the data set.

use std::collections::BTreeMap;
use std::path::Path;

use super::label_file::read_columns;
use super::labels::NoisyLabels;
use super::pickled::Columns;
use crate::error::DataError;
use crate::formats::arrays::ArrayFile;
use crate::labels::check_labels;

/// Cohen's kappa below which labels of unverified order are rejected: a wrong order gives about 0.
const MIN_KAPPA: f64 = 0.1;

/// The remedy for a pickled dictionary in another order.
const ORDER_HINT: &str = "; the files of CIFAR-N named `ordered` are in the order of TensorFlow's images: the documentation of memdil_data::noise shows how to reorder them";

/// Reads a file written by [`NoisyLabels::write_npz`], or noisy labels from another source;
/// `column` selects one of several label sets.
pub(super) fn read(
    path: &Path,
    column: Option<&str>,
    clean: &[u32],
    classes: usize,
    seed: u64,
) -> Result<NoisyLabels, DataError> {
    let file = ArrayFile::open(path)?;
    if NoisyLabels::is_stored_in(&file) && column.is_none() {
        let noisy = NoisyLabels::read_archive(&file)?;
        if noisy.classes != classes {
            let message = format!("is for {} classes, but there are {classes}", noisy.classes);
            return Err(DataError::malformed(path, message));
        }
        check_length(path, noisy.clean.len(), clean.len())?;
        check_clean_labels(path, &noisy.clean, clean, "")?;
        return Ok(noisy);
    }
    let Columns {
        clean: clean_in_file,
        observed,
        pickled,
    } = read_columns(&file, column)?;
    check_length(path, observed.len(), clean.len())?;
    check_labels(&observed, classes)
        .map_err(|error| DataError::malformed(path, error.to_string()))?;
    match clean_in_file {
        Some(found) => {
            let is_cifar_n = pickled && column.is_some();
            check_clean_labels(
                path,
                &found,
                clean,
                if is_cifar_n { ORDER_HINT } else { "" },
            )?
        }
        None => check_kappa(path, &observed, clean)?,
    }
    let kind = "from_file";
    Ok(NoisyLabels::new(clean, observed, classes, kind, seed))
}

fn check_length(path: &Path, found: usize, n: usize) -> Result<(), DataError> {
    if found == n {
        return Ok(());
    }
    let message = format!(
        "holds {found} labels, but there are {n} samples; check that it is for these classes and images"
    );
    Err(DataError::malformed(path, message))
}

/// Returns an error if the clean labels of a file, as many as the samples, differ from the
/// samples' labels.
pub(super) fn check_clean_labels(
    path: &Path,
    found: &[u32],
    clean: &[u32],
    hint: &str,
) -> Result<(), DataError> {
    let Some(row) = (0..clean.len()).find(|&row| found[row] != clean[row]) else {
        return Ok(());
    };
    let message = format!(
        "its clean label in row {row} is {}, but that of the data set is {}: it is for other images or in another order{hint}",
        found[row], clean[row]
    );
    Err(DataError::malformed(path, message))
}

/// Returns an error if the labels agree with the clean labels hardly better than in a random order.
fn check_kappa(path: &Path, observed: &[u32], clean: &[u32]) -> Result<(), DataError> {
    let n = clean.len() as f64;
    let agreement = clean.iter().zip(observed).filter(|(c, o)| c == o).count() as f64 / n;
    let mut counts = BTreeMap::<u32, [f64; 2]>::new();
    for (&c, &o) in clean.iter().zip(observed) {
        counts.entry(c).or_default()[0] += 1.0;
        counts.entry(o).or_default()[1] += 1.0;
    }
    let products = counts.values().map(|[clean, observed]| clean * observed);
    let chance = products.sum::<f64>() / (n * n);
    if agreement - chance >= MIN_KAPPA * (1.0 - chance) {
        return Ok(());
    }
    let message = format!(
        "{:.1}% of its labels match the data set, where {:.1}% would match by chance: it is in another order, or so noisy that it must include the clean labels to verify the order",
        100.0 * agreement,
        100.0 * chance
    );
    Err(DataError::malformed(path, message))
}
