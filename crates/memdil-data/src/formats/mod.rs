//! File formats, whatever they are used for; what images and labels mean is left to the
//! [`readers`](crate::readers).
//!
//! | module | format |
//! | --- | --- |
//! | [`signature`] | what a file is by its first bytes |
//! | [`gzip`], [`unpack`] | gzip, and opening files that may be packed, within bounds |
//! | [`arrays`] | `.npy`, `.npz` (ZIP), `.safetensors`, and columns of labels in a text |
//! | [`pickle`] | Python's objects, without Python |
//! | [`mat`] | MATLAB files of version 5 |

pub mod arrays;
pub(crate) mod gzip;
pub(crate) mod mat;
pub(crate) mod names;
pub(crate) mod numbers;
pub(crate) mod pickle;
pub(crate) mod signature;
pub(crate) mod unpack;
