//! Labels: class numbers from 0, one per sample.

use std::borrow::Cow;

use super::array::Array;
use super::dtype::Dtype;
use super::{objects, remedy};
use crate::error::DataError;
use crate::formats::numbers::whole;

impl Array {
    /// Reads labels, one per sample: integers of any type, booleans, or whole-number floats. (n, 1)
    /// is read as (n,), and a pickled list of integers as an array. int64 in the byte order of this
    /// machine is not copied. Negative labels are not an error here, since the caller knows the
    /// classes.
    ///
    /// # Errors
    /// Returns [`DataError::Array`] with the row and a remedy if a label is beyond int64 or not a
    /// whole number, and also for class names, one-hot rows, several labels per sample, other types
    /// and empty arrays.
    pub fn labels(&self) -> Result<Cow<'_, [i64]>, DataError> {
        if *self.dtype() == Dtype::Objects {
            let Some(labels) = objects::labels(self.bytes()) else {
                return Err(self.error(objects::describe(self.bytes())));
            };
            return Ok(Cow::Owned(labels));
        }
        if self.dtype().size().is_none() {
            return Err(self.error(remedy::not_labels(self.dtype())));
        }
        self.check_not_empty()?;
        if !matches!(self.shape(), [_] | [_, 1]) {
            return Err(self.error(self.not_one_label()?));
        }
        let is_int64 = *self.dtype() == Dtype::INT64;
        match self.as_slice().filter(|_| is_int64) {
            Some(labels) => Ok(Cow::Borrowed(labels)),
            None => self.widened().map(Cow::Owned),
        }
    }

    /// Reads labels as class numbers, 0 to 2^32 - 1.
    ///
    /// # Errors
    /// As for [`labels`](Self::labels), and for a label that is negative or too large.
    pub fn class_numbers(&self) -> Result<Vec<u32>, DataError> {
        let labels = self.labels()?;
        self.check_not_negative(&labels)?;
        let is_too_large = |&label: &i64| u32::try_from(label).is_err();
        if let Some(row) = labels.iter().position(is_too_large) {
            let label = labels[row];
            let what = format!("label {label} in row {row} is too large");
            return Err(self.error(format!("{what}; labels must be in [0, 4294967295]")));
        }
        Ok(labels.iter().map(|&label| label as u32).collect())
    }

    /// Clean and observed labels, if this is an n x 2 array of labels.
    pub(crate) fn label_pair(&self) -> Result<Option<[Vec<u32>; 2]>, DataError> {
        if !matches!(self.shape(), [_, 2]) || self.dtype().size().is_none() {
            return Ok(None);
        }
        let both = self.widened()?;
        let column = |first: usize| {
            let labels: Vec<i64> = both.iter().skip(first).step_by(2).copied().collect();
            Self::of_labels(self.place().to_owned(), &labels)?.class_numbers()
        };
        Ok(Some([column(0)?, column(1)?]))
    }

    fn widened(&self) -> Result<Vec<i64>, DataError> {
        let wrong = |row, label| {
            let what = format!("the label in row {row} is {label}");
            self.error(format!(
                "{what}; labels are whole numbers that count classes from 0"
            ))
        };
        if let Some(integers) = self.integers() {
            let label = |(row, integer): (usize, i128)| {
                i64::try_from(integer).map_err(|_| wrong(row, "beyond int64".to_owned()))
            };
            return integers.into_iter().enumerate().map(label).collect();
        }
        let floats = self.floats::<f64>()?;
        let label = |(row, &label)| whole(label).ok_or_else(|| wrong(row, label.to_string()));
        floats.iter().enumerate().map(label).collect()
    }

    /// Returns an error if a label is negative, which marks a sample without a class.
    fn check_not_negative(&self, labels: &[i64]) -> Result<(), DataError> {
        let Some(row) = labels.iter().position(|&label| label < 0) else {
            return Ok(());
        };
        let label = labels[row];
        let meaning = match label {
            -100 => " (PyTorch's mark of ignored samples)",
            _ => "",
        };
        let count = labels.iter().filter(|&&other| other == label).count();
        let others = match count {
            1 => String::new(),
            _ => format!(" and {} others", count - 1),
        };
        Err(self.error(format!(
            "label {label}{meaning} in row {row}{others}; labels count classes from 0, so leave these samples out: \
             keep = y >= 0, then save h[keep] and y[keep]"
        )))
    }

    /// The message for an array of numbers whose shape is not one label per sample.
    fn not_one_label(&self) -> Result<String, DataError> {
        let shape = self.shape();
        let [rows, columns] = *shape else {
            let found = shape.len();
            return Ok(format!(
                "has {found} dimension(s), not 1; save one label per sample"
            ));
        };
        let found = format!("has {rows} rows of {columns} numbers, not one label per sample");
        let values: Cow<[f64]> = match self.integers() {
            Some(integers) => integers.iter().map(|&value| value as f64).collect(),
            None => self.floats()?,
        };
        let is = |value: f64| move |x: &f64| (x - value).abs() < f64::EPSILON;
        let binary = values.iter().all(|x| is(0.0)(x) || is(1.0)(x));
        let one_each = values.chunks_exact(columns).all(|row| {
            (row.iter().sum::<f64>() - 1.0).abs() < 1e-3 && row.iter().all(|&x| x >= 0.0)
        });
        Ok(match (binary, one_each) {
            (true, true) => format!("{found}: they are one-hot; save a.argmax(1)"),
            (true, false) => format!(
                "{found}: a sample belongs to several classes or to none (multi-label), which these metrics do not \
                 support; save one column as labels of two classes, a[:, 0]"
            ),
            (false, true) => format!("{found}: they are probabilities; save a.argmax(1)"),
            (false, false) if rows == 1 => format!("{found}; save a.ravel()"),
            (false, false) if values.iter().any(|x| whole(*x).is_none()) => {
                format!("{found}; save a.argmax(1) if they are scores of the classes")
            }
            (false, false) => format!(
                "{found}; save the column that holds the labels, {}, or a.ravel() if the rows are batches",
                label_column(&values, columns)
            ),
        })
    }
}

/// The first column in which a number occurs twice, which excludes an index column; otherwise the
/// last column.
fn label_column(values: &[f64], columns: usize) -> String {
    let repeats = |column: &usize| {
        let of_column = values.iter().skip(*column).step_by(columns);
        let mut numbers: Vec<f64> = of_column.copied().collect();
        numbers.sort_by(f64::total_cmp);
        numbers
            .windows(2)
            .any(|pair| pair[0].total_cmp(&pair[1]).is_eq())
    };
    let column = (0..columns).find(repeats).unwrap_or(columns - 1);
    format!("a[:, {column}]")
}
