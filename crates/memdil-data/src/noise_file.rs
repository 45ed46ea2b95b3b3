//! Noisy labels as a NumPy `.npz` file.

use std::error::Error;
use std::io::{self, Read, Seek, Write};

use ndarray::{Array0, Array1, ArrayView1, Dimension, aview0};
use ndarray_npy::{NpzReader, NpzWriter, ReadDataError, ReadNpzError, ReadableElement, WriteNpzError};
use py_literal::Value;

use crate::DataError;
use crate::load::check_labels;
use crate::noise::{NoisyLabels, check_clean, share};

impl NoisyLabels {
    /// Writes a `.npz` file; the same labels give the same bytes.
    ///
    /// # Shapes
    /// Arrays `clean` and `observed` (n, uint32), `mask` (n, bool), `kind` (the name's bytes, uint8), and
    /// the scalars `classes` and `seed` (uint64), `requested` and `realised` (float64). `numpy.load`
    /// reads them without pickle.
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
            npz.finish()?;
            Ok(())
        };
        write().map_err(|cause| refuse(format!("cannot be written: {cause}")))
    }

    /// Reads what [`write_npz`](Self::write_npz) wrote, or NumPy's `savez` with the same arrays.
    ///
    /// # Errors
    /// [`DataError::NoiseFile`] for an array that is missing, damaged or of another type, and for arrays
    /// that contradict each other; the errors of [`LabelNoise::inject`](crate::noise::LabelNoise::inject)
    /// for labels out of range.
    ///
    /// ```
    /// use std::io::Cursor;
    /// use memdil_data::noise::{LabelNoise, NoisyLabels};
    ///
    /// let noisy = LabelNoise::Uniform { eta: 0.5 }.inject(&[0, 1, 2, 0, 1, 2], 3, 4)?;
    /// let mut file = Cursor::new(Vec::new());
    /// noisy.write_npz(&mut file)?;
    /// assert_eq!(NoisyLabels::read_npz(file)?, noisy);
    /// # Ok::<(), memdil_data::DataError>(())
    /// ```
    pub fn read_npz(file: impl Read + Seek) -> Result<Self, DataError> {
        let mut npz = NpzReader::new(file).map_err(|cause| refuse(format!("is no .npz file: {cause}")))?;
        let classes = scalar::<u64>(&mut npz, "classes")?;
        let kind = vector::<u8>(&mut npz, "kind")?;
        let noisy = Self {
            clean: vector(&mut npz, "clean")?,
            observed: vector(&mut npz, "observed")?,
            mask: vector(&mut npz, "mask")?,
            classes: usize::try_from(classes).map_err(|_| refuse(format!("classes = {classes} is out of range")))?,
            kind: String::from_utf8(kind).map_err(|_| refuse("`kind` is not UTF-8".to_owned()))?,
            seed: scalar(&mut npz, "seed")?,
            requested: scalar(&mut npz, "requested")?,
            realised: scalar(&mut npz, "realised")?,
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
        check_labels(&self.observed, self.classes)?;
        let differs = |i: usize| self.clean[i] != self.observed[i];
        if let Some(row) = (0..n).find(|&i| self.mask[i] != differs(i)) {
            return Err(refuse(format!(
                "mask contradicts the labels in row {row}: clean {}, observed {}, mask {}",
                self.clean[row], self.observed[row], self.mask[row]
            )));
        }
        let realised = share(&self.mask);
        if (self.realised - realised).abs() > 1e-12 || !self.realised.is_finite() {
            return Err(refuse(format!("realised = {} but {realised} of the labels differ", self.realised)));
        }
        if !(0.0..=1.0).contains(&self.requested) {
            return Err(refuse(format!("requested = {} is outside 0 to 1", self.requested)));
        }
        Ok(())
    }
}

fn refuse(message: String) -> DataError {
    DataError::NoiseFile { message }
}

fn vector<T: Element>(npz: &mut NpzReader<impl Read + Seek>, name: &str) -> Result<Vec<T>, DataError> {
    let array: Array1<Checked<T>> = array(npz, name)?;
    Ok(array.into_iter().map(|element| element.0).collect())
}

fn scalar<T: Element>(npz: &mut NpzReader<impl Read + Seek>, name: &str) -> Result<T, DataError> {
    let array: Array0<Checked<T>> = array(npz, name)?;
    Ok(array.into_scalar().0)
}

fn array<T: Element, D: Dimension>(
    npz: &mut NpzReader<impl Read + Seek>,
    name: &str,
) -> Result<ndarray::Array<Checked<T>, D>, DataError> {
    npz.by_name(name).map_err(|cause| {
        let hint = match cause {
            ReadNpzError::Zip(_) => " (all eight arrays must be there, as numpy.savez writes them)",
            ReadNpzError::Npy(_) => "",
        };
        refuse(format!("array `{name}` ({}): {cause}{hint}", T::DESCRIPTOR))
    })
}

/// An element that is read without reserving memory for a length that only the header claims.
struct Checked<T>(T);

impl<T: Element> ReadableElement for Checked<T> {
    fn read_to_end_exact_vec<R: Read>(
        mut reader: R,
        descriptor: &Value,
        len: usize,
    ) -> Result<Vec<Self>, ReadDataError> {
        if *descriptor != Value::String(T::DESCRIPTOR.to_owned()) {
            return Err(ReadDataError::WrongDescriptor(descriptor.clone()));
        }
        let claimed = (len as u64).saturating_mul(T::SIZE as u64);
        let mut bytes = Vec::new();
        reader.by_ref().take(claimed).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < claimed {
            return Err(ReadDataError::MissingData);
        }
        // Reading on to the end also makes the archive check its checksum.
        let rest = io::copy(&mut reader, &mut io::sink())?;
        if rest > 0 {
            return Err(ReadDataError::ExtraBytes(rest as usize));
        }
        bytes
            .chunks_exact(T::SIZE)
            .map(|chunk| match T::decode(chunk) {
                Some(value) => Ok(Self(value)),
                None => Err(ReadDataError::ParseData(bad_bytes::<T>(chunk))),
            })
            .collect()
    }
}

fn bad_bytes<T: Element>(chunk: &[u8]) -> Box<dyn Error + Send + Sync> {
    format!("{chunk:?} is no value of type {}", T::DESCRIPTOR).into()
}

/// A type with one NumPy descriptor, in little-endian order.
trait Element: Sized {
    const DESCRIPTOR: &str;
    const SIZE: usize;
    fn decode(bytes: &[u8]) -> Option<Self>;
}

macro_rules! number {
    ($type:ty, $descriptor:literal) => {
        impl Element for $type {
            const DESCRIPTOR: &str = $descriptor;
            const SIZE: usize = size_of::<$type>();
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
    const SIZE: usize = 1;
    fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}
