//! The second pass over the features, without the parts that are undefined for the inputs.

use std::collections::BTreeMap;

use ndarray::ArrayView2;

use crate::error::MetricsError;
use crate::kernels::Real;
use crate::label::Label;
use crate::passes::{Moments, Predictions, SecondPassTotals, Wanted, WantedPart, in_memory};
use crate::results::Memorization;

/// The totals of the second pass, and the reason for each part that is undefined.
pub(super) struct Second {
    totals: SecondPassTotals,
    reasons: BTreeMap<WantedPart, MetricsError>,
}

impl Second {
    /// Collects all requested parts that are defined.
    ///
    /// If all are defined, this is a single pass. Coinciding means and missing samples are detected
    /// before the features are read again; only values outside the range of `f64` require further
    /// passes.
    ///
    /// # Errors
    /// Invalid inputs.
    pub(super) fn collect<T: Real, W: Real, L: Label>(
        moments: &Moments,
        data: (ArrayView2<'_, T>, &[L], Option<&[L]>),
        mut wanted: Wanted<'_, W>,
    ) -> Result<Self, MetricsError> {
        let mut reasons = BTreeMap::new();
        loop {
            let error = match in_memory(moments, data, wanted) {
                Ok(totals) => return Ok(Self { totals, reasons }),
                Err(error) => error,
            };
            let mut undefined = match &error {
                MetricsError::ZeroScatter | MetricsError::NotConverged { .. } => {
                    vec![WantedPart::Nc1]
                }
                MetricsError::NoCleanSample { .. } => vec![WantedPart::Memorization],
                MetricsError::NoTestSample { .. } => vec![WantedPart::Test],
                MetricsError::SumOverflow { .. } => overflowing(moments, data, wanted),
                _ => Vec::new(),
            };
            undefined.retain(|&part| wanted.remove(part));
            if undefined.is_empty() {
                return Err(error);
            }
            reasons.extend(undefined.into_iter().map(|part| (part, error.clone())));
        }
    }

    pub(super) fn nc1(&self) -> Result<f64, MetricsError> {
        self.check(WantedPart::Nc1)?.nc1()
    }

    pub(super) fn nc4(&self) -> Result<f64, MetricsError> {
        // The other reasons for an undefined NC1 (overflow, no convergence) do not affect the
        // nearest means.
        if let Some(reason @ MetricsError::ZeroScatter) = self.reasons.get(&WantedPart::Nc1) {
            return Err(reason.clone());
        }
        self.check(WantedPart::Head)?.nc4()
    }

    pub(super) fn predictions(&self) -> Result<&Predictions, MetricsError> {
        self.check(WantedPart::Head)?.predictions()
    }

    pub(super) fn memorization(&self) -> Result<Memorization, MetricsError> {
        self.check(WantedPart::Memorization)?.memorization()
    }

    pub(super) fn memorization_test(&self) -> Result<Memorization, MetricsError> {
        self.check(WantedPart::Test)?.memorization_test()
    }

    /// Returns the totals if this part was collected, or the reason if not.
    fn check(&self, part: WantedPart) -> Result<&SecondPassTotals, MetricsError> {
        match self.reasons.get(&part) {
            Some(reason) => Err(reason.clone()),
            None => Ok(&self.totals),
        }
    }
}

/// The parts that overflow when they are collected separately, or all parts if none does.
fn overflowing<T: Real, W: Real, L: Label>(
    moments: &Moments,
    data: (ArrayView2<'_, T>, &[L], Option<&[L]>),
    wanted: Wanted<'_, W>,
) -> Vec<WantedPart> {
    let fails = |part: &WantedPart| in_memory(moments, data, wanted.only(*part)).is_err();
    let failing: Vec<WantedPart> = WantedPart::ALL.into_iter().filter(fails).collect();
    if failing.is_empty() {
        WantedPart::ALL.to_vec()
    } else {
        failing
    }
}
