//! Noisy labels as a NumPy `.npz` file.

use std::borrow::Cow;
use std::io::{Read, Seek, Write};
use std::path::Path;

use ndarray::{Array1, ArrayView1, aview0};
use ndarray_npy::{NpzWriter, WriteNpzError};

use super::check::check_clean;
use super::labels::{NoisyLabels, realised};
use crate::error::DataError;
use crate::formats::arrays::{Array, ArrayFile};
use crate::labels::check_labels;

/// The name used in errors about bytes without a path.
const UNNAMED: &str = "label-noise file.npz";

impl NoisyLabels {
    /// Writes a `.npz` file; equal labels yield identical bytes.
    ///
    /// # Shapes
    /// Arrays `clean` and `observed` (n, uint32), `mask` (n, bool), `kind` (the name's bytes,
    /// uint8), and the scalars `classes` and `seed` (uint64), `requested` and `realised` (float64).
    /// Optional are the scalar `observed_classes` (uint64), if it differs from `classes`, and the
    /// arrays `rates` (K, float64), `flip_probabilities` (n, float64) and `kept` (uint64).
    /// `numpy.load` reads all of them without `allow_pickle`.
    ///
    /// # Errors
    /// [`DataError::Malformed`] if `out` cannot be written to.
    pub fn write_npz(&self, out: impl Write + Seek) -> Result<(), DataError> {
        let write = || -> Result<(), WriteNpzError> {
            let mut npz = NpzWriter::new(out);
            npz.add_array("clean", &ArrayView1::from(&self.clean))?;
            npz.add_array("observed", &ArrayView1::from(&self.observed))?;
            npz.add_array("mask", &ArrayView1::from(&self.mask))?;
            npz.add_array("classes", &aview0(&(self.classes as u64)))?;
            npz.add_array("kind", &ArrayView1::from(self.kind.as_bytes()))?;
            npz.add_array("seed", &aview0(&self.seed))?;
            npz.add_array("requested", &aview0(&self.requested))?;
            npz.add_array("realised", &aview0(&self.realised))?;
            if self.observed_classes != self.classes {
                npz.add_array("observed_classes", &aview0(&(self.observed_classes as u64)))?;
            }
            if let Some(rates) = &self.rates {
                npz.add_array("rates", &ArrayView1::from(rates))?;
            }
            if let Some(probabilities) = &self.flip_probabilities {
                npz.add_array("flip_probabilities", &ArrayView1::from(probabilities))?;
            }
            if let Some(kept) = &self.kept {
                npz.add_array(
                    "kept",
                    &kept.iter().map(|&i| i as u64).collect::<Array1<u64>>(),
                )?;
            }
            npz.finish()?;
            Ok(())
        };
        write()
            .map_err(|cause| DataError::malformed(UNNAMED, format!("cannot be written: {cause}")))
    }

    /// Reads the `.npz` file at a path like [`read_npz`](Self::read_npz); errors name the file.
    ///
    /// # Errors
    /// [`DataError::Array`] if the file cannot be opened, otherwise as for
    /// [`read_npz`](Self::read_npz).
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Self::read_archive(&ArrayFile::open(path)?)
    }

    /// Reads a file written by [`write_npz`](Self::write_npz), or by NumPy's `savez` with the same
    /// arrays.
    ///
    /// # Errors
    /// [`DataError::Array`] if an array is missing, damaged or of another type, and
    /// [`DataError::Malformed`] if arrays contradict each other or labels are out of range.
    ///
    /// ```
    /// use std::io::Cursor;
    /// use memdil_data::noise::{LabelNoise, NoisyLabels};
    ///
    /// let noise = LabelNoise::Pair { eta: 0.5, exact_count: true };
    /// let noisy = noise.inject(&[0, 1, 2, 0, 1, 2], 3, 4)?;
    /// let mut file = Cursor::new(Vec::new());
    /// noisy.write_npz(&mut file)?;
    /// assert_eq!(NoisyLabels::read_npz(file)?, noisy);
    /// # Ok::<(), memdil_data::DataError>(())
    /// ```
    pub fn read_npz(mut file: impl Read + Seek) -> Result<Self, DataError> {
        let mut bytes = Vec::new();
        let read = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
        read.map_err(|cause| DataError::malformed(UNNAMED, cause.to_string()))?;
        Self::read_archive(&ArrayFile::parse(&bytes, UNNAMED)?)
    }

    /// Whether a file was written by [`write_npz`](Self::write_npz), rather than holding labels
    /// only.
    pub(super) fn is_stored_in(file: &ArrayFile) -> bool {
        let names = file.names();
        let has = |name: &&str| names.iter().any(|other| other == name);
        ["clean", "observed", "mask", "kind"].iter().all(has)
    }

    pub(super) fn read_archive(file: &ArrayFile) -> Result<Self, DataError> {
        let classes = scalar(file, "classes")?;
        let observed_classes = match file.array("observed_classes")? {
            Some(array) => only(&array, integers(&array)?)?,
            None => classes,
        };
        let marks: Vec<u8> = integers(&array(file, "mask")?)?;
        let kept = file.array("kept")?;
        let floats = |name| -> Result<Option<Vec<f64>>, DataError> {
            let array = file.array(name)?;
            let floats = array.map(|array| array.vector().map(Cow::into_owned));
            floats.transpose()
        };
        let noisy = Self {
            clean: integers(&array(file, "clean")?)?,
            observed: integers(&array(file, "observed")?)?,
            mask: marks.into_iter().map(|mark| mark != 0).collect(),
            classes,
            observed_classes,
            kind: String::from_utf8(integers(&array(file, "kind")?)?)
                .map_err(|_| DataError::malformed(file.path(), "`kind` is not UTF-8"))?,
            seed: scalar(file, "seed")?,
            requested: float(file, "requested")?,
            realised: float(file, "realised")?,
            rates: floats("rates")?,
            flip_probabilities: floats("flip_probabilities")?,
            kept: kept.map(|kept| integers(&kept)).transpose()?,
        };
        noisy.check(file.path())?;
        Ok(noisy)
    }

    fn check(&self, path: &str) -> Result<(), DataError> {
        let malformed = |message| DataError::malformed(path, message);
        let [n, observed, mask] = [self.clean.len(), self.observed.len(), self.mask.len()];
        if observed != n || mask != n {
            return Err(malformed(format!(
                "clean, observed and mask differ in length: {n}, {observed}, {mask}"
            )));
        }
        check_clean(&self.clean, self.classes)
            .and_then(|()| self.check_observed())
            .map_err(|error| malformed(error.to_string()))?;
        self.contradiction()
            .map_or(Ok(()), |found| Err(malformed(found)))
    }

    fn check_observed(&self) -> Result<(), DataError> {
        let allowed = [Some(self.classes), self.classes.checked_mul(2)];
        let fits = allowed.contains(&Some(self.observed_classes));
        let value = self.observed_classes as f64;
        let range = "must equal the number of classes or twice that number";
        DataError::check_range("observed_classes", value, range, fits)?;
        check_labels(&self.observed, self.observed_classes)
    }

    /// Describes the first entry that contradicts the labels, which must be in range.
    fn contradiction(&self) -> Option<String> {
        let n = self.clean.len();
        let differs = |i: usize| self.clean[i] as usize != self.observed[i] as usize % self.classes;
        if let Some(row) = (0..n).find(|&i| self.mask[i] != differs(i)) {
            return Some(format!(
                "mask contradicts the labels in row {row}: clean {}, observed {}, mask {}",
                self.clean[row], self.observed[row], self.mask[row]
            ));
        }
        if let Some(kept) = &self.kept
            && !(kept.is_sorted_by(|a, b| a < b) && kept.last().is_some_and(|&last| last < n))
        {
            return Some(format!(
                "`kept` must list some of the {n} rows in ascending order"
            ));
        }
        let realised = realised(&self.mask, self.kept.as_deref());
        if (self.realised - realised).abs() > 1e-12 || !self.realised.is_finite() {
            let claimed = self.realised;
            return Some(format!(
                "realised = {claimed} but {realised} of the labels differ"
            ));
        }
        if !(0.0..=1.0).contains(&self.requested) {
            let requested = self.requested;
            return Some(format!(
                "requested = {requested} is out of range: must be in [0, 1]"
            ));
        }
        let lists = [
            ("rates", &self.rates, self.classes, "classes"),
            ("flip_probabilities", &self.flip_probabilities, n, "samples"),
        ];
        lists.into_iter().find_map(|(name, values, expected, of)| {
            wrong_probabilities(name, values.as_deref()?, expected, of)
        })
    }
}

/// Describes an array of probabilities of the wrong length, or its first value outside [0, 1].
fn wrong_probabilities(name: &str, values: &[f64], expected: usize, of: &str) -> Option<String> {
    if values.len() != expected {
        let found = values.len();
        return Some(format!("holds {found} {name} for {expected} {of}"));
    }
    let index = values
        .iter()
        .position(|value| !(0.0..=1.0).contains(value))?;
    let value = values[index];
    Some(format!(
        "{name}[{index}] = {value} is out of range: must be in [0, 1]"
    ))
}

fn array(file: &ArrayFile, name: &str) -> Result<Array, DataError> {
    file.array(name)?.ok_or_else(|| file.lacks(name, ""))
}

/// All elements of a vector or a scalar, converted to an integer type.
fn integers<T: TryFrom<i128>>(array: &Array) -> Result<Vec<T>, DataError> {
    let Some(elements) = array.integers() else {
        let found = array.dtype().name();
        return Err(array.error(format!(
            "holds {found}, not integers; save a.astype(\"int64\")"
        )));
    };
    let dimensions = array.shape().len();
    if dimensions > 1 {
        return Err(array.error(format!(
            "has {dimensions} dimensions, not 1; save a.ravel()"
        )));
    }
    let convert = |element: i128| {
        T::try_from(element)
            .map_err(|_| array.error(format!("holds {element}, which is out of range")))
    };
    elements.into_iter().map(convert).collect()
}

fn scalar<T: TryFrom<i128>>(file: &ArrayFile, name: &str) -> Result<T, DataError> {
    let array = array(file, name)?;
    only(&array, integers(&array)?)
}

fn float(file: &ArrayFile, name: &str) -> Result<f64, DataError> {
    let array = array(file, name)?;
    only(&array, array.floats()?.into_owned())
}

/// The only element of an array.
fn only<T>(array: &Array, elements: Vec<T>) -> Result<T, DataError> {
    match <[T; 1]>::try_from(elements) {
        Ok([element]) => Ok(element),
        Err(_) => Err(array.error("does not hold one number".to_owned())),
    }
}
