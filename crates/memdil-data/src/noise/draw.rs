//! Drawing corrupted labels.

use std::collections::BTreeMap;

use super::check::check_clean;
use super::kinds::{LabelNoise, leaving};
use super::labels::{NoisyLabels, realised};
use super::other_class::other_class;
use super::{from_file, instance, margin};
use crate::error::{DataError, NoiseError};
use crate::inputs::Inputs;
use crate::random::{Rng, Stream, below, stream, unit_f64};

impl LabelNoise {
    /// Corrupts clean labels.
    ///
    /// The draws of a sample do not depend on the noise rate: with the same seed, raising `eta`
    /// keeps the affected samples and their new labels, and adds other samples.
    ///
    /// # Shapes
    /// n clean labels in 0..`classes` yield n observed labels.
    ///
    /// # Errors
    /// Those of [`validate_for`](Self::validate_for); an empty list of labels or a label out of
    /// range; a class without observed labels under `rebalance`; more classes than labels under
    /// `range`; a file that is damaged or belongs to other labels; logits that are not finite or
    /// have another shape, or whose margins do not permit `eta`; and [`NoiseError::NoImages`] for
    /// [`Instance`](Self::Instance).
    ///
    /// ```
    /// use memdil_data::noise::LabelNoise;
    ///
    /// let clean = [0, 1, 2, 0, 1, 2, 0, 1];
    /// let noisy = LabelNoise::Symmetric { eta: 0.25, exact_count: true }.inject(&clean, 3, 1)?;
    /// assert_eq!(noisy.realised(), 0.25); // two of eight
    /// # Ok::<(), memdil_data::DataError>(())
    /// ```
    pub fn inject(
        &self,
        clean: &[u32],
        classes: usize,
        seed: u64,
    ) -> Result<NoisyLabels, DataError> {
        self.corrupt(clean, None, classes, seed)
    }

    /// Corrupts the clean labels of images, for every kind of noise; those that do not depend on
    /// the images draw the same labels as [`inject`](Self::inject).
    ///
    /// # Shapes
    /// n images and their clean labels in 0..`classes` yield n observed labels.
    ///
    /// # Errors
    /// Those of [`inject`](Self::inject), and for [`Instance`](Self::Instance) a number of images
    /// that differs from that of the labels, or an image with a value that is not finite.
    ///
    /// ```
    /// # #[cfg(feature = "embedded")] {
    /// use memdil_data::{DataSpec, Input, Inputs, LabelNoise, Source, load};
    ///
    /// let data = load(&DataSpec::new(Source::FashionMnistEmbedded), &[])?;
    /// let images = Inputs::new(data.train.images, &data.mean, &data.std, Input::Native)?;
    /// let noise = LabelNoise::Instance { eta: 0.3, std: 0.1, exact_count: true };
    /// let noisy = noise.inject_with_images(&data.train.labels, &images, 10, 1)?;
    /// assert_eq!(noisy.corrupted(), 1800);
    /// let rates = noisy.flip_probabilities().unwrap();
    /// assert!((rates.iter().sum::<f64>() / 6000.0 - 0.3).abs() < 0.01);
    /// # }
    /// # Ok::<(), memdil_data::DataError>(())
    /// ```
    pub fn inject_with_images(
        &self,
        clean: &[u32],
        images: &Inputs,
        classes: usize,
        seed: u64,
    ) -> Result<NoisyLabels, DataError> {
        self.corrupt(clean, Some(images), classes, seed)
    }

    fn corrupt(
        &self,
        clean: &[u32],
        images: Option<&Inputs>,
        classes: usize,
        seed: u64,
    ) -> Result<NoisyLabels, DataError> {
        self.validate_for(classes)?;
        check_clean(clean, classes)?;
        let (observed, flip_probabilities) = match self {
            Self::FromFile { path, column } => {
                return from_file::read(path, column.as_deref(), clean, classes, seed);
            }
            &Self::Instance {
                eta,
                std,
                exact_count,
            } => {
                let settings = instance::Settings {
                    eta,
                    std,
                    exact_count,
                };
                let images = images.ok_or(NoiseError::NoImages)?;
                instance::corrupt(settings, clean, images, classes, seed)?
            }
            Self::Margin {
                eta,
                logits,
                column,
                pmd_type,
                exact_count,
            } => {
                let settings = margin::Settings {
                    eta: *eta,
                    logits,
                    column: column.as_deref(),
                    pmd_type: *pmd_type,
                    exact_count: *exact_count,
                };
                margin::corrupt(settings, clean, classes, seed)?
            }
            _ => return self.corrupt_by_class(clean, classes, seed),
        };
        let mut noisy = NoisyLabels::new(clean, observed, classes, self.kind(), seed);
        noisy.requested = self.requested();
        noisy.flip_probabilities = Some(flip_probabilities);
        Ok(noisy)
    }

    /// Noise that depends on the clean labels only.
    fn corrupt_by_class(
        &self,
        clean: &[u32],
        classes: usize,
        seed: u64,
    ) -> Result<NoisyLabels, DataError> {
        let mut rng = stream(seed, Stream::Noise);
        let rates = self.rates(classes, clean.len(), &mut rng)?;
        let (u, new) = self.draw(clean, classes, &mut rng);
        let hit = self.hit(clean, &u, rates.as_deref());
        let observed = (0..clean.len())
            .map(|i| if hit[i] { new[i] } else { clean[i] })
            .collect();
        let mut noisy = NoisyLabels::new(clean, observed, classes, self.kind(), seed);
        noisy.requested = self.requested();
        noisy.rates = rates;
        match *self {
            Self::LatentClass { split, .. } => {
                noisy.observed_classes = 2 * classes;
                for label in &mut noisy.observed {
                    if unit_f64(&mut rng) < split {
                        *label += classes as u32;
                    }
                }
            }
            Self::PerClass {
                rebalance: true, ..
            } => {
                let kept = balanced(&noisy.observed, classes)?;
                noisy.realised = realised(&noisy.mask, Some(&kept));
                noisy.kept = Some(kept);
            }
            _ => {}
        }
        Ok(noisy)
    }

    /// The rate of each class; `None` if all classes have the same rate.
    fn rates(
        &self,
        classes: usize,
        n: usize,
        rng: &mut impl Rng,
    ) -> Result<Option<Vec<f64>>, DataError> {
        Ok(Some(match self {
            Self::Transition { matrix, .. } => leaving(matrix),
            Self::PerClass {
                etas: Some(etas), ..
            } => etas.clone(),
            Self::PerClass {
                range: Some([low, high]),
                ..
            } => {
                // A false number of classes must not cause a large allocation.
                let range = "must not exceed the number of labels if rates are drawn from `range`";
                DataError::check_range("classes", classes as f64, range, classes <= n)?;
                let rate = |_| (low + (high - low) * unit_f64(rng)).min(*high);
                (0..classes).map(rate).collect()
            }
            _ => return Ok(None),
        }))
    }

    /// Draws a number in [0, 1) for every sample, and its new label if it is corrupted. Both are
    /// always drawn, so that the draws do not depend on the rates.
    fn draw(&self, clean: &[u32], classes: usize, rng: &mut impl Rng) -> (Vec<f64>, Vec<u32>) {
        let other = |label: u32, rng: &mut _| {
            let other = below(rng, classes - 1) as u32;
            other + u32::from(other >= label)
        };
        let new = |label: u32, rng: &mut _| match self {
            Self::Symmetric { .. } => other(label, rng),
            Self::Asymmetric { map, .. } => map.targets()[label as usize],
            Self::Pair { .. } => ((u64::from(label) + 1) % classes as u64) as u32,
            Self::Transition { matrix, .. } => {
                other_class(&matrix[label as usize], label, unit_f64(rng))
            }
            Self::Uniform { .. }
            | Self::PerClass { .. }
            | Self::LatentClass { .. }
            | Self::Instance { .. }
            | Self::Margin { .. }
            | Self::FromFile { .. } => match self.exact_count() {
                true => other(label, rng),
                false => below(rng, classes) as u32,
            },
        };
        let draws = clean.iter().map(|&label| (unit_f64(rng), new(label, rng)));
        draws.unzip()
    }

    /// Selects the samples to corrupt: those with u below their rate, or an exact number.
    fn hit(&self, clean: &[u32], u: &[f64], rates: Option<&[f64]>) -> Vec<bool> {
        let eta = self.requested();
        let rate = |label: u32| rates.map_or(eta, |rates| rates[label as usize]);
        if !self.exact_count() {
            let samples = clean.iter().zip(u);
            return samples.map(|(&label, &u)| u < rate(label)).collect();
        }
        // One group, or one group per class if rates differ, without samples that the map keeps.
        let mut groups = BTreeMap::<u32, Vec<usize>>::new();
        for (i, &label) in clean.iter().enumerate() {
            let stays = matches!(self, Self::Asymmetric { map, .. } if map.targets()[label as usize] == label);
            if !stays {
                let group = if rates.is_some() { label } else { 0 };
                groups.entry(group).or_default().push(i);
            }
        }
        let mut hit = vec![false; clean.len()];
        for (label, mut members) in groups {
            let count = (rate(label) * members.len() as f64).round() as usize;
            members.sort_by(|&i, &j| u[i].total_cmp(&u[j]).then(i.cmp(&j)));
            members.iter().take(count).for_each(|&i| hit[i] = true);
        }
        hit
    }

    fn exact_count(&self) -> bool {
        match *self {
            Self::Uniform { exact_count, .. }
            | Self::Symmetric { exact_count, .. }
            | Self::Asymmetric { exact_count, .. }
            | Self::Pair { exact_count, .. }
            | Self::Transition { exact_count, .. }
            | Self::PerClass { exact_count, .. }
            | Self::LatentClass { exact_count, .. }
            | Self::Instance { exact_count, .. }
            | Self::Margin { exact_count, .. } => exact_count,
            Self::FromFile { .. } => false,
        }
    }
}

/// The first samples of each observed class, where the size of the smallest class determines the
/// number.
fn balanced(observed: &[u32], classes: usize) -> Result<Vec<usize>, DataError> {
    // `rates` has limited the number of classes, so this allocation is bounded.
    let mut counts = vec![0_usize; classes];
    for &label in observed {
        counts[label as usize] += 1;
    }
    if let Some(class) = counts.iter().position(|&count| count == 0) {
        return Err(NoiseError::NothingToRebalance { class }.into());
    }
    let smallest = counts.iter().copied().min().unwrap_or_default();
    let mut left = vec![smallest; classes];
    let mut keep = |i: &usize| {
        let left = &mut left[observed[*i] as usize];
        let some = *left > 0;
        *left -= usize::from(some);
        some
    };
    Ok((0..observed.len()).filter(|i| keep(i)).collect())
}
