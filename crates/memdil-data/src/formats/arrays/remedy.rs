//! Messages about unsuitable arrays, with their remedies.

use std::fmt::Display;

use super::dtype::Dtype;
use crate::formats::names::shortened;

/// A NumPy expression that decodes bfloat16, which NumPy loads as two raw bytes per element.
const RAW16: &str = "(a.view(\"uint16\").astype(\"uint32\") << 16).view(\"float32\")";

/// The message for elements that cannot be read as floats.
pub(super) fn not_floats(dtype: &Dtype) -> String {
    let remedy = match dtype {
        Dtype::Raw16 => {
            format!("save a.astype(\"float32\") in JAX, or convert what is saved: {RAW16}")
        }
        Dtype::Records(columns) => {
            let columns = indexed(columns);
            format!("save the columns that are features as a matrix, np.stack([{columns}], 1)")
        }
        _ => "save a.astype(\"float32\"), in PyTorch a.float()".to_owned(),
    };
    format!("holds {}, not floats; {remedy}", dtype.name())
}

/// The message for a shape that is not a matrix.
pub(super) fn not_a_matrix(shape: &[usize]) -> String {
    let remedy = match shape {
        [] => "save one row per sample or class",
        [1, _, _] => "save a[0], one row per sample or class",
        [_, _, _] => {
            "save a.reshape(len(a), -1) if the first axis counts samples, a.reshape(-1, a.shape[-1]) if it counts batches"
        }
        _ => "save a.reshape(len(a), -1), one row per sample or class",
    };
    format!("has {} dimension(s), not 2; {remedy}", shape.len())
}

/// The message for a shape that is not a vector.
pub(super) fn not_a_vector(shape: &[usize]) -> String {
    format!("has {} dimension(s), not 1; save a.ravel()", shape.len())
}

/// The message for elements that cannot be read as labels.
pub(super) fn not_labels(dtype: &Dtype) -> String {
    let remedy = match dtype {
        Dtype::Text => {
            "class names must become numbers, np.unique(a, return_inverse=True)[1]; numbers that were saved as text, \
             a.astype(\"int64\")"
                .to_owned()
        }
        Dtype::Records(columns) => records_remedy(columns),
        Dtype::Raw16 => {
            format!("save a.astype(\"int64\") in JAX, or convert what is saved: {RAW16}")
        }
        _ => "save a.astype(\"int64\"), in PyTorch a.long()".to_owned(),
    };
    format!("holds {}, not integers; {remedy}", dtype.name())
}

/// The remedy for a pandas table: it names the column of labels if a column name reveals it.
fn records_remedy(columns: &[String]) -> String {
    let is_label = |name: &&String| {
        let name = name.to_lowercase();
        ["label", "target", "class", "y"]
            .iter()
            .any(|part| name == *part || (part.len() > 1 && name.contains(part)))
    };
    match columns.iter().find(is_label) {
        Some(name) => format!("save the column of the labels alone, a[{name:?}]"),
        None => {
            let columns = indexed(columns);
            format!("save the column of the labels alone, one of {columns}")
        }
    }
}

/// NumPy expressions that select columns of records.
fn indexed(columns: &[String]) -> String {
    let indexed = |name: &String| format!("a[\"{name}\"]");
    let columns: Vec<String> = columns.iter().map(indexed).collect();
    shortened(columns.iter().map(String::as_str), columns.len())
}

/// The message for an incomplete file.
pub(super) fn damaged(format: &str, cause: &dyn Display) -> String {
    let cause = cause.to_string();
    let cause = Vec::from_iter(cause.split_whitespace()).join(" ");
    format!("is not a complete .{format} file ({cause}); save it again")
}
