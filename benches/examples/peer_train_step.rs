//! Times a training step of the paper's MLP and of convolutional networks, for comparison with
//! PyTorch. Run by `cargo xtask bench --peers`.
//!
//! `sizes` lists the cases as DEPTH/WIDTH/BATCH, `resnet18/WIDTH/BATCH` and so on.
//! `time SIZE SECONDS` prints one JSON object: median and minimum in milliseconds, the number of
//! steps, the memory of parameters and the peak of additional memory in MiB, and the growth of
//! memory after the first tenth of the time. RAYON_NUM_THREADS sets the number of threads.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Instant;

use candle_core::Device;
use memdil_benches::memory;
use memdil_kernels::{Activation, Architecture, Decay, Mlp, Norm, Optimizer, Step, TensorRole};
use memdil_losses::Loss;
use memdil_records::RunSpec;
use memdil_runner::{build_network, keep_freed_memory};
use ndarray::ArrayView2;
use serde_json::json;

const SIZES: [&str; 6] = [
    "4/64/128",
    "4/512/128",
    "9/2048/16",
    "9/2048/128",
    "resnet18/64/128",
    "vgg11/64/128",
];
const INPUTS: usize = 3072;
const CLASSES: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    keep_freed_memory();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["sizes"] => SIZES.iter().for_each(|size| println!("{size}")),
        ["time", size, seconds] => time(size, seconds.parse()?)?,
        _ => return Err("usage: peer_train_step sizes | time SIZE SECONDS".into()),
    }
    Ok(())
}

fn time(size: &str, seconds: f64) -> Result<(), Box<dyn Error>> {
    let parts: Vec<&str> = size.split('/').collect();
    let [network, width, batch] = parts[..] else {
        return Err("SIZE: must be NETWORK/WIDTH/BATCH".into());
    };
    let (width, batch) = (width.parse()?, batch.parse()?);
    let mut random = random();
    let inputs: Vec<f32> = (0..batch * INPUTS).map(|_| random()).collect();
    let labels: Vec<u32> = (0..batch).map(|_| u32::from(random() > 0.0)).collect();
    let before = memory("VmRSS");
    match network.parse() {
        Ok(depth) => perceptron(depth, width, &inputs, &labels, before, seconds),
        Err(_) => convolutional(network, width, &inputs, &labels, before, seconds),
    }
}

fn convolutional(
    network: &str,
    width: usize,
    inputs: &[f32],
    labels: &[u32],
    before: Option<f64>,
    seconds: f64,
) -> Result<(), Box<dyn Error>> {
    let at = network
        .find(|c: char| c.is_ascii_digit())
        .ok_or("NETWORK: must be a depth or a name such as resnet18 or vgg11")?;
    let (kind, depth) = (&network[..at], network[at..].parse::<usize>()?);
    let spec: RunSpec = serde_json::from_value(json!({
        "experiment": "peer", "seed": 1, "loss": {"kind": "cross_entropy"},
        "data": {"source": "fashion-mnist", "classes": [0, 1], "input": "authors", "validation": 0.0},
        "noise": {"kind": "uniform", "eta": 0.0}, "model": {"kind": kind, "depth": depth, "width": width},
        "optimizer": {"kind": "sgd", "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 5e-4},
        "schedule": {"kind": "step", "patience": 1, "gamma": 1.0},
        "training": {"epochs": 1, "batch_size": labels.len(), "evaluate_every": 1},
    }))?;
    spec.validate()?;
    let mut network = build_network(&spec, (3, 32, 32), CLASSES, &Device::Cpu)?;
    let parameters = network.parameter_count();
    repeat(seconds, parameters, before, || {
        let start = Instant::now();
        network.step(inputs, labels, &spec.loss, 0.01)?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    })
}

fn perceptron(
    depth: usize,
    width: usize,
    inputs: &[f32],
    labels: &[u32],
    before: Option<f64>,
    seconds: f64,
) -> Result<(), Box<dyn Error>> {
    let batch = labels.len();
    let mut random = random();
    let (norm, activation) = (Norm::Batch, Activation::Relu);
    let architecture = Architecture {
        inputs: INPUTS,
        depth,
        width,
        features: CLASSES,
        classes: CLASSES,
        norm,
        activation,
        fixed_classifier: false,
    };
    let mut mlp = Mlp::<f32>::new(
        architecture,
        Optimizer::Sgd {
            momentum: 0.9,
            nesterov: false,
        },
    )?;
    let mut parameters = 0;
    for tensor in mlp
        .tensors()
        .into_iter()
        .filter(|tensor| tensor.role == TensorRole::Parameter)
    {
        let values: usize = tensor.shape.iter().product();
        parameters += values;
        if !tensor.name.contains("norm") {
            let scale = 1.0 / (tensor.shape[0] as f32).sqrt();
            mlp.set(
                &tensor.name,
                &(0..values).map(|_| scale * random()).collect::<Vec<_>>(),
            )?;
        }
    }
    let decay = Decay::Coupled(5e-4);
    let step = Step {
        learning_rate: 0.01,
        decay,
        classifier_decay: decay,
        feature_decay: 0.0,
    };
    repeat(seconds, parameters, before, || {
        let start = Instant::now();
        let logits: Vec<f64> = mlp.forward(inputs)?.into_iter().map(f64::from).collect();
        let logits = ArrayView2::from_shape((batch, CLASSES), &logits)?;
        let (_, gradient) = Loss::CrossEntropy {}.value_and_gradient(logits, labels)?;
        mlp.backward(
            &gradient.iter().map(|&g| g as f32).collect::<Vec<_>>(),
            &step,
        )?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    })
}

/// Repeats a step for the given number of seconds and prints the results.
fn repeat(
    seconds: f64,
    parameters: usize,
    before: Option<f64>,
    mut once: impl FnMut() -> Result<f64, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    // The first step allocates memory and is not timed.
    once()?;
    let (mut times, start) = (Vec::new(), Instant::now());
    let mut early = None;
    while start.elapsed().as_secs_f64() < seconds || times.len() < 3 {
        times.push(once()?);
        if early.is_none() && start.elapsed().as_secs_f64() > seconds / 10.0 {
            early = memory("VmRSS");
        }
    }
    let difference = |a: Option<f64>, b: Option<f64>| {
        a.zip(b)
            .map_or("null".to_owned(), |(a, b)| (a - b).to_string())
    };
    let (peak, growth) = (
        difference(memory("VmHWM"), before),
        difference(memory("VmRSS"), early),
    );
    times.sort_by(f64::total_cmp);
    println!(
        r#"{{"ms": {}, "least_ms": {}, "steps": {}, "parameters_mib": {}, "extra_mib": {peak}, "growth_mib": {growth}}}"#,
        times[times.len() / 2],
        times[0],
        times.len(),
        parameters as f64 * 4.0 / 1024.0 / 1024.0,
    );
    Ok(())
}

/// A generator of pseudorandom numbers in [-1, 1).
fn random() -> impl FnMut() -> f32 {
    let mut state = 1u64;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}
