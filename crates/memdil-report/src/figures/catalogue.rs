//! The catalogue of figures by name.

use memdil_claims::{PanelPredictions, PanelSlopes};
use memdil_records::SearchRecord;

use super::{
    against_ce, by_noise, capacity, decomposition, dilation, epochs, features, lambda, layers,
    model, model_errors, portrait, sample_ranking, sample_scores, searches,
};
use crate::chart::Figure;
use crate::classes::{self, NamedClasses};
use crate::error::ReportError;
use crate::runs::Run;
use crate::theory::Theory;

/// The sources of an experiment's figures.
pub(crate) struct FigureSources<'a> {
    pub(crate) runs: &'a [&'a Run],
    pub(crate) searches: &'a [&'a SearchRecord],
    pub(crate) predictions: &'a [PanelPredictions],
    pub(crate) slopes: &'a [PanelSlopes],
    pub(crate) theory: Option<&'a Theory>,
    pub(crate) classes: Option<&'a NamedClasses>,
}

type Draw = fn(&FigureSources<'_>) -> Result<Option<Figure>, ReportError>;

/// All figures by name.
const FIGURES: [(&str, Draw); 21] = [
    ("phase-portrait", |s| portrait::figure(s.runs)),
    ("dilation-memorization", |s| Ok(dilation::figure(s.runs))),
    ("capacity", |s| Ok(capacity::figure(s.runs))),
    ("decomposition", |s| Ok(decomposition::figure(s.runs))),
    ("against-ce", |s| Ok(against_ce::figure(s.runs))),
    ("by-noise", |s| Ok(by_noise::figure(s.runs))),
    ("model", |s| Ok(model::figure(s.predictions))),
    ("model-errors", |s| Ok(model_errors::figure(s.predictions))),
    ("features", |s| features::figure(s.runs)),
    ("epochs", |s| epochs::figure(s.runs)),
    ("class-angles", |s| Ok(classes::figure(s.classes))),
    ("sample-ranking", |s| sample_ranking::figure(s.runs)),
    ("sample-scores", |s| sample_scores::figure(s.runs)),
    ("layers", |s| Ok(layers::figure(s.runs))),
    ("lambda", |s| Ok(lambda::figure(s.slopes, s.runs))),
    ("search-history", |s| Ok(searches::figure(s.searches))),
    ("theory-decay", |s| {
        Ok(s.theory.map(|t| t.curves.decay_figure()))
    }),
    ("theory-noise", |s| {
        Ok(s.theory.map(|t| t.curves.noise_figure()))
    }),
    ("theory-phase", |s| Ok(s.theory.map(|t| t.phase.figure()))),
    ("theory-jumps", |s| Ok(s.theory.map(Theory::jumps_figure))),
    ("theory-classes", |s| {
        Ok(s.theory.map(Theory::classes_figure))
    }),
];

/// The figures that are drawn for an experiment whose file names no figures.
pub(crate) const DEFAULT: [&str; 8] = [
    "dilation-memorization",
    "features",
    "by-noise",
    "epochs",
    "class-angles",
    "sample-ranking",
    "sample-scores",
    "search-history",
];

/// The figures of the solved models.
pub(crate) const THEORY: [&str; 5] = [
    "theory-decay",
    "theory-noise",
    "theory-phase",
    "theory-jumps",
    "theory-classes",
];

/// The names of all figures.
pub(crate) fn names() -> [&'static str; FIGURES.len()] {
    FIGURES.map(|(name, _)| name)
}

/// The figure of this name; `None` if there is nothing to draw.
pub(crate) fn draw(name: &str, sources: &FigureSources<'_>) -> Result<Option<Figure>, ReportError> {
    let known = FIGURES.iter().find(|(known, _)| *known == name);
    known.map_or(Ok(None), |(_, draw)| draw(sources))
}
