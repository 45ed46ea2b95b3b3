//! Arrays in the files that NumPy, PyTorch, Keras and JAX users have.
//!
//! | file | arrays |
//! | --- | --- |
//! | `.npy` | one; header versions 1 to 3 |
//! | `.npz` | several by name, stored or deflated |
//! | `.safetensors` | several by name |
//! | `.csv`, `.txt` | labels: one number a line, or several columns with names in the first line |
//! | `.pkl`, `.pickle` | labels: a pickled list or array of integers |
//!
//! Floats are float16, bfloat16 (in `.safetensors` only), float32 or float64; labels are integers
//! of any type, booleans, or floats that are whole numbers. Both byte orders and both memory orders
//! are read. Files are mapped, and float32 and float64 in C order are used where they lie, so that
//! an array may be larger than memory.
//!
//! Whatever the bytes are, the answer is an array whose elements are all there, or one line that
//! says what is wrong with which file and what to do.

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
