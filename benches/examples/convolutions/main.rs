//! Operations, errors and times of the convolutions of ResNet-18 and VGG-11, by algorithm.
//!
//! ```text
//! cargo run -p memdil-benches --example convolutions -- count|errors|times
//! ```
//!
//! `count` prints the operations of a training step layer by layer, `errors` the errors in f32
//! against f64, and `times` the times of both implemented algorithms, with RAYON_NUM_THREADS threads.
#![allow(clippy::print_stdout)]

mod count;
mod errors;
mod times;

use memdil_kernels::Convolution;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("count") => count::run(),
        Some("errors") => errors::run()?,
        Some("times") => times::run()?,
        _ => return Err("usage: convolutions count|errors|times".into()),
    }
    Ok(())
}

/// The different 3x3 convolutions of stride 1 of ResNet-18 and VGG-11 with 64 channels, for 128
/// images of 32 by 32 pixels, and two with fewer channels: inputs, outputs, rows of the images, and
/// their number in both networks.
const LAYERS: [(usize, usize, usize, [usize; 2]); 11] = [
    (3, 64, 32, [1, 1]),
    (64, 64, 32, [4, 0]),
    (64, 128, 16, [0, 1]),
    (128, 128, 16, [3, 0]),
    (128, 256, 8, [0, 1]),
    (256, 256, 8, [3, 1]),
    (256, 512, 4, [0, 1]),
    (512, 512, 4, [3, 1]),
    (512, 512, 2, [0, 2]),
    (16, 16, 32, [0, 0]),
    (8, 8, 32, [0, 0]),
];

fn layer(inputs: usize, outputs: usize, size: usize) -> Convolution {
    Convolution {
        images: 128,
        height: size,
        width: size,
        inputs,
        outputs,
        kernel: 3,
        stride: 1,
        padding: 1,
    }
}

/// Numbers in [-1, 1) with 24 bits, exact in f32.
fn values(n: usize, seed: usize) -> Vec<f32> {
    let mixed = |i: usize| (i + seed * 1_000_003).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    (0..n)
        .map(|i| mixed(i) as f32 / 8_388_608.0 - 1.0)
        .collect()
}
