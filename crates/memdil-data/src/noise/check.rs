//! Validation of label-noise settings, before labels are drawn.

use super::kinds::LabelNoise;
use crate::error::{DataError, NoiseError};
use crate::labels::check_labels;

/// Tolerance for the sum of a row of a transition matrix, which allows for 32-bit rounding.
const ROW_SUM_TOLERANCE: f64 = 1e-6;

impl LabelNoise {
    /// Checks the settings as far as possible without the number of classes.
    ///
    /// # Errors
    /// - a probability outside [0, 1]
    /// - a transition matrix that is not square, or has a row that does not sum to 1 (if the
    ///   columns sum to 1 instead, the error is [`NoiseError::TransitionTransposed`])
    /// - a map that maps every class to itself, or a class to a number that is not a class
    /// - `per_class` with neither or both of `etas` and `range`
    /// - `instance` with `std` outside [1e-6, 1]
    pub fn validate(&self) -> Result<(), DataError> {
        match self {
            Self::Uniform { eta, .. } | Self::Symmetric { eta, .. } | Self::Pair { eta, .. } => {
                check_eta(*eta)
            }
            Self::Asymmetric { eta, map, .. } => {
                check_eta(*eta)?;
                check_map(map.targets())
            }
            Self::Transition { matrix, .. } => check_matrix(matrix),
            Self::PerClass { etas, range, .. } => match (etas, range) {
                (Some(etas), None) => check_probabilities("etas", etas),
                (None, &Some([low, high])) => {
                    check_probabilities("range", &[low, high])?;
                    ok_if(low <= high, || NoiseError::Range { low, high }.into())
                }
                _ => Err(NoiseError::PerClassRates.into()),
            },
            Self::LatentClass { eta, split, .. } => {
                check_eta(*eta)?;
                check_probability(|| "split".to_owned(), *split)
            }
            Self::Instance { eta, std, .. } => {
                check_eta(*eta)?;
                let fits = (1e-6..=1.0).contains(std);
                DataError::check_range("std", *std, "must be in [1e-6, 1]", fits)
            }
            Self::Margin { eta, .. } => check_eta(*eta),
            Self::FromFile { .. } => Ok(()),
        }
    }

    /// Checks the settings, and that matrix, map and rates match the number of classes.
    ///
    /// # Errors
    /// Those of [`validate`](Self::validate), fewer than two classes, [`NoiseError::Classes`], and
    /// [`NoiseError::InstanceClasses`].
    ///
    /// ```
    /// use memdil_data::noise::{ClassMap, LabelNoise, NamedMap};
    ///
    /// let map = ClassMap::Named(NamedMap::Cifar10);
    /// let noise = LabelNoise::Asymmetric { eta: 0.4, map, exact_count: false };
    /// assert!(noise.validate_for(10).is_ok());
    /// assert!(noise.validate_for(2).is_err());
    /// ```
    pub fn validate_for(&self, classes: usize) -> Result<(), DataError> {
        self.validate()?;
        // `latent_class` doubles the number of classes.
        let most = if matches!(self, Self::LatentClass { .. }) {
            u32::MAX / 2
        } else {
            u32::MAX
        };
        check_classes(classes, most)?;
        if matches!(self, Self::Instance { .. }) && classes < 3 {
            return Err(NoiseError::InstanceClasses { classes }.into());
        }
        let (what, found) = match self {
            Self::Asymmetric { map, .. } => ("map", map.targets().len()),
            Self::Transition { matrix, .. } => ("matrix", matrix.len()),
            Self::PerClass {
                etas: Some(etas), ..
            } => ("etas", etas.len()),
            _ => return Ok(()),
        };
        let error = || NoiseError::Classes {
            what,
            found,
            classes,
        };
        ok_if(found == classes, || error().into())
    }
}

fn ok_if(holds: bool, error: impl FnOnce() -> DataError) -> Result<(), DataError> {
    if holds { Ok(()) } else { Err(error()) }
}

fn check_eta(eta: f64) -> Result<(), DataError> {
    DataError::check_range("eta", eta, "must be in [0, 1]", (0.0..=1.0).contains(&eta))
}

fn check_probability(entry: impl FnOnce() -> String, value: f64) -> Result<(), DataError> {
    ok_if((0.0..=1.0).contains(&value), || {
        let entry = entry();
        NoiseError::NoProbability { entry, value }.into()
    })
}

fn check_probabilities(name: &str, values: &[f64]) -> Result<(), DataError> {
    let mut values = values.iter().enumerate();
    values.try_for_each(|(i, &value)| check_probability(|| format!("{name}[{i}]"), value))
}

fn check_map(targets: &[u32]) -> Result<(), DataError> {
    let classes = targets.len();
    let mut map = targets.iter().copied().enumerate();
    if let Some((class, target)) = map.clone().find(|&(_, target)| target as usize >= classes) {
        let error = NoiseError::MapTarget {
            class,
            target,
            classes,
        };
        return Err(error.into());
    }
    let moves = map.any(|(class, target)| target as usize != class);
    ok_if(moves, || NoiseError::MapMovesNothing.into())
}

fn check_matrix(matrix: &[Vec<f64>]) -> Result<(), DataError> {
    let rows = matrix.len();
    for (row, entries) in matrix.iter().enumerate() {
        let found = entries.len();
        ok_if(found == rows, || {
            NoiseError::TransitionShape { row, found, rows }.into()
        })?;
        check_probabilities(&format!("matrix[{row}]"), entries)?;
    }
    let row_sums: Vec<f64> = matrix.iter().map(|row| row.iter().sum()).collect();
    let Some(row) = row_sums.iter().position(|&sum| !is_one(sum)) else {
        return Ok(());
    };
    let is_transposed = (0..rows).all(|k| is_one(matrix.iter().map(|row| row[k]).sum()));
    let error = match is_transposed {
        true => NoiseError::TransitionTransposed,
        false => NoiseError::TransitionRow {
            row,
            sum: row_sums[row],
        },
    };
    Err(error.into())
}

fn is_one(sum: f64) -> bool {
    (sum - 1.0).abs() <= ROW_SUM_TOLERANCE
}

fn check_classes(classes: usize, most: u32) -> Result<(), DataError> {
    let range = "must be at least 2 and fit into 32-bit labels";
    let fits = (2..=most as usize).contains(&classes);
    DataError::check_range("classes", classes as f64, range, fits)
}

/// Returns an error if there are no clean labels, or a clean label is not a class.
pub(super) fn check_clean(clean: &[u32], classes: usize) -> Result<(), DataError> {
    check_classes(classes, u32::MAX)?;
    if clean.is_empty() {
        return Err(DataError::NoLabels);
    }
    check_labels(clean, classes)
}
