//! Labels before and after corruption.

use std::collections::BTreeSet;

use ndarray::Array2;

use crate::error::{DataError, NoiseError};

/// Labels before and after corruption, with the settings that produced them.
///
/// Instances are created by [`LabelNoise::inject`](super::LabelNoise::inject) or read from a file
/// and checked. Clean labels are always below [`classes`](Self::classes) and observed labels below
/// [`observed_classes`](Self::observed_classes), and [`mask`](Self::mask) marks the differences.
#[derive(Debug, Clone, PartialEq)]
pub struct NoisyLabels {
    pub(super) clean: Vec<u32>,
    pub(super) observed: Vec<u32>,
    pub(super) mask: Vec<bool>,
    pub(super) classes: usize,
    pub(super) observed_classes: usize,
    pub(super) kind: String,
    pub(super) seed: u64,
    pub(super) requested: f64,
    pub(super) realised: f64,
    pub(super) rates: Option<Vec<f64>>,
    pub(super) flip_probabilities: Option<Vec<f64>>,
    pub(super) kept: Option<Vec<usize>>,
}

impl NoisyLabels {
    /// Labels that are all kept, with the realised fraction as the requested one.
    pub(super) fn new(
        clean: &[u32],
        observed: Vec<u32>,
        classes: usize,
        kind: &str,
        seed: u64,
    ) -> Self {
        let mask: Vec<bool> = clean.iter().zip(&observed).map(|(c, o)| c != o).collect();
        let realised = realised(&mask, None);
        Self {
            clean: clean.to_vec(),
            observed,
            mask,
            classes,
            observed_classes: classes,
            kind: kind.to_owned(),
            seed,
            requested: realised,
            realised,
            rates: None,
            flip_probabilities: None,
            kept: None,
        }
    }

    /// The labels before corruption.
    pub fn clean(&self) -> &[u32] {
        &self.clean
    }

    /// The labels used for training.
    pub fn observed(&self) -> &[u32] {
        &self.observed
    }

    /// Whether each observed label differs from the clean label; the class K + k of
    /// [`LatentClass`](super::LabelNoise::LatentClass) counts as k.
    pub fn mask(&self) -> &[bool] {
        &self.mask
    }

    /// Number of classes K.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of classes of the observed labels: K, or 2K with latent classes.
    pub fn observed_classes(&self) -> usize {
        self.observed_classes
    }

    /// Kind of noise, [`LabelNoise::kind`](super::LabelNoise::kind). A file written by
    /// [`write_npz`](Self::write_npz) preserves it.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Seed of the draws.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Requested noise rate, [`LabelNoise::requested`](super::LabelNoise::requested); for labels
    /// from a file without this entry, the realised fraction.
    pub fn requested(&self) -> f64 {
        self.requested
    }

    /// Fraction of corrupted labels: the mean of [`mask`](Self::mask) over the samples kept.
    pub fn realised(&self) -> f64 {
        self.realised
    }

    /// Requested rate of each class, $\eta_k$ or $1 - T_{kk}$; `None` if all classes have the same
    /// rate.
    pub fn rates(&self) -> Option<&[f64]> {
        self.rates.as_deref()
    }

    /// The probability of each sample that its label flips, for the kinds `instance` and `margin`;
    /// `None` for other kinds. With `exact_count`, these are the probabilities before the number of
    /// flips is fixed.
    pub fn flip_probabilities(&self) -> Option<&[f64]> {
        self.flip_probabilities.as_deref()
    }

    /// The samples that rebalancing keeps, in ascending order; `None` for all samples. The other
    /// samples have labels, but must not be used for training.
    pub fn kept(&self) -> Option<&[usize]> {
        self.kept.as_deref()
    }

    /// Number of corrupted labels among the samples kept.
    pub fn corrupted(&self) -> usize {
        let is_corrupted = |i: &usize| self.mask[*i] && self.is_kept(*i);
        (0..self.mask.len()).filter(is_corrupted).count()
    }

    /// Whether a sample is used for training: rebalancing may exclude it.
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
        let kept = self.kept.as_ref();
        kept.is_none_or(|kept| kept.binary_search(&sample).is_ok())
    }

    /// The realised transition matrix,
    /// $T_{jk} = |\lbrace i : c_i = j, o_i = k \rbrace| / |\lbrace i : c_i = j \rbrace|$ for
    /// clean labels $c$ and observed labels $o$ of the samples kept.
    ///
    /// # Shapes
    /// (K, [`observed_classes`](Self::observed_classes)): rows are clean classes, columns observed
    /// classes; each row sums to 1.
    ///
    /// # Errors
    /// [`NoiseError::EmptyClass`] if a class has no clean label.
    ///
    /// ```
    /// use memdil_data::noise::LabelNoise;
    ///
    /// let noisy = LabelNoise::Pair { eta: 1.0, exact_count: false }.inject(&[0, 1, 1, 0], 2, 1)?;
    /// assert_eq!(noisy.transition()?, ndarray::array![[0.0, 1.0], [1.0, 0.0]]);
    /// # Ok::<(), memdil_data::DataError>(())
    /// ```
    pub fn transition(&self) -> Result<Array2<f64>, DataError> {
        let pairs = || {
            let pairs = (0..).zip(self.clean.iter().zip(&self.observed));
            pairs.filter(|(i, _)| self.is_kept(*i))
        };
        // Check before allocating the matrix, so that a false number of classes cannot exhaust the
        // memory.
        let present: BTreeSet<usize> = pairs().map(|(_, (&clean, _))| clean as usize).collect();
        if let Some(class) = (0..self.classes).find(|class| !present.contains(class)) {
            return Err(NoiseError::EmptyClass { class }.into());
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
}

/// Fraction of corrupted labels among the samples kept.
pub(super) fn realised(mask: &[bool], kept: Option<&[usize]>) -> f64 {
    match kept {
        None => mask.iter().filter(|&&corrupted| corrupted).count() as f64 / mask.len() as f64,
        Some(kept) => kept.iter().filter(|&&i| mask[i]).count() as f64 / kept.len() as f64,
    }
}
