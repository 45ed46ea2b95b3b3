//! Tensors by name: what is saved of a network.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use memdil_records::{RecordError, write_atomic};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, View};

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

impl NamedTensor {
    /// Values as little-endian bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.values.iter().flat_map(|v| v.to_le_bytes()).collect()
    }
}

impl View for &NamedTensor {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.bytes().into()
    }

    fn data_len(&self) -> usize {
        size_of_val(self.values.as_slice())
    }
}

/// Text that stands beside the tensors of a file, by name.
type Notes = HashMap<String, String>;

/// Writes tensors as a safetensors file, atomically.
pub(crate) fn write_tensors(path: &Path, tensors: &[NamedTensor], notes: Option<Notes>) -> Result<(), RunnerError> {
    let views = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor));
    let bytes = safetensors::serialize(views, notes).map_err(std::io::Error::other);
    Ok(write_atomic(path, |w| w.write_all(&bytes?))?)
}

/// Reads what [`write_tensors`] wrote, in the order of the names.
pub(crate) fn read_tensors(path: &Path) -> Result<(Vec<NamedTensor>, Notes), RecordError> {
    let bytes = fs::read(path).map_err(|cause| RecordError::Read { path: path.to_owned(), cause })?;
    let malformed = |reason: String| RecordError::Malformed { path: path.to_owned(), line: None, reason };
    let damaged = |e: safetensors::SafeTensorError| malformed(format!("no safetensors file ({e})"));
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
    let named = |(name, view): (String, TensorView<'_>)| {
        if view.dtype() != Dtype::F32 {
            return Err(malformed(format!("tensor '{name}' is of type {:?}, expected F32", view.dtype())));
        }
        let values = view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        Ok(NamedTensor { name, shape: view.shape().to_vec(), values })
    };
    let tensors = SafeTensors::deserialize(&bytes).map_err(damaged)?.tensors();
    let mut tensors = tensors.into_iter().map(named).collect::<Result<Vec<_>, _>>()?;
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((tensors, header.metadata().clone().unwrap_or_default()))
}
