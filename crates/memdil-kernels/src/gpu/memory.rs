//! Transfers of values to and from a device's memory, and the padding of matrix rows.

use bytemuck::{AnyBitPattern, NoUninit, cast_slice, cast_slice_mut};

use super::machine::GpuMachine;
use crate::error::KernelError;

/// The padded row length of a matrix with `columns` columns, a multiple of four values.
pub(super) fn pitch(columns: usize) -> usize {
    columns.next_multiple_of(4)
}

/// Adds the padding to rows.
pub(super) fn padded(values: &[f32], columns: usize) -> Vec<f32> {
    let mut padded = vec![0.0; values.len() / columns * pitch(columns)];
    let rows = padded.chunks_exact_mut(pitch(columns));
    for (to, from) in rows.zip(values.chunks_exact(columns)) {
        to[..columns].copy_from_slice(from);
    }
    padded
}

/// Removes the padding from rows.
pub(super) fn unpadded(values: &[f32], columns: usize) -> Vec<f32> {
    let rows = values.chunks_exact(pitch(columns));
    rows.flat_map(|row| &row[..columns]).copied().collect()
}

/// Copies values to new memory.
pub(super) fn upload<M: GpuMachine>(
    machine: &M,
    values: &[impl NoUninit],
) -> Result<M::Memory, KernelError> {
    let mut memory = machine.zeros(size_of_val(values).max(1))?;
    machine.write(&mut memory, 0, cast_slice(values))?;
    Ok(memory)
}

/// Reads `count` values, starting at an offset in bytes.
pub(super) fn download<M: GpuMachine, T: NoUninit + AnyBitPattern>(
    machine: &M,
    memory: &M::Memory,
    offset: usize,
    count: usize,
) -> Result<Vec<T>, KernelError> {
    let mut values = vec![T::zeroed(); count];
    machine.read(memory, offset, cast_slice_mut(&mut values))?;
    Ok(values)
}
