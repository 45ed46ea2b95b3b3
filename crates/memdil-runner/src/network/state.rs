//! Named tensors, in which the state of a network is saved.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use memdil_data::verify::hex;
use memdil_records::{RecordError, write_atomic};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Map, json};
use sha2::{Digest, Sha256};

use crate::error::{RunnerError, write_error};

/// A tensor with a name, independent of tensor libraries.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Dotted name, for example `blocks.0.linear.weight`.
    pub name: String,
    /// Shape; empty for a scalar.
    pub shape: Vec<usize>,
    /// Values in row-major order.
    pub values: Vec<f32>,
}

/// The tensors with the expected names and shapes, in the expected order. A missing or an
/// additional tensor is an error.
pub(crate) fn pick<'a>(
    state: &'a [NamedTensor],
    expected: &[(&str, &[usize])],
) -> Result<Vec<&'a NamedTensor>, RunnerError> {
    let error = |reason: String| RunnerError::State { reason };
    if let Some(other) = state
        .iter()
        .find(|t| expected.iter().all(|(name, _)| t.name != *name))
    {
        return Err(error(format!("tensor '{}' is unknown", other.name)));
    }
    let find = |&(name, shape): &(&str, &[usize])| {
        let tensor = state
            .iter()
            .find(|t| t.name == name)
            .ok_or_else(|| error(format!("tensor '{name}' is missing")))?;
        if tensor.shape != shape {
            return Err(error(format!(
                "tensor '{name}' has shape {:?}, expected {shape:?}",
                tensor.shape
            )));
        }
        let count: usize = shape.iter().product();
        if tensor.values.len() != count {
            return Err(error(format!(
                "tensor '{name}' has {} values, expected {count}",
                tensor.values.len()
            )));
        }
        Ok(tensor)
    };
    expected.iter().map(find).collect()
}

impl NamedTensor {
    /// The values as little-endian bytes.
    fn bytes(&self) -> Vec<u8> {
        self.values.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    /// The SHA-256 of name, shape and values.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let named = Sha256::new_with_prefix(format!("{} {:?}\n", self.name, self.shape));
        named.chain_update(self.bytes()).finalize().into()
    }
}

/// An iterator over tensors, which avoids copies of all of them at once.
pub type Tensors<'a> = Box<dyn Iterator<Item = Result<NamedTensor, RunnerError>> + 'a>;

/// The SHA-256 of a text and of tensor digests, independent of their order.
pub(crate) fn checksum(state: &str, mut digests: Vec<[u8; 32]>) -> String {
    digests.sort_unstable();
    let mut all = Sha256::new_with_prefix(state);
    digests.iter().for_each(|digest| all.update(digest));
    hex(&all.finalize())
}

/// The metadata in the header of a safetensors file, by name.
pub(crate) type Notes = HashMap<String, String>;

/// Writes tensors atomically as a safetensors file. If `state` is given, the metadata of the file
/// contain it and the checksum of state and tensors.
///
/// `tensors` is called twice, for the header and for the values.
pub(crate) fn write_tensors<'a>(
    path: &Path,
    tensors: impl Fn() -> Result<Tensors<'a>, RunnerError>,
    state: Option<&str>,
) -> Result<(), RunnerError> {
    let (mut header, mut digests, mut end) = (Map::new(), Vec::new(), 0);
    for tensor in tensors()? {
        let tensor = tensor?;
        let start = end;
        end += size_of_val(tensor.values.as_slice());
        let entry = json!({"dtype": "F32", "shape": tensor.shape, "data_offsets": [start, end]});
        digests.extend(state.map(|_| tensor.digest()));
        header.insert(tensor.name, entry);
    }
    if let Some(state) = state {
        let notes = json!({"sha256": checksum(state, digests), "state": state});
        header.insert("__metadata__".to_owned(), notes);
    }
    let mut header = serde_json::to_vec(&header).map_err(|e| write_error(path, e))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let written = write_atomic(path, |w| {
        w.write_all(&(header.len() as u64).to_le_bytes())?;
        w.write_all(&header)?;
        for tensor in tensors().map_err(std::io::Error::other)? {
            w.write_all(&tensor.map_err(std::io::Error::other)?.bytes())?;
        }
        Ok(())
    });
    Ok(written?)
}

/// Reads a file of [`write_tensors`]; the tensors are sorted by name.
pub(crate) fn read_tensors(path: &Path) -> Result<(Vec<NamedTensor>, Notes), RecordError> {
    let bytes = fs::read(path).map_err(|cause| RecordError::Read {
        path: path.to_owned(),
        cause,
    })?;
    let malformed = |reason: String| RecordError::Malformed {
        path: path.to_owned(),
        line: None,
        reason,
    };
    let damaged =
        |e: safetensors::SafeTensorError| malformed(format!("not a safetensors file ({e})"));
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
    let named = |(name, view): (String, TensorView<'_>)| {
        if view.dtype() != Dtype::F32 {
            return Err(malformed(format!(
                "tensor '{name}' has type {:?}, expected F32",
                view.dtype()
            )));
        }
        let (values, _) = view.data().as_chunks();
        Ok(NamedTensor {
            name,
            shape: view.shape().to_vec(),
            values: values.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        })
    };
    let tensors = SafeTensors::deserialize(&bytes).map_err(damaged)?.tensors();
    let mut tensors = tensors
        .into_iter()
        .map(named)
        .collect::<Result<Vec<_>, _>>()?;
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((tensors, header.metadata().clone().unwrap_or_default()))
}
