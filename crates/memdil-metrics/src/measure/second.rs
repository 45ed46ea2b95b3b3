//! The second pass over the features, without the parts that these inputs leave undefined.

use ndarray::ArrayView2;

use crate::input::{Label, Real};
use crate::second_pass::{Wanted, in_memory};
use crate::{Memorization, MetricsError, Moments, Predictions, SecondPassTotals};

/// What the second pass collected, and for each part that it could not collect the reason.
pub(super) struct Second {
    totals: SecondPassTotals,
    reasons: Reasons,
}

#[derive(Default)]
struct Reasons {
    nc1: Option<MetricsError>,
    head: Option<MetricsError>,
    memorization: Option<MetricsError>,
    test: Option<MetricsError>,
}

impl Second {
    /// Collects all that is wanted and defined.
    ///
    /// Where everything is defined this is one pass. Means that coincide and classes without the
    /// samples they need are found before the features are read again; only values beyond the
    /// range of `f64` cost further passes.
    ///
    /// # Errors
    /// Inputs that cannot be used.
    pub(super) fn collect<T: Real, W: Real, L: Label>(
        moments: &Moments,
        data: (ArrayView2<'_, T>, &[L], Option<&[L]>),
        mut wanted: Wanted<'_, W>,
    ) -> Result<Self, MetricsError> {
        let mut reasons = Reasons::default();
        loop {
            let error = match in_memory(moments, data, wanted) {
                Ok(totals) => return Ok(Self { totals, reasons }),
                Err(error) => error,
            };
            match &error {
                MetricsError::ZeroScatter | MetricsError::NotConverged { .. } if wanted.nc1 => {
                    wanted.nc1 = false;
                    reasons.nc1 = Some(error);
                }
                MetricsError::NoCleanSample { .. } if wanted.memorization => {
                    wanted.memorization = false;
                    reasons.memorization = Some(error);
                }
                MetricsError::NoTestSample { .. } if wanted.test.is_some() => {
                    wanted.test = None;
                    reasons.test = Some(error);
                }
                MetricsError::Overflow { .. } if !wanted.is_empty() => {
                    reasons.leave_out(&error, &mut wanted, |part| {
                        in_memory(moments, data, part).is_err()
                    });
                }
                _ => return Err(error),
            }
        }
    }

    pub(super) fn nc1(&self) -> Result<f64, MetricsError> {
        or_reason(&self.reasons.nc1)?;
        self.totals.nc1()
    }

    pub(super) fn nc4(&self) -> Result<f64, MetricsError> {
        // Other reasons of NC1 (overflow, no convergence) leave the nearest means as they are.
        if let Some(reason @ MetricsError::ZeroScatter) = &self.reasons.nc1 {
            return Err(reason.clone());
        }
        or_reason(&self.reasons.head)?;
        self.totals.nc4()
    }

    pub(super) fn predictions(&self) -> Result<&Predictions, MetricsError> {
        or_reason(&self.reasons.head)?;
        self.totals.predictions()
    }

    pub(super) fn memorization(&self) -> Result<Memorization, MetricsError> {
        or_reason(&self.reasons.memorization)?;
        self.totals.memorization()
    }

    pub(super) fn memorization_test(&self) -> Result<Memorization, MetricsError> {
        or_reason(&self.reasons.test)?;
        self.totals.memorization_test()
    }
}

fn or_reason(reason: &Option<MetricsError>) -> Result<(), MetricsError> {
    match reason {
        Some(reason) => Err(reason.clone()),
        None => Ok(()),
    }
}

impl Reasons {
    /// Leaves out the parts that overflow when they are collected alone; all of them if none does.
    fn leave_out<'a, W: Copy>(
        &mut self,
        error: &MetricsError,
        wanted: &mut Wanted<'a, W>,
        fails: impl Fn(Wanted<'a, W>) -> bool,
    ) {
        let alone = wanted.parts();
        let failing = alone.map(|part| part.is_some_and(&fails));
        let none = failing == [false; 4];
        let [nc1, head, memorization, test] = failing.map(|fails| fails || none);
        let reason = |fails: bool| fails.then(|| error.clone());
        if nc1 && wanted.nc1 {
            (wanted.nc1, self.nc1) = (false, reason(true));
        }
        if head && wanted.head.is_some() {
            (wanted.head, self.head) = (None, reason(true));
        }
        if memorization && wanted.memorization {
            (wanted.memorization, self.memorization) = (false, reason(true));
        }
        if test && wanted.test.is_some() {
            (wanted.test, self.test) = (None, reason(true));
        }
    }
}
