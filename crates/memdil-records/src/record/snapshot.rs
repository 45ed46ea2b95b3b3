//! Features after the last epoch, so that figures and metrics need no training.

use std::io::{Read, Seek, Write};

use ndarray::{Array1, Array2};
use ndarray_npy::{NpzReader, NpzWriter, ReadNpzError, WriteNpzError};

/// Features of a run in evaluation mode after its last epoch, with the classifier that reads them.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Samples trained on.
    pub train: SnapshotPart,
    /// Test samples.
    pub test: SnapshotPart,
    /// Classifier weights, (K, d).
    pub classifier: Array2<f32>,
    /// Classifier bias, (K).
    pub bias: Array1<f32>,
}

/// Features, logits and labels of one set of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotPart {
    /// Penultimate features, (n, d).
    pub features: Array2<f32>,
    /// Logits, (n, K).
    pub logits: Array2<f32>,
    /// Labels as given (on the test set: the clean ones).
    pub labels: Array1<u32>,
    /// Labels before noise.
    pub clean_labels: Array1<u32>,
}

impl Snapshot {
    /// Writes the arrays `features`, `logits`, `labels`, `clean_labels`, the same with the prefix
    /// `test_`, `classifier` and `bias`, in NumPy's .npz format.
    ///
    /// # Errors
    ///
    /// The error of the writer.
    pub fn write_npz(&self, writer: impl Write + Seek) -> Result<(), WriteNpzError> {
        let mut npz = NpzWriter::new(writer);
        for (prefix, part) in [("", &self.train), ("test_", &self.test)] {
            npz.add_array(format!("{prefix}features"), &part.features)?;
            npz.add_array(format!("{prefix}logits"), &part.logits)?;
            npz.add_array(format!("{prefix}labels"), &part.labels)?;
            npz.add_array(format!("{prefix}clean_labels"), &part.clean_labels)?;
        }
        npz.add_array("classifier", &self.classifier)?;
        npz.add_array("bias", &self.bias)?;
        npz.finish()?;
        Ok(())
    }

    /// Reads what [`Snapshot::write_npz`] wrote.
    ///
    /// # Errors
    ///
    /// The error of the reader when an array is missing or of another type.
    pub fn read_npz(reader: impl Read + Seek) -> Result<Self, ReadNpzError> {
        let mut npz = NpzReader::new(reader)?;
        let mut part = |prefix: &str| -> Result<SnapshotPart, ReadNpzError> {
            Ok(SnapshotPart {
                features: npz.by_name(&format!("{prefix}features"))?,
                logits: npz.by_name(&format!("{prefix}logits"))?,
                labels: npz.by_name(&format!("{prefix}labels"))?,
                clean_labels: npz.by_name(&format!("{prefix}clean_labels"))?,
            })
        };
        Ok(Self {
            train: part("")?,
            test: part("test_")?,
            classifier: npz.by_name("classifier")?,
            bias: npz.by_name("bias")?,
        })
    }
}
