//! Bilinear resizing of 8-bit images, bit for bit like Pillow's `Image.resize`.
//!
//! The paper resizes its input with Pillow, so the same algorithm is used here: a triangle filter
//! that widens when shrinking, with weights as 22-bit fixed-point numbers, applied first along rows
//! and then along columns, with each pass rounded to bytes. Only squares are supported: for other
//! shapes, the order of the passes depends on the version of Pillow.

const FRACTION_BITS: u32 = 22;

/// The source pixels of one target pixel: the index of the first one, and the weights.
struct Window {
    first: usize,
    weights: Vec<i32>,
}

/// Resizes consecutive planes of `side` x `side`.
pub(crate) fn bilinear_squares(planes: &[u8], side: usize, new_side: usize) -> Vec<u8> {
    let windows = windows(side, new_side);
    let mut out = Vec::with_capacity(planes.len() / (side * side) * new_side * new_side);
    let mut wide = Vec::with_capacity(side * new_side);
    let mut sums = vec![0; new_side];
    for plane in planes.chunks_exact(side * side) {
        wide.clear();
        for row in plane.chunks_exact(side) {
            for window in &windows {
                let weighted = window.weights.iter().zip(&row[window.first..]);
                let terms = weighted.map(|(weight, &pixel)| weight * i32::from(pixel));
                wide.push(round(terms.sum()));
            }
        }
        for window in &windows {
            sums.fill(0);
            let rows = wide.chunks_exact(new_side).skip(window.first);
            for (weight, row) in window.weights.iter().zip(rows) {
                for (sum, &pixel) in sums.iter_mut().zip(row) {
                    *sum += weight * i32::from(pixel);
                }
            }
            out.extend(sums.iter().map(|&sum| round(sum)));
        }
    }
    out
}

fn round(sum: i32) -> u8 {
    ((sum + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS).clamp(0, 255) as u8
}

/// The triangle filter centred on each target pixel, truncated at the border and normalised.
fn windows(side: usize, new_side: usize) -> Vec<Window> {
    let scale = side as f64 / new_side as f64;
    let reach = scale.max(1.0);
    (0..new_side)
        .map(|i| {
            let centre = (i as f64 + 0.5) * scale;
            // `as` truncates towards zero and saturates negative values at 0.
            let first = (centre - reach + 0.5) as usize;
            let end = ((centre + reach + 0.5) as usize).min(side);
            let weights: Vec<f64> = (first..end)
                .map(|x| (1.0 - ((x as f64 - centre + 0.5) / reach).abs()).max(0.0))
                .collect();
            let total: f64 = weights.iter().sum();
            let fixed = |weight: f64| (weight / total * f64::from(1 << FRACTION_BITS)).round();
            Window {
                first,
                weights: weights.iter().map(|&weight| fixed(weight) as i32).collect(),
            }
        })
        .collect()
}
