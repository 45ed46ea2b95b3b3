//! The figures that experiment files can name.

mod against_ce;
mod by_noise;
mod capacity;
mod catalogue;
mod decomposition;
mod dilation;
mod epochs;
mod features;
mod lambda;
mod layers;
mod levels;
mod lines;
mod model;
mod model_errors;
mod portrait;
mod sample_ranking;
mod sample_scores;
mod searches;

pub(crate) use catalogue::{DEFAULT, FigureSources, THEORY, draw, names};
