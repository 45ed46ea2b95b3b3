//! The slope of a quantity in $\lambda$, for networks with the penalties of the
//! memorization-dilation model.

mod difference;
mod model;
mod regime;

pub use difference::SlopeDifference;
pub use model::{ModelSlope, PanelSlopes, SolvedRun};
