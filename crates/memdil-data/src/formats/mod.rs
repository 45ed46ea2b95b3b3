//! File formats, independent of their content; the [`readers`](crate::readers) interpret images and
//! labels.
//!
//! | module | format |
//! | --- | --- |
//! | [`signature`] | recognising a file by its first bytes |
//! | [`gzip`], [`unpack`] | gzip, and opening files that may be compressed, with a size limit |
//! | [`arrays`] | `.npy`, `.npz` (ZIP), `.safetensors`, and columns of labels in text files |
//! | [`pickle`] | Python pickles, without running Python |
//! | [`mat`] | MATLAB files of version 5 |

pub mod arrays;
pub(crate) mod gzip;
pub(crate) mod mat;
pub(crate) mod names;
pub(crate) mod numbers;
pub(crate) mod pickle;
pub(crate) mod signature;
pub(crate) mod unpack;
