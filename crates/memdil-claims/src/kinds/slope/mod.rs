//! The slope of a quantity in $\lambda$, for networks with the penalties of the
//! memorization-dilation model.

mod between;
mod model;
mod regime;

pub use between::SlopeDifference;
pub use model::{ModelSlope, PanelSlopes, SolvedRun};
