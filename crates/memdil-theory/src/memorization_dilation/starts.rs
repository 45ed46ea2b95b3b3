//! Starting points of the minimisation.

use super::balance::balanced_margin;
use super::collapse::{decay_slope, noise_free};
use super::reduced::Reduced;
use super::setting::MdSetting;
use crate::margin::ConvexMargin;
use crate::measure::FeatureMeasure;

/// Starting points of the noisy features, as (p, q) = ((mu + xi)/d, (mu - xi)/d). (2, 0) is the
/// class feature of their label, (0, 2) that of their true class.
const SHAPES: [(f64, f64); 5] = [(2.0, 0.0), (1.0, 0.0), (0.6, 0.3), (1.2, 0.4), (0.4, 1.2)];
/// The same for jumps: noisy samples may end just behind the border of the classes, or near the
/// class feature of their true class.
const JUMP_SHAPES: [(f64, f64); 5] = [(2.0, 0.0), (1.0, 0.0), (0.3, 0.0), (0.6, 0.8), (0.2, 1.7)];
/// Starting points of the clean margin, over that without noise.
const FACTORS: [f64; 5] = [0.4, 0.7, 1.0, 1.5, 2.3];
/// The same for jumps.
const JUMP_FACTORS: [f64; 6] = [0.04, 0.2, 0.5, 1.0, 1.5, 2.3];

/// The best starting point of a coarse grid for each family.
pub(super) fn starts<L: ConvexMargin + ?Sized>(
    setting: &MdSetting,
    loss: &L,
    scan: &Reduced<'_, L>,
) -> Vec<[f64; 5]> {
    let (logit, d) = noise_free(setting, loss);
    // The size is at most about d. Dilation favours smaller sizes, until the radius is far below
    // the distance.
    let largest = d.max(1e-8).ln() + 0.5;
    let smallest = (largest - 4.0).min((1e-3 * setting.c_md / setting.eta).ln());
    let smallest = smallest.max(largest - 12.0);
    let across = if setting.nonnegative { 1.0 } else { 0.0 };
    let mut starts = Vec::with_capacity(SHAPES.len() + 2);
    let jumps = setting.measure == FeatureMeasure::Jumps;
    let factors = if jumps {
        &JUMP_FACTORS[..]
    } else {
        &FACTORS[..]
    };
    for &(p, q) in if jumps { &JUMP_SHAPES[..] } else { &SHAPES[..] } {
        let points = grid(smallest, largest, 8).flat_map(|size| {
            factors.iter().map(move |factor| {
                let log_a = (logit.max(0.05) * factor).ln();
                if setting.nonnegative {
                    [log_a, size, p, q, 0.0]
                } else {
                    [log_a, size, (0.5 * (p - q)), 0.0, 0.0]
                }
            })
        });
        starts.extend(lowest(scan, points));
    }
    // If memorization causes strong dilation, the class features shrink, but the noisy features
    // remain as large as without class features.
    let decay = decay_slope(setting) / setting.eta.sqrt();
    let margin = balanced_margin(|z| loss.derivatives(z)[1], decay);
    if margin > 0.0 {
        let shared = setting.lambda_w / (setting.eta * setting.lambda_h * (1.0 + across));
        let xi = (0.5 * margin * shared.sqrt()).sqrt();
        for lift in [0.0, 0.5] {
            let points = grid(xi.ln() - 12.0, xi.ln() - 1.0, 12).map(|size| {
                let ratio = xi / size.exp();
                let log_a = (margin / ratio).ln();
                if setting.nonnegative {
                    [log_a, size, (2.0 * ratio), 0.0, (lift * ratio)]
                } else {
                    [log_a, size, ratio, 0.0, 0.0]
                }
            });
            starts.extend(lowest(scan, points));
        }
    }
    starts
}

fn grid(low: f64, high: f64, count: u32) -> impl Iterator<Item = f64> {
    (0..count).map(move |i| low + (high - low) * f64::from(i) / f64::from(count - 1))
}

fn lowest<L: ConvexMargin + ?Sized>(
    problem: &Reduced<'_, L>,
    points: impl Iterator<Item = [f64; 5]>,
) -> Option<[f64; 5]> {
    points
        .map(|v| (problem.excess(&problem.natural(&v)), v))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, v)| v)
}
