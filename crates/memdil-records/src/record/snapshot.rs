//! The features after the last epoch, from which figures and metrics are computed without training.

use std::io::{Read, Seek, Write};

use ndarray::{Array1, Array2};
use ndarray_npy::{NpzReader, NpzWriter, ReadNpzError, WriteNpzError};

/// The features of a run in evaluation mode after its last epoch, and the classifier.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The samples trained on.
    pub train: SnapshotPart,
    /// The test samples.
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
    /// Given labels, with noise for training samples and clean for test samples.
    pub labels: Array1<u32>,
    /// Labels without noise.
    pub clean_labels: Array1<u32>,
}

impl Snapshot {
    /// Writes an archive in NumPy's .npz format with the arrays `features`, `logits`, `labels` and
    /// `clean_labels` of the training samples, the same names with the prefix `test_` for the
    /// test samples, `classifier` and `bias`.
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

    /// Reads an archive of [`Snapshot::write_npz`].
    ///
    /// # Errors
    ///
    /// The error of the reader if an array is missing or of another type.
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

/// The output of a layer in evaluation mode, from which `memdil metrics` computes its metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerFeatures {
    /// Output for the samples trained on, (n, width).
    pub features: Array2<f32>,
    /// Given labels of these samples.
    pub labels: Array1<u32>,
    /// Labels of these samples without noise.
    pub clean_labels: Array1<u32>,
    /// Output for the test samples, (test samples, width).
    pub test_features: Array2<f32>,
    /// Labels of the test samples.
    pub test_labels: Array1<u32>,
}

impl LayerFeatures {
    /// Writes an archive in NumPy's .npz format with the fields as arrays.
    ///
    /// # Errors
    ///
    /// The error of the writer.
    pub fn write_npz(&self, writer: impl Write + Seek) -> Result<(), WriteNpzError> {
        let mut npz = NpzWriter::new(writer);
        npz.add_array("features", &self.features)?;
        npz.add_array("labels", &self.labels)?;
        npz.add_array("clean_labels", &self.clean_labels)?;
        npz.add_array("test_features", &self.test_features)?;
        npz.add_array("test_labels", &self.test_labels)?;
        npz.finish()?;
        Ok(())
    }
}
