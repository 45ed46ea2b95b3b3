//! Writes the outputs of the layers, one archive per layer.

use std::path::Path;

use memdil_records::{LayerFeatures, RunSpec, create_dir, write_archive};
use ndarray::{Array1, Array2};

use super::chunks::Layers;
use crate::error::RunnerError;
use crate::network::interface::{ImageSet, Network};
use crate::prepare::Prepared;

/// Writes the outputs of the layers for the samples trained on and for the test samples to
/// `NN-NAME.npz` in a folder, where NN counts the layers from 00. The samples pass through the
/// network once per layer, so that the outputs of only one layer are in memory.
pub(crate) fn write_layers(
    network: &mut dyn Network,
    spec: &RunSpec,
    data: &Prepared,
    folder: &Path,
) -> Result<(), RunnerError> {
    let mut layers = Layers::new(network, spec, data)?;
    let [labels, clean_labels, test_labels] = layers.labels().map(Array1::from);
    let files: Vec<String> = layers.names().enumerate().map(file_name).collect();
    let widths = layers.widths();
    create_dir(folder)?;
    for (index, (file, width)) in files.into_iter().zip(widths).enumerate() {
        let archive = LayerFeatures {
            features: outputs_of(&mut layers, ImageSet::Train, (index, width))?,
            labels: labels.clone(),
            clean_labels: clean_labels.clone(),
            test_features: outputs_of(&mut layers, ImageSet::Test, (index, width))?,
            test_labels: test_labels.clone(),
        };
        write_archive(&folder.join(file), |writer| archive.write_npz(writer))?;
    }
    Ok(())
}

/// The output of one layer for all samples of a set.
fn outputs_of(
    layers: &mut Layers<'_>,
    set: ImageSet,
    (index, width): (usize, usize),
) -> Result<Array2<f32>, RunnerError> {
    let mut values = Vec::new();
    layers.for_each_chunk(set, |_, outputs| values.extend(&outputs[index].features))?;
    let shape = (values.len() / width.max(1), width);
    Ok(Array2::from_shape_vec(shape, values).map_err(candle_core::Error::wrap)?)
}

/// The name of the archive of a layer. Characters that a file name may not contain on every system
/// become hyphens.
fn file_name((index, name): (usize, &str)) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '-'
        }
    };
    let name: String = name.chars().map(plain).collect();
    format!("{index:02}-{name}.npz")
}
