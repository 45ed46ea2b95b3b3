//! Winograd's convolution compared with exact sums, within a derived error bound.
//!
//! # The bound
//!
//! Without rounding, a tile of 4 by 4 results is
//!
//! $$y = A^\top \Big[ \sum_c (G w_c G^\top) \odot (B^\top x_c B) \Big] A.$$
//!
//! This is a sum of terms $a g b w x$: a coefficient of $A \otimes A$, of $G \otimes G$ and of $B
//! \otimes B$, a weight and a value. Every operation in floating-point arithmetic is exact up to a
//! factor $1 + \delta$ with $|\delta| \le u$, where u is $2^{-24}$ in f32 and $2^{-53}$ in f64
//! (nothing overflows or underflows here). The computed result is therefore the same sum, in which
//! each term is multiplied by the factors of the operations that it passed through. If it passed
//! through at most N operations, then the product of its factors differs from 1 by at most
//! $\gamma_N = N u / (1 - N u)$ (Higham 2002, lemma 3.1), and for each element of the result
//!
//! $$|\text{error}| \le \gamma_N |A^\top| \Big[ \sum_c (|G| |w_c| |G|^\top) \odot (|B^\top| |x_c|
//! |B|) \Big] |A|.$$
//!
//! Barabasz, Anderson, Soodhalter and Gregg (2020) derive the same kind of bound.
//!
//! N is the sum of the roundings of both dimensions of the three transforms, one for the product,
//! and the number of additions in the sum over channels. The gradient of the images is the
//! convolution of the gradient of the result with the turned kernel and padding 2 - p. The gradient
//! of the weights is $G^\top [\sum_t (B^\top x_t B) \odot (A g_t A^\top)] G$, with a sum over tiles
//! t, and has the bound of the same form.
//!
//! The test writes the matrices as polynomials of the points, independently of the implementation.
//! Multiplying a row of G by a number and the same row of $B^\top$ or A by its inverse does not
//! change the bound.

mod bound;

use bound::{Bounds, gamma};
use memdil_kernels::{
    Algorithm, Convolution, ConvolutionElement, Instructions, KernelError, Method,
};
use proptest::prelude::*;

use crate::convolution::{check_threads, terms, values};

fn method(instructions: Instructions) -> Method {
    Method {
        algorithm: Algorithm::Winograd,
        instructions,
    }
}

/// A convolution with a kernel of 3 by 3 and stride 1.
fn square(images: usize, side: usize, inputs: usize, outputs: usize) -> Convolution {
    Convolution {
        images,
        height: side,
        width: side,
        inputs,
        outputs,
        kernel: 3,
        stride: 1,
        padding: 1,
    }
}

fn sizes() -> impl Strategy<Value = Convolution> {
    let channels = || prop_oneof![6 => 1usize..40, 1 => Just(64), 1 => Just(70), 1 => Just(270)];
    (
        (1usize..6, 1usize..11, 1usize..11),
        (channels(), channels()),
        0usize..5,
    )
        .prop_filter_map(
            "kernel larger than the padded image",
            |((images, height, width), (inputs, outputs), padding)| {
                let fits = height.min(width) + 2 * padding >= 3;
                fits.then_some(Convolution {
                    height,
                    width,
                    padding,
                    ..square(images, 0, inputs, outputs)
                })
            },
        )
}

/// Images, weights and gradients of the result in f64, whose values have 24 bits.
fn operands(c: &Convolution) -> [Vec<f64>; 3] {
    let (height, width) = c.output_size();
    [
        values(c.images * c.height * c.width * c.inputs, 1),
        values(9 * c.inputs * c.outputs, 2),
        values(c.images * height * width * c.outputs, 3),
    ]
}

/// Forward pass, gradient of the images and gradient of the weights by Winograd's algorithm.
fn passes<T: ConvolutionElement>(
    c: &Convolution,
    instructions: Instructions,
    operands: &[Vec<f64>; 3],
) -> [Vec<T>; 3] {
    let number = |&value: &f64| T::from_f64(value);
    let [x, w, g] = operands
        .each_ref()
        .map(|values| values.iter().map(number).collect::<Vec<T>>());
    let method = method(instructions);
    [
        c.forward_with(method, &x, &w).unwrap(),
        c.input_gradient_with(method, &g, &w).unwrap(),
        c.weight_gradient_with(method, &x, &g).unwrap(),
    ]
}

/// A convolution with its exact results and their bounds.
struct Expected {
    c: Convolution,
    operands: [Vec<f64>; 3],
    sums: [Vec<f64>; 3],
    bounds: Bounds,
}

impl Expected {
    fn new(c: Convolution) -> Self {
        let operands = operands(&c);
        // Multiples of 2⁻²³, so that sums of products are exact as integers; the conversion to f64
        // rounds once.
        let [x, w, g] = operands.each_ref().map(|values| {
            let integers = values.iter().map(|value| (value * 8_388_608.0) as i64);
            integers.collect::<Vec<i64>>()
        });
        let [mut y, mut gx, mut gw] = [g.len(), x.len(), w.len()].map(|n| vec![0i64; n]);
        terms(&c, |a, b, r| {
            y[r] += x[a] * w[b];
            gx[a] += g[r] * w[b];
            gw[b] += g[r] * x[a];
        });
        let sums = [y, gx, gw].map(|sums| {
            let numbers = sums.into_iter().map(|sum| sum as f64 / 2f64.powi(46));
            numbers.collect()
        });
        let absolute = operands
            .each_ref()
            .map(|values| values.iter().map(|value| value.abs()).collect::<Vec<_>>());
        let bounds = Bounds::new(&c, absolute.each_ref().map(Vec::as_slice));
        Self {
            c,
            operands,
            sums,
            bounds,
        }
    }

    /// Checks all elements of all passes; returns the largest ratio of error and bound of each.
    fn check<T: ConvolutionElement>(&self, instructions: Instructions, unit: f64) -> [f64; 3] {
        let found = passes::<T>(&self.c, instructions, &self.operands);
        let Bounds {
            forward,
            input_gradient,
            weight_gradient,
        } = &self.bounds;
        let bounds = [forward, input_gradient, weight_gradient];
        std::array::from_fn(|pass| {
            let (found, expected, (scale, roundings)) =
                (&found[pass], &self.sums[pass], bounds[pass]);
            assert_eq!((found.len(), scale.len()), (expected.len(), expected.len()));
            // The expected value has one rounding.
            let gamma = gamma(roundings + 1, unit);
            let mut largest = 0.0_f64;
            for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
                let (error, bound) = ((found.to_f64() - expected).abs(), gamma * scale[at]);
                assert!(
                    error <= bound,
                    "{:?}, {instructions:?}, pass {pass}, at {at}: {found:?}, not {expected} ± {bound}",
                    self.c
                );
                if bound > 0.0 {
                    largest = largest.max(error / bound);
                }
            }
            largest
        })
    }
}

const F32: f64 = 1.0 / (1 << 24) as f64;
const F64: f64 = f64::EPSILON / 2.0;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]
    #[test]
    fn all_passes_are_within_the_bound(c in sizes()) {
        let expected = Expected::new(c);
        for instructions in Instructions::available() {
            expected.check::<f32>(instructions, F32);
            expected.check::<f64>(instructions, F64);
        }
    }
}

/// Several blocks of tiles and of channels.
#[test]
fn large_convolutions_are_within_the_bound() {
    for c in [square(5, 32, 64, 24), square(2, 13, 300, 270)] {
        let expected = Expected::new(c);
        for instructions in Instructions::available() {
            expected.check::<f32>(instructions, F32);
        }
    }
}

/// A bound far above all errors would not detect a wrong coefficient. The largest error is between
/// 1/2000 and 1/200 of the bound, because roundings partly cancel.
#[test]
fn the_bound_is_not_loose() {
    let expected = Expected::new(square(4, 8, 64, 64));
    for instructions in Instructions::available() {
        for ratio in expected.check::<f32>(instructions, F32) {
            assert!(ratio > 1e-4, "{instructions:?}: {ratio}");
        }
    }
}

#[test]
fn fused_instruction_sets_give_the_same_bits() {
    let available = Instructions::available();
    if !available.contains(&Instructions::Avx2) || !available.contains(&Instructions::Avx512) {
        return;
    }
    for c in [
        square(3, 10, 17, 33),
        square(5, 32, 64, 70),
        square(2, 7, 300, 5),
    ] {
        let operands = operands(&c);
        let bits = |instructions| {
            let single = passes::<f32>(&c, instructions, &operands);
            let double = passes::<f64>(&c, instructions, &operands);
            (
                single.map(|values| values.into_iter().map(f32::to_bits).collect::<Vec<_>>()),
                double.map(|values| values.into_iter().map(f64::to_bits).collect::<Vec<_>>()),
            )
        };
        assert!(
            bits(Instructions::Avx2) == bits(Instructions::Avx512),
            "{c:?}"
        );
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    check_threads(&square(13, 32, 40, 70), Algorithm::Winograd);
    check_threads(&square(2, 32, 64, 64), Algorithm::Winograd);
    check_threads(&square(3, 5, 300, 33), Algorithm::Winograd);
}

/// Replaces one value of an image and of a gradient, and checks all elements whose direct sum has
/// it as a factor; the other image stays finite.
fn check_spread(
    c: &Convolution,
    method: Method,
    replaced: f32,
    [row, column, channel]: [usize; 3],
) {
    let single = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect::<Vec<f32>>();
    let [x, w, g] = operands(c).map(single);
    let (height, width) = c.output_size();
    // In the second of two images.
    let pixel = ((c.height + row) * c.width + column) * c.inputs + channel;
    let result = ((height + row) * width + column) * c.outputs + channel;
    let (mut wrong_x, mut wrong_g) = (x.clone(), g.clone());
    (wrong_x[pixel], wrong_g[result]) = (replaced, replaced);
    let y = c.forward_with(method, &wrong_x, &w).unwrap();
    let gx = c.input_gradient_with(method, &wrong_g, &w).unwrap();
    let by_x = c.weight_gradient_with(method, &wrong_x, &g).unwrap();
    let by_g = c.weight_gradient_with(method, &x, &wrong_g).unwrap();
    let mut finite = 0;
    terms(c, |a, b, r| {
        if a == pixel {
            finite += usize::from(y[r].is_finite()) + usize::from(by_x[b].is_finite());
        }
        if r == result {
            finite += usize::from(gx[a].is_finite()) + usize::from(by_g[b].is_finite());
        }
    });
    assert_eq!(
        finite, 0,
        "{replaced} at {row}, {column}, {channel}, {method:?}"
    );
    let (y, gx) = (&y[..y.len() / 2], &gx[..gx.len() / 2]);
    assert!(y.iter().chain(gx).all(|value| value.is_finite()));
}

#[test]
fn values_that_are_not_finite_reach_all_their_results() {
    let c = Convolution {
        padding: 2,
        ..square(2, 9, 19, 21)
    };
    for instructions in Instructions::available() {
        for replaced in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [[0, 0, 0], [4, 5, 18], [8, 3, 16]] {
                check_spread(&c, method(instructions), replaced, at);
            }
        }
    }
}

#[test]
fn other_kernels_and_strides_are_errors() {
    for (kernel, stride) in [(1, 1), (3, 2), (5, 1)] {
        let c = Convolution {
            kernel,
            stride,
            padding: kernel / 2,
            ..square(1, 6, 2, 3)
        };
        let error = KernelError::Algorithm { kernel, stride };
        let (height, width) = c.output_size();
        let (x, w, g) = (
            vec![0.0_f32; 72],
            vec![0.0; kernel * kernel * 6],
            vec![0.0; height * width * 3],
        );
        let method = method(Instructions::detect());
        assert_eq!(c.forward_with(method, &x, &w).unwrap_err(), error);
        assert_eq!(c.input_gradient_with(method, &g, &w).unwrap_err(), error);
        assert_eq!(c.weight_gradient_with(method, &x, &g).unwrap_err(), error);
    }
}

#[test]
fn other_types_kernels_and_strides_are_computed_directly() {
    let c = square(2, 8, 64, 64);
    assert_eq!(c.method::<f64>().algorithm, Algorithm::Direct);
    assert_eq!(c.method::<f32>().instructions, Instructions::detect());
    for (kernel, stride) in [(1, 1), (3, 2)] {
        let c = Convolution {
            kernel,
            stride,
            ..c
        };
        assert_eq!(c.method::<f32>().algorithm, Algorithm::Direct);
    }
}
