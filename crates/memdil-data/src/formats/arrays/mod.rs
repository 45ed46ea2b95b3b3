//! Arrays in the file formats of NumPy, PyTorch, Keras and JAX users.
//!
//! | file | arrays |
//! | --- | --- |
//! | `.npy` | one array; header versions 1 to 3 |
//! | `.npz` | named arrays, stored or deflated |
//! | `.safetensors` | named arrays |
//! | `.csv`, `.txt` | labels: one number per line, or several columns with names in the first line |
//! | `.pkl`, `.pickle` | labels: a pickled list or array of integers |
//!
//! Floats are float16, bfloat16 (in `.safetensors` only), float32 or float64; labels are integers
//! of any type, booleans, or whole-number floats. Both byte orders and both memory orders are
//! supported. Files are mapped, and float32 and float64 in C order are used without a copy, so an
//! array may be larger than memory.
//!
//! For any input, the result is a complete array or a one-line message with the file, the fault and
//! the remedy.

mod array;
mod dtype;
mod file;
mod header;
mod labels;
mod member;
mod objects;
mod remedy;
mod role;
mod text;

pub use array::{Array, Float};
pub use dtype::Dtype;
pub use file::ArrayFile;
pub use role::Role;
