//! What makes sense as label noise, before a label is drawn.

use super::kinds::LabelNoise;
use crate::error::DataError;
use crate::labels::check_labels;

/// How far a row of a transition matrix may be from summing to 1: the rounding of 32-bit numbers.
const ROW_SUM: f64 = 1e-6;

impl LabelNoise {
    /// Checks everything that can be checked without the number of classes.
    ///
    /// # Errors
    /// A probability outside [0, 1], a transition matrix that is not square or has a row that does not
    /// sum to 1 (a matrix whose columns sum to 1 has an error of its own), a map that moves no class or
    /// leads to no class, `per_class` without `etas` and `range` or with both.
    pub fn validate(&self) -> Result<(), DataError> {
        match self {
            Self::Uniform { eta, .. } | Self::Symmetric { eta, .. } | Self::Pair { eta, .. } => {
                check_eta(*eta)
            }
            Self::Asymmetric { eta, map, .. } => {
                check_eta(*eta)?;
                let (targets, classes) = (map.targets(), map.targets().len());
                let mut moves = (0..)
                    .zip(targets)
                    .filter(|&(class, target)| class != *target);
                if let Some(class) = targets
                    .iter()
                    .position(|&target| target as usize >= classes)
                {
                    let target = targets[class];
                    return Err(DataError::MapTarget {
                        class,
                        target,
                        classes,
                    });
                }
                moves.next().map(drop).ok_or(DataError::MapMovesNothing)
            }
            Self::Transition { matrix, .. } => check_matrix(matrix),
            Self::PerClass {
                etas: Some(etas),
                range: None,
                ..
            } => {
                let mut etas = etas.iter().enumerate();
                etas.try_for_each(|(class, &eta)| {
                    check_probability(|| format!("etas[{class}]"), eta)
                })
            }
            Self::PerClass {
                etas: None,
                range: Some([low, high]),
                ..
            } => {
                check_probability(|| "range[0]".to_owned(), *low)?;
                check_probability(|| "range[1]".to_owned(), *high)?;
                let [low, high] = [*low, *high];
                ok_if(low <= high, || DataError::NoiseRange { low, high })
            }
            Self::PerClass { .. } => Err(DataError::PerClassRates),
            Self::LatentClass { eta, split, .. } => {
                check_eta(*eta)?;
                check_probability(|| "split".to_owned(), *split)
            }
            Self::FromFile { .. } => Ok(()),
        }
    }

    /// Checks also that matrix, map and rates are for this number of classes.
    ///
    /// # Errors
    /// Those of [`validate`](Self::validate), fewer than two classes, [`DataError::NoiseClasses`].
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
        // The new classes of `latent_class` need numbers too.
        let most = if matches!(self, Self::LatentClass { .. }) {
            u32::MAX / 2
        } else {
            u32::MAX
        };
        check_classes(classes, most)?;
        let (what, found) = match self {
            Self::Asymmetric { map, .. } => ("map", map.targets().len()),
            Self::Transition { matrix, .. } => ("matrix", matrix.len()),
            Self::PerClass {
                etas: Some(etas), ..
            } => ("etas", etas.len()),
            _ => return Ok(()),
        };
        ok_if(found == classes, || DataError::NoiseClasses {
            what,
            found,
            classes,
        })
    }
}

fn ok_if(holds: bool, error: impl FnOnce() -> DataError) -> Result<(), DataError> {
    if holds { Ok(()) } else { Err(error()) }
}

fn check_eta(eta: f64) -> Result<(), DataError> {
    ok_if((0.0..=1.0).contains(&eta), || {
        DataError::out_of_range("eta", eta, "0 <= eta <= 1")
    })
}

fn check_probability(entry: impl FnOnce() -> String, value: f64) -> Result<(), DataError> {
    ok_if((0.0..=1.0).contains(&value), || DataError::NoProbability {
        entry: entry(),
        value,
    })
}

fn check_matrix(matrix: &[Vec<f64>]) -> Result<(), DataError> {
    for (row, entries) in matrix.iter().enumerate() {
        if entries.len() != matrix.len() {
            return Err(DataError::TransitionShape {
                row,
                found: entries.len(),
                rows: matrix.len(),
            });
        }
        for (column, &value) in entries.iter().enumerate() {
            check_probability(|| format!("matrix[{row}][{column}]"), value)?;
        }
    }
    let row_sums: Vec<f64> = matrix.iter().map(|row| row.iter().sum()).collect();
    let Some(row) = row_sums.iter().position(|&sum| !is_one(sum)) else {
        return Ok(());
    };
    let is_transposed = (0..matrix.len()).all(|k| is_one(matrix.iter().map(|row| row[k]).sum()));
    Err(if is_transposed {
        DataError::TransitionTransposed
    } else {
        let sum = row_sums[row];
        DataError::TransitionRow { row, sum }
    })
}

fn is_one(sum: f64) -> bool {
    (sum - 1.0).abs() <= ROW_SUM
}

fn check_classes(classes: usize, most: u32) -> Result<(), DataError> {
    ok_if((2..=most as usize).contains(&classes), || {
        let range = "2 or more, as many as labels of 32 bits can number";
        DataError::out_of_range("classes", classes as f64, range)
    })
}

/// Refuses clean labels that are not classes.
pub(super) fn check_clean(clean: &[u32], classes: usize) -> Result<(), DataError> {
    check_classes(classes, u32::MAX)?;
    if clean.is_empty() {
        return Err(DataError::NoLabels);
    }
    check_labels(clean, classes)
}
