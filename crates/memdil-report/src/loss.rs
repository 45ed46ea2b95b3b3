//! The losses, in the order of tables and legends.

use std::fmt;

use memdil_losses::Loss as Specified;

use crate::chart::{Glyph, SHAPES};

/// A loss without its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Loss {
    CrossEntropy,
    LabelSmoothing,
    LabelRelaxation,
    Mse,
    Focal,
    GeneralizedCrossEntropy,
    SymmetricCrossEntropy,
    ForwardCorrection,
}

impl Loss {
    /// Its colour.
    pub(crate) fn colour(self) -> &'static str {
        match self {
            Self::CrossEntropy => "ce",
            Self::LabelSmoothing => "ls",
            Self::LabelRelaxation => "lr",
            Self::Mse => "mse",
            Self::Focal => "fl",
            Self::GeneralizedCrossEntropy => "gce",
            Self::SymmetricCrossEntropy => "sce",
            Self::ForwardCorrection => "fc",
        }
    }

    /// A shape of its own, where shapes are not noise levels.
    pub(crate) fn glyph(self) -> Glyph {
        SHAPES[self as usize % SHAPES.len()]
    }
}

impl From<&Specified> for Loss {
    fn from(loss: &Specified) -> Self {
        match loss {
            Specified::CrossEntropy {} => Self::CrossEntropy,
            Specified::LabelSmoothing { .. } => Self::LabelSmoothing,
            Specified::LabelRelaxation { .. } => Self::LabelRelaxation,
            Specified::Mse {} => Self::Mse,
            Specified::Focal { .. } => Self::Focal,
            Specified::GeneralizedCrossEntropy { .. } => Self::GeneralizedCrossEntropy,
            Specified::SymmetricCrossEntropy { .. } => Self::SymmetricCrossEntropy,
            Specified::ForwardCorrection { .. } => Self::ForwardCorrection,
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CrossEntropy => "CE",
            Self::LabelSmoothing => "LS",
            Self::LabelRelaxation => "LR",
            Self::Mse => "MSE",
            Self::Focal => "FL",
            Self::GeneralizedCrossEntropy => "GCE",
            Self::SymmetricCrossEntropy => "SCE",
            Self::ForwardCorrection => "FC",
        })
    }
}
