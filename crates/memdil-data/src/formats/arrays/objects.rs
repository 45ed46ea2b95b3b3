//! Messages about arrays of pickled Python objects, with the way to save numbers instead.

use crate::formats::names::shortened;
use crate::formats::pickle::{self, Items, Value};

const SEVERAL_KINDS: &str = "holds Python objects of several kinds; save an array of numbers";

/// Describes the objects of an array, whose `.npy` header is followed by `bytes`. The description
/// completes a sentence that begins with the path.
pub(super) fn describe(bytes: &[u8]) -> String {
    let pickle = match pickle::read(bytes) {
        Ok(pickle) => pickle,
        Err(reason) => return reason,
    };
    match pickle.root().unwrapped() {
        Value::Dict(entries) => {
            let keys = entries.iter().map(|(key, _)| key.text().unwrap_or("?"));
            let keys = shortened(keys, entries.len());
            format!(
                "holds one pickled dictionary ({keys}); save its arrays by name, np.savez(f, **d)"
            )
        }
        Value::Array(array) => match array.objects() {
            Some(objects) => rows(objects),
            None => "holds one pickled array; save it with np.save(\"a.npy\", a)".to_owned(),
        },
        other => {
            let found = other.describe();
            format!("holds one pickled Python object ({found}); save an array of numbers")
        }
    }
}

/// Integer or whole-number float labels in a list or an array of objects; `None` for other content.
pub(super) fn labels(bytes: &[u8]) -> Option<Vec<i64>> {
    let pickle = pickle::read(bytes).ok()?;
    let labels = pickle.root().unwrapped().integers()?;
    let labels = labels.into_iter().map(|label| label.try_into().ok());
    labels.collect()
}

/// Describes an array with one object per sample.
fn rows(objects: Items<'_>) -> String {
    if objects.len() == 0 {
        return "is empty; save at least one row".to_owned();
    }
    let all = |is: fn(Value<'_>) -> bool| objects.iter().all(is);
    let is_none = |object| matches!(object, Value::None);
    if let Some(row) = objects.iter().position(is_none) {
        return format!(
            "holds Python objects, and None in row {row}; leave that sample out, or give it a value"
        );
    }
    if all(|object| object.text().is_some()) {
        return "holds class names as Python objects; class names must become numbers, \
                np.unique(a.astype(str), return_inverse=True)[1]; numbers that were saved as text, a.astype(\"int64\")"
            .to_owned();
    }
    if all(|object| matches!(object, Value::Integer(_) | Value::Bool(_))) {
        return "holds integers as Python objects; save a.astype(\"int64\") as labels, a.astype(\"float32\") as features"
            .to_owned();
    }
    if all(|object| matches!(object, Value::Integer(_) | Value::Float(_))) {
        return "holds floats as Python objects; save a.astype(\"float32\")".to_owned();
    }
    let first = objects.iter().next().and_then(shape);
    if first.is_none() {
        return SEVERAL_KINDS.to_owned();
    }
    let mut shapes = objects.iter().map(shape).enumerate();
    match shapes.find(|(_, shape)| *shape != first) {
        None => "holds a list of arrays as Python objects; save np.stack(list(a))".to_owned(),
        Some((row, Some(other))) => format!(
            "holds a list of arrays of different shapes ({:?} in row 0, {other:?} in row {row}); save \
             np.concatenate(list(a)) if they are batches; otherwise pool or crop them to one shape and save np.stack(list(a))",
            first.unwrap_or_default()
        ),
        Some((_, None)) => SEVERAL_KINDS.to_owned(),
    }
}

fn shape(object: Value<'_>) -> Option<Vec<u64>> {
    match object {
        Value::Array(array) => Some(array.shape().to_vec()),
        Value::List(items) | Value::Tuple(items) => Some(vec![items.len() as u64]),
        _ => None,
    }
}
