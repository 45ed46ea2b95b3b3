//! The scores of training samples, in the order of tables and legends.

use memdil_records::{EpochRecord, Ranking, SampleScore};

use crate::chart::Glyph;

/// A score with its label and its colour and shape in figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShownScore {
    pub(crate) score: SampleScore,
    pub(crate) label: &'static str,
    pub(crate) colour: &'static str,
    pub(crate) glyph: Glyph,
}

const fn shown(
    score: SampleScore,
    label: &'static str,
    colour: &'static str,
    glyph: Glyph,
) -> ShownScore {
    ShownScore {
        score,
        label,
        colour,
        glyph,
    }
}

/// All scores.
pub(crate) const SCORES: [ShownScore; 6] = [
    shown(SampleScore::MeanLoss, "mean loss", "class4", Glyph::Circle),
    shown(
        SampleScore::MeanMargin,
        "mean margin",
        "class5",
        Glyph::Square,
    ),
    shown(
        SampleScore::ForgettingEvents,
        "forgetting events",
        "class2",
        Glyph::Triangle,
    ),
    shown(
        SampleScore::GivenSince,
        "epoch of learning",
        "class1",
        Glyph::Diamond,
    ),
    shown(
        SampleScore::DistanceGiven,
        "distance to given class",
        "class3",
        Glyph::TriangleDown,
    ),
    shown(
        SampleScore::AlignmentGiven,
        "alignment with given class",
        "class0",
        Glyph::Plus,
    ),
];

impl ShownScore {
    /// How well the score separates corrupted samples in this epoch.
    pub(crate) fn ranking(&self, epoch: &EpochRecord) -> Option<Ranking> {
        epoch.ranking.as_ref()?.of(self.score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_has_a_label() {
        assert_eq!(SCORES.map(|shown| shown.score), SampleScore::ALL);
    }
}
