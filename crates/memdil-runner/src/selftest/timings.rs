//! Times training steps and measures the memory bandwidth.

use std::time::{Duration, Instant};

use candle_core::Device;
use memdil_kernels::gpu::{
    Cuda, DeviceLoss, GpuMlp, Numbers, Samples, StoredPixels, StoredSamples,
};
use memdil_kernels::{Architecture, Decay, KernelError, Step};

use super::kernels::{BASE, SGD};
use super::report::Timing;
use super::training::spec;
use crate::error::RunnerError;
use crate::network::build::build_network;
use crate::prepare::Prepared;

/// Minimum duration of a timing.
const TIMED: Duration = Duration::from_millis(700);

/// Depth, width and batch size of the timed networks: the paper's network, and smaller ones.
const SIZES: [(usize, usize, usize); 3] = [(9, 2048, 16), (4, 512, 128), (4, 64, 16)];

pub(super) fn on_processor() -> Result<Vec<Timing>, RunnerError> {
    let timed = |&(depth, width, batch): &(usize, usize, usize)| {
        let model = format!("{{ kind = \"mlp\", depth = {depth}, width = {width} }}");
        let spec = spec(&model, batch, 1)?;
        let data = Prepared::new(&spec, &[])?;
        let mut network = build_network(&spec, data.train_inputs.shape(), 2, &Device::Cpu)?;
        let indices = &data.train[..batch];
        let inputs = data.train_inputs.batch(indices);
        let labels = data.observed(indices);
        let step = || network.step(&inputs, &labels, &spec.loss, 0.0).map(|_| ());
        let seconds = timed(step, || Ok(()))?;
        let count = network.parameter_count();
        Ok(timing((depth, width, batch), count, seconds, None))
    };
    SIZES.iter().map(timed).collect()
}

/// The memory bandwidth in GB/s, and the timings of steps.
pub(super) fn on_gpu(cuda: &Cuda) -> Result<(f64, Vec<Timing>), RunnerError> {
    let step = Step {
        learning_rate: 0.0,
        decay: Decay::Coupled(0.0),
        classifier_decay: Decay::Coupled(0.0),
        feature_decay: 0.0,
    };
    let loss = DeviceLoss::Smoothed { alpha: 0.0 };
    let (mut found, mut memory) = (Vec::new(), None);
    for (depth, width, batch) in SIZES {
        let (mut network, samples) = network(cuda, (depth, width, batch))?;
        let count = parameters((depth, width));
        let order: Vec<u32> = (0..samples.len() as u32).collect();
        let memory = match memory {
            Some(memory) => memory,
            None => {
                // A step on a wide batch stores gradients, so that the update can be timed alone.
                network.begin(&order, (0, 0.0), &loss, &step)?;
                network.step(&samples, WIDE)?;
                let seconds = timed(|| Ok(network.queue_update()?), || Ok(cuda.wait()?))?;
                // Parameters and momentum are read and written, gradients are read.
                *memory.insert(20.0 * count as f64 / seconds)
            }
        };
        let mut left = 0;
        let seconds = timed(
            || {
                if left < batch {
                    network.begin(&order, (0, 0.0), &loss, &step)?;
                    left = order.len();
                }
                left -= batch;
                Ok(network.step(&samples, batch)?)
            },
            || Ok(cuda.wait()?),
        )?;
        let size = (depth, width, batch);
        found.push(timing(size, count, seconds, Some(memory)));
    }
    Ok((memory.unwrap_or_default() / 1e9, found))
}

/// A batch size for which a step stores gradients.
const WIDE: usize = 64;
/// The number of values of a sample of the timed networks.
const INPUTS: usize = 3072;

fn parameters((depth, width): (usize, usize)) -> usize {
    INPUTS * width
        + (depth - 2) * width * width
        + 3 * (depth - 1) * width
        + 2 * width
        + 3 * 2
        + 2 * 2
        + 2
}

/// A network with three-channel inputs, and random samples, on a GPU.
fn network(
    cuda: &Cuda,
    (depth, width, batch): (usize, usize, usize),
) -> Result<(GpuMlp<Cuda>, Samples<Cuda>), KernelError> {
    let architecture = Architecture {
        inputs: INPUTS,
        depth,
        width,
        features: 2,
        classes: 2,
        ..BASE
    };
    let mut network = GpuMlp::new(cuda.clone(), architecture, SGD, batch.max(WIDE))?;
    let mut numbers = Numbers(3);
    for tensor in network.tensors() {
        let [inputs, outputs] = tensor.shape[..] else {
            continue;
        };
        let scale = (inputs as f32).sqrt().recip();
        let mut values = numbers.values(inputs * outputs);
        values.iter_mut().for_each(|value| *value *= scale);
        network.set(&tensor.name, &values)?;
    }
    let count = 256 * batch.max(16);
    let bytes: Vec<u8> = (0..count * INPUTS / 3)
        .map(|_| numbers.below(256) as u8)
        .collect();
    let labels: Vec<u32> = (0..count as u32).map(|i| i % 2).collect();
    let (pixels, constants) = (StoredPixels::Bytes(&bytes), [(1.0 / 128.0, -1.0)]);
    let stored = StoredSamples {
        pixels,
        plane: INPUTS / 3,
        constants: &constants,
        copies: 3,
        labels: &labels,
    };
    let samples = Samples::new(cuda, &stored)?;
    Ok((network, samples))
}

fn timing(
    (depth, width, batch): (usize, usize, usize),
    parameters: usize,
    seconds: f64,
    memory: Option<f64>,
) -> Timing {
    let least = 20.0 * parameters as f64;
    Timing {
        name: format!("depth {depth}, width {width}, batch {batch}"),
        milliseconds: 1e3 * seconds,
        least_mb: least / 1e6,
        over_roof: memory.map(|memory| seconds * memory / least),
    }
}

/// The mean seconds of a call, after three calls that are not counted.
fn timed(
    mut call: impl FnMut() -> Result<(), RunnerError>,
    wait: impl Fn() -> Result<(), RunnerError>,
) -> Result<f64, RunnerError> {
    (0..3).try_for_each(|_| call())?;
    wait()?;
    let began = Instant::now();
    let mut calls = 0;
    while calls < 5 || began.elapsed() < TIMED {
        for _ in 0..5 {
            call()?;
        }
        calls += 5;
        // Wait regularly to keep the queue short.
        if calls % 100 == 0 {
            wait()?;
        }
    }
    wait()?;
    Ok(began.elapsed().as_secs_f64() / f64::from(calls))
}
