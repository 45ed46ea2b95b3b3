//! Vectorised exponentials for the softmax.

use super::dispatch::{Kernel, dispatch};

/// Replaces each $x$ by $e^{x - x_{\max}}$ with $x_{\max}$ = `largest`, and returns the sum and the
/// sum of squares of the results.
///
/// `largest` must be finite and at least as large as every value; the result for $-\infty$ is 0.
pub(crate) fn exponentials(values: &mut [f64], largest: f64) -> (f64, f64) {
    dispatch(Exponentials(values, largest))
}

struct Exponentials<'a>(&'a mut [f64], f64);

impl Kernel for Exponentials<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> (f64, f64) {
        let Self(values, largest) = self;
        let (mut total, mut squares) = ([0.0; 4], [0.0; 4]);
        for block in values.chunks_mut(4) {
            // A short last block is padded with values whose exponentials are 0.
            let mut lanes = [f64::NEG_INFINITY; 4];
            lanes
                .iter_mut()
                .zip(&*block)
                .for_each(|(lane, value)| *lane = value - largest);
            for lane in 0..4 {
                lanes[lane] = exp::<FUSED>(lanes[lane]);
                total[lane] += lanes[lane];
                squares[lane] += lanes[lane] * lanes[lane];
            }
            block.copy_from_slice(&lanes[..block.len()]);
        }
        (total.iter().sum(), squares.iter().sum())
    }
}

/// $e^x$ for $x \le 0$, within two units in the last place; 0 below $10^{-307}$.
///
/// Uses $x = k \ln 2 + r$ with $|r| \le \ln 2 / 2$, a Taylor polynomial for $e^r$, and $2^k$ from
/// the exponent bits (Cody and Waite 1980). There are no branches, so the compiler can compute four
/// values at a time.
#[inline(always)]
fn exp<const FUSED: bool>(x: f64) -> f64 {
    // Adding this rounds to an integer, which is stored in the last bits of the sum.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    // ln 2 in two parts. The first has few enough digits that its product with k is exact.
    const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const COEFFICIENTS: [f64; 14] = [
        1.0,
        1.0,
        1.0 / 2.0,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5_040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
        1.0 / 479_001_600.0,
        1.0 / 6_227_020_800.0,
    ];
    let multiply_add = |a: f64, b: f64, c: f64| if FUSED { a.mul_add(b, c) } else { a * b + c };
    let clamped = x.max(-708.0);
    let shifted = multiply_add(clamped, std::f64::consts::LOG2_E, SHIFT);
    let k = shifted - SHIFT;
    let r = multiply_add(-k, LN_2_LOW, multiply_add(-k, LN_2_HIGH, clamped));
    let mut sum = COEFFICIENTS[13];
    let mut index = 13;
    while index > 0 {
        index -= 1;
        sum = multiply_add(sum, r, COEFFICIENTS[index]);
    }
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if x < -708.0 { 0.0 } else { sum * power }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_agree_with_the_library() {
        let inputs: Vec<f64> = (0..200_000)
            .map(|i| -f64::from(i) * 0.003_541_7)
            .chain([-707.9, -708.1, -1e4, -1e300])
            .collect();
        for size in [1, 3, 4, 5, 11] {
            for inputs in inputs.chunks(size) {
                let mut found = inputs.to_vec();
                let (total, squares) = exponentials(&mut found, 0.0);
                for (found, input) in found.iter().zip(inputs) {
                    let expected = if *input < -708.0 { 0.0 } else { input.exp() };
                    assert!(
                        (found - expected).abs() <= 4.5e-16 * expected,
                        "exp({input}): {found} for {expected}"
                    );
                }
                let sum: f64 = found.iter().sum();
                assert!((total - sum).abs() <= 1e-14 * sum, "{total} for {sum}");
                let sum: f64 = found.iter().map(|value| value * value).sum();
                assert!((squares - sum).abs() <= 1e-14 * sum, "{squares} for {sum}");
            }
        }
        let mut shifted = [3.0, 5.0];
        let (total, _) = exponentials(&mut shifted, 5.0);
        assert!(
            (total - shifted[0] - 1.0).abs() < 1e-15
                && (shifted[0] - (-2.0_f64).exp()).abs() < 1e-16
        );
    }
}
