//! The losses, in the order in which tables and legends list them.

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
    fn name_and_colour(self) -> (&'static str, &'static str) {
        match self {
            Self::CrossEntropy => ("CE", "ce"),
            Self::LabelSmoothing => ("LS", "ls"),
            Self::LabelRelaxation => ("LR", "lr"),
            Self::Mse => ("MSE", "mse"),
            Self::Focal => ("FL", "fl"),
            Self::GeneralizedCrossEntropy => ("GCE", "gce"),
            Self::SymmetricCrossEntropy => ("SCE", "sce"),
            Self::ForwardCorrection => ("FC", "fc"),
        }
    }

    /// The CSS class of its colour.
    pub(crate) fn colour(self) -> &'static str {
        self.name_and_colour().1
    }

    /// Its shape in figures whose shapes do not denote noise levels.
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
        f.write_str(self.name_and_colour().0)
    }
}
