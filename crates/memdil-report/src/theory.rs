//! Where the figures of the theory join the page.

use crate::chart::Figure;
use crate::runs::Run;

/// Figures of the layer-peeled and memorization-dilation models beside the runs. None are made yet: no experiment
/// records a theory result that could be drawn.
pub(crate) fn figures(_runs: &[Run]) -> Vec<Figure> {
    Vec::new()
}
