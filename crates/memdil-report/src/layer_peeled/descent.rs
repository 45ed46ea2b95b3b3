//! A training of free features by gradient descent, and the minimum in closed form.

use std::path::Path;

use memdil_records::{LayerPeeledEnd, LayerPeeledRecord, LayerPeeledStatus, read_layer_peeled};
use memdil_theory::layer_peeled::{LpmSetting, LpmSolution, closed_form};

use crate::error::ReportError;

/// A training and the minimum in closed form.
#[derive(Clone, Debug)]
pub(crate) struct Descent {
    pub(crate) record: LayerPeeledRecord,
    /// `None` if the minimiser does not fit into the dimension.
    pub(super) exact: Option<LpmSolution>,
}

/// Reads `layer-peeled.jsonl` in a folder of runs. The trainings are sorted by sign, loss, size,
/// seed and the remaining settings.
pub(crate) fn read(folder: &Path) -> Result<Vec<Descent>, ReportError> {
    let records = read_layer_peeled(folder)?.into_iter();
    let mut descents: Vec<Descent> = records.map(Descent::new).collect();
    descents.sort_by_cached_key(|descent| {
        let spec = &descent.record.spec;
        let json = serde_json::to_string(spec).unwrap_or_default();
        let size = (spec.classes, spec.dim);
        (spec.nonnegative, descent.loss(), size, spec.seed, json)
    });
    Ok(descents)
}

impl Descent {
    pub(super) fn new(record: LayerPeeledRecord) -> Self {
        let spec = &record.spec;
        let setting = LpmSetting::new(spec.classes, spec.lambda_w, spec.lambda_h)
            .alpha(spec.loss.alpha().unwrap_or(0.0))
            .nonnegative(spec.nonnegative);
        // Cannot fail: reading a specification checks that its values are in the valid ranges.
        let solution = closed_form(&setting).ok();
        let exact = solution.filter(|_| spec.frame_fits());
        Self { record, exact }
    }

    pub(super) fn loss(&self) -> String {
        self.record.spec.loss.label()
    }

    /// Relative errors of objective, logit gap and squared norms of features and weights.
    pub(super) fn errors(&self) -> Option<[f64; 4]> {
        let (end, exact) = (self.record.end.as_ref()?, self.exact.as_ref()?);
        Some([
            relative(end.objective, exact.objective),
            relative(end.logit_gap, exact.logit_gap),
            relative(end.feature_sq_norm, exact.feature_sq_norm),
            relative(end.weight_row_sq_norm, exact.weight_row_sq_norm),
        ])
    }

    pub(super) fn converged(&self) -> bool {
        self.record.status == LayerPeeledStatus::Converged
    }

    /// Deviation of the class means from the frame of the closed form.
    pub(super) fn nc2_plus(&self, end: &LayerPeeledEnd) -> Option<f64> {
        let spec = &self.record.spec;
        let cosine = if spec.nonnegative {
            0.0
        } else {
            -1.0 / (spec.classes as f64 - 1.0)
        };
        let cosines = end.feature_cosines?.map(|found| (found - cosine).abs());
        Some(cosines.into_iter().fold(end.feature_norm_spread?, f64::max))
    }
}

/// The relative error, or the absolute error if the expected value is zero (total collapse).
pub(super) fn relative(found: f64, expected: f64) -> f64 {
    let error = (found - expected).abs();
    if expected.abs() > 0.0 {
        error / expected.abs()
    } else {
        error
    }
}
