//! The gradient of a convolution's weights, in blocks of channels.

use rayon::prelude::*;

use super::compiled::ConvolutionElement;
use super::correlate::{CorrelationTask, PixelPairs};
use super::sizes::{Convolution, GROUP_BYTES};
use crate::vector::Instructions;

pub(super) fn run<T: ConvolutionElement>(
    sizes: &Convolution,
    instructions: Instructions,
    x: &[T],
    g: &[T],
) -> Vec<T> {
    let panel = T::panel_width(instructions);
    let Convolution {
        kernel,
        inputs,
        outputs,
        images,
        ..
    } = *sizes;
    let (input_panels, output_panels) = (inputs.div_ceil(panel), outputs.div_ceil(panel));
    let group = (GROUP_BYTES / (sizes.input_values() * size_of::<T>())).clamp(1, images);
    let pairs = [group, images % group].map(|images| PixelPairs::new(sizes, images, panel));
    // Each task packs its own operands, so a few large tasks are fastest. Every sum is computed
    // within one task, so the results do not depend on the number of tasks.
    let tasks = 2 * rayon::current_num_threads();
    let outputs_at_once = output_panels.div_ceil(tasks);
    let inputs_at_once = input_panels.div_ceil((tasks / output_panels).max(1));
    let grid: Vec<_> = (0..output_panels)
        .step_by(outputs_at_once)
        .flat_map(|o| {
            (0..input_panels)
                .step_by(inputs_at_once)
                .map(move |i| (o, i))
        })
        .collect();
    let parts: Vec<_> = grid
        .into_par_iter()
        .map(|(o, i)| {
            let outputs = (o, output_panels.min(o + outputs_at_once));
            let inputs = (i, input_panels.min(i + inputs_at_once));
            let values =
                (outputs.1 - outputs.0) * (inputs.1 - inputs.0) * kernel * kernel * panel * panel;
            let mut sums = vec![T::default(); values];
            let task = CorrelationTask {
                sizes,
                x,
                g,
                group,
                pairs: &pairs,
                outputs,
                inputs,
                sums: &mut sums,
            };
            T::correlate(instructions, task);
            (outputs, inputs, sums)
        })
        .collect();
    let mut gradient = vec![T::default(); kernel * kernel * inputs * outputs];
    for ((first_output, end), (first_input, last), sums) in parts {
        let mut blocks = sums.chunks_exact(panel * panel);
        for o in first_output..end {
            for i in first_input..last {
                for (tap, block) in (0..kernel * kernel).zip(&mut blocks) {
                    let columns = panel.min(outputs - o * panel);
                    for (channel, row) in block
                        .chunks_exact(panel)
                        .take(inputs - i * panel)
                        .enumerate()
                    {
                        let at = (tap * inputs + i * panel + channel) * outputs + o * panel;
                        gradient[at..][..columns].copy_from_slice(&row[..columns]);
                    }
                }
            }
        }
    }
    gradient
}
