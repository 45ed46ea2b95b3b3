//! Noise that depends on the images (Xia et al. 2020).

use rayon::prelude::*;

use super::other_class::other_class;
use super::per_sample::select;
use super::truncated_normal::TruncatedNormal;
use crate::error::{DataError, NoiseError};
use crate::inputs::Inputs;
use crate::random::{Stream, normal_pair, stream, unit_f64};

/// Number of images that are normalised at once.
const ROWS: usize = 256;

/// The settings of the noise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) eta: f64,
    pub(super) std: f64,
    pub(super) exact_count: bool,
}

/// What is drawn for a sample, independently of the noise rate.
#[derive(Debug, Clone, Copy)]
struct Draw {
    /// In [0, 1): the label flips if it is below the flip rate.
    u: f64,
    /// In (0, 1]: the flip rate is this quantile of the distribution of rates.
    v: f64,
    /// In [0, 1): selects the new label.
    target: f64,
}

/// The observed labels, and the flip rate of each sample.
///
/// Memory is bounded by one class's projections, a few normalised images, and a few numbers per
/// sample.
pub(super) fn corrupt(
    settings: Settings,
    clean: &[u32],
    images: &Inputs,
    classes: usize,
    seed: u64,
) -> Result<(Vec<u32>, Vec<f64>), DataError> {
    if images.len() != clean.len() {
        return Err(NoiseError::ImageCount {
            images: images.len(),
            labels: clean.len(),
        }
        .into());
    }
    let Settings {
        eta,
        std,
        exact_count,
    } = settings;
    let draws = draws(clean.len(), seed);
    let flips = select(eta, exact_count, (clean.len(), 1.0), |eta| {
        let rates = TruncatedNormal::with_mean(eta, std);
        let flips = |draw: &Draw| rates.is_below_quantile(draw.u, draw.v);
        draws.par_iter().map(flips).collect()
    });
    let rates = TruncatedNormal::with_mean(eta, std);
    let rates = draws.par_iter().map(|draw| rates.quantile(draw.v));
    let rates = rates.collect();

    let mut observed = clean.to_vec();
    for class in 0..classes as u32 {
        let flipped = |&i: &usize| flips[i] && clean[i] == class;
        let flipped: Vec<usize> = (0..clean.len()).filter(flipped).collect();
        if flipped.is_empty() {
            continue;
        }
        let projections = projections(class, images.values_per_sample(), classes, seed);
        for rows in flipped.chunks(ROWS) {
            let targets = targets(class, rows, images, &projections, &draws)?;
            for (&i, target) in rows.iter().zip(targets) {
                observed[i] = target;
            }
        }
    }
    Ok((observed, rates))
}

fn draws(n: usize, seed: u64) -> Vec<Draw> {
    let mut rng = stream(seed, Stream::Noise);
    let draw = |_| Draw {
        u: unit_f64(&mut rng),
        v: 1.0 - unit_f64(&mut rng),
        target: unit_f64(&mut rng),
    };
    (0..n).map(draw).collect()
}

/// The projections of a clean class: standard normal numbers, (value of an image, class).
///
/// Each class has its own part of the random stream, so that only the classes that are needed are
/// generated.
fn projections(class: u32, values: usize, classes: usize, seed: u64) -> Vec<f32> {
    let mut rng = stream(seed, Stream::Projection);
    // 2^40 words per class suffice for 2^39 numbers.
    rng.set_word_pos(u128::from(class) << 40);
    let size = values * classes;
    let mut numbers: Vec<f32> = (0..size.div_ceil(2))
        .flat_map(|_| normal_pair(&mut rng).map(|number| number as f32))
        .collect();
    numbers.truncate(size);
    numbers
}

/// The new labels of samples of one clean class: drawn from the softmax of the projected images
/// over the other classes.
fn targets(
    class: u32,
    rows: &[usize],
    images: &Inputs,
    projections: &[f32],
    draws: &[Draw],
) -> Result<Vec<u32>, DataError> {
    let pixels = images.batch(rows);
    let images = pixels.par_chunks_exact(images.values_per_sample());
    let target = |(&row, image): (&usize, &[f32])| {
        let weights = weights(class, image, projections);
        if !weights.iter().all(|weight| weight.is_finite()) {
            return Err(NoiseError::ImageNotFinite { row }.into());
        }
        Ok(other_class(&weights, class, draws[row].target))
    };
    rows.par_iter().zip(images).map(target).collect()
}

/// The softmax of the projections over the other classes, up to a factor.
fn weights(class: u32, image: &[f32], projections: &[f32]) -> Vec<f64> {
    let classes = projections.len() / image.len();
    let mut scores = vec![0.0_f64; classes];
    for (&value, projections) in image.iter().zip(projections.chunks_exact(classes)) {
        for (score, &projection) in scores.iter_mut().zip(projections) {
            *score += f64::from(value) * f64::from(projection);
        }
    }
    scores[class as usize] = f64::NEG_INFINITY;
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights = scores.iter().map(|score| libm::exp(score - highest));
    weights.collect()
}

#[cfg(test)]
mod tests;
