//! Labels before and after corruption.

use std::collections::BTreeSet;

use ndarray::Array2;

use crate::error::{DataError, NoiseError};

/// Labels before and after corruption, with how they came about.
///
/// Clean labels are below [`classes`](Self::classes), observed ones below
/// [`observed_classes`](Self::observed_classes), and the mask says where they differ: labels come
/// from [`LabelNoise::inject`](super::LabelNoise::inject) or from a file that was checked.
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
    pub(super) kept: Option<Vec<usize>>,
}

impl NoisyLabels {
    /// Labels that are all kept, where nothing says how strong the noise was meant to be.
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
            kept: None,
        }
    }

    /// The labels as they were.
    pub fn clean(&self) -> &[u32] {
        &self.clean
    }

    /// The labels that training sees.
    pub fn observed(&self) -> &[u32] {
        &self.observed
    }

    /// Whether each observed label is of another class than the clean one; the class K + k of
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

    /// Kind of noise, [`LabelNoise::kind`](super::LabelNoise::kind); that of the original if it was
    /// read from a `.npz` of ours.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Seed of the draws.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Strength requested, [`LabelNoise::requested`](super::LabelNoise::requested); for labels from
    /// a file that does not tell, what was realised.
    pub fn requested(&self) -> f64 {
        self.requested
    }

    /// Share of corrupted labels: the mean of [`mask`](Self::mask) over the samples kept.
    pub fn realised(&self) -> f64 {
        self.realised
    }

    /// Strength requested for each class, where it is not the same for all: $\eta_k$, or
    /// $1 - T_{kk}$.
    pub fn rates(&self) -> Option<&[f64]> {
        self.rates.as_deref()
    }

    /// The samples that rebalancing keeps, ascending; all if absent. The others have labels too,
    /// but are not to be trained on.
    pub fn kept(&self) -> Option<&[usize]> {
        self.kept.as_deref()
    }

    /// Number of corrupted labels among the samples kept.
    pub fn corrupted(&self) -> usize {
        let is_corrupted = |i: &usize| self.mask[*i] && self.is_kept(*i);
        (0..self.mask.len()).filter(is_corrupted).count()
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
        let kept = self.kept.as_ref();
        kept.is_none_or(|kept| kept.binary_search(&sample).is_ok())
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
        // Before the matrix is made, so that a class number far too large costs no memory.
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

/// Share of corrupted labels among the samples kept.
pub(super) fn realised(mask: &[bool], kept: Option<&[usize]>) -> f64 {
    match kept {
        None => mask.iter().filter(|&&corrupted| corrupted).count() as f64 / mask.len() as f64,
        Some(kept) => kept.iter().filter(|&&i| mask[i]).count() as f64 / kept.len() as f64,
    }
}
