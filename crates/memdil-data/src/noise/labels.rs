//! Labels before and after corruption.

use std::collections::BTreeSet;

use ndarray::Array2;

use crate::error::DataError;
use crate::labels::check_labels;

/// Labels before and after corruption, with how they came about.
#[derive(Debug, Clone, PartialEq)]
pub struct NoisyLabels {
    /// The labels as they were.
    pub clean: Vec<u32>,
    /// The labels that training sees.
    pub observed: Vec<u32>,
    /// Whether each observed label is of another class than the clean one; the class K + k of
    /// [`LatentClass`](super::LabelNoise::LatentClass) counts as k.
    pub mask: Vec<bool>,
    /// Number of classes K.
    pub classes: usize,
    /// Number of classes of the observed labels: K, or 2K with latent classes.
    pub observed_classes: usize,
    /// Kind of noise, [`LabelNoise::kind`](super::LabelNoise::kind); that of the original if it was
    /// read from a `.npz` of ours.
    pub kind: String,
    /// Seed of the draws.
    pub seed: u64,
    /// Strength asked for, [`LabelNoise::requested`](super::LabelNoise::requested); for labels from
    /// a file that does not tell, what was realised.
    pub requested: f64,
    /// Share of corrupted labels: the mean of `mask` over the samples kept.
    pub realised: f64,
    /// Strength asked for in each class, where it is not the same for all: $\eta_k$, or
    /// $1 - T_{kk}$.
    pub rates: Option<Vec<f64>>,
    /// The samples that rebalancing keeps, ascending; all if absent. The others have labels too,
    /// but are not to be trained on.
    pub kept: Option<Vec<usize>>,
}

impl NoisyLabels {
    /// Number of corrupted labels among the samples kept.
    pub fn corrupted(&self) -> usize {
        (0..self.mask.len())
            .filter(|&i| self.mask[i] && self.is_kept(i))
            .count()
    }

    /// Whether a sample is trained on, which rebalancing decides.
    ///
    /// ```
    /// use memdil_data::noise::LabelNoise;
    ///
    /// let noise = LabelNoise::PerClass { etas: Some(vec![0.0; 2]), range: None, rebalance: true, exact_count: false };
    /// let noisy = noise.inject(&[0, 0, 0, 1], 2, 7)?;
    /// assert_eq!([0, 1, 2, 3].map(|i| noisy.is_kept(i)), [true, false, false, true]);
    /// # Ok::<(), memdil_data::DataError>(())
    /// ```
    pub fn is_kept(&self, sample: usize) -> bool {
        self.kept
            .as_ref()
            .is_none_or(|kept| kept.binary_search(&sample).is_ok())
    }

    /// The realised transition matrix,
    /// $T_{jk} = \\#\\{i: c_i = j, o_i = k\\} / \\#\\{i: c_i = j\\}$ for clean labels c and
    /// observed labels o of the samples kept.
    ///
    /// # Shapes
    /// (K, [`observed_classes`](Self::observed_classes)): row the clean class, column the observed
    /// one; each row sums to 1.
    ///
    /// # Errors
    /// [`DataError::EmptyClass`] if a class has no clean label, [`DataError::LabelOutOfRange`] if a
    /// label is not below its number of classes, [`DataError::OutOfRange`] if that of the observed
    /// labels is neither K nor 2K.
    ///
    /// ```
    /// use memdil_data::noise::LabelNoise;
    ///
    /// let noisy = LabelNoise::Pair { eta: 1.0, exact_count: false }.inject(&[0, 1, 1, 0], 2, 1)?;
    /// assert_eq!(noisy.transition()?, ndarray::array![[0.0, 1.0], [1.0, 0.0]]);
    /// # Ok::<(), memdil_data::DataError>(())
    /// ```
    pub fn transition(&self) -> Result<Array2<f64>, DataError> {
        check_labels(&self.clean, self.classes)?;
        self.check_observed()?;
        let pairs = || {
            (0..)
                .zip(self.clean.iter().zip(&self.observed))
                .filter(|(i, _)| self.is_kept(*i))
        };
        // Before the matrix is made, so that a class number far too large costs no memory.
        let present: BTreeSet<usize> = pairs().map(|(_, (&clean, _))| clean as usize).collect();
        if let Some(class) = (0..self.classes).find(|class| !present.contains(class)) {
            return Err(DataError::EmptyClass { class });
        }
        let mut counts = Array2::<f64>::zeros((self.classes, self.observed_classes));
        for (_, (&clean, &observed)) in pairs() {
            counts[[clean as usize, observed as usize]] += 1.0;
        }
        for mut row in counts.rows_mut() {
            row /= row.sum();
        }
        Ok(counts)
    }

    pub(super) fn check_observed(&self) -> Result<(), DataError> {
        if self.observed_classes != self.classes
            && Some(self.observed_classes) != self.classes.checked_mul(2)
        {
            return Err(DataError::OutOfRange {
                what: "observed_classes",
                value: self.observed_classes as f64,
                range: "as many as classes, or twice as many",
            });
        }
        check_labels(&self.observed, self.observed_classes)
    }
}

/// Share of corrupted labels among the samples kept.
pub(super) fn realised(mask: &[bool], kept: Option<&[usize]>) -> f64 {
    match kept {
        None => mask.iter().filter(|&&corrupted| corrupted).count() as f64 / mask.len() as f64,
        Some(kept) => kept.iter().filter(|&&i| mask[i]).count() as f64 / kept.len() as f64,
    }
}
