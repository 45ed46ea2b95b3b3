//! What the pickled Python objects of an array are, and how to save numbers instead.

use crate::pickle::{self, Items, Value};

/// Describes the objects of an array, whose `.npy` header is followed by `bytes`. The text completes
/// a sentence that begins with the path.
pub(super) fn describe(bytes: &[u8]) -> String {
    let pickle = match pickle::read(bytes) {
        Ok(pickle) => pickle,
        Err(reason) => return reason,
    };
    match pickle.root().unwrapped() {
        Value::Dict(entries) => {
            let keys = entries.iter().filter_map(|(key, _)| key.text());
            let keys: Vec<String> = keys.map(str::to_owned).collect();
            format!(
                "holds one pickled dictionary ({}); save its arrays by name, np.savez(f, **d)",
                super::remedy::shortened(&keys)
            )
        }
        Value::Array(array) => match array.objects() {
            Some(objects) => rows(objects),
            None => "holds one pickled array; save it with np.save(\"a.npy\", a)".to_owned(),
        },
        other => format!(
            "holds one pickled Python object ({}); save an array of numbers",
            other.describe()
        ),
    }
}

/// Labels that are integers or whole floats, in a list or an array of objects; `None` for others.
pub(super) fn labels(bytes: &[u8]) -> Option<Vec<i64>> {
    let pickle = pickle::read(bytes).ok()?;
    let labels = pickle.root().unwrapped().integers()?;
    labels
        .into_iter()
        .map(|label| label.try_into().ok())
        .collect()
}

/// Describes one object per sample.
fn rows(objects: Items<'_>) -> String {
    let all = |is: fn(Value<'_>) -> bool| objects.iter().all(is);
    if let Some(row) = objects
        .iter()
        .position(|object| matches!(object, Value::None))
    {
        return format!(
            "holds Python objects, and None in row {row}; leave that sample out, or give it a value"
        );
    }
    if all(|object| object.text().is_some()) {
        return "holds class names as Python objects; class names must become numbers, \
                np.unique(a.astype(str), return_inverse=True)[1]"
            .to_owned();
    }
    if all(|object| matches!(object, Value::Integer(_) | Value::Bool(_))) {
        return "holds integers as Python objects; save a.astype(\"int64\")".to_owned();
    }
    if all(|object| matches!(object, Value::Integer(_) | Value::Float(_))) {
        return "holds floats as Python objects; save a.astype(\"float32\")".to_owned();
    }
    let shapes: Option<Vec<Vec<u64>>> = objects.iter().map(shape).collect();
    match shapes.as_deref() {
        Some([first, rest @ ..]) => match rest.iter().position(|shape| shape != first) {
            None => "holds a list of arrays as Python objects; save np.stack(list(a))".to_owned(),
            Some(row) => format!(
                "holds a list of arrays of different shapes ({first:?} in row 0, {:?} in row {}); pool or cut them to \
                 one shape, then save np.stack(list(a))",
                rest[row],
                row + 1
            ),
        },
        _ => "holds Python objects of several kinds; save an array of numbers".to_owned(),
    }
}

fn shape(object: Value<'_>) -> Option<Vec<u64>> {
    match object {
        Value::Array(array) => Some(array.shape().to_vec()),
        Value::List(items) | Value::Tuple(items) => Some(vec![items.len() as u64]),
        _ => None,
    }
}
