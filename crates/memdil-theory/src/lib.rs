//! memdil-theory.
mod error;
pub mod layer_peeled;
pub mod lbfgs;
pub mod limits;
mod margin;
mod measure;
pub mod memorization_dilation;
mod newton;

pub use error::TheoryError;
pub use margin::{ConvexMargin, LossKind, MarginLoss};
pub use measure::{Measure, Rule};
pub use memorization_dilation::{MdOutcome, MdRecord, MdSetting, MdSolution};
