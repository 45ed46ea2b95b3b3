//! Noisy labels as a NumPy `.npz` file.

use std::fs::File;
use std::io::{BufReader, Read, Seek, Write};
use std::path::Path;

use ndarray::{Array1, ArrayView1, aview0};
use ndarray_npy::{NpzWriter, WriteNpzError};

use super::labels::realised;
use super::npy::Npy;
use super::{NoisyLabels, check_clean};
use crate::DataError;
use crate::npy::Header;
use crate::unpack::CEILING;
use crate::zipped::Archive;

impl NoisyLabels {
    /// Writes a `.npz` file; the same labels give the same bytes.
    ///
    /// # Shapes
    /// Arrays `clean` and `observed` (n, uint32), `mask` (n, bool), `kind` (the name's bytes,
    /// uint8), and the scalars `classes` and `seed` (uint64), `requested` and `realised` (float64).
    /// Only where they are needed: the scalar `observed_classes` (uint64) if it is not `classes`,
    /// `rates` (K, float64), `kept` (uint64). `numpy.load` reads them without pickle.
    ///
    /// # Errors
    /// [`DataError::NoiseFile`] if `out` cannot be written to.
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
            if let Some(kept) = &self.kept {
                npz.add_array(
                    "kept",
                    &kept.iter().map(|&i| i as u64).collect::<Array1<u64>>(),
                )?;
            }
            npz.finish()?;
            Ok(())
        };
        write().map_err(|cause| refuse(format!("cannot be written: {cause}")))
    }

    /// Reads the `.npz` file at a path, as [`read_npz`](Self::read_npz) does; errors name the file.
    ///
    /// # Errors
    /// [`DataError::Io`] if it cannot be opened, else [`DataError::NoiseFile`].
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|cause| DataError::Io {
            path: path.to_owned(),
            cause,
        })?;
        Self::read_npz(BufReader::new(file)).map_err(|error| {
            let message = match error {
                DataError::NoiseFile { message, .. } => message,
                other => other.to_string(),
            };
            DataError::NoiseFile {
                path: path.to_owned(),
                message,
            }
        })
    }

    /// Reads what [`write_npz`](Self::write_npz) wrote, or NumPy's `savez` with the same arrays.
    ///
    /// # Errors
    /// [`DataError::NoiseFile`] for an array that is missing, damaged or of another type, and for
    /// arrays that contradict each other; the errors of
    /// [`LabelNoise::inject`](super::LabelNoise::inject) for labels out of range.
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
    pub fn read_npz(file: impl Read + Seek) -> Result<Self, DataError> {
        let mut npz = Archive::new(file).map_err(|fault| refuse(fault.to_string()))?;
        let classes = length(scalar(&mut npz, "classes")?)?;
        let observed_classes = optional(&mut npz, "observed_classes", scalar)?
            .map(length)
            .transpose()?;
        let kept = optional(&mut npz, "kept", vector::<u64>)?;
        let noisy = Self {
            clean: vector(&mut npz, "clean")?,
            observed: vector(&mut npz, "observed")?,
            mask: vector(&mut npz, "mask")?,
            classes,
            observed_classes: observed_classes.unwrap_or(classes),
            kind: String::from_utf8(vector(&mut npz, "kind")?)
                .map_err(|_| refuse("`kind` is not UTF-8".to_owned()))?,
            seed: scalar(&mut npz, "seed")?,
            requested: scalar(&mut npz, "requested")?,
            realised: scalar(&mut npz, "realised")?,
            rates: optional(&mut npz, "rates", vector)?,
            kept: kept
                .map(|kept| kept.into_iter().map(length).collect())
                .transpose()?,
        };
        noisy.check()?;
        Ok(noisy)
    }

    fn check(&self) -> Result<(), DataError> {
        let n = self.clean.len();
        if self.observed.len() != n || self.mask.len() != n {
            return Err(refuse(format!(
                "clean, observed and mask differ in length: {n}, {}, {}",
                self.observed.len(),
                self.mask.len()
            )));
        }
        check_clean(&self.clean, self.classes)?;
        self.check_observed()?;
        let differs = |i: usize| self.clean[i] as usize != self.observed[i] as usize % self.classes;
        if let Some(row) = (0..n).find(|&i| self.mask[i] != differs(i)) {
            return Err(refuse(format!(
                "mask contradicts the labels in row {row}: clean {}, observed {}, mask {}",
                self.clean[row], self.observed[row], self.mask[row]
            )));
        }
        if let Some(kept) = &self.kept
            && !(kept.is_sorted_by(|a, b| a < b) && kept.last().is_some_and(|&last| last < n))
        {
            return Err(refuse(format!(
                "`kept` must list some of the {n} rows in ascending order"
            )));
        }
        let realised = realised(&self.mask, self.kept.as_deref());
        if (self.realised - realised).abs() > 1e-12 || !self.realised.is_finite() {
            return Err(refuse(format!(
                "realised = {} but {realised} of the labels differ",
                self.realised
            )));
        }
        if !(0.0..=1.0).contains(&self.requested) {
            return Err(refuse(format!(
                "requested = {} is outside 0 to 1",
                self.requested
            )));
        }
        let rates = self.rates.as_deref().unwrap_or_default();
        if self.rates.is_some() && rates.len() != self.classes {
            return Err(refuse(format!(
                "holds {} rates for {} classes",
                rates.len(),
                self.classes
            )));
        }
        if let Some(class) = rates.iter().position(|rate| !(0.0..=1.0).contains(rate)) {
            return Err(refuse(format!(
                "rates[{class}] = {} is outside 0 to 1",
                rates[class]
            )));
        }
        Ok(())
    }
}

fn refuse(message: String) -> DataError {
    DataError::NoiseFile {
        path: "label-noise file".into(),
        message,
    }
}

fn length(number: u64) -> Result<usize, DataError> {
    usize::try_from(number)
        .map_err(|_| refuse(format!("{number} is more than this machine can count")))
}

fn optional<R: Read + Seek, T>(
    npz: &mut Archive<R>,
    name: &str,
    read: impl Fn(&mut Archive<R>, &str) -> Result<T, DataError>,
) -> Result<Option<T>, DataError> {
    if npz.find(name).is_some() {
        read(npz, name).map(Some)
    } else {
        Ok(None)
    }
}

fn vector<T: Element>(
    npz: &mut Archive<impl Read + Seek>,
    name: &str,
) -> Result<Vec<T>, DataError> {
    array(npz, name, 1)
}

fn scalar<T: Element>(npz: &mut Archive<impl Read + Seek>, name: &str) -> Result<T, DataError> {
    let elements = array(npz, name, 0)?;
    elements
        .into_iter()
        .next()
        .ok_or_else(|| refuse(format!("array `{name}` is empty")))
}

fn array<T: Element>(
    npz: &mut Archive<impl Read + Seek>,
    name: &str,
    dimensions: usize,
) -> Result<Vec<T>, DataError> {
    let refuse = |what: String| refuse(format!("array `{name}` ({}): {what}", T::DESCRIPTOR));
    let missing =
        || refuse("not there (all eight arrays must be, as numpy.savez writes them)".to_owned());
    let entry = npz.find(name).ok_or_else(missing)?;
    let member = npz
        .open(&entry)
        .map_err(|fault| refuse(fault.to_string()))?;
    // Memory grows with what arrives, and reading to the end checks the checksum.
    let mut bytes = Vec::new();
    member
        .take(CEILING + 1)
        .read_to_end(&mut bytes)
        .map_err(|cause| refuse(cause.to_string()))?;
    if bytes.len() as u64 > CEILING {
        return Err(refuse(format!(
            "unpacks to more than {CEILING} bytes, which no labels need"
        )));
    }
    let npy = Npy::parse(&bytes).map_err(&refuse)?;
    let Header { dtype, shape, .. } = &npy.header;
    if dtype != T::DESCRIPTOR {
        return Err(refuse(format!(
            "has elements of type {}",
            dtype.escape_default()
        )));
    }
    if shape.len() != dimensions {
        return Err(refuse(format!(
            "has {} dimensions instead of {dimensions}",
            shape.len()
        )));
    }
    let decode = |element: &[u8]| {
        T::decode(element).ok_or_else(|| refuse(format!("{element:?} is no value of it")))
    };
    npy.elements(T::SIZE)
        .map_err(&refuse)?
        .map(decode)
        .collect()
}

/// A type with one NumPy descriptor, in little-endian order.
trait Element: Sized {
    const DESCRIPTOR: &str;
    const SIZE: usize = size_of::<Self>();
    fn decode(bytes: &[u8]) -> Option<Self>;
}

macro_rules! number {
    ($type:ty, $descriptor:literal) => {
        impl Element for $type {
            const DESCRIPTOR: &str = $descriptor;
            fn decode(bytes: &[u8]) -> Option<Self> {
                Some(Self::from_le_bytes(bytes.try_into().ok()?))
            }
        }
    };
}
number!(u8, "|u1");
number!(u32, "<u4");
number!(u64, "<u8");
number!(f64, "<f8");

impl Element for bool {
    const DESCRIPTOR: &str = "|b1";
    fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}
