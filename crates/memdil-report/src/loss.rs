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

/// Names and colours, in the order of [`Loss`].
const NAMES: [&str; 8] = ["CE", "LS", "LR", "MSE", "FL", "GCE", "SCE", "FC"];
const COLOURS: [&str; 8] = ["ce", "ls", "lr", "mse", "fl", "gce", "sce", "fc"];

impl Loss {
    /// The CSS class of its colour.
    pub(crate) fn colour(self) -> &'static str {
        COLOURS[self as usize]
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
        f.write_str(NAMES[*self as usize])
    }
}
