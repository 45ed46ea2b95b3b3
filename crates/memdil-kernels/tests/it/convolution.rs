//! Direct convolutions compared with their sums, written out as loops.

use memdil_kernels::{
    Algorithm, Convolution, ConvolutionElement, Element, Instructions, KernelError, Method,
};
use proptest::prelude::*;

/// Visits every term of the sum: its index in the images, in the weights and in the result.
pub(crate) fn terms(c: &Convolution, mut visit: impl FnMut(usize, usize, usize)) {
    let (height, width) = c.output_size();
    for n in 0..c.images {
        for (i, j) in (0..height).flat_map(|i| (0..width).map(move |j| (i, j))) {
            for (u, v) in (0..c.kernel).flat_map(|u| (0..c.kernel).map(move |v| (u, v))) {
                let (y, x) = (i * c.stride + u, j * c.stride + v);
                let inside = |at: usize, size: usize| at >= c.padding && at - c.padding < size;
                if !inside(y, c.height) || !inside(x, c.width) {
                    continue;
                }
                let pixel = (n * c.height + y - c.padding) * c.width + x - c.padding;
                for (input, output) in
                    (0..c.inputs).flat_map(|a| (0..c.outputs).map(move |b| (a, b)))
                {
                    visit(
                        pixel * c.inputs + input,
                        ((u * c.kernel + v) * c.inputs + input) * c.outputs + output,
                        ((n * height + i) * width + j) * c.outputs + output,
                    );
                }
            }
        }
    }
}

fn sizes() -> impl Strategy<Value = Convolution> {
    let channels = || prop_oneof![1usize..40, Just(16), Just(32), Just(270)];
    (
        (1usize..8, 1usize..10, 1usize..10),
        (channels(), channels()),
        (1usize..5, 1usize..4, 0usize..3),
    )
        .prop_filter_map(
            "kernel larger than the padded image",
            |((images, height, width), (inputs, outputs), (kernel, stride, padding))| {
                let fits = height.min(width) + 2 * padding >= kernel;
                fits.then_some(Convolution {
                    images,
                    height,
                    width,
                    inputs,
                    outputs,
                    kernel,
                    stride,
                    padding,
                })
            },
        )
}

/// Numbers in [-1, 1) with 24 bits, exact in both types.
pub(crate) fn values<T: Element>(n: usize, seed: usize) -> Vec<T> {
    let mixed = |i: usize| (i + seed * 1_000_003).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    (0..n)
        .map(|i| T::from_f64(mixed(i) as f64 / 8_388_608.0 - 1.0))
        .collect()
}

fn close<T: Element>(found: &[T], expected: &[f64], terms: usize, unit: f64) {
    assert_eq!(found.len(), expected.len());
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let bound = unit * (terms as f64 + 4.0) * (1.0 + expected.abs());
        assert!(
            (found.to_f64() - expected).abs() <= bound,
            "at {at}: {found:?}, not {expected}"
        );
    }
}

/// The inputs of a convolution, exact in f32, and its three sums.
struct Expected {
    inputs: [Vec<f64>; 3],
    sums: [Vec<f64>; 3],
}

impl Expected {
    fn new(c: &Convolution) -> Self {
        let (height, width) = c.output_size();
        let (pixels, results) = (c.images * c.height * c.width, c.images * height * width);
        let weights = c.kernel * c.kernel * c.inputs * c.outputs;
        let (x, w, g) = (
            values::<f64>(pixels * c.inputs, 1),
            values::<f64>(weights, 2),
            values::<f64>(results * c.outputs, 3),
        );
        let [mut y, mut gx, mut gw] = [g.len(), x.len(), w.len()].map(|n| vec![0.0; n]);
        terms(c, |a, b, r| {
            y[r] += x[a] * w[b];
            gx[a] += g[r] * w[b];
            gw[b] += g[r] * x[a];
        });
        Self {
            inputs: [x, w, g],
            sums: [y, gx, gw],
        }
    }

    fn check<T: ConvolutionElement>(&self, c: &Convolution, instructions: Instructions, unit: f64) {
        let of_type = |values: &Vec<f64>| -> Vec<T> {
            let numbers = values.iter().map(|&value| T::from_f64(value));
            numbers.collect()
        };
        let [x, w, g] = self.inputs.each_ref().map(of_type);
        let [y, gx, gw] = &self.sums;
        let taps = c.kernel * c.kernel;
        let method = Method {
            algorithm: Algorithm::Direct,
            instructions,
        };
        let found = c.forward_with(method, &x, &w).unwrap();
        close(&found, y, taps * c.inputs, unit);
        let found = c.input_gradient_with(method, &g, &w).unwrap();
        close(&found, gx, taps * c.outputs, unit);
        let found = c.weight_gradient_with(method, &x, &g).unwrap();
        close(&found, gw, g.len() / c.outputs, unit);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn all_passes_match_their_sums(c in sizes()) {
        let expected = Expected::new(&c);
        for instructions in Instructions::available() {
            expected.check::<f64>(&c, instructions, 1e-15);
            expected.check::<f32>(&c, instructions, 1e-6);
        }
    }
}

/// Sizes with several groups of images, blocks of rows and blocks of channels.
#[test]
fn large_convolutions_match_their_sums() {
    let c = Convolution {
        images: 9,
        height: 32,
        width: 32,
        inputs: 64,
        outputs: 24,
        kernel: 3,
        stride: 1,
        padding: 1,
    };
    Expected::new(&c).check::<f32>(&c, Instructions::detect(), 1e-6);
    let c = Convolution {
        images: 30,
        height: 4,
        width: 4,
        inputs: 300,
        outputs: 20,
        kernel: 3,
        stride: 2,
        padding: 1,
    };
    Expected::new(&c).check::<f32>(&c, Instructions::detect(), 1e-6);
}

/// Checks that all passes in f32 have the same bits for any number of threads.
pub(crate) fn check_threads(c: &Convolution, algorithm: Algorithm) {
    let method = Method {
        algorithm,
        instructions: Instructions::detect(),
    };
    let (height, width) = c.output_size();
    let (x, w, g) = (
        values::<f32>(c.images * c.height * c.width * c.inputs, 1),
        values::<f32>(c.kernel * c.kernel * c.inputs * c.outputs, 2),
        values::<f32>(c.images * height * width * c.outputs, 3),
    );
    let passes = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let all = || {
            [
                c.forward_with(method, &x, &w).unwrap(),
                c.input_gradient_with(method, &g, &w).unwrap(),
                c.weight_gradient_with(method, &x, &g).unwrap(),
            ]
        };
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        pool.build().unwrap().install(all).map(bits)
    };
    let one = passes(1);
    for threads in [2, 5] {
        assert!(one == passes(threads), "{threads} threads");
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let c = Convolution {
        images: 13,
        height: 8,
        width: 8,
        inputs: 40,
        outputs: 70,
        kernel: 3,
        stride: 1,
        padding: 1,
    };
    check_threads(&c, Algorithm::Direct);
}

#[test]
fn invalid_sizes_are_errors() {
    let c = Convolution {
        images: 1,
        height: 2,
        width: 2,
        inputs: 1,
        outputs: 1,
        kernel: 3,
        stride: 1,
        padding: 0,
    };
    let error = c.forward(&[0.0_f32; 4], &[0.0; 9]).unwrap_err();
    assert_eq!(
        error,
        KernelError::Size {
            name: "height",
            value: 2,
            least: 3
        }
    );
    let c = Convolution { padding: 1, ..c };
    let error = c.forward(&[0.0_f32; 3], &[0.0; 9]).unwrap_err();
    assert_eq!(
        error,
        KernelError::Length {
            name: "images".to_owned(),
            found: 3,
            expected: 4
        }
    );
    assert!(c.weight_gradient(&[0.0_f32; 4], &[0.0; 5]).is_err());
    assert!(c.input_gradient(&[0.0_f32; 4], &[0.0; 8]).is_err());
    assert!(
        Convolution { stride: 0, ..c }
            .forward(&[0.0_f32; 4], &[0.0; 9])
            .is_err()
    );
}
