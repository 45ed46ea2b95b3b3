//! Solves the models of memdil-theory, draws them, and fits them to runs.

mod classes;
mod contour;
mod curve;
mod curves;
mod fits;
mod jumps;
mod map;
mod model;
mod phase;
mod solved;

pub use fits::{PanelFit, PredictedRho, fit_runs};
pub(crate) use phase::GridPoint;
pub(crate) use solved::Theory;
