//! The batches of CIFAR's Python version: pickled dictionaries.
//!
//! A batch holds `data`, a byte array of shape (n, 3072) whose rows are the planes of an image as
//! in the binary version, and the list `labels` (CIFAR-10), or `fine_labels` and `coarse_labels`
//! (CIFAR-100). The published batches were written by Python 2, so their keys are bytes in Python
//! 3.

use super::labels::{Labels, PIXELS};
use crate::formats::pickle::{self, Value};

/// Reads the labels and pixels of a batch. The pixels of protocol 3 and later are not copied;
/// earlier protocols encode them as text.
///
/// # Errors
/// A message that completes a sentence beginning with the name of the file.
pub(super) fn parse(mut bytes: Vec<u8>, kind: Labels) -> Result<(Vec<u32>, Vec<u8>), String> {
    let (labels, place) = {
        let pickle = pickle::read(&bytes)?;
        let batch = pickle.root();
        let labels = labels(batch, kind)?;
        (labels, pixels(batch, &bytes)?)
    };
    let pixels = match place {
        Pixels::At(start, length) => {
            bytes.truncate(start + length);
            bytes.drain(..start);
            bytes
        }
        Pixels::Copied(pixels) => pixels,
    };
    if labels.len() * PIXELS != pixels.len() {
        let (labels, images) = (labels.len(), pixels.len() / PIXELS);
        return Err(format!(
            "holds {labels} labels for {images} images; download it again"
        ));
    }
    Ok((labels, pixels))
}

/// The labels of a batch.
fn labels(batch: Value<'_>, kind: Labels) -> Result<Vec<u32>, String> {
    let (name, other_name, other) = match kind {
        Labels::Cifar10 => ("labels", "fine_labels", "CIFAR-100"),
        Labels::Fine => ("fine_labels", "labels", "CIFAR-10"),
        Labels::Coarse => ("coarse_labels", "labels", "CIFAR-10"),
    };
    if !matches!(batch, Value::Dict(_)) {
        let found = batch.describe();
        return Err(format!(
            "holds {found}, not the dictionary of a batch; check that it is a file of CIFAR's Python version"
        ));
    }
    let Some(found) = batch.get(name) else {
        return Err(match batch.get(other_name) {
            Some(_) => format!("has no `{name}`: it is a batch of {other}"),
            None => {
                format!("has no `{name}`; check that it is a batch of CIFAR's Python version")
            }
        });
    };
    let Some(integers) = found.integers() else {
        let found = found.describe();
        return Err(format!(
            "holds {found} as `{name}`, not a list of integers; download it again"
        ));
    };
    let (_, _, classes) = kind.record();
    let is_class = |&integer: &i128| (0..classes as i128).contains(&integer);
    if let Some(row) = integers.iter().position(|integer| !is_class(integer)) {
        let label = integers[row];
        return Err(format!(
            "has label {label} in row {row}, which is out of range: labels must be below {classes}"
        ));
    }
    Ok(integers.into_iter().map(|label| label as u32).collect())
}

/// The location of the pixels.
enum Pixels {
    /// In the file, row by row: their start and their number.
    At(usize, usize),
    /// Copied into row order.
    Copied(Vec<u8>),
}

fn pixels(batch: Value<'_>, file: &[u8]) -> Result<Pixels, String> {
    let found = batch.get("data");
    let wrong = || {
        let found = found.map_or_else(|| "nothing".to_owned(), Value::describe);
        format!(
            "holds {found} as `data`, not an array of uint8 of shape (n, {PIXELS}); check that it is a batch of CIFAR's Python version"
        )
    };
    let Some(Value::Array(array)) = found else {
        return Err(wrong());
    };
    let (&[count, PIXELS_64], Some(bytes), "|u1") =
        (array.shape(), array.bytes(), array.descr().as_str())
    else {
        return Err(wrong());
    };
    if array.fortran() {
        // The bytes are in memory, so their number fits into usize.
        let count = count as usize;
        let pixel = |i: usize| bytes[i / PIXELS + i % PIXELS * count];
        return Ok(Pixels::Copied((0..bytes.len()).map(pixel).collect()));
    }
    // The text of protocols 0 to 2 was decoded into separate memory.
    let start = bytes.as_ptr().addr().wrapping_sub(file.as_ptr().addr());
    let place = file.get(start..start.wrapping_add(bytes.len()));
    Ok(
        match place.is_some_and(|place| std::ptr::eq(place, bytes)) {
            true => Pixels::At(start, bytes.len()),
            false => Pixels::Copied(bytes.to_vec()),
        },
    )
}

const PIXELS_64: u64 = PIXELS as u64;
