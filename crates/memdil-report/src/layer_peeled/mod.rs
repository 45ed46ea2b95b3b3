//! Compares free features trained by gradient descent with the closed form of the layer-peeled
//! model.

mod claim;
mod descent;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use claim::claim;
pub(crate) use descent::{Descent, read};
pub(crate) use table::table;
