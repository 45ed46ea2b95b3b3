//! Tensors by name: what is saved of a network.

use std::io::Write;
use std::path::Path;

use memdil_records::write_atomic;
use safetensors::tensor::{Dtype, TensorView};

use crate::RunnerError;

/// A tensor outside any tensor library.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Dotted name, `blocks.0.linear.weight`.
    pub name: String,
    /// Sizes; none for a single value.
    pub shape: Vec<usize>,
    /// Values row by row.
    pub values: Vec<f32>,
}

/// Finds a tensor for every expected name and shape, in the expected order.
pub(crate) fn pick<'a>(
    state: &'a [NamedTensor],
    expected: &[(&str, &[usize])],
) -> Result<Vec<&'a NamedTensor>, RunnerError> {
    let error = |reason: String| RunnerError::State { reason };
    if let Some(other) = state.iter().find(|t| expected.iter().all(|(name, _)| t.name != *name)) {
        return Err(error(format!("tensor '{}' is unknown", other.name)));
    }
    let find = |&(name, shape): &(&str, &[usize])| {
        let tensor =
            state.iter().find(|t| t.name == name).ok_or_else(|| error(format!("tensor '{name}' is missing")))?;
        if tensor.shape != shape {
            return Err(error(format!("tensor '{name}' has shape {:?}, expected {shape:?}", tensor.shape)));
        }
        let count: usize = shape.iter().product();
        if tensor.values.len() != count {
            return Err(error(format!("tensor '{name}' holds {} values, expected {count}", tensor.values.len())));
        }
        Ok(tensor)
    };
    expected.iter().map(find).collect()
}

/// Writes tensors as a safetensors file, atomically.
pub(crate) fn write_tensors(path: &Path, state: &[NamedTensor]) -> Result<(), RunnerError> {
    let bytes: Vec<Vec<u8>> = state.iter().map(|t| t.values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views = state.iter().zip(&bytes).map(|(tensor, bytes)| {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes);
        view.map(|view| (tensor.name.as_str(), view))
    });
    let views = views.collect::<Result<Vec<_>, _>>().map_err(std::io::Error::other);
    Ok(write_atomic(path, |w| w.write_all(&safetensors::serialize(views?, None).map_err(std::io::Error::other)?))?)
}
