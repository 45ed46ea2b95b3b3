//! The second pass over features in memory.

use ndarray::{ArrayView1, ArrayView2};

use super::pass::SecondPass;
use super::totals::SecondPassTotals;
use crate::error::MetricsError;
use crate::kernels::Real;
use crate::label::Label;
use crate::passes::moments::Moments;

/// The quantities that a pass over features in memory collects.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted<'a, W> {
    pub(crate) nc1: bool,
    pub(crate) head: Option<(ArrayView2<'a, W>, ArrayView1<'a, W>)>,
    pub(crate) memorization: bool,
    pub(crate) test: Option<&'a Moments>,
}

/// One of the parts of [`Wanted`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WantedPart {
    Nc1,
    Head,
    Memorization,
    Test,
}

impl WantedPart {
    pub(crate) const ALL: [Self; 4] = [Self::Nc1, Self::Head, Self::Memorization, Self::Test];
}

impl<W: Copy> Wanted<'_, W> {
    /// Removes a part; returns false if it was not requested.
    pub(crate) fn remove(&mut self, part: WantedPart) -> bool {
        match part {
            WantedPart::Nc1 => std::mem::take(&mut self.nc1),
            WantedPart::Head => self.head.take().is_some(),
            WantedPart::Memorization => std::mem::take(&mut self.memorization),
            WantedPart::Test => self.test.take().is_some(),
        }
    }

    /// Keeps only one part.
    pub(crate) fn only(mut self, part: WantedPart) -> Self {
        let others = WantedPart::ALL.into_iter().filter(|&other| other != part);
        others.for_each(|other| _ = self.remove(other));
        self
    }
}

/// Largest number of products (samples x features x classes) for which `f32` features are projected
/// in `f64`, which takes a few milliseconds.
const SMALL: usize = 1 << 25;

/// Runs the second pass over features in memory, in `f64` if they are few and in their own type
/// otherwise.
pub(crate) fn in_memory<T: Real, W: Real, L: Label>(
    moments: &Moments,
    samples: (ArrayView2<'_, T>, &[L], Option<&[L]>),
    wanted: Wanted<'_, W>,
) -> Result<SecondPassTotals, MetricsError> {
    if samples.0.len().saturating_mul(moments.classes()) <= SMALL {
        collect::<T, f64, W, L>(moments, samples, wanted)
    } else {
        collect::<T, T, W, L>(moments, samples, wanted)
    }
}

fn collect<T: Real + Into<C>, C: Real, W: Real, L: Label>(
    moments: &Moments,
    (features, labels, clean_labels): (ArrayView2<'_, T>, &[L], Option<&[L]>),
    wanted: Wanted<'_, W>,
) -> Result<SecondPassTotals, MetricsError> {
    let mut pass = SecondPass::<C>::new(moments);
    if wanted.nc1 {
        pass = pass.with_nc1()?;
    }
    if let Some((classifier, bias)) = wanted.head {
        pass = pass.with_classifier(classifier, bias)?;
    }
    if wanted.memorization {
        pass = pass.with_memorization()?;
    }
    if let Some(test) = wanted.test {
        pass = pass.with_test_means(test)?;
    }
    pass.add(features, labels, clean_labels)?;
    Ok(pass.finish())
}
