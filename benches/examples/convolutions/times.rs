//! Times of both implemented algorithms.

use std::time::Instant;

use memdil_kernels::{Algorithm, Convolution, Instructions, KernelError, Method};

use crate::{LAYERS, layer, values};

/// Repetitions, of which the fastest counts.
const REPETITIONS: usize = 5;

pub(crate) fn run() -> Result<(), KernelError> {
    memdil_runner::keep_freed_memory();
    println!("least ms: forward, gradient of the images, gradient of the weights");
    println!("| instructions | inputs | outputs | image | direct | Winograd | ratio |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for instructions in Instructions::available().into_iter().skip(1) {
        for (inputs, outputs, size, _) in LAYERS {
            let sizes = layer(inputs, outputs, size);
            let direct = measure(&sizes, instructions, Algorithm::Direct)?;
            let winograd = measure(&sizes, instructions, Algorithm::Winograd)?;
            let all = |times: [f64; 3]| times.map(|ms| format!("{ms:.2}")).join(" ");
            println!(
                "| {instructions:?} | {inputs} | {outputs} | {size}x{size} | {} | {} | {:.2} |",
                all(direct),
                all(winograd),
                winograd.iter().sum::<f64>() / direct.iter().sum::<f64>(),
            );
        }
    }
    Ok(())
}

fn measure(
    sizes: &Convolution,
    instructions: Instructions,
    algorithm: Algorithm,
) -> Result<[f64; 3], KernelError> {
    let pixels = sizes.images * sizes.height * sizes.width;
    let (x, g) = (
        values(pixels * sizes.inputs, 1),
        values(pixels * sizes.outputs, 3),
    );
    let w = values(9 * sizes.inputs * sizes.outputs, 2);
    let method = Method {
        algorithm,
        instructions,
    };
    let mut least = [f64::INFINITY; 3];
    for _ in 0..REPETITIONS {
        let mut note = |at: usize, start: Instant| {
            least[at] = least[at].min(start.elapsed().as_secs_f64() * 1e3);
        };
        let start = Instant::now();
        let y = sizes.forward_with(method, &x, &w)?;
        note(0, start);
        let start = Instant::now();
        let of_x = sizes.input_gradient_with(method, &g, &w)?;
        note(1, start);
        let start = Instant::now();
        let of_w = sizes.weight_gradient_with(method, &x, &g)?;
        note(2, start);
        std::hint::black_box((y, of_x, of_w));
    }
    Ok(least)
}
